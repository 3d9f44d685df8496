#include "variation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "../common/double_double.hpp"
#include "../common/parallel.hpp"

namespace minimand::inpainting {
namespace {

using Segment = Eigen::Map<const Eigen::ArrayXd>;
using Buffer = Eigen::Array<double, Eigen::Dynamic, 1, 0, 128, 1>;  // on the stack

constexpr Index kSegment = 128;  // entries that are summed plainly; the sums of segments are compensated

struct Sum {
    double high = 0.0, low = 0.0;
    void operator+=(double value) {
        const Pair<double> sum = two_sum(high, value);
        high = sum.high;
        low += sum.low;
    }
    void operator+=(const Sum& other) {
        *this += other.high;
        low += other.low;
    }
    double value() const { return high + low; }
};

// Calls body(first column, length) along `count` columns.
template <class Body>
void segments(Index count, Body&& body) {
    for (Index j = 0; j < count; j += kSegment) body(j, std::min(kSegment, count - j));
}

// Calls body(block index, row) for `rows` rows.
template <class Body>
void for_rows(Index rows, int threads, Body&& body) {
    parallel_for(blocks(rows), threads, [&](Index block) {
        const Index end = std::min((block + 1) * kBlockRows, rows);
        for (Index i = block * kBlockRows; i < end; ++i) body(block, i);
    });
}

struct Differences {
    const Grid& grid;
    const double* u;  // of one channel

    Segment at(Index i, Index j, Index length) const { return {u + i * grid.columns + j, length}; }
    auto down(Index i, Index j, Index length) const { return at(i + 1, j, length) - at(i, j, length); }
    auto right(Index i, Index j, Index length) const { return at(i, j + 1, length) - at(i, j, length); }
};

struct Sums {
    Sum upper, centre, slack, weight;
    double norm = 0.0;
};

class Bounds {
  public:
    Bounds(const Grid& grid, const double* image, const double* dual, const double* low, const double* high)
        : grid_(grid), image_(image), dual_(dual), low_(low), high_(high) {}

    void terms(Index i, Sums& sums) const {
        segments(grid_.columns - 1, [&](Index j, Index length) {
            Buffer variation = Buffer::Zero(length), norm = Buffer::Zero(length);
            for (Index c = 0; c < grid_.channels; ++c) {
                const Differences u{grid_, image_ + c * grid_.pixels()};
                const Segment down = p(2 * c, i, j, length), right = p(2 * c + 1, i, j, length);
                variation += u.down(i, j, length).square() + u.right(i, j, length).square();
                norm += down.square() + right.square();
                const Buffer along = down * (centre(c, i + 1, j, length) - centre(c, i, j, length));
                const Buffer across = right * (centre(c, i, j + 1, length) - centre(c, i, j, length));
                sums.centre += (along + across).sum();
                sums.weight += (along.abs() + across.abs()).sum();
            }
            sums.upper += variation.sqrt().sum();
            sums.norm = std::max(sums.norm, norm.maxCoeff());
        });
    }

    void pixels(Index i, Sums& sums) const {
        segments(grid_.columns, [&](Index j, Index length) {
            for (Index c = 0; c < grid_.channels; ++c) {
                const Buffer middle = centre(c, i, j, length);
                const Buffer width = (at(high_, c, i, j, length) - middle).max(middle - at(low_, c, i, j, length));
                if (!(width > 0.0).any()) continue;  // all known
                Buffer r = Buffer::Zero(length), size = Buffer::Zero(length);
                gather(c, i, j, r, size);
                sums.slack += (width * r.abs()).sum();
                sums.weight += (width * size).sum();
            }
        });
    }

  private:
    Segment p(Index plane, Index i, Index j, Index length) const {
        return {dual_ + plane * grid_.terms() + i * (grid_.columns - 1) + j, length};
    }
    Segment at(const double* plane, Index c, Index i, Index j, Index length) const {
        return {plane + c * grid_.pixels() + i * grid_.columns + j, length};
    }
    Buffer centre(Index c, Index i, Index j, Index length) const {
        return 0.5 * (at(low_, c, i, j, length) + at(high_, c, i, j, length));
    }

    // r := D'p and size := sum of |p| for pixels (i, j...).
    void gather(Index c, Index i, Index j, Buffer& r, Buffer& size) const {
        const Index length = r.size(), inner = std::min(length, grid_.columns - 1 - j);
        const auto add = [&](const Segment& entries, Index first, double sign) {
            r.segment(first, entries.size()) += sign * entries;
            size.segment(first, entries.size()) += entries.abs();
        };
        if (i + 1 < grid_.rows) {
            add(p(2 * c, i, j, inner), 0, -1.0);
            add(p(2 * c + 1, i, j, inner), 0, -1.0);
            const Index skip = j == 0;  // nothing to the left of the first column
            add(p(2 * c + 1, i, j + skip - 1, length - skip), skip, 1.0);
        }
        if (i > 0) add(p(2 * c, i - 1, j, inner), 0, 1.0);
    }

    const Grid& grid_;
    const double *image_, *dual_, *low_, *high_;
};

}  // namespace

double total_variation_sum(MatrixIn<double> image, Index channels, bool joint, int threads) {
    const Grid grid = Grid::of(image.rows(), image.cols(), channels);
    if (grid.rows < 2 || grid.columns < 2) return 0.0;
    std::vector<Sum> sums(static_cast<std::size_t>(blocks(grid.rows - 1)));
    for_rows(grid.rows - 1, team(image.size(), threads), [&](Index block, Index i) {
        segments(grid.columns - 1, [&](Index j, Index length) {
            Buffer square = Buffer::Zero(length);
            for (Index c = 0; c < channels; ++c) {
                const Differences u{grid, image.data() + c * grid.pixels()};
                square += u.down(i, j, length).square() + u.right(i, j, length).square();
                if (joint && c + 1 < channels) continue;
                sums[static_cast<std::size_t>(block)] += square.sqrt().sum();
                square.setZero();
            }
        });
    });
    Sum total;
    for (const Sum& sum : sums) total += sum;
    return total.value();
}

void evaluate_bounds(MatrixIn<double> image, MatrixIn<double> dual, MatrixIn<double> low, MatrixIn<double> high,
                     Index channels, VectorOut sums, int threads) {
    const Grid grid = Grid::of(image.rows(), image.cols(), channels);
    const Bounds bounds(grid, image.data(), dual.data(), low.data(), high.data());
    std::vector<Sums> parts(static_cast<std::size_t>(blocks(grid.rows)));
    for_rows(grid.rows, team(image.size(), threads), [&](Index block, Index i) {
        Sums& part = parts[static_cast<std::size_t>(block)];
        if (i + 1 < grid.rows) bounds.terms(i, part);
        bounds.pixels(i, part);
    });
    Sums total;
    for (const Sums& part : parts) {
        total.upper += part.upper;
        total.centre += part.centre;
        total.slack += part.slack;
        total.weight += part.weight;
        total.norm = std::max(total.norm, part.norm);
    }
    sums << total.upper.value(), total.centre.value(), total.slack.value(), total.weight.value(), std::sqrt(total.norm);
}

}  // namespace minimand::inpainting
