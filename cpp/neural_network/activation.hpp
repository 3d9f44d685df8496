// Activation functions of whole vectors, and their derivatives from the value h = f(z) alone.
#pragma once

#include "../common/simd.hpp"
#include "../common/types.hpp"

namespace minimand::neural_network {

using simd::kLanesOf;
using simd::PackOf;

// The numbers stand in the program (column `activation`); minimand/neural_network/program.py has the same.
enum class Activation : Index { none = 0, relu = 1, leaky = 2, sigmoid = 3, tanh = 4 };

template <class T>
inline PackOf<T> pack(T value) {
    return simd::broadcast(value);
}

// 1 / (1 + e^-z); e^-z may become inf, the quotient is right then too.
template <class T>
inline PackOf<T> sigmoid(const PackOf<T>& z) {
    const auto e = Eigen::internal::pexp(Eigen::internal::pnegate(z));
    return Eigen::internal::pdiv(pack<T>(1), simd::add(pack<T>(1), e));
}

// Below 0.625 Lambert's continued fraction x / (1 + x^2 / (3 + x^2 / (5 + ...))), cut after 9 terms (5 for float),
// which leaves less than half a unit in the last place; above 1 - 2 / (e^2x + 1), which does not cancel there.
template <class T>
inline PackOf<T> tanh(const PackOf<T>& z) {
    using namespace Eigen::internal;
    const auto x = pmin(pabs(z), pack<T>(20)), square = simd::mul(x, x);
    PackOf<T> top, bottom;
    if constexpr (sizeof(T) == 8) {
        top = simd::add(square, pack<T>(990));
        top = simd::fma(top, square, pack<T>(135135));
        top = simd::fma(top, square, pack<T>(4729725));
        top = simd::fma(top, square, pack<T>(34459425));
        bottom = simd::fma(square, pack<T>(45), pack<T>(13860));
        bottom = simd::fma(bottom, square, pack<T>(945945));
        bottom = simd::fma(bottom, square, pack<T>(16216200));
        bottom = simd::fma(bottom, square, pack<T>(34459425));
    } else {
        top = simd::add(square, pack<T>(105));
        top = simd::fma(top, square, pack<T>(945));
        bottom = simd::fma(square, pack<T>(15), pack<T>(420));
        bottom = simd::fma(bottom, square, pack<T>(945));
    }
    const auto small = simd::mul(x, pdiv(top, bottom));
    const auto e = pexp(simd::add(x, x));
    const auto large = simd::sub(pack<T>(1), pdiv(pack<T>(2), simd::add(e, pack<T>(1))));
    const auto size = pselect(pcmp_lt(x, pack<T>(T(0.625))), small, large);
    // The sign, and NaN where z is NaN.
    return pselect(pcmp_eq(z, z), por(size, pand(z, pack<T>(T(-0.0)))), z);
}

template <class T>
inline PackOf<T> activate(const PackOf<T>& z, Activation f, T slope) {
    using namespace Eigen::internal;
    switch (f) {
        case Activation::relu:
            return pselect(pcmp_lt(z, pack<T>(0)), pack<T>(0), z);
        case Activation::leaky:
            return pselect(pcmp_lt(z, pack<T>(0)), simd::mul(z, pack<T>(slope)), z);
        case Activation::sigmoid:
            return sigmoid<T>(z);
        case Activation::tanh:
            return tanh<T>(z);
        default:
            return z;
    }
}

// d * f'(z), from h = f(z)
template <class T>
inline PackOf<T> chain(const PackOf<T>& d, const PackOf<T>& h, Activation f, T slope) {
    using namespace Eigen::internal;
    const auto one = pack<T>(1);
    switch (f) {
        case Activation::relu:
            return pselect(pcmp_lt(pack<T>(0), h), d, pack<T>(0));
        case Activation::leaky:
            return pselect(pcmp_lt(pack<T>(0), h), d, simd::mul(d, pack<T>(slope)));
        case Activation::sigmoid:
            return simd::mul(d, simd::mul(h, simd::sub(one, h)));
        case Activation::tanh:
            return simd::mul(d, simd::sub(one, simd::mul(h, h)));
        default:
            return d;
    }
}

// In place on `count` numbers, a multiple of the vector length.
template <class T>
inline void activate_all(T* z, Index count, Activation f, T slope) {
    if (f == Activation::none) return;
    for (Index i = 0; i < count; i += kLanesOf<T>) simd::store(z + i, activate<T>(simd::load(z + i), f, slope));
}

template <class T>
inline void chain_all(T* d, const T* h, Index count, Activation f, T slope) {
    if (f == Activation::none) return;
    for (Index i = 0; i < count; i += kLanesOf<T>)
        simd::store(d + i, chain<T>(simd::load(d + i), simd::load(h + i), f, slope));
}

}  // namespace minimand::neural_network
