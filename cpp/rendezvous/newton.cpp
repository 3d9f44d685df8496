#include "newton.hpp"

#include <Eigen/LU>
#include <limits>

#include "groups.hpp"

namespace minimand::rendezvous {
namespace {

enum What { kMore = 0, kDone = 1, kImpossible = 2, kStalled = 3 };

constexpr double kMargin = 1e-11;  // by which d must lie beyond what can be reached
constexpr double kLeastDamping = 1e-15, kMostDamping = 1e-2;
constexpr double kRounding = 1e-14, kMostRounding = 1e-8;
constexpr int kTrials = 60;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

inline double length(const double* y, Index size) {
    if (size == 1) return std::abs(*y);
    double squares = 0.0;
    for (Index i = 0; i < size; ++i) squares += y[i] * y[i];
    return std::sqrt(squares);
}

// The factor that cuts a group of that length.
inline double share(double length, double bound) { return length > bound ? bound / length : 1.0; }

// The problem, and passes over its rows.
struct Dual {
    MatrixIn<double> F;
    VectorIn bounds, d;
    Groups groups;
    Index r;

    Dual(const MatrixIn<double>& F_, Index first, Index m1, Index m2, const VectorIn& bounds_, const VectorIn& d_,
         int threads)
        : F(F_), bounds(bounds_), d(d_), groups(F_.rows(), first, m1, m2, F_.cols(), threads), r(F_.cols()) {}

    void multiply(const Vector& eta, VectorOut y) const {
        groups.sum(0, [&](const Block& b, auto) {
            y.segment(b.begin, b.end - b.begin).noalias() = F.middleRows(b.begin, b.end - b.begin) * eta;
        });
    }

    template <class Group>
    static void each_group(const Block& b, Group&& group) {
        Index g = b.group;
        for (Index row = b.begin; row < b.end; row += b.size, ++g) group(row, g);
    }

    // w = cut(y); returns (sum 2 y'w - |w|^2, support, F'w).
    Vector evaluate(const VectorIn& y, VectorOut w) const {
        return groups.sum(2 + r, [&](const Block& b, auto sums) {
            double value = 0.0, support = 0.0;
            each_group(b, [&](Index row, Index g) {
                const double size = length(y.data() + row, b.size), part = share(size, bounds[g]);
                for (Index i = row; i < row + b.size; ++i) {
                    w[i] = part < 1.0 && b.size == 1 ? std::copysign(bounds[g], y[i]) : part * y[i];
                    value += w[i] * (2.0 * y[i] - w[i]);
                }
                if (bounds[g] < kInfinity) support += bounds[g] * size;
            });
            sums[0] = value;
            sums[1] = support;
            const Index rows = b.end - b.begin;
            sums.tail(r).noalias() = F.middleRows(b.begin, rows).transpose() * w.segment(b.begin, rows);
        });
    }

    // sum over the groups with bounds of b |F_g ray|.
    double support(const Vector& ray) const {
        return groups.sum(1, [&](const Block& b, auto sums) {
            const Index rows = b.end - b.begin;
            const Vector y = F.middleRows(b.begin, rows) * ray;
            each_group(b, [&](Index row, Index g) {
                if (bounds[g] < kInfinity) sums[0] += bounds[g] * length(y.data() + row - b.begin, b.size);
            });
        })[0];
    }

    // sum F_g' J_g F_g. A cut group moves by share (I - y y'/|y|^2), a single entry not at all.
    ColMatrix curvature(const VectorIn& y) const {
        const Vector total = groups.sum(r * r, [&](const Block& b, auto sums) {
            const Index rows = b.end - b.begin;
            RowMatrix<double> weighted = F.middleRows(b.begin, rows);
            Eigen::RowVectorXd along(r);
            each_group(b, [&](Index row, Index g) {
                const double size = length(y.data() + row, b.size);
                if (!(size > bounds[g])) return;
                auto part = weighted.middleRows(row - b.begin, b.size);
                if (b.size == 1) {
                    part.setZero();
                    return;
                }
                along.noalias() = y.segment(row, b.size).transpose() * part;
                part.noalias() -= y.segment(row, b.size) * (along / (size * size));
                part *= bounds[g] / size;
            });
            Eigen::Map<ColMatrix>(sums.data(), r, r).noalias() = F.middleRows(b.begin, rows).transpose() * weighted;
        });
        const Eigen::Map<const ColMatrix> H(total.data(), r, r);
        return 0.5 * (H + H.transpose());
    }

    // The derivative of half the dual along ys, at y + alpha ys.
    double slope(const VectorIn& y, const Vector& ys, double alpha, double ds) const {
        const double reached = groups.sum(1, [&](const Block& b, auto sums) {
            Eigen::Matrix<double, Eigen::Dynamic, 1> moved(b.size);
            double sum = 0.0;
            each_group(b, [&](Index row, Index g) {
                for (Index i = 0; i < b.size; ++i) moved[i] = y[row + i] + alpha * ys[row + i];
                const double part = share(length(moved.data(), b.size), bounds[g]);
                for (Index i = 0; i < b.size; ++i) sum += part * moved[i] * ys[row + i];
            });
            sums[0] = sum;
        })[0];
        return ds - reached;
    }

