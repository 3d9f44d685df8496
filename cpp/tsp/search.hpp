// Descent of a tour by chains of sequential exchanges of edges, and kicks.
#pragma once

#include <array>
#include <limits>
#include <vector>

#include "../common/random.hpp"
#include "array_tour.hpp"

namespace minimand::tsp {

constexpr int kSteps = 3;               // exchanges of up to three edges in a chain
constexpr Vertex kLongestSegment = 50;  // of a kick

// To loop over.
struct Neighbours {
    const Vertex *first, *last;
    const Vertex* begin() const { return first; }
    const Vertex* end() const { return last; }
};

// Vertices that wait to be looked at, each once.
class Queue {
  public:
    explicit Queue(Vertex n) : ring_(static_cast<std::size_t>(n)), waiting_(static_cast<std::size_t>(n)) {}
    bool empty() const { return count_ == 0; }
    Index count() const { return static_cast<Index>(count_); }
    void push(Vertex v) {
        if (waiting_[static_cast<std::size_t>(v)]) return;
        waiting_[static_cast<std::size_t>(v)] = 1;
        ring_[tail_] = v;
        if (++tail_ == ring_.size()) tail_ = 0;
        ++count_;
    }
    Vertex pop() {
        const Vertex v = ring_[head_];
        if (++head_ == ring_.size()) head_ = 0;
        --count_;
        waiting_[static_cast<std::size_t>(v)] = 0;
        return v;
    }

  private:
    std::vector<Vertex> ring_;
    std::vector<std::uint8_t> waiting_;
    std::size_t head_ = 0, tail_ = 0, count_ = 0;
};

class Search {
  public:
    // `near` lists neighbours of each vertex, ascending by length; `tour` is the caller's and changes.
    Search(const Distance& distance, const VerticesIn& near, Vertex* tour)
        : d_(distance),
          near_(near.data()),
          degree_(near.cols()),
          tour_(tour, near.rows()),
          queue_(static_cast<Vertex>(near.rows())) {}
    Queue& queue() { return queue_; }

    // Looks at vertices until none is waiting, `budget` at most; returns what was gained.
    Length descend(Index budget) {
        Length gained = 0;
        for (; budget > 0 && !queue_.empty(); --budget) {
            const Vertex v = queue_.pop();
            while (const Length gain = improve(v)) gained += gain;
        }
        return gained;
    }

    // A double bridge: the outer two of three neighbouring segments change places. Then a descent from its eight ends;
    // when the tour gets longer, all is taken back. Returns what was gained.
    Length kick(Philox& draws) {
        const Vertex n = tour_.size(), longest = std::min<Vertex>(kLongestSegment, (n - 2) / 3);
        const auto below = [&](Vertex bound) {
            return static_cast<Vertex>(draws.below(static_cast<std::uint64_t>(bound)));
        };
        tour_.forget();
        tour_.straighten();
        std::array<Vertex, 8> ends;  // on both sides of each of the four cuts
        Vertex place = below(n);
        for (std::size_t cut = 0; cut < 4; ++cut) {
            if (cut > 0) place += 1 + below(longest);
            ends[2 * cut] = tour_.at(place % n);
            ends[2 * cut + 1] = tour_.at((place + 1) % n);
        }
        const auto [a, b0, b1, c0, c1, d0, d1, e] = ends;
        const Length cut1 = d_(a, b0), cut2 = d_(b1, c0), cut3 = d_(c1, d0), cut4 = d_(d1, e);
        if (std::min({cut1, cut2, cut3, cut4}) < 0) return 0;
        Length gain = cut1 + cut2 + cut3 + cut4 - d_(a, d0) - d_(d1, c0) - d_(c1, b0) - d_(b1, e);
        tour_.reverse(b0, d1);
        tour_.reverse(d1, d0);
        tour_.reverse(c1, c0);
        tour_.reverse(b1, b0);
        for (const Vertex v : ends) queue_.push(v);
        gain += descend(std::numeric_limits<Index>::max());
        if (gain >= 0) return gain;
        tour_.undo(0);
        return 0;
    }

  private:
    // A sequential exchange of three edges: (t1 t2), (t3 t4), (t5 t6) leave, (t2 t3), (t4 t5), (t6 t1) come.
    struct Exchange {
        Length open;  // what it gains before (t6 t1) is paid
        Vertex t3, t4, t5, t6;
    };

