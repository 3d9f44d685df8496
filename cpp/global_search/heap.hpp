// A binary heap of items in an array of the caller: the least bound on top, of equal ones the first item.
#pragma once

#include <algorithm>

#include "../common/types.hpp"

namespace minimand::global_search {

using IndexVector = Eigen::Matrix<Index, Eigen::Dynamic, 1>;
using IndexVectorIn = Eigen::Ref<const IndexVector>;
using Cells = Eigen::Ref<RowMatrix<Index>>;
using CellsIn = MatrixIn<Index>;

constexpr double kEps = 2.220446049250313e-16;

// What `counts` counts.
enum Count : Index { kNodes, kPoints, kOpen };

inline auto later(const double* bound) {
    return [bound](Index a, Index b) { return bound[a] > bound[b] || (bound[a] == bound[b] && a > b); };
}

inline void push(const double* bound, IndexVectorOut& heap, IndexVectorOut& counts, Index item) {
    heap[counts[kOpen]++] = item;
    std::push_heap(heap.data(), heap.data() + counts[kOpen], later(bound));
}

}  // namespace minimand::global_search
