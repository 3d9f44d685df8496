// minimand._core._cpu, compiled for the baseline: safe to load on any CPU, it says which level may be loaded next.
#include <pybind11/pybind11.h>

#include "cpu_level.hpp"

PYBIND11_MODULE(_cpu, module, pybind11::mod_gil_not_used()) { module.def("level", &minimand::cpu_level); }
