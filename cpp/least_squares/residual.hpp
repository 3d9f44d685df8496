// Residuals, the gradient of the least-squares objective, and the residual sum of squares in one read of the data.
#pragma once

#include "rows.hpp"

namespace minimand::least_squares {

// With A = [1 if intercept, (X - shift_x) scale_x], T = (Y - shift_y) scale_y and c = coef + coef_low:
//
//     r = T - A c,   normal + normal_low := A' W r,   squares := sum_i w_i r_i^2          (r is not weighted)
//
// precision 0: working precision, sums blocked. 1: r in working precision, `normal` summed in double-double.
// 2: every product and sum of r and `normal` in double-double, so that the shift had better be 0. 4 m n k flops.
//     for b in blocks(begin, end):
//         r = T[b] - A[b] @ coef
//         normal += A[b].T @ (weights[b] * r)
//         squares += (weights[b] * r**2).sum(axis=0)
template <class T>
void residual_pass(MatrixIn<T> X, MatrixIn<double> Y, VectorIn weights, VectorIn shift, VectorIn scale, bool intercept,
                   MatrixIn<double> coef, MatrixIn<double> coef_low, int precision, Index begin, Index end,
                   MatrixOut normal, MatrixOut normal_low, VectorOut squares, int threads);

}  // namespace minimand::least_squares
