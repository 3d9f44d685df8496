// Objectives with their gradients, and the descent loop on them.
//
// An objective is (A, b, kind, scale, l2, constant):
//     kind 0, least squares   scale ||A x - b||^2/2 + l2 ||x||^2/2 + constant
//     kind 1, logistic        scale sum_i log(1 + exp(-b_i a_i'x)) + l2 ||x||^2/2 + constant
//     kind 2, quadratic       x'A x/2 + b'x + constant, A symmetric
#pragma once

#include <utility>

#include "common/types.hpp"

namespace minimand::gradient_descent {

// Returns f(x), gradient := grad f(x). A is read once, 2 m p multiply-adds: what a group of rows adds to the gradient
// is computed while the group is in the first cache.
//     share = A @ x - b                                       (kind 0; others alike)
//     gradient[:] = scale * (A.T @ share) + l2 * x
double value_gradient(MatrixIn<double> A, VectorIn b, VectorIn x, int kind, double scale, double l2, double constant,
                      VectorOut gradient, int threads);

// At most `count` steps from `point`, where `gradient` and state[0] are those of the objective. variant 0: gradient
// steps, 1: heavy ball, 2: Nesterov. Returns how many steps were made, and why they ended:
//     0 count, 1 converged, 2 L refuted by (point, trial), 3 f not finite, 4 unbounded, 5 diverged, 6 rounding,
//     7 not smooth, 8 cycling.
// Every step holds its two points against the descent lemma f(x + d) <= f(x) + g'd + L ||d||^2/2 and against
// ||grad f(x + d) - grad f(x)|| <= L ||d||, with the rounding errors that `noise` bounds:
//     of f   n0 |f| + sqrt|f| (n1 ||x|| + n2) + ||x|| (n3 ||x|| + n4) + n5,    of grad f   n6 sqrt|f| + n7 ||x|| + n8.
// `state` and `control` are explained in the mirror (loop.py). One evaluation a step, more where L is searched for.
std::pair<int, int> descent_steps(MatrixIn<double> A, VectorIn b, int kind, double scale, double l2, double constant,
                                  VectorIn noise, VectorOut point, VectorOut previous, VectorOut gradient,
                                  VectorOut saved, VectorOut trial, VectorOut state, VectorIn control, int variant,
                                  int count, MatrixOut trace, int threads);

}  // namespace minimand::gradient_descent
