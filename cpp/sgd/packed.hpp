// Coefficients as the kernels hold them: w_k padded to whole vectors, one after the other, then all b_k.
#pragma once

#include "rows.hpp"

namespace minimand::sgd {

class Packed {
  public:
    // An empty matrix gives an empty one.
    Packed(const MatrixOut& theta, Index ld)
        : classes_(theta.rows()), d_(theta.cols() - 1), ld_(ld), constants_(classes_ * ld) {
        if (theta.size() == 0) return;
        values_ = Vector::Zero(constants_ + round_up(classes_, kLanes));
        for (Index k = 0; k < classes_; ++k) {
            values_.segment(k * ld_, d_) = theta.row(k).head(d_);
            values_[constants_ + k] = theta(k, d_);
        }
    }

    void write(MatrixOut& theta) const {
        if (theta.size() == 0) return;
        for (Index k = 0; k < classes_; ++k) {
            theta.row(k).head(d_) = values_.segment(k * ld_, d_);
            theta(k, d_) = values_[constants_ + k];
        }
    }

    double* weights() { return values_.size() ? values_.data() : nullptr; }
    double* constants() { return values_.size() ? values_.data() + constants_ : nullptr; }

  private:
    Index classes_, d_, ld_, constants_;
    Vector values_;
};

}  // namespace minimand::sgd
