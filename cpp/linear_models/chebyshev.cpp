#include "chebyshev.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "../common/parallel.hpp"
#include "../common/simd.hpp"

namespace minimand::linear_models {
namespace {

enum Outcome { kOptimal = 0, kUnfinished = 1, kBroken = 2 };

constexpr Index kRefactor = 32;  // exchanges after which B is inverted anew
constexpr double kTies = 1e-13;  // what rounding leaves of a weight that is 0
constexpr double kSmallestPivot = 1e-11;
constexpr double kGrowth = 1e-14;
constexpr double kPatience = 50.0;  // times q exchanges without growth: rounding leads in circles

// x'c over n entries, in the same order wherever it is called.
inline double dot(const double* x, const double* c, Index n) {
    using namespace simd;
    Pack sum0 = broadcast(0.0), sum1 = broadcast(0.0);
    Index j = 0;
    for (; j + 2 * kLanes <= n; j += 2 * kLanes) {
        sum0 = fma(load(x + j), load(c + j), sum0);
        sum1 = fma(load(x + j + kLanes), load(c + j + kLanes), sum1);
    }
    for (; j + kLanes <= n; j += kLanes) sum0 = fma(load(x + j), load(c + j), sum0);
    double total = sum(add(sum0, sum1));
    for (; j < n; ++j) total += x[j] * c[j];
    return total;
}

// The simplex tableau of a reference: B^-1, updated by each exchange.
struct Tableau {
    MatrixIn<double> X;
    VectorIn y;
    bool intercept;
    IndexVectorOut reference;
    VectorOut signs;
    ColMatrix inverse;

    Index order() const { return reference.size(); }

    void column(Index row, double sign, Vector& out) const {
        const Index n = X.cols();
        out.head(n) = sign * X.row(row).transpose();
        if (intercept) out[n] = sign;
        out[order() - 1] = 1.0;
    }

    bool invert() {
        const Index q = order();
        ColMatrix B(q, q);
        Vector c(q);
        for (Index i = 0; i < q; ++i) {
            column(reference[i], signs[i], c);
            B.col(i) = c;
        }
        const Eigen::PartialPivLU<ColMatrix> factor(B);
        if ((factor.matrixLU().diagonal().array() == 0.0).any()) return false;
        inverse = factor.inverse();
        return true;
    }

    // (theta, h) = (s y)' B^-1, corrected once for the rounding of the inverse.
    Vector solution() const {
        const Index q = order(), n = X.cols();
        Vector target(q);
        for (Index i = 0; i < q; ++i) target[i] = signs[i] * y[reference[i]];
        Vector found = inverse.transpose() * target;
        const double constant = intercept ? found[n] : 0.0;
        for (Index i = 0; i < q; ++i) {
            const double fitted = dot(X.data() + reference[i] * n, found.data(), n) + constant;
            target[i] -= signs[i] * fitted + found[q - 1];
        }
        found.noalias() += inverse.transpose() * target;
        return found;
    }

    // The position that leaves when `entering` = B^-1 (s x_k, 1) comes in; -1 if there is none.
    Index leaving(const Vector& entering, const Vector& weights, bool by_number) const {
        const double smallest = kSmallestPivot * entering.cwiseAbs().maxCoeff();
        double bound = std::numeric_limits<double>::infinity();
        for (Index i = 0; i < order(); ++i)
            if (entering[i] > smallest) bound = std::min(bound, (std::max(weights[i], 0.0) + kTies) / entering[i]);
        Index leave = -1;
        for (Index i = 0; i < order(); ++i) {
            if (!(entering[i] > smallest) || std::max(weights[i], 0.0) / entering[i] > bound) continue;
            const bool better =
                leave < 0 || (by_number ? reference[i] < reference[leave] : entering[i] > entering[leave]);
            if (better) leave = i;
        }
        return leave;
    }

