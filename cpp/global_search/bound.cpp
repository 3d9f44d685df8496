#include <limits>
#include <vector>

#include "../common/parallel.hpp"
#include "boxes.hpp"
#include "cell.hpp"

namespace minimand::global_search {

namespace {

constexpr Index kMost = 30;  // variables
using Small = std::array<double, kMost>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

enum Fall : int { kNone, kLeft, kRight, kConcave };

struct Cell {
    Index n;
    Small h;
    std::array<bool, kMost> free;
    double r;
};

// The row of a point, or the only one.
const double* row_of(const MatrixIn<double>& table, Index id) {
    return table.data() + (table.rows() > 1 ? id : 0) * table.outerStride();
}

// min {g d + l d^2/2: |d| <= w}, |g| = steep
double dip(double steep, double w, double l) {
    return steep >= l * w ? 0.5 * (l * w * w) - steep * w : -(steep * steep) / (2.0 * l);
}

// l_j with d'(H - shift I)d >= sum_j l_j d_j^2 in the cell.
double curvature(const double* H, const Cell& cell, Index j, double shift) {
    double total = H[j * cell.n + j] - shift;
    for (Index i = 0; i < cell.n; ++i)
        if (i != j && cell.free[i]) total -= std::abs(H[j * cell.n + i]) * (cell.h[i] / cell.h[j]);
    return total;
}

// g'(H - shift I)^-1 g in the free directions by LDL', infinity if that is not positive definite. The shift covers the
// backward error of the factorisation.
double newton(const double* H, const double* g, const Cell& cell, double shift) {
    const Index n = cell.n;
    std::array<Small, kMost> L;
    Small D, y;
    double total = 0.0;
    for (Index j = 0; j < n; ++j) {
        D[j] = 1.0;
        y[j] = 0.0;
        if (cell.free[j]) {
            double d = H[j * n + j] - shift, z = g[j];
            for (Index k = 0; k < j; ++k) {
                d -= L[j][k] * L[j][k] * D[k];
                z -= L[j][k] * y[k];
            }
            if (!(d > 0.0)) return kInfinity;
            D[j] = d;
            y[j] = z;
        }
        for (Index i = j + 1; i < n; ++i) {
            L[i][j] = 0.0;
            if (!cell.free[j] || !cell.free[i]) continue;
            double entry = H[i * n + j];
            for (Index k = 0; k < j; ++k) entry -= L[i][k] * L[j][k] * D[k];
            L[i][j] = entry / D[j];
        }
        total += y[j] * y[j] / D[j];
    }
    return total;
}

}  // namespace

void boxes_bound(MatrixIn<double> bounds, CellsIn cells, IndexVectorIn point, VectorIn value, MatrixIn<double> gradient,
                 MatrixIn<double> gradient_error, MatrixIn<double> hessian, VectorIn slopes, VectorIn constants,
                 VectorIn weights, Index first, Index last, VectorOut bound, IndexVectorOut action, IndexVectorOut heap,
                 IndexVectorOut counts, int threads) {
    const Index n = bounds.rows();
    const double M = constants[0], K = constants[1], third = constants[2], margin = constants[3];

    const auto one = [&](Index node) {
        const Index id = point[node];
        const double f = value[id];
        // The cell
        Cell cell;
        cell.n = n;
        double square = 0.0, sums = 0.0;
        for (Index j = 0; j < n; ++j) {
            cell.h[j] = decode(bounds(j, 0), bounds(j, 1), cells(node, j)).half;
            cell.free[j] = cells(node, j) >= 0;
            square += cell.h[j] * cell.h[j];
            sums += std::isfinite(slopes[j]) ? slopes[j] * cell.h[j] : kInfinity;
        }
        const double r = cell.r = std::sqrt(square);
        // Bounds
        double best = std::isfinite(M) ? f - M * r : -kInfinity;
        best = std::max(best, f - sums);
        std::array<Fall, kMost> fall{};
        if (gradient.rows() > 0) {
            const double* g = row_of(gradient, id);
            const double* e = row_of(gradient_error, id);
            Small spread;
            spread.fill(kInfinity);
            if (std::isfinite(K)) {
                double total = 0.0;
                for (Index j = 0; j < n; ++j) {
                    spread[j] = K * r;
                    total += dip(std::abs(g[j]) + e[j], cell.h[j], -K);
                }
                best = std::max(best, f + total);
            }
            if (hessian.rows() > 0) {
                const double* H = row_of(hessian, id);
                double largest = 0.0;
                for (Index k = 0; k < n * n; ++k) largest = std::max(largest, std::abs(H[k]));
                const double shift = third * r / 3.0 + 64.0 * static_cast<double>(n) * kEps * largest;
                double total = 0.0;
                for (Index j = 0; j < n; ++j)
                    total += cell.free[j] ? dip(std::abs(g[j]) + e[j], cell.h[j], curvature(H, cell, j, shift)) : 0.0;
                best = std::max(best, f + total);
                best = std::max(best, f - 0.5 * newton(H, g, cell, shift));
                for (Index j = 0; j < n; ++j) {
                    double change = 0.5 * (third * r * r);
                    for (Index i = 0; i < n; ++i) change += std::abs(H[j * n + i]) * cell.h[i];
                    spread[j] = std::min(spread[j], change);
                    if (H[j * n + j] + (third * r + 64.0 * kEps * largest) < 0.0) fall[j] = kConcave;
                }
            }
            for (Index j = 0; j < n; ++j)
                if (std::abs(g[j]) - e[j] > spread[j] * (1.0 + 1e-12)) fall[j] = g[j] > 0.0 ? kLeft : kRight;
        }
        bound[node] = best - (margin + 4.0 * kEps * (std::abs(f) + std::abs(best - f)));
        // What to do
        Index todo = 0;
        double widest = 0.0;
        bool decided = false;
        for (Index j = 0; j < n && !decided; ++j) {
            if (!cell.free[j]) continue;
            const std::size_t l = level_of(cells(node, j));
            const Index index = cells(node, j) - kLadder.first[l];
            if (fall[j] != kNone) {
                const bool low = index == 0 && fall[j] != kRight;
                const bool high = index == kLadder.power[l] - 1 && fall[j] != kLeft;
                decided = !(low && high);
                if (decided) todo = 4 * j + (low ? kToLow : high ? kToHigh : kExclude);
            }
            const double finest = 16.0 * kEps * std::max(std::abs(bounds(j, 0)), std::abs(bounds(j, 1)));
            const double width = weights[j] * cell.h[j];
            if (!decided && l + 1 < kLevels && cell.h[j] > finest && width > widest) {
                widest = width;
                todo = 4 * j + kDivide;
            }
        }
        action[node] = todo;
        if (decided && (todo - 1) % 4 + 1 == kExclude) bound[node] = kInfinity;
    };

    constexpr Index kBlock = 64;
    const Index work = (last - first) * (hessian.rows() > 0 ? n * n * n + 40 * n : 20 * n);
    parallel_for((last - first + kBlock - 1) / kBlock, work < 200'000 ? 1 : threads, [&](Index task) {
        const Index begin = first + task * kBlock;
        for (Index node = begin; node < std::min(last, begin + kBlock); ++node) one(node);
    });
    for (Index node = first; node < last; ++node)
        if (action[node] > 0 && (action[node] - 1) % 4 + 1 != kExclude) push(bound.data(), heap, counts, node);
}

}  // namespace minimand::global_search
