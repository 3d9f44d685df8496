#include "quantile.hpp"

#include <Eigen/Cholesky>
#include <cmath>
#include <limits>
#include <vector>

#include "../common/parallel.hpp"
#include "../least_squares/gram.hpp"
#include "../least_squares/tsqr.hpp"

namespace minimand::linear_models {
namespace {

using least_squares::block_rows;
using least_squares::Leaves;
using least_squares::round_up;
using Values = Eigen::ArrayXd;
using ValuesMap = Eigen::Map<Values>;
using ConstValues = Eigen::Map<const Values>;
using RowsMap = Eigen::Map<const RowMatrix<double>>;

constexpr double kBackOff = 0.99995;  // of the step to the boundary
constexpr double kCondition = 1e-7;  // ratio of the Cholesky diagonal below which its squares have lost half the digits
constexpr Index kLeaves = 32;        // parts of a pass, whatever the number of threads
// Entries of X from which threads pay, with some more for the rows: a pass over them takes 0.3 ms or more.
constexpr double kParallelStep = 1e6, kParallelPass = 4e6;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Index block_of(Index columns) { return block_rows(round_up(columns + 1, least_squares::kPad), 192); }

int team(const MatrixIn<double>& X, int threads, double parallel) {
    return static_cast<double>(X.size() + 8 * X.rows()) < parallel ? 1 : threads;
}

// values := X[begin:begin+count] theta, the constant term last.
template <class Out>
void predict(const MatrixIn<double>& X, const Vector& theta, bool intercept, Index begin, Index count, Out&& values) {
    const Index n = X.cols();
    const RowsMap rows(X.data() + begin * n, count, n);
    values.matrix().noalias() = rows * theta.head(n);
    if (intercept) values += theta[n];
}

// sum += X[begin:begin+count]' values.
template <class In, class Out>
void add_normal(const MatrixIn<double>& X, const In& values, bool intercept, Index begin, Index count, Out&& sum) {
    const Index n = X.cols();
    const RowsMap rows(X.data() + begin * n, count, n);
    sum.head(n).noalias() += rows.transpose() * values.matrix();
    if (intercept) sum[n] += values.sum();
}

// Calls body(begin, count, leaf) for all blocks of all leaves.
template <class Body>
void over_blocks(const Leaves& leaves, Index block, int threads, Body&& body) {
    parallel_for(leaves.count(), threads, [&](Index leaf) {
        for (Index i = leaves.first(leaf); i < leaves.last(leaf); i += block)
            body(i, std::min(block, leaves.last(leaf) - i), leaf);
    });
}

// Columns of `slots` are added up in a fixed tree; the sum is column 0.
void reduce(ColMatrix& slots) {
    parallel_reduce(slots.cols(), 1, [&](Index into, Index from) { slots.col(into) += slots.col(from); });
}

class Steps {
  public:
    Steps(MatrixIn<double>& X, VectorIn& y, VectorIn& weights, VectorIn& scale, bool intercept, double quantile,
          MatrixOut& state, int threads)
        : X_(X),
          y_(y),
          weights_(weights),
          scale_(scale),
          intercept_(intercept),
          tau_(quantile),
          m_(X.rows()),
          p_(X.cols() + (intercept ? 1 : 0)),
          ld_(round_up(p_, least_squares::kPad)),
          block_(block_of(p_)),
          leaves_(0, m_, block_, kLeaves),
          threads_(threads),
          state_(state) {}

