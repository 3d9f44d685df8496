#include "common/bind.hpp"
#include "common/permutation.hpp"
#include "common/random.hpp"

namespace minimand {

void register_random(py::module_& parent) {
    auto m = parent.def_submodule("random", "Philox 4x64-10 streams, one for each item.");
    m.def("philox_words", &philox_words, array("key"), py::arg("first_item"), array("out"), py::arg("threads"),
          Release());
    m.def("philox_uniform", &philox_uniform, array("key"), py::arg("first_item"), array("out"), py::arg("threads"),
          Release());
    m.def("philox_below", &philox_below, array("key"), py::arg("first_item"), py::arg("bound"), array("out"),
          py::arg("threads"), Release());
    m.def("shuffle_indices", &shuffle_indices, array("key"), py::arg("item"), array("order"), Release());
}

}  // namespace minimand
