// Python names of the stochastic gradient kernels. The NumPy mirror is minimand/reference/sgd.
#include "common/bind.hpp"
#include "sgd/loops.hpp"
#include "sgd/passes.hpp"
#include "sgd/steps.hpp"

namespace minimand {
namespace {

// Kernels that read the data exist for float32 and float64 input.
template <class T>
void define_sgd_passes(py::module_& m) {
    m.def("sgd_steps", &sgd::sgd_steps<T>, array("X"), array("y"), array("weights"), array("order"), py::arg("first"),
          py::arg("batch"), py::arg("loss"), array("rates"), py::arg("l2"), py::arg("l1"), py::arg("momentum"),
          py::arg("nesterov"), py::arg("intercept"), py::arg("refresh"), array("theta"), array("velocity"),
          array("average"), py::arg("averaged"), array("table"), array("mean"), array("sums"), py::arg("threads"),
          Release());
    m.def("margin_pass", &sgd::margin_pass<T>, array("X"), array("theta"), py::arg("begin"), py::arg("end"),
          array("margins"), py::arg("threads"), Release());
    m.def("transposed_pass", &sgd::transposed_pass<T>, array("X"), array("q"), py::arg("begin"), py::arg("end"),
          array("sums"), py::arg("threads"), Release());
    m.def("square_pass", &sgd::square_pass<T>, array("X"), py::arg("begin"), py::arg("end"), array("squares"),
          py::arg("threads"), Release());
}

}  // namespace

void register_sgd(py::module_& parent) {
    py::module_ m = parent.def_submodule("sgd");
    define_sgd_passes<double>(m);
    define_sgd_passes<float>(m);
    m.def("sgd_steps_csr", &sgd::sgd_steps_csr, array("values"), array("columns"), array("pointers"), array("y"),
          array("weights"), array("order"), py::arg("first"), py::arg("batch"), py::arg("loss"), array("rates"),
          py::arg("l2"), py::arg("l1"), py::arg("momentum"), py::arg("nesterov"), py::arg("intercept"),
          py::arg("refresh"), array("theta"), array("velocity"), array("average"), py::arg("averaged"), array("table"),
          array("mean"), array("sums"), Release());
    m.def("add_loop", &sgd::add_loop, array("x"), array("y"), array("out"), Release());
    m.def("dot_loop", &sgd::dot_loop, array("x"), array("y"), Release());
}

}  // namespace minimand
