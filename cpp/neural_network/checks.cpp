#include "checks.hpp"

#include <cmath>

#include "gemm.hpp"
#include "run.hpp"

namespace minimand::neural_network {

void losses_around(IndexMatrixIn ops, MatrixIn<double> reals, IndexMatrixIn slots, IndexVectorIn layout,
                   MatOut<double> thetas, VecIn<double> running, bool training, MatrixIn<double> X,
                   IndexVectorIn labels, MatrixIn<double> targets, VectorIn weights, KeyIn key, std::uint64_t step,
                   IndexVectorIn index, MatrixIn<double> offsets, MatOut<double> out, MatOut<double> work,
                   int threads) {
    const Index shares = thetas.rows();
    const auto batch = labelled<double>(X, labels, targets, weights);
    parallel_for(shares, threads, [&](Index share) {
        double* theta = thetas.data() + share * thetas.cols();
        Net<double> net(ops, reals, slots, layout, theta);
        net.running = read_only<double>(running);
        set_training(net, training, key, step);
        Job<double> job{net.loss_ops};
        job.loss = true;
        std::vector<Sums> sums;
        Team alone(1);
        for (Index k = share; k < index.size(); k += shares) {
            double& parameter = theta[index[k]];
            const double at = parameter;
            for (Index j = 0; j < offsets.cols(); ++j) {
                parameter = at + offsets(k, j);
                out(k, j) = run(net, batch, job, work.data() + share * work.cols(), sums, alone)[0];
            }
            parameter = at;
        }
    });
}

void gram_norms(MatrixIn<double> W, VectorOut norms, VectorOut work, int threads) {
    const Index n = W.cols();
    Index m = W.rows();
    double* H = work.data();
    double* G = H + m * n;
    const double* source = W.data();
    norms.setZero();
    Team team(threads);
    team.work([&] {
        for (Index i = 0; i < norms.size(); ++i) {
            double squares = 0.0;
            for (Index k = 0; k < m * n; ++k) squares += source[k] * source[k];
            norms[i] = std::sqrt(squares);
            if (norms[i] == 0.0 || i + 1 == norms.size()) return;
            for (Index k = 0; k < m * n; ++k) H[k] = source[k] / norms[i];
            multiply<double>(n, n, m, {H, 1, n}, {H, n, false}, {G, n, false, false}, team);
            source = G;
            m = n;
        }
    });
}

}  // namespace minimand::neural_network
