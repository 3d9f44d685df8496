#include "gradient_descent.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/parallel.hpp"
#include "linear_models/glm_math.hpp"

namespace minimand::gradient_descent {
namespace {

using simd::kLanes;
using simd::Pack;

constexpr Index kGroup = 8;            // rows that are read together
constexpr Index kLeaves = 64;          // sums that are added in a fixed tree
constexpr Index kLeafEntries = 16384;  // fewer are not worth a sum of their own
constexpr Index kThreaded = 400'000;   // entries of A below which one thread is as fast
constexpr double kFar = 1e20;          // beyond which a run has no limit
constexpr double kSteep = 1e16;        // times the first L: no smooth function is that steep
constexpr double kReturn = 1e-8;       // of the longest step: that near, an iterate counts as met before
constexpr double kEps = 0x1p-52;

enum Kind { kLeastSquares, kLogistic, kQuadratic };

class Objective {
  public:
    Objective(const MatrixIn<double>& A, const VectorIn& b, int kind, double scale, double l2, double constant,
              int threads)
        : A_(A),
          b_(b),
          kind_(kind),
          scale_(scale),
          l2_(l2),
          constant_(constant),
          threads_(A.size() < kThreaded ? 1 : threads),
          leaf_rows_(std::max((A.rows() + kLeaves - 1) / kLeaves, kLeafEntries / A.cols())) {
        leaf_rows_ = (leaf_rows_ + kGroup - 1) / kGroup * kGroup;
        leaves_ = (A.rows() + leaf_rows_ - 1) / leaf_rows_;
        if (kind != kQuadratic) partial_.resize(leaves_, 1 + A.cols());
    }

    double operator()(const Vector& x, Vector& gradient) {
        if (kind_ == kQuadratic) return quadratic(x, gradient);
        const Index p = A_.cols();
        parallel_for(leaves_, threads_, [&](Index leaf) {
            double* sum = partial_.data() + leaf * (1 + p);
            std::fill_n(sum, 1 + p, 0.0);
            const Index end = std::min((leaf + 1) * leaf_rows_, A_.rows());
            for (Index i = leaf * leaf_rows_; i < end; i += kGroup) add_rows(i, std::min(kGroup, end - i), x, sum);
        });
        parallel_reduce(leaves_, 1, [&](Index into, Index from) { partial_.row(into) += partial_.row(from); });
        gradient = scale_ * partial_.row(0).tail(p).transpose() + l2_ * x;
        return scale_ * partial_(0, 0) + 0.5 * l2_ * x.squaredNorm() + constant_;
    }

  private:
    double quadratic(const Vector& x, Vector& gradient) {
        parallel_for(leaves_, threads_, [&](Index leaf) {
            const Index end = std::min((leaf + 1) * leaf_rows_, A_.rows());
            for (Index i = leaf * leaf_rows_; i < end; i += kGroup) {
                double product[kGroup];
                products(i, std::min(kGroup, end - i), x, product);
                std::copy_n(product, std::min(kGroup, end - i), gradient.data() + i);
            }
        });
        const double square = x.dot(gradient), line = b_.dot(x);
        gradient += b_;
        return 0.5 * square + line + constant_;
    }

    // sum += (loss, gradient) of rows first, first + 1, ...
    void add_rows(Index first, Index rows, const Vector& x, double* sum) const {
        double product[kGroup], target[kGroup] = {};
        products(first, rows, x, product);
        std::copy_n(b_.data() + first, rows, target);
        Pack loss = simd::broadcast(0.0);
        double rest = 0.0;
        for (Index i = 0; i < kGroup; i += kLanes) {
            const Pack eta = simd::load(product + i), y = simd::load(target + i);
            if (kind_ == kLeastSquares) {
                const Pack r = simd::sub(eta, y);
                loss = simd::fma(r, r, loss);
                simd::store(product + i, r);
            } else {
                // log(1 + e^-m) of the margin m = y eta is the loss of a positive answer.
                const auto share = linear_models::logistic_share(simd::mul(y, eta), simd::broadcast(1.0));
                simd::store(product + i, linear_models::negative(simd::mul(y, share.residual)));
                double each[kLanes];
                simd::store(each, share.loss);
                for (Index k = i; k < std::min<Index>(rows, i + kLanes); ++k) rest += each[k - i];
            }
        }
        sum[0] += kind_ == kLeastSquares ? 0.5 * simd::sum(loss) : rest;
        if (rows == kGroup)
            add_transposed<kGroup>(A_.data() + first * A_.cols(), product, sum + 1);
        else
            for (Index i = 0; i < rows; ++i)
                add_transposed<1>(A_.data() + (first + i) * A_.cols(), product + i, sum + 1);
    }

