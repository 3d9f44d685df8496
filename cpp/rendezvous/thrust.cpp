#include "thrust.hpp"

#include <Eigen/LU>
#include <limits>

#include "groups.hpp"

namespace minimand::rendezvous {
namespace {

constexpr double kLeastBeta = 1e-17;
constexpr double kToBoundary = 0.99;
constexpr double kProgress = 1e-15;

// The step to solve for, with a scaled diagonal and the least damping that keeps it definite.
Vector solve(const ColMatrix& H, const Vector& g) {
    const Vector scale = H.diagonal().cwiseMax(std::numeric_limits<double>::min()).cwiseSqrt().cwiseInverse();
    ColMatrix scaled = scale.asDiagonal() * H * scale.asDiagonal();
    scaled.diagonal().array() += 1e-15;
    return scale.asDiagonal() * scaled.partialPivLu().solve(scale.asDiagonal() * g);
}

class Thrust {
  public:
    Thrust(const MatrixIn<double>& F, Index first, Index m1, Index m2, const VectorIn& d, int threads)
        : F_(F), d_(d), groups_(F.rows(), first, m1, m2, F.cols(), threads), r_(F.cols()) {}

    // Keeps p if its bound is smaller, eta if its bound is larger; tells whether one is so.
    bool keep_best(const VectorOut& eta, const VectorOut& p, VectorOut y, VectorOut best_eta, VectorOut best_p,
                   VectorOut state) const {
        const Vector total = groups_.sum(1 + r_, [&](const Block& b, auto sums) {
            const Index rows = b.end - b.begin;
            const auto part = F_.middleRows(b.begin, rows);
            y.segment(b.begin, rows).noalias() = part * eta;
            sums.tail(r_).noalias() = part.transpose() * p.segment(b.begin, rows);
            for (Index row = b.begin; row < b.end; row += b.size) sums[0] += y.segment(row, b.size).norm();
        });
        const double longest = groups_.largest(0.0, [&](const Block& b) {
            double most = 0.0;
            for (Index row = b.begin; row < b.end; row += b.size) most = std::max(most, p.segment(row, b.size).norm());
            return most;
        });
        const double theta = total.tail(r_).dot(d_) / d_.squaredNorm();
        const double upper = theta > 0 ? longest / theta : std::numeric_limits<double>::infinity();
        const double lower = total[0] > 0 ? eta.dot(d_) / total[0] : 0.0;
        const bool improved = upper < state[1] * (1.0 - kProgress) || lower > state[2] * (1.0 + kProgress);
        if (upper < state[1]) {
            best_p = p / theta;
            state[1] = upper;
        }
        if (lower > state[2]) {
            best_eta = eta;
            state[2] = lower;
        }
        return improved;
    }

    // H = F'M F and the gradient F'(y/s).
    void system(const VectorOut& p, const VectorOut& y, double beta, ColMatrix& H, Vector& gradient) const {
        const Vector total = groups_.sum(r_ * r_ + r_, [&](const Block& b, auto sums) {
            const Index rows = b.end - b.begin;
            const auto part = F_.middleRows(b.begin, rows);
            RowMatrix<double> weighted = part;
            Eigen::RowVectorXd along_p(r_), along_y(r_);
            Vector unit(rows);
            for (Index row = b.begin; row < b.end; row += b.size) {
                const auto here = y.segment(row, b.size), dual = p.segment(row, b.size);
                const double s = std::sqrt(here.squaredNorm() + beta * beta);
                auto own = weighted.middleRows(row - b.begin, b.size);
                along_p.noalias() = dual.transpose() * own;
                along_y.noalias() = here.transpose() * own;
                own.noalias() -= dual * (along_y / (2.0 * s));
                own.noalias() -= here * (along_p / (2.0 * s));
                own /= s;
                unit.segment(row - b.begin, b.size) = here / s;
            }
            Eigen::Map<ColMatrix>(sums.data(), r_, r_).noalias() = part.transpose() * weighted;
            sums.tail(r_).noalias() = part.transpose() * unit;
        });
        const Eigen::Map<const ColMatrix> found(total.data(), r_, r_);
        H = 0.5 * (found + found.transpose());
        gradient = total.tail(r_);
    }

    // dp = y/s + M F delta - p; returns 1, or 0.99 of the way to the first |p_g| = 1.
    double direction(const VectorOut& p, const VectorOut& y, double beta, const Vector& delta, Vector& dp) const {
        const double inverse = groups_.largest(0.0, [&](const Block& b) {
            const Index rows = b.end - b.begin;
            dp.segment(b.begin, rows).noalias() = F_.middleRows(b.begin, rows) * delta;
            double most = 0.0;
            for (Index row = b.begin; row < b.end; row += b.size) {
                const auto here = y.segment(row, b.size), dual = p.segment(row, b.size);
                auto change = dp.segment(row, b.size);
                const double s = std::sqrt(here.squaredNorm() + beta * beta);
                const double py = dual.dot(change) / (2.0 * s), yy = here.dot(change) / (2.0 * s);
                change = ((here + change - yy * dual - py * here) / s - dual).eval();
                most = std::max(most, inverse_reach(dual.squaredNorm(), dual.dot(change), change.squaredNorm()));
            }
            return most;
        });
        return inverse > kToBoundary ? kToBoundary / inverse : 1.0;
    }

  private:
    // One over the largest t with |p + t dp| <= 1, for pp = |p|^2, p'dp, |dp|^2.
    static double inverse_reach(double pp, double along, double squares) {
        if (!(squares > 0)) return 0.0;
        const double c = std::min(pp - 1.0, 0.0);
        const double root = std::sqrt(std::max(along * along - squares * c, 0.0));
        return along > 0 ? (along + root) / -c : squares / (root - along);
    }

    MatrixIn<double> F_;
    VectorIn d_;
    Groups groups_;
    Index r_;
};

}  // namespace

Index thrust_newton_steps(MatrixIn<double> F, Index first, Index m1, Index m2, VectorIn d, MatrixIn<double> basis,
                          double tol, Index max_iterations, VectorOut eta, VectorOut p, VectorOut y, VectorOut best_eta,
                          VectorOut best_p, VectorOut state, int threads) {
    const Thrust problem(F, first, m1, m2, d, threads);
    ColMatrix H;
    Vector gradient, delta = Vector::Zero(d.size()), dp(F.rows());
    for (Index done = 0;; ++done) {
        const bool improved = problem.keep_best(eta, p, y, best_eta, best_p, state);
        const bool near = std::isfinite(state[1]) && state[1] - state[2] <= tol * state[1];
        if (near || (state[0] <= kLeastBeta && !improved)) {
            state[3] = near ? 1.0 : 2.0;
            return done;
        }
        if (done == max_iterations) return done;

        problem.system(p, y, state[0], H, gradient);
        if (basis.cols() > 0) {
            const ColMatrix reduced = basis.transpose() * H * basis;
            delta.noalias() = -(basis * solve(reduced, basis.transpose() * gradient));
        }
        const double share = problem.direction(p, y, state[0], delta, dp);
        p += share * dp;
        eta += delta;
        const double factor = share > 0.9 ? 0.1 : share > 0.3 ? 0.3 : 0.7;
        state[0] = std::max(kLeastBeta, factor * state[0]);
    }
}

}  // namespace minimand::rendezvous
