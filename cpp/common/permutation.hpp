// Random order of rows, a function of (key; item) alone: order 7 needs no knowledge of orders 0 to 6.
#pragma once

#include <array>
#include <utility>

#include "random.hpp"

namespace minimand {

using IndicesOut = Eigen::Ref<Eigen::Matrix<std::int64_t, Eigen::Dynamic, 1>>;

// order := a uniform permutation of 0..n-1, by the stream of `item` (Fisher-Yates, Durstenfeld: CACM 7 (1964) 420).
//     order = np.arange(n)
//     for i, word in zip(range(n - 1, 0, -1), words(key, item, 1, n - 1)[0]):
//         j = word * (i + 1) // 2**64
//         order[i], order[j] = order[j], order[i]
// O(n). The partners do not depend on the swaps, so they are drawn, and asked for, some swaps ahead: otherwise each one
// waits for memory as soon as the order is larger than the cache.
inline void shuffle_indices(const KeyIn& key, std::uint64_t item, IndicesOut order) {
    constexpr Index kAhead = 64;
    const Index n = order.size();
    std::int64_t* const p = order.data();
    for (Index i = 0; i < n; ++i) p[i] = i;
    Philox stream(key[0], key[1], item);
    std::array<Index, kAhead> partner{};
    const auto draw = [&](Index i) {
        const auto j = static_cast<Index>(stream.below(static_cast<std::uint64_t>(i) + 1));
        partner[static_cast<std::size_t>(i % kAhead)] = j;
        __builtin_prefetch(p + j, 1, 2);
    };
    for (Index i = n - 1; i > 0 && i > n - 1 - kAhead; --i) draw(i);
    for (Index i = n - 1; i > 0; --i) {
        const Index j = partner[static_cast<std::size_t>(i % kAhead)];
        if (i > kAhead) draw(i - kAhead);
        std::swap(p[i], p[j]);
    }
}

}  // namespace minimand
