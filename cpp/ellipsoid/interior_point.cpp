#include "interior_point.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>

#include "../common/parallel.hpp"
#include "../least_squares/factor.hpp"

namespace minimand::ellipsoid {
namespace {

constexpr double kToBoundary = 0.999;  // of the way
constexpr double kPatience = 8.0;      // steps without a smaller gap
constexpr double kGrowth = 1e-4;       // of what the slope promises
constexpr double kNoise = 1e-14;       // of an objective: less cannot be seen
constexpr int kHalvings = 40;
constexpr double kStart = 1.05;    // times the largest kappa: the first eta
constexpr Index kBlock = 64;       // rows of a task
constexpr double kParallel = 3e7;  // multiply-adds, some 2 ms: a step has many short parallel loops

// One logarithm at a time: GCC 12 suspects an uninitialised value in Eigen's AVX-512 logarithm (bug 105593).
double sum_of_logs(const Vector& v) {
    double sum = 0.0;
    for (Index i = 0; i < v.size(); ++i) sum += std::log(v[i]);
    return sum;
}

// Q(u), the whitened points Z = q L^-T with L L' = Q, and kappa_i = ||z_i||^2.
struct Moments {
    MatrixIn<double> q;
    ColMatrix Q;
    RowMatrix<double> Z;
    Vector kappa;
    Eigen::LLT<ColMatrix> cholesky;
    double log_det = 0.0;

    explicit Moments(MatrixIn<double> points)
        : q(points), Q(q.cols(), q.cols()), Z(q.rows(), q.cols()), kappa(q.rows()), cholesky(q.cols()) {}

    // Returns whether Q is positive definite.
    bool factor(const Vector& u) {
        // One thread adds Q up: it is a small part of a step, and the order of the sum stays.
        Z = u.array().sqrt().matrix().asDiagonal() * q;
        Q.setZero();
        Q.selfadjointView<Eigen::Lower>().rankUpdate(Z.transpose());
        cholesky.compute(Q);
        log_det = 2.0 * sum_of_logs(cholesky.matrixLLT().diagonal());
        return cholesky.info() == Eigen::Success && std::isfinite(log_det);
    }

    // Returns whether kappa is finite.
    bool whiten(int threads) {
        const Index k = q.rows();
        parallel_for((k + kBlock - 1) / kBlock, threads, [&](Index task) {
            const Index first = task * kBlock, rows = std::min(kBlock, k - first);
            auto z = Z.middleRows(first, rows);
            z = q.middleRows(first, rows);
            cholesky.matrixL().transpose().solveInPlace<Eigen::OnTheRight>(z);
            kappa.segment(first, rows) = z.rowwise().squaredNorm();
        });
        return kappa.allFinite();
    }

    // log det Q(u) + theta sum log u, which Newton's directions for theta increase; Q is that of u.
    double objective(const Vector& u, double theta) const { return log_det + theta * sum_of_logs(u); }
};

double to_boundary(const Vector& direction, const Vector& value) {
    const double fastest = (-direction.array() / value.array()).maxCoeff();
    return fastest > 0.0 ? 1.0 / fastest : std::numeric_limits<double>::infinity();
}

// Newton's equations at (u, s, eta).
struct Newton {
    const Moments& at;
    int threads;
    RowMatrix<double> K;
    Vector w, ones, r_d, du, ds;
    double r_p = 0.0, d_eta = 0.0;

    Newton(const Moments& moments, int threads_)
        : at(moments), threads(threads_), K(at.q.rows(), at.q.rows()), w(K.rows()), ones(K.rows()) {}

    // Returns whether the matrix is positive definite.
    bool factor(const Vector& u, const Vector& s, double eta) {
        const Index k = K.rows();
        w = (u.array() / s.array()).sqrt();
        if (!w.allFinite()) return false;
        parallel_for((k + kBlock - 1) / kBlock, threads, [&](Index task) {
            const Index first = task * kBlock, rows = std::min(kBlock, k - first), columns = first + rows;
            auto tile = K.block(first, 0, rows, columns);
            tile.noalias() = at.Z.middleRows(first, rows) * at.Z.topRows(columns).transpose();
            for (Index i = 0; i < rows; ++i) {
                auto row = tile.row(i).array();
                row = row.square() * w.head(columns).transpose().array() * w[first + i];
                tile(i, first + i) += 1.0;
            }
        });
        if (least_squares::cholesky_factor(K, threads)) return false;
        r_d = at.kappa.array() + s.array() - eta;
        r_p = 1.0 - u.sum();
        ones.setOnes();
        solve(ones);
        return true;
    }

