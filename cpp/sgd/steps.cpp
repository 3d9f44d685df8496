#include "steps.hpp"

#include <array>
#include <vector>

#include "../common/parallel.hpp"
#include "loss.hpp"
#include "packed.hpp"
#include "update.hpp"

namespace minimand::sgd {
namespace {

constexpr double kSerialWork = 2.5e6;  // products of a batch below which a second thread costs more than it does
constexpr Index kShardRows = 256, kShards = 64;

template <class T>
struct Problem {
    Rows<T> rows;
    const VectorIn &y, &weights;
    const IndicesIn& order;
    Loss loss;
    Index classes;

    Index row(Index position) const { return order.size() ? order[position] : position; }
    double weight(Index i) const { return weights.size() ? weights[i] : 1.0; }

    // Asks for all of a row but its entries, and returns where they are; past the end, of the last row.
    __attribute__((always_inline)) const T* announce(Index position) const {
        const Index i = row(std::min(position, rows.rows() - 1));
        __builtin_prefetch(y.data() + i, 0, 2);
        if (weights.size()) __builtin_prefetch(weights.data() + i, 0, 2);
        return rows.row(i);
    }

    __attribute__((always_inline)) void prefetch(Index position) const {
        if (position >= rows.rows()) return;
        const Index i = row(position);
        rows.prefetch(i);
        __builtin_prefetch(y.data() + i, 0, 2);
        if (weights.size()) __builtin_prefetch(weights.data() + i, 0, 2);
    }
};

// The sum over a batch, or over a shard of it, and the buffers to compute it.
struct Gradient {
    Vector sum;       // as Packed
    double loss = 0;  // of the rows read since the start
    std::vector<double> residual;
    std::array<double, kBlock> y{}, weight{};
    std::array<double, kBlock> row_loss{};
    std::array<Index, kBlock> index{};

