#include "offspring.hpp"

#include <limits>

namespace minimand::tsp {

void Offspring::make(const AbCycles& ab, const std::vector<std::size_t>& chosen) {
    gain = 0;
    removed.clear();
    added.clear();
    exchange(ab, chosen);
    cut();
    label();
    join_all();
}

// Edge m of A is (removed[m].i, removed[m].j); edge m of B follows it in its cycle.
void Offspring::exchange(const AbCycles& ab, const std::vector<std::size_t>& chosen) {
    cuts_.clear();
    next_.clear();
    for (const std::size_t number : chosen) {
        const Cycle& cycle = ab.cycles[number];
        const Vertex* v = ab.vertices.data() + cycle.begin;
        const std::size_t size = cycle.size();
        const std::size_t first = removed.size();
        gain += cycle.gain;
        for (std::size_t k = 0; k < size; k += 2) {
            const Vertex x = v[k], y = v[k + 1], before = v[k == 0 ? size - 1 : k - 1],
                         next = v[k + 2 == size ? 0 : k + 2];
            cuts_.emplace_back(place_of(x, y), removed.size());
            next_.push_back(k + 2 == size ? first : removed.size() + 1);
            removed.push_back({x, y});
            added.push_back({y, next});
            replace(x, y, before);
            replace(y, x, next);
        }
    }
}

// Ends of segments: 2 r is what comes before the cut of rank r, 2 r + 1 what comes after it.
void Offspring::cut() {
    std::sort(cuts_.begin(), cuts_.end());
    const std::size_t count = cuts_.size();
    rank_.resize(count);
    segments_.resize(count);
    for (std::size_t r = 0; r < count; ++r) {
        rank_[cuts_[r].second] = r;
        segments_[r] = {after(cuts_[r].first), cuts_[r + 1 == count ? 0 : r + 1].first, count};
    }
    ends_.resize(count);
    for (std::size_t m = 0; m < count; ++m) {
        const std::size_t r = rank_[m];
        const bool x_before = order_[index(cuts_[r].first)] == removed[m].i;
        ends_[m] = {2 * r + (x_before ? 0 : 1), 2 * r + (x_before ? 1 : 0)};
    }
}

// Follows the segments and the new edges between them: segments_[r].tour, sizes_.
void Offspring::label() {
    const std::size_t count = cuts_.size();
    mate_.resize(2 * count);
    for (std::size_t m = 0; m < count; ++m) {
        mate_[ends_[m].second] = ends_[next_[m]].first;
        mate_[ends_[next_[m]].first] = ends_[m].second;
    }
    sizes_.clear();
    for (std::size_t start = 0; start < count; ++start) {
        if (segments_[start].tour < count) continue;
        Vertex size = 0;
        std::size_t segment = start;
        bool forward = true;
        do {
            segments_[segment].tour = sizes_.size();
            size += segment_size(segments_[segment]);
            const std::size_t out = forward ? 2 * (segment + 1 == count ? 0 : segment + 1) : 2 * segment + 1;
            const std::size_t in = mate_[out];
            forward = (in & 1) != 0;
            segment = forward ? in / 2 : (in / 2 == 0 ? count : in / 2) - 1;
        } while (segment != start);
        sizes_.push_back(size);
    }
}

void Offspring::join_all() {
    for (std::size_t left = sizes_.size(); left > 1; --left) {
        std::size_t u = sizes_.size();
        for (std::size_t t = 0; t < sizes_.size(); ++t) {
            if (sizes_[t] > 0 && (u == sizes_.size() || sizes_[t] < sizes_[u])) u = t;
        }
        Join join = best_join(u);
        if (join.gain == std::numeric_limits<Length>::min()) join = between_cuts(u);
        apply(join);
        const std::size_t into = tour_at(place_[index(join.c)]);
        for (Segment& segment : segments_) {
            if (segment.tour == u) segment.tour = into;
        }
        sizes_[into] += sizes_[u];
        sizes_[u] = 0;
    }
}

Offspring::Join Offspring::best_join(std::size_t u_tour) {
    Join best{std::numeric_limits<Length>::min(), -1, -1, -1, -1};
    ++stamp_;
    for (int pass = 0; pass < 2; ++pass) {
        for (const Segment& segment : segments_) {
            if (segment.tour != u_tour) continue;
            Vertex p = segment.first;
            for (Vertex k = segment_size(segment); k > 0; --k, p = after(p)) {
                const Vertex u = order_[index(p)];
                if (pass == 0) {
                    mark_[index(u)] = stamp_;
                    continue;
                }
                const Vertex* near = near_ + u * degree_;
                for (Index rank = 0; rank < degree_; ++rank) {
                    if (mark_[index(near[rank])] != stamp_) consider(u, near[rank], best);
                }
            }
        }
    }
    return best;
}

// Where no neighbour lies outside: the edges at both sides of a cut, one of U and one of another sub-tour.
Offspring::Join Offspring::between_cuts(std::size_t u_tour) const {
    Join best{std::numeric_limits<Length>::min(), -1, -1, -1, -1};
    for (const auto& [place, number] : cuts_) {
        Vertex u = order_[index(place)], c = order_[index(after(place))];
        if (tour_at(place) != u_tour) std::swap(u, c);
        if (tour_at(place_[index(u)]) != u_tour || tour_at(place_[index(c)]) == u_tour) continue;
        consider(u, c, best);
    }
    return best;
}

// The four exchanges that link u and c.
void Offspring::consider(Vertex u, Vertex c, Join& best) const {
    const Length link = distance_(u, c);
    for (std::size_t side = 0; side < 2; ++side) {
        const Vertex c_next = link_[2 * index(c) + side];
        const Length without = distance_(c, c_next) - link;
        for (std::size_t other = 0; other < 2; ++other) {
            const Vertex u_next = link_[2 * index(u) + other];
            const Length value = without + distance_(u, u_next) - distance_(u_next, c_next);
            if (value > best.gain) best = {value, u, u_next, c, c_next};
        }
    }
}

void Offspring::apply(const Join& join) {
    const auto& [value, u, u_next, c, c_next] = join;
    gain += value;
    replace(u, u_next, c);
    replace(u_next, u, c_next);
    replace(c, c_next, u);
    replace(c_next, c, u_next);
    cancel({u, u_next}, added, removed);
    cancel({c, c_next}, added, removed);
    cancel({u, c}, removed, added);
    cancel({u_next, c_next}, removed, added);
}

// An edge that came and leaves again is no change.
void Offspring::cancel(Leg edge, std::vector<Leg>& from, std::vector<Leg>& otherwise) {
    for (std::size_t k = from.size(); k > 0; --k) {
        const Leg other = from[k - 1];
        if ((other.i == edge.i && other.j == edge.j) || (other.i == edge.j && other.j == edge.i)) {
            from[k - 1] = from.back();
            from.pop_back();
            return;
        }
    }
    otherwise.push_back(edge);
}

std::size_t Offspring::tour_at(Vertex place) const {
    // The last cut before the place; the segment after the last cut passes the end of the array.
    std::size_t low = 0, high = cuts_.size();
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        cuts_[middle].first < place ? low = middle + 1 : high = middle;
    }
    return segments_[low == 0 ? segments_.size() - 1 : low - 1].tour;
}

}  // namespace minimand::tsp
