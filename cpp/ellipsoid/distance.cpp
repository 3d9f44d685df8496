#include "distance.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "../common/parallel.hpp"
#include "../common/simd.hpp"
#include "../least_squares/rows.hpp"

namespace minimand::ellipsoid {
namespace {

using simd::kLanes;
using simd::Pack;

constexpr Index kRows = 64;      // of a block: they stay in L1 while the map passes over them
constexpr int kTileVectors = 2;  // a tile is 4 coordinates of 2 vectors of points: 8 accumulators
constexpr int kTileRows = 4;
constexpr double kLeafWork = 3e6;  // multiply-adds, about 0.3 ms: less is not worth a task
constexpr Index kMostLeaves = 64;

static_assert(kRows % (kTileVectors * kLanes) == 0);

least_squares::Leaves leaves_of(Index rows, double work_per_row) {
    const Index most = static_cast<Index>(static_cast<double>(rows) * work_per_row / kLeafWork);
    return {0, rows, kRows, std::clamp<Index>(most, 1, kMostLeaves)};
}

// The map, and which columns the rows of a tile use.
class AffineMap {
  public:
    AffineMap(const VectorIn& center, const MatrixIn<double>& transform, const double* offset)
        : center_(center), transform_(transform), offset_(offset) {
        for (Index j = 0; j < transform.rows(); j += kTileRows) {
            Index first = transform.cols(), last = 0;
            for (Index i = j; i < std::min(j + kTileRows, transform.rows()); ++i)
                for (Index k = 0; k < transform.cols(); ++k)
                    if (transform(i, k) != 0.0) {
                        first = std::min(first, k);
                        last = std::max(last, k + 1);
                    }
            used_.emplace_back(first, last);
        }
    }

    Index inputs() const { return transform_.cols(); }
    Index outputs() const { return transform_.rows(); }
    double work() const { return static_cast<double>(inputs() * (outputs() + 2)); }

    // z(j, i) of `count` <= kRows points; coordinate j of point i is z[j * kRows + i]. `x` is work space.
    void apply(const double* points, Index count, double* x, double* z) const {
        const Index d = inputs();
        for (Index i = 0; i < count; ++i)
            for (Index k = 0; k < d; ++k) x[k * kRows + i] = points[i * d + k] - center_[k];
        for (Index j = 0; j < outputs(); j += kTileRows) {
            const Index rows = std::min<Index>(kTileRows, outputs() - j);
            for (Index i = 0; i < count; i += kTileVectors * kLanes) {
                if (rows == 4) tile<4>(j, x + i, z + j * kRows + i);
                if (rows == 3) tile<3>(j, x + i, z + j * kRows + i);
                if (rows == 2) tile<2>(j, x + i, z + j * kRows + i);
                if (rows == 1) tile<1>(j, x + i, z + j * kRows + i);
            }
        }
    }

  private:
    template <int rows>
    void tile(Index j, const double* x, double* z) const {
        Pack sum[rows][kTileVectors];
        for (int r = 0; r < rows; ++r)
            for (int v = 0; v < kTileVectors; ++v) sum[r][v] = simd::broadcast(offset_ ? offset_[j + r] : 0.0);
        const auto [first, last] = used_[static_cast<std::size_t>(j / kTileRows)];
        const double* T = transform_.data() + j * inputs();
        for (Index k = first; k < last; ++k) {
            Pack b[kTileVectors];
            for (int v = 0; v < kTileVectors; ++v) b[v] = simd::load(x + k * kRows + v * kLanes);
            for (int r = 0; r < rows; ++r) {
                const Pack a = simd::broadcast(T[r * inputs() + k]);
                for (int v = 0; v < kTileVectors; ++v) sum[r][v] = simd::fma(a, b[v], sum[r][v]);
            }
        }
        for (int r = 0; r < rows; ++r)
            for (int v = 0; v < kTileVectors; ++v) simd::store(z + r * kRows + v * kLanes, sum[r][v]);
    }

    const VectorIn& center_;
    const MatrixIn<double>& transform_;
    const double* offset_;
    std::vector<std::pair<Index, Index>> used_;
};

// Calls use(leaf, first row, count, z) for each block of points, leaves in parallel.
template <class Use>
void for_blocks(const MatrixIn<double>& points, const AffineMap& map, const least_squares::Leaves& leaves, int threads,
                Use&& use) {
    parallel_for(leaves.count(), threads, [&](Index leaf) {
        Vector x = Vector::Zero(kRows * map.inputs()), z(kRows * map.outputs());
        for (Index i = leaves.first(leaf); i < leaves.last(leaf); i += kRows) {
            const Index count = std::min(kRows, leaves.last(leaf) - i);
            map.apply(points.data() + i * map.inputs(), count, x.data(), z.data());
            use(leaf, i, count, z.data());
        }
    });
}

struct Found {
    double distance;
    Index row;
    bool operator<(const Found& other) const {  // the larger distance first, of equal ones the first row
        return distance > other.distance || (distance == other.distance && row < other.row);
    }
};

// The `most` largest of what it is shown, in rows that ascend: a heap whose front is the least.
class Largest {
  public:
    explicit Largest(Index most) : most_(static_cast<std::size_t>(most)) {}

