// Products of a few rows of X with the coefficients of all classes, and back.
//
// Rows are read whole vectors at a time, up to ld = columns rounded up to the lanes: what a vector holds beyond the end
// of a row belongs to the next ones, meets coefficients that are zero, and is left out of gradients at their end. Rows
// at the end of X, beyond which there is nothing to read, have a padded copy.
#pragma once

#include <algorithm>
#include <cstring>

#include "../common/simd.hpp"
#include "../common/types.hpp"

namespace minimand::sgd {

using simd::kLanes;
using simd::Pack;

constexpr Index kGroup = 4;    // rows of a block are rounded up to so many
constexpr Index kBlock = 16;   // rows whose margins and residuals are computed together, at most
constexpr Index kStride = 16;  // of one class in their buffers

constexpr Index round_up(Index value, Index multiple) { return (value + multiple - 1) / multiple * multiple; }

inline Pack widen(const double* p) { return simd::load(p); }
inline Pack widen(const float* p) {
    using Singles = float __attribute__((vector_size(kLanes * sizeof(float))));
    using Doubles = double __attribute__((vector_size(kLanes * sizeof(double))));
    Singles narrow;
    std::memcpy(&narrow, p, sizeof narrow);
    const Doubles wide = __builtin_convertvector(narrow, Doubles);
    Pack pack;
    std::memcpy(&pack, &wide, sizeof pack);
    return pack;
}

template <class T>
class Rows {
  public:
    explicit Rows(const MatrixIn<T>& X) : data_(X.data()), n_(X.rows()), d_(X.cols()), ld_(round_up(d_, kLanes)) {
        const Index entries = n_ * d_;
        whole_ = entries < ld_ ? 0 : (entries - ld_) / d_ + 1;
        end_ = RowMatrix<T>::Zero(n_ - whole_, ld_);
        end_.leftCols(d_) = X.bottomRows(n_ - whole_);
    }

    const T* row(Index i) const { return i < whole_ ? data_ + i * d_ : end_.data() + (i - whole_) * ld_; }

    // Always inlined: GCC takes a function that only prefetches for one without effect, and drops calls of it.
    __attribute__((always_inline)) void prefetch(Index i) const {
        constexpr Index kLine = 64 / sizeof(T);
        const T* x = data_ + i * d_;
        for (Index j = 0; j < d_; j += kLine) __builtin_prefetch(x + j, 0, 3);
        __builtin_prefetch(x + d_ - 1, 0, 3);
    }

    Index rows() const { return n_; }
    Index columns() const { return d_; }
    Index ld() const { return ld_; }
    // So many rows of a block that they stay in L1 between the two products.
    Index block() const { return d_ * static_cast<Index>(sizeof(T)) > 2048 ? kGroup : kBlock; }
    // So many rows are asked for before they are needed: enough to hide the memory, few enough to stay in L1.
    Index ahead() const { return std::clamp<Index>(16384 / (d_ * static_cast<Index>(sizeof(T))), 4, 32); }

