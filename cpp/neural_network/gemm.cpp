#include "gemm.hpp"

#include <algorithm>
#include <cstring>

namespace minimand::neural_network {
namespace {

// As many accumulators as the register file holds beside one row of B: 32 registers with AVX-512, 16 without.
constexpr int kTileRows = simd::kLanes == 8 ? 8 : 4;
constexpr int kTileVectors = 3;
constexpr Index kDepth = 192;                // of a packed panel of B: it stays in L1
constexpr Index kDirectBytes = 16384;        // B of at most so much is read where it is
constexpr double kParallelWork = 250'000.0;  // multiply-adds that are worth a second thread

template <class T>
constexpr int kWidth = kTileVectors * kLanesOf<T>;

template <class T>
inline PackOf<T> load_some(const T* p, Index count) {
    return count >= kLanesOf<T> ? simd::load(p) : simd::load_part(p, count);
}

template <class T>
inline void store_some(T* p, const PackOf<T>& a, Index count) {
    if (count >= kLanesOf<T>)
        simd::store(p, a);
    else
        simd::store_part(p, a, count);
}

// One tile of C. `columns` of it are wanted, counted from its left edge.
template <class T>
struct Tile {
    const T* A;
    Index lda;
    const T* B;
    Index ldb;
    const Index* rows;  // where the rows of B begin, or null
    Index depth;
    T* C;
    Index ldc, columns;
    bool accumulate;
    const T* bias;  // whole vectors, or null
    Activation activation;
    T slope;
};

// kAcross: A is read along its rows (stride 1 in i).
template <class T, int R, int V, bool kAcross, bool kRows>
void tile(const Tile<T>& t) {
    constexpr int L = kLanesOf<T>;
    PackOf<T> acc[R][V];
    for (int i = 0; i < R; ++i)
        for (int v = 0; v < V; ++v)
            acc[i][v] = t.accumulate ? load_some(t.C + i * t.ldc + v * L, t.columns - v * L) : pack<T>(0);
    const T *a = t.A, *b = t.B;
    const Index lda = t.lda;
    for (Index k = 0; k < t.depth; ++k) {
        const T* row = kRows ? t.B + t.rows[k] : b;
        PackOf<T> bv[V];
        for (int v = 0; v < V; ++v) bv[v] = simd::load(row + v * L);
        for (int i = 0; i < R; ++i) {
            const auto ai = pack<T>(kAcross ? a[i] : a[i * lda]);
            for (int v = 0; v < V; ++v) acc[i][v] = simd::fma(ai, bv[v], acc[i][v]);
        }
        a += kAcross ? lda : 1;
        if (!kRows) b += t.ldb;
    }
    if (t.bias)
        for (int v = 0; v < V; ++v) {
            const auto bias = simd::load(t.bias + v * L);
            for (int i = 0; i < R; ++i) acc[i][v] = simd::add(acc[i][v], bias);
        }
    if (t.activation == Activation::relu)
        for (int i = 0; i < R; ++i)
            for (int v = 0; v < V; ++v) acc[i][v] = activate<T>(acc[i][v], Activation::relu, t.slope);
    for (int i = 0; i < R; ++i)
        for (int v = 0; v < V; ++v) store_some(t.C + i * t.ldc + v * L, acc[i][v], t.columns - v * L);
    if (t.activation == Activation::none || t.activation == Activation::relu) return;
    for (int i = 0; i < R; ++i)
        for (int v = 0; v < V; ++v) {
            T* c = t.C + i * t.ldc + v * L;
            const Index count = t.columns - v * L;
            store_some(c, activate<T>(load_some(c, count), t.activation, t.slope), count);
        }
}

template <class T>
using TileFunction = void (*)(const Tile<T>&);

// So many rows, as far as a tile has them: what is beyond is never called.
template <int kRows>
constexpr int kAtMost = kRows < kTileRows ? kRows : kTileRows;

template <class T, int V, bool kAcross, bool kRows>
TileFunction<T> tile_of_rows(Index rows) {
    static constexpr TileFunction<T> table[] = {
        tile<T, 1, V, kAcross, kRows>,          tile<T, 2, V, kAcross, kRows>,
        tile<T, 3, V, kAcross, kRows>,          tile<T, 4, V, kAcross, kRows>,
        tile<T, kAtMost<5>, V, kAcross, kRows>, tile<T, kAtMost<6>, V, kAcross, kRows>,
        tile<T, kAtMost<7>, V, kAcross, kRows>, tile<T, kAtMost<8>, V, kAcross, kRows>};
    return table[rows - 1];
}

template <class T, bool kRows>
TileFunction<T> choose_tile(Index rows, Index vectors, bool across) {
    if (across) {
        if (vectors == 1) return tile_of_rows<T, 1, true, kRows>(rows);
        if (vectors == 2) return tile_of_rows<T, 2, true, kRows>(rows);
        return tile_of_rows<T, 3, true, kRows>(rows);
    }
    if (vectors == 1) return tile_of_rows<T, 1, false, kRows>(rows);
    if (vectors == 2) return tile_of_rows<T, 2, false, kRows>(rows);
    return tile_of_rows<T, 3, false, kRows>(rows);
}

// Part p of `count` things in `parts` runs that differ by one at most.
struct Run {
    Index begin, size;
};
inline Run part(Index count, Index parts, Index p) {
    const Index begin = count * p / parts;
    return {begin, count * (p + 1) / parts - begin};
}
inline Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }

// All tiles of rows first..first+size of one panel of C.
template <class T, bool kRows>
void tiles_down(Tile<T> t, const Left<T>& A, T* C, Index first, Index size, Index vectors) {
    const Index tiles = ceil_div(size, kTileRows);
    const bool across = A.row == 1 && A.column != 1;
    const T* a = t.A;
    for (Index n = 0; n < tiles; ++n) {
        const Run rows = part(size, tiles, n);
        t.A = a + (first + rows.begin) * A.row;
        t.C = C + (first + rows.begin) * t.ldc;
        choose_tile<T, kRows>(rows.size, vectors, across)(t);
    }
}

template <class T>
void pack_rows(const Right<T>& B, Index k0, Index depth, Index j0, Index columns, Index width, T* packed) {
    for (Index k = 0; k < depth; ++k, packed += width) {
        const T* row = B.data + (k0 + k) * B.ld + j0;
        for (Index v = 0; v < width; v += kLanesOf<T>) {
            const Index left = columns - v;
            simd::store(packed + v, load_some(row + v, left));
        }
    }
}

template <class T>
void pack_transposed(const Right<T>& B, Index k0, Index depth, Index j0, Index columns, Index width, T* packed) {
    constexpr int L = kLanesOf<T>;
    for (Index v = 0; v < width; v += L)
        for (Index k = 0; k < depth; k += L) {
            Eigen::internal::PacketBlock<PackOf<T>, L> block;
            const Index rows = std::min<Index>(L, columns - v), deep = std::min<Index>(L, depth - k);
            const T* from = B.data + (j0 + v) * B.ld + k0 + k;
            for (Index r = 0; r < rows; ++r) block.packet[r] = load_some(from + r * B.ld, deep);
            for (Index r = rows; r < L; ++r) block.packet[r] = pack<T>(0);
            Eigen::internal::ptranspose(block);
            for (Index r = 0; r < deep; ++r) simd::store(packed + (k + r) * width + v, block.packet[r]);
        }
}

// Rows `rows` of the panel of columns that starts at j0.
template <class T>
void panel(Index N, Index K, const Left<T>& A, const Right<T>& B, const Target<T>& C, Index j0, Index vectors, Run rows,
           bool direct) {
    constexpr int L = kLanesOf<T>;
    alignas(64) T packed[kDepth * kWidth<T>];
    alignas(64) T bias[kWidth<T>] = {};
    const Index width = vectors * L, columns = std::min<Index>(width, N - j0);
    if (C.bias) std::memcpy(bias, C.bias + j0, static_cast<std::size_t>(columns) * sizeof(T));
    const bool in_place = direct && !B.transposed && columns == width;
    const Index step = in_place ? std::max<Index>(K, 1) : kDepth;
    for (Index k = 0; k < std::max<Index>(K, 1); k += step) {
        const Index depth = std::min(step, K - k);
        const bool last = k + step >= K;
        if (!in_place && B.transposed) pack_transposed(B, k, depth, j0, columns, width, packed);
        if (!in_place && !B.transposed) pack_rows(B, k, depth, j0, columns, width, packed);
        const Tile<T> t{A.data + k * A.column,
                        A.row == 1 && A.column != 1 ? A.column : A.row,
                        in_place ? B.data + k * B.ld + j0 : packed,
                        in_place ? B.ld : width,
                        nullptr,
                        depth,
                        nullptr,
                        C.ld,
                        C.padded ? width : columns,
                        C.accumulate || k > 0,
                        last && C.bias ? bias : nullptr,
                        last ? C.activation : Activation::none,
                        C.slope};
        tiles_down<T, false>(t, A, C.data + j0, rows.begin, rows.size, vectors);
    }
}

}  // namespace