    void exchange(Index leave, Index row, double sign, const Vector& entering) {
        const Eigen::RowVectorXd pivot = inverse.row(leave) / entering[leave];
        inverse.noalias() -= entering * pivot;
        inverse.row(leave) = pivot;
        reference[leave] = row;
        signs[leave] = sign;
    }
};

// The largest residual, or the first one beyond the limit.
struct Entering {
    Index row;
    double residual;
};

Entering entering_row(const MatrixIn<double>& X, const VectorIn& y, const Vector& theta, bool intercept, double limit,
                      bool by_number) {
    const Index n = X.cols();
    const double constant = intercept ? theta[n] : 0.0;
    Entering best{-1, 0.0};
    for (Index i = 0; i < X.rows(); ++i) {
        const double r = y[i] - (dot(X.data() + i * n, theta.data(), n) + constant);
        if (best.row >= 0 && !(std::abs(r) > std::abs(best.residual))) continue;
        best = {i, r};
        if (by_number && std::abs(r) > limit) break;
    }
    return best;
}

}  // namespace

int chebyshev_exchange(MatrixIn<double> X, VectorIn y, bool intercept, double tol, double slack, Index max_iterations,
                       IndexVectorOut reference, VectorOut signs, VectorOut state, VectorOut theta, VectorOut weights) {
    const Index q = reference.size(), p = q - 1;
    Tableau table{X, y, intercept, reference, signs, ColMatrix()};
    Vector entering(q), entry(q), lambda(q), fit(p);
    bool inverted = false;
    Index age = 0, exchanges = 0;
    for (;;) {
        if (!inverted) {
            if (!table.invert()) return kBroken;
            inverted = true;
            age = 0;
        }
        const Vector solution = table.solution();
        if (!solution.allFinite()) return kBroken;
        const double h = solution[p];
        fit = solution.head(p);
        lambda = table.inverse.col(p);
        theta = fit;
        weights = lambda;

        if (h > state[1] * (1.0 + kGrowth)) {
            state[0] = 0.0;
            state[1] = h;
        }
        const double limit = h + tol * std::abs(h) + slack;
        const bool by_number = state[0] > 3.0 * static_cast<double>(q);
        if (state[0] > kPatience * static_cast<double>(q)) return kBroken;
        const Entering k = entering_row(X, y, fit, intercept, limit, by_number);
        if (!(std::abs(k.residual) > limit)) {
            if (age == 0) return kOptimal;
            inverted = false;  // look again with an exact inverse
            continue;
        }
        if (exchanges == max_iterations) return kUnfinished;
        const double sign = k.residual > 0 ? 1.0 : -1.0;

        table.column(k.row, sign, entry);
        entering.noalias() = table.inverse * entry;
        const Index leave = table.leaving(entering, lambda, by_number);
        if (leave < 0) return kBroken;
        table.exchange(leave, k.row, sign, entering);
        ++exchanges;
        state[0] += 1.0;
        state[2] += 1.0;
        if (++age == kRefactor) inverted = false;
    }
}

namespace {

constexpr Index kLeaves = 64, kLeast = 1024;  // leaves of a pass, and rows in the smallest one

struct Extreme {
    double size, residual;
    Index row;
    bool operator<(const Extreme& other) const {  // comes first
        return size != other.size ? size > other.size : row < other.row;
    }
};

// Keeps the k first of many: a buffer that is cut back to k whenever it is full.
class Largest {
  public:
    explicit Largest(Index count) : k_(static_cast<std::size_t>(count)) { kept_.reserve(4 * k_); }

    void add(const Extreme& e) {
        if (full_ && !(e < last_)) return;
        kept_.push_back(e);
        if (kept_.size() >= 4 * k_) cut();
    }

    std::vector<Extreme>& cut() {
        if (kept_.size() > k_) {
            std::nth_element(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(k_ - 1), kept_.end());
            kept_.resize(k_);
        }
        if (kept_.size() == k_) {
            last_ = *std::max_element(kept_.begin(), kept_.end());
            full_ = true;
        }
        return kept_;
    }

  private:
    std::size_t k_;
    std::vector<Extreme> kept_;
    Extreme last_{0.0, 0.0, 0};
    bool full_ = false;
};

}  // namespace

void residual_extremes(MatrixIn<double> X, VectorIn y, VectorIn theta, bool intercept, Index begin, Index end,
                       IndexVectorOut rows, VectorOut residuals, int threads) {
    const Index n = X.cols(), k = rows.size();
    if (k == 0) return;
    const double constant = intercept ? theta[n] : 0.0;
    const Index leaf_rows = std::max(kLeast, (end - begin + kLeaves - 1) / kLeaves);
    const Index leaves = (end - begin + leaf_rows - 1) / leaf_rows;
    std::vector<Largest> found(static_cast<std::size_t>(leaves), Largest(k));
    parallel_for(leaves, threads, [&](Index leaf) {
        Largest& largest = found[static_cast<std::size_t>(leaf)];
        const Index first = begin + leaf * leaf_rows, last = std::min(end, first + leaf_rows);
        for (Index i = first; i < last; ++i) {
            simd::prefetch_ahead(X.data() + i * n, n);
            const double r = y[i] - (dot(X.data() + i * n, theta.data(), n) + constant);
            largest.add({std::abs(r), r, i});
        }
        largest.cut();
    });
    std::vector<Extreme> all;
    for (Largest& largest : found) {
        const std::vector<Extreme>& part = largest.cut();
        all.insert(all.end(), part.begin(), part.end());
    }
    std::partial_sort(all.begin(), all.begin() + k, all.end());
    for (Index i = 0; i < k; ++i) {
        rows[i] = all[static_cast<std::size_t>(i)].row;
        residuals[i] = all[static_cast<std::size_t>(i)].residual;
    }
}

}  // namespace minimand::linear_models
