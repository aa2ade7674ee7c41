// Cells of ReLU layers, and searches for those with few active rows.
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "relufast/active_search.hpp"
#include "relufast/injectivity.hpp"

namespace py = pybind11;

namespace {

using IntArray = py::array_t<std::int64_t, py::array::c_style>;
using BoolArray = py::array_t<bool, py::array::c_style>;
using Report = py::typing::Callable<py::object(std::int64_t)>;

std::vector<std::int64_t> as_vector(const IntArray& array) {
    return {array.data(), array.data() + array.size()};
}

// One bool for each row.
BoolArray as_bools(const relufast::RowSet& set, std::int64_t n_rows) {
    BoolArray bools(n_rows);
    for (std::int64_t row = 0; row < n_rows; ++row) {
        bools.mutable_at(row) = relufast::contains(set, static_cast<std::size_t>(row));
    }
    return bools;
}

relufast::Arrangement::OnProgress progress(const std::optional<Report>& report) {
    if (!report) {
        return {};
    }
    using Clock = std::chrono::steady_clock;
    return [report = *report, told = Clock::now()](std::int64_t n_flats) mutable {
        if (Clock::now() - told >= std::chrono::milliseconds(100)) {
            const py::gil_scoped_acquire held;
            report(n_flats);
            told = Clock::now();
        }
    };
}

py::typing::Dict<py::str, py::object> cells_of_layer(
    const DoubleArray& normals, std::int64_t n_inputs, const IntArray& n_above,
    const IntArray& n_below, std::int64_t n_constant, std::int64_t row_at_infinity,
    bool stop_at_deficient, const std::optional<Report>& report) {
    need_matrix(normals);
    relufast::ReluLayer layer;
    layer.normals.assign(normals.data(), normals.data() + normals.size());
    layer.n_rows = normals.shape(0);
    layer.dimension = normals.shape(1);
    layer.n_inputs = n_inputs;
    layer.n_above = as_vector(n_above);
    layer.n_below = as_vector(n_below);
    layer.n_constant = n_constant;
    layer.row_at_infinity = row_at_infinity;
    relufast::CellsOfLayer cells;
    const relufast::Arrangement::OnProgress on_progress = progress(report);
    {
        const py::gil_scoped_release released;
        cells = relufast::cells_of_layer(layer, stop_at_deficient, on_progress, has_signal);
    }
    py::typing::Dict<py::str, py::object> result;
    result["is_complete"] = cells.is_complete;
    result["n_cells"] = cells.n_cells;
    result["n_deficient"] = cells.n_deficient;
    result["min_active"] = cells.min_active;
    result["smallest"] = as_bools(cells.smallest, layer.n_rows);
    result["deficient"] = cells.deficient.empty()
                              ? py::object(py::none())
                              : py::object(as_bools(cells.deficient, layer.n_rows));
    return result;
}

py::array_t<std::int64_t> rays_of_cell(const DoubleArray& normals, const BoolArray& positive) {
    need_matrix(normals);
    if (positive.ndim() != 1 || positive.shape(0) != normals.shape(0)) {
        throw std::invalid_argument("a cell has a sign for each row");
    }
    relufast::RowSet set(static_cast<std::size_t>((normals.shape(0) + 63) / 64), 0);
    for (py::ssize_t row = 0; row < positive.shape(0); ++row) {
        if (positive.at(row)) {
            set[static_cast<std::size_t>(row) / 64] |= std::uint64_t{1} << (row % 64);
        }
    }
    std::vector<std::int64_t> rays;
    {
        const py::gil_scoped_release released;
        rays = relufast::rays_of_cell(normals.data(), normals.shape(0), normals.shape(1), set,
                                      has_signal);
    }
    return as_array(rays);
}

// Counts of active rows, and the points, a row for each start.
std::pair<py::array_t<std::int64_t>, py::array_t<double>> search_few_active(
    const DoubleArray& matrix, const DoubleArray& bias,
    const py::array_t<std::uint64_t, py::array::c_style>& words, std::int64_t n_steps,
    int n_threads, const std::optional<Report>& report) {
    need_matrix(matrix);
    need_matrix(words);
    if (words.shape(1) != relufast::TrialRandom::kStateWords) {
        throw std::invalid_argument("a start has 32 random words");
    }
    const relufast::SearchedLayer layer(
        matrix.data(), matrix.shape(0), matrix.shape(1),
        std::span(bias.data(), static_cast<std::size_t>(bias.size())));
    relufast::FewActive found;
    const relufast::Arrangement::OnProgress on_progress = progress(report);
    {
        const py::gil_scoped_release released;
        found = relufast::search_few_active(
            layer, std::span(words.data(), static_cast<std::size_t>(words.size())), n_steps,
            n_threads, on_progress, has_signal);
    }
    return {as_array(found.n_active),
            as_array(found.points).reshape({words.shape(0), matrix.shape(1)})};
}

}  // namespace

void bind_injectivity(py::module_& m) {
    m.def("cells_of_layer", &cells_of_layer, py::arg("normals"), py::arg("n_inputs"),
          py::arg("n_above"), py::arg("n_below"), py::arg("n_constant"), py::arg("row_at_infinity"),
          py::arg("stop_at_deficient"), py::arg("report"));
    m.def("search_few_active", &search_few_active, py::arg("matrix"), py::arg("bias"),
          py::arg("words"), py::arg("n_steps"), py::arg("n_threads"), py::arg("report"));
    m.def("rays_of_cell", &rays_of_cell, py::arg("normals"), py::arg("positive"));
}
