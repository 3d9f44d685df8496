// Rows of a tall matrix F (N, r) in groups: the first `first` rows in groups of m1, the others in groups of m2. Passes
// over them go by blocks of whole groups, of a size that depends on nothing but r, so that results have the same bits
// for any number of threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "../common/parallel.hpp"
#include "../common/types.hpp"

namespace minimand::rendezvous {

struct Block {
    Index begin, end;  // rows
    Index size;        // rows of a group
    Index group;       // number of its first group
};

class Groups {
  public:
    Groups(Index rows, Index first, Index m1, Index m2, Index r, int threads) {
        add(0, first, m1, 0);
        add(first, rows, m2, first / m1);
        // Below some 0.3 ms of work threads cost more than they bring.
        threads_ = static_cast<double>(rows) * static_cast<double>(r + 4) * static_cast<double>(r) < 5e5 ? 1 : threads;
    }

    Index count() const { return static_cast<Index>(blocks_.size()); }
    const Block& operator[](Index i) const { return blocks_[static_cast<std::size_t>(i)]; }

    // Calls body(block, sums) for all blocks and adds up what they leave in `sums` (width,), zero before, in a fixed
    // order; returns the total.
    template <class Body>
    Vector sum(Index width, Body&& body) const {
        ColMatrix sums = ColMatrix::Zero(width, std::max<Index>(1, count()));
        parallel_for(count(), threads_, [&](Index i) { body((*this)[i], sums.col(i)); });
        parallel_reduce(count(), threads_, [&](Index into, Index from) { sums.col(into) += sums.col(from); });
        return sums.col(0);
    }

    // Calls body(block), which returns a number, for all blocks; returns the largest, and at least `least`.
    template <class Body>
    double largest(double least, Body&& body) const {
        Vector found = Vector::Constant(std::max<Index>(1, count()), least);
        parallel_for(count(), threads_, [&](Index i) { found[i] = std::max(least, body((*this)[i])); });
        return found.maxCoeff();
    }

  private:
    static constexpr Index kRows = 1024;

    void add(Index begin, Index end, Index size, Index group) {
        const Index whole = std::max<Index>(1, kRows / size) * size;
        for (Index row = begin; row < end; row += whole)
            blocks_.push_back({row, std::min(end, row + whole), size, group + (row - begin) / size});
    }

    std::vector<Block> blocks_;
    int threads_;
};

}  // namespace minimand::rendezvous
