// Fixed-point distances, d(i, j) = rint(scale |x_i - x_j|) as int64: gains of moves are exact, and a move pays from one
// unit on. Python's minimand/tsp/metric.py does the same operations, so both have the same bits.
//
// Vertices are the cities 0..N-1 and, where a path is wanted, a dummy N at distance 0 from all. `mates(v)` are the
// other ends of at most two edges that have to stay (-1: none); such an edge has length -penalty, less than any gain.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "../common/types.hpp"

namespace minimand::tsp {

using Vertex = std::int32_t;
using Length = std::int64_t;

using LengthsIn = Eigen::Ref<const RowMatrix<std::int64_t>>;
using VerticesIn = Eigen::Ref<const RowMatrix<std::int32_t>>;
using VerticesOut = Eigen::Ref<RowMatrix<std::int32_t>>;
using TourOut = Eigen::Ref<Eigen::Matrix<std::int32_t, Eigen::Dynamic, 1>>;
using LengthsOut = Eigen::Ref<RowMatrix<std::int64_t>>;
using StateOut = Eigen::Ref<Eigen::Matrix<std::int64_t, Eigen::Dynamic, 1>>;

enum class Metric : int {
    precomputed,
    euclidean,
    manhattan,
    chebyshev,
    euc_2d,
    euc_3d,
    ceil_2d,
    att,
    geo,
    man_2d,
    max_2d
};

class Distance {
  public:
    // `lengths` is the matrix of fixed-point distances of the cities, or empty: then they come from the points.
    Distance(const MatrixIn<double>& points, const LengthsIn& lengths, int metric, double scale,
             const VerticesIn& mates, Length penalty)
        : points_(points.data()),
          lengths_(lengths.size() > 0 ? lengths.data() : nullptr),
          mates_(mates.data()),
          cities_(lengths.size() > 0 ? lengths.rows() : points.rows()),
          dimension_(points.cols()),
          metric_(lengths.size() > 0 ? Metric::precomputed : static_cast<Metric>(metric)),
          scale_(scale),
          penalty_(penalty),
          has_dummy_(mates.rows() > cities_),
          plain_(!has_dummy_ && (mates.array() < 0).all()) {
        if (metric_ == Metric::euclidean && dimension_ == 2) kind_ = Kind::plane;
        if (metric_ == Metric::euc_2d) kind_ = Kind::rounded_plane;
        if (metric_ == Metric::precomputed) kind_ = Kind::matrix;
    }

    Length operator()(Vertex i, Vertex j) const { return plain_ ? cities(i, j) : with_mates(i, j); }

    // Between two cities, fixed edge or not.
    Length cities(Vertex i, Vertex j) const {
        switch (kind_) {
            case Kind::matrix:
                return lengths_[i * cities_ + j];
            case Kind::plane:
                return std::llrint(plane(i, j) * scale_);
            case Kind::rounded_plane:
                return static_cast<Length>(plane(i, j) + 0.5);
            default:
                return rarer(i, j);
        }
    }

    // The sum along a path of cities. In the plane by vector instructions, in doubles: those sums are integers below
    // 2^52, hence exact in any order.
    Length along(const Vertex* path, Index count) const {
        Length total = 0;
        Index p = 0;
        if (kind_ == Kind::plane || kind_ == Kind::rounded_plane) {
            double lane[kLanes] = {}, square[kLanes];
            for (; p + kLanes < count; p += kLanes) {
                for (Index k = 0; k < kLanes; ++k) {
                    const double *x = points_ + 2 * Index{path[p + k]}, *y = points_ + 2 * Index{path[p + k + 1]};
                    square[k] = (x[0] - y[0]) * (x[0] - y[0]) + (x[1] - y[1]) * (x[1] - y[1]);
                }
                if (kind_ == Kind::plane) {
                    for (Index k = 0; k < kLanes; ++k) lane[k] += std::nearbyint(std::sqrt(square[k]) * scale_);
                } else {
                    for (Index k = 0; k < kLanes; ++k) lane[k] += std::floor(std::sqrt(square[k]) + 0.5);
                }
            }
            for (const double part : lane) total += static_cast<Length>(part);
        }
        for (; p + 1 < count; ++p) total += cities(path[p], path[p + 1]);
        return total;
    }

    bool has_dummy() const { return has_dummy_; }
    bool is_dummy(Vertex v) const { return has_dummy_ && v == cities_; }
    bool is_fixed(Vertex i, Vertex j) const { return mates_[2 * i] == j || mates_[2 * i + 1] == j; }
    bool is_plain() const { return plain_; }

  private:
    static constexpr Index kLanes = 8;
    enum class Kind { matrix, plane, rounded_plane, other };

    Length with_mates(Vertex i, Vertex j) const {
        if (is_fixed(i, j)) return -penalty_;
        return is_dummy(i) || is_dummy(j) ? 0 : cities(i, j);
    }

    double plane(Vertex i, Vertex j) const {
        const double *x = points_ + 2 * Index{i}, *y = points_ + 2 * Index{j};
        const double dx = x[0] - y[0], dy = x[1] - y[1];
        return std::sqrt(dx * dx + dy * dy);
    }

    Length rarer(Vertex i, Vertex j) const {
        const double *x = points_ + i * dimension_, *y = points_ + j * dimension_;
        switch (metric_) {
            case Metric::manhattan:
                return std::llrint(sum(x, y) * scale_);
            case Metric::chebyshev:
                return std::llrint(largest(x, y) * scale_);
            case Metric::euclidean:
                return std::llrint(std::sqrt(squares(x, y)) * scale_);
            case Metric::ceil_2d:
                return static_cast<Length>(std::ceil(std::sqrt(squares(x, y))));
            case Metric::att:
                return static_cast<Length>(std::ceil(std::sqrt(squares(x, y) / 10.0)));
            case Metric::geo:
                return geographical(x, y);
            case Metric::man_2d:
                return static_cast<Length>(sum(x, y) + 0.5);
            case Metric::max_2d:
                return static_cast<Length>(largest(x, y) + 0.5);
            default:
                return static_cast<Length>(std::sqrt(squares(x, y)) + 0.5);
        }
    }

    double squares(const double* x, const double* y) const {
        double total = 0.0;
        for (Index k = 0; k < dimension_; ++k) total += (x[k] - y[k]) * (x[k] - y[k]);
        return total;
    }
    double sum(const double* x, const double* y) const {
        double total = 0.0;
        for (Index k = 0; k < dimension_; ++k) total += std::abs(x[k] - y[k]);
        return total;
    }
    double largest(const double* x, const double* y) const {
        double most = 0.0;
        for (Index k = 0; k < dimension_; ++k) most = std::max(most, std::abs(x[k] - y[k]));
        return most;
    }
    static double radians(double angle) {
        const double degrees = std::trunc(angle);
        return 3.141592 * (degrees + 5.0 * (angle - degrees) / 3.0) / 180.0;
    }
    static Length geographical(const double* x, const double* y) {
        const double q1 = std::cos(radians(x[1]) - radians(y[1]));
        const double q2 = std::cos(radians(x[0]) - radians(y[0]));
        const double q3 = std::cos(radians(x[0]) + radians(y[0]));
        const double cosine = 0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3);
        return static_cast<Length>(6378.388 * std::acos(std::min(1.0, std::max(-1.0, cosine))) + 1.0);
    }

    const double* points_;
    const Length* lengths_;
    const Vertex* mates_;
    Index cities_, dimension_;
    Metric metric_;
    double scale_;
    Length penalty_;
    bool has_dummy_, plain_;
    Kind kind_ = Kind::other;
};

}  // namespace minimand::tsp