    Gradient(Index classes, Index ld)
        : sum(classes * ld + round_up(classes, kLanes)), residual(static_cast<std::size_t>(classes * kStride), 0.0) {}
};

// Takes the residuals from the table, and puts them there: what is left is the change.
inline void exchange(MatrixOut& table, Index i, Index r, double* residual, bool refresh) {
    for (Index k = 0; k < table.cols(); ++k) {
        double &now = residual[k * kStride + r], &old = table(i, k);
        const double change = now - old;
        if (refresh) old = now;
        now = change;
    }
}

// Margins of `count` rows += b.
inline void add_constants(double* margins, Index classes, Index count, const double* b) {
    for (Index k = 0; k < classes; ++k, margins += kStride)
        for (Index r = 0; r < count; r += kLanes)
            simd::store(margins + r, simd::add(simd::load(margins + r), simd::broadcast(b[k])));
}

// Residuals *= weights; returns the weighted sum of the losses.
inline double weigh(double* residual, Index classes, Index count, const Gradient& rows) {
    Pack total = simd::broadcast(0.0);
    for (Index r = 0; r < count; r += kLanes) {
        const Pack weight = simd::load(rows.weight.data() + r);
        total = simd::fma(weight, simd::load(rows.row_loss.data() + r), total);
        for (Index k = 0; k < classes; ++k) {
            double* const a = residual + k * kStride + r;
            simd::store(a, simd::mul(weight, simd::load(a)));
        }
    }
    return simd::sum(total);
}

// sums[k] += the residuals of class k
inline void add_columns(const double* residual, Index classes, Index count, double* sums) {
    for (Index k = 0; k < classes; ++k, residual += kStride) {
        Pack total = simd::load(residual);
        for (Index r = kLanes; r < count; r += kLanes) total = simd::add(total, simd::load(residual + r));
        sums[k] += simd::sum(total);
    }
}

// out.sum := [sum_i a_i x_i, sum_i a_i] over the positions begin..end-1.
template <class T>
void accumulate(const Problem<T>& problem, Index begin, Index end, const double* w, const double* b, MatrixOut& table,
                bool refresh, Gradient& out) {
    const Rows<T>& rows = problem.rows;
    const Index K = problem.classes, ld = rows.ld(), block = rows.block(), ahead = rows.ahead();
    double *const residual = out.residual.data(), *const constants = out.sum.data() + K * ld;
    out.sum.setZero();
    for (Index first = begin; first < end; first += block) {
        const Index count = std::min(block, end - first), padded = round_up(count, kGroup);
        const T *x[kBlock] = {}, *next[kBlock] = {};
        for (Index r = 0; r < count; ++r) {
            const Index i = problem.row(first + r);
            const auto at = static_cast<std::size_t>(r);
            out.index[at] = i;
            x[r] = rows.row(i);
            out.y[at] = problem.y[i];
            out.weight[at] = problem.weight(i);
        }
        // What a vector holds beyond the rows weighs nothing.
        const Index whole = round_up(count, kLanes);
        std::fill(out.weight.begin() + count, out.weight.begin() + std::max(whole, padded), 0.0);
        for (Index r = count; r < padded; ++r) x[r] = x[0];
        for (Index r = 0; r < padded; ++r) next[r] = problem.announce(first + r + ahead);
        predict(x, padded, w, K, ld, residual, next);
        add_constants(residual, K, whole, b);
        shares(problem.loss, residual, kStride, K, out.y.data(), whole, out.row_loss.data());
        out.loss += weigh(residual, K, whole, out);
        if (table.size())
            for (Index r = 0; r < count; ++r)
                exchange(table, out.index[static_cast<std::size_t>(r)], r, residual, refresh);
        add_columns(residual, K, whole, constants);
        add_outer(x, padded, residual, K, ld, out.sum.data(), next);
    }
    for (Index k = 0; k < K; ++k) out.sum.segment(k * ld + rows.columns(), ld - rows.columns()).setZero();
}

double scalar_share(Loss loss, double m, double y, double& residual) {
    if (loss == Loss::squared) {
        residual = m - y;
        return 0.5 * residual * residual;
    }
    const Share both = share(loss, simd::broadcast(m), simd::broadcast(y));
    residual = Eigen::internal::pfirst(both.residual);
    return Eigen::internal::pfirst(both.loss);
}

// Batches of one row, one class, no memory of earlier steps: the row is in L1 for both products, and the step is made
// where the product is. (A lazy scale for l2 would save nothing: all of w is written anyway.)
template <class T>
double single_rows(const Problem<T>& problem, Index first, const VectorIn& rates, const Hyper& hyper, bool intercept,
                   double* w, double& b) {
    const Rows<T>& rows = problem.rows;
    const Index ld = rows.ld(), last = ld - kLanes, ahead = rows.ahead();
    alignas(64) double inside[kLanes];
    for (Index lane = 0; lane < kLanes; ++lane) inside[lane] = last + lane < rows.columns() ? 1.0 : 0.0;
    const Pack mask = simd::load(inside);
    double total = 0.0;
    for (Index s = 0; s < rates.size(); ++s) {
        problem.prefetch(first + s + ahead);
        const Index i = problem.row(first + s);
        const T* const x = rows.row(i);
        Pack even = simd::broadcast(0.0), odd = even;
        Index v = 0;
        for (; v + kLanes < ld; v += 2 * kLanes) {
            even = simd::fma(widen(x + v), simd::load(w + v), even);
            odd = simd::fma(widen(x + v + kLanes), simd::load(w + v + kLanes), odd);
        }
        if (v < ld) even = simd::fma(widen(x + v), simd::load(w + v), even);
        double residual = 0.0;
        const double weight = problem.weight(i), rate = rates[s];
        total += weight * scalar_share(problem.loss, simd::sum(simd::add(even, odd)) + b, problem.y[i], residual);
        residual *= weight;
        const Pack move = simd::broadcast(-rate * residual), shrink = simd::broadcast(1.0 - rate * hyper.l2);
        const Pack threshold = simd::broadcast(rate * hyper.l1);
        for (v = 0; v < ld; v += kLanes) {
            const Pack entry = v == last ? simd::mul(mask, widen(x + v)) : widen(x + v);
            Pack now = simd::fma(move, entry, simd::mul(simd::load(w + v), shrink));
            if (hyper.l1 != 0.0) now = soft(now, threshold);
            simd::store(w + v, now);
        }
        if (intercept) b -= rate * residual;
    }
    return total;
}

// A run of steps of any kind.
template <class T>
class Run {
  public:
    Run(const Problem<T>& problem, Index batch, MatrixOut& table, bool refresh, int threads)
        : problem_(problem), table_(table), refresh_(refresh), threads_(threads) {
        const Index n = problem.rows.rows(), K = problem.classes, ld = problem.rows.ld();
        const Index rows = std::min(batch, n);
        const double work = static_cast<double>(rows) * static_cast<double>(problem.rows.columns() * K);
        const Index most = std::max(kShardRows, round_up((rows + kShards - 1) / kShards, kBlock));
        shard_ = work < kSerialWork ? rows : most;
        const Index shards = (rows + shard_ - 1) / shard_;
        for (Index k = 0; k < shards; ++k) parts_.emplace_back(K, ld);
    }

