// Primal-dual Newton steps with a dual field that stays feasible, so that every iterate has a rigorous lower bound.
//
// Chan, Golub, Mulet, SIAM J. Sci. Comput. 20 (1999) 1964, 10.1137/S1064827596299767; the matrix is made symmetric as
// by Andersen, Christiansen, Conn, Overton, SIAM J. Sci. Comput. 22 (2000) 243, 10.1137/S1064827598343954.
#pragma once

#include "grid.hpp"

namespace minimand::inpainting {

// Doubles of work space that the two kernels below need.
Index newton_work_size(IndexTableIn fronts, Eigen::Ref<const IndexVector> component_front, Index channels, int threads);

// image at the pixels of the components first <= c < last := the harmonic fill argmin sum_e |(D u)_e|^2, clipped to the
// box: one linear solve.
void newton_start(MatrixOut image, MatrixIn<double> low, MatrixIn<double> high, MatrixOut delta, Index channels,
                  Eigen::Ref<const IndexVector> order, IndexTableIn fronts, IndexTableIn boundary,
                  IndexTableIn term_table, Eigen::Ref<const IndexVector> component_front, Index first, Index last,
                  VectorOut work, int threads);

// At most `max_iterations` iterations for each component first <= c < last that has upper - lower > target and is not
// stalled; state[c] = (beta, upper, lower, iterations, stalled), to start with (beta, inf, -inf, 0, 0): then the best
// image and dual field that came are assessed first. One iteration, over the terms of the component:
//     g = D @ u;  eta = np.sqrt(g @ g + beta**2);  M = (I - (outer(p, g) + outer(g, p)) / (2 * eta)) / eta
//     delta = solve(D_U.T @ M @ D_U, -D_U.T @ (g / eta))    # symmetric positive definite
//     q = g / eta + M @ D_U @ delta                         # D_U.T @ q = 0
//     p += a_dual * (q - p)                                 # a_dual <= 1 such that |p| <= 1 in every term
//     u += a_primal * delta                                 # a_primal <= 1 such that sum(eta) does not grow
//     beta *= 0.2 if both > 0.5 else 0.6 if both > 0.1 or neither bound is better else 1
// p = 0 is feasible and every q has D_U'q = 0, so D_U'p vanishes up to rounding. The best image and dual field seen are
// kept apart. `delta` is work space for an image. Components run side by side, or one alone by all threads: 10 N^1.5
// flops and about 8 N log2(sqrt N) doubles for N pixels (channels^3, channels^2 times as much).
void newton_steps(MatrixOut image, MatrixOut dual, MatrixOut best_image, MatrixOut best_dual, MatrixIn<double> low,
                  MatrixIn<double> high, MatrixOut delta, Index channels, Eigen::Ref<const IndexVector> order,
                  IndexTableIn fronts, IndexTableIn boundary, IndexTableIn term_table,
                  Eigen::Ref<const IndexVector> component_front, Index first, Index last, MatrixOut state,
                  VectorIn target, Index max_iterations, VectorOut work, int threads);

}  // namespace minimand::inpainting