    // x := (G o G + diag(s/u))^-1 x
    void solve(Vector& x) const {
        x.array() *= w.array();
        K.triangularView<Eigen::Lower>().solveInPlace(x);
        K.triangularView<Eigen::Lower>().transpose().solveInPlace(x);
        x.array() *= w.array();
    }

    void direction(const Vector& u, const Vector& s, const Vector& r_c) {
        du = r_d.array() + r_c.array() / u.array();
        solve(du);
        d_eta = (du.sum() - r_p) / ones.sum();
        du -= d_eta * ones;
        ds = (r_c.array() - s.array() * du.array()) / u.array();
    }

    double length(const Vector& u, const Vector& s) const { return std::min(to_boundary(du, u), to_boundary(ds, s)); }
};

}  // namespace

void interior_point_start(MatrixIn<double> q, VectorIn weights, VectorOut slack, VectorOut report) {
    Moments at(q);
    const bool regular = at.factor(weights) && at.whiten(1);
    const double eta = regular ? kStart * at.kappa.maxCoeff() : 0.0;
    const double infinite = std::numeric_limits<double>::infinity();
    if (regular) slack = eta - at.kappa.array();
    report << eta, infinite, infinite, 0.0, regular ? kRunning : kStalled;
}

Index interior_point_steps(MatrixIn<double> q, VectorOut weights, VectorOut slack, VectorOut best, VectorOut report,
                           double tol, Index max_iterations, int threads) {
    const double k = static_cast<double>(q.rows()), D = static_cast<double>(q.cols()), d = D - 1.0;
    const int team = k * k * (k / 6.0 + D / 2.0) < kParallel ? 1 : threads;
    Vector u = weights, s = slack;  // aligned, so that sums do not depend on the caller's addresses
    Vector r_c(q.rows()), trial(q.rows());
    Moments at(q);
    Newton newton(at, team);
    const auto end = [&](Outcome outcome, Index done) {
        weights = u;
        slack = s;
        report[kOutcome] = outcome;
        return done;
    };

    if (!at.factor(u)) return end(kStalled, 0);
    for (Index done = 0; done < max_iterations; ++done) {
        // Where we are
        if (!at.whiten(team)) return end(kStalled, done);
        const double total = u.sum();
        const double gap = 0.5 * d * std::log(std::max((at.kappa.maxCoeff() * total - 1.0) / d, 1.0));
        report[kGap] = gap;
        if (gap < report[kBest]) {
            report[kBest] = gap;
            report[kWasted] = 0.0;
            best = u / total;
        } else {
            report[kWasted] += 1.0;
        }
        if (gap <= tol) return end(kConverged, done);
        if (!(report[kWasted] < kPatience) || !newton.factor(u, s, report[kEta])) return end(kStalled, done);

        // Predictor, then the corrector for what it leaves
        r_c = -u.array() * s.array();
        newton.direction(u, s, r_c);
        const double affine = std::min(1.0, newton.length(u, s)), mu = u.dot(s) / k;
        const double after = (u + affine * newton.du).dot(s + affine * newton.ds) / k, share = after / mu;
        const double theta = share * share * share * mu;
        r_c.array() += theta - newton.du.array() * newton.ds.array();
        newton.direction(u, s, r_c);
        const auto slope = [&] { return ((at.kappa.array() + theta / u.array()) * newton.du.array()).sum(); };
        if (!(slope() > 0.0)) {  // the corrector leads astray
            r_c = theta - u.array() * s.array();
            newton.direction(u, s, r_c);
        }

        // The step must increase the objective: far from the optimum kappa is anything but linear.
        const double before = at.objective(u, theta), promise = kGrowth * slope();
        const double noise = kNoise * (D + std::abs(before));
        double step = std::min(1.0, kToBoundary * newton.length(u, s));
        if (!(newton.du.allFinite() && newton.ds.allFinite())) return end(kStalled, done);
        for (int halved = 0;; ++halved, step *= 0.5) {
            trial = u + step * newton.du;
            if (at.factor(trial) && at.objective(trial, theta) >= before + step * promise - noise) break;
            if (halved == kHalvings) return end(kStalled, done);
        }
        u = trial;
        s += step * newton.ds;
        report[kEta] += step * newton.d_eta;
    }
    return end(kRunning, max_iterations);
}

}  // namespace minimand::ellipsoid
