// The fewest pieces within a tolerance, and how far a function is from another.
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <cstdint>
#include <span>
#include <vector>

#include "bindings.hpp"
#include "relufast/deviation.hpp"
#include "relufast/minimal_pieces.hpp"

namespace py = pybind11;

namespace {

// Of the codes of three points, and the exits that are new since the last call, a row for each.
using Orientation =
    py::typing::Callable<int(std::int64_t, std::int64_t, std::int64_t, py::array_t<std::int64_t>)>;

std::span<const double> as_span(const DoubleArray& array) {
    return {array.data(), static_cast<std::size_t>(array.size())};
}

py::array_t<std::int64_t> as_rows(std::span<const relufast::TubeExit> exits) {
    py::array_t<std::int64_t> rows({static_cast<py::ssize_t>(exits.size()), py::ssize_t{4}});
    auto row = rows.mutable_unchecked<2>();
    for (std::size_t k = 0; k < exits.size(); ++k) {
        const auto i = static_cast<py::ssize_t>(k);
        row(i, 0) = exits[k].from;
        row(i, 1) = exits[k].to;
        row(i, 2) = exits[k].segment;
        row(i, 3) = exits[k].side;
    }
    return rows;
}

relufast::ExactOrientation exact_orientation(const std::optional<Orientation>& callback) {
    if (!callback) {
        return {};
    }
    return [callback = *callback, told = std::size_t{0}](
               std::int64_t a, std::int64_t b, std::int64_t c,
               std::span<const relufast::TubeExit> exits) mutable {
        const py::gil_scoped_acquire held;
        const auto news = exits.subspan(told);
        told = exits.size();
        return callback(a, b, c, as_rows(news)).template cast<int>();
    };
}

py::typing::Dict<py::str, py::object> minimal_pieces(const DoubleArray& x, const DoubleArray& y,
                                                     double tolerance,
                                                     const std::optional<Orientation>& exact) {
    relufast::MinimalPieces found;
    const relufast::ExactOrientation orientation = exact_orientation(exact);
    {
        const py::gil_scoped_release released;
        found =
            relufast::minimal_pieces(as_span(x), as_span(y), tolerance, orientation, has_signal);
    }
    py::typing::Dict<py::str, py::object> result;
    result["count"] = found.count;
    result["n_open"] = found.n_open;
    result["exits"] = as_rows(found.exits);
    py::array_t<std::int64_t> last({2, 2});
    for (const py::ssize_t i : {0, 1}) {
        last.mutable_at(i, 0) = found.last[i].from;
        last.mutable_at(i, 1) = found.last[i].to;
    }
    result["last"] = last;
    result["knots"] = as_array(found.knots);
    result["values"] = as_array(found.values);
    return result;
}

std::pair<py::array_t<std::int64_t>, std::int64_t> bends(const DoubleArray& x, const DoubleArray& y,
                                                         const std::optional<Orientation>& exact) {
    relufast::Bends found;
    const relufast::ExactOrientation orientation = exact_orientation(exact);
    {
        const py::gil_scoped_release released;
        found = relufast::bends(as_span(x), as_span(y), orientation, has_signal);
    }
    return {as_array(found.vertices), found.n_open};
}

double largest_deviation(const DoubleArray& x, const DoubleArray& y, const DoubleArray& knots,
                         const DoubleArray& values) {
    const py::gil_scoped_release released;
    return relufast::largest_deviation(as_span(x), as_span(y), as_span(knots), as_span(values));
}

}  // namespace

void bind_minimal_pieces(py::module_& m) {
    m.def("minimal_pieces", &minimal_pieces, py::arg("x"), py::arg("y"), py::arg("tolerance"),
          py::arg("exact"));
    m.def("bends", &bends, py::arg("x"), py::arg("y"), py::arg("exact"));
    m.def("largest_deviation", &largest_deviation, py::arg("x"), py::arg("y"), py::arg("knots"),
          py::arg("values"));
}