    // The sum over the positions begin..end-1.
    const Vector& sum(Index begin, Index end, const double* w, const double* b) {
        const Index shards = (end - begin + shard_ - 1) / shard_;
        parallel_for(shards, threads_, [&](Index shard) {
            const Index first = begin + shard * shard_;
            accumulate(problem_, first, std::min(first + shard_, end), w, b, table_, refresh_, part(shard));
        });
        parallel_reduce(shards, 1, [&](Index into, Index from) { part(into).sum += part(from).sum; });
        return part(0).sum;
    }

    double loss() const {
        double total = 0.0;
        for (const Gradient& one : parts_) total += one.loss;
        return total;
    }

  private:
    Gradient& part(Index shard) { return parts_[static_cast<std::size_t>(shard)]; }

    const Problem<T>& problem_;
    MatrixOut& table_;
    bool refresh_;
    int threads_;
    Index shard_;
    std::vector<Gradient> parts_;
};

}  // namespace

template <class T>
void sgd_steps(MatrixIn<T> X, VectorIn y, VectorIn weights, IndicesIn order, Index first, Index batch, int loss,
               VectorIn rates, double l2, double l1, double momentum, bool nesterov, bool intercept, bool refresh,
               MatrixOut theta, MatrixOut velocity, MatrixOut average, Index averaged, MatrixOut table, MatrixOut mean,
               VectorOut sums, int threads) {
    const Index n = X.rows(), K = theta.rows();
    const Problem<T> problem{Rows<T>(X), y, weights, order, static_cast<Loss>(loss), K};
    const Hyper hyper{l2, l1, momentum, nesterov, refresh};
    const Index ld = problem.rows.ld();
    Packed at(theta, ld);
    if (batch == 1 && K == 1 && velocity.size() + average.size() + table.size() == 0) {
        sums[0] += single_rows(problem, first, rates, hyper, intercept, at.weights(), *at.constants());
        return at.write(theta);
    }
    Packed speed(velocity, ld), middle(average, ld), old(mean, ld);
    const State slopes{at.weights(), speed.weights(), middle.weights(), old.weights()};
    const State constants{at.constants(), speed.constants(), middle.constants(), old.constants()};
    Run<T> run(problem, batch, table, refresh, threads);
    for (Index s = 0; s < rates.size(); ++s) {
        const Index begin = (first + s) * batch, end = std::min(begin + batch, n);
        const Vector& sum = run.sum(begin, end, at.weights(), at.constants());
        const double scale = 1.0 / static_cast<double>(end - begin), share = 1.0 / static_cast<double>(n);
        const double fresh = 1.0 / static_cast<double>(averaged + s + 1);
        update(slopes, sum.data(), K * ld, hyper, l2, l1, rates[s], scale, share, fresh);
        if (intercept)
            update(constants, sum.data() + K * ld, round_up(K, kLanes), hyper, 0.0, 0.0, rates[s], scale, share, fresh);
    }
    at.write(theta);
    speed.write(velocity);
    middle.write(average);
    old.write(mean);
    sums[0] += run.loss();
}

template void sgd_steps<double>(MatrixIn<double>, VectorIn, VectorIn, IndicesIn, Index, Index, int, VectorIn, double,
                                double, double, bool, bool, bool, MatrixOut, MatrixOut, MatrixOut, Index, MatrixOut,
                                MatrixOut, VectorOut, int);
template void sgd_steps<float>(MatrixIn<float>, VectorIn, VectorIn, IndicesIn, Index, Index, int, VectorIn, double,
                               double, double, bool, bool, bool, MatrixOut, MatrixOut, MatrixOut, Index, MatrixOut,
                               MatrixOut, VectorOut, int);

}  // namespace minimand::sgd
