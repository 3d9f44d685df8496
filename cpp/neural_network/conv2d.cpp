#include <cstring>

#include "conv_geometry.hpp"
#include "gemm.hpp"

namespace minimand::neural_network {
namespace {

inline Index whole(Index count, Index lanes) { return (count + lanes - 1) / lanes * lanes; }

template <class T>
inline void copy(const T* from, Index count, T* to) {
    std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
}

// The image with its padding; what lies behind is zero too.
template <class T>
void pad_image(const ConvGeometry& g, const T* image, T* padded) {
    if (g.ph == 0 && g.pw == 0) {
        copy(image, g.C * g.H * g.W, padded);
    } else {
        std::fill_n(padded, g.C * g.padded_height * g.pitch, T(0));
        for (Index c = 0; c < g.C; ++c)
            for (Index y = 0; y < g.H; ++y)
                copy(image + (c * g.H + y) * g.W, g.W, padded + (c * g.padded_height + y + g.ph) * g.pitch + g.pw);
    }
    std::fill_n(padded + g.C * g.padded_height * g.pitch, g.kw + kSlack, T(0));
}

// Column matrix of a padded image, patch x ld, zero behind its columns.
template <class T>
void make_columns(const ConvGeometry& g, const T* padded, T* columns) {
    for (Index c = 0; c < g.C; ++c)
        for (Index ky = 0; ky < g.kh; ++ky)
            for (Index kx = 0; kx < g.kw; ++kx, columns += g.ld) {
                T* to = columns;
                for (Index y = 0; y < g.OH; ++y) {
                    const T* row = padded + (c * g.padded_height + y * g.sh + ky) * g.pitch + kx;
                    for (Index x = 0; x < g.OW; ++x) *to++ = row[x * g.sw];
                }
                std::fill_n(to, g.ld - g.columns, T(0));
            }
}

// Its adjoint: padded images get the sums.
template <class T>
void add_columns(const ConvGeometry& g, const T* columns, T* padded) {
    std::fill_n(padded, g.C * g.padded_height * g.pitch, T(0));
    for (Index c = 0; c < g.C; ++c)
        for (Index ky = 0; ky < g.kh; ++ky)
            for (Index kx = 0; kx < g.kw; ++kx, columns += g.ld) {
                const T* from = columns;
                for (Index y = 0; y < g.OH; ++y) {
                    T* row = padded + (c * g.padded_height + y * g.sh + ky) * g.pitch + kx;
                    for (Index x = 0; x < g.OW; ++x) row[x * g.sw] += *from++;
                }
            }
}

// Where the rows of the column matrix point into: the padded image or the matrix.
template <class T>
void make_source(const ConvGeometry& g, const T* image, T* padded, T* source) {
    if (g.dense) {
        pad_image(g, image, source);
    } else {
        pad_image(g, image, padded);
        make_columns(g, padded, source);
    }
}

// Deltas with the pitch of the image and zeros all around.
template <class T>
void spread_delta(const ConvGeometry& g, const T* delta, T* spread) {
    for (Index k = 0; k < g.K; ++k, spread += g.delta_ld) {
        std::fill_n(spread, g.margin, T(0));
        T* to = spread + g.margin;
        for (Index y = 0; y < g.OH; ++y, to += g.out_pitch, delta += g.OW) {
            copy(delta, g.OW, to);
            std::fill_n(to + g.OW, g.out_pitch - g.OW, T(0));
        }
        std::fill_n(to, spread + g.delta_ld - to, T(0));
    }
}

// The delta of an image from that of its padded copy, whose channels are `plane` apart.
template <class T>
void unpad(const ConvGeometry& g, const T* padded, Index plane, bool add, T* delta) {
    for (Index c = 0; c < g.C; ++c)
        for (Index y = 0; y < g.H; ++y, delta += g.W) {
            const T* row = padded + c * plane + (y + g.ph) * g.pitch + g.pw;
            if (!add)
                copy(row, g.W, delta);
            else
                for (Index x = 0; x < g.W; ++x) delta[x] += row[x];
        }
}

// W (K, C, kh kw) as (C, K, kh kw)
template <class T>
void swap_channels(const ConvGeometry& g, const T* W, T* swapped) {
    const Index cells = g.kh * g.kw;
    for (Index c = 0; c < g.C; ++c)
        for (Index k = 0; k < g.K; ++k, swapped += cells) copy(W + k * g.patch + c * cells, cells, swapped);
}

}  // namespace

template <class T>
void forward_conv2d(const Operation& op, const Panel<T>& panel) {
    const ConvGeometry g(op.ints);
    const T* W = panel.net->theta + op.param;
    T* padded = panel.scratch();
    T* source = padded + (g.dense ? 0 : g.image);
    T* product = source + g.source();
    for (Index s = 0; s < panel.rows; ++s) {
        make_source(g, panel.value(op.in0) + s * panel.stride(op.in0), padded, source);
        multiply_rows<T>(g.K, g.columns, g.patch, {W, g.patch, 1}, source, op.rows.data(), product, g.ld, false);
        T* out = panel.value(op.out) + s * panel.stride(op.out);
        for (Index k = 0; k < g.K; ++k) {
            const T bias = op.bias >= 0 ? panel.net->theta[op.bias + k] : T(0);
            for (Index y = 0; y < g.OH; ++y, out += g.OW) {
                const T* row = product + k * g.ld + y * g.out_pitch;
                for (Index x = 0; x < g.OW; ++x) out[x] = row[x] + bias;
            }
        }
    }
    activate_all(panel.value(op.out), panel.elements(op.out), op.activation, static_cast<T>(op.slope));
}

template <class T>
void backward_conv2d(const Operation& op, const Panel<T>& panel) {
    const ConvGeometry g(op.ints);
    const T* W = panel.net->theta + op.param;
    T* dW = panel.gradient + op.param;
    const bool wants_delta = panel.net->wants_delta(op.in0), add = (op.flags & kAddDelta0) != 0;
    T* padded = panel.scratch();
    T* source = padded + g.image;
    T* spread = source + kGroup * g.source();
    T* back = spread + kGroup * g.K * g.delta_ld;
    T* swapped = back + (g.dense ? g.C * g.plane : g.patch * g.ld);
    if (!panel.adds_gradient(op)) {
        std::fill_n(dW, g.K * g.patch, T(0));
        if (op.bias >= 0) std::fill_n(panel.gradient + op.bias, g.K, T(0));
    }
    if (wants_delta && g.dense) swap_channels(g, W, swapped);
    for (Index s = 0; s < panel.rows; s += kGroup) {
        const Index group = std::min(kGroup, panel.rows - s);
        for (Index i = 0; i < group; ++i) {
            const T* delta = panel.delta(op.out) + (s + i) * panel.stride(op.out);
            make_source(g, panel.value(op.in0) + (s + i) * panel.stride(op.in0), padded, source + i * g.source());
            T* D = spread + i * g.K * g.delta_ld;
            spread_delta(g, delta, D);
            if (op.bias >= 0)
                for (Index k = 0; k < g.K; ++k)
                    panel.gradient[op.bias + k] +=
                        Eigen::Map<const VectorOf<T>>(delta + k * g.OH * g.OW, g.OH * g.OW).sum();
            if (!wants_delta) continue;
            T* to = panel.delta(op.in0) + (s + i) * panel.stride(op.in0);
            if (g.dense) {
                const Index depth = g.K * g.kh * g.kw;
                multiply_rows<T>(g.C, g.padded_height * g.pitch, depth, {swapped, depth, 1}, D, op.back_rows.data(),
                                 back, g.plane, false);
                unpad(g, back, g.plane, add, to);
            } else {
                multiply_rows<T>(g.patch, g.columns, g.K, {W, 1, g.patch}, D, op.back_rows.data(), back, g.ld, false);
                add_columns(g, back, padded);
                unpad(g, padded, g.padded_height * g.pitch, add, to);
            }
        }
        multiply_transposed_rows<T>(g.K, g.patch, whole(g.columns, kLanesOf<T>), group, spread + g.margin, g.delta_ld,
                                    g.K * g.delta_ld, source, op.rows.data(), g.source(), dW, g.patch);
    }
}

#define MINIMAND_INSTANTIATE(T)                                            \
    template void forward_conv2d<T>(const Operation& op, const Panel<T>&); \
    template void backward_conv2d<T>(const Operation& op, const Panel<T>&);
MINIMAND_INSTANTIATE(float)
MINIMAND_INSTANTIATE(double)
#undef MINIMAND_INSTANTIATE

}  // namespace minimand::neural_network
