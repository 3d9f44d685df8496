#include "gram.hpp"

#include <vector>

#include "../common/parallel.hpp"

namespace minimand::least_squares {
namespace {

using simd::kLanes;
using simd::Pack;

// Tile height: as many accumulators as the register file holds beside three loaded vectors.
constexpr int kTileRows = kLanes == 8 ? 8 : 4;
constexpr int kTileVectors = 3;
constexpr Index kLeastRows = 192;  // fewer, and moving the tiles of C would cost more than filling them

// C[0:kTileRows, 0:V*kLanes] += left' right, `left` and `right` being column ranges of the same packed rows.
template <int V>
inline void add_tile(const double* left, const double* right, Index rows, Index ld, double* C) {
    Pack acc[kTileRows][V];
    for (int i = 0; i < kTileRows; ++i)
        for (int v = 0; v < V; ++v) acc[i][v] = simd::load(C + i * ld + v * kLanes);
    for (Index r = 0; r < rows; ++r, left += ld, right += ld) {
        Pack b[V];
        for (int v = 0; v < V; ++v) b[v] = simd::load(right + v * kLanes);
        for (int i = 0; i < kTileRows; ++i) {
            const Pack a = simd::broadcast(left[i]);
            for (int v = 0; v < V; ++v) acc[i][v] = simd::fma(a, b[v], acc[i][v]);
        }
    }
    for (int i = 0; i < kTileRows; ++i)
        for (int v = 0; v < V; ++v) simd::store(C + i * ld + v * kLanes, acc[i][v]);
}

void mirror(const double* C, Index ld, MatrixOut& gram) {
    for (Index i = 0; i < gram.rows(); ++i)
        for (Index j = i; j < gram.cols(); ++j) gram(i, j) = gram(j, i) = C[i * ld + j];
}

// A leaf has its own C to clear and to add, which its rows must outweigh.
Index leaf_count(Index rows, Index ld) { return std::clamp<Index>(rows / std::max<Index>(1024, 4 * ld), 1, 32); }

// Sums block_gram(first row, last row, C, leaf) over leaves of rows in a fixed tree.
template <class BlockGram>
void reduce_gram(Index begin, Index end, Index ld, Index block, MatrixOut& gram, int threads, BlockGram&& block_gram) {
    const Leaves leaves(begin, end, block, leaf_count(end - begin, ld));
    const Index count = leaves.count(), size = ld * ld;
    std::vector<double> partial(static_cast<std::size_t>(std::max<Index>(count, 1) * size), 0.0);
    parallel_for(count, threads, [&](Index leaf) {
        // Work space of the leaf; rows of a packed block start on cache lines.
        Eigen::VectorXd buffer(block * ld);
        for (Index i = leaves.first(leaf); i < leaves.last(leaf); i += block)
            block_gram(i, std::min(i + block, leaves.last(leaf)), buffer.data(), partial.data() + leaf * size);
    });
    parallel_reduce(count, 1, [&](Index into, Index from) {
        Eigen::Map<Vector>(partial.data() + into * size, size) +=
            Eigen::Map<Vector>(partial.data() + from * size, size);
    });
    mirror(partial.data(), ld, gram);
}

}  // namespace

void add_gram(const double* packed, Index rows, Index ld, double* C) {
    constexpr Index kWide = kTileVectors * kLanes;
    // A panel of kWide columns stays in L1 while the tiles above and on the diagonal pass over it.
    for (Index panel = 0; panel < ld; panel += kWide) {
        const Index end = std::min(panel + kWide, ld);
        for (Index i = 0; i < end; i += kTileRows) {
            const Index j = std::max(i, panel), vectors = (end - j) / kLanes;
            double* tile = C + i * ld + j;
            if (vectors == 3) add_tile<3>(packed + i, packed + j, rows, ld, tile);
            if (vectors == 2) add_tile<2>(packed + i, packed + j, rows, ld, tile);
            if (vectors == 1) add_tile<1>(packed + i, packed + j, rows, ld, tile);
        }
    }
}

template <class T>
void gram_pass(MatrixIn<T> X, MatrixIn<double> Y, VectorIn weights, VectorIn shift, VectorIn scale, bool intercept,
               Index begin, Index end, MatrixOut gram, int threads) {
    const Rows<T> data{X, Y, weights, shift, scale, intercept};
    const Index ld = round_up(data.columns(), kPad), block = block_rows(ld, kLeastRows);
    reduce_gram(begin, end, ld, block, gram, threads, [&](Index first, Index last, double* packed, double* C) {
        data.pack(first, last, packed, ld);
        add_gram(packed, last - first, ld, C);
    });
}

template <class T>
void preconditioned_gram_pass(MatrixIn<T> X, VectorIn weights, VectorIn shift, VectorIn scale, MatrixIn<double> R,
                              Index begin, Index end, MatrixOut gram, int threads) {
    const RowMatrix<double> no_columns(X.rows(), 0);
    const Rows<T> data{X, no_columns, weights, shift, scale, false};
    const Index n = R.cols(), ld = round_up(n, kPad), block = block_rows(ld, kLeastRows);
    reduce_gram(begin, end, ld, block, gram, threads, [&](Index first, Index last, double* packed, double* C) {
        data.pack(first, last, packed, ld);
        Eigen::Map<RowMatrix<double>, 0, Eigen::OuterStride<>> B(packed, last - first, n, Eigen::OuterStride<>(ld));
        R.template triangularView<Eigen::Upper>().template solveInPlace<Eigen::OnTheRight>(B);
        add_gram(packed, last - first, ld, C);
    });
}

#define MINIMAND_INSTANTIATE(T)                                                                                   \
    template void gram_pass<T>(MatrixIn<T>, MatrixIn<double>, VectorIn, VectorIn, VectorIn, bool, Index, Index,   \
                               MatrixOut, int);                                                                   \
    template void preconditioned_gram_pass<T>(MatrixIn<T>, VectorIn, VectorIn, VectorIn, MatrixIn<double>, Index, \
                                              Index, MatrixOut, int);
MINIMAND_INSTANTIATE(double)
MINIMAND_INSTANTIATE(float)
#undef MINIMAND_INSTANTIATE

}  // namespace minimand::least_squares
