// Operations on samples that know nothing of each other, panel by panel.
#include <cmath>
#include <cstring>

#include "gemm.hpp"
#include "net.hpp"

namespace minimand::neural_network {
namespace {

using namespace Eigen::internal;

template <class T>
void activate_output(const Operation& op, const Panel<T>& panel) {
    activate_all(panel.value(op.out), panel.elements(op.out), op.activation, static_cast<T>(op.slope));
}

// LINEAR: Z = f(X W + b); dW (+)= X'D, db (+)= 1'D, dX (+)= D W'.

template <class T>
void forward_linear(const Operation& op, const Panel<T>& panel) {
    const Index n = op.ints[0], k = op.ints[1];
    const T* theta = panel.net->theta;
    multiply<T>(panel.rows, k, n, {panel.value(op.in0), panel.stride(op.in0), 1}, {theta + op.param, k, false},
                {panel.value(op.out), panel.stride(op.out), true, false, op.bias >= 0 ? theta + op.bias : nullptr,
                 op.activation, static_cast<T>(op.slope)},
                *panel.team);
}

template <class T>
void sum_columns(const T* D, Index stride, Index rows, Index width, bool add, T* sums) {
    constexpr int L = kLanesOf<T>;
    for (Index j = 0; j < width; j += L) {
        auto even = pack<T>(0), odd = pack<T>(0);
        for (Index i = 0; i + 1 < rows; i += 2) {
            even = simd::add(even, simd::load(D + i * stride + j));
            odd = simd::add(odd, simd::load(D + (i + 1) * stride + j));
        }
        if (rows % 2) even = simd::add(even, simd::load(D + (rows - 1) * stride + j));
        alignas(64) T part[L];
        simd::store(part, simd::add(even, odd));
        for (Index k = 0; k < std::min<Index>(L, width - j); ++k) sums[j + k] = add ? sums[j + k] + part[k] : part[k];
    }
}

template <class T>
void backward_linear(const Operation& op, const Panel<T>& panel) {
    const Index n = op.ints[0], k = op.ints[1], ld = panel.stride(op.out);
    const T* D = panel.delta(op.out);
    const bool add = panel.adds_gradient(op);
    if (op.bias >= 0) sum_columns(D, ld, panel.rows, k, add, panel.gradient + op.bias);
    multiply<T>(n, k, panel.rows, {panel.value(op.in0), 1, panel.stride(op.in0)}, {D, ld, false},
                {panel.gradient + op.param, k, false, add}, *panel.team);
    if (panel.net->wants_delta(op.in0))
        multiply<T>(panel.rows, n, k, {D, ld, 1}, {panel.net->theta + op.param, k, true},
                    {panel.delta(op.in0), panel.stride(op.in0), true, (op.flags & kAddDelta0) != 0}, *panel.team);
}

// Element-wise helpers over whole rows of a slot, padding included.

template <class T>
void copy_rows(const T* from, Index from_stride, Index rows, Index width, T* to, Index to_stride) {
    for (Index i = 0; i < rows; ++i)
        std::memcpy(to + i * to_stride, from + i * from_stride, static_cast<std::size_t>(width) * sizeof(T));
}

template <class T>
void add_rows(const T* from, Index from_stride, Index rows, Index width, T* to, Index to_stride) {
    for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < width; ++j) to[i * to_stride + j] += from[i * from_stride + j];
}

// The delta of slot `to`, columns to_begin.., (+)= columns begin.. of that of op.out.
template <class T>
void pass_back(const Operation& op, const Panel<T>& panel, Index to, Index begin, Index to_begin, Index width,
               bool add) {
    if (!panel.net->wants_delta(to)) return;
    const T* from = panel.delta(op.out) + begin;
    T* target = panel.delta(to) + to_begin;
    if (add)
        add_rows(from, panel.stride(op.out), panel.rows, width, target, panel.stride(to));
    else
        copy_rows(from, panel.stride(op.out), panel.rows, width, target, panel.stride(to));
}

// SOFTMAX

template <class T>
void forward_softmax(const Operation& op, const Panel<T>& panel) {
    const Index width = panel.width(op.out);
    for (Index i = 0; i < panel.rows; ++i) {
        const T* z = panel.value(op.in0) + i * panel.stride(op.in0);
        T* h = panel.value(op.out) + i * panel.stride(op.out);
        T top = z[0];
        for (Index j = 1; j < width; ++j) top = std::max(top, z[j]);
        T sum = 0;
        for (Index j = 0; j < width; ++j) sum += h[j] = std::exp(z[j] - top);
        for (Index j = 0; j < width; ++j) h[j] /= sum;
    }
}

template <class T>
void backward_softmax(const Operation& op, const Panel<T>& panel) {
    if (!panel.net->wants_delta(op.in0)) return;
    const Index width = panel.width(op.out);
    const bool add = (op.flags & kAddDelta0) != 0;
    for (Index i = 0; i < panel.rows; ++i) {
        const T* h = panel.value(op.out) + i * panel.stride(op.out);
        const T* D = panel.delta(op.out) + i * panel.stride(op.out);
        T* to = panel.delta(op.in0) + i * panel.stride(op.in0);
        T sum = 0;
        for (Index j = 0; j < width; ++j) sum += D[j] * h[j];
        for (Index j = 0; j < width; ++j) to[j] = (add ? to[j] : T(0)) + h[j] * (D[j] - sum);
    }
}

// DROPOUT: element e of sample r takes 16 bits of word e / 4 of item 2^32 step + r.

template <class T>
void forward_dropout(const Operation& op, const Panel<T>& panel) {
    constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u, kFirstStream = 16;
    const Net<T>& net = *panel.net;
    const Index width = panel.width(op.out), mask_slot = op.ints[2];
    if (!net.training) {
        copy_rows(panel.value(op.in0), panel.stride(op.in0), panel.rows, width, panel.value(op.out),
                  panel.stride(op.out));
        return;
    }
    const std::uint64_t key1 = net.key1 + (kFirstStream + static_cast<std::uint64_t>(op.ints[0])) * kGolden;
    const auto drop = static_cast<std::uint64_t>(op.ints[1]);
    const T scale = static_cast<T>(op.a);
    for (Index i = 0; i < panel.rows; ++i) {
        const auto sample = static_cast<std::uint64_t>(panel.first + i);
        Philox stream(net.key0, key1, (net.step << 32) + sample);
        const T* x = panel.value(op.in0) + i * panel.stride(op.in0);
        T* mask = panel.value(mask_slot) + i * panel.stride(mask_slot);
        T* out = panel.value(op.out) + i * panel.stride(op.out);
        for (Index j = 0; j < width; j += 4) {
            const std::uint64_t word = stream.next();
            for (Index k = 0; k < std::min<Index>(4, width - j); ++k)
                mask[j + k] = ((word >> (16 * k)) & 0xFFFFu) >= drop ? scale : T(0);
        }
        for (Index j = 0; j < width; ++j) out[j] = x[j] * mask[j];
    }
}

template <class T>
void backward_dropout(const Operation& op, const Panel<T>& panel) {
    if (panel.net->training) {
        const Index slot = op.ints[2];
        for (Index i = 0; i < panel.rows; ++i) {
            const T* mask = panel.value(slot) + i * panel.stride(slot);
            T* D = panel.delta(op.out) + i * panel.stride(op.out);
            for (Index j = 0; j < panel.width(op.out); ++j) D[j] *= mask[j];
        }
    }
    pass_back(op, panel, op.in0, 0, 0, panel.width(op.in0), (op.flags & kAddDelta0) != 0);
}

// ADD, CONCAT, SLICE

template <class T>
void forward_add(const Operation& op, const Panel<T>& panel) {
    const T *a = panel.value(op.in0), *b = panel.value(op.in1);
    T* out = panel.value(op.out);
    const Index count = panel.elements(op.out);  // all three have one width
    for (Index i = 0; i < count; i += kLanesOf<T>)
        simd::store(out + i, simd::add(simd::load(a + i), simd::load(b + i)));
    activate_output(op, panel);
}

template <class T>
void forward_concat(const Operation& op, const Panel<T>& panel) {
    const Index cut = panel.width(op.in0), stride = panel.stride(op.out);
    T* out = panel.value(op.out);
    copy_rows(panel.value(op.in0), panel.stride(op.in0), panel.rows, cut, out, stride);
    copy_rows(panel.value(op.in1), panel.stride(op.in1), panel.rows, panel.width(op.in1), out + cut, stride);
}

template <class T>
void backward_slice(const Operation& op, const Panel<T>& panel) {
    const bool add = (op.flags & kAddDelta0) != 0;
    if (!add && panel.net->wants_delta(op.in0)) std::fill_n(panel.delta(op.in0), panel.elements(op.in0), T(0));
    pass_back(op, panel, op.in0, 0, op.ints[0], panel.width(op.out), true);
}

}  // namespace

