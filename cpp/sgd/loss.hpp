// Losses phi(m; y) of a linear model and their derivatives a = phi'(m), for one row in each lane.
//
//     squared   (m - y)^2 / 2            a = m - y
//     logistic  log(1 + e^(-y m))        a = -y / (1 + e^(y m)),  y = -1 or 1
//     absolute  |m - y|                  a = sign(m - y)
//     Poisson   e^m - y m                a = e^m - y
//     softmax   log(sum_k e^m_k) - m_y   a_k = e^m_k / sum_j e^m_j - [k = y]
#pragma once

#include "../common/types.hpp"
#include "../linear_models/glm_math.hpp"

namespace minimand::sgd {

using simd::kLanes;
using simd::Pack;

enum class Loss : int { squared, logistic, absolute, poisson, softmax };

struct Share {
    Pack residual, loss;
};

inline Share share(Loss loss, const Pack& m, const Pack& y) {
    namespace lm = linear_models;
    const Pack zero = simd::broadcast(0.0), one = simd::broadcast(1.0);
    if (loss == Loss::logistic) {
        const Pack t = simd::mul(y, m), small = lm::exponential(lm::negative(lm::absolute(t)));
        const Pack near = lm::divide(one, simd::add(one, small));  // 1 / (1 + e^-|t|)
        const Pack right = Eigen::internal::pcmp_lt(zero, t);
        const Pack wrong = Eigen::internal::pselect(right, simd::mul(small, near), near);
        return {lm::negative(simd::mul(y, wrong)),
                simd::add(lm::log_one_plus(small), lm::maximum(lm::negative(t), zero))};
    }
    if (loss == Loss::poisson) {
        const Pack mean = lm::exponential(m);
        return {simd::sub(mean, y), simd::sub(mean, simd::mul(y, m))};
    }
    const Pack miss = simd::sub(m, y);
    if (loss == Loss::squared) return {miss, simd::mul(simd::mul(miss, miss), simd::broadcast(0.5))};
    const Pack above = Eigen::internal::pselect(Eigen::internal::pcmp_lt(zero, miss), one, zero);
    const Pack below = Eigen::internal::pselect(Eigen::internal::pcmp_lt(miss, zero), one, zero);
    return {simd::sub(above, below), lm::absolute(miss)};
}

// Margins m[k * stride + r] of class k in row r := residuals, for `count` rows, a multiple of kLanes; loss[r] := phi.
inline void softmax_shares(double* m, Index stride, Index classes, const double* y, Index count, double* loss) {
    namespace lm = linear_models;
    const Pack one = simd::broadcast(1.0), zero = simd::broadcast(0.0);
    for (Index r = 0; r < count; r += kLanes) {
        Pack top = simd::load(m + r);
        for (Index k = 1; k < classes; ++k) top = lm::maximum(top, simd::load(m + k * stride + r));
        Pack sum = zero, own = zero;
        const Pack label = simd::load(y + r);
        for (Index k = 0; k < classes; ++k) {
            const Pack margin = simd::sub(simd::load(m + k * stride + r), top), power = lm::exponential(margin);
            const Pack mine = Eigen::internal::pcmp_eq(label, simd::broadcast(static_cast<double>(k)));
            own = Eigen::internal::pselect(mine, margin, own);
            sum = simd::add(sum, power);
            simd::store(m + k * stride + r, power);
        }
        const Pack scale = lm::divide(one, sum);
        for (Index k = 0; k < classes; ++k) {
            const Pack mine = Eigen::internal::pcmp_eq(label, simd::broadcast(static_cast<double>(k)));
            const Pack p = simd::mul(simd::load(m + k * stride + r), scale);
            simd::store(m + k * stride + r, simd::sub(p, Eigen::internal::pselect(mine, one, zero)));
        }
        simd::store(loss + r, simd::sub(Eigen::internal::plog(sum), own));
    }
}

// The same for any loss.
inline void shares(Loss kind, double* m, Index stride, Index classes, const double* y, Index count, double* loss) {
    if (kind == Loss::softmax) return softmax_shares(m, stride, classes, y, count, loss);
    for (Index r = 0; r < count; r += kLanes) {
        const Share s = share(kind, simd::load(m + r), simd::load(y + r));
        simd::store(m + r, s.residual);
        simd::store(loss + r, s.loss);
    }
}

}  // namespace minimand::sgd
