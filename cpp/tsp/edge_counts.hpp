// How many tours of a population hold an edge: a hash table in an array of the caller.
#pragma once

#include <cassert>

#include "distance.hpp"

namespace minimand::tsp {

using TableOut = Eigen::Ref<Eigen::Matrix<std::uint64_t, Eigen::Dynamic, 1>>;

// Open addressing; an entry is (larger vertex, smaller vertex, count) in 24 + 24 + 16 bits. Entries whose count fell to
// 0 stay until the table is built anew.
class EdgeCounts {
  public:
    // `table` has a power of two of entries, at least twice the number of edges that are held at a time.
    EdgeCounts(TableOut table, const VerticesOut& links) : table_(table.data()), links_(links), slots_(table.size()) {
        assert((slots_ & (slots_ - 1)) == 0);
        shift_ = 64;
        for (Index s = slots_; s > 1; s >>= 1) --shift_;
        for (Index k = 0; k < slots_; ++k) used_ += table_[k] != 0;
    }

    int operator()(Vertex i, Vertex j) const { return static_cast<int>(table_[find(pack(i, j))] & kCount); }

    // Makes room for so many new edges; the links are those that were counted.
    void reserve(std::size_t count) {
        if (4 * (used_ + static_cast<Index>(count)) > 3 * slots_) rebuild();
    }

    void add(Vertex i, Vertex j, int change) {
        const std::uint64_t edge = pack(i, j);
        const Index at = find(edge);
        if (table_[at] == 0) {
            ++used_;
            table_[at] = edge;
        }
        table_[at] += static_cast<std::uint64_t>(static_cast<std::int64_t>(change));
    }

    // Counts the edges of all tours; returns how many different ones there are, or more than a half of the slots.
    Index rebuild() {
        std::fill(table_, table_ + slots_, 0);
        used_ = 0;
        const Index n = links_.cols() / 2;
        for (Index tour = 0; tour < links_.rows(); ++tour) {
            for (Vertex v = 0; v < n; ++v) {
                for (Index side = 0; side < 2; ++side) {
                    const Vertex w = links_(tour, 2 * v + side);
                    if (w < v) continue;
                    const Index at = find(pack(v, w));
                    if (table_[at] == 0) {
                        table_[at] = pack(v, w);
                        if (2 * ++used_ > slots_) return used_;
                    }
                    ++table_[at];
                }
            }
        }
        return used_;
    }

  private:
    static constexpr std::uint64_t kCount = 0xFFFF;
    static constexpr int kVertexBits = 24;

    // Never 0: the larger vertex is at least 1.
    static std::uint64_t pack(Vertex i, Vertex j) {
        const auto low = static_cast<std::uint64_t>(std::min(i, j)), high = static_cast<std::uint64_t>(std::max(i, j));
        return (high << (16 + kVertexBits)) | (low << 16);
    }
    Index find(std::uint64_t edge) const {
        Index at = static_cast<Index>((edge >> 16) * 0x9E3779B97F4A7C15u >> shift_);
        while (table_[at] != 0 && ((table_[at] ^ edge) & ~kCount) != 0) at = (at + 1) & (slots_ - 1);
        return at;
    }

    std::uint64_t* table_;
    const VerticesOut& links_;
    Index slots_, used_ = 0;
    int shift_;
};

}  // namespace minimand::tsp
