// Sides of cells, decoded.
#pragma once

#include <array>
#include <cmath>

#include "heap.hpp"

namespace minimand::global_search {

constexpr Index kLow = -1, kHigh = -2;
constexpr int kLevels = 34;
enum Action : Index { kDivide = 1, kToLow, kToHigh, kExclude };

struct Ladder {
    std::array<Index, kLevels> power{}, first{};  // 3^l; the first side of level l
    constexpr Ladder() {
        Index p = 1;
        for (std::size_t l = 0; l < kLevels; ++l, p *= 3) {
            power[l] = p;
            first[l] = (p - 1) / 2;
        }
    }
};
constexpr Ladder kLadder;

inline std::size_t level_of(Index side) {
    std::size_t l = 0;
    while (l + 1 < kLevels && kLadder.first[l + 1] <= side) ++l;
    return l;
}

struct Side {
    double centre, half;  // the half-width has room for the rounding of the centre
};

inline Side decode(double low, double high, Index side) {
    if (side < 0) return {side == kLow ? low : high, 0.0};
    const std::size_t l = level_of(side);
    const double parts = static_cast<double>(kLadder.power[l]), index = static_cast<double>(side - kLadder.first[l]);
    const double width = high - low;
    const double centre = low + width * ((2.0 * index + 1.0) / (2.0 * parts));
    return {std::min(centre, high), 0.5 * width / parts + 2.0 * kEps * std::max(std::abs(low), std::abs(high))};
}

}  // namespace minimand::global_search
