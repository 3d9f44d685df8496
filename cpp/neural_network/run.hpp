// One batch through a program: forward, the loss, and back.
#pragma once

#include <array>
#include <vector>

#include "net.hpp"

namespace minimand::neural_network {

// What is done with a batch: forward to the output, to the loss, or back as well.
template <class T>
struct Job {
    Index operations;
    T* output = nullptr;       // rows of the batch, where outputs are wanted
    const T* delta = nullptr;  // of the output, where it is given
    bool loss = false;
    double scale = 0.0;
    T* gradient = nullptr;  // a row for each lane, where derivatives are wanted
    Index parameters = 0;
    T* input_delta = nullptr;
};

using Sums = std::array<double, 3>;

// Returns the sums of the loss over the batch. `sums` is a place for those of each lane.
template <class T>
Sums run(const Net<T>& net, const Batch<T>& batch, const Job<T>& job, T* work, std::vector<Sums>& sums, Team& team);

template <class T>
void set_training(Net<T>& net, bool training, const KeyIn& key, std::uint64_t step) {
    net.training = training;
    net.key0 = key[0];
    net.key1 = key[1];
    net.step = step;
}

template <class T>
Batch<T> labelled(const MatrixIn<T>& X, const IndexVectorIn& labels, const MatrixIn<T>& targets,
                  const VectorIn& weights) {
    return {X.data(),
            X.cols(),
            nullptr,
            0,
            X.rows(),
            labels.data(),
            targets.data(),
            targets.cols(),
            weights.size() ? weights.data() : nullptr};
}

// Inference and gradients read the running averages; only training steps write them.
template <class T>
T* read_only(const VecIn<T>& running) {
    return const_cast<T*>(running.data());
}

}  // namespace minimand::neural_network
