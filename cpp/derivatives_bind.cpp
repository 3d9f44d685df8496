// Python names of the kernels of derivatives. The NumPy mirror is minimand/reference/derivatives.py.
#include "common/bind.hpp"
#include "derivatives.hpp"

namespace minimand {

void register_derivatives(py::module_& parent) {
    namespace d = derivatives;
    py::module_ m = parent.def_submodule("derivatives");
    m.def("displaced_points", &d::displaced_points, array("x"), array("first"), array("first_step"), array("second"),
          array("second_step"), array("lower"), array("upper"), array("points"), Release());
    m.def("differences", &d::differences, array("values"), array("centre"), array("h"), array("size"), array("noise"),
          py::arg("eps"), py::arg("rule"), array("out"), Release());
    m.def("mixed_differences", &d::mixed_differences, array("corners"), array("axes"), py::arg("centre"), array("h"),
          array("size"), py::arg("noise"), py::arg("eps"), array("first"), array("second"), array("out"), Release());
    m.def("richardson_table", &d::richardson_table, array("differences"), array("rounding"), py::arg("base"),
          array("out"), array("level"), Release());
}

}  // namespace minimand
