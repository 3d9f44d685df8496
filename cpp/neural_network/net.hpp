// A program (minimand/neural_network/program.py) as the interpreter reads it, and one panel of samples in the arena.
#pragma once

#include <cstdint>
#include <vector>

#include "../common/random.hpp"
#include "../common/types.hpp"
#include "activation.hpp"

namespace minimand::neural_network {

using IndexMatrixIn = Eigen::Ref<const RowMatrix<Index>>;
using IndexVectorIn = Eigen::Ref<const Eigen::Matrix<Index, Eigen::Dynamic, 1>>;
template <class T>
using VectorOf = Eigen::Matrix<T, Eigen::Dynamic, 1>;
template <class T>
using VecIn = Eigen::Ref<const VectorOf<T>>;
template <class T>
using VecOut = Eigen::Ref<VectorOf<T>>;
template <class T>
using MatOut = Eigen::Ref<RowMatrix<T>>;

enum class Code : Index { linear, conv2d, maxpool, avgpool, copy, softmax, dropout, batchnorm, add, concat, slice };
enum class LossCode : Index {
    squared_error,
    cross_entropy,
    binary_cross_entropy,
    categorical_softmax,
    categorical_sigmoid
};
enum Flag : Index { kAddGradient = 1, kAddDelta0 = 2, kAddDelta1 = 4 };

struct Operation {
    Code code;
    Index in0, in1, out, param, bias, state;
    Activation activation;
    Index flags;
    const Index* ints;
    double slope, a, b;                  // a, b: see program.py
    std::vector<Index> rows, back_rows;  // of convolutions: where the rows of the implicit column matrix begin
};

struct Slot {
    Index width, stride, value, delta;
    bool trained;
};

// What a batch shares between its panels.
template <class T>
struct Net {
    Net(const IndexMatrixIn& ops, const MatrixIn<double>& reals, const IndexMatrixIn& slots,
        const IndexVectorIn& layout, const T* theta_);

    std::vector<Operation> ops;
    std::vector<Slot> slots;
    Index row_elements, scratch_elements;
    LossCode loss;
    Index loss_slot, loss_ops, output_slot, panel_rows, lane_rows;
    const T* theta;

    T* running = nullptr;  // written by training steps only
    bool training = false;
    bool update_running = false;
    bool input_delta = false;
    std::uint64_t key0 = 0, key1 = 0, step = 0;

    bool has_batchnorm() const;
    Index lanes(Index rows) const { return (rows + lane_rows - 1) / lane_rows; }
    Index lane_elements() const { return panel_rows * row_elements + scratch_elements; }
    bool wants_delta(Index slot) const { return input_delta || slots[static_cast<std::size_t>(slot)].trained; }
    const Slot& slot(Index s) const { return slots[static_cast<std::size_t>(s)]; }
};

// Some samples of a batch, in the arena of their lane.
template <class T>
struct Panel {
    const Net<T>* net;
    T* arena;
    Index first, rows;  // samples of the batch
    T* gradient;        // of the lane
    bool add_gradient;  // not the lane's first panel
    Team* team;         // for one operation

    Index stride(Index slot) const { return net->slot(slot).stride; }
    Index width(Index slot) const { return net->slot(slot).width; }
    Index elements(Index slot) const { return rows * stride(slot); }
    T* value(Index slot) const { return arena + net->panel_rows * net->slot(slot).value; }
    T* delta(Index slot) const { return arena + net->panel_rows * net->slot(slot).delta; }
    T* scratch() const { return arena + net->panel_rows * net->row_elements; }
    bool adds_gradient(const Operation& op) const { return add_gradient || (op.flags & kAddGradient) != 0; }
};

template <class T>
void forward_operation(const Operation& op, const Panel<T>& panel);
// Expects the delta of op.out complete, with the activation not yet taken back.
template <class T>
void backward_operation(const Operation& op, const Panel<T>& panel);

template <class T>
void forward_conv2d(const Operation& op, const Panel<T>& panel);
template <class T>
void backward_conv2d(const Operation& op, const Panel<T>& panel);
template <class T>
void forward_pool(const Operation& op, const Panel<T>& panel);
template <class T>
void backward_pool(const Operation& op, const Panel<T>& panel);

// Batch normalisation goes over all panels of the batch at once.
template <class T>
void forward_batchnorm(const Operation& op, const std::vector<Panel<T>>& panels, Team& team);
template <class T>
void backward_batchnorm(const Operation& op, const std::vector<Panel<T>>& panels, Team& team);

// The rows of a batch: order[first..] or first.. of the data.
template <class T>
struct Batch {
    const T* X;
    Index width;
    const Index* order;  // or null
    Index first, rows;
    const Index* labels;
    const T* targets;
    Index target_width;
    const double* weights;  // or null

    Index source(Index i) const { return order ? order[first + i] : first + i; }
    double weight(Index i) const { return weights ? weights[source(i)] : 1.0; }
};

// sums += (sum w loss, sum w, sum w [predicted right]); the delta of the loss slot := scale w dloss/dz if wanted.
template <class T>
void loss_of_panel(const Batch<T>& batch, const Panel<T>& panel, double scale, bool wants_delta, double* sums);

}  // namespace minimand::neural_network
