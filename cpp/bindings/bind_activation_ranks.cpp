// Ranks of the hidden activations of a batch of points.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "bindings.hpp"
#include "relufast/activation_residues.hpp"
#include "relufast/activation_signs.hpp"
#include "relufast/modular.hpp"
#include "relufast/rank_bounds.hpp"

namespace py = pybind11;

namespace {

// Of a layer and a point: its preactivations, or None.
using Exact = py::typing::Callable<py::typing::Optional<DoubleArray>(int, std::int64_t)>;

relufast::ExactPreactivations exact_preactivations(const std::optional<Exact>& callback) {
    if (!callback) {
        return {};
    }
    return [&callback = *callback](int layer, std::int64_t point, double* z) {
        const py::gil_scoped_acquire held;
        const auto values = py::cast<std::optional<DoubleArray>>(callback(layer, point));
        if (values) {
            std::copy_n(values->data(), values->size(), z);
        }
        return values.has_value();
    };
}

relufast::ActivationSigns activation_signs(relufast::Network& network, const DoubleArray& points,
                                           bool certify, const std::optional<Exact>& exact) {
    const relufast::ExactPreactivations callback = exact_preactivations(exact);
    const py::gil_scoped_release released;
    return relufast::activation_signs(network, points.data(), points.shape(0), certify, callback,
                                      has_signal);
}

py::array_t<std::uint8_t> active(const relufast::ActivationSigns& signs, int layer) {
    const auto& values = signs.active.at(static_cast<std::size_t>(layer - 1));
    const py::ssize_t n =
        signs.n_points == 0 ? 0 : static_cast<py::ssize_t>(values.size()) / signs.n_points;
    return py::array_t<std::uint8_t>({static_cast<py::ssize_t>(signs.n_points), n}, values.data());
}

py::array_t<std::int64_t> activation_ranks_modulo(relufast::Network& network,
                                                  const DoubleArray& points,
                                                  const relufast::ActivationSigns& signs,
                                                  std::int64_t prime,
                                                  const std::vector<bool>& wanted) {
    std::vector<std::int64_t> ranks;
    {
        const py::gil_scoped_release released;
        ranks = relufast::activation_ranks_modulo(
            network, points.data(), signs, relufast::modular::Modulus(prime), wanted, has_signal);
    }
    return as_array(ranks);
}

py::array_t<std::int64_t> rank_upper_bounds(relufast::Network& network,
                                            const relufast::ActivationSigns& signs,
                                            std::int64_t input_rank,
                                            const std::vector<std::int64_t>& lower) {
    std::vector<std::int64_t> upper;
    {
        const py::gil_scoped_release released;
        upper = relufast::rank_upper_bounds(network, signs, input_rank, lower, has_signal);
    }
    return as_array(upper);
}

}  // namespace

void bind_activation_ranks(py::module_& m) {
    py::class_<relufast::ActivationSigns>(m, "ActivationSigns")
        .def("active", &active, py::arg("layer"))
        .def_property_readonly(
            "n_open", [](const relufast::ActivationSigns& signs) { return as_array(signs.n_open); })
        .def_property_readonly("open_from", [](const relufast::ActivationSigns& signs) {
            return as_array(signs.open_from);
        });
    m.def("activation_signs", &activation_signs, py::arg("network"), py::arg("points"),
          py::arg("certify"), py::arg("exact"));
    m.def("signs_of_linear_network", &relufast::signs_of_linear_network, py::arg("network"),
          py::arg("n_points"));
    m.def("activation_ranks_modulo", &activation_ranks_modulo, py::arg("network"),
          py::arg("points"), py::arg("signs"), py::arg("prime"), py::arg("wanted"));
    m.def("rank_upper_bounds", &rank_upper_bounds, py::arg("network"), py::arg("signs"),
          py::arg("input_rank"), py::arg("lower"));
}
