#include "front.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../common/parallel.hpp"

namespace minimand::inpainting {
namespace {

using simd::kLanes;
using simd::Pack;

constexpr Index kTileColumns =
    kLanes >= 8 ? 8 : 4;               // with two vectors of rows: as many sums as there are registers for
constexpr Index kNarrow = 8;           // columns that are eliminated one by one
constexpr Index kDepth = 256;          // columns of L that are subtracted together
constexpr Index kRowChunk = 128;       // rows of L that stay in the cache meanwhile
constexpr double kParallelWork = 2e7;  // multiply-adds from which threads pay
constexpr double kPivotFloor = 4 * std::numeric_limits<double>::epsilon();

// C[i, j] -= sum_k A[i, k] B[j, k] for Packs * kLanes rows i and Columns columns j.
template <Index Packs, Index Columns>
inline void subtract_tile(const double* A, const double* B, Index stride, Index depth, double* C, Index c_stride) {
    Pack sum[Packs][Columns];
    for (Index r = 0; r < Packs; ++r) {
        for (Index j = 0; j < Columns; ++j) sum[r][j] = simd::broadcast(0.0);
    }
    for (Index k = 0; k < depth; ++k) {
        Pack a[Packs];
        for (Index r = 0; r < Packs; ++r) a[r] = simd::load(A + k * stride + r * kLanes);
        for (Index j = 0; j < Columns; ++j) {
            const Pack b = simd::broadcast(B[k * stride + j]);
            for (Index r = 0; r < Packs; ++r) sum[r][j] = simd::fma(a[r], b, sum[r][j]);
        }
    }
    for (Index j = 0; j < Columns; ++j) {
        for (Index r = 0; r < Packs; ++r) {
            double* c = C + j * c_stride + r * kLanes;
            simd::store(c, simd::sub(simd::load(c), sum[r][j]));
        }
    }
}

template <Index Columns>
void subtract_columns(const double* A, const double* B, Index stride, Index depth, double* C, Index c_stride,
                      Index begin, Index end) {
    Index i = begin;
    for (; i + 2 * kLanes <= end; i += 2 * kLanes) {
        subtract_tile<2, Columns>(A + i, B, stride, depth, C + i, c_stride);
    }
    if (i < end) subtract_tile<1, Columns>(A + i, B, stride, depth, C + i, c_stride);
}

template <Index Columns>
void subtract_remainder(Index columns, const double* A, const double* B, Index stride, Index depth, double* C,
                        Index c_stride, Index begin, Index end) {
    if (columns == Columns) {
        subtract_columns<Columns>(A, B, stride, depth, C, c_stride, begin, end);
    } else if constexpr (Columns > 1) {
        subtract_remainder<Columns - 1>(columns, A, B, stride, depth, C, c_stride, begin, end);
    }
}

// C[i, j] -= sum_k A[i, k] A[j, k] for first <= j < last and j <= i < rows, a multiple of the vector length; A has
// `depth` columns. C points at its column `first`. Rows from the vector that holds the diagonal on are written.
void subtract_outer(const double* A, Index stride, Index depth, double* C, Index c_stride, Index first, Index last,
                    Index rows) {
    const auto vector_of = [](Index row) { return row / kLanes * kLanes; };
    for (Index k = 0; k < depth; k += kDepth) {
        const Index layers = std::min(kDepth, depth - k);
        const double* block = A + k * stride;
        for (Index chunk = vector_of(first); chunk < rows; chunk += kRowChunk) {
            const Index chunk_end = std::min(chunk + kRowChunk, rows);
            for (Index j = first; j < last && j < chunk_end; j += kTileColumns) {
                subtract_remainder<kTileColumns>(std::min(kTileColumns, last - j), block, block + j, stride, layers,
                                                 C + (j - first) * c_stride, c_stride, std::max(chunk, vector_of(j)),
                                                 chunk_end);
            }
        }
    }
}

// The same, its columns shared out among threads when they are worth it.
void subtract_outer_shared(const double* A, Index stride, Index depth, double* C, Index c_stride, Index first,
                           Index last, Index rows, int threads) {
    const double work =
        static_cast<double>(depth) * static_cast<double>(last - first) * static_cast<double>(rows - (first + last) / 2);
    if (threads == 1 || work < kParallelWork) {
        subtract_outer(A, stride, depth, C, c_stride, first, last, rows);
        return;
    }
    constexpr Index kShare = 4 * kTileColumns;
    parallel_for((last - first + kShare - 1) / kShare, threads, [&](Index share) {
        const Index begin = first + share * kShare;
        subtract_outer(A, stride, depth, C + share * kShare * c_stride, c_stride, begin, std::min(begin + kShare, last),
                       rows);
    });
}

// Eliminates the columns of the panel in halves: the left one, its part in the right one, the right one. Rows are
// counted from the beginning of a column, so that row 0 of the front is `offset`.
class PanelFactorisation {
  public:
    PanelFactorisation(const Front& front, const double* diagonal, int threads)
        : front_(front), diagonal_(diagonal), stride_(front.panel_stride), threads_(threads) {}

    void columns(Index begin, Index end) const {
        if (end - begin <= kNarrow) {
            narrow(begin, end);
            return;
        }
        const Index middle = begin + (end - begin) / 2;
        columns(begin, middle);
        subtract_outer_shared(column(begin), stride_, middle - begin, column(middle), stride_, front_.offset + middle,
                              front_.offset + end, stride_, threads_);
        columns(middle, end);
    }

  private:
    double* column(Index j) const { return front_.panel + j * stride_; }

    void narrow(Index begin, Index end) const {
        for (Index j = begin; j < end; ++j) {
            double* entries = column(j);
            const Index row = front_.offset + j, start = row / kLanes * kLanes;
            for (Index k = begin; k < j; ++k) {
                const double* left = column(k);
                const Pack factor = simd::broadcast(-left[row]);
                for (Index i = start; i < stride_; i += kLanes) {
                    simd::store(entries + i, simd::fma(factor, simd::load(left + i), simd::load(entries + i)));
                }
            }
            const double pivot = entries[row];
            const double inverse = pivot > kPivotFloor * diagonal_[j] ? 1.0 / std::sqrt(pivot) : 0.0;
            const Pack factor = simd::broadcast(inverse);
            for (Index i = start; i < stride_; i += kLanes) {
                simd::store(entries + i, simd::mul(factor, simd::load(entries + i)));
            }
            entries[row] = inverse;
        }
    }

    const Front& front_;
    const double* diagonal_;  // before the elimination
    const Index stride_;
    const int threads_;
};

}  // namespace

void Front::factor(double* diagonal, int threads) const {
    for (Index j = 0; j < own; ++j) diagonal[j] = column(j)[j];
    PanelFactorisation(*this, diagonal, threads).columns(0, own);
    subtract_outer_shared(panel + offset + own, panel_stride, own, update, update_stride, 0, later, update_stride,
                          threads);
}

void Front::solve_backward(double* x) const {
    const Index rows = own + later;
    for (Index j = own - 1; j >= 0; --j) {
        const double* entries = column(j);
        const Index length = rows - j - 1;
        const double known =
            Eigen::Map<const Vector>(entries + j + 1, length).dot(Eigen::Map<const Vector>(x + j + 1, length));
        x[j] = (entries[rows] - known) * entries[j];
    }
}

}  // namespace minimand::inpainting