    void products(Index first, Index rows, const Vector& x, double* out) const {
        const double* a = A_.data() + first * A_.cols();
        std::fill_n(out, kGroup, 0.0);
        if (rows == kGroup)
            dots<kGroup>(a, x.data(), out);
        else
            for (Index i = 0; i < rows; ++i) dots<1>(a + i * A_.cols(), x.data(), out + i);
    }

    template <Index rows>
    void dots(const double* a, const double* x, double* out) const {
        const Index p = A_.cols(), whole = p / kLanes * kLanes;
        simd::prefetch_ahead(a, rows * p);
        Pack sum[rows];
        for (Index i = 0; i < rows; ++i) sum[i] = simd::broadcast(0.0);
        for (Index v = 0; v < whole; v += kLanes) {
            const Pack c = simd::load(x + v);
            for (Index i = 0; i < rows; ++i) sum[i] = simd::fma(simd::load(a + i * p + v), c, sum[i]);
        }
        for (Index i = 0; i < rows; ++i) {
            double rest = 0.0;
            for (Index j = whole; j < p; ++j) rest += a[i * p + j] * x[j];
            out[i] = simd::sum(sum[i]) + rest;
        }
    }

    template <Index rows>
    void add_transposed(const double* a, const double* share, double* sum) const {
        const Index p = A_.cols(), whole = p / kLanes * kLanes;
        Pack factor[rows];
        for (Index i = 0; i < rows; ++i) factor[i] = simd::broadcast(share[i]);
        for (Index v = 0; v < whole; v += kLanes) {
            Pack s = simd::load(sum + v);
            for (Index i = 0; i < rows; ++i) s = simd::fma(simd::load(a + i * p + v), factor[i], s);
            simd::store(sum + v, s);
        }
        for (Index j = whole; j < p; ++j)
            for (Index i = 0; i < rows; ++i) sum[j] += a[i * p + j] * share[i];
    }

