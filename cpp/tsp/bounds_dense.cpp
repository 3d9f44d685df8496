// Bounds: the kernels that look at the complete graph.
#include <cstring>
#include <vector>

#include "../common/parallel.hpp"
#include "bounds.hpp"
#include "bounds_edge.hpp"

namespace minimand::tsp {
namespace {

// The weights from one vertex to a list of others, which may lose members. In the plane they are computed side by side.
class Row {
  public:
    Row(const MatrixIn<double>& points, const LengthsIn& lengths, int metric, double scale, const MatesIn& mates,
        Length penalty, Length unit, const PotentialsIn& pi)
        : distance_(points, lengths, metric, scale, mates, penalty),
          points_(points.data()),
          lengths_(lengths.size() > 0 ? lengths.data() : nullptr),
          pi_(pi.data()),
          unit_(unit),
          scale_(scale),
          cities_(static_cast<Vertex>(lengths.size() > 0 ? lengths.rows() : points.rows())),
          rounded_(static_cast<Metric>(metric) == Metric::euc_2d),
          plane_(lengths.size() == 0 && points.cols() == 2 &&
                 (rounded_ || static_cast<Metric>(metric) == Metric::euclidean)) {
        while ((Length{1} << shift_) < unit_) ++shift_;
    }

    void add(Vertex v) {
        vertices_.push_back(v);
        potentials_.push_back(pi_[v]);
        x_.push_back(plane_ && v < cities_ ? points_[2 * Index{v}] : 0.0);
        y_.push_back(plane_ && v < cities_ ? points_[2 * Index{v} + 1] : 0.0);
    }

    void remove(std::size_t k) {
        for (auto* list : {&x_, &y_}) drop(*list, k);
        drop(vertices_, k);
        drop(potentials_, k);
    }

    std::size_t size() const { return vertices_.size(); }
    Vertex operator[](std::size_t k) const { return vertices_[k]; }

    Length weight(Vertex i, Vertex j) const { return unit_ * distance_(i, j) + pi_[i] + pi_[j]; }

    // out[k] := w(i, k-th vertex).
    void weights(Vertex i, Length* out) const {
        if (lengths_ != nullptr && distance_.is_plain()) {
            from_the_matrix(i, out);
        } else if (!plane_ || !distance_.is_plain()) {
            for (std::size_t k = 0; k < size(); ++k) out[k] = weight(i, vertices_[k]);
        } else if (rounded_) {
            in_the_plane(i, out, [](double d) { return std::floor(d + 0.5); });
        } else {
            in_the_plane(i, out, [scale = scale_](double d) { return d * scale; });
        }
    }

  private:
    template <class T>
    static void drop(std::vector<T>& list, std::size_t k) {
        list[k] = list.back();
        list.pop_back();
    }

    void from_the_matrix(Vertex i, Length* out) const {
        const Length* row = lengths_ + Index{i} * cities_;
        const Length pi = pi_[i];
        for (std::size_t k = 0; k < size(); ++k) out[k] = (row[vertices_[k]] << shift_) + (pi + potentials_[k]);
    }

    // A distance below 2^52 plus 2^52 is rounded to an integer, ties to even, and its last bits are that integer.
    template <class Convert>
    void in_the_plane(Vertex i, Length* out, Convert&& convert) const {
        constexpr double kBig = 4503599627370496.0;
        constexpr Length kBits = 0x4330000000000000;
        const double x = points_[2 * Index{i}], y = points_[2 * Index{i} + 1];
        const Length pi = pi_[i];
        const std::size_t count = size();
        for (std::size_t k = 0; k < count; ++k) {
            const double dx = x_[k] - x, dy = y_[k] - y;
            const double shifted = convert(std::sqrt(dx * dx + dy * dy)) + kBig;
            Length bits;
            std::memcpy(&bits, &shifted, sizeof bits);
            out[k] = ((bits - kBits) << shift_) + (pi + potentials_[k]);
        }
    }

