#include "sweeps.hpp"

#include <Eigen/QR>
#include <algorithm>
#include <limits>
#include <type_traits>

namespace minimand::rendezvous {
namespace {

// Calls body(N) with the number of states as a compile-time constant where it is small: the steps of a sweep wait for
// each other, so that loops of unknown length would take most of the time.
template <class Body>
void with_states(Index n, Body&& body) {
    switch (n) {
        case 1:
            return body(std::integral_constant<int, 1>());
        case 2:
            return body(std::integral_constant<int, 2>());
        case 3:
            return body(std::integral_constant<int, 3>());
        case 4:
            return body(std::integral_constant<int, 4>());
        case 5:
            return body(std::integral_constant<int, 5>());
        case 6:
            return body(std::integral_constant<int, 6>());
        case 7:
            return body(std::integral_constant<int, 7>());
        case 8:
            return body(std::integral_constant<int, 8>());
        default:
            return body(std::integral_constant<int, 0>());
    }
}

// out := M in for M (n, n) by columns; n = N unless that is 0.
template <int N>
inline void apply(const double* M, const double* in, double* out, Index n) {
    const Index size = N > 0 ? N : n;
    for (Index i = 0; i < size; ++i) out[i] = M[i] * in[0];
    for (Index j = 1; j < size; ++j)
        for (Index i = 0; i < size; ++i) out[i] += M[j * size + i] * in[j];
}

}  // namespace

void lower_factor(const ColMatrix& M, ColMatrix& L) {
    const Index n = M.rows(), k = std::min(n, M.cols());
    const Eigen::HouseholderQR<ColMatrix> qr(M.transpose());
    L.setZero(n, n);
    for (Index j = 0; j < k; ++j)
        for (Index i = j; i < n; ++i) L(i, j) = qr.matrixQR()(j, i);
}

void reach_factor(MatrixIn<double> A, MatrixIn<double> B, Index steps, MatrixOut L, MatrixOut P) {
    const Index n = A.rows(), m = B.cols();
    ColMatrix reach = ColMatrix::Zero(n, n), power = ColMatrix::Identity(n, n);
    ColMatrix twice(n, 2 * n), once(n, n + m), next(n, n);
    int bits = 0;
    while (bits < 63 && (steps >> bits) != 0) ++bits;
    for (int bit = bits - 1; bit >= 0; --bit) {
        twice.leftCols(n) = reach;
        twice.rightCols(n).noalias() = power * reach;
        lower_factor(twice, reach);
        next.noalias() = power * power;
        power.swap(next);
        if ((steps >> bit) & 1) {
            once.leftCols(n).noalias() = A * reach;
            once.rightCols(m) = B;
            lower_factor(once, reach);
            next.noalias() = A * power;
            power.swap(next);
        }
        if (!reach.allFinite() || !power.allFinite()) {
            reach.setConstant(std::numeric_limits<double>::quiet_NaN());
            power = reach;
            break;
        }
    }
    L = reach;
    P = power;
}

void adjoint_sweep(MatrixIn<double> A, MatrixIn<double> B, VectorOut mu, MatrixOut y) {
    const Index n = A.rows(), m = B.cols();
    const ColMatrix back = A.transpose(), inputs = B;
    Vector now = mu, next(n);
    with_states(n, [&](auto states) {
        constexpr int N = decltype(states)::value;
        const Index size = N > 0 ? N : n;
        for (Index t = y.rows() - 1; t >= 0; --t) {
            for (Index j = 0; j < m; ++j) {
                const double* column = inputs.data() + j * size;
                double sum = 0.0;
                for (Index i = 0; i < size; ++i) sum += column[i] * now.data()[i];
                y(t, j) = sum;
            }
            apply<N>(back.data(), now.data(), next.data(), n);
            now.swap(next);
        }
    });
    mu = now;
}

void rollout(MatrixIn<double> A, MatrixIn<double> B, MatrixIn<double> u, MatrixOut x) {
    const Index n = A.rows(), m = B.cols();
    const ColMatrix forward = A, inputs = B;
    with_states(n, [&](auto states) {
        constexpr int N = decltype(states)::value;
        const Index size = N > 0 ? N : n;
        for (Index t = 0; t < u.rows(); ++t) {
            const double* now = x.data() + t * size;
            double* next = x.data() + (t + 1) * size;
            apply<N>(forward.data(), now, next, n);
            for (Index j = 0; j < m; ++j)
                for (Index i = 0; i < size; ++i) next[i] += inputs.data()[j * size + i] * u(t, j);
        }
    });
}

void input_rows(MatrixIn<double> A, MatrixIn<double> B, MatrixOut Phi, MatrixOut rows) {
    const Index n = A.rows(), m = B.cols(), r = Phi.rows();
    const ColMatrix back = A.transpose(), inputs = B;
    ColMatrix now = Phi.transpose(), next(n, r);
    with_states(n, [&](auto states) {
        constexpr int N = decltype(states)::value;
        const Index size = N > 0 ? N : n;
        for (Index t = rows.rows() / m - 1; t >= 0; --t) {
            for (Index j = 0; j < m; ++j)
                for (Index k = 0; k < r; ++k) {
                    const double *column = inputs.data() + j * size, *state = now.data() + k * size;
                    double sum = 0.0;
                    for (Index i = 0; i < size; ++i) sum += column[i] * state[i];
                    rows(t * m + j, k) = sum;
                }
            for (Index k = 0; k < r; ++k) apply<N>(back.data(), now.data() + k * size, next.data() + k * size, n);
            now.swap(next);
        }
    });
    Phi = now.transpose();
}

}  // namespace minimand::rendezvous
