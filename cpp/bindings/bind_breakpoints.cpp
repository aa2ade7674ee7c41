#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <memory>
#include <optional>
#include <vector>

#include "bindings.hpp"
#include "relufast/breakpoints.hpp"
#include "relufast/line.hpp"
#include "relufast/network.hpp"

namespace py = pybind11;

namespace {

std::unique_ptr<relufast::Network> make_network(const std::vector<DoubleArray>& weights,
                                                const std::vector<DoubleArray>& biases,
                                                double negative_slope) {
    std::vector<std::int64_t> widths;
    std::vector<const double*> weight_data;
    std::vector<const double*> bias_data;
    for (std::size_t l = 0; l < weights.size(); ++l) {
        if (l == 0) {
            widths.push_back(weights[l].shape(1));
        }
        widths.push_back(weights[l].shape(0));
        weight_data.push_back(weights[l].data());
        bias_data.push_back(biases[l].data());
    }
    const py::gil_scoped_release released;
    return std::make_unique<relufast::Network>(widths, weight_data, bias_data, negative_slope,
                                               has_signal);
}

py::typing::Dict<py::str, py::object> find_breakpoints(
    relufast::Network& network, double lo, double hi, const std::optional<DoubleArray>& start,
    const std::optional<DoubleArray>& stop, bool certify, int n_threads, std::int64_t tile_size,
    std::int64_t chunk_size) {
    relufast::BreakpointOptions options;
    options.certify = certify;
    options.n_threads = n_threads;
    options.tile_size = tile_size;
    options.chunk_size = chunk_size;
    options.interrupt = has_signal;
    relufast::Breakpoints found;
    {
        const py::gil_scoped_release released;
        const relufast::Line line =
            start && stop
                ? relufast::segment_line(network.layer(1), start->data(), stop->data(), lo, hi)
                : relufast::axis_line(network.layer(1), lo, hi);
        found = relufast::find_breakpoints(network, line, options);
    }
    py::typing::Dict<py::str, py::object> result;
    result["x"] = as_array(found.x);
    result["x_error"] = as_array(found.x_error);
    result["reaches_output"] = as_array(found.reaches_output);
    result["open_after"] = as_array(found.open_after);
    result["first_crossing"] = as_array(found.first_crossing);
    result["layers"] = as_array(found.layers);
    result["neurons"] = as_array(found.neurons);
    result["undecided_x"] = as_array(found.undecided_x);
    result["undecided_count"] = as_array(found.undecided_count);
    return result;
}

}  // namespace

void bind_breakpoints(py::module_& m) {
    py::class_<relufast::Network>(m, "Network")
        .def(py::init(&make_network), py::arg("weights"), py::arg("biases"),
             py::arg("negative_slope"));
    m.def("find_breakpoints", &find_breakpoints, py::arg("network"), py::arg("lo"), py::arg("hi"),
          py::arg("start"), py::arg("stop"), py::arg("certify"), py::arg("n_threads"),
          py::arg("tile_size"), py::arg("chunk_size"));
}
