// Passes over all points, seen through an affine map z_i = transform (x_i - center) + offset.
//
// transform is r x d; leading and trailing zeros of its rows cost nothing, so a triangular one has d(d+1)/2 entries.
#pragma once

#include "../common/types.hpp"

namespace minimand::ellipsoid {

using IndexMatrixOut = Eigen::Ref<RowMatrix<Index>>;

// The least and the largest entry of each column. One read of the points.
//     low[:], high[:] = points.min(axis=0), points.max(axis=0)
void column_ranges(MatrixIn<double> points, VectorOut low, VectorOut high, int threads);

// rows, 2 x r: where each coordinate of transform (x - center) is least and largest, of equal ones the first. m d r
// multiply-adds, one read of the points.
//     z = (points - center) @ transform.T
//     rows[:] = z.argmin(axis=0), z.argmax(axis=0)
void extreme_points(MatrixIn<double> points, VectorIn center, MatrixIn<double> transform, IndexMatrixOut rows,
                    int threads);

// The largest squared distances ||z_i||^2, descending, and their rows, as many as `rows` has places; -1 where there are
// fewer points. Of equal ones the first row comes first. m d r multiply-adds, one read of the points.
//     omega = (((points - center) @ transform.T + offset) ** 2).sum(axis=1)
//     rows[:] = np.argsort(-omega, kind="stable")[:len(rows)];  distances[:] = omega[rows]
void distance_pass(MatrixIn<double> points, VectorIn center, MatrixIn<double> transform, VectorIn offset,
                   IndexVectorOut rows, VectorOut distances, int threads);

}  // namespace minimand::ellipsoid
