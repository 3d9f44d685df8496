// What all in-painting kernels share: the layout of images and dual fields.
//
// An image of d channels is one (d m) x n array, plane below plane. A dual field has two (m-1) x (n-1) planes for each
// channel, first the vertical differences u[i+1,j]-u[i,j], then the horizontal ones u[i,j+1]-u[i,j]. The term (i, j) of
// the total variation,
//     TV(u) = sum_{i < m-1, j < n-1} |((u[i+1,j] - u[i,j], u[i,j+1] - u[i,j]) for every channel)|,
// ties the pixels (i,j), (i+1,j), (i,j+1). Kernels expect m, n >= 2 unless they say otherwise, check nothing, and give
// the same bits for any number of threads.
#pragma once

#include <cstdint>

#include "../common/types.hpp"

namespace minimand::inpainting {

using Label = std::int32_t;
using Known = MatrixIn<bool>;
using Labels = MatrixIn<Label>;
using LabelsOut = Eigen::Ref<RowMatrix<Label>>;
using IndexVector = Eigen::Matrix<Index, Eigen::Dynamic, 1>;
using IndexVectorIn = Eigen::Ref<const IndexVector>;
using IndexTable = RowMatrix<Index>;
using IndexTableIn = Eigen::Ref<const IndexTable>;
using Rows = Eigen::Map<const Eigen::ArrayXd>;

struct Grid {
    Index rows, columns, channels;

    static Grid of(Index stacked_rows, Index columns, Index channels) {
        return {stacked_rows / channels, columns, channels};
    }
    Index pixels() const { return rows * columns; }
    Index terms() const { return (rows - 1) * (columns - 1); }
};

constexpr Index kBlockRows = 32;  // rows that a task takes at a time

inline Index blocks(Index rows) { return (rows + kBlockRows - 1) / kBlockRows; }

// Threads for a pass over so many pixels: below a fraction of a millisecond, meeting costs more than it gains, and on a
// busy machine ten times as much.
inline int team(Index pixels, int threads) { return pixels < 200'000 ? 1 : threads; }

}  // namespace minimand::inpainting
