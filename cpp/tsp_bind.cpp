// Python names of the travelling salesman's kernels. The NumPy mirror is minimand/reference/tsp.
#include "common/bind.hpp"
#include "tsp/eax.hpp"
#include "tsp/genetic.hpp"
#include "tsp/greedy.hpp"
#include "tsp/local_search.hpp"
#include "tsp/neighbours.hpp"

namespace minimand {

void register_tsp_bounds(py::module_& m);  // tsp/bounds_bind.cpp

void register_tsp(py::module_& parent) {
    py::module_ m = parent.def_submodule("tsp");
    m.def("nearest", &tsp::nearest, array("points"), array("lengths"), py::arg("metric"), py::arg("scale"),
          py::arg("per_quadrant"), array("near"), py::arg("threads"), Release());
    m.def("genetic_steps", &tsp::genetic_steps, array("points"), array("distances"), py::arg("metric"),
          py::arg("scale"), py::arg("closed"), py::arg("linear"), py::arg("low"), py::arg("high"), py::arg("mutants"),
          py::arg("swaps"), py::arg("migration"), array("population"), array("lengths"), array("slots"), array("key"),
          py::arg("first_generation"), py::arg("generations"), py::arg("threads"), Release());
    m.def("greedy_tour", &tsp::greedy_tour, array("points"), array("lengths"), py::arg("metric"), py::arg("scale"),
          array("mates"), py::arg("penalty"), array("near"), array("tour"), Release());
    m.def("descend", &tsp::descend, array("points"), array("lengths"), py::arg("metric"), py::arg("scale"),
          array("mates"), py::arg("penalty"), array("near"), array("tours"), array("pending"), py::arg("budget"),
          py::arg("threads"), Release());
    m.def("kick", &tsp::kick, array("points"), array("lengths"), py::arg("metric"), py::arg("scale"), array("mates"),
          py::arg("penalty"), array("near"), array("tour"), array("key"), py::arg("first_kick"), py::arg("kicks"),
          Release());
    m.def("count_edges", &tsp::count_edges, array("links"), array("table"), Release());
    m.def("eax_pairs", &tsp::eax_pairs, array("points"), array("distances"), py::arg("metric"), py::arg("scale"),
          array("mates"), py::arg("penalty"), array("near"), array("links"), array("lengths"), array("table"),
          array("entropy"), array("key"), py::arg("generation"), py::arg("first_pair"), py::arg("last_pair"),
          py::arg("batch"), py::arg("children"), py::arg("block"), py::arg("threads"), Release());
    register_tsp_bounds(m);
}

}  // namespace minimand
