#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "relufast/breakpoints.hpp"
#include "relufast/error.hpp"
#include "relufast/line.hpp"
#include "relufast/network.hpp"
#include "relufast/normals.hpp"
#include "relufast/sweep.hpp"

namespace py = pybind11;

namespace {

using Arrays = py::typing::Tuple<py::array_t<double>, py::ellipsis>;

// What is an array of float64 in C order already is not asked to become one, which takes a good
// part of what a small network does.
DoubleArray as_doubles(const py::handle& array) {
    return DoubleArray::check_(array) ? py::reinterpret_borrow<DoubleArray>(array)
                                      : DoubleArray(py::reinterpret_borrow<py::object>(array));
}

// Uses the arrays where they are. They are let go with the network, under the interpreter's lock.
std::unique_ptr<relufast::Network> make_network(const Arrays& weights, const Arrays& biases,
                                                double negative_slope, int n_threads) {
    const auto arrays = std::make_shared<std::vector<DoubleArray>>();
    std::vector<std::int64_t> widths;
    std::vector<const double*> weight_data;
    std::vector<const double*> bias_data;
    for (const py::handle& item : weights) {
        const DoubleArray& array = arrays->emplace_back(as_doubles(item));
        if (widths.empty()) {
            widths.push_back(array.shape(1));
        }
        widths.push_back(array.shape(0));
        weight_data.push_back(array.data());
    }
    for (const py::handle& item : biases) {
        bias_data.push_back(arrays->emplace_back(as_doubles(item)).data());
    }
    // The arrays stay with this function so long, so that they go under the lock should the network
    // fail.
    const py::gil_scoped_release released;
    return std::make_unique<relufast::Network>(widths, weight_data, bias_data, negative_slope,
                                               n_threads, has_signal, arrays);
}

// Row-major weights in a file, from `offset` bytes on. Read and not mapped: pages of a mapping
// count as the process's memory.
relufast::WeightRows rows_of_file(const std::string& path, std::int64_t offset, std::int64_t n_in) {
    return [=](std::int64_t begin, std::int64_t end, double* rows) {
        constexpr std::int64_t kSize = sizeof(double);
        std::ifstream file(path, std::ios::binary);
        file.seekg(offset + begin * n_in * kSize);
        file.read(reinterpret_cast<char*>(rows), (end - begin) * n_in * kSize);
        if (!file) {
            throw relufast::Error("cannot read rows " + std::to_string(begin) + " to " +
                                  std::to_string(end) + " of the weights in " + path);
        }
    };
}

// A random layer, drawn again whenever it is needed.
relufast::WeightRows rows_of_seed(std::uint64_t seed, std::uint64_t layer, std::int64_t n_in,
                                  double scale) {
    return [=](std::int64_t begin, std::int64_t end, double* rows) {
        std::vector<double> biases(static_cast<std::size_t>(end - begin));
        relufast::fill_layer(seed, layer, static_cast<std::uint64_t>(begin),
                             static_cast<std::uint64_t>(end), n_in, scale, 0.0, rows,
                             biases.data());
    };
}

std::unique_ptr<relufast::Network> make_lazy_network(const std::vector<std::int64_t>& widths,
                                                     const std::vector<DoubleArray>& biases,
                                                     double negative_slope, int n_threads,
                                                     std::vector<relufast::WeightRows> sources) {
    std::vector<const double*> bias_data;
    for (const DoubleArray& array : biases) {
        bias_data.push_back(array.data());
    }
    const py::gil_scoped_release released;
    return std::make_unique<relufast::Network>(widths, std::move(sources), bias_data,
                                               negative_slope, n_threads, has_signal);
}

std::unique_ptr<relufast::Network> make_filed_network(const std::vector<std::int64_t>& widths,
                                                      const std::vector<std::string>& paths,
                                                      const std::vector<std::int64_t>& offsets,
                                                      const std::vector<DoubleArray>& biases,
                                                      double negative_slope, int n_threads) {
    std::vector<relufast::WeightRows> sources;
    for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
        sources.push_back(rows_of_file(paths.at(l), offsets.at(l), widths[l]));
    }
    return make_lazy_network(widths, biases, negative_slope, n_threads, std::move(sources));
}

std::unique_ptr<relufast::Network> make_drawn_network(const std::vector<std::int64_t>& widths,
                                                      std::uint64_t seed,
                                                      const std::vector<double>& scales,
                                                      const std::vector<DoubleArray>& biases,
                                                      double negative_slope, int n_threads) {
    std::vector<relufast::WeightRows> sources;
    for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
        sources.push_back(rows_of_seed(seed, l + 1, widths[l], scales.at(l)));
    }
    return make_lazy_network(widths, biases, negative_slope, n_threads, std::move(sources));
}

