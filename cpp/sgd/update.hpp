// The second half of a step: from the sum over a batch to new coefficients.
#pragma once

#include <cmath>

#include "../common/types.hpp"
#include "../linear_models/glm_math.hpp"

namespace minimand::sgd {

using simd::kLanes;
using simd::Pack;

struct Hyper {
    double l2, l1, momentum;
    bool nesterov, refresh;
};

// Arrays of one length; null where they are not wanted.
struct State {
    double *theta, *velocity, *average, *mean;
};

inline Pack soft(const Pack& w, const Pack& threshold) {
    namespace lm = linear_models;
    const Pack size = lm::maximum(simd::sub(lm::absolute(w), threshold), simd::broadcast(0.0));
    const Pack negative = Eigen::internal::pcmp_lt(w, simd::broadcast(0.0));
    return Eigen::internal::pselect(negative, lm::negative(size), size);
}

inline double soft(double w, double threshold) {
    const double size = std::abs(w) - threshold;
    return size > 0.0 ? std::copysign(size, w) : size <= 0.0 ? 0.0 : w;  // NaN stays
}

// One step of `count` coordinates, a multiple of kLanes, from sum = a'X over the batch. `scale` is 1 / rows of the
// batch, `share` 1 / n, `fresh` 1 / number of averaged points. Penalties only where they are asked for.
inline void update(const State& at, const double* sum, Index count, const Hyper& hyper, double l2, double l1,
                   double rate, double scale, double share, double fresh) {
    const Pack scales = simd::broadcast(scale), shares = simd::broadcast(share), fresher = simd::broadcast(fresh);
    const Pack ridge = simd::broadcast(l2), beta = simd::broadcast(hyper.momentum);
    const Pack down = simd::broadcast(-rate), threshold = simd::broadcast(rate * l1);
    for (Index v = 0; v < count; v += kLanes) {
        const Pack s = simd::load(sum + v);
        Pack w = simd::load(at.theta + v), g = simd::mul(s, scales);
        if (at.mean) {
            const Pack mean = simd::load(at.mean + v);
            g = simd::add(g, mean);
            if (hyper.refresh) simd::store(at.mean + v, simd::fma(s, shares, mean));
        }
        if (l2 != 0.0) g = simd::fma(ridge, w, g);
        if (at.velocity) {
            const Pack velocity = simd::fma(beta, simd::load(at.velocity + v), g);
            simd::store(at.velocity + v, velocity);
            g = hyper.nesterov ? simd::fma(beta, velocity, g) : velocity;
        }
        w = simd::fma(down, g, w);
        if (l1 != 0.0) w = soft(w, threshold);
        simd::store(at.theta + v, w);
        if (at.average) {
            const Pack average = simd::load(at.average + v);
            simd::store(at.average + v, simd::fma(simd::sub(w, average), fresher, average));
        }
    }
}

}  // namespace minimand::sgd
