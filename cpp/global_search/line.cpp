#include "line.hpp"

#include <cmath>
#include <limits>

namespace minimand::global_search {

namespace {

struct Gap {
    double a, b, fa, fb, w;
};

struct Tooth {
    double bound, where;
};

void offer(Tooth& best, double bound, double where) {
    if (bound > best.bound) best = {bound, where};
}

void by_curvature(const Gap& gap, double K, Tooth& best) {
    const double w = gap.w, s = (gap.fb - gap.fa) / w, middle = gap.a + 0.5 * w;
    if (std::abs(s) <= 0.5 * (K * w))
        offer(best, (0.5 * (gap.fa + gap.fb) - 0.125 * (K * w * w)) - (s * s) / (2.0 * K), middle - s / K);
    else
        offer(best, std::min(gap.fa, gap.fb), middle);
}

void by_parabolas(const Gap& gap, double ga, double gb, double K, Tooth& best) {
    const double w = gap.w;
    double t = ((gap.fa - gap.fb) + gb * w + 0.5 * (K * w * w)) / (K * w + (gb - ga));
    if (!(t > 0.0 && t < w)) t = 0.5 * w;
    const double left = (gap.fa + ga * t) - 0.5 * (K * t * t);
    const double right = (gap.fb - gb * (w - t)) - 0.5 * (K * (w - t) * (w - t));
    offer(best, std::min(std::min(gap.fa, gap.fb), std::min(left, right)), gap.a + t);
}

struct Witness {
    VectorOut& observed;
    Cells& points;

    void raise(Index which, double seen, Index a, Index b, Index c) {
        if (!(seen > observed[which])) return;
        observed[which] = seen;
        points(which, 0) = a;
        points(which, 1) = b;
        points(which, 2) = c;
    }
};

}  // namespace

void line_open(VectorIn x, VectorIn value, VectorIn slope, IndexVectorIn following, VectorOut bound,
               VectorOut candidate, VectorIn constants, IndexVectorOut heap, IndexVectorOut counts,
               IndexVectorIn gaps) {
    const double M = constants[0], K = constants[1], margin = constants[3];
    for (const Index i : gaps) {
        const Index next = following[i];
        const Gap gap{x[i], x[next], value[i], value[next], x[next] - x[i]};
        Tooth best{-std::numeric_limits<double>::infinity(), gap.a + 0.5 * gap.w};
        if (std::isfinite(M))
            offer(best, 0.5 * (gap.fa + gap.fb) - 0.5 * (M * gap.w),
                  (gap.a + 0.5 * gap.w) + (gap.fa - gap.fb) / (2.0 * M));
        if (std::isfinite(K)) {
            by_curvature(gap, K, best);
            if (slope.size() > 0) by_parabolas(gap, slope[i], slope[next], K, best);
        }
        const double size = std::max(std::abs(gap.fa), std::abs(gap.fb));
        bound[i] = best.bound - (margin + 4.0 * kEps * (size + std::abs(best.bound)));
        if (!(best.where > gap.a && best.where < gap.b)) best.where = gap.a + 0.5 * gap.w;
        candidate[i] = best.where;
        const double finest = 8.0 * kEps * std::max(std::abs(gap.a), std::abs(gap.b));
        if (best.where > gap.a && best.where < gap.b && gap.w > finest) push(bound.data(), heap, counts, i);
    }
}

void line_insert(VectorIn x, VectorIn value, VectorIn slope, IndexVectorOut following, VectorOut bound,
                 VectorOut candidate, VectorIn constants, IndexVectorOut heap, IndexVectorOut counts,
                 IndexVectorIn gaps, double scale, VectorOut observed, Cells witness) {
    const double margin = 2.0 * constants[3] + 16.0 * kEps * scale;
    Witness seen{observed, witness};
    IndexVector parts(2 * gaps.size());
    for (Index k = 0; k < gaps.size(); ++k) {
        const Index a = gaps[k], b = following[a], p = counts[kPoints]++;
        const auto neighbours = [&](Index left, Index right) {
            const double d = x[right] - x[left], rise = value[right] - value[left];
            seen.raise(0, (std::abs(rise) - margin) / d, left, right, right);
            if (slope.size() == 0) return;
            for (const Index end : {left, right})
                seen.raise(1, 2.0 * (std::abs(rise - slope[end] * d) - margin) / (d * d), left, right, right);
            seen.raise(0, std::abs(slope[p]), p, p, p);
        };
        neighbours(a, p);
        neighbours(p, b);
        const double u = x[p] - x[a], v = x[b] - x[p];
        const double bend = std::abs((value[b] - value[p]) / v - (value[p] - value[a]) / u);
        seen.raise(1, 2.0 * (bend - (margin / u + margin / v)) / (u + v), a, p, b);
        following[p] = b;
        following[a] = p;
        parts[2 * k] = a;
        parts[2 * k + 1] = p;
    }
    line_open(x, value, slope, following, bound, candidate, constants, heap, counts, parts);
}

}  // namespace minimand::global_search
