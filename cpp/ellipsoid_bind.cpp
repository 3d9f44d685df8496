// Python names of the ellipsoid kernels. The NumPy mirror is minimand/reference/ellipsoid.
#include "common/bind.hpp"
#include "ellipsoid/axes.hpp"
#include "ellipsoid/distance.hpp"
#include "ellipsoid/interior_point.hpp"

namespace minimand {

void register_ellipsoid(py::module_& parent) {
    namespace el = ellipsoid;
    py::module_ m = parent.def_submodule("ellipsoid");
    m.def("column_ranges", &el::column_ranges, array("points"), array("low"), array("high"), py::arg("threads"),
          Release());
    m.def("extreme_points", &el::extreme_points, array("points"), array("center"), array("transform"), array("rows"),
          py::arg("threads"), Release());
    m.def("distance_pass", &el::distance_pass, array("points"), array("center"), array("transform"), array("offset"),
          array("rows"), array("distances"), py::arg("threads"), Release());
    m.def("interior_point_start", &el::interior_point_start, array("q"), array("weights"), array("slack"),
          array("report"), Release());
    m.def("interior_point_steps", &el::interior_point_steps, array("q"), array("weights"), array("slack"),
          array("best"), array("report"), py::arg("tol"), py::arg("max_iterations"), py::arg("threads"), Release());
    m.def("principal_axes", &el::principal_axes, array("transform"), array("axes"), array("stretches"), array("root"),
          Release());
}

}  // namespace minimand
