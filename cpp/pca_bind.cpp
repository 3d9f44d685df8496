// Python names of the PCA kernels. The NumPy mirror is minimand/reference/pca.py.
#include "common/bind.hpp"
#include "pca.hpp"

namespace minimand {
namespace {

// Kernels that read the data exist for float32 and float64 input.
template <class T>
void define_passes(py::module_& m) {
    m.def("covariance_pass", &pca::covariance_pass<T>, array("X"), array("weights"), array("shift"), array("scale"),
          array("Q"), py::arg("begin"), py::arg("end"), array("product"), array("sums"), array("squares"),
          py::arg("threads"), Release());
    m.def("project", &pca::project<T>, array("X"), array("shift"), array("scale"), array("Q"), py::arg("begin"),
          py::arg("end"), array("scores"), py::arg("threads"), Release());
}

}  // namespace

void register_pca(py::module_& parent) {
    py::module_ m = parent.def_submodule("pca");
    define_passes<double>(m);
    define_passes<float>(m);
}

}  // namespace minimand
