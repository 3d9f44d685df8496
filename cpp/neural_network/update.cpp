#include "update.hpp"

#include <cmath>

namespace minimand::neural_network {
namespace {

constexpr Index kBlock = 1 << 13;              // parameters
constexpr Index kParallelParameters = 60'000;  // from which on a second thread is worth while

// Runs body(block) over the blocks, alone where a second thread is not worth while.
template <class Body>
void each_block(Index blocks, Index parameters, Team& team, Body&& body) {
    if (parameters >= kParallelParameters) return team.run(blocks, body);
    for (Index b = 0; b < blocks; ++b) body(b);
}

template <class T>
void reduce_block(T* gradient, Index rows, Index parameters, Index begin, Index end) {
    for (Index apart = 1; apart < rows; apart *= 2)
        for (Index into = 0; into + apart < rows; into += 2 * apart) {
            T* EIGEN_RESTRICT a = gradient + into * parameters;
            const T* EIGEN_RESTRICT b = gradient + (into + apart) * parameters;
            for (Index i = begin; i < end; ++i) a[i] += b[i];
        }
}

template <class T>
struct Move {
    T step, rate;  // of one parameter; l1 shrinks by its rate
};

// theta[i] -= body(i, g).step over a block, weights moving on towards zero by l1.
template <class T, class Body>
inline void each(const Block& block, T* EIGEN_RESTRICT theta, const T* EIGEN_RESTRICT gradient, T l2, T l1,
                 Body&& body) {
    if (!block.penalised || (l2 == T(0) && l1 == T(0))) {
        for (Index i = block.begin; i < block.end; ++i) theta[i] -= body(i, gradient[i]).step;
    } else if (l1 == T(0)) {
        for (Index i = block.begin; i < block.end; ++i) theta[i] -= body(i, gradient[i] + l2 * theta[i]).step;
    } else {
        for (Index i = block.begin; i < block.end; ++i) {
            const Move<T> move = body(i, gradient[i] + l2 * theta[i]);
            const T moved = theta[i] - move.step;
            const T size = std::max(std::abs(moved) - move.rate * l1, T(0));
            theta[i] = moved < T(0) ? -size : size;
        }
    }
}

template <class T>
void step_block(const Step& step, const Block& block, T* EIGEN_RESTRICT theta, const T* EIGEN_RESTRICT gradient,
                T* EIGEN_RESTRICT m, T* EIGEN_RESTRICT v, bool has_moments) {
    const double* h = step.hyper;
    const T l2 = static_cast<T>(h[0]), l1 = static_cast<T>(h[1]), rate = static_cast<T>(step.rate);
    if (step.optimizer == Optimizer::sgd) {
        if (!has_moments) {
            each(block, theta, gradient, l2, l1, [=](Index, T g) { return Move<T>{rate * g, rate}; });
            return;
        }
        const T momentum = static_cast<T>(h[2]);
        const bool nesterov = h[3] != 0.0;
        if (nesterov)
            each(block, theta, gradient, l2, l1, [=](Index i, T g) {
                m[i] = momentum * m[i] + g;
                return Move<T>{rate * (g + momentum * m[i]), rate};
            });
        else
            each(block, theta, gradient, l2, l1, [=](Index i, T g) {
                m[i] = momentum * m[i] + g;
                return Move<T>{rate * m[i], rate};
            });
    } else if (step.optimizer == Optimizer::adagrad) {
        const T epsilon = static_cast<T>(h[2]);
        each(block, theta, gradient, l2, l1, [=](Index i, T g) {
            m[i] += g * g;
            const T own = rate / (std::sqrt(m[i]) + epsilon);
            return Move<T>{own * g, own};
        });
    } else if (step.optimizer == Optimizer::rmsprop) {
        const T decay = static_cast<T>(h[2]), rest = static_cast<T>(1.0 - h[2]), epsilon = static_cast<T>(h[3]);
        each(block, theta, gradient, l2, l1, [=](Index i, T g) {
            m[i] = decay * m[i] + rest * (g * g);
            const T own = rate / (std::sqrt(m[i]) + epsilon);
            return Move<T>{own * g, own};
        });
    } else {
        const auto t = static_cast<double>(step.number);
        const double correction = 1.0 - std::pow(h[2], t), root = std::sqrt(1.0 - std::pow(h[3], t));
        const bool before = h[5] != 0.0;
        const T beta1 = static_cast<T>(h[2]), rest1 = static_cast<T>(1.0 - h[2]);
        const T beta2 = static_cast<T>(h[3]), rest2 = static_cast<T>(1.0 - h[3]), epsilon = static_cast<T>(h[4]);
        const T size = static_cast<T>(before ? step.rate * root / correction : step.rate / correction);
        const T inverse = before ? T(1) : static_cast<T>(1.0 / root);
        each(block, theta, gradient, l2, l1, [=](Index i, T g) {
            m[i] = beta1 * m[i] + rest1 * g;
            v[i] = beta2 * v[i] + rest2 * (g * g);
            const T own = size / (std::sqrt(v[i]) * inverse + epsilon);
            return Move<T>{own * m[i], own};
        });
    }
}

}  // namespace

std::vector<Block> cut_blocks(Index parameters, const IndexMatrixIn& penalised) {
    std::vector<Block> blocks;
    const auto cut = [&](Index begin, Index end, bool is_weight) {
        for (; begin < end; begin += kBlock) blocks.push_back({begin, std::min(begin + kBlock, end), is_weight});
    };
    Index done = 0;
    for (Index k = 0; k < penalised.rows(); ++k) {
        cut(done, penalised(k, 0), false);
        cut(penalised(k, 0), penalised(k, 1), true);
        done = penalised(k, 1);
    }
    cut(done, parameters, false);
    return blocks;
}

template <class T>
void take_step(const Step& step, const std::vector<Block>& blocks, T* theta, T* gradient, Index rows, T* moments,
               bool has_moments, Index parameters, Team& team) {
    each_block(static_cast<Index>(blocks.size()), parameters, team, [&](Index b) {
        const Block& block = blocks[static_cast<std::size_t>(b)];
        reduce_block(gradient, rows, parameters, block.begin, block.end);
        step_block(step, block, theta, gradient, moments, moments + parameters, has_moments);
    });
}

template <class T>
void reduce_rows(T* gradient, Index rows, Index parameters, Team& team) {
    const Index blocks = (parameters + kBlock - 1) / kBlock;
    each_block(rows == 1 ? 0 : blocks, parameters, team, [&](Index b) {
        reduce_block(gradient, rows, parameters, b * kBlock, std::min((b + 1) * kBlock, parameters));
    });
}

template <class T>
void update(VecOut<T> theta, MatOut<T> gradient, MatOut<T> moments, IndexMatrixIn penalised, Index optimizer,
            VectorIn hyper, double rate, Index step, int threads) {
    const Step one{static_cast<Optimizer>(optimizer), hyper.data(), rate, step};
    Team team(theta.size() < kParallelParameters ? 1 : threads);
    team.work([&] {
        take_step(one, cut_blocks(theta.size(), penalised), theta.data(), gradient.data(), 1, moments.data(),
                  moments.rows() > 0, theta.size(), team);
    });
}

#define MINIMAND_INSTANTIATE(T)                                                                                \
    template void take_step<T>(const Step&, const std::vector<Block>&, T*, T*, Index, T*, bool, Index, Team&); \
    template void reduce_rows<T>(T*, Index, Index, Team&);                                                     \
    template void update<T>(VecOut<T>, MatOut<T>, MatOut<T>, IndexMatrixIn, Index, VectorIn, double, Index, int);
MINIMAND_INSTANTIATE(float)
MINIMAND_INSTANTIATE(double)
#undef MINIMAND_INSTANTIATE

}  // namespace minimand::neural_network
