// Error-free transformations: a sum or a product as an unevaluated pair (high, low).
//
// Ogita, Rump, Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26 (2005) 1955. They hold only while the
// compiler neither reorders nor contracts, which is why the build passes -ffp-contract=off.
#pragma once

#include "simd.hpp"

namespace minimand {

// The same formulas serve one double and a vector of them.
namespace simd {
inline double add(double a, double b) { return a + b; }
inline double sub(double a, double b) { return a - b; }
inline double mul(double a, double b) { return a * b; }
inline double fma(double a, double b, double c) { return kFma ? __builtin_fma(a, b, c) : a * b + c; }
inline double constant(double, double value) { return value; }
inline Pack constant(const Pack&, double value) { return broadcast(value); }
}  // namespace simd

template <class V>
struct Pair {
    V high, low;
};

// high + low = a + b exactly (Knuth).
template <class V>
inline Pair<V> two_sum(const V& a, const V& b) {
    const V s = simd::add(a, b);
    const V b_seen = simd::sub(s, a);
    return {s, simd::add(simd::sub(a, simd::sub(s, b_seen)), simd::sub(b, b_seen))};
}

// high + low = a b exactly: by FMA, or by Dekker's splitting where the level has none (then |a|, |b| < 2^996).
template <class V>
inline Pair<V> two_prod(const V& a, const V& b) {
    const V p = simd::mul(a, b);
    if constexpr (simd::kFma) {
        return {p, simd::fma(a, b, simd::sub(simd::constant(p, 0.0), p))};
    } else {
        const V splitter = simd::constant(p, 134217729.0);  // 2^27 + 1
        const V ca = simd::mul(splitter, a), cb = simd::mul(splitter, b);
        const V a_high = simd::sub(ca, simd::sub(ca, a)), b_high = simd::sub(cb, simd::sub(cb, b));
        const V a_low = simd::sub(a, a_high), b_low = simd::sub(b, b_high);
        const V error = simd::sub(simd::sub(simd::sub(p, simd::mul(a_high, b_high)), simd::mul(a_low, b_high)),
                                  simd::mul(a_high, b_low));
        return {p, simd::sub(simd::mul(a_low, b_low), error)};
    }
}

// sum += term, as in Dot2: the low parts are added in working precision.
template <class V>
inline void accumulate(Pair<V>& sum, const Pair<V>& term) {
    const Pair<V> s = two_sum(sum.high, term.high);
    sum = {s.high, simd::add(sum.low, simd::add(s.low, term.low))};
}

inline Pair<double> normalised(const Pair<double>& a) { return two_sum(a.high, a.low); }

}  // namespace minimand
