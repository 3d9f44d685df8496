#include "eax.hpp"

#include <memory>
#include <mutex>
#include <numeric>

#include "../common/parallel.hpp"
#include "block.hpp"
#include "offspring.hpp"

namespace minimand::tsp {
namespace {

constexpr double kLeastLoss = 1e-9;        // of entropy: a child that loses none has this
constexpr Index kParallelVertices = 2000;  // of the pairs of a batch from which threads pay

// The child that a pair decided for.
struct Choice {
    Length gain = 0;
    double score = 0.0;
    std::vector<Leg> removed, added;
};

// What one thread needs to work on a pair.
class Worker {
  public:
    Worker(const Distance& distance, const VerticesIn& near)
        : distance_(distance), n_(near.rows()), ab_(n_), offspring_(distance, near), blocks_(n_) {}

    void cross(const Vertex* a, const Vertex* b, const EdgeCounts& counts, const VectorIn& entropy, Index children,
               bool block, Philox draws, Choice& best) {
        best.gain = 0;
        best.score = 0.0;
        ab_.find(a, b, n_, distance_, draws);
        const std::size_t count = ab_.cycles.size();
        if (count < 2) return;  // the only child is B
        offspring_.set_parent(a);
        const std::size_t tries = std::min(count, static_cast<std::size_t>(children));
        if (block) {
            blocks_.weigh(ab_, offspring_);
        } else {
            order_.resize(count);
            std::iota(order_.begin(), order_.end(), std::size_t{0});
        }
        for (std::size_t k = 0; k < tries; ++k) {
            if (block) {
                blocks_.choose(k, draws, chosen_);
                if (chosen_.size() == count) continue;
            } else {
                std::swap(order_[k], order_[k + static_cast<std::size_t>(draws.below(count - k))]);
                chosen_.assign(1, order_[k]);
            }
            offspring_.make(ab_, chosen_);
            if (offspring_.gain > 0) assess(counts, entropy, best);
            offspring_.undo();
        }
    }

  private:
    void assess(const EdgeCounts& counts, const VectorIn& entropy, Choice& best) const {
        double change = 0.0;
        for (const auto& [i, j] : offspring_.removed) {
            const int tours = counts(i, j);
            change += entropy[tours] - entropy[tours - 1];
        }
        for (const auto& [i, j] : offspring_.added) {
            const int tours = counts(i, j);
            change += entropy[tours] - entropy[tours + 1];
        }
        const double score = static_cast<double>(offspring_.gain) / std::max(-change, kLeastLoss);
        if (score <= best.score) return;
        best.score = score;
        best.gain = offspring_.gain;
        best.removed = offspring_.removed;
        best.added = offspring_.added;
    }

    const Distance& distance_;
    Index n_;
    AbCycles ab_;
    Offspring offspring_;
    Blocks blocks_;
    std::vector<std::size_t> order_, chosen_;
};

// Workers that are free; a thread takes one for a pair.
class Pool {
  public:
    Pool(const Distance& distance, const VerticesIn& near, Index size) {
        for (Index k = 0; k < size; ++k) free_.push_back(std::make_unique<Worker>(distance, near));
    }
    std::unique_ptr<Worker> take() {
        const std::lock_guard<std::mutex> lock(mutex_);
        std::unique_ptr<Worker> worker = std::move(free_.back());
        free_.pop_back();
        return worker;
    }
    void give(std::unique_ptr<Worker> worker) {
        const std::lock_guard<std::mutex> lock(mutex_);
        free_.push_back(std::move(worker));
    }

  private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<Worker>> free_;
};

void commit(const Choice& choice, Vertex* links, EdgeCounts& counts) {
    const auto put = [links](Vertex v, Vertex old_mate, Vertex new_mate) {
        links[2 * v + (links[2 * v] == old_mate ? 0 : 1)] = new_mate;
    };
    counts.reserve(choice.added.size());
    for (const auto& [i, j] : choice.removed) {
        put(i, j, -1);
        put(j, i, -1);
        counts.add(i, j, -1);
    }
    for (const auto& [i, j] : choice.added) {
        put(i, -1, j);
        put(j, -1, i);
        counts.add(i, j, 1);
    }
}

}  // namespace

Index count_edges(VerticesOut links, TableOut table) { return EdgeCounts(table, links).rebuild(); }

Index eax_pairs(const MatrixIn<double>& points, const LengthsIn& distances, int metric, double scale,
                const VerticesIn& mates, Length penalty, const VerticesIn& near, VerticesOut links, StateOut lengths,
                TableOut table, VectorIn entropy, const KeyIn& key, Index generation, Index first_pair, Index last_pair,
                Index batch, Index children, bool block, int threads) {
    const Distance distance(points, distances, metric, scale, mates, penalty);
    const Index n = near.rows(), tours = links.rows();
    const auto stream = [&](Index item) {
        return Philox(key[0], key[1], static_cast<std::uint64_t>(generation * (tours + 1) + item));
    };
    std::vector<Index> order(static_cast<std::size_t>(tours));
    std::iota(order.begin(), order.end(), Index{0});
    Philox draws = stream(tours);
    for (Index k = 0; k + 1 < tours; ++k) {
        std::swap(order[static_cast<std::size_t>(k)],
                  order[static_cast<std::size_t>(k) +
                        static_cast<std::size_t>(draws.below(static_cast<std::uint64_t>(tours - k)))]);
    }
    const auto tour = [&](Index pair) { return order[static_cast<std::size_t>(pair % tours)]; };
    const auto links_of = [&](Index pair) { return links.data() + tour(pair) * 2 * n; };

    EdgeCounts counts(table, links);
    const int team = batch * n < kParallelVertices ? 1 : threads;
    Pool pool(distance, near, std::min<Index>(team, batch));
    std::vector<Choice> choices(static_cast<std::size_t>(batch));
    Index changed = 0;
    for (Index first = first_pair; first < last_pair; first += batch) {
        const Index count = std::min(batch, last_pair - first);
        parallel_for(count, team, [&](Index k) {
            std::unique_ptr<Worker> worker = pool.take();
            worker->cross(links_of(first + k), links_of(first + k + 1), counts, entropy, children, block,
                          stream(first + k), choices[static_cast<std::size_t>(k)]);
            pool.give(std::move(worker));
        });
        for (Index k = 0; k < count; ++k) {
            const Choice& choice = choices[static_cast<std::size_t>(k)];
            if (choice.score <= 0.0) continue;
            commit(choice, links_of(first + k), counts);
            lengths[tour(first + k)] -= choice.gain;
            ++changed;
        }
    }
    return changed;
}

}  // namespace minimand::tsp
