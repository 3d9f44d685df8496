// Elementary functions of whole vectors, for one row per lane.
#pragma once

#include "../common/simd.hpp"

namespace minimand::linear_models {

using simd::kLanes;
using simd::Pack;

inline Pack divide(const Pack& a, const Pack& b) { return Eigen::internal::pdiv(a, b); }
inline Pack absolute(const Pack& a) { return Eigen::internal::pabs(a); }
inline Pack maximum(const Pack& a, const Pack& b) { return Eigen::internal::pmax(a, b); }
inline Pack minimum(const Pack& a, const Pack& b) { return Eigen::internal::pmin(a, b); }
inline Pack negative(const Pack& a) { return Eigen::internal::pnegate(a); }
// Eigen's Cephes-style rational function: at most 2 units in the last place; beyond 709 it stays finite or inf.
inline Pack exponential(const Pack& a) { return Eigen::internal::pexp(a); }

// log(1 + u) for 0 <= u <= 1 to 2 units in the last place, by 2 atanh(s) with s = u / (2 + u) <= 1/3:
// 2 s (1 + s^2/3 + s^4/5 + ...); the first term left out is 9^-17/35 of the sum.
inline Pack log_one_plus(const Pack& u) {
    const Pack s = divide(u, simd::add(u, simd::broadcast(2.0)));
    const Pack square = simd::mul(s, s);
    Pack tail = simd::broadcast(1.0 / 33.0);
    for (int k = 31; k >= 3; k -= 2) tail = simd::fma(tail, square, simd::broadcast(1.0 / k));
    const Pack twice = simd::add(s, s);
    return simd::fma(simd::mul(twice, square), tail, twice);
}

// What a row of weight 1 contributes: residual y - mu, variance V, and its share of the objective.
struct Share {
    Pack residual, variance, loss;
};

// Each of mu and 1 - mu is as accurate as it is small, so V never comes from a rounded mu near 1.
inline Share logistic_share(const Pack& eta, const Pack& y) {
    const Pack one = simd::broadcast(1.0), zero = simd::broadcast(0.0);
    const Pack small = exponential(negative(absolute(eta)));
    const Pack near = divide(one, simd::add(one, small)), far = simd::mul(small, near);
    const Pack positive = Eigen::internal::pcmp_lt(zero, eta);
    const Pack mu = Eigen::internal::pselect(positive, near, far);
    const Pack rest = Eigen::internal::pselect(positive, far, near);
    const Pack linear = simd::sub(maximum(eta, zero), simd::mul(y, eta));
    return {simd::sub(simd::mul(y, rest), simd::mul(simd::sub(one, y), mu)), simd::mul(mu, rest),
            simd::add(log_one_plus(small), linear)};
}

inline Share poisson_share(const Pack& eta, const Pack& y) {
    const Pack mu = exponential(eta);
    return {simd::sub(y, mu), mu, simd::sub(mu, simd::mul(y, eta))};
}

}  // namespace minimand::linear_models
