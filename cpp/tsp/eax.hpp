// Genetic algorithm with edge assembly crossover, localised.
//
// Nagata, Kobayashi, INFORMS J. Comput. 25 (2013) 346, 10.1287/ijoc.1120.0506; Nagata, PPSN IX (2006) 372.
// Ours: pairs in batches, so that threads have work and every thread count gives the same tours.
#pragma once

#include "../common/random.hpp"
#include "edge_counts.hpp"

namespace minimand::tsp {

// Counts in how many tours each edge is, into `table` (a power of two of entries); returns the number of different
// edges, which must not be more than half of the entries: then the table is not complete and a larger one is wanted.
// A tour is its links: vertex v lies between links(tour, 2 v) and links(tour, 2 v + 1).
Index count_edges(VerticesOut links, TableOut table);

// Pairs first_pair .. last_pair - 1 of one generation, in place. r is the random order of the tours in it. Pair i:
//     A, B = r[i], r[i + 1], and their AB-cycles;
//     up to `children` E-sets: one AB-cycle each, none twice (`block` = False), or each grown around one of the
//     largest AB-cycles (Block2); the child of each E-set, see offspring.hpp;
//     A becomes the child of the highest score, if one gains: score = gain / max(-dH, 1e-9).
// with the change dH of the entropy of the edges H = -sum_e F(e)/Npop ln(F(e)/Npop); `entropy`[f] = f/Npop ln(f/Npop).
// Pairs of a batch (`batch` of them, first_pair is a multiple) see the same tours and F; then they commit in order.
// Returns how many tours changed. N + children k log k for a pair, k the edges of an E-set.
Index eax_pairs(const MatrixIn<double>& points, const LengthsIn& distances, int metric, double scale,
                const VerticesIn& mates, Length penalty, const VerticesIn& near, VerticesOut links, StateOut lengths,
                TableOut table, VectorIn entropy, const KeyIn& key, Index generation, Index first_pair, Index last_pair,
                Index batch, Index children, bool block, int threads);

}  // namespace minimand::tsp
