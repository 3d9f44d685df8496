// Python names of the kernels of bounds; tsp_bind.cpp calls this. The NumPy mirror is reference/tsp/bounds.py.
#include "../common/bind.hpp"
#include "bounds.hpp"

namespace minimand {

void register_tsp_bounds(py::module_& m) {
    m.def("prim_dense", &tsp::prim_dense, array("points"), array("lengths"), py::arg("metric"), py::arg("scale"),
          array("mates"), py::arg("penalty"), py::arg("unit"), array("pi"), py::arg("root"), array("key"),
          array("parent"), array("state"), py::arg("steps"), Release());
    m.def("nearest_reduced", &tsp::nearest_reduced, array("points"), array("lengths"), py::arg("metric"),
          py::arg("scale"), array("mates"), py::arg("penalty"), py::arg("unit"), array("pi"), py::arg("begin"),
          py::arg("end"), array("near"), py::arg("threads"), Release());
    m.def("ascent", &tsp::ascent, array("offsets"), array("ends"), array("costs"), py::arg("root"), py::arg("limit"),
          py::arg("decay"), array("pi"), array("h"), array("best"), array("step"), array("state"), py::arg("steps"),
          Release());
    m.def("dp", &tsp::dp, array("d"), array("tour"), Release());
}

}  // namespace minimand
