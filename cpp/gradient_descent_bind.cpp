// Python names of the kernels of gradient_descent. The NumPy mirror is minimand/reference/gradient_descent/.
#include "common/bind.hpp"
#include "gradient_descent.hpp"

namespace minimand {

void register_gradient_descent(py::module_& parent) {
    namespace g = gradient_descent;
    py::module_ m = parent.def_submodule("gradient_descent");
    m.def("value_gradient", &g::value_gradient, array("A"), array("b"), array("x"), py::arg("kind"), py::arg("scale"),
          py::arg("l2"), py::arg("constant"), array("gradient"), py::arg("threads"), Release());
    m.def("descent_steps", &g::descent_steps, array("A"), array("b"), py::arg("kind"), py::arg("scale"), py::arg("l2"),
          py::arg("constant"), array("noise"), array("point"), array("previous"), array("gradient"), array("saved"),
          array("trial"), array("state"), array("control"), py::arg("variant"), py::arg("count"), array("trace"),
          py::arg("threads"), Release());
}

}  // namespace minimand
