// Python names of the linear-model kernels. The NumPy mirror is minimand/reference/linear_models.
#include "common/bind.hpp"
#include "linear_models/chebyshev.hpp"
#include "linear_models/glm.hpp"
#include "linear_models/quantile.hpp"

namespace minimand {

void register_linear_models(py::module_& parent) {
    namespace lm = linear_models;
    py::module_ m = parent.def_submodule("linear_models");
    m.def("quantile_residuals", &lm::quantile_residuals, array("X"), array("y"), py::arg("intercept"), array("theta"),
          array("r"), py::arg("threads"), Release());
    m.def("quantile_normal", &lm::quantile_normal, array("X"), array("psi"), py::arg("intercept"), array("normal"),
          py::arg("threads"), Release());
    m.def("quantile_bands", &lm::quantile_bands, array("X"), py::arg("intercept"), array("factor"), array("bands"),
          py::arg("threads"), Release());
    m.def("quantile_steps", &lm::quantile_steps, array("X"), array("y"), array("weights"), array("scale"),
          py::arg("intercept"), py::arg("quantile"), py::arg("tol"), py::arg("max_iterations"), array("theta"),
          array("state"), array("report"), py::arg("threads"), Release());
    m.def("glm_pass", &lm::glm_pass, array("X"), array("y"), array("weights"), array("offset"), array("theta"),
          array("shift"), array("scale"), py::arg("intercept"), py::arg("family"), py::arg("begin"), py::arg("end"),
          array("gradient"), array("gram"), array("sums"), py::arg("threads"), Release());
    m.def("glm_direction_pass", &lm::glm_direction_pass, array("X"), array("y"), array("weights"), array("offset"),
          array("theta"), array("direction"), array("shift"), array("scale"), py::arg("intercept"), py::arg("family"),
          py::arg("begin"), py::arg("end"), array("residual"), array("sizes"), array("dual"), array("sums"),
          py::arg("threads"), Release());
    m.def("chebyshev_exchange", &lm::chebyshev_exchange, array("X"), array("y"), py::arg("intercept"), py::arg("tol"),
          py::arg("slack"), py::arg("max_iterations"), array("reference"), array("signs"), array("state"),
          array("theta"), array("weights"), Release());
    m.def("residual_extremes", &lm::residual_extremes, array("X"), array("y"), array("theta"), py::arg("intercept"),
          py::arg("begin"), py::arg("end"), array("rows"), array("residuals"), py::arg("threads"), Release());
}

}  // namespace minimand
