#include "axes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace minimand::ellipsoid {
namespace {

constexpr int kSweeps = 60;  // it takes some 8

// Columns b_j 2^e_j, each with an exponent of its own so that no product of two over- or underflows; the rotations J.
struct Columns {
    ColMatrix b, J;
    std::vector<int> exponent;

    int& e(Index j) { return exponent[static_cast<std::size_t>(j)]; }

    // Makes columns p and r orthogonal. Returns whether they were not.
    bool rotate(Index p, Index r, double threshold) {
        if (e(p) < e(r)) std::swap(p, r);
        const double square_p = b.col(p).squaredNorm(), square_r = b.col(r).squaredNorm(), c = b.col(p).dot(b.col(r));
        if (!(std::abs(c) > threshold * std::sqrt(square_p * square_r))) return false;
        // tangent = ratio * t, where column r is `ratio` times as long as its unit says, in the unit of column p.
        const double ratio = std::ldexp(1.0, e(r) - e(p)), zeta = (ratio * ratio * square_r - square_p) / (2.0 * c);
        const double t = std::copysign(1.0, zeta) / (std::abs(zeta) + std::hypot(ratio, zeta));
        const double cosine = 1.0 / std::hypot(1.0, ratio * t);
        turn(b, p, r, cosine, cosine * ratio * ratio * t, cosine * t);
        turn(J, p, r, cosine, cosine * ratio * t, cosine * ratio * t);
        return true;
    }

    static void turn(ColMatrix& matrix, Index p, Index r, double cosine, double from_r, double from_p) {
        double *x = matrix.col(p).data(), *y = matrix.col(r).data();
        for (Index i = 0; i < matrix.rows(); ++i) {
            const double old = x[i];
            x[i] = cosine * old - from_r * y[i];
            y[i] = from_p * old + cosine * y[i];
        }
    }
};

}  // namespace

void principal_axes(MatrixIn<double> transform, MatrixOut axes, VectorOut stretches, MatrixOut root) {
    const Index n = transform.rows();
    Columns columns{transform, ColMatrix::Identity(n, n), std::vector<int>(static_cast<std::size_t>(n))};
    for (Index j = 0; j < n; ++j) {
        std::frexp(transform.col(j).cwiseAbs().maxCoeff(), &columns.e(j));
        columns.b.col(j) = transform.col(j).unaryExpr([&](double x) { return std::ldexp(x, -columns.e(j)); });
    }
    const double threshold = std::sqrt(static_cast<double>(n)) * std::numeric_limits<double>::epsilon();
    bool rotated = true;
    for (int sweep = 0; rotated && sweep < kSweeps; ++sweep) {
        rotated = false;
        for (Index p = 0; p + 1 < n; ++p)
            for (Index r = p + 1; r < n; ++r) rotated = columns.rotate(p, r, threshold) || rotated;
    }

    Vector length = columns.b.colwise().norm();
    ColMatrix polar = columns.b * length.cwiseInverse().asDiagonal() * columns.J.transpose();
    for (Index j = 0; j < n; ++j) length[j] = std::ldexp(length[j], columns.e(j));
    std::vector<Index> ascending(static_cast<std::size_t>(n));
    std::iota(ascending.begin(), ascending.end(), Index{0});
    std::stable_sort(ascending.begin(), ascending.end(), [&](Index p, Index r) { return length[p] < length[r]; });
    for (Index j = 0; j < n; ++j) {
        const Index from = ascending[static_cast<std::size_t>(j)];
        axes.col(j) = columns.J.col(from);
        stretches[j] = length[from];
    }
    // Either of two entries would do; the one from the shorter column has the smaller error.
    const Vector size = transform.cwiseAbs().colwise().maxCoeff();
    for (Index p = 0; p < n; ++p)
        for (Index r = 0; r <= p; ++r) {
            const bool first = size[p] <= size[r];
            root(p, r) = root(r, p) = polar.col(first ? r : p).dot(transform.col(first ? p : r));
        }
}

}  // namespace minimand::ellipsoid
