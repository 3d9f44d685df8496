// Passes over the rows of a logistic (family 0) or a Poisson (family 1) model.
//
// Row i of the design is z_i = [(x_i - shift) scale, 1 if intercept], its linear predictor eta_i = z_i'theta +
// offset_i, and its share of the objective
//     logistic  w_i (log(1 + e^eta_i) - y_i eta_i),  mu = 1 / (1 + e^-eta),  V = mu (1 - mu)
//     Poisson   w_i (e^eta_i - y_i eta_i),           mu = V = e^eta.
// Empty weights mean 1, an empty offset 0. X is read in blocks that stay in cache; nothing of size m is written, except
// the dual variables that are asked for. NaN and inf in X, y or theta make the objective NaN or inf.
#pragma once

#include "../common/types.hpp"

namespace minimand::linear_models {

// gradient := Z'W(y - mu), gram := Z'VZ unless it is empty, sums := (objective, min (2y - 1) eta, max |eta|); a
// logistic y between 0 and 1 and all of Poisson count as -inf in the minimum. One read of X, m p (+ m p^2 / 2)
// multiply-adds.
//     eta = Z @ theta + offset
//     gradient = Z.T @ (weights * (y - mu))
//     gram = Z.T @ ((weights * V)[:, None] * Z)
void glm_pass(MatrixIn<double> X, VectorIn y, VectorIn weights, VectorIn offset, VectorIn theta, VectorIn shift,
              VectorIn scale, bool intercept, int family, Index begin, Index end, VectorOut gradient, MatrixOut gram,
              VectorOut sums, int threads);

// The dual point q = mu + V t, t = Z direction: dual := y - q in rows begin..end-1, residual := Z'W(y - q),
// sizes := sum_i w_i |z_i|, sums := (sum_i w_i KL(q_i, mu_i), max |t|). One read of X, 4 m p multiply-adds.
//     dual = y - mu - V * t
//     residual = Z.T @ (weights * dual)
void glm_direction_pass(MatrixIn<double> X, VectorIn y, VectorIn weights, VectorIn offset, VectorIn theta,
                        VectorIn direction, VectorIn shift, VectorIn scale, bool intercept, int family, Index begin,
                        Index end, VectorOut residual, VectorOut sizes, VectorOut dual, VectorOut sums, int threads);

}  // namespace minimand::linear_models