relufast::Line line_of(const relufast::Network& network, double lo, double hi,
                       const std::optional<DoubleArray>& start,
                       const std::optional<DoubleArray>& stop) {
    return start && stop
               ? relufast::segment_line(network.layer(1), start->data(), stop->data(), lo, hi)
               : relufast::axis_line(network.layer(1), lo, hi);
}

relufast::BreakpointOptions options_of(bool certify, int n_threads, std::int64_t tile_size,
                                       std::int64_t chunk_size) {
    relufast::BreakpointOptions options;
    options.certify = certify;
    options.n_threads = n_threads;
    options.tile_size = tile_size;
    options.chunk_size = chunk_size;
    options.interrupt = has_signal;
    return options;
}

std::int64_t count_windows(const relufast::Network& network, double lo, double hi,
                           const std::optional<DoubleArray>& start,
                           const std::optional<DoubleArray>& stop, std::size_t n_windows) {
    const py::gil_scoped_release released;
    const relufast::Line line = line_of(network, lo, hi, start, stop);
    return static_cast<std::int64_t>(
        relufast::cut_into_windows(network, line, n_windows).cuts.size() - 1);
}

relufast::Breakpoints sweep_window(relufast::Network& network, double lo, double hi,
                                   const std::optional<DoubleArray>& start,
                                   const std::optional<DoubleArray>& stop, std::size_t window,
                                   std::size_t n_windows, bool certify, int n_threads,
                                   std::int64_t tile_size, std::int64_t chunk_size,
                                   double value_bytes) {
    const relufast::BreakpointOptions options =
        options_of(certify, n_threads, tile_size, chunk_size);
    const py::gil_scoped_release released;
    const relufast::Line line = line_of(network, lo, hi, start, stop);
    const relufast::Windows windows = relufast::cut_into_windows(network, line, n_windows);
    if (window + 1 >= windows.cuts.size()) {
        throw std::invalid_argument("there is no such window");
    }
    return relufast::sweep_window(network, line, windows, window, options, value_bytes);
}

relufast::Breakpoints find_breakpoints(relufast::Network& network, double lo, double hi,
                                       const std::optional<DoubleArray>& start,
                                       const std::optional<DoubleArray>& stop, bool certify,
                                       int n_threads, std::int64_t tile_size,
                                       std::int64_t chunk_size) {
    const relufast::BreakpointOptions options =
        options_of(certify, n_threads, tile_size, chunk_size);
    const py::gil_scoped_release released;
    const relufast::Line line = line_of(network, lo, hi, start, stop);
    return relufast::find_breakpoints(network, line, options);
}

}  // namespace

void bind_breakpoints(py::module_& m) {
    py::class_<relufast::Network>(m, "Network")
        .def(py::init(&make_network), py::arg("weights"), py::arg("biases"),
             py::arg("negative_slope"), py::arg("n_threads"))
        .def(
            "bound_spectral_norms",
            [](relufast::Network& network, int n_threads) {
                network.bound_spectral_norms(n_threads, has_signal);
            },
            py::arg("n_threads"), py::call_guard<py::gil_scoped_release>())
        .def("has_spectral_norms", &relufast::Network::has_spectral_norms)
        .def("spectral_norms", &relufast::Network::spectral_norms)
        .def("set_spectral_norms", &relufast::Network::set_spectral_norms, py::arg("norms"));
    m.def("filed_network", &make_filed_network, py::arg("widths"), py::arg("paths"),
          py::arg("offsets"), py::arg("biases"), py::arg("negative_slope"), py::arg("n_threads"));
    m.def("drawn_network", &make_drawn_network, py::arg("widths"), py::arg("seed"),
          py::arg("scales"), py::arg("biases"), py::arg("negative_slope"), py::arg("n_threads"));
    m.def("count_windows", &count_windows, py::arg("network"), py::arg("lo"), py::arg("hi"),
          py::arg("start"), py::arg("stop"), py::arg("n_windows"));
    m.def("sweep_window", &sweep_window, py::arg("network"), py::arg("lo"), py::arg("hi"),
          py::arg("start"), py::arg("stop"), py::arg("window"), py::arg("n_windows"),
          py::arg("certify"), py::arg("n_threads"), py::arg("tile_size"), py::arg("chunk_size"),
          py::arg("value_bytes"));
    m.def("find_breakpoints", &find_breakpoints, py::arg("network"), py::arg("lo"), py::arg("hi"),
          py::arg("start"), py::arg("stop"), py::arg("certify"), py::arg("n_threads"),
          py::arg("tile_size"), py::arg("chunk_size"));
}
