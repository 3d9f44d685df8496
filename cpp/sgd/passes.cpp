#include "passes.hpp"

#include <vector>

#include "../common/parallel.hpp"
#include "../least_squares/rows.hpp"
#include "packed.hpp"

namespace minimand::sgd {
namespace {

constexpr Index kLeaves = 32;

template <class T>
constexpr const T* const* kNone = nullptr;  // rows to ask for: the pass itself does

// Calls body(leaf, first row, rows, pointers, buffer) for blocks of rows; pointers are rounded up to kGroup by
// repeating one, and the buffer of all classes begins as zero.
template <class T, class Body>
void for_blocks(const Rows<T>& rows, Index classes, const least_squares::Leaves& leaves, int threads, Body&& body) {
    parallel_for(leaves.count(), threads, [&](Index leaf) {
        std::vector<double> buffer(static_cast<std::size_t>(classes * kStride), 0.0);
        for (Index i = leaves.first(leaf); i < leaves.last(leaf); i += rows.block()) {
            const Index count = std::min(rows.block(), leaves.last(leaf) - i);
            const T* x[kBlock] = {};
            for (Index r = 0; r < count; ++r) {
                x[r] = rows.row(i + r);
                simd::prefetch_ahead(x[r], rows.columns());
            }
            for (Index r = count; r < kBlock; ++r) x[r] = x[0];
            body(leaf, i, count, x, buffer.data());
        }
    });
}

// A pass of few products stays on one thread.
int useful(int threads, Index rows, Index products) {
    return static_cast<double>(rows) * static_cast<double>(products) < 1e6 ? 1 : threads;
}

}  // namespace

template <class T>
void margin_pass(MatrixIn<T> X, MatrixIn<double> theta, Index begin, Index end, MatrixOut margins, int threads) {
    const Rows<T> rows(X);
    const Index K = theta.rows(), ld = rows.ld(), d = X.cols();
    RowMatrix<double> w = RowMatrix<double>::Zero(K, ld);
    w.leftCols(d) = theta.leftCols(d);
    const least_squares::Leaves leaves(begin, end, kBlock, kLeaves);
    for_blocks(rows, K, leaves, useful(threads, end - begin, K * d),
               [&](Index, Index first, Index count, const T* const* x, double* product) {
                   predict(x, round_up(count, kGroup), w.data(), K, ld, product, kNone<T>);
                   for (Index r = 0; r < count; ++r)
                       for (Index k = 0; k < K; ++k) margins(first + r, k) = product[k * kStride + r] + theta(k, d);
               });
}

template <class T>
void transposed_pass(MatrixIn<T> X, MatrixIn<double> q, Index begin, Index end, MatrixOut sums, int threads) {
    const Rows<T> rows(X);
    const Index K = q.cols(), ld = rows.ld(), d = X.cols();
    const least_squares::Leaves leaves(begin, end, kBlock, kLeaves);
    RowMatrix<double> partial = RowMatrix<double>::Zero(std::max<Index>(leaves.count(), 1), K * ld);
    for_blocks(rows, K, leaves, useful(threads, end - begin, K * d),
               [&](Index leaf, Index first, Index count, const T* const* x, double* factor) {
                   const Index padded = round_up(count, kGroup);
                   for (Index k = 0; k < K; ++k)
                       for (Index r = 0; r < padded; ++r) factor[k * kStride + r] = r < count ? q(first + r, k) : 0.0;
                   add_outer(x, padded, factor, K, ld, partial.data() + leaf * K * ld, kNone<T>);
               });
    parallel_reduce(leaves.count(), 1, [&](Index into, Index from) { partial.row(into) += partial.row(from); });
    for (Index k = 0; k < K; ++k) sums.row(k) = partial.row(0).segment(k * ld, d);
}

template <class T>
void square_pass(MatrixIn<T> X, Index begin, Index end, VectorOut squares, int threads) {
    const least_squares::Leaves leaves(begin, end, kBlock, kLeaves);
    const Index d = X.cols();
    parallel_for(leaves.count(), useful(threads, end - begin, d), [&](Index leaf) {
        for (Index i = leaves.first(leaf); i < leaves.last(leaf); ++i) {
            simd::prefetch_ahead(X.data() + i * d, d);
            squares[i] = X.row(i).template cast<double>().squaredNorm();
        }
    });
}

template void margin_pass<double>(MatrixIn<double>, MatrixIn<double>, Index, Index, MatrixOut, int);
template void margin_pass<float>(MatrixIn<float>, MatrixIn<double>, Index, Index, MatrixOut, int);
template void transposed_pass<double>(MatrixIn<double>, MatrixIn<double>, Index, Index, MatrixOut, int);
template void transposed_pass<float>(MatrixIn<float>, MatrixIn<double>, Index, Index, MatrixOut, int);
template void square_pass<double>(MatrixIn<double>, Index, Index, VectorOut, int);
template void square_pass<float>(MatrixIn<float>, Index, Index, VectorOut, int);

}  // namespace minimand::sgd
