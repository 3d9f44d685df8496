// Python names of the in-painting kernels. The NumPy mirror is minimand/reference/inpainting.
#include "common/bind.hpp"
#include "inpainting/elimination.hpp"
#include "inpainting/newton.hpp"
#include "inpainting/pdhg.hpp"
#include "inpainting/structure.hpp"
#include "inpainting/variation.hpp"

namespace minimand {

void register_inpainting(py::module_& parent) {
    namespace ip = inpainting;
    py::module_ m = parent.def_submodule("inpainting");
    m.def("label_components", &ip::label_components, array("known"), array("labels"), py::arg("threads"), Release());
    m.def("component_boxes", &ip::component_boxes, array("image"), array("labels"), py::arg("channels"), array("low"),
          array("high"), py::arg("threads"), Release());
    m.def("total_variation_sum", &ip::total_variation_sum, array("image"), py::arg("channels"), py::arg("joint"),
          py::arg("threads"), Release());
    m.def("prepare", &ip::prepare, array("image"), array("labels"), array("box_low"), array("box_high"),
          py::arg("channels"), py::arg("balance"), array("iterate"), array("low"), array("high"), array("tau"),
          array("sigma"), array("dual"), py::arg("threads"), Release());
    m.def("evaluate_bounds", &ip::evaluate_bounds, array("image"), array("dual"), array("low"), array("high"),
          py::arg("channels"), array("sums"), py::arg("threads"), Release());
    m.def("pdhg_steps", &ip::pdhg_steps, array("image"), array("dual"), array("low"), array("high"), array("tau"),
          array("sigma"), py::arg("channels"), py::arg("relaxation"), py::arg("iterations"), py::arg("threads"),
          Release());
    m.def("plan_elimination", &ip::plan_elimination, array("pixels"), array("pixel_begin"), array("terms"),
          py::arg("rows"), py::arg("columns"), py::arg("leaf"), Release());
    m.def("newton_work_size", &ip::newton_work_size, array("fronts"), array("component_front"), py::arg("channels"),
          py::arg("threads"), Release());
    m.def("newton_start", &ip::newton_start, array("image"), array("low"), array("high"), array("delta"),
          py::arg("channels"), array("order"), array("fronts"), array("boundary"), array("term_table"),
          array("component_front"), py::arg("first"), py::arg("last"), array("work"), py::arg("threads"), Release());
    m.def("newton_steps", &ip::newton_steps, array("image"), array("dual"), array("best_image"), array("best_dual"),
          array("low"), array("high"), array("delta"), py::arg("channels"), array("order"), array("fronts"),
          array("boundary"), array("term_table"), array("component_front"), py::arg("first"), py::arg("last"),
          array("state"), array("target"), py::arg("max_iterations"), array("work"), py::arg("threads"), Release());
}

}  // namespace minimand
