// Minimax fits: the exchange of rows inside a working set, and the rows with large residuals.
#pragma once

#include "../common/types.hpp"

namespace minimand::linear_models {

// Of q = p + 1 rows (the reference) and signs s the matrix B has the columns (s_i x_i, 1). Then
//
//     lambda = B^-1 (0, ..., 0, 1),    (theta, h) = (s y)' B^-1
//
// are its weights and its minimax fit, with residuals s_i h. While lambda >= 0 no theta has a smaller largest residual
// than h. Rows are exchanged until no |r_k| > h (1 + tol) + slack: the simplex method on the dual problem. In and out:
// reference (q,), signs (q,), state (3,) = exchanges without growth of h, largest h, all exchanges. Out: theta (p,),
// weights (q,) = lambda. Returns 0 if none is left, 1 at the limit, 2 if rounding made B singular or leads in circles.
//     while True:
//         residual = y - A @ theta
//         enter = argmax(abs(residual)); sign = sign(residual[enter])
//         column = inverse @ append(sign * A[enter], 1)
//         leave = argmin(weights / column where column > 0)
//         update inverse, reference[leave], signs[leave]
// m p + 2 q^2 multiply-adds for each exchange, and q^3 for every 32nd.
int chebyshev_exchange(MatrixIn<double> X, VectorIn y, bool intercept, double tol, double slack, Index max_iterations,
                       IndexVectorOut reference, VectorOut signs, VectorOut state, VectorOut theta, VectorOut weights);

// The largest |r|, r = y - X theta, among rows begin..end-1, in descending order, of equal ones the first row first.
// Out: rows (k,), residuals (k,), k <= end - begin. One read of X.
//     residual = y[begin:end] - X[begin:end] @ theta
//     order = argsort(-abs(residual), stable)[:k]
void residual_extremes(MatrixIn<double> X, VectorIn y, VectorIn theta, bool intercept, Index begin, Index end,
                       IndexVectorOut rows, VectorOut residuals, int threads);

}  // namespace minimand::linear_models
