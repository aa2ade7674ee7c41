// The counter-based generator and the random layers drawn from it.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "bindings.hpp"
#include "relufast/normals.hpp"
#include "relufast/philox.hpp"

namespace py = pybind11;

namespace {

std::pair<py::array_t<double>, py::array_t<double>> normal_layer(
    std::uint64_t seed, std::uint64_t layer, std::uint64_t row_begin, std::uint64_t row_end,
    std::int64_t fan_in, double weight_scale, double bias_scale) {
    // Sizes that fill_layer refuses are for it to report, so no array may be refused before.
    const auto rows = static_cast<py::ssize_t>(std::max(row_begin, row_end) - row_begin);
    const py::ssize_t columns = std::max<std::int64_t>(fan_in, 0);
    py::array_t<double> weights({rows, columns});
    py::array_t<double> biases(rows);
    double* const weight_data = weights.mutable_data();
    double* const bias_data = biases.mutable_data();
    {
        const py::gil_scoped_release release;
        relufast::fill_layer(seed, layer, row_begin, row_end, fan_in, weight_scale, bias_scale,
                             weight_data, bias_data);
    }
    return {std::move(weights), std::move(biases)};
}

py::array_t<double> gaussian_directions(std::uint64_t seed, std::uint64_t space,
                                        std::uint64_t first, std::int64_t count,
                                        std::int64_t dimension) {
    py::array_t<double> directions(
        {std::max<std::int64_t>(count, 0), std::max<std::int64_t>(dimension, 0)});
    double* const out = directions.mutable_data();
    const py::gil_scoped_release release;
    relufast::gaussian_directions(seed, space, first, count, dimension, out);
    return directions;
}

}  // namespace

void bind_normals(py::module_& m) {
    m.def("philox4x64", &relufast::philox4x64, py::arg("counter"), py::arg("key"));
    m.def("normal_layer", &normal_layer, py::arg("seed"), py::arg("layer"), py::arg("row_begin"),
          py::arg("row_end"), py::arg("fan_in"), py::arg("weight_scale"), py::arg("bias_scale"));
    m.def("gaussian_directions", &gaussian_directions, py::arg("seed"), py::arg("space"),
          py::arg("first"), py::arg("count"), py::arg("dimension"));
}
