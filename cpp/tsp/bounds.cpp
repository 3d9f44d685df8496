// Bounds: the ascent on a sparse graph, and all subsets of a few cities.
#include "bounds.hpp"

#include <vector>

#include "bounds_edge.hpp"

namespace minimand::tsp {
namespace {

// A heap of vertices with four children a node, each at most once, ordered by the edge that joins it to the tree.
class Heap {
  public:
    explicit Heap(Vertex n) : edge_(static_cast<std::size_t>(n)), place_(edge_.size()), heap_(edge_.size()) {}

    void reset() {
        std::fill(place_.begin(), place_.end(), kNew);
        size_ = 0;
    }
    bool empty() const { return size_ == 0; }
    bool taken(Vertex v) const { return place_[at(v)] == kTaken; }
    const Edge& edge(Vertex v) const { return edge_[at(v)]; }

    void offer(Vertex v, const Edge& edge) {
        if (place_[at(v)] == kNew) {
            place_[at(v)] = size_;
            heap_[at(size_++)] = v;
        } else if (!(edge < edge_[at(v)])) {
            return;
        }
        edge_[at(v)] = edge;
        rise(place_[at(v)]);
    }

    Vertex take() {
        const Vertex v = heap_[0];
        place_[at(v)] = kTaken;
        if (--size_ > 0) {
            heap_[0] = heap_[at(size_)];
            sink();
        }
        return v;
    }

  private:
    static constexpr Vertex kNew = -1, kTaken = -2;
    static std::size_t at(Vertex v) { return static_cast<std::size_t>(v); }
    void put(Vertex v, Vertex k) {
        heap_[at(k)] = v;
        place_[at(v)] = k;
    }
    void rise(Vertex k) {
        const Vertex v = heap_[at(k)];
        for (; k > 0; k = (k - 1) / 4) {
            const Vertex up = heap_[at((k - 1) / 4)];
            if (!(edge_[at(v)] < edge_[at(up)])) break;
            put(up, k);
        }
        put(v, k);
    }
    void sink() {
        const Vertex v = heap_[0];
        Vertex k = 0;
        for (;;) {
            const Vertex begin = 4 * k + 1, end = std::min(begin + 4, size_);
            if (begin >= end) break;
            Vertex least = begin;
            for (Vertex c = begin + 1; c < end; ++c)
                if (edge_[at(heap_[at(c)])] < edge_[at(heap_[at(least)])]) least = c;
            if (!(edge_[at(heap_[at(least)])] < edge_[at(v)])) break;
            put(heap_[at(least)], k);
            k = least;
        }
        put(v, k);
    }

    std::vector<Edge> edge_;
    std::vector<Vertex> place_, heap_;
    Vertex size_ = 0;
};

struct SparseGraph {
    const std::int64_t* offsets;
    const Vertex* ends;
    const Length* costs;
    Vertex n, root;

    // The minimum one-tree: its weight, and degree - 2 of each vertex; kNone if there is none.
    Length one_tree(const Length* pi, Heap& heap, std::vector<Length>& excess) const {
        heap.reset();
        std::fill(excess.begin(), excess.end(), -2);
        const auto touch = [&](const Edge& edge) {
            ++excess[static_cast<std::size_t>(edge.low)];
            ++excess[static_cast<std::size_t>(edge.high)];
        };
        Length total = 0;
        Vertex reached = 1, last = root == 0 ? 1 : 0;
        heap.offer(last, Edge(0, last, last));
        heap.take();
        for (;;) {
            for (std::int64_t a = offsets[last]; a < offsets[last + 1]; ++a) {
                const Vertex v = ends[a];
                if (v != root && !heap.taken(v)) heap.offer(v, Edge(costs[a] + pi[last] + pi[v], last, v));
            }
            if (heap.empty()) break;
            last = heap.take();
            ++reached;
            total += heap.edge(last).weight;
            touch(heap.edge(last));
        }
        Two two;
        for (std::int64_t a = offsets[root]; a < offsets[root + 1]; ++a)
            two.offer(Edge(costs[a] + pi[root] + pi[ends[a]], root, ends[a]));
        if (reached < n - 1 || two.second.weight == kNone) return kNone;
        touch(two.first);
        touch(two.second);
        return total + two.first.weight + two.second.weight;
    }
};

}  // namespace

void ascent(const OffsetsIn& offsets, const EndsIn& ends, const PotentialsIn& costs, Vertex root, Length limit,
            double decay, PotentialsOut pi, PotentialsOut h, PotentialsOut best, VectorOut step, StateOut state,
            Index steps) {
    const auto n = static_cast<Vertex>(pi.size());
    const SparseGraph graph{offsets.data(), ends.data(), costs.data(), n, root};
    Heap heap(n);
    std::vector<Length> g(static_cast<std::size_t>(n));
    for (Index done = 0; done < steps; ++done) {
        const Length weight = graph.one_tree(pi.data(), heap, g);
        if (weight == kNone) return;
        const Length bound = weight - 2 * pi.sum();
        if (bound > state[0]) {
            state[0] = bound;
            best = pi;
        }
        state[1] += 1;
        if (std::all_of(g.begin(), g.end(), [](Length excess) { return excess == 0; })) {
            state[2] = 1;
            return;
        }
        for (Vertex v = 0; v < n; ++v) {
            const Length now = g[static_cast<std::size_t>(v)];
            const double direction = 0.6 * static_cast<double>(now) + 0.4 * static_cast<double>(h[v]);
            const Length move = std::llrint(step[0] * direction);
            pi[v] = std::clamp(pi[v] + move, -limit, limit);
            h[v] = now;
        }
        step[0] *= decay;
    }
}

Length dp(const LengthsIn& d, TourOut tour) {
    const auto n = static_cast<Vertex>(d.rows()), m = n - 1;  // subsets of 0..m-1; m is where the tour begins
    const std::size_t subsets = std::size_t{1} << m, width = static_cast<std::size_t>(m);
    std::vector<Length> f(subsets * width, kNone);
    std::vector<std::int8_t> from(subsets * width, -1);
    for (Vertex j = 0; j < m; ++j) f[(std::size_t{1} << j) * width + static_cast<std::size_t>(j)] = d(m, j);
    for (std::size_t set = 1; set < subsets; ++set) {
        for (Vertex j = 0; j < m; ++j) {
            const std::size_t before = set ^ (std::size_t{1} << j);
            if (before >= set || before == 0) continue;
            Length& least = f[set * width + static_cast<std::size_t>(j)];
            for (Vertex i = 0; i < m; ++i) {
                if (!(before >> i & 1)) continue;
                const Length length = f[before * width + static_cast<std::size_t>(i)] + d(i, j);
                if (length >= least) continue;
                least = length;
                from[set * width + static_cast<std::size_t>(j)] = static_cast<std::int8_t>(i);
            }
        }
    }
    std::size_t set = subsets - 1;
    Length shortest = kNone;
    Vertex last = -1;
    for (Vertex j = 0; j < m; ++j) {
        const Length length = f[set * width + static_cast<std::size_t>(j)] + d(j, m);
        if (length < shortest) {
            shortest = length;
            last = j;
        }
    }
    tour[0] = m;
    for (Vertex k = m; k >= 1; --k) {
        tour[k] = last;
        const Vertex previous = from[set * width + static_cast<std::size_t>(last)];
        set ^= std::size_t{1} << last;
        last = previous;
    }
    return shortest;
}

}  // namespace minimand::tsp
