// Passes over all rows of X, for certificates.
#pragma once

#include "../common/types.hpp"

namespace minimand::sgd {

// margins[begin:end] := X[begin:end] @ w.T + b, theta = [w_k, b_k] in row k. One read of X.
template <class T>
void margin_pass(MatrixIn<T> X, MatrixIn<double> theta, Index begin, Index end, MatrixOut margins, int threads);

// sums := q[begin:end].T @ X[begin:end], one row for each column of q. One read of X.
template <class T>
void transposed_pass(MatrixIn<T> X, MatrixIn<double> q, Index begin, Index end, MatrixOut sums, int threads);

// squares[begin:end] := (X[begin:end] ** 2).sum(axis=1)
template <class T>
void square_pass(MatrixIn<T> X, Index begin, Index end, VectorOut squares, int threads);

}  // namespace minimand::sgd
