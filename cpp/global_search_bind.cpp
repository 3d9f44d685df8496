// Python names of the kernels of global_search. The NumPy mirror is minimand/reference/global_search/.
#include "common/bind.hpp"
#include "global_search/boxes.hpp"
#include "global_search/line.hpp"

namespace minimand {

void register_global_search(py::module_& parent) {
    namespace g = global_search;
    py::module_ m = parent.def_submodule("global_search");
    m.def("pop_least", &g::pop_least, array("bound"), array("heap"), array("counts"), py::arg("threshold"),
          array("chosen"), Release());
    m.def("line_open", &g::line_open, array("x"), array("value"), array("slope"), array("following"), array("bound"),
          array("candidate"), array("constants"), array("heap"), array("counts"), array("gaps"), Release());
    m.def("line_insert", &g::line_insert, array("x"), array("value"), array("slope"), array("following"),
          array("bound"), array("candidate"), array("constants"), array("heap"), array("counts"), array("gaps"),
          py::arg("scale"), array("observed"), array("witness"), Release());
    m.def("boxes_divide", &g::boxes_divide, array("bounds"), array("cells"), array("point"), array("action"),
          array("child"), array("counts"), array("chosen"), array("points"), Release());
    m.def("boxes_bound", &g::boxes_bound, array("bounds"), array("cells"), array("point"), array("value"),
          array("gradient"), array("gradient_error"), array("hessian"), array("slopes"), array("constants"),
          array("weights"), py::arg("first"), py::arg("last"), array("bound"), array("action"), array("heap"),
          array("counts"), py::arg("threads"), Release());
    m.def("boxes_observe", &g::boxes_observe, array("bounds"), array("cells"), array("point"), array("value"),
          array("gradient"), array("gradient_error"), array("hessian"), py::arg("margin"), py::arg("scale"),
          array("action"), array("child"), array("chosen"), array("observed"), array("witness"), Release());
    m.def("hull_select", &g::hull_select, array("size"), array("value"), py::arg("least"), py::arg("epsilon"),
          array("chosen"), Release());
    m.def("quadratic", &g::quadratic, array("Q"), array("p"), array("points"), array("value"), array("gradient"),
          py::arg("threads"), Release());
}

}  // namespace minimand
