// The objective, and the lower bound that any dual field gives.
#pragma once

#include "grid.hpp"

namespace minimand::inpainting {

// TV(image), the sum over the terms of the norm of all differences, of all channels together (joint) or channel by
// channel. m, n >= 1.
//     np.sqrt(np.diff(u, axis=1)[:, :, :-1] ** 2 + np.diff(u, axis=2)[:, :-1] ** 2).sum()
double total_variation_sum(MatrixIn<double> image, Index channels, bool joint, int threads);

// sums := (upper, centre, slack, weight, norm) of an image in its box and a dual field:
//     upper  = TV(image)                         centre = sum_e <p_e, (D c)_e>, c the middle of the box
//     slack  = sum_i w_i |r_i|, r = D'p, w = max(high - c, c - low)
//     weight = sum_e |px Dxc| + |py Dyc|  +  sum_i w_i sum |p at pixel i|: what rounding errors are relative to
//     norm   = max_e |p_e|
// TV(u) >= (centre - slack)/max(1, norm) for every u in the box: weak duality, <p, Du> = <p, Dc> + <r, u - c>.
void evaluate_bounds(MatrixIn<double> image, MatrixIn<double> dual, MatrixIn<double> low, MatrixIn<double> high,
                     Index channels, VectorOut sums, int threads);

}  // namespace minimand::inpainting
