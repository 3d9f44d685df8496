#include "factor.hpp"

#include <Eigen/QR>
#include <Eigen/SVD>
#include <numeric>
#include <vector>

#include "../common/parallel.hpp"

namespace minimand::least_squares {
namespace {

constexpr Index kBlock = 96;        // panel width of the Cholesky factorisation
constexpr Index kColumnBlock = 64;  // right-hand sides per task of a triangular solve
using Block = Eigen::Block<MatrixOut>;

// Unblocked Cholesky of a diagonal block; 0, or the order of the failing minor. NaN fails too.
Index cholesky_unblocked(Block A) {
    for (Index j = 0; j < A.rows(); ++j) {
        const double pivot = A(j, j) - A.row(j).head(j).squaredNorm();
        if (!(pivot > 0.0)) return j + 1;
        A(j, j) = std::sqrt(pivot);
        for (Index i = j + 1; i < A.rows(); ++i) A(i, j) = (A(i, j) - A.row(i).head(j).dot(A.row(j).head(j))) / A(j, j);
    }
    return 0;
}

}  // namespace

Index solve_triangular(MatrixIn<double> R, MatrixOut B, bool lower, bool transpose, int threads) {
    for (Index j = 0; j < R.rows(); ++j)
        if (R(j, j) == 0.0) return j + 1;
    parallel_for((B.cols() + kColumnBlock - 1) / kColumnBlock, threads, [&](Index task) {
        const Index j = task * kColumnBlock;
        auto columns = B.middleCols(j, std::min(kColumnBlock, B.cols() - j));
        if (lower && transpose) R.transpose().triangularView<Eigen::Upper>().solveInPlace(columns);
        if (lower && !transpose) R.triangularView<Eigen::Lower>().solveInPlace(columns);
        if (!lower && transpose) R.transpose().triangularView<Eigen::Lower>().solveInPlace(columns);
        if (!lower && !transpose) R.triangularView<Eigen::Upper>().solveInPlace(columns);
    });
    return 0;
}

Index cholesky_factor(MatrixOut A, int threads) {
    const Index n = A.rows();
    for (Index j = 0; j < n; j += kBlock) {
        const Index width = std::min(kBlock, n - j), below = j + width, tasks = (n - below + kBlock - 1) / kBlock;
        const Block diagonal = A.block(j, j, width, width);
        const Index failed = cholesky_unblocked(diagonal);
        if (failed) return j + failed;
        const auto first = [&](Index task) { return below + task * kBlock; };
        const auto size = [&](Index task) { return std::min(kBlock, n - first(task)); };
        parallel_for(tasks, threads, [&](Index task) {  // panel: L21 = A21 L11^-T
            auto panel = A.block(first(task), j, size(task), width);
            diagonal.triangularView<Eigen::Lower>().transpose().solveInPlace<Eigen::OnTheRight>(panel);
        });
        parallel_for(tasks, threads, [&](Index task) {  // A22 -= L21 L21', one row of blocks a task
            const Index i = first(task), rows = size(task), columns = i + rows - below;
            A.block(i, below, rows, columns).noalias() -=
                A.block(i, j, rows, width) * A.block(below, j, columns, width).transpose();
        });
    }
    A.triangularView<Eigen::StrictlyUpper>().setZero();
    return 0;
}

Index pivoted_qr(MatrixOut A, Index columns, VectorIn floor, bool keep_order, IndexVectorOut pivots,
                 VectorOut tolerances) {
    const Index rows = A.rows(), total = A.cols(), steps = std::min(rows, columns);
    ColMatrix work = A;
    std::vector<Index> order(static_cast<std::size_t>(total));  // chosen, then remaining, then right-hand sides
    std::iota(order.begin(), order.end(), Index{0});
    const auto at = [&](Index position) { return order[static_cast<std::size_t>(position)]; };
    Vector norm = work.leftCols(columns).colwise().norm();  // of the rows still to be factored
    Vector v(rows);
    Index rank = 0, aside = columns;  // keep_order: dependent columns wait at positions aside..columns-1
    double floor_so_far = 0.0;

    for (Index step = 0; step < steps; ++step) {
        const auto tolerance = [&](Index column) { return std::max(floor_so_far, floor[column]); };
        if (keep_order) {
            while (step < aside && !(norm[at(step)] > tolerance(at(step)))) {
                std::rotate(order.begin() + step, order.begin() + step + 1, order.begin() + columns);
                --aside;
            }
        }
        if (!keep_order || step >= aside) {
            Index largest = step;
            for (Index c = step + 1; c < columns; ++c)
                if (norm[at(c)] > norm[at(largest)]) largest = c;
            std::swap(order[static_cast<std::size_t>(step)], order[static_cast<std::size_t>(largest)]);
        }
        const Index column = at(step), length = rows - step;
        tolerances[step] = tolerance(column);
        const bool accepted = rank == step && norm[column] > tolerances[step] && (!keep_order || step < aside);
        if (accepted) {
            ++rank;
            floor_so_far = tolerances[step];
        }

        // I - tau v v' maps the column to beta e1, v1 = 1; the row is negated where beta < 0.
        auto x = work.col(column).tail(length);
        auto tail = v.head(length - 1);
        double tau = 0.0, beta = 0.0;
        x.makeHouseholder(tail, tau, beta);
        const double sign = beta < 0.0 ? -1.0 : 1.0;
        x.setZero();
        x[0] = sign * beta;
        for (Index c = step + 1; c < total; ++c) {
            auto y = work.col(at(c)).tail(length);
            const double scaled = tau * (y[0] + tail.dot(y.tail(length - 1)));
            y[0] = sign * (y[0] - scaled);
            y.tail(length - 1) -= scaled * tail;
            if (c < columns) norm[at(c)] = y.tail(length - 1).norm();
        }
    }
    for (Index c = 0; c < total; ++c) A.col(c) = work.col(at(c));
    for (Index c = 0; c < columns; ++c) pivots[c] = at(c);
    return rank;
}

void svd(MatrixIn<double> A, MatrixOut U, VectorOut s, MatrixOut V) {
    const Eigen::BDCSVD<ColMatrix> factors(A, Eigen::ComputeThinU | Eigen::ComputeThinV);
    U = factors.matrixU();
    s = factors.singularValues();
    V = factors.matrixV();
}

void min_norm(MatrixIn<double> A, MatrixIn<double> B, MatrixOut X) {
    if (X.cols() == 0) return;
    const Index r = A.rows();
    Eigen::HouseholderQR<ColMatrix> qr(A.transpose());
    X.setZero();
    X.topRows(r) = B;
    auto z = X.topRows(r);
    qr.matrixQR().topRows(r).triangularView<Eigen::Upper>().transpose().solveInPlace(z);
    X.applyOnTheLeft(qr.householderQ());
}

}  // namespace minimand::least_squares
