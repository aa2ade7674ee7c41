// How far a set of points reaches in given directions.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "relufast/directional_extremes.hpp"
#include "relufast/point_tiles.hpp"

namespace py = pybind11;

using relufast::DirectionalExtremes;
using relufast::PointTiles;

namespace {

template <class T>
std::unique_ptr<PointTiles> tiles_of(const py::array_t<T, py::array::c_style>& points,
                                     const std::optional<DoubleArray>& centre, int n_threads) {
    need_matrix(points);
    if (points.shape(0) == 0 || points.shape(1) == 0) {
        throw std::invalid_argument("no points, or points of no dimension");
    }
    std::vector<double> middle;
    if (centre) {
        if (centre->ndim() != 1 || centre->shape(0) != points.shape(1)) {
            throw std::invalid_argument("a centre of another dimension than the points");
        }
        middle.assign(centre->data(), centre->data() + centre->size());
    }
    const T* const from = points.data();
    const py::gil_scoped_release released;
    return std::make_unique<PointTiles>(from, points.shape(0), points.shape(1), std::move(middle),
                                        n_threads, has_signal);
}

std::unique_ptr<DirectionalExtremes> extremes_of(const DoubleArray& directions) {
    need_matrix(directions);
    return std::make_unique<DirectionalExtremes>(directions.data(), directions.shape(0),
                                                 directions.shape(1));
}

py::array_t<double> widths_of(const DirectionalExtremes& extremes) {
    py::array_t<double> widths(extremes.n_directions());
    double* const out = widths.mutable_data();
    const py::gil_scoped_release released;
    extremes.widths(out);
    return widths;
}

// The values, and the points that have them.
using Reached = std::pair<py::array_t<double>, py::array_t<std::int64_t>>;

Reached reached(const DirectionalExtremes& extremes,
                void (DirectionalExtremes::*results)(double*, std::int64_t*) const) {
    py::array_t<double> values(extremes.n_directions());
    py::array_t<std::int64_t> indices(extremes.n_directions());
    double* const to_values = values.mutable_data();
    std::int64_t* const to_indices = indices.mutable_data();
    {
        const py::gil_scoped_release released;
        (extremes.*results)(to_values, to_indices);
    }
    return {std::move(values), std::move(indices)};
}

}  // namespace

void bind_mean_width(py::module_& m) {
    // The points are read again when candidates are compared, so that no copy would do.
    py::class_<PointTiles>(m, "PointTiles")
        .def(py::init(&tiles_of<double>), py::arg("points").noconvert(), py::arg("centre"),
             py::arg("n_threads"), py::keep_alive<1, 2>())
        .def(py::init(&tiles_of<float>), py::arg("points").noconvert(), py::arg("centre"),
             py::arg("n_threads"), py::keep_alive<1, 2>())
        .def_property_readonly("is_narrow", &PointTiles::is_narrow)
        .def_property_readonly("centre",
                               [](const PointTiles& tiles) { return as_array(tiles.centre()); });
    py::class_<DirectionalExtremes>(m, "DirectionalExtremes")
        .def(py::init(&extremes_of), py::arg("directions"))
        .def(
            "take",
            [](DirectionalExtremes& extremes, const PointTiles& points, int n_threads) {
                const py::gil_scoped_release released;
                extremes.take(points, n_threads, has_signal);
            },
            py::arg("points"), py::arg("n_threads"))
        .def("widths", &widths_of)
        .def("maxima",
             [](const DirectionalExtremes& extremes) {
                 return reached(extremes, &DirectionalExtremes::maxima);
             })
        .def("minima", [](const DirectionalExtremes& extremes) {
            return reached(extremes, &DirectionalExtremes::minima);
        });
}
