#include "net.hpp"

#include "conv_geometry.hpp"

namespace minimand::neural_network {

template <class T>
Net<T>::Net(const IndexMatrixIn& op_rows, const MatrixIn<double>& reals, const IndexMatrixIn& slot_rows,
            const IndexVectorIn& layout, const T* theta_)
    : row_elements(layout[0]),
      scratch_elements(layout[1]),
      loss(static_cast<LossCode>(layout[2])),
      loss_slot(layout[3]),
      loss_ops(layout[4]),
      output_slot(layout[5]),
      panel_rows(layout[6]),
      lane_rows(layout[7]),
      theta(theta_) {
    ops.reserve(static_cast<std::size_t>(op_rows.rows()));
    for (Index k = 0; k < op_rows.rows(); ++k) {
        const Index* row = op_rows.data() + k * op_rows.cols();
        Operation op{static_cast<Code>(row[0]),
                     row[1],
                     row[2],
                     row[3],
                     row[4],
                     row[5],
                     row[6],
                     static_cast<Activation>(row[7]),
                     row[8],
                     row + 9,
                     reals(k, 0),
                     reals(k, 1),
                     reals(k, 2),
                     {},
                     {}};
        if (op.code == Code::conv2d) place_rows(op);
        ops.push_back(std::move(op));
    }
    for (Index k = 0; k < slot_rows.rows(); ++k)
        slots.push_back({slot_rows(k, 0), slot_rows(k, 1), slot_rows(k, 2), slot_rows(k, 3), slot_rows(k, 4) != 0});
}

template <class T>
bool Net<T>::has_batchnorm() const {
    for (const Operation& op : ops)
        if (op.code == Code::batchnorm) return true;
    return false;
}

template struct Net<float>;
template struct Net<double>;

}  // namespace minimand::neural_network
