// AB-cycles of two tours: closed ways that take edges of A only and of B only in turn.
#pragma once

#include <array>
#include <vector>

#include "../common/random.hpp"
#include "distance.hpp"

namespace minimand::tsp {

// Random bits, 64 from each word.
class Bits {
  public:
    explicit Bits(Philox& words) : words_(words) {}
    std::size_t next() {
        if (left_ == 0) {
            word_ = words_.next();
            left_ = 64;
        }
        --left_;
        const auto bit = static_cast<std::size_t>(word_ & 1u);
        word_ >>= 1;
        return bit;
    }

  private:
    Philox& words_;
    std::uint64_t word_ = 0;
    int left_ = 0;
};

// One AB-cycle: vertices v0 v1 .. v(2k-1); (v0 v1), (v2 v3), .. are edges of A, (v1 v2), .., (v(2k-1) v0) of B.
struct Cycle {
    std::size_t begin, end;  // in AbCycles::vertices
    Length gain;             // edges of A less edges of B
    std::size_t size() const { return end - begin; }
};

class AbCycles {
  public:
    explicit AbCycles(Index n)
        : rest_{std::vector<Vertex>(static_cast<std::size_t>(2 * n)),
                std::vector<Vertex>(static_cast<std::size_t>(2 * n))},
          count_{std::vector<std::uint8_t>(static_cast<std::size_t>(n)),
                 std::vector<std::uint8_t>(static_cast<std::size_t>(n))},
          left_by_{std::vector<Vertex>(static_cast<std::size_t>(n), -1),
                   std::vector<Vertex>(static_cast<std::size_t>(n), -1)},
          where_(static_cast<std::size_t>(n)) {}

    // Divides the edges that only one of two tours has into AB-cycles, at random where there is a choice.
    //     trace: from a random vertex, an edge of A, an edge of B, ..; each is taken out of the rest. When it arrives
    //     at a vertex that it left before by the other kind than it arrives by, what is between is cut off as a cycle.
    void find(const Vertex* a, const Vertex* b, Index n, const Distance& distance, Philox& words);

    std::vector<Vertex> vertices;
    std::vector<Cycle> cycles;

  private:
    void take(int kind, Vertex v, Vertex w);
    void remove_from(int kind, Vertex v, Vertex w);
    void retire(Vertex v);
    void close(std::size_t begin, const Distance& distance);

    std::array<std::vector<Vertex>, 2> rest_;         // up to two edges of each kind at each vertex
    std::array<std::vector<std::uint8_t>, 2> count_;  // how many they still are
    std::array<std::vector<Vertex>, 2> left_by_;      // where in the trace a vertex was left by an edge of that kind
    std::vector<Vertex> active_, where_, trace_;
};

inline void AbCycles::find(const Vertex* a, const Vertex* b, Index n, const Distance& distance, Philox& words) {
    vertices.clear();
    cycles.clear();
    active_.clear();
    trace_.clear();
    for (Vertex v = 0; v < n; ++v) {
        const Vertex a0 = a[2 * v], a1 = a[2 * v + 1], b0 = b[2 * v], b1 = b[2 * v + 1];
        const auto at = static_cast<std::size_t>(v);
        std::uint8_t left = 0;
        if (a0 != b0 && a0 != b1) rest_[0][2 * at + left++] = a0;
        if (a1 != b0 && a1 != b1) rest_[0][2 * at + left++] = a1;
        count_[0][at] = count_[1][at] = left;
        if (left == 0) continue;
        left = 0;
        if (b0 != a0 && b0 != a1) rest_[1][2 * at + left++] = b0;
        if (b1 != a0 && b1 != a1) rest_[1][2 * at + left++] = b1;
        where_[at] = static_cast<Vertex>(active_.size());
        active_.push_back(v);
    }
    Bits bits(words);
    while (!active_.empty()) {
        if (trace_.empty()) {
            trace_.push_back(active_[static_cast<std::size_t>(words.below(active_.size()))]);
        }
        const std::size_t steps = trace_.size() - 1;
        const Vertex v = trace_.back();
        const int kind = static_cast<int>(steps & 1);
        const auto at = static_cast<std::size_t>(v), side = static_cast<std::size_t>(kind);
        const std::size_t choice = count_[side][at] == 2 ? bits.next() : 0;
        const Vertex w = rest_[side][2 * at + choice];
        left_by_[side][at] = static_cast<Vertex>(steps);
        take(kind, v, w);
        trace_.push_back(w);
        const Vertex begin = left_by_[1 - side][static_cast<std::size_t>(w)];
        if (begin >= 0) close(static_cast<std::size_t>(begin), distance);
    }
}

inline void AbCycles::take(int kind, Vertex v, Vertex w) {
    remove_from(kind, v, w);
    remove_from(kind, w, v);
    retire(v);
    retire(w);
}

inline void AbCycles::remove_from(int kind, Vertex v, Vertex w) {
    const auto side = static_cast<std::size_t>(kind), at = static_cast<std::size_t>(v);
    if (rest_[side][2 * at] == w) rest_[side][2 * at] = rest_[side][2 * at + 1];
    --count_[side][at];
}

// Takes a vertex without edges out of those at which a trace may begin.
inline void AbCycles::retire(Vertex v) {
    const auto at = static_cast<std::size_t>(v);
    if (count_[0][at] + count_[1][at] > 0) return;
    const Vertex last = active_.back();
    active_[static_cast<std::size_t>(where_[at])] = last;
    where_[static_cast<std::size_t>(last)] = where_[at];
    active_.pop_back();
}

inline void AbCycles::close(std::size_t begin, const Distance& distance) {
    const std::size_t first = vertices.size(), odd = begin & 1, end = trace_.size() - 1;
    for (std::size_t k = begin; k < end; ++k) {
        left_by_[k & 1][static_cast<std::size_t>(trace_[k])] = -1;
        vertices.push_back(trace_[k + odd]);  // one further on where needed: a cycle begins with an edge of A
    }
    trace_.resize(begin + 1);
    Length gain = 0;
    for (std::size_t k = first; k < vertices.size(); k += 2) {
        const Vertex next = k + 2 < vertices.size() ? vertices[k + 2] : vertices[first];
        gain += distance(vertices[k], vertices[k + 1]) - distance(vertices[k + 1], next);
    }
    cycles.push_back({first, vertices.size(), gain});
    if (begin == 0) trace_.clear();
}

}  // namespace minimand::tsp