    // Does the first chain of exchanges from t1 that pays and returns its gain; 0 if there is none.
    Length improve(Vertex t1) {
        for (int side = 0; side < 2; ++side) {
            if (side == 1) tour_.turn();
            const std::size_t mark = tour_.mark();
            Vertex t2 = tour_.next(t1);
            touched_.assign({t1, t2});
            Length open = d_(t1, t2);
            for (int step = 0; step < kSteps; ++step) {
                Exchange best{0, -1, -1, -1, -1};
                if (const Length gain = exchange(t1, t2, open, best)) {
                    for (const Vertex v : touched_) queue_.push(v);
                    return gain;
                }
                if (best.t3 < 0 || step + 1 == kSteps) break;
                perform(t2, best);
                open = best.open;
                t2 = best.t6;
            }
            tour_.undo(mark);
        }
        return 0;
    }

    // Looks for exchanges with t2 next to t1, when the chain so far gains `open` before (t1 t2) is paid. The first that
    // pays is done; else `best` becomes the one that leaves most open.
    Length exchange(Vertex t1, Vertex t2, Length open, Exchange& best) {
        const Vertex after = tour_.next(t2);
        for (const Vertex t3 : neighbours(t2)) {
            const Length open1 = open - d_(t2, t3);
            if (open1 <= 0) break;
            if (t3 == t1 || t3 == after) continue;
            const Vertex t4 = tour_.previous(t3);
            const Length open2 = open1 + d_(t3, t4);
            if (const Length gain = open2 - d_(t4, t1); gain > 0) {
                tour_.reverse(t2, t4);
                touched_.insert(touched_.end(), {t3, t4});
                return gain;
            }
            if (const Length gain = third(t1, t2, t3, t4, true, open2, best)) return gain;
            const Vertex other = tour_.next(t3);
            if (const Length gain = third(t1, t2, t3, other, false, open1 + d_(t3, other), best)) return gain;
        }
        return 0;
    }

    // `closes`: whether (t4 t1) would close a tour already; then t4 is before t3, else after it.
    Length third(Vertex t1, Vertex t2, Vertex t3, Vertex t4, bool closes, Length open, Exchange& best) {
        const Vertex last = tour_.steps(t2, closes ? t4 : t3);
        for (const Vertex t5 : neighbours(t4)) {
            const Length open2 = open - d_(t4, t5);
            if (open2 <= 0) break;
            if (t5 == t3) continue;
            const Vertex at = tour_.steps(t2, t5);
            for (const bool forward : {true, false}) {
                if (closes) {  // in t2..t4 the edge after t5, else the one before it
                    if (forward != (at <= last) || t5 == t4) continue;
                } else {  // an edge of t2..t3
                    if (at > last || (forward ? at == last : at == 0)) continue;
                }
                const Vertex t6 = forward ? tour_.next(t5) : tour_.previous(t5);
                if (t6 == t4 || (t5 == t1 && t6 == t2) || (t5 == t2 && t6 == t1)) continue;
                const Exchange move{open2 + d_(t5, t6), t3, t4, t5, t6};
                if (const Length gain = move.open - d_(t6, t1); gain > 0) {
                    perform(t2, move);
                    return gain;
                }
                if (move.open > best.open) best = move;
            }
        }
        return 0;
    }

    void perform(Vertex t2, const Exchange& move) {
        const auto& [open, t3, t4, t5, t6] = move;
        if (t4 == tour_.previous(t3)) {  // t1 t2..t4 t3 -> t1 t4..t2 t3, and then t4..t6 backwards
            tour_.reverse(t2, t4);
            tour_.reverse(t4, t6);
        } else if (t6 == tour_.next(t5)) {  // t1 t2..t5 t6..t3 t4 -> t1 t6..t3 t2..t5 t4
            tour_.reverse(t2, t3);
            tour_.reverse(t3, t6);
            tour_.reverse(t5, t2);
        } else {  // t1 t2..t6 t5..t3 t4 -> t1 t6..t2 t3..t5 t4
            tour_.reverse(t2, t6);
            tour_.reverse(t5, t3);
        }
        touched_.insert(touched_.end(), {t3, t4, t5, t6});
    }

    Neighbours neighbours(Vertex v) const { return {near_ + v * degree_, near_ + (v + 1) * degree_}; }

    const Distance d_;
    const Vertex* near_;
    Index degree_;
    ArrayTour tour_;
    Queue queue_;
    std::vector<Vertex> touched_;
};

}  // namespace minimand::tsp
