// Factorisations and solves with small dense matrices: Cholesky, triangular, pivoted QR, SVD, minimum norm.
#pragma once

#include "../common/types.hpp"

namespace minimand::least_squares {

// B := op(R)^-1 B, op = transpose or not; columns of B in parallel. n^2 k flops.
// Returns 0, or the 1-based index of the first zero on the diagonal, and then leaves B as it is.
Index solve_triangular(MatrixIn<double> R, MatrixOut B, bool lower, bool transpose, int threads);

// A = L L' from the lower triangle of A; L replaces A, zeros above. n^3/3 flops, blocked, right-looking.
// Returns 0, or the order of the first leading minor that is not positive.
Index cholesky_factor(MatrixOut A, int threads);

// Householder QR with column choice of the first `columns` columns of A; the others receive Q'.
// On exit A = [R | Q' rhs] with the columns of R in the order `pivots`, diagonal >= 0.
// keep_order false: the column of largest remaining norm comes next (Businger, Golub, Numer. Math. 7 (1965) 269).
// keep_order true: columns come as given; one that depends on its predecessors is set aside behind the others.
// A column depends when its remaining norm <= tolerances[step] = max of `floor` over the columns so far and itself.
// Returns the number of independent columns.
Index pivoted_qr(MatrixOut A, Index columns, VectorIn floor, bool keep_order, IndexVectorOut pivots,
                 VectorOut tolerances);

// A = U diag(s) V', thin, s descending.
void svd(MatrixIn<double> A, MatrixOut U, VectorOut s, MatrixOut V);

// X := shortest solution of A X = B for A r x n of full row rank: QR of A', X = Q R^-T B.
void min_norm(MatrixIn<double> A, MatrixIn<double> B, MatrixOut X);

}  // namespace minimand::least_squares
