// One whole extension module per instruction-set level, all from the same sources; the build names it and its level.
#include "common/bind.hpp"
#include "common/parallel.hpp"

#ifdef __FAST_MATH__
#error "Take the fast math flags out of CXXFLAGS: they break error-free sums and flush everyone's subnormals"
#endif

#if defined(__clang__)
#define MINIMAND_COMPILER "Clang " __clang_version__
#else
#define MINIMAND_COMPILER "GCC " __VERSION__
#endif
#define MINIMAND_TEXT(x) #x
#define MINIMAND_EIGEN_VERSION(world, major, minor) \
    MINIMAND_TEXT(world) "." MINIMAND_TEXT(major) "." MINIMAND_TEXT(minor)

namespace minimand {

void register_random(py::module_& parent);
void register_least_squares(py::module_& parent);
void register_linear_models(py::module_& parent);
void register_pca(py::module_& parent);
void register_inpainting(py::module_& parent);
void register_ellipsoid(py::module_& parent);
void register_rendezvous(py::module_& parent);
void register_tsp(py::module_& parent);
void register_neural_network(py::module_& parent);
void register_sgd(py::module_& parent);
void register_derivatives(py::module_& parent);
void register_gradient_descent(py::module_& parent);
void register_global_search(py::module_& parent);

py::dict build_info() {
    using py::literals::operator""_a;
    return py::dict("version"_a = MINIMAND_VERSION, "level"_a = MINIMAND_LEVEL, "compiler"_a = MINIMAND_COMPILER,
                    "flags"_a = MINIMAND_FLAGS, "openmp"_a = MINIMAND_OPENMP,
                    "eigen"_a = MINIMAND_EIGEN_VERSION(EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION));
}

}  // namespace minimand

PYBIND11_MODULE(MINIMAND_MODULE, module, pybind11::mod_gil_not_used()) {
    module.def("max_threads", &minimand::max_threads);
    module.def("build_info", &minimand::build_info);
    minimand::register_random(module);
    minimand::register_least_squares(module);
    minimand::register_linear_models(module);
    minimand::register_pca(module);
    minimand::register_inpainting(module);
    minimand::register_ellipsoid(module);
    minimand::register_rendezvous(module);
    minimand::register_tsp(module);
    minimand::register_neural_network(module);
    minimand::register_sgd(module);
    minimand::register_derivatives(module);
    minimand::register_gradient_descent(module);
    minimand::register_global_search(module);
}
