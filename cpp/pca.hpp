// Passes over the data of a principal component analysis. Gram matrices and triangles are those of least_squares.
//
// B is the data matrix as the components see it, row i being
//
//     b_i = sqrt(w_i) (x_i - shift) * scale
//
// with the weighted mean for `shift` (any other origin is mended by a rank-one correction, see `sums`).
#pragma once

#include "common/types.hpp"

namespace minimand::pca {

// The covariance, never formed, times a few vectors. X is read once; 4 m n b flops.
// product := B'(B Q), sums := sum_i sqrt(w_i) b_i, squares := sum_i b_i^2 for each column. Q is n x b, row-major.
//     B = np.sqrt(w)[:, None] * (X[begin:end] - shift) * scale
//     product[:] = B.T @ (B @ Q)
//     sums[:] = np.sqrt(w) @ B
//     squares[:] = (B**2).sum(axis=0)
template <class T>
void covariance_pass(MatrixIn<T> X, VectorIn weights, VectorIn shift, VectorIn scale, MatrixIn<double> Q, Index begin,
                     Index end, MatrixOut product, VectorOut sums, VectorOut squares, int threads);

// scores[begin:end] := (X[begin:end] - shift) * scale @ Q. One read of X, 2 m n b flops.
template <class T>
void project(MatrixIn<T> X, VectorIn shift, VectorIn scale, MatrixIn<double> Q, Index begin, Index end,
             MatrixOut scores, int threads);

}  // namespace minimand::pca
