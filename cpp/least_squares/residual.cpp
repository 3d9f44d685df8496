#include "residual.hpp"

#include <vector>

#include "../common/double_double.hpp"
#include "../common/parallel.hpp"

namespace minimand::least_squares {
namespace {

using simd::kLanes;
using simd::Pack;

constexpr Index kLeaves = 32;
constexpr int kGroup = 4;  // rows whose dot products run side by side

// The sums of one leaf, one padded column per right-hand side.
struct Sums {
    Vector high, low, squares;
    Sums(Index ld, Index k) : high(Vector::Zero(ld * k)), low(Vector::Zero(ld * k)), squares(Vector::Zero(k)) {}
};

// kGroup dot products of rows a, a + ld, ... with c.
inline void dots(const double* a, Index ld, Index width, const double* c, double* out) {
    Pack sum[kGroup];
    for (int g = 0; g < kGroup; ++g) sum[g] = simd::broadcast(0.0);
    for (Index v = 0; v < width; v += kLanes) {
        const Pack cv = simd::load(c + v);
        for (int g = 0; g < kGroup; ++g) sum[g] = simd::fma(simd::load(a + g * ld + v), cv, sum[g]);
    }
    for (int g = 0; g < kGroup; ++g) out[g] = simd::sum(sum[g]);
}

// sum_j a_j (c_j + c_low_j) in double-double.
inline Pair<double> dot_pair(const double* a, Index width, const double* c, const double* c_low) {
    Pair<Pack> sum{simd::broadcast(0.0), simd::broadcast(0.0)};
    for (Index v = 0; v < width; v += kLanes) {
        const Pack av = simd::load(a + v);
        Pair<Pack> term = two_prod(av, simd::load(c + v));
        term.low = simd::fma(av, simd::load(c_low + v), term.low);
        accumulate(sum, term);
    }
    double high[kLanes], low[kLanes];
    simd::store(high, sum.high);
    simd::store(low, sum.low);
    Pair<double> total{high[0], low[0]};
    for (int l = 1; l < kLanes; ++l) accumulate(total, Pair<double>{high[l], low[l]});
    return normalised(total);
}

// (sum, sum_low) += a q, lane by lane in double-double.
inline void axpy_pair(const double* a, Index width, const Pair<double>& q, double* sum, double* sum_low) {
    const Pack q_high = simd::broadcast(q.high), q_low = simd::broadcast(q.low);
    for (Index v = 0; v < width; v += kLanes) {
        const Pack av = simd::load(a + v);
        Pair<Pack> term = two_prod(av, q_high);
        term.low = simd::fma(av, q_low, term.low);
        Pair<Pack> s{simd::load(sum + v), simd::load(sum_low + v)};
        accumulate(s, term);
        simd::store(sum + v, s.high);
        simd::store(sum_low + v, s.low);
    }
}

// One packed block against one right-hand side. `a`: rows x ld, the first `width` columns (padded) belong to A.
struct Block {
    const double* a;
    Index rows, ld, width;
    const double* weights;  // of the first row, or null
    double weight(Index i) const { return weights ? weights[i] : 1.0; }

    // Working precision: block sums first, so that the error grows with the block and the tree, not with m.
    void add_working(const double* t, Index t_stride, const double* c, double* block_sum, double* sum,
                     double& squares) const {
        std::fill_n(block_sum, width, 0.0);
        double block_squares = 0.0;
        for (Index i = 0; i < rows; i += kGroup) {  // the buffer holds zero rows up to a multiple of kGroup
            double q[kGroup];
            dots(a + i * ld, ld, width, c, q);
            for (int g = 0; g < kGroup; ++g) {
                const bool inside = i + g < rows;
                const double r = inside ? t[(i + g) * t_stride] - q[g] : 0.0;
                q[g] = inside ? weight(i + g) * r : 0.0;
                block_squares += q[g] * r;
            }
            for (Index v = 0; v < width; v += kLanes) {
                Pack s = simd::load(block_sum + v);
                for (int g = 0; g < kGroup; ++g)
                    s = simd::fma(simd::load(a + (i + g) * ld + v), simd::broadcast(q[g]), s);
                simd::store(block_sum + v, s);
            }
        }
        squares += block_squares;
        for (Index v = 0; v < width; ++v) sum[v] += block_sum[v];
    }

