// The classic genetic algorithm: ordered crossover, swap mutation, truncation selection, islands in a ring.
//
// Davis, Applying adaptive algorithms to epistatic domains, IJCAI 1985 (ordered crossover).
#pragma once

#include "../common/random.hpp"
#include "distance.hpp"

namespace minimand::tsp {

// `generations` >= 1 generations, the first of which has the number `first_generation`, in place.
//
// `population` holds 2 n rows of N cities for each of K islands; row `slots(island, i)` of an island is its individual
// i < n, the other n rows are free. `lengths` (K, 2 n) goes with the rows. One generation of an island:
//     parents a != b uniform of 0..n-1; cut points i <= j uniform in [low, high)
//     child[i..j] = a[i..j]; the other places of [low, high) take the cities of b that are missing, in the order of b:
//         cyclically from j+1 on ("ox"), or from low on, in b's order from low on (`linear`)
//     mutants distinct children: `swaps` times, exchange two distinct places in [low, high)
//     slots = slots[np.lexsort((np.arange(2 n), lengths[slots]))[:n] sorted] + the others
// Places outside [low, high) keep given ends. Draws are keyed by (island; generation, child): four for parents and
// cuts, then those of the swaps; the item after the last child picks the mutants. Every `migration` generations the
// best of an island replaces the worst of the next one.
void genetic_steps(const MatrixIn<double>& points, const LengthsIn& distances, int metric, double scale, bool closed,
                   bool linear, Index low, Index high, Index mutants, Index swaps, Index migration,
                   VerticesOut population, LengthsOut lengths, LengthsOut slots, const KeyIn& key,
                   Index first_generation, Index generations, int threads);

}  // namespace minimand::tsp