    const MatrixIn<double>& A_;
    const VectorIn& b_;
    int kind_;
    double scale_, l2_, constant_;
    int threads_;
    Index leaf_rows_, leaves_;
    RowMatrix<double> partial_;
};

enum Reason { kSteps, kConverged, kRefuted, kUndefined, kUnbounded, kDiverged, kNoise, kNonsmooth, kCycling };
enum Variant { kGradient, kHeavyBall, kNesterov };

// The caller's vectors by name; the order is that of the mirror.
struct State {
    double &fun, &lipschitz, &step, &theta, &lower, &slack, &done, &saved_at, &longest, &evaluations, &size, &first;
    explicit State(VectorOut& s)
        : fun(s[0]),
          lipschitz(s[1]),
          step(s[2]),
          theta(s[3]),
          lower(s[4]),
          slack(s[5]),
          done(s[6]),
          saved_at(s[7]),
          longest(s[8]),
          evaluations(s[9]),
          size(s[10]),
          first(s[11]) {}
};

struct Control {
    double momentum, tol, accuracy;
    bool backtracking, restart, claimed;
    explicit Control(const VectorIn& c)
        : momentum(c[0]),
          tol(c[1]),
          accuracy(c[2]),
          backtracking(c[3] != 0.0),
          restart(c[4] != 0.0),
          claimed(c[5] != 0.0) {}
};

struct Errors {
    double value, gradient;
};

Errors rounding(const VectorIn& n, double fun, const Vector& x) {
    const double root = std::sqrt(std::abs(fun)), size = x.norm();
    return {n[0] * std::abs(fun) + root * (n[1] * size + n[2]) + (size * (n[3] * size + n[4]) + n[5]),
            n[6] * root + n[7] * size + n[8]};
}

// A point and all that is known there.
struct Point {
    Vector x, gradient;
    double fun = 0.0;
    Errors errors{};
    bool finite() const { return std::isfinite(fun) && gradient.allFinite(); }
};

struct Comparison {
    double excess, slack, lower;
};

// Two points against the descent lemma: the excess, the rounding errors in it, a lower bound of L.
Comparison compare(const Point& from, const Point& to, double lipschitz) {
    const double squares = (to.x - from.x).squaredNorm(), slope = from.gradient.dot(to.x - from.x);
    const double length = std::sqrt(squares), quadratic = 0.5 * lipschitz * squares;
    const double slack = from.errors.value + to.errors.value + from.errors.gradient * length +
                         8.0 * kEps * (std::abs(slope) + quadratic);
    const double rise = to.fun - from.fun - slope;
    const double apart = (to.gradient - from.gradient).norm() -
                         (from.errors.gradient + to.errors.gradient + 8.0 * kEps * lipschitz * length);
    const double lower = squares > 0.0 ? std::max({2.0 * (rise - slack) / squares, apart / length, 0.0}) : 0.0;
    return {rise - quadratic, slack, lower};
}

}  // namespace

double value_gradient(MatrixIn<double> A, VectorIn b, VectorIn x, int kind, double scale, double l2, double constant,
                      VectorOut gradient, int threads) {
    Objective objective(A, b, kind, scale, l2, constant, threads);
    Vector g(x.size());
    const double fun = objective(x, g);
    gradient = g;
    return fun;
}

std::pair<int, int> descent_steps(MatrixIn<double> A, VectorIn b, int kind, double scale, double l2, double constant,
                                  VectorIn noise, VectorOut point, VectorOut previous, VectorOut gradient,
                                  VectorOut saved, VectorOut trial, VectorOut state, VectorIn control, int variant,
                                  int count, MatrixOut trace, int threads) {
    Objective objective(A, b, kind, scale, l2, constant, threads);
    State s(state);
    const Control c(control);
    Point here{point, gradient, s.fun, {}}, next{point, gradient, 0.0, {}};
    Vector z(point.size()), before = previous;
    const auto evaluate = [&](const Vector& x) {
        next.x = x;
        next.fun = objective(next.x, next.gradient);
        next.errors = rounding(noise, next.fun, next.x);
        s.evaluations += 1.0;
    };
    here.errors = rounding(noise, here.fun, here.x);

    int k = 0, reason = kSteps;
    const auto stop = [&](int why) {
        reason = why;
        return true;
    };
    const auto step = [&]() -> bool {
        const double norm = here.gradient.norm();
        if (norm <= c.tol) return stop(kConverged);
        if (here.errors.gradient > c.accuracy * norm) return stop(kNoise);

        // 1. The gradient step; without an L it is halved until the descent lemma holds
        for (;;) {
            z = here.x - s.step * here.gradient;
            if (!c.backtracking) break;
            evaluate(z);
            if (next.finite()) {
                const Comparison seen = compare(here, next, s.lipschitz);
                // Near a minimum the values are too near to each other to tell.
                const bool told = norm * norm > 2.0 * s.lipschitz * seen.slack;
                if (seen.excess <= seen.slack && (told || seen.lower <= s.lipschitz)) break;
            }
            s.lipschitz *= 2.0;
            s.step = 1.0 / s.lipschitz;
            if (s.lipschitz > kSteep * s.first) return stop(kNonsmooth);
        }

        // 2. Momentum
        double momentum = c.momentum, theta = s.theta;
        if (variant == kGradient) {
            momentum = 0.0;
        } else if (variant == kNesterov) {
            if (c.restart && here.gradient.dot(z - before) > 0.0) {
                theta = 1.0;
                momentum = 0.0;
            } else if (momentum < 0.0) {
                const double following = 0.5 * (1.0 + std::sqrt(1.0 + 4.0 * theta * theta));
                momentum = (theta - 1.0) / following;
                theta = following;
            }
        }
        if (variant == kNesterov)
            before = z + momentum * (z - before);
        else if (variant == kHeavyBall)
            before = z + momentum * (here.x - before);
        else
            before = z;
        // From here on `before` is where to go, and z what comes before it.
        if (variant != kNesterov) z = here.x;

        // 3. f there
        if (!(before.squaredNorm() <= kFar * kFar)) return stop(kDiverged);
        if (!c.backtracking || variant != kGradient) evaluate(before);
        if (next.fun < -kFar * std::max(1.0, s.size)) return stop(kUnbounded);
        if (!next.finite()) return stop(kUndefined);

        // 4. What the two points say of L
        const double length = (next.x - here.x).norm();
        if (length > 0.0) {
            const Comparison seen = compare(here, next, s.lipschitz);
            s.lower = std::max(s.lower, seen.lower);
            s.slack += seen.slack;
            if (c.claimed && seen.lower > s.lipschitz) {
                trial = next.x;
                return stop(kRefuted);
            }
        }

        // 5. Go there
        trace(k, 0) = next.fun;
        trace(k, 1) = next.gradient.norm();
        trace(k, 2) = s.step;
        trace(k, 3) = momentum;
        if (c.backtracking && length > 0.0) {
            const double seen = (next.gradient - here.gradient).norm() / length;
            s.lipschitz = std::min(std::max(seen, 0.5 * s.lipschitz), s.lipschitz);
            s.step = 1.0 / s.lipschitz;
        }
        std::swap(here, next);
        previous = before = z;
        s.fun = here.fun;
        s.theta = theta;
        s.done += 1.0;
        ++k;

        // 6. Brent's test for cycles: one iterate is kept, and replaced at every power of two
        s.longest = std::max(s.longest, length);
        if ((here.x - saved).norm() <= kReturn * s.longest) return stop(kCycling);
        if (s.done >= 2.0 * s.saved_at) {
            saved = here.x;
            s.saved_at = s.done;
            s.longest = 0.0;
        }
        return false;
    };
    while (k < count && !step()) {
    }
    point = here.x;
    gradient = here.gradient;
    return {k, reason};
}

}  // namespace minimand::gradient_descent
