#include "tsqr.hpp"

#include <Eigen/QR>
#include <vector>

#include "../common/parallel.hpp"

namespace minimand::least_squares {
namespace {

using Householder = Eigen::HouseholderQR<Eigen::Ref<ColMatrix>>;  // factors in place

// Upper triangle of a factored matrix with the signs that make the diagonal >= 0.
ColMatrix upper_with_positive_diagonal(const Eigen::Ref<const ColMatrix>& factored) {
    const Index t = std::min(factored.rows(), factored.cols());
    ColMatrix R = factored.topRows(t).triangularView<Eigen::Upper>();
    for (Index i = 0; i < t; ++i)
        if (R(i, i) < 0.0) R.row(i).tail(R.cols() - i) *= -1.0;
    return R;
}

// R of [R; below], where `stack` holds R in its first p rows and `rows` further rows beneath.
void fold(ColMatrix& stack, Index p, Index rows) {
    Eigen::Ref<ColMatrix> used = stack.topRows(p + rows);
    Householder qr(used);
    const ColMatrix R = upper_with_positive_diagonal(used);
    stack.topRows(p).setZero();
    stack.topRows(R.rows()) = R;
}

// Rows folded at once: enough that the triangle on top is a small part of the work.
Index fold_rows(Index p) { return std::max<Index>(8 * p, 256); }

// A leaf begins and ends with a triangle of its own, which its rows must outweigh.
Index leaf_count(Index rows, Index p) { return std::clamp<Index>(rows / (16 * p), 1, 32); }

}  // namespace

template <class T>
void tsqr_pass(MatrixIn<T> X, MatrixIn<double> Y, VectorIn weights, VectorIn shift, VectorIn scale, bool intercept,
               Index begin, Index end, MatrixOut R, int threads) {
    const Rows<T> data{X, Y, weights, shift, scale, intercept};
    const Index p = data.columns(), block = fold_rows(p);
    const Leaves leaves(begin, end, block, leaf_count(end - begin, p));
    std::vector<ColMatrix> partial(static_cast<std::size_t>(leaves.count()));
    parallel_for(leaves.count(), threads, [&](Index leaf) {
        ColMatrix stack = ColMatrix::Zero(p + block, p);
        RowMatrix<double> packed(block, p);
        for (Index i = leaves.first(leaf); i < leaves.last(leaf); i += block) {
            const Index rows = std::min(block, leaves.last(leaf) - i);
            data.pack(i, i + rows, packed.data(), p);
            stack.middleRows(p, rows) = packed.topRows(rows);
            fold(stack, p, rows);
        }
        partial[static_cast<std::size_t>(leaf)] = stack.topRows(p);
    });
    parallel_reduce(leaves.count(), threads, [&](Index into, Index from) {
        ColMatrix stack(2 * p, p);
        stack << partial[static_cast<std::size_t>(into)], partial[static_cast<std::size_t>(from)];
        fold(stack, p, p);
        partial[static_cast<std::size_t>(into)] = stack.topRows(p);
    });
    if (!partial.empty()) merge_r(R, RowMatrix<double>(partial.front()));
}

void merge_r(MatrixOut R, MatrixIn<double> other) {
    const Index p = R.cols();
    ColMatrix stack(p + other.rows(), p);
    stack << R, other;
    fold(stack, p, other.rows());
    R = stack.topRows(p);
}

void qr_factor(MatrixIn<double> A, MatrixOut Q, MatrixOut R, int threads) {
    const Index m = A.rows(), n = A.cols(), t = std::min(m, n);
    // Leaves of at least 8 n rows; one leaf, that is plain Householder QR, when the matrix is not tall.
    const Index rows = std::max<Index>({8 * n, 4096, (m + 255) / 256});
    const Index count = std::max<Index>(m / rows, 1);
    const auto first = [&](Index leaf) { return leaf * rows; };
    const auto size = [&](Index leaf) { return leaf + 1 == count ? m - leaf * rows : rows; };

    // Factors `matrix` in place, returns R and writes Q (with R's signs) to `out`.
    const auto factor = [](ColMatrix& matrix, Eigen::Ref<RowMatrix<double>, 0, Eigen::OuterStride<>> out) {
        Eigen::Ref<ColMatrix> in_place = matrix;
        Householder qr(in_place);
        const Index k = std::min(matrix.rows(), matrix.cols());
        ColMatrix thin = ColMatrix::Identity(matrix.rows(), k);
        thin.applyOnTheLeft(qr.householderQ());
        for (Index j = 0; j < k; ++j)
            if (matrix(j, j) < 0.0) thin.col(j) *= -1.0;
        out = thin;
        return upper_with_positive_diagonal(matrix);
    };

    if (count == 1) {
        ColMatrix work = A;
        R = factor(work, Q);
        return;
    }
    ColMatrix tops(count * n, n);
    parallel_for(count, threads, [&](Index leaf) {
        ColMatrix work = A.middleRows(first(leaf), size(leaf));
        tops.middleRows(leaf * n, n) = factor(work, Q.middleRows(first(leaf), size(leaf)));
    });
    RowMatrix<double> tops_q(count * n, t);
    R = factor(tops, tops_q);
    parallel_for(count, threads, [&](Index leaf) {
        const RowMatrix<double> leaf_q = Q.middleRows(first(leaf), size(leaf));
        Q.middleRows(first(leaf), size(leaf)).noalias() = leaf_q * tops_q.middleRows(leaf * n, n);
    });
}

#define MINIMAND_INSTANTIATE(T)                                                                                 \
    template void tsqr_pass<T>(MatrixIn<T>, MatrixIn<double>, VectorIn, VectorIn, VectorIn, bool, Index, Index, \
                               MatrixOut, int);
MINIMAND_INSTANTIATE(double)
MINIMAND_INSTANTIATE(float)
#undef MINIMAND_INSTANTIATE

}  // namespace minimand::least_squares