template <class T>
void forward_operation(const Operation& op, const Panel<T>& panel) {
    switch (op.code) {
        case Code::linear:
            return forward_linear(op, panel);
        case Code::conv2d:
            return forward_conv2d(op, panel);
        case Code::maxpool:
        case Code::avgpool:
            return forward_pool(op, panel);
        case Code::copy:
            std::memcpy(panel.value(op.out), panel.value(op.in0),
                        static_cast<std::size_t>(panel.elements(op.out)) * sizeof(T));
            return activate_output(op, panel);
        case Code::softmax:
            return forward_softmax(op, panel);
        case Code::dropout:
            return forward_dropout(op, panel);
        case Code::batchnorm:
            return forward_batchnorm<T>(op, {panel}, *panel.team);
        case Code::add:
            return forward_add(op, panel);
        case Code::concat:
            return forward_concat(op, panel);
        case Code::slice:
            return copy_rows(panel.value(op.in0) + op.ints[0], panel.stride(op.in0), panel.rows, panel.width(op.out),
                             panel.value(op.out), panel.stride(op.out));
    }
}

template <class T>
void backward_operation(const Operation& op, const Panel<T>& panel) {
    if (op.code == Code::batchnorm) return backward_batchnorm<T>(op, {panel}, *panel.team);
    chain_all(panel.delta(op.out), panel.value(op.out), panel.elements(op.out), op.activation,
              static_cast<T>(op.slope));
    const bool add0 = (op.flags & kAddDelta0) != 0, add1 = (op.flags & kAddDelta1) != 0;
    switch (op.code) {
        case Code::linear:
            return backward_linear(op, panel);
        case Code::conv2d:
            return backward_conv2d(op, panel);
        case Code::maxpool:
        case Code::avgpool:
            return backward_pool(op, panel);
        case Code::copy:
            return pass_back(op, panel, op.in0, 0, 0, panel.width(op.out), add0);
        case Code::softmax:
            return backward_softmax(op, panel);
        case Code::dropout:
            return backward_dropout(op, panel);
        case Code::add:
            pass_back(op, panel, op.in0, 0, 0, panel.width(op.out), add0);
            return pass_back(op, panel, op.in1, 0, 0, panel.width(op.out), add1);
        case Code::concat:
            pass_back(op, panel, op.in0, 0, 0, panel.width(op.in0), add0);
            return pass_back(op, panel, op.in1, panel.width(op.in0), 0, panel.width(op.in1), add1);
        case Code::slice:
            return backward_slice(op, panel);
        case Code::batchnorm:
            return;
    }
}

#define MINIMAND_INSTANTIATE(T)                                            \
    template void forward_operation<T>(const Operation&, const Panel<T>&); \
    template void backward_operation<T>(const Operation&, const Panel<T>&);
MINIMAND_INSTANTIATE(float)
MINIMAND_INSTANTIATE(double)
#undef MINIMAND_INSTANTIATE

}  // namespace minimand::neural_network