    // A step at which the slope is a tenth of its first one, or less: Newton's own step if it is; beyond it by factors
    // of 4, back by the secant kept in the bracket. An end that stays has its slope halved (the Illinois rule).
    double line_search(const VectorIn& y, const Vector& ys, double ds, double first_slope) const {
        if (!(first_slope > 0)) return 0.0;
        double low = 0.0, high = kInfinity, slope_low = first_slope, slope_high = -kInfinity, alpha = 1.0;
        for (int trial = 0; trial < kTrials; ++trial) {
            const double now = slope(y, ys, alpha, ds);
            if (!std::isfinite(now)) return low;
            if (std::abs(now) <= 0.1 * first_slope) return alpha;
            if (now > 0) {
                if (low > 0) slope_high *= 0.5;
                low = alpha;
                slope_low = now;
            } else {
                if (high < kInfinity) slope_low *= 0.5;
                high = alpha;
                slope_high = now;
            }
            if (high == kInfinity) {
                alpha *= 4.0;
            } else {
                const double part = slope_low / (slope_low - slope_high);
                alpha = low + (high - low) * std::min(std::max(part, 0.1), 0.9);
            }
        }
        return low;
    }
};

}  // namespace

Index dual_newton_steps(MatrixIn<double> F, Index first, Index m1, Index m2, VectorIn bounds, VectorIn d,
                        MatrixIn<double> free, double tol, Index max_iterations, VectorOut eta, VectorOut y,
                        VectorOut w, VectorOut report, int threads) {
    const Dual dual(F, first, m1, m2, bounds, d, threads);
    const Index r = d.size();
    const double size_of_d = d.norm();
    Vector residual(r), s(r), ray(r), ys(F.rows());
    for (Index done = 0;; ++done) {
        dual.multiply(eta, y);
        const Vector sums = dual.evaluate(y, w);
        residual = d - sums.tail(r);
        const double missing = residual.norm();
        double support = 0.0, pull = eta.dot(d);
        report[0] = 2.0 * pull - sums[0];
        report[1] = missing;
        report[4] = kMore;
        // A hyperplane between d and all that can be reached
        if (free.cols() > 0) {
            ray = eta;
            support = sums[1];
            if (free.cols() < r) {
                ray = free * (free.transpose() * eta);
                support = dual.support(ray);
                pull = ray.dot(d);
            }
            if (pull > support * (1.0 + kMargin) && pull > 0) {
                eta = ray;
                report[4] = kImpossible;
            }
        }
        report[2] = pull;
        report[3] = support;
        if (report[4] == kImpossible) return done;
        // Rounding of y leaves the more the larger eta is; it shows when nothing gets better.
        const double rounding = std::min(kRounding * eta.norm(), kMostRounding * size_of_d);
        const bool stays = missing > 0.5 * report[6];
        report[6] = missing;
        if (missing <= tol * size_of_d || (missing <= rounding && stays)) {
            report[4] = kDone;
            return done;
        }
        if (done == max_iterations) return done;

        // Newton's direction, damped in proportion to what is missing
        ColMatrix H = dual.curvature(y);
        H.diagonal().array() += report[5] * std::min(1.0, missing / size_of_d) + kLeastDamping;
        s = H.partialPivLu().solve(residual);
        dual.multiply(s, ys);
        const double alpha = dual.line_search(y, ys, d.dot(s), residual.dot(s));
        if (!(alpha > 0)) {
            report[4] = kStalled;
            return done;
        }
        eta += alpha * s;
        // A longer step than Newton's says that it was damped too much, a short one the contrary.
        const double change = alpha > 1.5 ? 0.01 : alpha < 0.2 ? 10.0 : 1.0;
        report[5] = std::min(std::max(change * report[5], kLeastDamping), kMostDamping);
    }
}

void correct_inputs(MatrixIn<double> F, Index first, Index m1, Index m2, VectorIn bounds, VectorIn missing, VectorIn y,
                    VectorOut w, int threads) {
    const Dual dual(F, first, m1, m2, bounds, missing, threads);
    ColMatrix H = dual.curvature(y);
    H.diagonal().array() += kLeastDamping;
    const Vector s = H.partialPivLu().solve(missing);
    Vector dw(F.rows());
    dual.multiply(s, dw);
    dual.groups.sum(0, [&](const Block& b, auto) {
        Dual::each_group(b, [&](Index row, Index g) {
            auto here = w.segment(row, b.size);
            auto change = dw.segment(row, b.size);
            const double size = length(y.data() + row, b.size);
            if (size > bounds[g] && b.size == 1) {
                change.setZero();
            } else if (size > bounds[g]) {
                const auto along = y.segment(row, b.size);
                change = (bounds[g] / size) * (change - (along.dot(change) / (size * size)) * along).eval();
            }
            here += change;
            const double after = length(here.data(), b.size);
            if (after > bounds[g]) here *= bounds[g] / after;
        });
    });
}

}  // namespace minimand::rendezvous
