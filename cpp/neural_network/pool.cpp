#include <algorithm>

#include "net.hpp"

namespace minimand::neural_network {
namespace {

struct PoolGeometry {
    explicit PoolGeometry(const Index* i)
        : C(i[0]), H(i[1]), W(i[2]), kh(i[3]), kw(i[4]), sh(i[5]), sw(i[6]), ph(i[7]), pw(i[8]) {
        OH = (H + 2 * ph - kh) / sh + 1;
        OW = (W + 2 * pw - kw) / sw + 1;
    }
    Index C, H, W, kh, kw, sh, sw, ph, pw, OH, OW;
};

// Cells first..last-1 of one axis that a window covers inside the image.
struct Cells {
    Index first, last;
    Cells(Index out, Index stride, Index padding, Index kernel, Index size)
        : first(std::max<Index>(0, out * stride - padding)), last(std::min(size, out * stride - padding + kernel)) {}
};

// body(output, rows, columns, plane) for every window of an image.
template <class Body>
void each_window(const PoolGeometry& g, Body&& body) {
    Index out = 0;
    for (Index c = 0; c < g.C; ++c)
        for (Index y = 0; y < g.OH; ++y) {
            const Cells rows(y, g.sh, g.ph, g.kh, g.H);
            for (Index x = 0; x < g.OW; ++x, ++out) body(out, rows, Cells(x, g.sw, g.pw, g.kw, g.W), c * g.H * g.W);
        }
}

// The most common pool: windows of 2 x 2 that tile the image.
bool is_tiling(const PoolGeometry& g) {
    return g.kh == 2 && g.kw == 2 && g.sh == 2 && g.sw == 2 && g.ph == 0 && g.pw == 0;
}

// One row of tiles, `first` being the place of its first cell and `below` that of the next row; written so that the
// compiler makes vectors of it. Places are kept as numbers of type T: below 2^24 they are exact.
template <class T>
void max_of_tile_row(const T* EIGEN_RESTRICT upper, Index below, Index count, Index first, T* EIGEN_RESTRICT out,
                     T* EIGEN_RESTRICT winner) {
    const T* EIGEN_RESTRICT lower = upper + below;
    const T down_first = static_cast<T>(below), down_second = static_cast<T>(below + 1);
    for (int k = 0; k < static_cast<int>(count); ++k) {
        const T a = upper[2 * k], b = upper[2 * k + 1], c = lower[2 * k], d = lower[2 * k + 1];
        const T up = b > a ? b : a, down = d > c ? d : c;
        const T up_at = b > a ? T(1) : T(0), down_at = d > c ? down_second : down_first;
        out[k] = down > up ? down : up;
        winner[k] = (down > up ? down_at : up_at) + static_cast<T>(static_cast<int>(first) + 2 * k);
    }
}

template <class T>
void max_of_tiles(const PoolGeometry& g, const T* x, T* out, T* winner) {
    for (Index c = 0; c < g.C; ++c)
        for (Index y = 0; y < g.OH; ++y, out += g.OW, winner += g.OW) {
            const Index first = (c * g.H + 2 * y) * g.W;
            max_of_tile_row(x + first, g.W, g.OW, first, out, winner);
        }
}

template <class T>
void max_of_windows(const PoolGeometry& g, const T* x, T* out, T* winner) {
    each_window(g, [&](Index o, const Cells& rows, const Cells& columns, Index plane) {
        Index at = plane + rows.first * g.W + columns.first;
        T best = x[at];
        for (Index i = rows.first; i < rows.last; ++i)
            for (Index j = columns.first; j < columns.last; ++j)
                if (x[plane + i * g.W + j] > best) {
                    best = x[plane + i * g.W + j];
                    at = plane + i * g.W + j;
                }
        out[o] = best;
        winner[o] = static_cast<T>(at);
    });
}

}  // namespace

template <class T>
void forward_pool(const Operation& op, const Panel<T>& panel) {
    const PoolGeometry g(op.ints);
    for (Index s = 0; s < panel.rows; ++s) {
        const T* x = panel.value(op.in0) + s * panel.stride(op.in0);
        T* out = panel.value(op.out) + s * panel.stride(op.out);
        if (op.code == Code::maxpool) {
            const Index winners = op.ints[9];
            T* winner = panel.value(winners) + s * panel.stride(winners);
            is_tiling(g) ? max_of_tiles(g, x, out, winner) : max_of_windows(g, x, out, winner);
            continue;
        }
        each_window(g, [&](Index o, const Cells& rows, const Cells& columns, Index plane) {
            T sum = 0;
            for (Index i = rows.first; i < rows.last; ++i)
                for (Index j = columns.first; j < columns.last; ++j) sum += x[plane + i * g.W + j];
            out[o] = sum / static_cast<T>((rows.last - rows.first) * (columns.last - columns.first));
        });
    }
    activate_all(panel.value(op.out), panel.elements(op.out), op.activation, static_cast<T>(op.slope));
}

template <class T>
void backward_pool(const Operation& op, const Panel<T>& panel) {
    if (!panel.net->wants_delta(op.in0)) return;
    const PoolGeometry g(op.ints);
    for (Index s = 0; s < panel.rows; ++s) {
        const T* D = panel.delta(op.out) + s * panel.stride(op.out);
        T* to = panel.delta(op.in0) + s * panel.stride(op.in0);
        if ((op.flags & kAddDelta0) == 0) std::fill_n(to, panel.width(op.in0), T(0));
        if (op.code == Code::maxpool) {
            const Index winners = op.ints[9];
            const T* winner = panel.value(winners) + s * panel.stride(winners);
            for (Index o = 0; o < panel.width(op.out); ++o) to[static_cast<Index>(winner[o])] += D[o];
            continue;
        }
        each_window(g, [&](Index o, const Cells& rows, const Cells& columns, Index plane) {
            const T share = D[o] / static_cast<T>((rows.last - rows.first) * (columns.last - columns.first));
            for (Index i = rows.first; i < rows.last; ++i)
                for (Index j = columns.first; j < columns.last; ++j) to[plane + i * g.W + j] += share;
        });
    }
}

#define MINIMAND_INSTANTIATE(T)                                       \
    template void forward_pool<T>(const Operation&, const Panel<T>&); \
    template void backward_pool<T>(const Operation&, const Panel<T>&);
MINIMAND_INSTANTIATE(float)
MINIMAND_INSTANTIATE(double)
#undef MINIMAND_INSTANTIATE

}  // namespace minimand::neural_network
