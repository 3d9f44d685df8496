// Dense partial Cholesky factorisation of one front, the arithmetic of the multifrontal method.
#pragma once

#include "../common/simd.hpp"
#include "../common/types.hpp"

namespace minimand::inpainting {

inline Index padded(Index count) { return (count + simd::kLanes - 1) / simd::kLanes * simd::kLanes; }

// Where the entries of a front lie. Rows and columns 0..own-1 are eliminated here, own..own+later-1 later, and the row
// own+later is the right-hand side. Only the lower triangle counts. The columns to eliminate are a `panel`, the others
// an `update` for the parent, both column by column, padded so that whole vectors begin at the first later row and end
// at the end of a column; padding and upper triangle hold numbers that nobody reads.
struct FrontLayout {
    Index own, later;
    Index offset;         // row 0 in a column of the panel
    Index panel_stride;   // length of a column of the panel
    Index update_stride;  // length of a column of the update

    FrontLayout(Index own_rows, Index later_rows)
        : own(own_rows),
          later(later_rows),
          offset(padded(own_rows) - own_rows),
          panel_stride(padded(own_rows) + padded(later_rows + 1)),
          update_stride(padded(later_rows + 1)) {}

    Index panel_size() const { return panel_stride * own; }
    Index update_size() const { return update_stride * later; }
    double work() const {  // multiply-adds of the factorisation
        const double k = static_cast<double>(own), b = static_cast<double>(later + 1);
        return k * k * k / 6 + k * k * b / 2 + k * b * b / 2;
    }
};

struct Front : FrontLayout {
    double *panel, *update;

    Front(const FrontLayout& layout, double* panel_begin, double* update_begin)
        : FrontLayout(layout), panel(panel_begin), update(update_begin) {}

    // The column, such that element [row] is the entry for every row >= column.
    double* column(Index c) const {
        return c < own ? panel + c * panel_stride + offset : update + (c - own) * update_stride - own;
    }

    // panel := L, with 1/L_jj on the diagonal; update -= L_later L_later'. The row of the right-hand side becomes
    // L^-1 rhs on the way. A pivot that rounding has left without a digit is taken for infinite: that unknown stays 0.
    // `diagonal` is work space for `own` numbers.
    void factor(double* diagonal, int threads) const;

    // x_own := L^-T (y - L_later' x_later), y the row of the right-hand side; x has own + later entries.
    void solve_backward(double* x) const;
};

}  // namespace minimand::inpainting
