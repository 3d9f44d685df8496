// Bounded inputs of least energy: Newton's method on the dual, in as many dimensions as the meeting has conditions.
//
//     minimise |w|^2  subject to  F'w = d,  |w_g| <= b_g for each group g of entries;
//     maximise  2 eta'd - sum_g (2 y_g'w_g - |w_g|^2),   y = F eta,  w_g = y_g cut to the length b_g.
//
// F has orthonormal columns, or nearly so; groups as in groups.hpp. Newton's matrix is sum F_g' J_g F_g with J_g in the
// generalised derivative of the cut (L. Qi, J. Sun, Math. Program. 58 (1993) 353).
#pragma once

#include "../common/types.hpp"

namespace minimand::rendezvous {

// At most `max_iterations` steps from `eta` (r,); returns how many were done. y (N,) and w (N,) belong to eta at the
// end. report = (dual value, |d - F'w|, eta'd, support, what happened, damping, |d - F'w| before): 0 more to do; 1 |d -
// F'w|
// <= tol |d|, or rounding; 2 impossible, eta'd is more than any w within its bounds can give; 3 no further progress.
// The last two, 1e-4 and infinity at first, go on from call to call. Where entries have no bound (infinity), `free` is
// an orthonormal basis of the eta on which these have no influence, and eta is projected on it before it may prove
// anything; without columns nothing is impossible.
//     y = F @ eta;  w = cut(y, bounds);  r = d - F.T @ w
//     s = solve(F.T @ J @ F + damping, r);  eta += line_search(s) * s
// O(N r^2) for each step, and O(N) for each trial of the line search.
Index dual_newton_steps(MatrixIn<double> F, Index first, Index m1, Index m2, VectorIn bounds, VectorIn d,
                        MatrixIn<double> free, double tol, Index max_iterations, VectorOut eta, VectorOut y,
                        VectorOut w, VectorOut report, int threads);

// Adds to w the shortest inputs with F'dw = missing that move along the bounds at y, and cuts again.
//     w += J @ F @ solve(F.T @ J @ F, missing)
void correct_inputs(MatrixIn<double> F, Index first, Index m1, Index m2, VectorIn bounds, VectorIn missing, VectorIn y,
                    VectorOut w, int threads);

}  // namespace minimand::rendezvous
