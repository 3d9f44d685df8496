#include "genetic.hpp"

#include <numeric>
#include <vector>

#include "../common/parallel.hpp"

namespace minimand::tsp {
namespace {

constexpr Index kParallelGenes = 1 << 15;  // of one generation from which threads share the children of an island
constexpr Index kChildrenPerTask = 8;

struct Rules {
    bool closed, linear;
    Index low, high, mutants, swaps;
};

// Marks the cities of a child; a new stamp unmarks them all. And room for those that are not marked.
class Marks {
  public:
    explicit Marks(Index n) : stamps_(static_cast<std::size_t>(n)), rest_(static_cast<std::size_t>(n + 1)) {}
    void clear() {
        if (++now_ == 0) {
            std::fill(stamps_.begin(), stamps_.end(), 0u);
            now_ = 1;
        }
    }
    void set(Vertex v) { stamps_[static_cast<std::size_t>(v)] = now_; }
    bool has(Vertex v) const { return stamps_[static_cast<std::size_t>(v)] == now_; }

    Vertex* rest() { return rest_.data(); }

  private:
    std::vector<std::uint32_t> stamps_;
    std::vector<Vertex> rest_;
    std::uint32_t now_ = 0;
};

class Island {
  public:
    Island(const Distance& distance, const Rules& rules, Vertex* population, Length* lengths, Length* slots, Index n,
           Index cities, std::uint64_t key0, std::uint64_t key1)
        : distance_(distance),
          rules_(rules),
          population_(population),
          lengths_(lengths),
          slots_(slots),
          n_(n),
          cities_(cities),
          key0_(key0),
          key1_(key1),
          is_mutant_(static_cast<std::size_t>(n)),
          order_(static_cast<std::size_t>(2 * n)),
          sorted_(static_cast<std::size_t>(2 * n)) {}

    void generation(Index number, int threads) {
        pick_mutants(number);
        const Index tasks = (n_ + kChildrenPerTask - 1) / kChildrenPerTask;
        const int team = n_ * cities_ > kParallelGenes ? threads : 1;
        if (team == 1) {
            if (marks_.empty()) marks_.emplace_back(cities_);
            for (Index child = 0; child < n_; ++child) breed(number, child, marks_[0]);
        } else {
            while (static_cast<Index>(marks_.size()) < tasks) marks_.emplace_back(cities_);
            parallel_for(tasks, team, [&](Index task) {
                const Index last = std::min(n_, (task + 1) * kChildrenPerTask);
                for (Index child = task * kChildrenPerTask; child < last; ++child) {
                    breed(number, child, marks_[static_cast<std::size_t>(task)]);
                }
            });
        }
        select();
    }

    Index best() const {
        return extreme([](Length a, Length b) { return a < b; });
    }
    Index worst() const {
        return extreme([](Length a, Length b) { return a >= b; });
    }
    Vertex* row(Index individual) { return population_ + slots_[individual] * cities_; }
    Length& length(Index individual) { return lengths_[slots_[individual]]; }
    Index cities() const { return cities_; }

  private:
    Philox stream(Index number, Index item) const {
        return Philox(key0_, key1_, static_cast<std::uint64_t>(number * (n_ + 1) + item));
    }

    // The first `mutants` entries of a Fisher-Yates shuffle.
    void pick_mutants(Index number) {
        std::fill(is_mutant_.begin(), is_mutant_.end(), false);
        Philox draws = stream(number, n_);
        std::iota(order_.begin(), order_.begin() + n_, Index{0});
        for (Index k = 0; k < rules_.mutants; ++k) {
            const Index other = k + static_cast<Index>(draws.below(static_cast<std::uint64_t>(n_ - k)));
            std::swap(order_[static_cast<std::size_t>(k)], order_[static_cast<std::size_t>(other)]);
            is_mutant_[static_cast<std::size_t>(order_[static_cast<std::size_t>(k)])] = true;
        }
    }

    void breed(Index number, Index child_index, Marks& marks) {
        Philox draws = stream(number, child_index);
        const auto below = [&](Index bound) {
            return static_cast<Index>(draws.below(static_cast<std::uint64_t>(bound)));
        };
        const Index first = below(n_), other = below(n_ - 1), window = rules_.high - rules_.low;
        const Index second = other + (other >= first ? 1 : 0);
        const Index cut1 = rules_.low + below(window), cut2 = rules_.low + below(window);
        Vertex* child = row(n_ + child_index);
        cross(row(first), row(second), std::min(cut1, cut2), std::max(cut1, cut2), child, marks);
        if (is_mutant_[static_cast<std::size_t>(child_index)]) {
            for (Index k = 0; k < rules_.swaps; ++k) {
                const Index p = below(window), q = below(window - 1);
                std::swap(child[rules_.low + p], child[rules_.low + q + (q >= p ? 1 : 0)]);
            }
        }
        length(n_ + child_index) = measure(child);
    }