    // r, d, objective, gap, mu, X'DX and the right-hand side.
    void assemble(const Vector& theta) {
        const Vector user = theta.cwiseProduct(scale_);
        const Index count = leaves_.count(), size = ld_ * ld_;
        ColMatrix grams = ColMatrix::Zero(size, count), sums = ColMatrix::Zero(p_ + 3, count);
        over_blocks(leaves_, block_, threads_, [&](Index i, Index b, Index leaf) {
            auto a = row(0, i, b), s = row(1, i, b), z = row(2, i, b), v = row(3, i, b), r = row(4, i, b),
                 d = row(5, i, b);
            auto sum = sums.col(leaf);
            predict(X_, user, intercept_, i, b, r);
            r = ConstValues(y_.data() + i, b) - r;
            const Values lower = (-r).max(0.0), upper = r.max(0.0);
            const Values smaller = (r >= 0.0).select(z, v);
            z = smaller + lower;
            v = smaller + upper;
            d = a * s / (z * s + v * a);
            sum[p_] += (weight(i, b) * (tau_ * upper + (1.0 - tau_) * lower)).sum();
            sum[p_ + 1] += (upper * s + lower * a).sum();
            sum[p_ + 2] += (z * a + v * s).sum();
            add_normal(X_, (d * r + (a - (1.0 - tau_) * weight(i, b))).eval(), intercept_, i, b, sum);
            Vector packed(b * ld_);
            pack(i, b, d, packed.data());
            least_squares::add_gram(packed.data(), b, ld_, grams.col(leaf).data());
        });
        reduce(grams);
        reduce(sums);
        gram_.resize(p_, p_);
        for (Index i = 0; i < p_; ++i)
            for (Index j = i; j < p_; ++j) gram_(j, i) = grams(i * ld_ + j, 0);
        normal_ = sums.col(0).head(p_).cwiseProduct(scale_);
        objective = sums(p_, 0);
        gap = sums(p_ + 1, 0);
        mu_ = sums(p_ + 2, 0);
    }

    // By Cholesky, or by QR where that would be inaccurate.
    void factor() {
        cholesky_.compute(gram_);
        double least = 0.0;
        if (cholesky_.info() == Eigen::Success) {
            const Vector diagonal = cholesky_.matrixLLT().diagonal();
            least = (diagonal.array() / gram_.diagonal().array().sqrt()).minCoeff();
        }
        by_qr_ = !(least > kCondition);
        if (!by_qr_) return;
        // There the constant comes first.
        const RowMatrix<double> none(m_, 0);
        const Index lead = intercept_ ? 1 : 0;
        triangle_ = RowMatrix<double>::Zero(p_, p_);
        least_squares::tsqr_pass<double>(X_, none, state_.row(5).transpose(), Vector::Zero(X_.cols()),
                                         scale_.head(X_.cols()), lead != 0, 0, m_, triangle_, threads_);
    }

    // The affine step, and what it says about the target nu of the corrected one.
    void predict_step() {
        const Vector step = solve(normal_), user = step.cwiseProduct(scale_);
        const Index count = leaves_.count();
        ColMatrix sums = ColMatrix::Zero(2 * p_ + 2, count);
        ColMatrix most = ColMatrix::Constant(2, count, -std::numeric_limits<double>::infinity());
        over_blocks(leaves_, block_, threads_, [&](Index i, Index b, Index leaf) {
            const auto a = row(0, i, b), s = row(1, i, b), z = row(2, i, b), v = row(3, i, b), r = row(4, i, b),
                       d = row(5, i, b);
            auto da = row(6, i, b);
            predict(X_, user, intercept_, i, b, da);
            da = d * (r - da);
            const Values by_a = da / a, by_s = da / s;
            const Values dz = -z - z * by_a, dv = -v + v * by_s;
            auto sum = sums.col(leaf);
            sum[2 * p_] += ((z - v) * da).sum();
            sum[2 * p_ + 1] += (da * (dz - dv)).sum();
            most(0, leaf) = largest(most(0, leaf), by_a.max(-by_s));
            most(1, leaf) = largest(most(1, leaf), by_s.max(-by_a));
            add_normal(X_, (d * (1.0 / s - 1.0 / a)).eval(), intercept_, i, b, sum.segment(0, p_));
            add_normal(X_, (d * (by_s * dv + by_a * dz)).eval(), intercept_, i, b, sum.segment(p_, p_));
        });
        reduce(sums);
        const double primal = step_length(1.0 + largest(most.row(0))), dual = step_length(largest(most.row(1)));
        const double along = sums(2 * p_, 0);
        const double after = mu_ + dual * along - primal * (mu_ + along) + primal * dual * sums(2 * p_ + 1, 0);
        const double ratio = std::min(1.0, std::max(after / mu_, 0.0));
        nu_ = mu_ * ratio * ratio * ratio / (2.0 * static_cast<double>(m_));
        const Vector correction = nu_ * sums.col(0).segment(0, p_) + sums.col(0).segment(p_, p_);
        step_ = solve(normal_ - correction.cwiseProduct(scale_));
    }

