// What every *_bind.cpp shares: one way to release the GIL, one way to take arrays.
#pragma once

#include <pybind11/eigen.h>
#include <pybind11/pybind11.h>

#include "types.hpp"

namespace minimand {

namespace py = pybind11;

// On every kernel's .def. A signature under this guard holds no py:: object: destroying one without the GIL is fatal.
using Release = py::call_guard<py::gil_scoped_release>;

// An array argument: wrong dtype, order or stride is a TypeError, never a silent copy.
inline py::arg array(const char* name) { return std::move(py::arg(name).noconvert()); }

}  // namespace minimand
