#include "structure.hpp"

#include <algorithm>
#include <cmath>

#include "../common/parallel.hpp"

namespace minimand::inpainting {
namespace {

// Parents are stored as pixel + 1, so that 0 can say "known".
Label root(Label* parent, Label pixel) {
    while (parent[pixel - 1] != pixel) {
        parent[pixel - 1] = parent[parent[pixel - 1] - 1];
        pixel = parent[pixel - 1];
    }
    return pixel;
}

void join(Label* parent, Label a, Label b) {
    a = root(parent, a);
    b = root(parent, b);
    parent[std::max(a, b) - 1] = std::min(a, b);  // the first pixel is the root
}

// Joins row i with the row above it; the last column has no ties.
void join_upwards(Label* parent, Index i, Index columns) {
    for (Index j = 0; j + 1 < columns; ++j) {
        const Index below = i * columns + j, above = below - columns;
        if (!parent[below]) continue;
        if (parent[above]) join(parent, static_cast<Label>(below + 1), static_cast<Label>(above + 1));
        if (parent[above + 1]) join(parent, static_cast<Label>(below + 1), static_cast<Label>(above + 2));
    }
}

// The three pixels of the term whose first pixel is `anchor`.
struct Term {
    Index pixel[3];
    Term(Index anchor, Index columns) : pixel{anchor, anchor + columns, anchor + 1} {}
};

}  // namespace

Index label_components(Known known, LabelsOut labels, int threads) {
    const Index rows = known.rows(), columns = known.cols();
    Label* parent = labels.data();
    parallel_for(blocks(rows), team(known.size(), threads), [&](Index block) {
        const Index begin = block * kBlockRows, end = std::min(begin + kBlockRows, rows);
        for (Index i = begin; i < end; ++i) {
            for (Index j = 0; j < columns; ++j) {
                const Index pixel = i * columns + j;
                parent[pixel] = known(i, j) ? 0 : static_cast<Label>(pixel + 1);
                if (i + 1 < rows && j > 0 && parent[pixel] && parent[pixel - 1]) {  // the last row has no ties
                    join(parent, static_cast<Label>(pixel + 1), static_cast<Label>(pixel));
                }
            }
            if (i > begin) join_upwards(parent, i, columns);
        }
    });
    for (Index i = kBlockRows; i < rows; i += kBlockRows) join_upwards(parent, i, columns);

    // A parent comes before its children: when a pixel is reached, its parent has its number already.
    Label count = 0;
    for (Index pixel = 0; pixel < rows * columns; ++pixel) {
        if (parent[pixel]) parent[pixel] = parent[pixel] == pixel + 1 ? ++count : parent[parent[pixel] - 1];
    }
    return count;
}

void component_boxes(MatrixIn<double> image, Labels labels, Index channels, MatrixOut low, MatrixOut high,
                     int threads) {
    const Grid grid = Grid::of(image.rows(), image.cols(), channels);
    low.setConstant(std::numeric_limits<double>::infinity());
    high.setConstant(-std::numeric_limits<double>::infinity());
    const Label* label = labels.data();
    parallel_for(channels, team(image.size(), threads), [&](Index channel) {
        const double* value = image.data() + channel * grid.pixels();
        for (Index i = 0; i + 1 < grid.rows; ++i) {
            for (Index j = 0; j + 1 < grid.columns; ++j) {
                const Term term(i * grid.columns + j, grid.columns);
                const Label component = std::max({label[term.pixel[0]], label[term.pixel[1]], label[term.pixel[2]]});
                if (component == 0) continue;
                for (const Index pixel : term.pixel) {
                    if (label[pixel]) continue;
                    low(component - 1, channel) = std::min(low(component - 1, channel), value[pixel]);
                    high(component - 1, channel) = std::max(high(component - 1, channel), value[pixel]);
                }
            }
        }
    });
}

void prepare(MatrixIn<double> image, Labels labels, MatrixIn<double> box_low, MatrixIn<double> box_high, Index channels,
             double balance, MatrixOut iterate, MatrixOut low, MatrixOut high, MatrixOut tau, MatrixOut sigma,
             MatrixOut dual, int threads) {
    const Grid grid = Grid::of(image.rows(), image.cols(), channels);
    const Index n = grid.columns;
    const Label* label = labels.data();

    const auto pixels = [&](Index i) {
        for (Index j = 0; j < n; ++j) {
            const Label component = label[i * n + j];
            const bool inner_row = i + 1 < grid.rows, inner_column = j + 1 < n;
            const int differences = 2 * (inner_row && inner_column) + (i > 0 && inner_column) + (j > 0 && inner_row);
            tau(i, j) = component && differences ? 1.0 / (balance * differences) : 0.0;
            for (Index c = 0; c < channels; ++c) {
                const Index row = c * grid.rows + i;
                low(row, j) = component ? box_low(component - 1, c) : image(row, j);
                high(row, j) = component ? box_high(component - 1, c) : image(row, j);
                iterate(row, j) = component ? 0.5 * (low(row, j) + high(row, j)) : image(row, j);
            }
        }
    };
    const auto terms = [&](Index i) {
        for (Index j = 0; j + 1 < n; ++j) {
            const bool here = label[i * n + j] != 0;
            const int vertical = here + (label[(i + 1) * n + j] != 0), horizontal = here + (label[i * n + j + 1] != 0);
            const int unknown = std::max(vertical, horizontal);
            sigma(i, j) = unknown ? balance / unknown : 0.0;
            double square = 0.0;
            for (Index c = 0; c < channels; ++c) {
                const Index row = c * grid.rows + i;
                double& down = dual(2 * c * (grid.rows - 1) + i, j);
                double& right = dual((2 * c + 1) * (grid.rows - 1) + i, j);
                down = unknown ? 0.0 : image(row + 1, j) - image(row, j);
                right = unknown ? 0.0 : image(row, j + 1) - image(row, j);
                square += down * down + right * right;
            }
            const double norm = std::sqrt(square);
            if (norm == 0.0) continue;
            for (Index plane = 0; plane < 2 * channels; ++plane) dual(plane * (grid.rows - 1) + i, j) /= norm;
        }
    };
    parallel_for(blocks(grid.rows), team(image.size(), threads), [&](Index block) {
        const Index end = std::min((block + 1) * kBlockRows, grid.rows);
        for (Index i = block * kBlockRows; i < end; ++i) {
            pixels(i);
            if (i + 1 < grid.rows) terms(i);
        }
    });
}

}  // namespace minimand::inpainting
