// Ternary covers of a box, best first: Jones, Perttunen, Stuckman 1993 (doi:10.1007/BF00941892) for the divisions.
//
// A side of a cell is one number. Sides of level l, of length w/3^l, are numbered from the left, and levels follow one
// another: side s has the parts 3s + 1, 3s + 2, 3s + 3. Side -1 is the low end of the box, -2 the high one. So a cell
// has no rounding errors, however it was reached. A node is a cell with a point of the samples, its centre; what to do
// with it is action = 4 j + (1 divide along axis j, 2 go to the low face, 3 go to the high face, 4 exclude), or 0.
#pragma once

#include "heap.hpp"

namespace minimand::global_search {

// Takes up to len(chosen) open items with the least bounds below the threshold, in that order. O(taken log(open)).
Index pop_least(VectorIn bound, IndexVectorOut heap, IndexVectorOut counts, double threshold, IndexVectorOut chosen);

// Appends the children of the chosen nodes and writes the centres that are new to `points`; returns how many.
//     cells[node] = cells[parent]; cells[node, j] = 3*side + 1 + part        the middle part keeps the parent's point
Index boxes_divide(MatrixIn<double> bounds, Cells cells, IndexVectorOut point, IndexVectorIn action,
                   IndexVectorOut child, IndexVectorOut counts, IndexVectorIn chosen, MatrixOut points);

// Bounds f from below in the nodes first..last-1, decides on their actions, and opens them. With c, h centre and
// half-widths, r = ||h||, g and H derivatives at c, |d_j f| <= slopes_j, constants = M, K, M_H (Lipschitz constants of
// f, its gradient, its Hessian; infinite where unknown), margin:
//     lb = max(f - M*r,
//              f - slopes @ h,
//              f + sum(min(g*d + l*d**2/2 for |d| <= h)),     l = -K, or l_j = A_jj - sum_i |A_ij| h_i/h_j (Gershgorin)
//              f - g @ inv(A) @ g/2)                          A = H - (M_H*r/3)*I, if positive definite
//     bound = lb - margin - rounding
// Where d_j f cannot vanish, or d_jj f < 0, no minimiser is inside: only on a face of the box, if the cell has one.
// gradient, gradient_error and hessian have a row for each point, one row for all of them, or none. The last bound ends
// the clusters of cells around a minimum: its error is O(r^3). O(n^3) each, parallel over the nodes.
void boxes_bound(MatrixIn<double> bounds, CellsIn cells, IndexVectorIn point, VectorIn value, MatrixIn<double> gradient,
                 MatrixIn<double> gradient_error, MatrixIn<double> hessian, VectorIn slopes, VectorIn constants,
                 VectorIn weights, Index first, Index last, VectorOut bound, IndexVectorOut action, IndexVectorOut heap,
                 IndexVectorOut counts, int threads);

// Raises `observed` (n + 3: slopes by axis, norm of the gradient, K, M_H) to what the chosen nodes and their children
// prove, less margin and 16 eps scale; `witness` has the two nodes. O(n) each.
void boxes_observe(MatrixIn<double> bounds, CellsIn cells, IndexVectorIn point, VectorIn value,
                   MatrixIn<double> gradient, MatrixIn<double> gradient_error, MatrixIn<double> hessian, double margin,
                   double scale, IndexVectorIn action, IndexVectorIn child, IndexVectorIn chosen, VectorOut observed,
                   Cells witness);

// Chooses the boxes that hold the minimum for some Lipschitz constant: of each size the least value, of those the lower
// right convex hull, where it promises less than least - epsilon |least|. In order of size. O(m log m).
Index hull_select(VectorIn size, VectorIn value, double least, double epsilon, IndexVectorOut chosen);

// value := x'Qx/2 + p'x and gradient := Qx + p for each row x of points. O(n^2) each, parallel over the points.
void quadratic(MatrixIn<double> Q, VectorIn p, MatrixIn<double> points, VectorOut value, MatrixOut gradient,
               int threads);

}  // namespace minimand::global_search
