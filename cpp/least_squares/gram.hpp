// Gram matrices of blocks of rows.
#pragma once

#include "rows.hpp"

namespace minimand::least_squares {

// C += P'P for the upper triangle of C, where P is `rows` x `ld`, row-major, ld a multiple of 8, C is ld x ld.
// Register-tiled: a tile of C stays in registers while the rows stream by. ld^2 * rows multiply-adds / 2.
void add_gram(const double* packed, Index rows, Index ld, double* C);

// gram := Z[begin:end]' Z[begin:end], both triangles, Z as in rows.hpp. m p^2 flops, one read of X.
//     for b in blocks(begin, end):
//         Z = augmented_rows(X[b], Y[b], weights[b], shift, scale, intercept)
//         gram += Z.T @ Z
template <class T>
void gram_pass(MatrixIn<T> X, MatrixIn<double> Y, VectorIn weights, VectorIn shift, VectorIn scale, bool intercept,
               Index begin, Index end, MatrixOut gram, int threads);

// gram := (B R^-1)' (B R^-1), where B holds the columns of X in Z and R is upper triangular: one step of CholeskyQR
// (Fukaya et al., SIAM J. Sci. Comput. 42 (2020) A477). 2 m n^2 flops; B R^-1 is never stored.
//     for b in blocks(begin, end):
//         Q = solve_triangular(R.T, B[b].T, lower=True).T
//         gram += Q.T @ Q
template <class T>
void preconditioned_gram_pass(MatrixIn<T> X, VectorIn weights, VectorIn shift, VectorIn scale, MatrixIn<double> R,
                              Index begin, Index end, MatrixOut gram, int threads);

}  // namespace minimand::least_squares
