// What checks of a network need: its loss next to a point, and norms that bound the largest singular value.
//
// In float64 only: differences of float32 losses say nothing. NumPy: minimand/reference/neural_network/checks.py.
#pragma once

#include "net.hpp"

namespace minimand::neural_network {

// out(k, j) := sum w loss with offsets(k, j) added to parameter index[k].
//     for k, i in enumerate(index):
//         for j in range(offsets.shape[1]):
//             out[k, j] = loss(theta + offsets[k, j] * e_i)
// Each row of `thetas` (the parameters) and of `work` (an arena) serves one share of the work; losses do not depend on
// how many there are.
void losses_around(IndexMatrixIn ops, MatrixIn<double> reals, IndexMatrixIn slots, IndexVectorIn layout,
                   MatOut<double> thetas, VecIn<double> running, bool training, MatrixIn<double> X,
                   IndexVectorIn labels, MatrixIn<double> targets, VectorIn weights, KeyIn key, std::uint64_t step,
                   IndexVectorIn index, MatrixIn<double> offsets, MatOut<double> out, MatOut<double> work, int threads);

// norms[i] := |G_i|_F with G_0 = W (m, n) and G_{i+1} = H'H, H = G_i / |G_i|_F (Delattre et al., ICML 2023).
// `work` has m n + n n numbers, n <= m. O(k n^3).
void gram_norms(MatrixIn<double> W, VectorOut norms, VectorOut work, int threads);

}  // namespace minimand::neural_network
