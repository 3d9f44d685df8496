// The optimisers: one fused pass over parameters, gradients and moments.
#pragma once

#include "net.hpp"

namespace minimand::neural_network {

enum class Optimizer : Index { sgd, adagrad, rmsprop, adam };

// Runs of parameters cut into blocks; whether a block is penalised is the same for all of it.
struct Block {
    Index begin, end;
    bool penalised;
};
std::vector<Block> cut_blocks(Index parameters, const IndexMatrixIn& penalised);

// What a step is: hyper = (l2, l1, ...) as in minimand/reference/neural_network/updates.py.
struct Step {
    Optimizer optimizer;
    const double* hyper;
    double rate;
    Index number;  // from 1
};

// Row 0 of gradient := the sum of its rows in a fixed tree; then theta and moments take the step.
//     g = gradient + l2 * weights
//     sgd:  v = momentum * v + g;  theta -= rate * v
//     adam: m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  theta -= rate m^ / (sqrt(v^) + epsilon)
template <class T>
void take_step(const Step& step, const std::vector<Block>& blocks, T* theta, T* gradient, Index rows, T* moments,
               bool has_moments, Index parameters, Team& team);

// The sum of the rows alone.
template <class T>
void reduce_rows(T* gradient, Index rows, Index parameters, Team& team);

// The same as kernels of their own.
template <class T>
void update(VecOut<T> theta, MatOut<T> gradient, MatOut<T> moments, IndexMatrixIn penalised, Index optimizer,
            VectorIn hyper, double rate, Index step, int threads);

}  // namespace minimand::neural_network
