// QR factorisation of tall matrices by blocks of rows; only R is kept.
//
// Demmel, Grigori, Hoemmen, Langou, "Communication-optimal parallel and sequential QR and LU factorizations",
// SIAM J. Sci. Comput. 34 (2012) A206. Householder reflections within a leaf, a fixed binary tree over the leaves.
// With a leading column of ones the rows of R below the first are the R of the centred data, and stacking two R merges
// their means exactly.
#pragma once

#include "rows.hpp"

namespace minimand::least_squares {

// R := upper triangular factor, diagonal >= 0, of [R; Z[begin:end]], Z as in rows.hpp. 2 m p^2 flops.
//     R[:] = qr_r(np.vstack([R, augmented_rows(X[begin:end], ...)]))
template <class T>
void tsqr_pass(MatrixIn<T> X, MatrixIn<double> Y, VectorIn weights, VectorIn shift, VectorIn scale, bool intercept,
               Index begin, Index end, MatrixOut R, int threads);

// R := upper triangular factor of [R; other].
void merge_r(MatrixOut R, MatrixIn<double> other);

// Thin factorisation A = Q R of an m x n matrix: Q m x t, R t x n, t = min(m, n), diagonal of R >= 0. 4 m n^2 flops.
void qr_factor(MatrixIn<double> A, MatrixOut Q, MatrixOut R, int threads);

}  // namespace minimand::least_squares
