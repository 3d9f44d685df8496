// Local search: chains of sequential exchanges after Lin and Kernighan, and small kicks.
//
// Lin, Kernighan, Oper. Res. 21 (1973) 498; Bentley, ORSA J. Comput. 4 (1992) 387 (neighbour lists, don't-look bits);
// Helsgaun, EJOR 126 (2000) 106 (an exchange of several edges as one step); Martin, Otto, Felten, Complex Systems 5
// (1991) 299 (double bridge).
#pragma once

#include "../common/random.hpp"
#include "distance.hpp"

namespace minimand::tsp {

using PendingOut = Eigen::Ref<RowMatrix<std::uint8_t>>;

// Improves each tour (a row) until no move pays, or `budget` vertices were looked at. `pending` (tours, n) marks the
// vertices that are to be looked at, and in the end those that still are; their number is returned. A look at t1, for
// both t2 next to it: of all exchanges of two or three edges that begin with (t1 t2), whose partial sums gain and whose
// new edges lead to neighbours, the first that pays is done (Or-opt moves are among them); else the one that gains most
// before its last new edge is done, and the search goes on from there, a few times.
Index descend(const MatrixIn<double>& points, const LengthsIn& lengths, int metric, double scale,
              const VerticesIn& mates, Length penalty, const VerticesIn& near, VerticesOut tours, PendingOut pending,
              Index budget, int threads);

// Kicks number first_kick, first_kick + 1, ...: swap the outer two of three neighbouring segments (a double bridge) at
// a random place, descend from the eight ends, keep the tour if it is not longer, else take all back. Returns by how
// much the tour got shorter.
Length kick(const MatrixIn<double>& points, const LengthsIn& lengths, int metric, double scale, const VerticesIn& mates,
            Length penalty, const VerticesIn& near, TourOut tour, const KeyIn& key, Index first_kick, Index kicks);

}  // namespace minimand::tsp
