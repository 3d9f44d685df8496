// Python names of the least-squares kernels. The NumPy mirror is minimand/reference/least_squares.
#include "common/bind.hpp"
#include "least_squares/factor.hpp"
#include "least_squares/gram.hpp"
#include "least_squares/residual.hpp"
#include "least_squares/tsqr.hpp"

namespace minimand {
namespace {

// Kernels that read the data exist for float32 and float64 input.
template <class T>
void define_passes(py::module_& m) {
    namespace ls = least_squares;
    m.def("gram_pass", &ls::gram_pass<T>, array("X"), array("Y"), array("weights"), array("shift"), array("scale"),
          py::arg("intercept"), py::arg("begin"), py::arg("end"), array("gram"), py::arg("threads"), Release());
    m.def("residual_pass", &ls::residual_pass<T>, array("X"), array("Y"), array("weights"), array("shift"),
          array("scale"), py::arg("intercept"), array("coef"), array("coef_low"), py::arg("precision"),
          py::arg("begin"), py::arg("end"), array("normal"), array("normal_low"), array("squares"), py::arg("threads"),
          Release());
    m.def("preconditioned_gram_pass", &ls::preconditioned_gram_pass<T>, array("X"), array("weights"), array("shift"),
          array("scale"), array("R"), py::arg("begin"), py::arg("end"), array("gram"), py::arg("threads"), Release());
    m.def("tsqr_pass", &ls::tsqr_pass<T>, array("X"), array("Y"), array("weights"), array("shift"), array("scale"),
          py::arg("intercept"), py::arg("begin"), py::arg("end"), array("R"), py::arg("threads"), Release());
}

}  // namespace

void register_least_squares(py::module_& parent) {
    namespace ls = least_squares;
    py::module_ m = parent.def_submodule("least_squares");
    define_passes<double>(m);
    define_passes<float>(m);
    m.def("merge_r", &ls::merge_r, array("R"), array("other"), Release());
    m.def("pivoted_qr", &ls::pivoted_qr, array("A"), py::arg("columns"), array("floor"), py::arg("keep_order"),
          array("pivots"), array("tolerances"), Release());
    m.def("solve_triangular", &ls::solve_triangular, array("R"), array("B"), py::arg("lower"), py::arg("transpose"),
          py::arg("threads"), Release());
    m.def("cholesky_factor", &ls::cholesky_factor, array("A"), py::arg("threads"), Release());
    m.def("qr_factor", &ls::qr_factor, array("A"), array("Q"), array("R"), py::arg("threads"), Release());
    m.def("svd", &ls::svd, array("A"), array("U"), array("s"), array("V"), Release());
    m.def("min_norm", &ls::min_norm, array("A"), array("B"), array("X"), Release());
}

}  // namespace minimand
