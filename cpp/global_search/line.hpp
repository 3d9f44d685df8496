// The sawtooth under a function of one variable (Piyavskii 1972; Shubert 1972, doi:10.1137/0709036), also with
// curvatures in place of slopes (Breiman, Cutler 1993).
//
// Gap i lies between point i and point following[i]. bound[i] is the least value that the constants allow in it,
// candidate[i] where; constants = M, K, M_H, margin, infinite where unknown: |f'| <= M, |f''| <= K.
#pragma once

#include "heap.hpp"

namespace minimand::global_search {

// Bounds f from below in the gaps and opens those that a point can divide. O(gaps log(open)).
//     M         lb = (fa + fb)/2 - M*w/2                          at (a + b)/2 + (fa - fb)/(2*M)
//     K         lb = (fa + fb)/2 - K*w**2/8 - s**2/(2*K)          at (a + b)/2 - s/K,  if |s| <= K*w/2, s = (fb - fa)/w
//               lb = min(fa, fb)                                  else: K x^2/2 - f is convex
//     K and f'  lb = min(fa, fb, fa + ga*t - K*t**2/2)            where the parabolas from both ends meet
//     bound[gap] = max(lb) - margin - rounding
void line_open(VectorIn x, VectorIn value, VectorIn slope, IndexVectorIn following, VectorOut bound,
               VectorOut candidate, VectorIn constants, IndexVectorOut heap, IndexVectorOut counts, IndexVectorIn gaps);

// Puts the points counts[1], counts[1] + 1, ..., whose values and slopes are there, one into each gap, and opens both
// parts. Raises `observed`, the slope and the curvature that neighbours prove, less margin and 16 eps scale; `witness`
// has the points that do. O(gaps log(open)).
//     slope      |f_b - f_a|/w, |f'|
//     curvature  2 |f_b - f_a - f' w|/w^2, 2 |f[a, p, b]|
void line_insert(VectorIn x, VectorIn value, VectorIn slope, IndexVectorOut following, VectorOut bound,
                 VectorOut candidate, VectorIn constants, IndexVectorOut heap, IndexVectorOut counts,
                 IndexVectorIn gaps, double scale, VectorOut observed, Cells witness);

}  // namespace minimand::global_search
