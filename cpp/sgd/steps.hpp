// Steps of minibatch stochastic gradient descent on a linear model, with momentum, penalties, averaging, SAGA or SVRG.
//
// theta = [w_k, b_k] in row k, one row for each class (one row for every loss but softmax). Step s = first, first + 1,
// ... reads the batch of rows order[s batch], ..., the last batch of an epoch may be short, and does
//     a = weights[batch] * dphi(X[batch] @ w.T + b, y[batch])           residuals, see loss.hpp
//     g = a.T @ [X[batch], 1] / len(batch) + [l2 w, 0]
//     velocity = momentum velocity + g
//     theta -= rate * (g + momentum velocity if nesterov else velocity)
//     w = sign(w) max(|w| - rate l1, 0)
//     averaged += 1; average += (theta - average) / averaged
// Variance reduction: with a table of old residuals (n, K), whose mean gradient is `mean`,
//     g = (a - table[batch]).T @ [X[batch], 1] / len(batch) + mean + [l2 w, 0]
// and, with `refresh` (SAGA; SVRG leaves both alone), table[batch] = a, mean += (a - table[batch]).T @ [...] / n.
//
// An empty order is 0, 1, ..., empty weights are 1 (they have mean 1 otherwise); velocity, average, table and mean are
// empty where they are not wanted. sums[0] += the losses of all rows, each at the theta that its batch met.
// X is read once, rows ahead through the order: O(steps batch d K).
#pragma once

#include <cstdint>

#include "../common/types.hpp"

namespace minimand::sgd {

using IndicesIn = Eigen::Ref<const Eigen::Matrix<std::int64_t, Eigen::Dynamic, 1>>;
using ColumnsIn = Eigen::Ref<const Eigen::Matrix<std::int32_t, Eigen::Dynamic, 1>>;

// A batch of less than 2.5 million products has one thread; a larger one is cut by its size alone into shards of rows,
// whose gradients are added in a fixed tree: the same bits for any number of threads.
template <class T>
void sgd_steps(MatrixIn<T> X, VectorIn y, VectorIn weights, IndicesIn order, Index first, Index batch, int loss,
               VectorIn rates, double l2, double l1, double momentum, bool nesterov, bool intercept, bool refresh,
               MatrixOut theta, MatrixOut velocity, MatrixOut average, Index averaged, MatrixOut table, MatrixOut mean,
               VectorOut sums, int threads);

// The same for rows in compressed sparse form. Without momentum, averaging or variance reduction a step costs what its
// entries cost: w = scale v, and a coordinate pays its debts to l1 when it is next touched, which is exact, because
// a coordinate that no gradient reaches only shrinks:
//     w_j = sign(w_j) max(|w_j| - scale (debt - debt when last touched), 0),  debt += rate l1 / scale
// (Langford, Li, Zhang, JMLR 10 (2009) 777, for l2 = 0). Otherwise a step costs O(d K) on top.
void sgd_steps_csr(VectorIn values, ColumnsIn columns, IndicesIn pointers, VectorIn y, VectorIn weights,
                   IndicesIn order, Index first, Index batch, int loss, VectorIn rates, double l2, double l1,
                   double momentum, bool nesterov, bool intercept, bool refresh, MatrixOut theta, MatrixOut velocity,
                   MatrixOut average, Index averaged, MatrixOut table, MatrixOut mean, VectorOut sums);

}  // namespace minimand::sgd