template <class T>
void multiply(Index M, Index N, Index K, const Left<T>& A, const Right<T>& B, const Target<T>& C, Team& team) {
    if (M == 0 || N == 0) return;
    const Index vectors = ceil_div(N, kLanesOf<T>), panels = ceil_div(vectors, kTileVectors);
    const bool direct = M <= kTileRows || K * B.ld * static_cast<Index>(sizeof(T)) <= kDirectBytes;
    const double work = static_cast<double>(M) * static_cast<double>(N) * static_cast<double>(K);
    const Index helpers = work < 2.0 * kParallelWork ? 1 : team.threads();
    // How C is cut has no influence on its bits. Rows are cut only as far as the panels alone do not occupy the team.
    const Index wanted = helpers == 1 ? 1 : ceil_div(4 * helpers, panels);
    const Index cuts = std::clamp<Index>(std::min(wanted, M / (4 * kTileRows)), 1, 64);
    const auto task = [&](Index t) {
        const Run run = part(vectors, panels, t / cuts);
        panel(N, K, A, B, C, run.begin * kLanesOf<T>, run.size, part(M, cuts, t % cuts), direct);
    };
    if (helpers > 1) return team.run(panels * cuts, task);
    for (Index t = 0; t < panels * cuts; ++t) task(t);
}

