#include "block.hpp"

#include <limits>
#include <numeric>

namespace minimand::tsp {
namespace {

constexpr int kLongestTenure = 10, kPatience = 20;

}  // namespace

void Blocks::weigh(const AbCycles& ab, const Offspring& parent) {
    const std::size_t count = ab.cycles.size();
    by_size_.resize(count);
    rank_.resize(count);
    std::iota(by_size_.begin(), by_size_.end(), std::size_t{0});
    std::stable_sort(by_size_.begin(), by_size_.end(),
                     [&](std::size_t s, std::size_t t) { return ab.cycles[s].size() > ab.cycles[t].size(); });
    for (std::size_t r = 0; r < count; ++r) rank_[by_size_[r]] = r;

    // Both ends of a path of common edges have one cycle each; a vertex without common edges has two, or one twice.
    pairs_.clear();
    std::fill(is_cut_.begin(), is_cut_.end(), std::uint8_t{0});
    constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
    std::fill(cycle_at_.begin(), cycle_at_.end(), kNone);
    for (std::size_t r = 0; r < count; ++r) {
        const Cycle& cycle = ab.cycles[by_size_[r]];
        for (std::size_t k = cycle.begin; k < cycle.end; ++k) {
            const auto v = static_cast<std::size_t>(ab.vertices[k]);
            if (cycle_at_[v] != kNone) connect(cycle_at_[v], r);
            cycle_at_[v] = r;
            if ((k - cycle.begin) % 2 == 0) {
                is_cut_[static_cast<std::size_t>(parent.place_of(ab.vertices[k], ab.vertices[k + 1]))] = 1;
            }
        }
    }
    const auto n = static_cast<Vertex>(is_cut_.size());
    Vertex first = 0;
    while (!is_cut_[static_cast<std::size_t>(first)]) ++first;
    Vertex begin = first + 1;  // of a path that the next cut ends
    for (Vertex k = 1; k <= n; ++k) {
        const Vertex place = (first + k) % n;
        if (!is_cut_[static_cast<std::size_t>(place)]) continue;
        if (begin % n != place) {
            connect(cycle_at_[static_cast<std::size_t>(parent.vertex(begin % n))],
                    cycle_at_[static_cast<std::size_t>(parent.vertex(place))]);
        }
        begin = place + 1;
    }

    begin_.assign(count + 1, 0);
    for (const auto& [s, t] : pairs_) {
        ++begin_[s + 1];
        ++begin_[t + 1];
    }
    total_.resize(count);
    for (std::size_t r = 0; r < count; ++r) {
        total_[r] = static_cast<int>(begin_[r + 1]);
        begin_[r + 1] += begin_[r];
    }
    neighbours_.resize(2 * pairs_.size());
    rank_.assign(begin_.begin(), begin_.end() - 1);  // from here on: where the next neighbour goes
    for (const auto& [s, t] : pairs_) {
        neighbours_[rank_[s]++] = t;
        neighbours_[rank_[t]++] = s;
    }
}

void Blocks::connect(std::size_t s, std::size_t t) {
    if (s != t) pairs_.emplace_back(s, t);
}

// Returns the change of W(S, others).
int Blocks::flip(std::size_t rank) {
    const int change = in_[rank] ? 2 * inside_[rank] - total_[rank] : total_[rank] - 2 * inside_[rank];
    const int step = in_[rank] ? -1 : 1;
    in_[rank] ^= 1;
    for (std::size_t k = begin_[rank]; k < begin_[rank + 1]; ++k) inside_[neighbours_[k]] += step;
    return change;
}

void Blocks::choose(std::size_t centre, Philox& draws, std::vector<std::size_t>& chosen) {
    const std::size_t count = by_size_.size();
    in_.assign(count, 0);
    inside_.assign(count, 0);
    free_at_.assign(count, 0);
    int cost = flip(centre);
    best_.assign(count, 0);  // for now: who joins
    Bits bits(draws);
    for (std::size_t t = centre + 1; t < count; ++t) {
        if (inside_[t] > 0) best_[t] = static_cast<std::uint8_t>(bits.next());
    }
    for (std::size_t t = centre + 1; t < count; ++t) {
        if (best_[t]) cost += flip(t);
    }

    best_ = in_;
    int least = cost;
    for (int step = 0, stalls = 0; stalls < kPatience; ++step) {
        std::size_t found = count;
        int best_change = std::numeric_limits<int>::max();
        for (std::size_t t = centre + 1; t < count; ++t) {
            if (free_at_[t] > step || (!in_[t] && inside_[t] == 0)) continue;
            const int change = in_[t] ? 2 * inside_[t] - total_[t] : total_[t] - 2 * inside_[t];
            if (change < best_change) {
                best_change = change;
                found = t;
            }
        }
        if (found < count) {
            cost += flip(found);
            free_at_[found] = step + 2 + static_cast<int>(draws.below(kLongestTenure));
        }
        if (cost < least) {
            least = cost;
            best_ = in_;
            stalls = 0;
        } else {
            ++stalls;
        }
    }
    chosen.clear();
    for (std::size_t t = 0; t < count; ++t) {
        if (best_[t]) chosen.push_back(by_size_[t]);
    }
}

}  // namespace minimand::tsp
