// Where two bodies can meet: q equations M w = d with M = [Ex Lx, Ez Lz], and the least |w|^2 for it.
#pragma once

#include "../common/types.hpp"

namespace minimand::rendezvous {

using IndexVectorIn = Eigen::Ref<const Eigen::Matrix<Index, Eigen::Dynamic, 1>>;

// diag(scale) M = factor Q in the order of pivots, Q orthonormal; returns the rank. `factor` (q, q) is lower
// trapezoidal, its columns from the rank on are 0. `scale` (q,) has powers of two that give rows of M norms near 1;
// order[i] is the row of M at place i. A pivot below 100 max(q, k) eps of the largest counts as 0.
// A row of M no longer than its entry of `floor` (q,) is rounding, and counts as 0.
//     pivot = argmax(norms of the rows that are left)
//     unit = left[pivot] / norms[pivot]
//     factor[:, i], left = left @ unit, left - outer(left @ unit, unit)       # twice: Gram-Schmidt
// O(q^2 k) for M (q, k).
Index match_factor(MatrixIn<double> M, VectorIn floor, MatrixOut factor, IndexVectorOut order, VectorOut scale);

// Adds to `floor` (q,) what rounding may leave of a row of E L that should be 0: 100 n eps of its terms. O(n^2 + q n).
void reach_noise(MatrixIn<double> A, MatrixIn<double> B, MatrixIn<double> L, MatrixIn<double> E, VectorOut floor);

// Solves M M' multiplier = d; returns d' multiplier, the least energy, or infinity where d is out of reach by more than
// `noise` (q,) and 1e-9 of its terms. Then M' direction = 0 and direction' d > 0; otherwise `direction` is 0. O(q^2).
double match_solve(MatrixIn<double> factor, IndexVectorIn order, VectorIn scale, Index rank, VectorIn d, VectorIn noise,
                   VectorOut multiplier, VectorOut direction);

// Least energies of meetings, Ex x + Ez z = 0, after begin + 1, begin + 2, ... steps. In and out: the factors Lx, Lz of
// what is reachable, the free motion x, z after `begin` steps, and its largest entries so far. Where no meeting is
// possible `energy` is infinite and `multiplier` the direction that proves it; NaN where something overflows. O((n + k
// + q)^3) for each step.
//     Lx, Lz, x, z = lower_factor(hstack([A @ Lx, B])), lower_factor(hstack([C @ Lz, D])), A @ x, C @ z
//     rank[i] = match_factor(hstack([Ex @ Lx, Ez @ Lz]), ...); energy[i] = match_solve(...)
void energy_curve(MatrixIn<double> A, MatrixIn<double> B, MatrixIn<double> C, MatrixIn<double> D, MatrixIn<double> Ex,
                  MatrixIn<double> Ez, MatrixOut Lx, MatrixOut Lz, VectorOut x, VectorOut z, VectorOut largest_x,
                  VectorOut largest_z, Index begin, VectorOut energy, IndexVectorOut rank, VectorOut condition,
                  MatrixOut multiplier);

}  // namespace minimand::rendezvous