    Distance distance_;
    const double* points_;
    const Length* lengths_;
    const Length* pi_;
    Length unit_;
    int shift_ = 0;
    double scale_;
    Vertex cities_;
    bool rounded_, plane_;
    std::vector<Vertex> vertices_;
    std::vector<Length> potentials_;
    std::vector<double> x_, y_;
};

}  // namespace

void prim_dense(const MatrixIn<double>& points, const LengthsIn& lengths, int metric, double scale,
                const MatesIn& mates, Length penalty, Length unit, const PotentialsIn& pi, Vertex root,
                PotentialsOut key, ParentsOut parent, StateOut state, Index steps) {
    const auto n = static_cast<Vertex>(pi.size());
    const Vertex start = root == 0 ? 1 : 0;
    if (state[0] == 0) {
        key.setConstant(kNone);
        parent.setConstant(-1);
        state.setZero();
        state[0] = 1;
        state[1] = start;
    }
    // Outside of the tree, in any order; a vertex of the tree has a parent and no key, but for the first with neither.
    Row row(points, lengths, metric, scale, mates, penalty, unit, pi);
    std::vector<Edge> nearest;
    for (Vertex v = 0; v < n; ++v) {
        if (v == root || v == start || (parent[v] >= 0 && key[v] == kNone)) continue;
        row.add(v);
        nearest.push_back(parent[v] < 0 ? Edge() : Edge(key[v], parent[v], v));
    }
    std::vector<Length> weights(row.size());
    for (Index done = 0; done < steps && state[0] < n - 1; ++done) {
        const auto last = static_cast<Vertex>(state[1]);
        row.weights(last, weights.data());
        Edge best;
        std::size_t place = 0;
        for (std::size_t k = 0; k < row.size(); ++k) {
            if (weights[k] <= nearest[k].weight) nearest[k] = std::min(nearest[k], Edge(weights[k], last, row[k]));
            if (nearest[k].weight <= best.weight && nearest[k] < best) {
                best = nearest[k];
                place = k;
            }
        }
        const Vertex next = row[place];
        parent[next] = best.low + best.high - next;
        key[next] = kNone;
        row.remove(place);
        nearest[place] = nearest.back();
        nearest.pop_back();
        state[0] += 1;
        state[1] = next;
        state[2] += best.weight;
    }
    for (std::size_t k = 0; k < row.size(); ++k) {
        key[row[k]] = nearest[k].weight;
        parent[row[k]] = nearest[k].low + nearest[k].high - row[k];
    }
    if (state[0] != n - 1) return;
    Two two;
    for (Vertex v = 0; v < n; ++v)
        if (v != root) two.offer(Edge(row.weight(root, v), root, v));
    state[0] = n;
    state[2] += two.first.weight + two.second.weight;
    state[3] = two.first.low + two.first.high - root;
    state[4] = two.second.low + two.second.high - root;
}

void nearest_reduced(const MatrixIn<double>& points, const LengthsIn& lengths, int metric, double scale,
                     const MatesIn& mates, Length penalty, Length unit, const PotentialsIn& pi, Index begin, Index end,
                     VerticesOut near, int threads) {
    const auto n = static_cast<Vertex>(pi.size());
    Row all(points, lengths, metric, scale, mates, penalty, unit, pi);
    for (Vertex v = 0; v < n; ++v) all.add(v);
    const Index k = near.cols(), rows_per_task = std::max<Index>(1, (Index{1} << 16) / n);
    const Index tasks = (end - begin + rows_per_task - 1) / rows_per_task;
    parallel_for(tasks, threads, [&](Index task) {
        std::vector<std::pair<Length, Vertex>> kept(static_cast<std::size_t>(k));
        std::vector<Length> weights(all.size());
        const Index first = begin + task * rows_per_task, last = std::min(end, first + rows_per_task);
        for (Index row = first; row < last; ++row) {
            const auto i = static_cast<Vertex>(row);
            all.weights(i, weights.data());
            Index count = 0;
            for (Vertex j = 0; j < n; ++j) {
                if (j == i) continue;
                const Length weight = weights[static_cast<std::size_t>(j)];
                if (count == k && weight >= kept[static_cast<std::size_t>(k - 1)].first) continue;
                Index at = count < k ? count++ : k - 1;
                for (; at > 0 && kept[static_cast<std::size_t>(at - 1)].first > weight; --at)
                    kept[static_cast<std::size_t>(at)] = kept[static_cast<std::size_t>(at - 1)];
                kept[static_cast<std::size_t>(at)] = {weight, j};
            }
            for (Index c = 0; c < k; ++c) near(row - begin, c) = kept[static_cast<std::size_t>(c)].second;
        }
    });
}

}  // namespace minimand::tsp
