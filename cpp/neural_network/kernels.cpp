#include "kernels.hpp"

#include <cmath>

#include "run.hpp"

namespace minimand::neural_network {
namespace {

template <class T>
Batch<T> whole_batch(const MatrixIn<T>& X) {
    return {X.data(), X.cols(), nullptr, 0, X.rows(), nullptr, nullptr, 0, nullptr};
}

void add_to(VectorOut& stats, const Sums& sums) {
    for (std::size_t k = 0; k < sums.size(); ++k) stats[static_cast<Index>(k)] += sums[k];
}

}  // namespace

template <class T>
void forward(IndexMatrixIn ops, MatrixIn<double> reals, IndexMatrixIn slots, IndexVectorIn layout, VecIn<T> theta,
             VecIn<T> running, bool training, MatrixIn<T> X, KeyIn key, std::uint64_t step, MatOut<T> output,
             VecOut<T> work, int threads) {
    Net<T> net(ops, reals, slots, layout, theta.data());
    net.running = read_only<T>(running);
    set_training(net, training, key, step);
    Job<T> job{ops.rows()};
    job.output = output.data();
    std::vector<Sums> sums;
    Team team(threads);
    team.work([&] { run(net, whole_batch<T>(X), job, work.data(), sums, team); });
}

template <class T>
void backward(IndexMatrixIn ops, MatrixIn<double> reals, IndexMatrixIn slots, IndexVectorIn layout, VecIn<T> theta,
              VecIn<T> running, bool training, MatrixIn<T> X, MatrixIn<T> delta, KeyIn key, std::uint64_t step,
              MatOut<T> gradient, MatOut<T> input_delta, VecOut<T> work, int threads) {
    Net<T> net(ops, reals, slots, layout, theta.data());
    net.running = read_only<T>(running);
    net.input_delta = input_delta.size() > 0;
    set_training(net, training, key, step);
    Job<T> job{ops.rows()};
    job.delta = delta.data();
    job.gradient = gradient.data();
    job.parameters = gradient.cols();
    job.input_delta = net.input_delta ? input_delta.data() : nullptr;
    std::vector<Sums> sums;
    Team team(threads);
    team.work([&] {
        run(net, whole_batch<T>(X), job, work.data(), sums, team);
        reduce_rows(gradient.data(), net.lanes(X.rows()), gradient.cols(), team);
    });
}

template <class T>
void evaluate(IndexMatrixIn ops, MatrixIn<double> reals, IndexMatrixIn slots, IndexVectorIn layout, VecIn<T> theta,
              VecIn<T> running, MatrixIn<T> X, IndexVectorIn labels, MatrixIn<T> targets, VectorIn weights,
              VectorOut stats, VecOut<T> work, int threads) {
    Net<T> net(ops, reals, slots, layout, theta.data());
    net.running = read_only<T>(running);
    Job<T> job{net.loss_ops};
    job.loss = true;
    std::vector<Sums> sums;
    Team team(threads);
    team.work([&] {
        const Sums total = run(net, labelled<T>(X, labels, targets, weights), job, work.data(), sums, team);
        add_to(stats, total);
    });
}

template <class T>
void loss_and_gradient(IndexMatrixIn ops, MatrixIn<double> reals, IndexMatrixIn slots, IndexVectorIn layout,
                       VecIn<T> theta, VecIn<T> running, bool training, MatrixIn<T> X, IndexVectorIn labels,
                       MatrixIn<T> targets, VectorIn weights, double scale, KeyIn key, std::uint64_t step,
                       MatOut<T> gradient, VectorOut stats, VecOut<T> work, int threads) {
    Net<T> net(ops, reals, slots, layout, theta.data());
    net.running = read_only<T>(running);
    set_training(net, training, key, step);
    Job<T> job{net.loss_ops};
    job.loss = true;
    job.scale = scale;
    job.gradient = gradient.data();
    job.parameters = gradient.cols();
    std::vector<Sums> sums;
    Team team(threads);
    team.work([&] {
        const Sums total = run(net, labelled<T>(X, labels, targets, weights), job, work.data(), sums, team);
        reduce_rows(gradient.data(), net.lanes(X.rows()), gradient.cols(), team);
        add_to(stats, total);
    });
}

template <class T>
Index train_steps(IndexMatrixIn ops, MatrixIn<double> reals, IndexMatrixIn slots, IndexVectorIn layout, VecOut<T> theta,
                  VecOut<T> running, MatOut<T> gradient, MatOut<T> moments, MatrixIn<T> X, IndexVectorIn labels,
                  MatrixIn<T> targets, VectorIn weights, IndexVectorIn order, Index first, Index batch, Index optimizer,
                  VectorIn hyper, VectorIn rates, IndexMatrixIn penalised, KeyIn key, std::uint64_t step,
                  VectorOut stats, VecOut<T> work, int threads) {
    Net<T> net(ops, reals, slots, layout, theta.data());
    net.running = running.data();
    net.update_running = true;
    const Index parameters = theta.size();
    const auto blocks = cut_blocks(parameters, penalised);
    Batch<T> rows = labelled<T>(X, labels, targets, weights);
    rows.order = order.data();
    Job<T> job{net.loss_ops};
    job.loss = true;
    job.gradient = gradient.data();
    job.parameters = parameters;
    std::vector<Sums> sums;
    Index done = 0;
    Team team(threads);
    team.work([&] {
        for (; done < rates.size(); ++done) {
            rows.first = first + done * batch;
            rows.rows = std::min(batch, order.size() - rows.first);
            job.scale = 1.0 / static_cast<double>(rows.rows);
            const std::uint64_t now = step + static_cast<std::uint64_t>(done);
            set_training(net, true, key, now);
            const Sums total = run(net, rows, job, work.data(), sums, team);
            if (!std::isfinite(total[0])) return;
            add_to(stats, total);
            take_step({static_cast<Optimizer>(optimizer), hyper.data(), rates[done], static_cast<Index>(now) + 1},
                      blocks, theta.data(), gradient.data(), net.lanes(rows.rows), moments.data(), moments.rows() > 0,
                      parameters, team);
        }
    });
    return done;
}

#define MINIMAND_INSTANTIATE(T)                                                                                        \
    template void forward<T>(IndexMatrixIn, MatrixIn<double>, IndexMatrixIn, IndexVectorIn, VecIn<T>, VecIn<T>, bool,  \
                             MatrixIn<T>, KeyIn, std::uint64_t, MatOut<T>, VecOut<T>, int);                            \
    template void backward<T>(IndexMatrixIn, MatrixIn<double>, IndexMatrixIn, IndexVectorIn, VecIn<T>, VecIn<T>, bool, \
                              MatrixIn<T>, MatrixIn<T>, KeyIn, std::uint64_t, MatOut<T>, MatOut<T>, VecOut<T>, int);   \
    template void evaluate<T>(IndexMatrixIn, MatrixIn<double>, IndexMatrixIn, IndexVectorIn, VecIn<T>, VecIn<T>,       \
                              MatrixIn<T>, IndexVectorIn, MatrixIn<T>, VectorIn, VectorOut, VecOut<T>, int);           \
    template void loss_and_gradient<T>(IndexMatrixIn, MatrixIn<double>, IndexMatrixIn, IndexVectorIn, VecIn<T>,        \
                                       VecIn<T>, bool, MatrixIn<T>, IndexVectorIn, MatrixIn<T>, VectorIn, double,      \
                                       KeyIn, std::uint64_t, MatOut<T>, VectorOut, VecOut<T>, int);                    \
    template Index train_steps<T>(IndexMatrixIn, MatrixIn<double>, IndexMatrixIn, IndexVectorIn, VecOut<T>, VecOut<T>, \
                                  MatOut<T>, MatOut<T>, MatrixIn<T>, IndexVectorIn, MatrixIn<T>, VectorIn,             \
                                  IndexVectorIn, Index, Index, Index, VectorIn, VectorIn, IndexMatrixIn, KeyIn,        \
                                  std::uint64_t, VectorOut, VecOut<T>, int);
MINIMAND_INSTANTIATE(float)
MINIMAND_INSTANTIATE(double)
#undef MINIMAND_INSTANTIATE

}  // namespace minimand::neural_network
