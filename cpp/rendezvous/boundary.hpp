// A body with its multipliers as a two-point boundary problem, one block of rows after the other:
//
//     x[t+1] = A x[t] + S mu[t+1] + f[t],   mu[t] = A' mu[t+1],   S = B B'.
//
// Orthogonal elimination from the start to the end: no power of A is formed, so growing and decaying motion do no harm
// (S. J. Wright, SIAM J. Sci. Stat. Comput. 13 (1992) 742). We give the equations of a step norms below 1 and make
// those that are carried on orthonormal: what is wrong in the last ones then does not grow on the way back.
#pragma once

#include "../common/types.hpp"

namespace minimand::rendezvous {

// Carries n equations on (x, mu) over `steps` steps. `carry` (n, 2n + p), p right-hand sides, is changed in place;
// `forcing` is f (steps, n), which belongs to the first right-hand side, or has no rows where it is 0.
//     rows = block([[Kx, Km, 0, 0, k], [-c A, 0, c I, -c S, c f], [0, e I, 0, -e A', 0]])
//     rows = qr(rows[:, :2n], mode="complete").Q.T @ rows;  carry = orthonormal(rows[2n:, 2n:])
// O(steps n^3).
void stage_elimination(MatrixIn<double> A, MatrixIn<double> S, MatrixIn<double> forcing, Index steps, MatrixOut carry);

// Fills `path` (steps + 1, 2n p), each row a matrix (2n, p) of (x, mu), from its last entry backwards. `carry` has the
// equations on the first entry; they are carried forward again on the way. O(steps n^3), work space for all of them.
//     path[t] = solve(rows[:2n, :2n], rows[:2n, 4n:] - rows[:2n, 2n:4n] @ path[t + 1])
void stage_substitution(MatrixIn<double> A, MatrixIn<double> S, MatrixIn<double> forcing, MatrixIn<double> carry,
                        MatrixOut path);

}  // namespace minimand::rendezvous
