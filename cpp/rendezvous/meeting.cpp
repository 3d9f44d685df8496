#include "meeting.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sweeps.hpp"

namespace minimand::rendezvous {
namespace {

constexpr double kEps = std::numeric_limits<double>::epsilon();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kOutside = 1e-9;  // of a row of d, which then cannot be reached

}  // namespace

Index match_factor(MatrixIn<double> M, VectorIn floor, MatrixOut factor, IndexVectorOut order, VectorOut scale) {
    const Index q = M.rows(), k = M.cols(), most = std::min(q, k);
    RowMatrix<double> left = M;
    for (Index i = 0; i < q; ++i) {
        const double size = M.row(i).cwiseAbs().maxCoeff();
        int exponent = 0;
        if (size > 0) std::frexp(size, &exponent);
        scale[i] = std::ldexp(1.0, -exponent);
        left.row(i) *= scale[i];
        if (left.row(i).norm() <= scale[i] * floor[i]) left.row(i).setZero();
        order[i] = i;
    }
    factor.setZero();
    double largest = 0.0;
    Vector along(q);
    for (Index i = 0; i < most; ++i) {
        Index pivot = i;
        double longest = -1.0;
        for (Index row = i; row < q; ++row) {
            const double length = left.row(row).norm();
            if (length > longest) {
                longest = length;
                pivot = row;
            }
        }
        largest = std::max(largest, longest);
        if (!(longest > 100.0 * static_cast<double>(std::max(q, k)) * kEps * largest)) return i;
        left.row(i).swap(left.row(pivot));
        factor.row(i).swap(factor.row(pivot));
        std::swap(order[i], order[pivot]);
        const Eigen::RowVectorXd unit = left.row(i) / longest;
        for (int pass = 0; pass < 2; ++pass) {
            along.tail(q - i).noalias() = left.bottomRows(q - i) * unit.transpose();
            factor.col(i).tail(q - i) += along.tail(q - i);
            left.bottomRows(q - i).noalias() -= along.tail(q - i) * unit;
        }
    }
    return most;
}

void reach_noise(MatrixIn<double> A, MatrixIn<double> B, MatrixIn<double> L, MatrixIn<double> E, VectorOut floor) {
    const Vector rows = L.rowwise().norm();
    const Vector terms = rows + A.cwiseAbs() * rows + B.rowwise().norm();
    floor += 100.0 * static_cast<double>(A.rows()) * kEps * (E.cwiseAbs() * terms);
}

double match_solve(MatrixIn<double> factor, IndexVectorIn order, VectorIn scale, Index rank, VectorIn d, VectorIn noise,
                   VectorOut multiplier, VectorOut direction) {
    const Index q = d.size();
    const auto square = factor.topLeftCorner(rank, rank);
    const auto rest = factor.bottomLeftCorner(q - rank, rank);
    Vector y(rank), outside(q - rank);
    for (Index i = 0; i < rank; ++i) y[i] = scale[order[i]] * d[order[i]];
    square.triangularView<Eigen::Lower>().solveInPlace(y);
    const double energy = y.squaredNorm();

    // Of the factor, whose rows have norms near 1.
    const double rounding = 100.0 * static_cast<double>(q) * kEps * y.norm();
    bool within = true;
    for (Index i = rank; i < q; ++i) {
        const double s = scale[order[i]], target = s * d[order[i]];
        const auto row = rest.row(i - rank);
        outside[i - rank] = target - row.dot(y);
        const double terms = std::abs(target) + row.cwiseAbs().dot(y.cwiseAbs());
        if (std::abs(outside[i - rank]) > kOutside * terms + s * noise[order[i]] + rounding) within = false;
    }
    multiplier.setZero();
    direction.setZero();
    square.triangularView<Eigen::Lower>().transpose().solveInPlace(y);
    for (Index i = 0; i < rank; ++i) multiplier[order[i]] = scale[order[i]] * y[i];
    if (within) return energy;

    y.noalias() = -(rest.transpose() * outside);
    square.triangularView<Eigen::Lower>().transpose().solveInPlace(y);
    for (Index i = 0; i < rank; ++i) direction[order[i]] = scale[order[i]] * y[i];
    for (Index i = rank; i < q; ++i) direction[order[i]] = scale[order[i]] * outside[i - rank];
    return std::numeric_limits<double>::infinity();
}

void energy_curve(MatrixIn<double> A, MatrixIn<double> B, MatrixIn<double> C, MatrixIn<double> D, MatrixIn<double> Ex,
                  MatrixIn<double> Ez, MatrixOut Lx, MatrixOut Lz, VectorOut x, VectorOut z, VectorOut largest_x,
                  VectorOut largest_z, Index begin, VectorOut energy, IndexVectorOut rank, VectorOut condition,
                  MatrixOut multiplier) {
    const Index n = A.rows(), k = C.rows(), q = Ex.rows();
    ColMatrix first = Lx, second = Lz, wide_x(n, n + B.cols()), wide_z(k, k + D.cols());
    RowMatrix<double> M(q, n + k), factor(q, q), row_major_x(n, n), row_major_z(k, k);
    Eigen::Matrix<Index, Eigen::Dynamic, 1> order(q);
    Vector scale(q), d(q), noise(q), lambda(q), direction(q), floor(q), moved;
    for (Index i = 0; i < energy.size(); ++i) {
        wide_x.leftCols(n).noalias() = A * first;
        wide_x.rightCols(B.cols()) = B;
        lower_factor(wide_x, first);
        wide_z.leftCols(k).noalias() = C * second;
        wide_z.rightCols(D.cols()) = D;
        lower_factor(wide_z, second);
        moved = A * x;
        x = moved;
        moved = C * z;
        z = moved;
        largest_x = largest_x.cwiseMax(x.cwiseAbs());
        largest_z = largest_z.cwiseMax(z.cwiseAbs());

        M.leftCols(n).noalias() = Ex * first;
        M.rightCols(k).noalias() = Ez * second;
        floor.setZero();
        row_major_x = first;
        row_major_z = second;
        reach_noise(A, B, row_major_x, Ex, floor);
        reach_noise(C, D, row_major_z, Ez, floor);
        rank[i] = match_factor(M, floor, factor, order, scale);
        d.noalias() = -(Ex * x);
        d.noalias() -= Ez * z;
        if (!factor.allFinite() || !d.allFinite()) {
            energy[i] = condition[i] = kNaN;
            rank[i] = 0;
            multiplier.row(i).setConstant(kNaN);
            continue;
        }
        noise = Ex.cwiseAbs() * largest_x;
        noise += Ez.cwiseAbs() * largest_z;
        noise *= kEps * static_cast<double>(100 * std::max(n, k) + begin + i + 1);
        energy[i] = match_solve(factor, order, scale, rank[i], d, noise, lambda, direction);
        const Index last = rank[i] - 1;
        condition[i] = last < 0 ? 1.0 : std::abs(factor(0, 0)) / std::abs(factor(last, last));
        multiplier.row(i) = std::isinf(energy[i]) ? direction.transpose() : lambda.transpose();
    }
    Lx = first;
    Lz = second;
}

}  // namespace minimand::rendezvous