template <class T>
void multiply_rows(Index M, Index N, Index K, const Left<T>& A, const T* data, const Index* rows, T* C, Index ldc,
                   bool accumulate) {
    const Index vectors = ceil_div(N, kLanesOf<T>), panels = ceil_div(vectors, kTileVectors);
    for (Index p = 0; p < panels; ++p) {
        const Run run = part(vectors, panels, p);
        const Index j0 = run.begin * kLanesOf<T>;
        const Tile<T> t{A.data,
                        A.row == 1 && A.column != 1 ? A.column : A.row,
                        data + j0,
                        0,
                        rows,
                        K,
                        nullptr,
                        ldc,
                        run.size * kLanesOf<T>,
                        accumulate,
                        nullptr,
                        Activation::none,
                        T(0)};
        tiles_down<T, true>(t, A, C + j0, 0, M, run.size);
    }
}

namespace {

// The sum of a vector, by halves.
template <class T>
inline T sum_of(const PackOf<T>& a) {
    alignas(64) T part[kLanesOf<T>];
    simd::store(part, a);
    for (int half = kLanesOf<T> / 2; half > 0; half /= 2)
        for (int i = 0; i < half; ++i) part[i] += part[i + half];
    return part[0];
}

// Dot products of long rows: A by `lda` and `next_A`, B by `rows` and `next`.
template <class T>
struct Dots {
    Index N, S;
    const T* A;
    Index lda, next_A;
    const T* data;
    const Index* rows;
    Index next;
    T* C;
    Index ldc;
};

// R x V of them side by side.
template <class T, int R, int V>
void dots(const Dots<T>& d) {
    PackOf<T> acc[R][V];
    for (int i = 0; i < R; ++i)
        for (int v = 0; v < V; ++v) acc[i][v] = pack<T>(0);
    for (Index s = 0; s < d.S; ++s) {
        const T *a = d.A + s * d.next_A, *b = d.data + s * d.next;
        for (Index j = 0; j < d.N; j += kLanesOf<T>) {
            PackOf<T> bv[V];
            for (int v = 0; v < V; ++v) bv[v] = simd::load(b + d.rows[v] + j);
            for (int i = 0; i < R; ++i) {
                const auto ai = simd::load(a + i * d.lda + j);
                for (int v = 0; v < V; ++v) acc[i][v] = simd::fma(ai, bv[v], acc[i][v]);
            }
        }
    }
    for (int i = 0; i < R; ++i)
        for (int v = 0; v < V; ++v) d.C[i * d.ldc + v] += sum_of<T>(acc[i][v]);
}

template <class T, int R>
void dots_across(Dots<T> d, Index K) {
    constexpr int V = kTileRows == 8 ? 5 : 2;
    for (; K >= V; K -= V, d.rows += V, d.C += V) dots<T, R, V>(d);
    for (; K > 0; --K, ++d.rows, ++d.C) dots<T, R, 1>(d);
}

}  // namespace

template <class T>
void multiply_transposed_rows(Index M, Index K, Index N, Index S, const T* A, Index lda, Index next_A, const T* data,
                              const Index* rows, Index next, T* C, Index ldc) {
    Dots<T> d{N, S, A, lda, next_A, data, rows, next, C, ldc};
    for (; M >= 4; M -= 4, d.A += 4 * lda, d.C += 4 * ldc) dots_across<T, 4>(d, K);
    if (M == 3) dots_across<T, 3>(d, K);
    if (M == 2) dots_across<T, 2>(d, K);
    if (M == 1) dots_across<T, 1>(d, K);
}

#define MINIMAND_INSTANTIATE(T)                                                                                   \
    template void multiply<T>(Index, Index, Index, const Left<T>&, const Right<T>&, const Target<T>&, Team&);     \
    template void multiply_rows<T>(Index, Index, Index, const Left<T>&, const T*, const Index*, T*, Index, bool); \
    template void multiply_transposed_rows<T>(Index, Index, Index, Index, const T*, Index, Index, const T*,       \
                                              const Index*, Index, T*, Index);
MINIMAND_INSTANTIATE(double)
MINIMAND_INSTANTIATE(float)
#undef MINIMAND_INSTANTIATE

}  // namespace minimand::neural_network
