// Philox 4x64-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, SC 2011), a counter-based generator.
//
// Block b = 1, 2, ... of item i encrypts the counter (b, i, 0, 0) under the key of the call. A number depends on
// (key; item, draw) alone: the same for any thread count, and equal to
//     numpy.random.Philox(key=key, counter=[0, i, 0, 0]).random_raw(draws)
// Twin: minimand/reference/random.py.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "parallel.hpp"
#include "types.hpp"

namespace minimand {

using KeyIn = Eigen::Ref<const Eigen::Matrix<std::uint64_t, Eigen::Dynamic, 1>>;
template <class T>
using DrawsOut = Eigen::Ref<RowMatrix<T>>;

// The upper 64 bits of the product.
inline std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
#ifdef __SIZEOF_INT128__
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(a) * b) >> 64);
#else
    const std::uint64_t low = 0xFFFFFFFFu;
    const std::uint64_t a1 = a >> 32, a0 = a & low, b1 = b >> 32, b0 = b & low;
    const std::uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
    const std::uint64_t cross = a0 * b1 + (middle & low);
    return a1 * b1 + (middle >> 32) + (cross >> 32);
#endif
}

// The 53 upper bits of a word as a number in [0, 1).
inline double to_uniform(std::uint64_t word) { return static_cast<double>(word >> 11) * 0x1p-53; }

// The stream of one item. Cheap to make (no state but the counter), so kernels make one where they need it.
class Philox {
  public:
    // `skip` blocks of four words are passed over.
    Philox(std::uint64_t key0, std::uint64_t key1, std::uint64_t item, std::uint64_t skip = 0)
        : key0_(key0), key1_(key1), item_(item), block_(skip) {}

    std::uint64_t next() {
        if (used_ == 4) {
            words_ = encrypt(++block_);
            used_ = 0;
        }
        return words_[used_++];
    }

    // In [0, 1), a multiple of 2^-53.
    double uniform() { return to_uniform(next()); }

    // In [0, bound), by the upper half of a product (Lemire 2019); we skip his rejection, whose bias is below
    // bound / 2^64, so that every draw takes exactly one word.
    std::uint64_t below(std::uint64_t bound) { return multiply_high(next(), bound); }

  private:
    std::array<std::uint64_t, 4> encrypt(std::uint64_t block) const {
        constexpr std::uint64_t m0 = 0xD2E7470EE14C6C93u, m1 = 0xCA5A826395121157u;
        constexpr std::uint64_t weyl0 = 0x9E3779B97F4A7C15u, weyl1 = 0xBB67AE8584CAA73Bu;
        std::uint64_t c0 = block, c1 = item_, c2 = 0, c3 = 0;
        std::uint64_t k0 = key0_, k1 = key1_;
        for (int round = 0; round < 10; ++round) {
            const std::uint64_t high0 = multiply_high(m0, c0), low0 = m0 * c0;
            const std::uint64_t high1 = multiply_high(m1, c2), low1 = m1 * c2;
            c0 = high1 ^ c1 ^ k0;
            c1 = low1;
            c2 = high0 ^ c3 ^ k1;
            c3 = low0;
            k0 += weyl0;
            k1 += weyl1;
        }
        return {c0, c1, c2, c3};
    }

    std::uint64_t key0_, key1_, item_, block_;
    std::array<std::uint64_t, 4> words_{};
    std::size_t used_ = 4;
};

// out(r, d) := convert(word d of item first_item + r). A task is a stretch of whole blocks within one row, or, where
// rows are short, several rows: never less than some microseconds of work.
template <class T, class Convert>
void fill_draws(const KeyIn& key, std::uint64_t first_item, DrawsOut<T> out, int threads, Convert&& convert) {
    constexpr Index kStretch = 1 << 14;  // draws, a multiple of 4
    const Index items = out.rows(), draws = out.cols();
    if (out.size() == 0) return;
    const Index stretches = (draws + kStretch - 1) / kStretch;
    const Index rows_per_task = std::max<Index>(1, kStretch / draws);
    const Index row_groups = (items + rows_per_task - 1) / rows_per_task;
    parallel_for(row_groups * stretches, threads, [&](Index task) {
        const Index first = task / stretches * rows_per_task, last = std::min(first + rows_per_task, items);
        const Index begin = task % stretches * kStretch, end = std::min(begin + kStretch, draws);
        for (Index row = first; row < last; ++row) {
            const auto skip = static_cast<std::uint64_t>(begin / 4);
            Philox stream(key[0], key[1], first_item + static_cast<std::uint64_t>(row), skip);
            for (Index draw = begin; draw < end; ++draw) out(row, draw) = convert(stream.next());
        }
    });
}

inline void philox_words(const KeyIn& key, std::uint64_t first_item, DrawsOut<std::uint64_t> out, int threads) {
    fill_draws<std::uint64_t>(key, first_item, out, threads, [](std::uint64_t word) { return word; });
}

inline void philox_uniform(const KeyIn& key, std::uint64_t first_item, DrawsOut<double> out, int threads) {
    fill_draws<double>(key, first_item, out, threads, to_uniform);
}

inline void philox_below(const KeyIn& key, std::uint64_t first_item, std::uint64_t bound, DrawsOut<std::int64_t> out,
                         int threads) {
    fill_draws<std::int64_t>(key, first_item, out, threads, [bound](std::uint64_t word) {
        return static_cast<std::int64_t>(multiply_high(word, bound));
    });
}

}  // namespace minimand
