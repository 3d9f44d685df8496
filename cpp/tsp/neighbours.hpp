// The nearest cities of each city.
#pragma once

#include "distance.hpp"

namespace minimand::tsp {

// near(i) := width = near.cols() < N cities j != i, in the order of (d(i, j), j). With per_quadrant = 0 the nearest:
//     order = np.lexsort((np.arange(N), d[i])); near[i] = order[order != i][:width]
// else, for points in the plane, first the nearest `per_quadrant` of each quadrant around i (half-open: each begins
// with an axis and ends before the next), which links rows and clusters of cities; then the nearest of the others.
//
// By a k-d tree up to 8 dimensions, N log N; by looking at all above, for matrices and on the globe.
void nearest(const MatrixIn<double>& points, const LengthsIn& lengths, int metric, double scale, Index per_quadrant,
             VerticesOut near, int threads);

}  // namespace minimand::tsp