    void cross(const Vertex* a, const Vertex* b, Index i, Index j, Vertex* child, Marks& marks) const {
        marks.clear();
        std::copy(a, a + rules_.low, child);
        std::copy(a + rules_.high, a + cities_, child + rules_.high);
        for (Index p = i; p <= j; ++p) {
            child[p] = a[p];
            marks.set(a[p]);
        }
        // Each city of b is written, and the next one over it if it is not missing: no branch to mispredict.
        Vertex* rest = marks.rest();
        const auto take = [&](Index begin, Index end) {
            for (Index p = begin; p < end; ++p) {
                *rest = b[p];
                rest += !marks.has(b[p]);
            }
        };
        const Index middle = rules_.linear ? rules_.low : j + 1;
        take(middle, rules_.high);
        take(rules_.low, middle);
        const Vertex* from = marks.rest();
        const Index before = i - rules_.low, after = rules_.high - j - 1;
        if (rules_.linear) {
            std::copy(from, from + before, child + rules_.low);
            std::copy(from + before, from + before + after, child + j + 1);
        } else {
            std::copy(from, from + after, child + j + 1);
            std::copy(from + after, from + after + before, child + rules_.low);
        }
    }

    Length measure(const Vertex* tour) const {
        return distance_.along(tour, cities_) + (rules_.closed ? distance_.cities(tour[cities_ - 1], tour[0]) : 0);
    }

    // The best n by (length, index) stay, in their order; the rows of the others are free.
    void select() {
        const auto shorter = [&](Index a, Index b) {
            const Length x = length(a), y = length(b);
            return x < y || (x == y && a < b);
        };
        std::iota(order_.begin(), order_.end(), Index{0});
        std::nth_element(order_.begin(), order_.begin() + n_, order_.end(), shorter);
        std::sort(order_.begin(), order_.begin() + n_);
        std::sort(order_.begin() + n_, order_.end());
        for (std::size_t k = 0; k < order_.size(); ++k) sorted_[k] = slots_[order_[k]];
        std::copy(sorted_.begin(), sorted_.end(), slots_);
    }

    template <class Better>
    Index extreme(Better&& better) const {
        Index found = 0;
        for (Index k = 1; k < n_; ++k) {
            if (better(lengths_[slots_[k]], lengths_[slots_[found]])) found = k;
        }
        return found;
    }

    const Distance& distance_;
    const Rules& rules_;
    Vertex* population_;
    Length *lengths_, *slots_;
    Index n_, cities_;
    std::uint64_t key0_, key1_;
    std::vector<char> is_mutant_;
    std::vector<Index> order_;
    std::vector<Length> sorted_;
    std::vector<Marks> marks_;
};

// The best of each island, as it was before, replaces the worst of the next.
void migrate(std::vector<Island>& islands) {
    std::vector<std::vector<Vertex>> guests;
    std::vector<Length> lengths;
    for (Island& island : islands) {
        const Index best = island.best();
        guests.emplace_back(island.row(best), island.row(best) + island.cities());
        lengths.push_back(island.length(best));
    }
    for (std::size_t k = 0; k < islands.size(); ++k) {
        Island& next = islands[(k + 1) % islands.size()];
        const Index worst = next.worst();
        std::copy(guests[k].begin(), guests[k].end(), next.row(worst));
        next.length(worst) = lengths[k];
    }
}

}  // namespace

void genetic_steps(const MatrixIn<double>& points, const LengthsIn& distances, int metric, double scale, bool closed,
                   bool linear, Index low, Index high, Index mutants, Index swaps, Index migration,
                   VerticesOut population, LengthsOut lengths, LengthsOut slots, const KeyIn& key,
                   Index first_generation, Index generations, int threads) {
    const Index cities = population.cols(), count = slots.rows(), n = slots.cols() / 2;
    const RowMatrix<std::int32_t> no_mates = RowMatrix<std::int32_t>::Constant(cities, 2, -1);
    const VerticesIn mates(no_mates);
    const Distance distance(points, distances, metric, scale, mates, 0);
    const Rules rules{closed, linear, low, high, mutants, swaps};
    std::vector<Island> islands;
    islands.reserve(static_cast<std::size_t>(count));
    for (Index k = 0; k < count; ++k) {
        islands.emplace_back(distance, rules, population.data() + 2 * n * k * cities, lengths.data() + 2 * n * k,
                             slots.data() + 2 * n * k, n, cities, key[0], key[1] + static_cast<std::uint64_t>(k));
    }
    const int inner = count == 1 ? threads : 1;
    for (Index done = 0; done < generations;) {
        const Index now = first_generation + done;
        const Index steps = std::min(generations - done, migration - now % migration);
        const int team = count * n * cities * steps > kParallelGenes ? threads : 1;
        parallel_for(count, team, [&](Index k) {
            for (Index step = 0; step < steps; ++step)
                islands[static_cast<std::size_t>(k)].generation(now + step, inner);
        });
        done += steps;
        if (count > 1 && (now + steps) % migration == 0) migrate(islands);
    }
}

}  // namespace minimand::tsp
