// One body, x[t+1] = A x[t] + B u[t], with n states and m inputs: what it can reach, and sweeps along its path.
#pragma once

#include "../common/types.hpp"

namespace minimand::rendezvous {

// The square lower triangle L with L L' = M M', by Householder reflections of M'.
//     L = np.linalg.qr(M.T, mode="r").T
void lower_factor(const ColMatrix& M, ColMatrix& L);

// P := A^steps and L with L L' = sum_{k < steps} A^k B B' A'^k, by doubling over the bits of `steps`, the most
// significant first. A Gramian itself would square the condition number. All NaN where it overflows.
//     for bit in f"{steps:b}":
//         L, P = lower_factor(hstack([L, P @ L])), P @ P
//         if bit == "1": L, P = lower_factor(hstack([A @ L, B])), A @ P
// O(n^3 log steps).
void reach_factor(MatrixIn<double> A, MatrixIn<double> B, Index steps, MatrixOut L, MatrixOut P);

// From mu[T] down y[t] := B' mu[t+1], mu[t] = A' mu[t+1], T = rows of y; mu becomes mu[0]. O(T n (n + m)).
void adjoint_sweep(MatrixIn<double> A, MatrixIn<double> B, VectorOut mu, MatrixOut y);

// From x[0], which is given, x[t+1] := A x[t] + B u[t]. O(T n (n + m)).
void rollout(MatrixIn<double> A, MatrixIn<double> B, MatrixIn<double> u, MatrixOut x);

// Row t m + j of `rows` := Phi A^(T-1-t) B[:, j]; Phi (r, n) becomes Phi A^T. O(T r n (n + m)).
void input_rows(MatrixIn<double> A, MatrixIn<double> B, MatrixOut Phi, MatrixOut rows);

}  // namespace minimand::rendezvous
