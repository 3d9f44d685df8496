// Products of small and middling matrices, with bias and activation on the way out.
//
// A tile of kTileRows x kTileVectors vectors of C stays in registers while the common dimension runs in one fixed
// order, so an element of C has the same bits however the tiles are cut and whichever thread works on it.
#pragma once

#include "../common/parallel.hpp"
#include "activation.hpp"

namespace minimand::neural_network {

// Element (i, k) is data[i * row + k * column]; one of the strides is 1.
template <class T>
struct Left {
    const T* data;
    Index row, column;
};

// Element (k, j) is data[k * ld + j], or data[j * ld + k] when transposed.
template <class T>
struct Right {
    const T* data;
    Index ld;
    bool transposed;
};

template <class T>
struct Target {
    T* data;
    Index ld;
    bool padded;      // rows may be written up to whole vectors, and read from there
    bool accumulate;  // C += A B, not C = A B
    const T* bias = nullptr;
    Activation activation = Activation::none;
    T slope = T(0);
};

// C = f([C +] A B + bias): M x N, K the common dimension.
//     C = f(A @ B + bias)
template <class T>
void multiply(Index M, Index N, Index K, const Left<T>& A, const Right<T>& B, const Target<T>& C, Team& team);

// The same without packing, where row k of B begins at data[rows[k]]: B is read with any overlap of its rows. N is
// padded to whole vectors, which must be there to read and to write.
template <class T>
void multiply_rows(Index M, Index N, Index K, const Left<T>& A, const T* data, const Index* rows, T* C, Index ldc,
                   bool accumulate);

// C[i * ldc + k] += sum_s sum_j A[s * next_A + i * lda + j] data[s * next + rows[k] + j] over samples s < S and j < N,
// a multiple of the vector length.
template <class T>
void multiply_transposed_rows(Index M, Index K, Index N, Index S, const T* A, Index lda, Index next_A, const T* data,
                              const Index* rows, Index next, T* C, Index ldc);

}  // namespace minimand::neural_network
