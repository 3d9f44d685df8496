#include "glm.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "../common/parallel.hpp"
#include "../least_squares/gram.hpp"
#include "glm_math.hpp"

namespace minimand::linear_models {
namespace {

using least_squares::kPad;
using least_squares::Leaves;
using least_squares::round_up;

constexpr Index kLeaves = 32;
constexpr int kGroup = 4;  // rows whose dot products run side by side
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kSeries = 1e-4;  // |t| below which the divergence is bounded by its second-order term

// The data as every pass reads them.
struct Model {
    MatrixIn<double> X;
    VectorIn y, weights, offset, theta, shift, scale;
    bool intercept;
    bool poisson;

    Index parameters() const { return X.cols() + (intercept ? 1 : 0); }
};

// One block of packed rows and what is computed of each row. Rows up to a multiple of kPad are zero and weigh nothing.
class Block {
  public:
    Block(const Model& model, Index rows)
        : model_(model),
          ld_(round_up(model.parameters(), kPad)),
          packed_(Vector::Zero(rows * ld_)),
          theta_(padded(model.theta)),
          eta_(rows),
          y_(rows),
          weight_(rows),
          residual_(rows),
          variance_(rows) {}

    void read(Index begin, Index end) {
        const Index n = model_.X.cols(), rows = end - begin;
        count_ = round_up(rows, kPad);
        const double* x = model_.X.data() + begin * n;
        Index i = 0;
        for (; i + kGroup <= rows; i += kGroup) read_rows<kGroup>(x + i * n, i);
        for (; i < rows; ++i) read_rows<1>(x + i * n, i);
        packed_.segment(rows * ld_, (count_ - rows) * ld_).setZero();
        eta_.segment(rows, count_ - rows).setZero();
        y_.head(count_).setZero();
        y_.head(rows) = model_.y.segment(begin, rows);
        weight_.head(count_).setZero();
        if (model_.weights.size())
            weight_.head(rows) = model_.weights.segment(begin, rows);
        else
            weight_.head(rows).setOnes();
        if (model_.offset.size()) eta_.head(rows) += model_.offset.segment(begin, rows);
        rows_ = rows;
    }

    Vector padded(const VectorIn& values) const {
        Vector full = Vector::Zero(ld_);
        full.head(values.size()) = values;
        return full;
    }

    // out := Z coefficients
    void predict(const Vector& coefficients, Vector& out) const {
        for (Index i = 0; i < count_; i += kGroup) {
            const double* z = packed_.data() + i * ld_;
            Pack sum[kGroup];
            for (int g = 0; g < kGroup; ++g) sum[g] = simd::broadcast(0.0);
            for (Index v = 0; v < ld_; v += kLanes) {
                const Pack c = simd::load(coefficients.data() + v);
                for (int g = 0; g < kGroup; ++g) sum[g] = simd::fma(simd::load(z + g * ld_ + v), c, sum[g]);
            }
            for (int g = 0; g < kGroup; ++g) out[i + g] = simd::sum(sum[g]);
        }
    }

    // residual := w (y - mu), variance := w V; returns the block's share of the objective.
    double shares() {
        Pack total = simd::broadcast(0.0);
        for (Index i = 0; i < count_; i += kLanes) {
            const Pack eta = simd::load(eta_.data() + i), y = simd::load(y_.data() + i);
            const Share share = model_.poisson ? poisson_share(eta, y) : logistic_share(eta, y);
            const Pack w = simd::load(weight_.data() + i);
            simd::store(residual_.data() + i, simd::mul(w, share.residual));
            simd::store(variance_.data() + i, simd::mul(w, share.variance));
            total = simd::fma(w, share.loss, total);
        }
        return simd::sum(total);
    }

    // sum += Z'q
    void add_transposed(const Vector& q, double* sum) const {
        for (Index i = 0; i < count_; i += kGroup) {
            const double* z = packed_.data() + i * ld_;
            for (Index v = 0; v < ld_; v += kLanes) {
                Pack s = simd::load(sum + v);
                for (int g = 0; g < kGroup; ++g)
                    s = simd::fma(simd::load(z + g * ld_ + v), simd::broadcast(q[i + g]), s);
                simd::store(sum + v, s);
            }
        }
    }

    // sum += Z'q, sizes += |Z|'w
    void add_transposed(const Vector& q, double* sum, double* sizes) const {
        for (Index i = 0; i < count_; i += kGroup) {
            const double* z = packed_.data() + i * ld_;
            for (Index v = 0; v < ld_; v += kLanes) {
                Pack s = simd::load(sum + v), size = simd::load(sizes + v);
                for (int g = 0; g < kGroup; ++g) {
                    const Pack entry = simd::load(z + g * ld_ + v);
                    s = simd::fma(entry, simd::broadcast(q[i + g]), s);
                    size = simd::fma(absolute(entry), simd::broadcast(weight_[i + g]), size);
                }
                simd::store(sum + v, s);
                simd::store(sizes + v, size);
            }
        }
    }

