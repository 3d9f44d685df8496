// Python names of the neural-network kernels, for float64 and float32. The NumPy mirror is
// minimand/reference/neural_network.
#include "common/bind.hpp"
#include "neural_network/checks.hpp"
#include "neural_network/kernels.hpp"

namespace minimand {
namespace {

namespace nn = neural_network;

template <class T>
void register_type(py::module_& m) {
    m.def("forward", &nn::forward<T>, array("ops"), array("reals"), array("slots"), array("layout"), array("theta"),
          array("running"), py::arg("training"), array("X"), array("key"), py::arg("step"), array("output"),
          array("work"), py::arg("threads"), Release());
    m.def("backward", &nn::backward<T>, array("ops"), array("reals"), array("slots"), array("layout"), array("theta"),
          array("running"), py::arg("training"), array("X"), array("delta"), array("key"), py::arg("step"),
          array("gradient"), array("input_delta"), array("work"), py::arg("threads"), Release());
    m.def("evaluate", &nn::evaluate<T>, array("ops"), array("reals"), array("slots"), array("layout"), array("theta"),
          array("running"), array("X"), array("labels"), array("targets"), array("weights"), array("stats"),
          array("work"), py::arg("threads"), Release());
    m.def("loss_and_gradient", &nn::loss_and_gradient<T>, array("ops"), array("reals"), array("slots"), array("layout"),
          array("theta"), array("running"), py::arg("training"), array("X"), array("labels"), array("targets"),
          array("weights"), py::arg("scale"), array("key"), py::arg("step"), array("gradient"), array("stats"),
          array("work"), py::arg("threads"), Release());
    m.def("train_steps", &nn::train_steps<T>, array("ops"), array("reals"), array("slots"), array("layout"),
          array("theta"), array("running"), array("gradient"), array("moments"), array("X"), array("labels"),
          array("targets"), array("weights"), array("order"), py::arg("first"), py::arg("batch"), py::arg("optimizer"),
          array("hyper"), array("rates"), array("penalised"), array("key"), py::arg("step"), array("stats"),
          array("work"), py::arg("threads"), Release());
    m.def("update", &nn::update<T>, array("theta"), array("gradient"), array("moments"), array("penalised"),
          py::arg("optimizer"), array("hyper"), py::arg("rate"), py::arg("step"), py::arg("threads"), Release());
}

}  // namespace

void register_neural_network(py::module_& parent) {
    py::module_ m = parent.def_submodule("neural_network");
    register_type<double>(m);
    register_type<float>(m);
    m.def("losses_around", &nn::losses_around, array("ops"), array("reals"), array("slots"), array("layout"),
          array("thetas"), array("running"), py::arg("training"), array("X"), array("labels"), array("targets"),
          array("weights"), array("key"), py::arg("step"), array("index"), array("offsets"), array("out"),
          array("work"), py::arg("threads"), Release());
    m.def("gram_norms", &nn::gram_norms, array("W"), array("norms"), array("work"), py::arg("threads"), Release());
}

}  // namespace minimand
