#include "neighbours.hpp"

#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "../common/parallel.hpp"

namespace minimand::tsp {
namespace {

constexpr Index kLeaf = 8;
constexpr Index kMostDimensions = 8;
constexpr Index kBlock = 512;  // cities of a task
constexpr int kAll = -1;       // no quadrant, but everything around

// The k best (distance, index) so far, sorted.
class Best {
  public:
    explicit Best(Index k) : kept_(static_cast<std::size_t>(k)) {}
    void clear() {
        std::fill(kept_.begin(), kept_.end(),
                  std::make_pair(std::numeric_limits<Length>::max(), std::numeric_limits<Vertex>::max()));
    }
    Length worst() const { return kept_.back().first; }
    void offer(Length length, Vertex city) {
        const std::pair<Length, Vertex> entry{length, city};
        if (!(entry < kept_.back())) return;
        std::size_t at = kept_.size() - 1;
        for (; at > 0 && entry < kept_[at - 1]; --at) kept_[at] = kept_[at - 1];
        kept_[at] = entry;
    }
    const std::vector<std::pair<Length, Vertex>>& kept() const { return kept_; }

  private:
    std::vector<std::pair<Length, Vertex>> kept_;
};

// Cities in the order of a balanced k-d tree: the middle one of a range divides it, along the widest axis.
class Tree {
  public:
    Tree(const MatrixIn<double>& points, Index cities, const Distance& distance, int metric, double scale)
        : points_(points),
          distance_(distance),
          att_(static_cast<Metric>(metric) == Metric::att),
          scale_(scale),
          order_(static_cast<std::size_t>(cities)),
          axis_(static_cast<std::size_t>(cities)) {
        std::iota(order_.begin(), order_.end(), Vertex{0});
        build(0, cities);
    }

    // Of all cities, or of those in one quadrant 0..3 around the city.
    void search(Vertex city, int quadrant, Best& best) const { search(city, quadrant, best, 0, points_.rows()); }
    Vertex at(Index place) const { return order_[static_cast<std::size_t>(place)]; }

  private:
    void build(Index begin, Index end) {
        if (end - begin <= kLeaf) return;
        Index axis = 0;
        double widest = -1.0;
        for (Index k = 0; k < points_.cols(); ++k) {
            double low = points_(at(begin), k), high = low;
            for (Index p = begin + 1; p < end; ++p) {
                low = std::min(low, points_(at(p), k));
                high = std::max(high, points_(at(p), k));
            }
            if (high - low > widest) {
                widest = high - low;
                axis = k;
            }
        }
        const Index middle = begin + (end - begin) / 2;
        std::nth_element(order_.begin() + begin, order_.begin() + middle, order_.begin() + end,
                         [&](Vertex a, Vertex b) {
                             return std::make_pair(points_(a, axis), a) < std::make_pair(points_(b, axis), b);
                         });
        axis_[static_cast<std::size_t>(middle)] = axis;
        build(begin, middle);
        build(middle + 1, end);
    }

    void search(Vertex city, int quadrant, Best& best, Index begin, Index end) const {
        if (end - begin <= kLeaf) {
            for (Index p = begin; p < end; ++p) offer(city, quadrant, at(p), best);
            return;
        }
        const Index middle = begin + (end - begin) / 2;
        const Index axis = axis_[static_cast<std::size_t>(middle)];
        const double offset = points_(city, axis) - points_(at(middle), axis);
        offer(city, quadrant, at(middle), best);
        const bool far_enough_below = quadrant == kAll || offset <= 0.0 || !wants_above(quadrant, axis);
        const bool far_enough_above = quadrant == kAll || offset >= 0.0 || wants_above(quadrant, axis);
        for (const bool below : {offset < 0.0, offset >= 0.0}) {
            const bool nearer = below == (offset < 0.0);
            if (!nearer && least(std::abs(offset)) > best.worst()) continue;
            if (below && far_enough_below) search(city, quadrant, best, begin, middle);
            if (!below && far_enough_above) search(city, quadrant, best, middle + 1, end);
        }
    }

    static bool wants_above(int quadrant, Index axis) {
        return axis == 0 ? quadrant == 0 || quadrant == 3 : quadrant < 2;
    }
    int quadrant_of(Vertex city, Vertex other) const {
        const double dx = points_(other, 0) - points_(city, 0), dy = points_(other, 1) - points_(city, 1);
        if (dx > 0.0 && dy >= 0.0) return 0;
        if (dx <= 0.0 && dy > 0.0) return 1;
        if (dx < 0.0 && dy <= 0.0) return 2;
        return dx >= 0.0 && dy < 0.0 ? 3 : kAll;  // or the same place
    }

    void offer(Vertex city, int quadrant, Vertex other, Best& best) const {
        if (other == city || (quadrant != kAll && quadrant_of(city, other) != quadrant)) return;
        best.offer(distance_.cities(city, other), other);
    }

    // No point beyond the dividing plane is nearer: all metrics are monotone in each coordinate, and round down by less
    // than one unit.
    Length least(double offset) const {
        return static_cast<Length>((att_ ? offset * 0.316 : offset * scale_) * (1.0 - 1e-12)) - 1;
    }

    const MatrixIn<double>& points_;
    const Distance& distance_;
    bool att_;
    double scale_;
    std::vector<Vertex> order_;
    std::vector<Index> axis_;
};

}  // namespace

void nearest(const MatrixIn<double>& points, const LengthsIn& lengths, int metric, double scale, Index per_quadrant,
             VerticesOut near, int threads) {
    const RowMatrix<std::int32_t> no_mates = RowMatrix<std::int32_t>::Constant(near.rows(), 2, -1);
    const VerticesIn mates(no_mates);
    const Distance distance(points, lengths, metric, scale, mates, 0);
    const Index n = near.rows(), width = near.cols();
    const bool all =
        lengths.size() > 0 || points.cols() > kMostDimensions || static_cast<Metric>(metric) == Metric::geo;
    const Tree tree(points, all ? 0 : n, distance, metric, scale);
    const Index blocks = (n + kBlock - 1) / kBlock;
    parallel_for(blocks, threads, [&](Index block) {
        Best best(width), in_quadrant(std::max<Index>(1, per_quadrant));
        std::vector<std::pair<Length, Vertex>> chosen;
        for (Index place = block * kBlock; place < std::min(n, (block + 1) * kBlock); ++place) {
            const Vertex city = all ? static_cast<Vertex>(place) : tree.at(place);
            best.clear();
            if (all) {
                for (Vertex other = 0; other < n; ++other) {
                    if (other != city) best.offer(distance.cities(city, other), other);
                }
            } else {
                tree.search(city, kAll, best);
            }
            chosen.clear();
            for (int quadrant = 0; quadrant < 4 && per_quadrant > 0; ++quadrant) {
                in_quadrant.clear();
                tree.search(city, quadrant, in_quadrant);
                for (const auto& entry : in_quadrant.kept()) {
                    if (entry.second < n) chosen.push_back(entry);
                }
            }
            for (const auto& entry : best.kept()) {
                if (static_cast<Index>(chosen.size()) == width) break;
                if (std::find(chosen.begin(), chosen.end(), entry) == chosen.end()) chosen.push_back(entry);
            }
            std::sort(chosen.begin(), chosen.end());
            for (Index rank = 0; rank < width; ++rank) near(city, rank) = chosen[static_cast<std::size_t>(rank)].second;
        }
    });
}

}  // namespace minimand::tsp
