// Principal axes of {x : ||transform x|| <= 1}.
#pragma once

#include "../common/types.hpp"

namespace minimand::ellipsoid {

// Orthogonal axes (columns), ascending stretches, and the symmetric root: with B = transform
//
//     B'B = axes diag(stretches^2) axes' = root^2.
//
// One-sided Jacobi: pairs of columns are rotated until all are orthogonal; some 8 sweeps of 6 n^3 flops. It keeps the
// relative accuracy of small stretches when columns have different units, which bidiagonalisation does not (J. Demmel,
// K. Veselic, SIAM J. Matrix Anal. Appl. 13 (1992) 1204); so does the root, as B = W root with orthogonal W.
//     for p < r:  B[:, [p, r]] @= turn;  J[:, [p, r]] @= turn    # until B'B is diagonal
//     axes, stretches = J, norms of the columns of B
//     W = B / stretches @ J.T;  root = W.T @ transform
void principal_axes(MatrixIn<double> transform, MatrixOut axes, VectorOut stretches, MatrixOut root);

}  // namespace minimand::ellipsoid
