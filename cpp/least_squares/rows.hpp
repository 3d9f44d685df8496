// Blocks of rows: how every pass over the data reads it.
//
// Row i of the augmented, weighted matrix Z is
//
//     z_i = sqrt(w_i) [1 if intercept, (x_i - shift_x) * scale_x, (y_i - shift_y) * scale_y]
//
// A block of rows is packed into a small aligned buffer that stays in cache. Widening float32, weights, shift and
// scale happen there, so they cost no pass of their own and no copy of X is ever made.
// A row of weight zero becomes 0 * x: a zero row, unless x is NaN or inf, which then poisons the result on purpose.
#pragma once

#include "../common/simd.hpp"
#include "../common/types.hpp"

namespace minimand::least_squares {

constexpr Index round_up(Index value, Index multiple) { return (value + multiple - 1) / multiple * multiple; }

constexpr Index kPad = 8;  // packed rows are padded to a multiple of the widest vector

// Rows of a packed block with `columns` columns: about 48 KiB, inside L1 and L2. A function of the width alone.
// `least` is for passes that would rather leave L1 than come back too often.
inline Index block_rows(Index columns, Index least = 32) {
    return std::clamp<Index>(6144 / std::max<Index>(columns, 1) / 8 * 8, least, 1024);
}

template <class T>
struct Rows {
    MatrixIn<T> X;
    MatrixIn<double> Y;
    VectorIn weights;  // empty: all ones
    VectorIn shift;    // of the columns of X, then of Y
    VectorIn scale;
    bool intercept;

    Index columns() const { return (intercept ? 1 : 0) + X.cols() + Y.cols(); }

    // Packs rows begin..end-1 of Z into `packed`, row-major with leading dimension ld >= columns(); the padding is
    // zeroed. Unweighted leaves the factor sqrt(w_i) out.
    template <bool weighted = true>
    void pack(Index begin, Index end, double* packed, Index ld) const {
        const Index n = X.cols(), k = Y.cols(), lead = intercept ? 1 : 0;
        for (Index i = begin; i < end; ++i, packed += ld) {
            const double root = weighted && weights.size() ? std::sqrt(weights[i]) : 1.0;
            if (intercept) packed[0] = root;
            simd::prefetch_ahead(X.data() + i * n, n);
            pack_part(X.data() + i * n, n, shift.data(), scale.data(), root, packed + lead);
            pack_part(Y.data() + i * k, k, shift.data() + n, scale.data() + n, root, packed + lead + n);
            for (Index j = lead + n + k; j < ld; ++j) packed[j] = 0.0;
        }
    }

  private:
    template <class U>
    static void pack_part(const U* EIGEN_RESTRICT x, Index count, const double* EIGEN_RESTRICT shift_,
                          const double* EIGEN_RESTRICT scale_, double root, double* EIGEN_RESTRICT z) {
        for (Index j = 0; j < count; ++j) z[j] = (static_cast<double>(x[j]) - shift_[j]) * scale_[j] * root;
    }
};

// Leaves of a pass: a fixed number of equal runs of blocks, so that the shape of the sum does not depend on threads.
struct Leaves {
    Index begin, end, rows;  // rows per leaf
    Leaves(Index begin_, Index end_, Index block, Index most) : begin(begin_), end(end_) {
        const Index blocks = (end - begin + block - 1) / block;
        const Index per_leaf = std::max<Index>((blocks + most - 1) / most, 1);
        rows = per_leaf * block;
    }
    Index count() const { return (end - begin + rows - 1) / rows; }
    Index first(Index leaf) const { return begin + leaf * rows; }
    Index last(Index leaf) const { return std::min(end, begin + (leaf + 1) * rows); }
};

}  // namespace minimand::least_squares
