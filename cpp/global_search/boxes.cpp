#include "boxes.hpp"

#include <numeric>
#include <vector>

#include "../common/parallel.hpp"
#include "cell.hpp"

namespace minimand::global_search {

Index pop_least(VectorIn bound, IndexVectorOut heap, IndexVectorOut counts, double threshold, IndexVectorOut chosen) {
    Index taken = 0;
    while (taken < chosen.size() && counts[kOpen] > 0 && bound[heap[0]] < threshold) {
        std::pop_heap(heap.data(), heap.data() + counts[kOpen], later(bound.data()));
        chosen[taken++] = heap[--counts[kOpen]];
    }
    return taken;
}

Index boxes_divide(MatrixIn<double> bounds, Cells cells, IndexVectorOut point, IndexVectorIn action,
                   IndexVectorOut child, IndexVectorOut counts, IndexVectorIn chosen, MatrixOut points) {
    Index fresh = 0;
    for (const Index parent : chosen) {
        const Index j = (action[parent] - 1) / 4, kind = (action[parent] - 1) % 4 + 1, side = cells(parent, j);
        child[parent] = counts[kNodes];
        for (Index part = 0; part < (kind == kDivide ? 3 : 1); ++part) {
            const Index node = counts[kNodes]++;
            cells.row(node) = cells.row(parent);
            cells(node, j) = kind == kDivide ? 3 * side + 1 + part : kind == kToLow ? kLow : kHigh;
            child[node] = -1;
            if (kind == kDivide && part == 1) {
                point[node] = point[parent];
                continue;
            }
            point[node] = counts[kPoints]++;
            for (Index i = 0; i < bounds.rows(); ++i)
                points(fresh, i) = decode(bounds(i, 0), bounds(i, 1), cells(node, i)).centre;
            ++fresh;
        }
    }
    return fresh;
}

void boxes_observe(MatrixIn<double> bounds, CellsIn cells, IndexVectorIn point, VectorIn value,
                   MatrixIn<double> gradient, MatrixIn<double> gradient_error, MatrixIn<double> hessian, double margin,
                   double scale, IndexVectorIn action, IndexVectorIn child, IndexVectorIn chosen, VectorOut observed,
                   Cells witness) {
    const Index n = cells.cols();
    const double slack = 2.0 * margin + 16.0 * kEps * scale;
    const auto row = [](const MatrixIn<double>& table, Index id) { return table.rows() > 1 ? id : 0; };
    for (const Index parent : chosen) {
        const Index j = (action[parent] - 1) / 4, parts = (action[parent] - 1) % 4 + 1 == kDivide ? 3 : 1;
        const double here = decode(bounds(j, 0), bounds(j, 1), cells(parent, j)).centre;
        for (Index node = child[parent]; node < child[parent] + parts; ++node) {
            const auto raise = [&](Index which, double seen) {
                if (!(seen > observed[which])) return;
                observed[which] = seen;
                witness(which, 0) = parent;
                witness(which, 1) = node;
            };
            const Index id = point[node];
            const double d = here - decode(bounds(j, 0), bounds(j, 1), cells(node, j)).centre, reach = std::abs(d);
            if (id == point[parent] || reach == 0.0) continue;
            const double rise = value[point[parent]] - value[id];
            raise(j, (std::abs(rise) - slack) / reach);
            raise(n, (std::abs(rise) - slack) / reach);
            if (gradient.rows() == 0) continue;
            const Index ig = row(gradient, id), ie = row(gradient_error, id);
            double norm = 0.0;
            for (Index i = 0; i < n; ++i) {
                const double steep = std::max(std::abs(gradient(ig, i)) - gradient_error(ie, i), 0.0);
                raise(i, steep);
                norm += steep * steep;
            }
            raise(n, std::sqrt(norm));
            // Differences do not look across a face.
            if (gradient_error.rows() > 1 && cells(node, j) < 0) continue;
            const double e = gradient_error(ie, j), rest = rise - gradient(ig, j) * d;
            raise(n + 1, 2.0 * (std::abs(rest) - e * reach - slack) / (reach * reach));
            if (hessian.rows() == 0) continue;
            const double last = rest - 0.5 * (hessian(row(hessian, id), j * n + j) * (d * d));
            raise(n + 2, 6.0 * (std::abs(last) - e * reach - slack) / (reach * reach * reach));
        }
    }
}

Index hull_select(VectorIn size, VectorIn value, double least, double epsilon, IndexVectorOut chosen) {
    // The least of each size.
    std::vector<Index> order(static_cast<std::size_t>(size.size()));
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
        return size[a] < size[b] || (size[a] == size[b] && value[a] < value[b]);
    });
    std::vector<Index> best;
    for (const Index i : order)
        if (best.empty() || size[i] != size[best.back()]) best.push_back(i);
    // Their hull, from the largest with the least value on.
    std::size_t start = 0;
    for (std::size_t k = 1; k < best.size(); ++k)
        if (value[best[k]] <= value[best[start]]) start = k;
    std::vector<Index> hull;
    for (std::size_t k = start; k < best.size(); ++k) {
        const Index i = best[k];
        while (hull.size() > 1) {
            const Index a = hull[hull.size() - 2], b = hull.back();
            if ((value[b] - value[a]) * (size[i] - size[b]) < (value[i] - value[b]) * (size[b] - size[a])) break;
            hull.pop_back();
        }
        hull.push_back(i);
    }
    Index count = 0;
    for (std::size_t k = 0; k < hull.size() && count < chosen.size(); ++k) {
        const Index i = hull[k];
        if (k + 1 < hull.size()) {
            const Index after = hull[k + 1];
            const double slope = (value[after] - value[i]) / (size[after] - size[i]);
            if (value[i] - slope * size[i] > least - epsilon * std::abs(least)) continue;
        }
        chosen[count++] = i;
    }
    return count;
}

void quadratic(MatrixIn<double> Q, VectorIn p, MatrixIn<double> points, VectorOut value, MatrixOut gradient,
               int threads) {
    constexpr Index kBlock = 256;
    const Index m = points.rows(), n = p.size();
    const auto block = [&](Index task) {
        for (Index k = task * kBlock; k < std::min(m, (task + 1) * kBlock); ++k) {
            double total = 0.0;
            for (Index i = 0; i < n; ++i) {
                double product = 0.0;
                for (Index j = 0; j < n; ++j) product += Q(i, j) * points(k, j);
                gradient(k, i) = product + p[i];
                total += points(k, i) * (0.5 * product + p[i]);
            }
            value[k] = total;
        }
    };
    parallel_for((m + kBlock - 1) / kBlock, m * n * n < 400'000 ? 1 : threads, block);
}

}  // namespace minimand::global_search