    // C += Z'VZ; the packed rows are lost.
    void add_gram(double* C) {
        for (Index i = 0; i < rows_; ++i) {
            const Pack root = simd::broadcast(std::sqrt(variance_[i]));
            double* z = packed_.data() + i * ld_;
            for (Index v = 0; v < ld_; v += kLanes) simd::store(z + v, simd::mul(simd::load(z + v), root));
        }
        least_squares::add_gram(packed_.data(), rows_, ld_, C);
    }

    // margin := min (margin, (2y - 1) eta), largest := max (largest, |eta|)
    void extremes(double& margin, double& largest) const {
        double least = kInfinity, most = 0.0;
        const Index whole = rows_ / kLanes * kLanes;
        if (whole) {
            const Pack one = simd::broadcast(1.0), none = simd::broadcast(-kInfinity);
            Pack low = simd::broadcast(kInfinity), high = simd::broadcast(0.0);
            for (Index i = 0; i < whole; i += kLanes) {
                const Pack eta = simd::load(eta_.data() + i), y = simd::load(y_.data() + i);
                const Pack s = simd::sub(simd::add(y, y), one);
                const Pack label = Eigen::internal::pcmp_eq(absolute(s), one);
                low = minimum(low, Eigen::internal::pselect(label, simd::mul(s, eta), none));
                high = maximum(high, absolute(eta));
            }
            least = Eigen::internal::predux_min(low);
            most = Eigen::internal::predux_max(high);
        }
        for (Index i = whole; i < rows_; ++i) {
            const double s = 2.0 * y_[i] - 1.0;
            const double m = std::abs(s) == 1.0 ? s * eta_[i] : -kInfinity, size = std::abs(eta_[i]);
            least = m < least ? m : least;
            most = size > most ? size : most;
        }
        margin = model_.poisson ? -kInfinity : std::min(margin, least);
        largest = std::max(largest, most);
    }

    // Sum of w KL(q, mu), or a bound on it, for q = mu + V t with |t| < 1; infinite beyond. t has count_ entries.
    double divergence(const Vector& t) const {
        const Pack one = simd::broadcast(1.0);
        Pack total = simd::broadcast(0.0);
        double rest = 0.0;
        for (Index i = 0; i < count_; i += kLanes) {
            const Pack move = simd::load(t.data() + i), size = absolute(move);
            if (Eigen::internal::predux_max(size) < kSeries) {
                const Pack square = simd::mul(simd::load(variance_.data() + i), simd::mul(move, move));
                total = simd::fma(square, simd::add(one, size), total);
            } else {
                for (Index k = i; k < std::min(i + kLanes, rows_); ++k) rest += row_divergence(k, t[k]);
            }
        }
        return simd::sum(total) / 2.0 + rest;
    }

    double row_divergence(Index i, double t) const {
        const double size = std::abs(t);
        if (size < kSeries) return variance_[i] * t * t * (1.0 + size) / 2.0;
        if (!(size < 1.0)) return kInfinity;
        return weight_[i] * exact_divergence(i, t);
    }

    double exact_divergence(Index i, double t) const {
        const double small = std::exp(-std::abs(eta_[i]));
        const double near = 1.0 / (1.0 + small), far = small / (1.0 + small);
        const double mu = model_.poisson ? std::exp(eta_[i]) : eta_[i] > 0.0 ? near : far;
        const double rest = eta_[i] > 0.0 ? far : near;
        if (model_.poisson) return mu * ((1.0 + t) * std::log1p(t) - t);
        const double up = rest * t, down = -mu * t;  // q = mu (1 + up), 1 - q = rest (1 + down)
        return mu * (1.0 + up) * std::log1p(up) + rest * (1.0 + down) * std::log1p(down);
    }

    Index rows() const { return rows_; }
    Index ld() const { return ld_; }
    const Vector& weight() const { return weight_; }
    const Vector& variance() const { return variance_; }
    Vector& residual() { return residual_; }

  private:
    // Packs rows i, i + 1, ... and predicts them on the way.
    template <int rows>
    void read_rows(const double* x, Index i) {
        const Index n = model_.X.cols(), whole = n / kLanes * kLanes;
        const double *shift = model_.shift.data(), *scale = model_.scale.data(), *theta = theta_.data();
        double* z = packed_.data() + i * ld_;
        simd::prefetch_ahead(x, rows * n);
        Pack sum[rows];
        for (int g = 0; g < rows; ++g) sum[g] = simd::broadcast(0.0);
        for (Index v = 0; v < whole; v += kLanes) {
            const Pack middle = simd::load(shift + v), unit = simd::load(scale + v), c = simd::load(theta + v);
            for (int g = 0; g < rows; ++g) {
                const Pack entry = simd::mul(simd::sub(simd::load(x + g * n + v), middle), unit);
                simd::store(z + g * ld_ + v, entry);
                sum[g] = simd::fma(entry, c, sum[g]);
            }
        }
        for (int g = 0; g < rows; ++g) {
            double rest = model_.intercept ? theta[n] : 0.0;
            double* row = z + g * ld_;
            for (Index j = whole; j < n; ++j) {
                row[j] = (x[g * n + j] - shift[j]) * scale[j];
                rest += row[j] * theta[j];
            }
            if (model_.intercept) row[n] = 1.0;
            for (Index j = model_.parameters(); j < ld_; ++j) row[j] = 0.0;
            eta_[i + g] = simd::sum(sum[g]) + rest;
        }
    }

