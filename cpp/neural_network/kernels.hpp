// The interpreter of a program: forward, backward, loss, gradient, training steps.
//
// A network is a flat list of operations on slots (minimand/neural_network/program.py). `layout` is (elements of a
// sample in the arena, scratch elements of a lane, loss, slot of the loss, operations of the loss, slot of the output,
// rows of a panel, rows of a lane). A batch is cut into lanes of `lane_rows` samples, a lane into panels of
// `panel_rows`, which pass through all operations while they are in cache; each lane has its own arena in `work` and
// its own row of `gradient`. How a batch is cut depends on its size alone, lanes are added in a fixed tree, and the
// elements of a product have the same bits however it is shared out: so has all that is computed, for any number of
// threads. With several lanes they run side by side; with one, its products do.
//
// The caller provides work of lanes * (panel_rows * row_elements + scratch) elements and a zeroed gradient with a row
// for each lane. A batch norm that trains needs panel_rows = lane_rows. NumPy: minimand/reference/neural_network.
#pragma once

#include "update.hpp"

namespace minimand::neural_network {

// output := the outputs for the samples X.
template <class T>
void forward(IndexMatrixIn ops, MatrixIn<double> reals, IndexMatrixIn slots, IndexVectorIn layout, VecIn<T> theta,
             VecIn<T> running, bool training, MatrixIn<T> X, KeyIn key, std::uint64_t step, MatOut<T> output,
             VecOut<T> work, int threads);

// Row 0 of gradient, and input_delta unless it is empty := derivatives of sum(delta * output).
template <class T>
void backward(IndexMatrixIn ops, MatrixIn<double> reals, IndexMatrixIn slots, IndexVectorIn layout, VecIn<T> theta,
              VecIn<T> running, bool training, MatrixIn<T> X, MatrixIn<T> delta, KeyIn key, std::uint64_t step,
              MatOut<T> gradient, MatOut<T> input_delta, VecOut<T> work, int threads);

// stats += (sum w loss, sum w, sum w [predicted right]), as in inference. Weights are 1 where there are none.
template <class T>
void evaluate(IndexMatrixIn ops, MatrixIn<double> reals, IndexMatrixIn slots, IndexVectorIn layout, VecIn<T> theta,
              VecIn<T> running, MatrixIn<T> X, IndexVectorIn labels, MatrixIn<T> targets, VectorIn weights,
              VectorOut stats, VecOut<T> work, int threads);

// Row 0 of gradient := the derivative of scale * sum w loss; stats as above.
template <class T>
void loss_and_gradient(IndexMatrixIn ops, MatrixIn<double> reals, IndexMatrixIn slots, IndexVectorIn layout,
                       VecIn<T> theta, VecIn<T> running, bool training, MatrixIn<T> X, IndexVectorIn labels,
                       MatrixIn<T> targets, VectorIn weights, double scale, KeyIn key, std::uint64_t step,
                       MatOut<T> gradient, VectorOut stats, VecOut<T> work, int threads);

// Steps with the given rates on batches of order[first:]; `step` counts those before. Returns how many had a finite
// loss: the first that has not ends the run before its step.
//     for rate in rates:
//         g = mean(w * dloss) over the batch
//         update(theta, g, moments, rate)
template <class T>
Index train_steps(IndexMatrixIn ops, MatrixIn<double> reals, IndexMatrixIn slots, IndexVectorIn layout, VecOut<T> theta,
                  VecOut<T> running, MatOut<T> gradient, MatOut<T> moments, MatrixIn<T> X, IndexVectorIn labels,
                  MatrixIn<T> targets, VectorIn weights, IndexVectorIn order, Index first, Index batch, Index optimizer,
                  VectorIn hyper, VectorIn rates, IndexMatrixIn penalised, KeyIn key, std::uint64_t step,
                  VectorOut stats, VecOut<T> work, int threads);

}  // namespace minimand::neural_network
