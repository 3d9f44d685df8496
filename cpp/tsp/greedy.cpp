#include "greedy.hpp"

#include <array>
#include <numeric>
#include <tuple>
#include <vector>

namespace minimand::tsp {
namespace {

// Paths that grow together: the links of each vertex, and for the ends of a path the other end.
class Paths {
  public:
    explicit Paths(Index n) : links_(static_cast<std::size_t>(n), {-1, -1}), other_end_(static_cast<std::size_t>(n)) {
        std::iota(other_end_.begin(), other_end_.end(), Vertex{0});
    }
    bool is_end(Vertex v) const { return links(v)[1] < 0; }
    Vertex other_end(Vertex v) const { return other_end_[static_cast<std::size_t>(v)]; }
    const std::array<Vertex, 2>& links(Vertex v) const { return links_[static_cast<std::size_t>(v)]; }
    bool join(Vertex i, Vertex j) {
        if (i == j || !is_end(i) || !is_end(j) || other_end(i) == j) return false;
        const Vertex first = other_end(i), last = other_end(j);
        link(i, j);
        link(j, i);
        other_end_[static_cast<std::size_t>(first)] = last;
        other_end_[static_cast<std::size_t>(last)] = first;
        return true;
    }

  private:
    void link(Vertex i, Vertex j) {
        auto& pair = links_[static_cast<std::size_t>(i)];
        pair[pair[0] < 0 ? 0 : 1] = j;
    }
    std::vector<std::array<Vertex, 2>> links_;
    std::vector<Vertex> other_end_;
};

}  // namespace

void greedy_tour(const MatrixIn<double>& points, const LengthsIn& lengths, int metric, double scale,
                 const VerticesIn& mates, Length penalty, const VerticesIn& near, TourOut tour) {
    const Distance d(points, lengths, metric, scale, mates, penalty);
    const auto n = static_cast<Vertex>(near.rows());
    std::vector<std::tuple<Length, Vertex, Vertex>> edges;
    for (Vertex i = 0; i < n; ++i) {
        for (Index k = 0; k < 2; ++k) {
            if (mates(i, k) > i) edges.emplace_back(d(i, mates(i, k)), i, mates(i, k));
        }
        if (d.is_dummy(i)) continue;
        for (Index k = 0; k < near.cols(); ++k) {
            const Vertex j = near(i, k);
            if (!d.is_dummy(j)) edges.emplace_back(d(i, j), std::min(i, j), std::max(i, j));
        }
    }
    std::sort(edges.begin(), edges.end());
    Paths paths(n);
    for (const auto& [length, i, j] : edges) paths.join(i, j);

    // The ends that are left, in the order of their numbers; a lone vertex is both ends of its path.
    std::vector<Vertex> ends;
    for (Vertex v = 0; v < n; ++v) {
        if (paths.is_end(v)) ends.push_back(v);
    }
    Index filled = 0;
    Vertex begin = ends.empty() ? 0 : ends.front();
    while (true) {
        Vertex v = begin, from = -1;
        const Vertex last = paths.other_end(begin);
        while (true) {
            tour[filled++] = v;
            if (v == last) break;
            const auto& pair = paths.links(v);
            const Vertex next = pair[0] != from ? pair[0] : pair[1];
            from = v;
            v = next;
        }
        ends.erase(std::remove_if(ends.begin(), ends.end(), [&](Vertex e) { return e == begin || e == last; }),
                   ends.end());
        if (ends.empty()) break;
        Length nearest = d(last, ends.front());
        begin = ends.front();
        for (const Vertex e : ends) {
            if (const Length length = d(last, e); length < nearest) {
                nearest = length;
                begin = e;
            }
        }
    }
}

}  // namespace minimand::tsp
