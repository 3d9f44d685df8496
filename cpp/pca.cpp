#include "pca.hpp"

#include <vector>

#include "common/parallel.hpp"
#include "least_squares/rows.hpp"

namespace minimand::pca {
namespace {

using least_squares::Leaves;
using least_squares::Rows;

constexpr Index kMostLeaves = 32;
constexpr Index kPartialEntries = Index(1) << 25;  // of all partial products together: 256 MB

// Rows of a packed block: it stays in L2 between the two products, and each of them is worth its call.
Index block_rows(Index columns) { return std::clamp<Index>(131072 / columns / 8 * 8, 64, 512); }

// A leaf has its own n x b product to clear and to add, which its rows must outweigh.
Index leaf_count(Index rows, Index entries) {
    const Index memory = std::max<Index>(kPartialEntries / std::max<Index>(entries, 1), 2);
    return std::clamp<Index>(rows / 512, 1, std::min(kMostLeaves, memory));
}

struct Sums {
    RowMatrix<double> product;
    Vector sums, squares;
    Sums(Index n, Index b) : product(RowMatrix<double>::Zero(n, b)), sums(Vector::Zero(n)), squares(Vector::Zero(n)) {}
    Sums& operator+=(const Sums& other) {
        product += other.product;
        sums += other.sums;
        squares += other.squares;
        return *this;
    }
};

// Block sums first, so that the error grows with the block and the number of blocks, not with the rows.
void add_moments(const RowMatrix<double>& B, Index rows, const double* weights, Vector& block_sum, Vector& block_square,
                 Sums& total) {
    block_sum.setZero();
    block_square.setZero();
    for (Index i = 0; i < rows; ++i) {
        const auto row = B.row(i).transpose().array();
        block_sum.array() += (weights ? std::sqrt(weights[i]) : 1.0) * row;
        block_square.array() += row * row;
    }
    total.sums += block_sum;
    total.squares += block_square;
}

template <class T>
Rows<T> rows_of(MatrixIn<T>& X, const RowMatrix<double>& no_columns, VectorIn& weights, VectorIn& shift,
                VectorIn& scale) {
    return Rows<T>{X, no_columns, weights, shift, scale, false};
}

}  // namespace

template <class T>
void covariance_pass(MatrixIn<T> X, VectorIn weights, VectorIn shift, VectorIn scale, MatrixIn<double> Q, Index begin,
                     Index end, MatrixOut product, VectorOut sums, VectorOut squares, int threads) {
    const RowMatrix<double> no_columns(X.rows(), 0);
    const Rows<T> data = rows_of<T>(X, no_columns, weights, shift, scale);
    const Index n = Q.rows(), b = Q.cols(), block = block_rows(n);
    const Leaves leaves(begin, end, block, leaf_count(end - begin, n * b));
    std::vector<Sums> partial(static_cast<std::size_t>(std::max<Index>(leaves.count(), 1)), Sums(n, b));
    parallel_for(leaves.count(), threads, [&](Index leaf) {
        Sums& total = partial[static_cast<std::size_t>(leaf)];
        RowMatrix<double> B(block, n), P(block, b);
        Vector block_sum(n), block_square(n);
        for (Index i = leaves.first(leaf); i < leaves.last(leaf); i += block) {
            const Index rows = std::min(block, leaves.last(leaf) - i);
            data.pack(i, i + rows, B.data(), n);
            add_moments(B, rows, weights.size() ? weights.data() + i : nullptr, block_sum, block_square, total);
            P.topRows(rows).noalias() = B.topRows(rows) * Q;
            total.product.noalias() += B.topRows(rows).transpose() * P.topRows(rows);
        }
    });
    parallel_reduce(leaves.count(), threads, [&](Index into, Index from) {
        partial[static_cast<std::size_t>(into)] += partial[static_cast<std::size_t>(from)];
    });
    product = partial.front().product;
    sums = partial.front().sums;
    squares = partial.front().squares;
}

template <class T>
void project(MatrixIn<T> X, VectorIn shift, VectorIn scale, MatrixIn<double> Q, Index begin, Index end,
             MatrixOut scores, int threads) {
    const RowMatrix<double> no_columns(X.rows(), 0);
    const Vector no_weights;
    VectorIn unweighted(no_weights);
    const Rows<T> data = rows_of<T>(X, no_columns, unweighted, shift, scale);
    const Index n = Q.rows(), block = block_rows(n);
    const Leaves leaves(begin, end, block, std::max<Index>((end - begin) / (8 * block), 1));
    parallel_for(leaves.count(), threads, [&](Index leaf) {
        RowMatrix<double> B(block, n);
        for (Index i = leaves.first(leaf); i < leaves.last(leaf); i += block) {
            const Index rows = std::min(block, leaves.last(leaf) - i);
            data.pack(i, i + rows, B.data(), n);
            scores.middleRows(i, rows).noalias() = B.topRows(rows) * Q;
        }
    });
}

#define MINIMAND_INSTANTIATE(T)                                                                                 \
    template void covariance_pass<T>(MatrixIn<T>, VectorIn, VectorIn, VectorIn, MatrixIn<double>, Index, Index, \
                                     MatrixOut, VectorOut, VectorOut, int);                                     \
    template void project<T>(MatrixIn<T>, VectorIn, VectorIn, MatrixIn<double>, Index, Index, MatrixOut, int);
MINIMAND_INSTANTIATE(double)
MINIMAND_INSTANTIATE(float)
#undef MINIMAND_INSTANTIATE

}  // namespace minimand::pca
