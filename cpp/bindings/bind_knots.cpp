// Knots of a line, as Python sees them: arrays that share the core's memory, and are read-only.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "bindings.hpp"
#include "relufast/breakpoints.hpp"

namespace py = pybind11;

namespace {

using relufast::Breakpoints;

using Doubles = py::array_t<double>;
using Ints = py::array_t<std::int32_t>;
using Longs = py::array_t<std::int64_t>;
using Bools = py::array_t<bool>;
template <class T>
using Given = py::array_t<T, py::array::c_style | py::array::forcecast>;

// NumPy's type of what the core keeps: yes or no takes a byte in both.
template <class T>
struct InNumPy {
    using type = T;
};
template <>
struct InNumPy<std::uint8_t> {
    using type = bool;
};
template <class T>
using ArrayOf = py::array_t<typename InNumPy<T>::type>;

// A part of an array that `knots` keeps alive.
template <class T>
ArrayOf<T> view(const std::vector<T>& values, std::size_t begin, std::size_t count,
                const py::handle& knots) {
    const void* const from = values.data() + begin;
    return read_only(ArrayOf<T>(static_cast<py::ssize_t>(count),
                                static_cast<const typename InNumPy<T>::type*>(from), knots));
}

template <auto member>
auto all_of(const py::object& knots) {
    const auto& values = knots.cast<const Breakpoints&>().*member;
    return view(values, 0, values.size(), knots);
}

template <class T, class Array>
std::vector<T> copy_of(const Array& array) {
    return std::vector<T>(array.data(), array.data() + array.size());
}

// Arrays come from files and other processes, too.
void need_consistent(const Breakpoints& knots) {
    const std::size_t n = knots.x.size();
    const auto& first = knots.first_crossing;
    const bool is_consistent = n >= 2 && knots.x_error.size() == n &&
                               knots.reaches_output.size() == n &&
                               knots.open_after.size() == n - 1 && first.size() == n + 1 &&
                               first.front() == 0 && std::is_sorted(first.begin(), first.end()) &&
                               static_cast<std::size_t>(first.back()) == knots.layers.size() &&
                               knots.neurons.size() == knots.layers.size() &&
                               knots.undecided_count.size() == knots.undecided_x.size();
    if (!is_consistent) {
        throw std::invalid_argument("arrays that do not belong to each other make no knots");
    }
}

std::unique_ptr<Breakpoints> from_arrays(
    const Given<double>& x, const Given<double>& x_error, const Given<bool>& reaches_output,
    const Given<bool>& open_after, const Given<std::int32_t>& first_crossing,
    const Given<std::int32_t>& layers, const Given<std::int32_t>& neurons,
    const Given<double>& undecided_x, const Given<std::int64_t>& undecided_count) {
    auto knots = std::make_unique<Breakpoints>(Breakpoints{
        .x = copy_of<double>(x),
        .x_error = copy_of<double>(x_error),
        .reaches_output = copy_of<std::uint8_t>(reaches_output),
        .open_after = copy_of<std::uint8_t>(open_after),
        .first_crossing = copy_of<std::int32_t>(first_crossing),
        .layers = copy_of<std::int32_t>(layers),
        .neurons = copy_of<std::int32_t>(neurons),
        .undecided_x = copy_of<double>(undecided_x),
        .undecided_count = copy_of<std::int64_t>(undecided_count),
    });
    need_consistent(*knots);
    return knots;
}

using State = py::typing::Tuple<Doubles, Doubles, Bools, Bools, Ints, Ints, Ints, Doubles, Longs>;

// For other processes.
State state_of(const py::object& knots) {
    return py::make_tuple(
        all_of<&Breakpoints::x>(knots), all_of<&Breakpoints::x_error>(knots),
        all_of<&Breakpoints::reaches_output>(knots), all_of<&Breakpoints::open_after>(knots),
        all_of<&Breakpoints::first_crossing>(knots), all_of<&Breakpoints::layers>(knots),
        all_of<&Breakpoints::neurons>(knots), all_of<&Breakpoints::undecided_x>(knots),
        all_of<&Breakpoints::undecided_count>(knots));
}

std::unique_ptr<Breakpoints> from_state(const State& state) {
    return from_arrays(Given<double>(state[0]), Given<double>(state[1]), Given<bool>(state[2]),
                       Given<bool>(state[3]), Given<std::int32_t>(state[4]),
                       Given<std::int32_t>(state[5]), Given<std::int32_t>(state[6]),
                       Given<double>(state[7]), Given<std::int64_t>(state[8]));
}

// Decisions that stayed open; at least one where any stretch did.
std::int64_t n_undecided(const Breakpoints& knots) {
    const auto& open = knots.open_after;
    if (std::find(open.begin(), open.end(), 1) == open.end()) {
        return 0;
    }
    const auto& counts = knots.undecided_count;
    return std::max<std::int64_t>(std::reduce(counts.begin(), counts.end()), 1);
}

// x, x_error, layer, neuron, reaches_output and the site of every crossing.
py::typing::Tuple<Doubles, Doubles, Ints, Ints, Bools, Ints> by_crossing(const py::object& self) {
    const auto& knots = self.cast<const Breakpoints&>();
    const std::size_t n_inner = knots.x.size() - 2;
    const std::size_t n_crossings = knots.layers.size();
    Ints sites(static_cast<py::ssize_t>(n_crossings));
    std::int32_t* const site = sites.mutable_data();
    const Ints layers = view(knots.layers, 0, n_crossings, self);
    const Ints neurons = view(knots.neurons, 0, n_crossings, self);
    if (n_crossings == n_inner) {  // one at each knot but the ends
        std::iota(site, site + n_inner, 0);
        return py::make_tuple(view(knots.x, 1, n_inner, self),
                              view(knots.x_error, 1, n_inner, self), layers, neurons,
                              view(knots.reaches_output, 1, n_inner, self), read_only(sites));
    }
    Doubles x(static_cast<py::ssize_t>(n_crossings));
    Doubles x_error(static_cast<py::ssize_t>(n_crossings));
    Bools reaches(static_cast<py::ssize_t>(n_crossings));
    std::int32_t n_sites = 0;
    for (std::size_t k = 0; k < knots.x.size(); ++k) {
        const std::int32_t begin = knots.first_crossing[k];
        const std::int32_t end = knots.first_crossing[k + 1];
        std::fill(x.mutable_data() + begin, x.mutable_data() + end, knots.x[k]);
        std::fill(x_error.mutable_data() + begin, x_error.mutable_data() + end, knots.x_error[k]);
        std::fill(reaches.mutable_data() + begin, reaches.mutable_data() + end,
                  knots.reaches_output[k] != 0);
        std::fill(site + begin, site + end, n_sites);
        n_sites += begin < end ? 1 : 0;
    }
    return py::make_tuple(read_only(x), read_only(x_error), layers, neurons, read_only(reaches),
                          read_only(sites));
}

}  // namespace

