#include "boundary.hpp"

#include <Eigen/QR>
#include <cmath>
#include <vector>

namespace minimand::rendezvous {
namespace {

// The elimination of one step, with its work space.
class Stage {
  public:
    Stage(const MatrixIn<double>& A, const MatrixIn<double>& S, const MatrixIn<double>& forcing, Index columns)
        : n_(A.rows()), p_(columns), forcing_(forcing), block_(3 * n_, 4 * n_ + p_), step_(3 * n_, 4 * n_) {
        const double n = static_cast<double>(n_), size = A.squaredNorm();
        state_ = 1.0 / std::sqrt(size + S.squaredNorm() + n);
        const double costate = 1.0 / std::sqrt(size + n);
        step_.setZero();
        step_.block(n_, 0, n_, n_) = -state_ * A;
        step_.block(n_, 2 * n_, n_, n_).diagonal().setConstant(state_);
        step_.block(n_, 3 * n_, n_, n_) = -state_ * S;
        step_.block(2 * n_, n_, n_, n_).diagonal().setConstant(costate);
        step_.block(2 * n_, 3 * n_, n_, n_) = -costate * A.transpose();
    }

    // Takes the equations on step t, leaves those on t + 1 there.
    void eliminate(Index t, ColMatrix& carry) {
        block_.leftCols(4 * n_) = step_;
        block_.rightCols(p_).setZero();
        block_.topLeftCorner(n_, 2 * n_) = carry.leftCols(2 * n_);
        block_.topRightCorner(n_, p_) = carry.rightCols(p_);
        if (forcing_.rows() > 0) block_.block(n_, 4 * n_, n_, 1) = state_ * forcing_.row(t).transpose();

        qr_.compute(block_.leftCols(2 * n_));
        block_.rightCols(2 * n_ + p_).applyOnTheLeft(qr_.householderQ().adjoint());
        block_.topLeftCorner(2 * n_, 2 * n_) = qr_.matrixQR().topRows(2 * n_);

        // Orthonormal equations: K = R'Q', so that Q'(x, mu) = R'^-1 k.
        orthonormal_.compute(block_.block(2 * n_, 2 * n_, n_, 2 * n_).transpose());
        carry.rightCols(p_) = block_.bottomRightCorner(n_, p_);
        const auto R = orthonormal_.matrixQR().topRows(n_).triangularView<Eigen::Upper>();
        R.transpose().solveInPlace(carry.rightCols(p_));
        thin_.setIdentity(2 * n_, n_);
        thin_.applyOnTheLeft(orthonormal_.householderQ());
        carry.leftCols(2 * n_) = thin_.transpose();
    }

    // The rows that give (x, mu)[t] from (x, mu)[t+1]: triangle, coupling, right-hand sides.
    auto solved() const { return block_.topRows(2 * n_); }

  private:
    Index n_, p_;
    const MatrixIn<double>& forcing_;
    ColMatrix block_, step_, thin_;
    Eigen::HouseholderQR<ColMatrix> qr_, orthonormal_;
    double state_;
};

}  // namespace

void stage_elimination(MatrixIn<double> A, MatrixIn<double> S, MatrixIn<double> forcing, Index steps, MatrixOut carry) {
    Stage stage(A, S, forcing, carry.cols() - 2 * A.rows());
    ColMatrix equations = carry;
    for (Index t = 0; t < steps; ++t) stage.eliminate(t, equations);
    carry = equations;
}

void stage_substitution(MatrixIn<double> A, MatrixIn<double> S, MatrixIn<double> forcing, MatrixIn<double> carry,
                        MatrixOut path) {
    const Index n = A.rows(), p = carry.cols() - 2 * n, steps = path.rows() - 1;
    Stage stage(A, S, forcing, p);
    ColMatrix equations = carry;
    std::vector<ColMatrix> solved(static_cast<std::size_t>(steps));
    for (Index t = 0; t < steps; ++t) {
        stage.eliminate(t, equations);
        solved[static_cast<std::size_t>(t)] = stage.solved();
    }
    using Entry = Eigen::Map<RowMatrix<double>>;
    ColMatrix known(2 * n, p);
    for (Index t = steps - 1; t >= 0; --t) {
        const ColMatrix& rows = solved[static_cast<std::size_t>(t)];
        const Entry after(path.row(t + 1).data(), 2 * n, p);
        known = rows.rightCols(p);
        known.noalias() -= rows.middleCols(2 * n, 2 * n) * after;
        rows.leftCols(2 * n).triangularView<Eigen::Upper>().solveInPlace(known);
        Entry(path.row(t).data(), 2 * n, p) = known;
    }
}

}  // namespace minimand::rendezvous