    void show(double distance, Index row) {
        if (found.size() == most_) {
            if (!(distance > found.front().distance)) return;
            std::pop_heap(found.begin(), found.end());
            found.pop_back();
        }
        found.push_back({distance, row});
        std::push_heap(found.begin(), found.end());
        if (found.size() == most_) threshold = found.front().distance;
    }

    std::vector<Found> found;
    double threshold = -1.0;  // what is not larger need not be shown

  private:
    std::size_t most_;
};

}  // namespace

void column_ranges(MatrixIn<double> points, VectorOut low, VectorOut high, int threads) {
    const Index d = points.cols();
    const least_squares::Leaves leaves = leaves_of(points.rows(), static_cast<double>(2 * d));
    RowMatrix<double> least(leaves.count(), d), most(leaves.count(), d);
    parallel_for(leaves.count(), threads, [&](Index leaf) {
        const Index first = leaves.first(leaf);
        Eigen::RowVectorXd a = points.row(first), b = a;  // not in `least`: threads would share its cache lines
        for (Index i = first + 1; i < leaves.last(leaf); ++i) {
            a = a.cwiseMin(points.row(i));
            b = b.cwiseMax(points.row(i));
        }
        least.row(leaf) = a;
        most.row(leaf) = b;
    });
    low = least.colwise().minCoeff();
    high = most.colwise().maxCoeff();
}

void extreme_points(MatrixIn<double> points, VectorIn center, MatrixIn<double> transform, IndexMatrixOut rows,
                    int threads) {
    const AffineMap map(center, transform, nullptr);
    const least_squares::Leaves leaves = leaves_of(points.rows(), map.work());
    const Index r = map.outputs();
    const double infinite = std::numeric_limits<double>::infinity();
    RowMatrix<double> least = RowMatrix<double>::Constant(leaves.count(), r, infinite), most = -least;
    RowMatrix<Index> least_row(leaves.count(), r), most_row(leaves.count(), r);
    for_blocks(points, map, leaves, threads, [&](Index leaf, Index first, Index count, const double* z) {
        for (Index j = 0; j < r; ++j) {
            const Eigen::Map<const Eigen::ArrayXd> column(z + j * kRows, count);
            Index at = 0;
            if (const double a = column.minCoeff(); a < least(leaf, j)) {
                least(leaf, j) = column.minCoeff(&at);
                least_row(leaf, j) = first + at;
            }
            if (const double b = column.maxCoeff(); b > most(leaf, j)) {
                most(leaf, j) = column.maxCoeff(&at);
                most_row(leaf, j) = first + at;
            }
        }
    });
    for (Index j = 0; j < r; ++j) {
        Index a = 0, b = 0;
        for (Index leaf = 1; leaf < leaves.count(); ++leaf) {
            if (least(leaf, j) < least(a, j)) a = leaf;
            if (most(leaf, j) > most(b, j)) b = leaf;
        }
        rows(0, j) = least_row(a, j);
        rows(1, j) = most_row(b, j);
    }
}

void distance_pass(MatrixIn<double> points, VectorIn center, MatrixIn<double> transform, VectorIn offset,
                   IndexVectorOut rows, VectorOut distances, int threads) {
    const AffineMap map(center, transform, offset.data());
    const least_squares::Leaves leaves = leaves_of(points.rows(), map.work());
    std::vector<Largest> largest(static_cast<std::size_t>(leaves.count()), Largest(rows.size()));
    for_blocks(points, map, leaves, threads, [&](Index leaf, Index first, Index count, const double* z) {
        Largest& mine = largest[static_cast<std::size_t>(leaf)];
        double omega[kRows];
        for (Index i = 0; i < count; i += kLanes) {
            Pack sum = simd::broadcast(0.0);
            for (Index j = 0; j < map.outputs(); ++j) {
                const Pack a = simd::load(z + j * kRows + i);
                sum = simd::fma(a, a, sum);
            }
            simd::store(omega + i, sum);
        }
        for (Index i = 0; i < count; ++i)
            if (omega[i] > mine.threshold) mine.show(omega[i], first + i);
    });
    std::vector<Found> all;
    for (const Largest& part : largest) all.insert(all.end(), part.found.begin(), part.found.end());
    std::sort(all.begin(), all.end());
    rows.setConstant(-1);
    distances.setConstant(-1.0);
    for (Index i = 0; i < std::min<Index>(rows.size(), static_cast<Index>(all.size())); ++i) {
        rows[i] = all[static_cast<std::size_t>(i)].row;
        distances[i] = all[static_cast<std::size_t>(i)].distance;
    }
}

}  // namespace minimand::ellipsoid
