// Nested dissection of the unknown pixels: in which order the multifrontal factorisation eliminates them.
//
// George, SIAM J. Numer. Anal. 10 (1973) 345, 10.1137/0710032. Pixels that share a term are at most one row and one
// column apart, so a single row or column of pixels separates what lies on both sides of it. A front owns the pixels of
// such a line (or a small set that is not cut further), has the fronts of both sides as children, and touches only the
// later pixels in its boundary. For N pixels the factor has about 8 N log2(sqrt N) entries and costs 10 N^1.5 flops.
#pragma once

#include <tuple>

#include "grid.hpp"

namespace minimand::inpainting {

// How a component is eliminated; all tables are views on the caller's arrays.
//     order          (N) flat pixel of each position
//     fronts         (F+1) x 4: first own position, first row of `boundary`, first row of `terms`, parent or -1;
//                    children before parents; the last row holds the ends
//     boundary       for each front the later positions coupled with its subtree, ascending: position, row of that
//     pixel
//                    in the parent's front (the parent's own pixels first, then its boundary)
//     terms          the terms that a front adds, which are those whose first eliminated pixel it owns: flat index of
//                    (i, j), rows of (i,j), (i+1,j), (i,j+1) in the front, -1 for a known pixel
//     components     (k+1) first front of each component
struct Plan {
    const Index *order, *fronts, *boundary, *terms, *components;

    const Index* front(Index f) const { return fronts + 4 * f; }
    Index own_begin(Index f) const { return front(f)[0]; }
    Index own(Index f) const { return front(f + 1)[0] - front(f)[0]; }
    Index boundary_begin(Index f) const { return front(f)[1]; }
    Index boundary_size(Index f) const { return front(f + 1)[1] - front(f)[1]; }
    Index term_begin(Index f) const { return front(f)[2]; }
    Index parent(Index f) const { return front(f)[3]; }
};

// Returns (order, fronts, boundary, term_table, component_front). Component c has the flat pixels
// pixels[pixel_begin[c]:pixel_begin[c+1]], ascending; terms are those of all components. Sets of at most `leaf` pixels
// are not cut. A larger one is cut along the longer side of its bounding box, in the middle third, where the line holds
// the fewest pixels. O(N log N).
std::tuple<IndexVector, IndexTable, IndexTable, IndexTable, IndexVector> plan_elimination(
    Eigen::Ref<const IndexVector> pixels, Eigen::Ref<const IndexVector> pixel_begin,
    Eigen::Ref<const IndexVector> terms, Index rows, Index columns, Index leaf);

}  // namespace minimand::inpainting
