// Stencil points, difference rules with their errors, and Neville's table.
//
// Derivatives cost as much as the calls of f; what is left are passes over the points and over the values, and these
// kernels make one pass of what NumPy does in ten. The arithmetic is that of the mirror, operation by operation, so
// both give the same bits.
#pragma once

#include "common/types.hpp"

namespace minimand::derivatives {

using IndexVectorIn = Eigen::Ref<const Eigen::Matrix<Index, Eigen::Dynamic, 1>>;

// Row r of points := x + first_step_r e_i + second_step_r e_j, i = first_r, j = second_r, not outside lower and upper.
// O(rows n).
//     points[...] = x
//     points[r, j] = np.clip(points[r, j] + step, lower[j], upper[j])     for (first, first_step), (second,
//     second_step)
void displaced_points(VectorIn x, IndexVectorIn first, VectorIn first_step, IndexVectorIn second, VectorIn second_step,
                      VectorIn lower, VectorIn upper, MatrixOut points);

// out (3, m) := value, truncation and rounding of a difference rule, entry by entry, from values (offsets, m), with
// f_j = f(x + j h) and f_0 = centre:
//     0  central             (f_1 - f_-1)/2h                      f_1, f_-1, f_2, f_-2
//     1  one-sided           (-3 f_0 + 4 f_1 - f_2)/2h            f_1, f_2, f_4
//     2  forward             (f_1 - f_0)/h                        f_1, f_2
//     3  second              (f_1 - 2 f_0 + f_-1)/h^2             f_1, f_-1, f_2, f_-2
//     4  second, one-sided   (2 f_0 - 5 f_1 + 4 f_2 - f_3)/h^2    f_1, f_2, f_3, f_4, f_6
// truncation = |D(h) - D(2h)|/3, in rule 2 without the 3; rule 0 adds a sample of the noise, |f_-2 - 4 f_-1 + 6 f_0 -
// 4 f_1 + f_2|/8h. rounding = a eta/|h|^order, a = 1, 4, 2, 4, 12, eta = max(noise, eps (max|f| + size |f'|)), |f'| the
// slope to the nearest points, which is not 0 at a minimum. h may be negative in the one-sided rules. O(m).
void differences(MatrixIn<double> values, VectorIn centre, VectorIn h, VectorIn size, VectorIn noise, double eps,
                 int rule, MatrixOut out);

// out (3, pairs) := value, truncation and rounding of mixed second derivatives by i = first and j = second, from
// corners (4, pairs), f(x + s h_i e_i + s h_j e_j), and axes (4, n), f(x + s h_i e_i), s = 1, -1, 2, -2:
//     M(h) = (f_++ - f_+i - f_+j + 2 f_0 - f_-i - f_-j + f_--)/2 h_i h_j
// truncation = |M(h) - M(2h)|/3, rounding = 4 eta/(h_i h_j), eta = max(noise, eps (max|f| + |x_i f'_i| + |x_j f'_j|)).
// Half the points of the rule with four corners. O(pairs).
void mixed_differences(MatrixIn<double> corners, MatrixIn<double> axes, double centre, VectorIn h, VectorIn size,
                       double noise, double eps, IndexVectorIn first, IndexVectorIn second, MatrixOut out);

// Extrapolates each column of differences (levels, m), whose step halves from row to row (Richardson; Neville's
// scheme):
//     T[0][i] = differences[i];  T[k][i] = T[k-1][i+1] + (T[k-1][i+1] - T[k-1][i])/(base**k - 1)
// The entry with the least change + rounding[i+k] is taken: out (3, m) gets it and the two terms, level its finest row
// i + k.
//     change = |T[k-1][i+1] - T[k-1][i]| + max(0, |T[k][i] - D| - 2(|D - D'| + rounding[-1])),  D', D the last two rows
// (The distance to T[k-1][i+1] alone is 4^k times less, and no error where the steps are too large for the series. The
// second term is for oscillations that the first steps miss, all alike: the finest one is the judge.) NaN is never
// taken; where all is NaN, out is NaN, inf, inf. O(m levels^2), 2 <= levels <= 16.
void richardson_table(MatrixIn<double> differences, MatrixIn<double> rounding, double base, MatrixOut out,
                      IndexVectorOut level);

}  // namespace minimand::derivatives
