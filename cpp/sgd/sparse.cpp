#include <array>
#include <vector>

#include "loss.hpp"
#include "rows.hpp"
#include "steps.hpp"
#include "update.hpp"

namespace minimand::sgd {
namespace {

constexpr double kSmallScale = 1e-9;  // below which it is multiplied into the coefficients

struct SparseRows {
    const VectorIn& values;
    const ColumnsIn& columns;
    const IndicesIn &pointers, &order;
    const VectorIn &y, &weights;
    Loss loss;
    Index n, d, classes;

    Index row(Index position) const { return order.size() ? order[position] : position; }

    __attribute__((always_inline)) void prefetch(Index position) const {
        if (position + 8 < n) __builtin_prefetch(pointers.data() + row(position + 8), 0, 2);
        if (position >= n) return;
        const Index begin = pointers[row(position)];
        __builtin_prefetch(values.data() + begin, 0, 2);
        __builtin_prefetch(columns.data() + begin, 0, 2);
    }

    // sums[k] += sum_j x_j v(j, k), v feature by feature.
    void dot(Index i, const double* v, double* sums) const {
        for (Index e = pointers[i]; e < pointers[i + 1]; ++e) {
            const double* const feature = v + columns[e] * classes;
            for (Index k = 0; k < classes; ++k) sums[k] += values[e] * feature[k];
        }
    }

    // v(j, k) += x_j factor_k
    void add(Index i, const double* factor, double* v) const {
        for (Index e = pointers[i]; e < pointers[i + 1]; ++e) {
            double* const feature = v + columns[e] * classes;
            for (Index k = 0; k < classes; ++k) feature[k] += values[e] * factor[k];
        }
    }
};

// What both ways of stepping share: b, and the residuals of a batch.
class Batch {
  public:
    Batch(const SparseRows& rows, Index size, MatrixOut& table, bool refresh)
        : rows_(rows), table_(table), refresh_(refresh), margins_(static_cast<std::size_t>(rows.classes * kStride)) {
        residuals_.resize(static_cast<std::size_t>(std::min(size, rows.n) * rows.classes));
        product_.resize(static_cast<std::size_t>(rows.classes));
    }

    // Residuals of the positions begin..end-1, times the weights; constants := their sums.
    template <class Product>
    void read(Index begin, Index end, const double* b, double* constants, Product&& product) {
        const Index K = rows_.classes;
        std::array<double, kStride> y{}, loss{};
        std::fill(constants, constants + K, 0.0);
        for (Index first = begin; first < end; first += kBlock) {
            const Index count = std::min(kBlock, end - first);
            for (Index r = 0; r < count; ++r) {
                const Index i = rows_.row(first + r);
                rows_.prefetch(first + r + 8);
                std::fill(product_.begin(), product_.end(), 0.0);
                product(i, product_.data());
                for (Index k = 0; k < K; ++k)
                    margins_[static_cast<std::size_t>(k * kStride + r)] = product_[static_cast<std::size_t>(k)] + b[k];
                y[static_cast<std::size_t>(r)] = rows_.y[i];
            }
            shares(rows_.loss, margins_.data(), kStride, K, y.data(), round_up(count, kLanes), loss.data());
            for (Index r = 0; r < count; ++r) {
                const Index i = rows_.row(first + r);
                const double weight = rows_.weights.size() ? rows_.weights[i] : 1.0;
                total_ += weight * loss[static_cast<std::size_t>(r)];
                double* const out = residual(first + r - begin);
                for (Index k = 0; k < K; ++k) {
                    const double now = weight * margins_[static_cast<std::size_t>(k * kStride + r)];
                    out[k] = now;
                    if (table_.size()) out[k] -= table_(i, k);
                    if (refresh_) table_(i, k) = now;
                    constants[k] += out[k];
                }
            }
        }
    }

    double* residual(Index r) { return residuals_.data() + r * rows_.classes; }
    double loss() const { return total_; }

  private:
    const SparseRows& rows_;
    MatrixOut& table_;
    bool refresh_;
    std::vector<double> margins_, residuals_, product_;
    double total_ = 0.0;
};

// w = scale v, and what each feature owes to l1 since it was last touched.
class Lazy {
  public:
    Lazy(const MatrixOut& theta, Index d) : classes_(theta.rows()), v_(theta.leftCols(d).transpose()) {
        paid_.assign(static_cast<std::size_t>(d), 0.0);
    }

    void touch(Index j) {
        double& paid = paid_[static_cast<std::size_t>(j)];
        if (paid == debt_) return;
        for (Index k = 0; k < classes_; ++k) v_(j, k) = soft(v_(j, k), debt_ - paid);
        paid = debt_;
    }

    void settle() {
        for (Index j = 0; j < v_.rows(); ++j) touch(j);
        v_ *= scale_;
        std::fill(paid_.begin(), paid_.end(), 0.0);
        scale_ = 1.0;
        debt_ = 0.0;
    }

    void shrink(double factor) {
        if (scale_ * factor > kSmallScale) {
            scale_ *= factor;
        } else {
            settle();
            v_ *= factor;
        }
    }

    void owe(double threshold) { debt_ += threshold / scale_; }

    double scale() const { return scale_; }
    double* v() { return v_.data(); }
    const RowMatrix<double>& coefficients() const { return v_; }

