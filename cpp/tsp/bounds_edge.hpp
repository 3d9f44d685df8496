// Weighted edges in the order that makes the minimum one-tree unique.
#pragma once

#include <limits>
#include <utility>

#include "distance.hpp"

namespace minimand::tsp {

constexpr Length kNone = std::numeric_limits<Length>::max();

// By weight, then by the smaller and by the larger vertex.
struct Edge {
    Length weight = kNone;
    Vertex low = 0, high = 0;

    Edge() = default;
    Edge(Length w, Vertex i, Vertex j) : weight(w), low(std::min(i, j)), high(std::max(i, j)) {}
    bool operator<(const Edge& other) const {
        if (weight != other.weight) return weight < other.weight;
        return low != other.low ? low < other.low : high < other.high;
    }
};

// The two first edges at a vertex.
struct Two {
    Edge first, second;

    void offer(const Edge& edge) {
        if (edge < first) {
            second = std::exchange(first, edge);
        } else if (edge < second) {
            second = edge;
        }
    }
};

}  // namespace minimand::tsp