    // The corrected step: da, dz, dv. Returns whether it leads anywhere.
    bool correct() {
        const Vector user = step_.cwiseProduct(scale_);
        const Index count = leaves_.count();
        ColMatrix most = ColMatrix::Constant(2, count, -std::numeric_limits<double>::infinity());
        over_blocks(leaves_, block_, threads_, [&](Index i, Index b, Index leaf) {
            const auto a = row(0, i, b), s = row(1, i, b), z = row(2, i, b), v = row(3, i, b), r = row(4, i, b),
                       d = row(5, i, b);
            auto da = row(6, i, b), dz = row(7, i, b), dv = row(8, i, b);
            const Values over_a = 1.0 / a, over_s = 1.0 / s;
            const Values z_a = z * over_a, v_s = v * over_s;
            const Values twice_z = da * (-z - z_a * da), twice_v = da * (-v + v_s * da);
            predict(X_, user, intercept_, i, b, da);
            da = d * (r - (nu_ * (over_s - over_a) + twice_v * over_s + twice_z * over_a) - da);
            dz = -z + (nu_ - twice_z) * over_a - z_a * da;
            dv = -v + (nu_ + twice_v) * over_s + v_s * da;
            most(0, leaf) = largest(most(0, leaf), (-dz / z).max(-dv / v));
            most(1, leaf) = largest(most(1, leaf), (da * over_s).max(-da * over_a));
        });
        primal_ = step_length(largest(most.row(0)));
        dual_ = step_length(largest(most.row(1)));
        return step_.allFinite() && primal_ > 0.0 && dual_ > 0.0;
    }

    void move(VectorOut& theta) {
        theta += primal_ * step_;
        over_blocks(leaves_, block_, threads_, [&](Index i, Index b, Index) {
            row(0, i, b) += dual_ * row(6, i, b);
            row(1, i, b) -= dual_ * row(6, i, b);
            row(2, i, b) += primal_ * row(7, i, b);
            row(3, i, b) += primal_ * row(8, i, b);
        });
    }

    double objective = 0.0, gap = 0.0;

  private:
    ValuesMap row(Index k, Index begin, Index count) { return {state_.data() + k * m_ + begin, count}; }

    Values weight(Index begin, Index count) const {
        if (weights_.size()) return weights_.segment(begin, count).array();
        return Values::Ones(count);
    }

    // sqrt(d) x scale, the constant last, padded with zeros.
    template <class Weights>
    void pack(Index begin, Index count, const Weights& d, double* packed) const {
        const Index n = X_.cols();
        const double *x = X_.data() + begin * n, *scale = scale_.data();
        for (Index i = 0; i < count; ++i, x += n, packed += ld_) {
            const double root = std::sqrt(d[i]);
            for (Index j = 0; j < n; ++j) packed[j] = root * (x[j] * scale[j]);
            if (intercept_) packed[n] = root * scale[n];
            for (Index j = p_; j < ld_; ++j) packed[j] = 0.0;
        }
    }

    Vector solve(const Vector& right) const {
        if (!by_qr_) return cholesky_.solve(right);
        if (!(triangle_.diagonal().array() > 0.0).all()) return Vector::Constant(p_, kNaN);
        const Index lead = intercept_ ? 1 : 0, n = p_ - lead;
        Vector turned(p_);
        turned << right.tail(lead), right.head(n);
        const auto R = triangle_.triangularView<Eigen::Upper>();
        R.transpose().solveInPlace(turned);
        R.solveInPlace(turned);
        Vector solution(p_);
        solution << turned.tail(n), turned.head(lead);
        return solution;
    }