  private:
    const T* data_;
    Index n_, d_, ld_, whole_;
    RowMatrix<T> end_;
};

// out[k] := the sum of the entries of vector k, for as many vectors as a vector has entries: cheaper than one by one.
inline void store_sums(Eigen::internal::PacketBlock<Pack, kLanes>& block, double* out) {
    if constexpr (kLanes == 1) {
        simd::store(out, block.packet[0]);
    } else {
        Eigen::internal::ptranspose(block);
        Pack sum = block.packet[0];
        for (int k = 1; k < kLanes; ++k) sum = simd::add(sum, block.packet[k]);
        simd::store(out, sum);
    }
}

// Asks for the vector at v of `count` rows to come, a null pointer for none: one line of each for each step of a
// product, since more at once would wait for each other, and everything else for them.
template <int count, class T>
__attribute__((always_inline)) inline void ask(const T* const* next, Index v) {
    if (next)
        for (int r = 0; r < count; ++r) __builtin_prefetch(next[r] + v, 0, 3);
}

// out[c * kStride + r] := x_r'w_c for `rows` rows and `classes` classes.
template <int rows, int classes, class T>
inline void dots(const T* const* x, const double* w, Index ld, double* out, const T* const* next) {
    Pack sum[rows][classes];
    for (int r = 0; r < rows; ++r)
        for (int c = 0; c < classes; ++c) sum[r][c] = simd::broadcast(0.0);
    for (Index v = 0; v < ld; v += kLanes) {
        Pack coef[classes];
        for (int c = 0; c < classes; ++c) coef[c] = simd::load(w + c * ld + v);
        ask<rows / 2>(next, v);
        for (int r = 0; r < rows; ++r) {
            const Pack entry = widen(x[r] + v);
            for (int c = 0; c < classes; ++c) sum[r][c] = simd::fma(entry, coef[c], sum[r][c]);
        }
    }
    for (int c = 0; c < classes; ++c) {
        int r = 0;
        for (; r + kLanes <= rows; r += kLanes) {
            Eigen::internal::PacketBlock<Pack, kLanes> block;
            for (int k = 0; k < kLanes; ++k) block.packet[k] = sum[r + k][c];
            store_sums(block, out + c * kStride + r);
        }
        for (; r < rows; ++r) out[c * kStride + r] = simd::sum(sum[r][c]);
    }
}

// out[c * kStride + r] := x_r'w_c for `count` rows, a multiple of kGroup. `next` has as many rows to come, or is null:
// the first half of each group is asked for here, the other half in `add_outer`.
template <class T>
void predict(const T* const* x, Index count, const double* w, Index classes, Index ld, double* out,
             const T* const* next) {
    Index r = 0;
    if (classes == 1)
        for (; r + 8 <= count; r += 8) dots<8, 1>(x + r, w, ld, out + r, next ? next + r : nullptr);
    for (; r < count; r += kGroup) {
        const T* const* coming = next ? next + r : nullptr;
        for (Index c = 0; c < classes; c += 2, coming = nullptr) {
            if (c + 2 <= classes)
                dots<4, 2>(x + r, w + c * ld, ld, out + c * kStride + r, coming);
            else
                dots<4, 1>(x + r, w + c * ld, ld, out + c * kStride + r, coming);
        }
    }
}

// g_c += sum_r q[c * kStride + r] x_r for `rows` rows and `classes` classes.
template <int rows, int classes, class T>
inline void add_rows(const T* const* x, const double* q, Index ld, double* g, const T* const* next) {
    Pack factor[rows][classes];
    for (int r = 0; r < rows; ++r)
        for (int c = 0; c < classes; ++c) factor[r][c] = simd::broadcast(q[c * kStride + r]);
    for (Index v = 0; v < ld; v += kLanes) {
        Pack sum[classes];
        for (int c = 0; c < classes; ++c) sum[c] = simd::load(g + c * ld + v);
        ask<rows / 2>(next, v);
        for (int r = 0; r < rows; ++r) {
            const Pack entry = widen(x[r] + v);
            for (int c = 0; c < classes; ++c) sum[c] = simd::fma(entry, factor[r][c], sum[c]);
        }
        for (int c = 0; c < classes; ++c) simd::store(g + c * ld + v, sum[c]);
    }
}

// g_c += sum_r q[c * kStride + r] x_r for `count` rows, a multiple of kGroup; `next` as above.
template <class T>
void add_outer(const T* const* x, Index count, const double* q, Index classes, Index ld, double* g,
               const T* const* next) {
    Index r = 0;
    if (classes == 1)
        for (; r + 8 <= count; r += 8) add_rows<8, 1>(x + r, q + r, ld, g, next ? next + r + 4 : nullptr);
    for (; r < count; r += kGroup) {
        const T* const* coming = next ? next + r + kGroup / 2 : nullptr;
        for (Index c = 0; c < classes; c += 2, coming = nullptr) {
            if (c + 2 <= classes)
                add_rows<4, 2>(x + r, q + c * kStride + r, ld, g + c * ld, coming);
            else
                add_rows<4, 1>(x + r, q + c * kStride + r, ld, g + c * ld, coming);
        }
    }
}

}  // namespace minimand::sgd