void bind_knots(py::module_& m) {
    py::class_<Breakpoints>(m, "Knots")
        .def(py::init(&from_arrays), py::kw_only(), py::arg("x"), py::arg("x_error"),
             py::arg("reaches_output"), py::arg("open_after"), py::arg("first_crossing"),
             py::arg("layers"), py::arg("neurons"), py::arg("undecided_x"),
             py::arg("undecided_count"))
        .def_property_readonly("x", &all_of<&Breakpoints::x>)
        .def_property_readonly("x_error", &all_of<&Breakpoints::x_error>)
        .def_property_readonly("reaches_output", &all_of<&Breakpoints::reaches_output>)
        .def_property_readonly("open_after", &all_of<&Breakpoints::open_after>)
        .def_property_readonly("first_crossing", &all_of<&Breakpoints::first_crossing>)
        .def_property_readonly("layers", &all_of<&Breakpoints::layers>)
        .def_property_readonly("neurons", &all_of<&Breakpoints::neurons>)
        .def_property_readonly("undecided_x", &all_of<&Breakpoints::undecided_x>)
        .def_property_readonly("undecided_count", &all_of<&Breakpoints::undecided_count>)
        .def_property_readonly("n_undecided", &n_undecided)
        .def("by_crossing", &by_crossing)
        .def(py::pickle(&state_of, &from_state));
}
