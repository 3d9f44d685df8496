// The widest double and float vectors of this build's ISA level, through Eigen's packets: one source for SSE2, AVX2,
// AVX-512, NEON.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <cstring>

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
// nothing. Always inlined: GCC takes a function that only prefetches for one without effect, and drops calls of it.
template <class T>
__attribute__((always_inline)) inline void prefetch_ahead(const T* x, std::ptrdiff_t count) {
    constexpr std::uintptr_t kAhead = 32768, kLine = 64;
    const std::uintptr_t first = reinterpret_cast<std::uintptr_t>(x) + kAhead;
    const std::uintptr_t last = first + static_cast<std::uintptr_t>(count) * sizeof(T);
    for (std::uintptr_t line = first; line < last; line += kLine)
        __builtin_prefetch(reinterpret_cast<const void*>(line), 0, 2);
}
inline double sum(const Pack& a) { return Eigen::internal::predux(a); }

// The same for float; templates name the type by its scalar.
using PackF = Eigen::internal::packet_traits<float>::type;
template <class T>
using PackOf = typename Eigen::internal::packet_traits<T>::type;
template <class T>
constexpr int kLanesOf = Eigen::internal::packet_traits<T>::size;

inline PackF load(const float* p) { return Eigen::internal::ploadu<PackF>(p); }
inline void store(float* p, const PackF& a) { Eigen::internal::pstoreu(p, a); }
inline PackF broadcast(float a) { return Eigen::internal::pset1<PackF>(a); }
inline PackF add(const PackF& a, const PackF& b) { return Eigen::internal::padd(a, b); }
inline PackF sub(const PackF& a, const PackF& b) { return Eigen::internal::psub(a, b); }
inline PackF mul(const PackF& a, const PackF& b) { return Eigen::internal::pmul(a, b); }
inline PackF fma(const PackF& a, const PackF& b, const PackF& c) { return Eigen::internal::pmadd(a, b, c); }
inline float sum(const PackF& a) { return Eigen::internal::predux(a); }

// The first 0 < count <= lanes numbers at p, with zeros behind them; and back. Nothing else is touched.
template <class T>
inline PackOf<T> load_part(const T* p, std::ptrdiff_t count) {
#ifdef __AVX512F__
    const auto mask = (1u << count) - 1u;
    if constexpr (sizeof(T) == 4)
        return _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), p);
    else
        return _mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), p);
#else
    alignas(64) T buffer[kLanesOf<T>] = {};
    std::memcpy(buffer, p, static_cast<std::size_t>(count) * sizeof(T));
    return load(buffer);
#endif
}
template <class T>
inline void store_part(T* p, const PackOf<T>& a, std::ptrdiff_t count) {
#ifdef __AVX512F__
    const auto mask = (1u << count) - 1u;
    if constexpr (sizeof(T) == 4)
        _mm512_mask_storeu_ps(p, static_cast<__mmask16>(mask), a);
    else
        _mm512_mask_storeu_pd(p, static_cast<__mmask8>(mask), a);
#else
    alignas(64) T buffer[kLanesOf<T>];
    store(buffer, a);
    std::memcpy(p, buffer, static_cast<std::size_t>(count) * sizeof(T));
#endif
}

}  // namespace minimand::simd
