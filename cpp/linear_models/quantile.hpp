// Quantile regression: Frisch-Newton steps, and the passes over the rows around them.
//
// minimise sum_i rho(y_i - x_i'theta), rho(r) = w max(tau r, (tau - 1) r). The dual is
//
//     maximise y'a  subject to  X'a = (1 - tau) X'w,  0 <= a <= w,    psi = a - (1 - tau) w.
//
// R. Koenker, S. Portnoy, Statist. Sci. 12 (1997) 279; S. Mehrotra, SIAM J. Optim. 2 (1992) 575.
// X is the caller's own matrix; with an intercept, theta has one entry more than X has columns, the constant last.
#pragma once

#include "../common/types.hpp"

namespace minimand::linear_models {

// r := y - X theta. One read of X.
//     r[:] = y - (X @ theta[:n] + theta[n])
void quantile_residuals(MatrixIn<double> X, VectorIn y, bool intercept, VectorIn theta, VectorOut r, int threads);

// normal := X'psi. One read of X.
//     normal[:] = np.append(X.T @ psi, psi.sum())
void quantile_normal(MatrixIn<double> X, VectorIn psi, bool intercept, VectorOut normal, int threads);

// bands[i] := |factor'x_i|. 2 m p^2 flops, one read of X.
//     bands[:] = np.linalg.norm(np.column_stack([X, ones]) @ factor, axis=1)
void quantile_bands(MatrixIn<double> X, bool intercept, MatrixIn<double> factor, VectorOut bands, int threads);

// At most max_iterations predictor-corrector steps; returns how many were done. m p^2 flops and three reads of X each.
// Columns of X are taken times `scale` and theta belongs to these. state (9, m): a, s = w - a, z, v with v - z = r,
// which are the iterate, then r and the weights d of the last step, and work space. report: objective, gap, and 0 (more
// to do), 1 (gap <= tol * objective) or 2 (no further step is possible), of the iterate before the last step.
//     d = a * s / (z * s + v * a)
//     step = solve(X'DX, X'(d * (r - xi) + a - (1 - tau) * w))     # xi = 0, then Mehrotra's correction
//     da = d * (r - xi - X @ step)
Index quantile_steps(MatrixIn<double> X, VectorIn y, VectorIn weights, VectorIn scale, bool intercept, double quantile,
                     double tol, Index max_iterations, VectorOut theta, MatrixOut state, VectorOut report, int threads);

}  // namespace minimand::linear_models
