// A tour as an array with the positions of its vertices; reversals take the shorter side and can be undone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "distance.hpp"

namespace minimand::tsp {

class ArrayTour {
  public:
    // Works on an array of the caller's, whose vertices are 0..n-1.
    ArrayTour(Vertex* tour, Index n) : tour_(tour), n_(static_cast<Vertex>(n)), place_(static_cast<std::size_t>(n)) {
        for (Vertex p = 0; p < n_; ++p) place_[static_cast<std::size_t>(tour[p])] = p;
    }

    Vertex size() const { return n_; }
    Vertex at(Vertex p) const { return tour_[p]; }
    Vertex place(Vertex v) const { return place_[static_cast<std::size_t>(v)]; }

    // Along the tour in the direction that `flipped` says; a reversal of the other side turns it.
    Vertex next(Vertex v) const { return flipped_ ? before(v) : after(v); }
    Vertex previous(Vertex v) const { return flipped_ ? after(v) : before(v); }
    void turn() { flipped_ = !flipped_; }
    void straighten() { flipped_ = false; }

    // How many steps it is from one vertex on to another.
    Vertex steps(Vertex from, Vertex to) const {
        const Vertex difference = flipped_ ? place(from) - place(to) : place(to) - place(from);
        return difference < 0 ? difference + n_ : difference;
    }

    // Reverses the path that leads from `from` on to `to`.
    void reverse(Vertex from, Vertex to) {
        if (flipped_) std::swap(from, to);
        reverse_places(place(from), place(to));
    }

    // What was reversed since, to be undone from the last on.
    std::size_t mark() const { return journal_.size(); }
    void undo(std::size_t mark) {
        while (journal_.size() > mark) {
            const Step step = journal_.back();
            journal_.pop_back();
            swap_ends(step.first, step.last, step.length);
            if (step.turned) flipped_ = !flipped_;
        }
    }
    void forget() { journal_.clear(); }

  private:
    struct Step {
        Vertex first, last, length;
        bool turned;
    };

    Vertex after(Vertex v) const {
        const Vertex p = place(v) + 1;
        return tour_[p == n_ ? 0 : p];
    }
    Vertex before(Vertex v) const {
        const Vertex p = place(v);
        return tour_[p == 0 ? n_ - 1 : p - 1];
    }

    void reverse_places(Vertex first, Vertex last) {
        Vertex length = last - first + 1;
        if (length <= 0) length += n_;
        const bool turned = 2 * length > n_;
        if (turned) {
            const Vertex begin = last + 1 == n_ ? 0 : last + 1;
            last = first == 0 ? n_ - 1 : first - 1;
            first = begin;
            length = n_ - length;
            flipped_ = !flipped_;
        }
        swap_ends(first, last, length);
        journal_.push_back({first, last, length, turned});
    }

    void swap_ends(Vertex first, Vertex last, Vertex length) {
        Vertex pairs = length / 2;
        while (pairs > 0) {  // in stretches that do not pass the end of the array
            const Vertex run = std::min({pairs, static_cast<Vertex>(n_ - first), static_cast<Vertex>(last + 1)});
            Vertex* up = tour_ + first;
            Vertex* down = tour_ + last;
            for (Vertex k = 0; k < run; ++k) {
                const Vertex a = up[k], b = down[-k];
                up[k] = b;
                down[-k] = a;
                place_[static_cast<std::size_t>(b)] = first + k;
                place_[static_cast<std::size_t>(a)] = last - k;
            }
            pairs -= run;
            first += run;
            last -= run;
            if (first == n_) first = 0;
            if (last < 0) last = n_ - 1;
        }
    }

    Vertex* tour_;
    Vertex n_;
    std::vector<Vertex> place_;
    std::vector<Step> journal_;
    bool flipped_ = false;
};

}  // namespace minimand::tsp
