// Eigen aliases, once for every kernel. All matrices that cross the boundary are row-major, as NumPy's are.
#pragma once

#include <Eigen/Core>

namespace minimand {

using Index = Eigen::Index;  // 64 bits: row counts times column counts pass 2^31

template <class T>
using RowMatrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ColMatrix = Eigen::MatrixXd;  // column-major work space inside factorisations
using Vector = Eigen::VectorXd;

// Arrays of the caller: views, never copies.
template <class T>
using MatrixIn = Eigen::Ref<const RowMatrix<T>>;
using MatrixOut = Eigen::Ref<RowMatrix<double>>;
using VectorIn = Eigen::Ref<const Vector>;
using VectorOut = Eigen::Ref<Vector>;
using IndexVectorOut = Eigen::Ref<Eigen::Matrix<Index, Eigen::Dynamic, 1>>;

}  // namespace minimand