    // The largest entry; NaN is larger than all.
    template <class Array>
    static double largest(double before, const Array& values) {
        const double here = values.template maxCoeff<Eigen::PropagateNaN>();
        return here > before || std::isnan(here) ? here : before;
    }
    template <class Array>
    static double largest(const Array& values) {
        return values.template maxCoeff<Eigen::PropagateNaN>();
    }

    // Given one over the step to the boundary; NaN gives 0.
    static double step_length(double inverse) {
        if (!std::isfinite(inverse)) return 0.0;
        return inverse <= kBackOff ? 1.0 : kBackOff / inverse;
    }

    const MatrixIn<double>& X_;
    const VectorIn &y_, &weights_, &scale_;
    const bool intercept_;
    const double tau_;
    const Index m_, p_, ld_, block_;
    const Leaves leaves_;
    const int threads_;
    MatrixOut& state_;

    ColMatrix gram_;
    Eigen::LLT<ColMatrix> cholesky_;
    RowMatrix<double> triangle_;
    bool by_qr_ = false;
    Vector normal_, step_;
    double mu_ = 0.0, nu_ = 0.0, primal_ = 0.0, dual_ = 0.0;
};

}  // namespace

void quantile_residuals(MatrixIn<double> X, VectorIn y, bool intercept, VectorIn theta, VectorOut r, int threads) {
    const Index block = block_of(X.cols());
    const Leaves leaves(0, X.rows(), block, kLeaves);
    const Vector coefficients = theta;
    over_blocks(leaves, block, team(X, threads, kParallelPass), [&](Index i, Index b, Index) {
        ValuesMap values(r.data() + i, b);
        predict(X, coefficients, intercept, i, b, values);
        values = ConstValues(y.data() + i, b) - values;
    });
}

void quantile_normal(MatrixIn<double> X, VectorIn psi, bool intercept, VectorOut normal, int threads) {
    const Index block = block_of(X.cols());
    const Leaves leaves(0, X.rows(), block, kLeaves);
    ColMatrix sums = ColMatrix::Zero(normal.size(), leaves.count());
    over_blocks(leaves, block, team(X, threads, kParallelPass), [&](Index i, Index b, Index leaf) {
        add_normal(X, ConstValues(psi.data() + i, b), intercept, i, b, sums.col(leaf));
    });
    reduce(sums);
    normal = sums.col(0);
}

void quantile_bands(MatrixIn<double> X, bool intercept, MatrixIn<double> factor, VectorOut bands, int threads) {
    const Index n = X.cols(), p = factor.cols(), block = block_of(n);
    const Leaves leaves(0, X.rows(), block, kLeaves);
    const RowMatrix<double> right = factor;
    over_blocks(leaves, block, team(X, threads, kParallelStep), [&](Index i, Index b, Index) {
        const RowsMap rows(X.data() + i * n, b, n);
        RowMatrix<double> Q(b, p);
        Q.noalias() = rows * right.topRows(n);
        if (intercept) Q.rowwise() += right.row(n);
        bands.segment(i, b) = Q.rowwise().norm();
    });
}

Index quantile_steps(MatrixIn<double> X, VectorIn y, VectorIn weights, VectorIn scale, bool intercept, double quantile,
                     double tol, Index max_iterations, VectorOut theta, MatrixOut state, VectorOut report,
                     int threads) {
    Steps steps(X, y, weights, scale, intercept, quantile, state, team(X, threads, kParallelStep));
    for (Index done = 0; done < max_iterations; ++done) {
        steps.assemble(theta);
        report << steps.objective, steps.gap, 0.0;
        if (steps.gap <= tol * (1e-300 + steps.objective)) {
            report[2] = 1.0;
            return done;
        }
        steps.factor();
        steps.predict_step();
        if (!steps.correct()) {
            report[2] = 2.0;
            return done;
        }
        steps.move(theta);
    }
    return max_iterations;
}

}  // namespace minimand::linear_models
