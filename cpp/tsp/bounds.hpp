// Lower bounds on all tours: one-trees under potentials (Held and Karp, Oper. Res. 18 (1970) 1138), and the exact
// optimum of a few cities.
//
// Every variant is a closed tour through n vertices: the cities, and for a path a dummy (see distance.hpp). All weights
// are integers, so every bound is exact:
//
//     w(i, j) = unit d(i, j) + pi_i + pi_j,       L(pi) = min { w(T) : T one-tree } - 2 sum pi  <=  unit d(any tour).
//
// A one-tree is a tree that spans all vertices but `root`, and two edges at `root`. Of edges of equal weight the one
// between vertices of smaller numbers comes first (min, then max), so the one-tree is unique and the same in NumPy.
#pragma once

#include "distance.hpp"

namespace minimand::tsp {

using PotentialsIn = Eigen::Ref<const Eigen::Matrix<std::int64_t, Eigen::Dynamic, 1>>;
using PotentialsOut = Eigen::Ref<Eigen::Matrix<std::int64_t, Eigen::Dynamic, 1>>;
using ParentsOut = Eigen::Ref<Eigen::Matrix<std::int32_t, Eigen::Dynamic, 1>>;
using MatesIn = VerticesIn;
using OffsetsIn = Eigen::Ref<const Eigen::Matrix<std::int64_t, Eigen::Dynamic, 1>>;
using EndsIn = Eigen::Ref<const Eigen::Matrix<std::int32_t, Eigen::Dynamic, 1>>;

// Prim's algorithm on the complete graph, n^2 distances and no memory but the arguments, `steps` vertices a call.
// key (n,), parent (n,) need no start; state (5,) starts as zeros and is vertices in the tree, the one that came last,
// weight of the tree; in the end, when state[0] = n, both edges of the root are in it, and their other ends follow.
//     key[j] = min(key[j], w[last, j]); last = argmin(key outside); total += key[last]
void prim_dense(const MatrixIn<double>& points, const LengthsIn& lengths, int metric, double scale,
                const MatesIn& mates, Length penalty, Length unit, const PotentialsIn& pi, Vertex root,
                PotentialsOut key, ParentsOut parent, StateOut state, Index steps);

// near(i - begin) := the k vertices j != i with the least (w(i, j), j), in that order, for begin <= i < end.
//     order = np.lexsort((np.arange(n), w[i])); near[i - begin] = order[order != i][:k]
// (end - begin) n distances.
void nearest_reduced(const MatrixIn<double>& points, const LengthsIn& lengths, int metric, double scale,
                     const MatesIn& mates, Length penalty, Length unit, const PotentialsIn& pi, Index begin, Index end,
                     VerticesOut near, int threads);

// Subgradient steps on a sparse graph: ends[offsets[i] : offsets[i+1]] are the neighbours of i, costs the weights
// unit d of these arcs, symmetric. With g = degrees in the minimum one-tree - 2 and h the g of the step before,
//     pi += rint(step (0.6 g + 0.4 h)), clipped to +-limit;  step *= decay
// (Volgenant and Jonker, EJOR 9 (1982) 83, whose step decays otherwise). In and out: pi, h (n,), step (1,),
// best (n,) = the pi of the largest L, state (3,) = largest L, steps done, 1 if the last one-tree was a tour.
// The L of a sparse graph proves nothing: it may lack the edge that would lower it; it is INT64_MIN if the graph is not
// connected. E log n operations a step.
void ascent(const OffsetsIn& offsets, const EndsIn& ends, const PotentialsIn& costs, Vertex root, Length limit,
            double decay, PotentialsOut pi, PotentialsOut h, PotentialsOut best, VectorOut step, StateOut state,
            Index steps);

// The shortest closed tour through n <= 13 vertices with distances d (n, n), by dynamic programming over subsets
// (Bellman; Held and Karp 1962): f(S, j) = min over i of f(S - j, i) + d(i, j) for paths from vertex n - 1 through S to
// j; of equal ones the smallest i. Out: tour (n,), which begins with n - 1. Returns its length. 2^n n^2 operations.
Length dp(const LengthsIn& d, TourOut tour);

}  // namespace minimand::tsp