    const Model& model_;
    Index ld_, rows_ = 0, count_ = 0;
    Vector packed_, theta_, eta_, y_, weight_, residual_, variance_;
};

// About 48 KiB of packed rows; a Gram matrix would rather leave L1 than come back too often.
Index block_rows(Index parameters, bool gram) {
    return least_squares::block_rows(round_up(parameters, kPad), gram ? 192 : 32);
}

// Runs body(block, leaf sums) over all blocks of rows; leaf sums of `width` numbers are added in a fixed tree.
template <class Body>
Vector reduce_rows(const Model& model, Index begin, Index end, Index block, Index leaves_at_most, Index width,
                   int threads, Body&& body) {
    const Leaves leaves(begin, end, block, leaves_at_most);
    const Index count = std::max<Index>(leaves.count(), 1);
    RowMatrix<double> partial = RowMatrix<double>::Zero(count, width);
    parallel_for(leaves.count(), threads, [&](Index leaf) {
        Block rows(model, block);
        for (Index i = leaves.first(leaf); i < leaves.last(leaf); i += block) {
            const Index last = std::min(i + block, leaves.last(leaf));
            rows.read(i, last);
            body(rows, i, leaf, partial.data() + leaf * width);
        }
    });
    parallel_reduce(leaves.count(), 1, [&](Index into, Index from) { partial.row(into) += partial.row(from); });
    return partial.row(0);
}

}  // namespace

void glm_pass(MatrixIn<double> X, VectorIn y, VectorIn weights, VectorIn offset, VectorIn theta, VectorIn shift,
              VectorIn scale, bool intercept, int family, Index begin, Index end, VectorOut gradient, MatrixOut gram,
              VectorOut sums, int threads) {
    const Model model{X, y, weights, offset, theta, shift, scale, intercept, family == 1};
    const Index p = model.parameters(), ld = round_up(p, kPad), square = gram.size() ? ld * ld : 0;
    // A leaf has its own Gram matrix to clear and to add, which its rows must outweigh.
    const Index most = square ? std::clamp<Index>((end - begin) / std::max<Index>(1024, 4 * ld), 1, kLeaves) : kLeaves;
    std::vector<double> margin(kLeaves, kInfinity), largest(kLeaves, 0.0);
    const Vector total = reduce_rows(model, begin, end, block_rows(p, square > 0), most, 1 + ld + square, threads,
                                     [&](Block& rows, Index, Index leaf, double* sum) {
                                         sum[0] += rows.shares();
                                         const auto l = static_cast<std::size_t>(leaf);
                                         rows.extremes(margin[l], largest[l]);
                                         rows.add_transposed(rows.residual(), sum + 1);
                                         if (square) rows.add_gram(sum + 1 + ld);
                                     });
    gradient = total.segment(1, p);
    for (Index i = 0; i < gram.rows(); ++i)
        for (Index j = i; j < gram.cols(); ++j) gram(i, j) = gram(j, i) = total[1 + ld + i * ld + j];
    sums[0] = total[0];
    sums[1] = *std::min_element(margin.begin(), margin.end());
    sums[2] = *std::max_element(largest.begin(), largest.end());
}

void glm_direction_pass(MatrixIn<double> X, VectorIn y, VectorIn weights, VectorIn offset, VectorIn theta,
                        VectorIn direction, VectorIn shift, VectorIn scale, bool intercept, int family, Index begin,
                        Index end, VectorOut residual, VectorOut sizes, VectorOut dual, VectorOut sums, int threads) {
    const Model model{X, y, weights, offset, theta, shift, scale, intercept, family == 1};
    const Index p = model.parameters(), ld = round_up(p, kPad), block = block_rows(p, false);
    std::vector<double> largest(kLeaves, 0.0);
    const Vector total = reduce_rows(model, begin, end, block, kLeaves, 1 + 2 * ld, threads,
                                     [&](Block& rows, Index first, Index leaf, double* sum) {
                                         Vector t(round_up(block, kPad));
                                         rows.predict(rows.padded(direction), t);
                                         rows.shares();
                                         const Index count = rows.rows();
                                         const Vector& w = rows.weight();
                                         Vector& r = rows.residual();
                                         for (Index i = 0; i < count; ++i) {
                                             r[i] -= rows.variance()[i] * t[i];
                                             dual[first + i] = w[i] > 0.0 ? r[i] / w[i] : 0.0;
                                         }
                                         double& most = largest[static_cast<std::size_t>(leaf)];
                                         most = std::max(most, t.head(count).cwiseAbs().maxCoeff());
                                         sum[0] += rows.divergence(t);
                                         rows.add_transposed(r, sum + 1, sum + 1 + ld);
                                     });
    residual = total.segment(1, p);
    sizes = total.segment(1 + ld, p);
    sums[0] = total[0];
    sums[1] = *std::max_element(largest.begin(), largest.end());
}

}  // namespace minimand::linear_models
