// Python names of the rendezvous kernels. The NumPy mirror is minimand/reference/rendezvous.
#include "common/bind.hpp"
#include "rendezvous/boundary.hpp"
#include "rendezvous/meeting.hpp"
#include "rendezvous/newton.hpp"
#include "rendezvous/sweeps.hpp"
#include "rendezvous/thrust.hpp"

namespace minimand {

void register_rendezvous(py::module_& parent) {
    namespace rv = rendezvous;
    py::module_ m = parent.def_submodule("rendezvous");
    m.def("reach_factor", &rv::reach_factor, array("A"), array("B"), py::arg("steps"), array("L"), array("P"),
          Release());
    m.def("adjoint_sweep", &rv::adjoint_sweep, array("A"), array("B"), array("mu"), array("y"), Release());
    m.def("rollout", &rv::rollout, array("A"), array("B"), array("u"), array("x"), Release());
    m.def("input_rows", &rv::input_rows, array("A"), array("B"), array("Phi"), array("rows"), Release());
    m.def("match_factor", &rv::match_factor, array("M"), array("floor"), array("factor"), array("order"),
          array("scale"), Release());
    m.def("reach_noise", &rv::reach_noise, array("A"), array("B"), array("L"), array("E"), array("floor"), Release());
    m.def("match_solve", &rv::match_solve, array("factor"), array("order"), array("scale"), py::arg("rank"), array("d"),
          array("noise"), array("multiplier"), array("direction"), Release());
    m.def("energy_curve", &rv::energy_curve, array("A"), array("B"), array("C"), array("D"), array("Ex"), array("Ez"),
          array("Lx"), array("Lz"), array("x"), array("z"), array("largest_x"), array("largest_z"), py::arg("begin"),
          array("energy"), array("rank"), array("condition"), array("multiplier"), Release());
    m.def("stage_elimination", &rv::stage_elimination, array("A"), array("S"), array("forcing"), py::arg("steps"),
          array("carry"), Release());
    m.def("stage_substitution", &rv::stage_substitution, array("A"), array("S"), array("forcing"), array("carry"),
          array("path"), Release());
    m.def("dual_newton_steps", &rv::dual_newton_steps, array("F"), py::arg("first"), py::arg("m1"), py::arg("m2"),
          array("bounds"), array("d"), array("free"), py::arg("tol"), py::arg("max_iterations"), array("eta"),
          array("y"), array("w"), array("report"), py::arg("threads"), Release());
    m.def("correct_inputs", &rv::correct_inputs, array("F"), py::arg("first"), py::arg("m1"), py::arg("m2"),
          array("bounds"), array("missing"), array("y"), array("w"), py::arg("threads"), Release());
    m.def("thrust_newton_steps", &rv::thrust_newton_steps, array("F"), py::arg("first"), py::arg("m1"), py::arg("m2"),
          array("d"), array("basis"), py::arg("tol"), py::arg("max_iterations"), array("eta"), array("p"), array("y"),
          array("best_eta"), array("best_p"), array("state"), py::arg("threads"), Release());
}

}  // namespace minimand
