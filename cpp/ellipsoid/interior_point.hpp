// The minimum-volume ellipsoid of a few points: a predictor-corrector interior-point method on the dual.
//
//     maximise log det Q(u),  Q = sum_i u_i q_i q_i',  subject to  u >= 0, sum u = 1,    q_i = (y_i, 1) in R^D.
//
// With kappa_i = q_i' Q^-1 q_i and G_ij = q_i' Q^-1 q_j, optimality is kappa + s = eta, u s = 0, s >= 0, sum u = 1.
// The derivative of kappa is -(G o G), so Newton's equations are
//
//     (G o G + diag(s/u)) du = r_d + r_c / u - d_eta,  1'du = r_p,  ds = (r_c - s du) / u,
//     r_d = kappa + s - eta,  r_p = 1 - 1'u,  r_c = theta - u s.
//
// P. Sun, R. M. Freund, Oper. Res. 52 (2004) 690 (dual reduced Newton); S. Mehrotra, SIAM J. Optim. 2 (1992) 575.
// We scale by W = diag(sqrt(u/s)) so that the matrix is I + W (G o G) W: what leaves the support drops out of it by
// itself, and repeated points do no harm. Where points are much farther out than others kappa is far from linear, and
// Newton's full step may lead back; so each step has to increase log det Q + theta sum log u, of which it is a
// direction of ascent.
#pragma once

#include "../common/types.hpp"

namespace minimand::ellipsoid {

// Places in `report`.
enum Report { kEta, kGap, kBest, kWasted, kOutcome };
enum Outcome { kRunning = 0, kConverged = 1, kStalled = 2 };

// slack := eta - kappa, eta = 1.05 max kappa, for weights > 0 that add up to 1; report := (eta, inf, inf, 0, outcome).
void interior_point_start(MatrixIn<double> q, VectorIn weights, VectorOut slack, VectorOut report);

// At most max_iterations steps; returns how many were done. k^3/6 + k^2 D/2 multiply-adds each, k^2 numbers of memory.
// report: eta; gap = d/2 log((max kappa - 1)/d), d = D - 1; the best gap so far, whose weights are in `best`; steps
// without a better one; outcome 0 (more to do), 1 (gap <= tol) or 2 (no further progress).
//     Z = solve(cholesky(Q), q.T).T;  G = Z @ Z.T;  K = I + W @ (G * G) @ W
//     du, ds = newton(theta=0);  theta = (mu_affine / mu)**3 * mu
//     du, ds = newton(theta - du * ds);  step 0.999 of the way to the boundary, halved until it ascends
Index interior_point_steps(MatrixIn<double> q, VectorOut weights, VectorOut slack, VectorOut best, VectorOut report,
                           double tol, Index max_iterations, int threads);

}  // namespace minimand::ellipsoid