  private:
    Index classes_;
    RowMatrix<double> v_;
    std::vector<double> paid_;
    double scale_ = 1.0, debt_ = 0.0;
};

double lazy_steps(const SparseRows& rows, Batch& batch, Index first, Index size, const VectorIn& rates,
                  const Hyper& hyper, bool intercept, MatrixOut& theta) {
    const Index K = rows.classes, d = rows.d;
    Lazy lazy(theta, d);
    Vector b = theta.col(d), sums(K), factor(K);
    for (Index s = 0; s < rates.size(); ++s) {
        const Index begin = (first + s) * size, end = std::min(begin + size, rows.n);
        batch.read(begin, end, b.data(), sums.data(), [&](Index i, double* product) {
            if (hyper.l1 != 0.0)
                for (Index e = rows.pointers[i]; e < rows.pointers[i + 1]; ++e) lazy.touch(rows.columns[e]);
            rows.dot(i, lazy.v(), product);
            for (Index k = 0; k < K; ++k) product[k] *= lazy.scale();
        });
        const double down = -rates[s] / static_cast<double>(end - begin);
        if (hyper.l2 != 0.0) lazy.shrink(1.0 - rates[s] * hyper.l2);
        for (Index p = begin; p < end; ++p) {
            const double* const residual = batch.residual(p - begin);
            for (Index k = 0; k < K; ++k) factor[k] = down * residual[k] / lazy.scale();
            rows.add(rows.row(p), factor.data(), lazy.v());
        }
        if (hyper.l1 != 0.0) lazy.owe(rates[s] * hyper.l1);
        if (intercept) b += down * sums;
    }
    lazy.settle();
    theta.leftCols(d) = lazy.coefficients().transpose();
    theta.col(d) = b;
    return batch.loss();
}

// Feature by feature and padded, then all b_k; empty stays empty.
Vector flattened(const MatrixOut& theta, Index slopes) {
    if (theta.size() == 0) return Vector();
    const Index K = theta.rows(), d = theta.cols() - 1;
    Vector flat = Vector::Zero(slopes + round_up(K, kLanes));
    Eigen::Map<RowMatrix<double>>(flat.data(), d, K) = theta.leftCols(d).transpose();
    flat.segment(slopes, K) = theta.col(d);
    return flat;
}

void unflatten(const Vector& flat, Index slopes, MatrixOut& theta) {
    if (theta.size() == 0) return;
    const Index K = theta.rows(), d = theta.cols() - 1;
    theta.leftCols(d) = Eigen::Map<const RowMatrix<double>>(flat.data(), d, K).transpose();
    theta.col(d) = flat.segment(slopes, K);
}

double* data(Vector& flat, Index offset) { return flat.size() ? flat.data() + offset : nullptr; }

}  // namespace

void sgd_steps_csr(VectorIn values, ColumnsIn columns, IndicesIn pointers, VectorIn y, VectorIn weights,
                   IndicesIn order, Index first, Index batch, int loss, VectorIn rates, double l2, double l1,
                   double momentum, bool nesterov, bool intercept, bool refresh, MatrixOut theta, MatrixOut velocity,
                   MatrixOut average, Index averaged, MatrixOut table, MatrixOut mean, VectorOut sums) {
    const Index n = y.size(), K = theta.rows(), d = theta.cols() - 1;
    const SparseRows rows{values, columns, pointers, order, y, weights, static_cast<Loss>(loss), n, d, K};
    const Hyper hyper{l2, l1, momentum, nesterov, refresh};
    Batch read(rows, batch, table, refresh);
    if (velocity.size() + average.size() + table.size() == 0) {
        sums[0] += lazy_steps(rows, read, first, batch, rates, hyper, intercept, theta);
        return;
    }
    const Index slopes = round_up(d * K, kLanes), width = round_up(K, kLanes);
    Vector at = flattened(theta, slopes), speed = flattened(velocity, slopes), middle = flattened(average, slopes);
    Vector old = flattened(mean, slopes), sum = Vector::Zero(slopes + width);
    const State weight{at.data(), data(speed, 0), data(middle, 0), data(old, 0)};
    const State constant{at.data() + slopes, data(speed, slopes), data(middle, slopes), data(old, slopes)};
    for (Index s = 0; s < rates.size(); ++s) {
        const Index begin = (first + s) * batch, end = std::min(begin + batch, n);
        sum.setZero();
        read.read(begin, end, constant.theta, sum.data() + slopes,
                  [&](Index i, double* product) { rows.dot(i, at.data(), product); });
        for (Index p = begin; p < end; ++p) rows.add(rows.row(p), read.residual(p - begin), sum.data());
        const double scale = 1.0 / static_cast<double>(end - begin), share = 1.0 / static_cast<double>(n);
        const double fresh = 1.0 / static_cast<double>(averaged + s + 1);
        update(weight, sum.data(), slopes, hyper, l2, l1, rates[s], scale, share, fresh);
        if (intercept) update(constant, sum.data() + slopes, width, hyper, 0.0, 0.0, rates[s], scale, share, fresh);
    }
    unflatten(at, slopes, theta);
    unflatten(speed, slopes, velocity);
    unflatten(middle, slopes, average);
    unflatten(old, slopes, mean);
    sums[0] += read.loss();
}

}  // namespace minimand::sgd
