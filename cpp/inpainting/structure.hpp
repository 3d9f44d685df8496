// What can be told before any solver runs: independent parts, bounds of the answer, step sizes, a start.
#pragma once

#include "grid.hpp"

namespace minimand::inpainting {

// labels := 0 where known, else 1..k, numbered by the first pixel of each connected component of unknown pixels;
// returns k. Pixels that share a term are connected, which is the triangular lattice:
//     (i,j) ~ (i+1,j) unless j = n-1;    (i,j) ~ (i,j+1) unless i = m-1;    (i+1,j) ~ (i,j+1)
// Components are independent problems. Union-find (Tarjan 1975) with the first pixel as root, by strips of rows whose
// seams are joined afterwards. O(m n).
Index label_components(Known known, LabelsOut labels, int threads);

// low, high (k x channels) := least and greatest known value among the pixels that share a term with each component;
// +inf and -inf where there is none. Clipping a component to its box enlarges no term: it is 1-Lipschitz and does not
// move those pixels. O(m n channels).
void component_boxes(MatrixIn<double> image, Labels labels, Index channels, MatrixOut low, MatrixOut high, int threads);

// Everything that the solvers start from, in one pass:
//     low, high   the box of each pixel; both are the value itself where it is known
//     iterate     the value, or the middle of the box
//     tau, sigma  diagonal step sizes (Pock, Chambolle, ICCV 2011, 10.1109/ICCV.2011.6126441, with exponents 2 and 0):
//                 tau = 1/(balance * differences that hold the pixel), 0 where known;
//                 sigma = balance/max(unknown ends of the vertical, of the horizontal difference), 0 without unknown
//                 end
//     dual        D f/|D f| in terms without an unknown pixel, where it is optimal; 0 elsewhere
void prepare(MatrixIn<double> image, Labels labels, MatrixIn<double> box_low, MatrixIn<double> box_high, Index channels,
             double balance, MatrixOut iterate, MatrixOut low, MatrixOut high, MatrixOut tau, MatrixOut sigma,
             MatrixOut dual, int threads);

}  // namespace minimand::inpainting