    void add_pairs(const double* t, Index t_stride, const double* c, const double* c_low, bool extended, double* sum,
                   double* sum_low, double& squares) const {
        double block_squares = 0.0;
        for (Index i = 0; i < rows; ++i) {
            const double* row = a + i * ld;
            Pair<double> r{0.0, 0.0};
            if (extended) {
                const Pair<double> fit = dot_pair(row, width, c, c_low);
                r = two_sum(t[i * t_stride], -fit.high);
                r.low -= fit.low;
                r = normalised(r);
            } else {
                Pack dot = simd::broadcast(0.0);
                for (Index v = 0; v < width; v += kLanes) dot = simd::fma(simd::load(row + v), simd::load(c + v), dot);
                r.high = t[i * t_stride] - simd::sum(dot);
            }
            Pair<double> q = two_prod(weight(i), r.high);
            q.low += weight(i) * r.low;
            block_squares += q.high * r.high;
            axpy_pair(row, width, q, sum, sum_low);
        }
        squares += block_squares;
    }
};

}  // namespace

template <class T>
void residual_pass(MatrixIn<T> X, MatrixIn<double> Y, VectorIn weights, VectorIn shift, VectorIn scale, bool intercept,
                   MatrixIn<double> coef, MatrixIn<double> coef_low, int precision, Index begin, Index end,
                   MatrixOut normal, MatrixOut normal_low, VectorOut squares, int threads) {
    const Index q = coef.rows(), k = coef.cols();
    const Index width = round_up(q, kPad), ld = width + round_up(k, kPad);
    const Index block = block_rows(ld);
    // A and T are packed apart: the padding between them must stay 0 for the dot products.
    const RowMatrix<double> no_columns(X.rows(), 0);
    const RowMatrix<T> no_x(Y.rows(), 0);
    const Rows<T> design{X, no_columns, weights, shift.head(X.cols()), scale.head(X.cols()), intercept};
    const Rows<T> targets{no_x, Y, weights, shift.tail(k), scale.tail(k), false};
    ColMatrix c = ColMatrix::Zero(width, k), c_low = ColMatrix::Zero(width, k);
    c.topRows(q) = coef;
    c_low.topRows(q) = coef_low;

    const Leaves leaves(begin, end, block, kLeaves);
    std::vector<Sums> sums(static_cast<std::size_t>(std::max<Index>(leaves.count(), 1)), Sums(width, k));
    parallel_for(leaves.count(), threads, [&](Index leaf) {
        Sums& s = sums[static_cast<std::size_t>(leaf)];
        Vector packed = Vector::Zero((block + kGroup) * width), t(block * std::max<Index>(k, 1)), block_sum(width);
        for (Index i = leaves.first(leaf); i < leaves.last(leaf); i += block) {
            const Index rows = std::min(block, leaves.last(leaf) - i);
            design.template pack<false>(i, i + rows, packed.data(), width);
            targets.template pack<false>(i, i + rows, t.data(), k);
            packed.segment(rows * width, kGroup * width).setZero();
            const Block b{packed.data(), rows, width, width, weights.size() ? weights.data() + i : nullptr};
            for (Index j = 0; j < k; ++j) {
                if (precision == 0)
                    b.add_working(t.data() + j, k, c.col(j).data(), block_sum.data(), s.high.data() + j * width,
                                  s.squares[j]);
                else
                    b.add_pairs(t.data() + j, k, c.col(j).data(), c_low.col(j).data(), precision == 2,
                                s.high.data() + j * width, s.low.data() + j * width, s.squares[j]);
            }
        }
    });
    parallel_reduce(leaves.count(), 1, [&](Index into, Index from) {
        Sums& a = sums[static_cast<std::size_t>(into)];
        const Sums& b = sums[static_cast<std::size_t>(from)];
        for (Index e = 0; e < a.high.size(); ++e) {
            Pair<double> pair{a.high[e], a.low[e]};
            accumulate(pair, Pair<double>{b.high[e], b.low[e]});
            a.high[e] = pair.high;
            a.low[e] = pair.low;
        }
        a.squares += b.squares;
    });
    for (Index j = 0; j < k; ++j)
        for (Index i = 0; i < q; ++i) {
            const Pair<double> sum = normalised({sums[0].high[j * width + i], sums[0].low[j * width + i]});
            normal(i, j) = sum.high;
            normal_low(i, j) = precision ? sum.low : 0.0;
        }
    squares = sums[0].squares;
}

#define MINIMAND_INSTANTIATE(T)                                                                                 \
    template void residual_pass<T>(MatrixIn<T>, MatrixIn<double>, VectorIn, VectorIn, VectorIn, bool,           \
                                   MatrixIn<double>, MatrixIn<double>, int, Index, Index, MatrixOut, MatrixOut, \
                                   VectorOut, int);
MINIMAND_INSTANTIATE(double)
MINIMAND_INSTANTIATE(float)
#undef MINIMAND_INSTANTIATE

}  // namespace minimand::least_squares
