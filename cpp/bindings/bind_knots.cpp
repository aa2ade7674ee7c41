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
using Bools = py::array_t<bool>;

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

// Calls visit(name, member) for each array.
template <class Visit>
void for_each_array(Visit visit) {
    visit("x", &Breakpoints::x);
    visit("x_error", &Breakpoints::x_error);
    visit("reaches_output", &Breakpoints::reaches_output);
    visit("open_after", &Breakpoints::open_after);
    visit("first_crossing", &Breakpoints::first_crossing);
    visit("layers", &Breakpoints::layers);
    visit("neurons", &Breakpoints::neurons);
    visit("undecided_x", &Breakpoints::undecided_x);
    visit("undecided_count", &Breakpoints::undecided_count);
}

using Arrays = py::typing::Dict<py::str, py::array>;

// All of them by name: for files and other processes.
Arrays arrays_of(const py::object& knots) {
    const auto& found = knots.cast<const Breakpoints&>();
    Arrays arrays;
    for_each_array([&](const char* name, auto member) {
        arrays[name] = view(found.*member, 0, (found.*member).size(), knots);
    });
    return arrays;
}

// Arrays come from there, too.
bool is_consistent(const Breakpoints& knots) {
    const std::size_t n = knots.x.size();
    const auto& first = knots.first_crossing;
    return n >= 2 && knots.x_error.size() == n && knots.reaches_output.size() == n &&
           knots.open_after.size() == n - 1 && first.size() == n + 1 && first.front() == 0 &&
           std::is_sorted(first.begin(), first.end()) &&
           static_cast<std::size_t>(first.back()) == knots.layers.size() &&
           knots.neurons.size() == knots.layers.size() &&
           knots.undecided_count.size() == knots.undecided_x.size();
}

std::unique_ptr<Breakpoints> from_arrays(const Arrays& arrays) {
    auto knots = std::make_unique<Breakpoints>();
    std::size_t n_arrays = 0;
    for_each_array([&]<class T>(const char* name, std::vector<T> Breakpoints::* member) {
        using Number = typename InNumPy<T>::type;
        const py::array_t<Number, py::array::c_style | py::array::forcecast> array(arrays[name]);
        ((*knots).*member).assign(array.data(), array.data() + array.size());
        ++n_arrays;
    });
    if (arrays.size() != n_arrays || !is_consistent(*knots)) {
        throw std::invalid_argument("arrays that do not belong to each other make no knots");
    }
    return knots;
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
    py::class_<Breakpoints> knots(m, "Knots");
    for_each_array([&]<class T>(const char* name, std::vector<T> Breakpoints::* member) {
        knots.def_property_readonly(name, [member](const py::object& self) {
            const std::vector<T>& values = self.cast<const Breakpoints&>().*member;
            return view(values, 0, values.size(), self);
        });
    });
    knots.def(py::init([](const py::KWArgs<py::array>& arrays) { return from_arrays(arrays); }))
        .def("arrays", &arrays_of)
        .def_property_readonly("n_undecided", &n_undecided)
        .def("by_crossing", &by_crossing)
        .def(py::pickle(&arrays_of, &from_arrays));
}
