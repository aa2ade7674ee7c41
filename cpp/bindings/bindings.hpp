// What module.cpp puts together, one function for each topic, and what topics share.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <vector>

using DoubleArray = pybind11::array_t<double, pybind11::array::c_style>;

// Whether a signal's handler has raised, to be asked without the GIL. Beside a busy Python thread
// the GIL is milliseconds away, so that not every question is passed on.
inline bool has_signal() {
    using Clock = std::chrono::steady_clock;
    thread_local Clock::time_point asked{};
    if (Clock::now() - asked < std::chrono::milliseconds(50)) {
        return false;
    }
    const pybind11::gil_scoped_acquire held;
    asked = Clock::now();
    return PyErr_CheckSignals() != 0;
}

inline void need_matrix(const pybind11::array& array) {
    if (array.ndim() != 2) {
        throw std::invalid_argument("a matrix has two axes");
    }
}

// To be filled is faster than to be copied: NumPy would make one array of these values, and another
// one to keep.
template <class T>
pybind11::array_t<T> as_array(const std::vector<T>& values) {
    pybind11::array_t<T> array(static_cast<pybind11::ssize_t>(values.size()));
    std::copy(values.begin(), values.end(), array.mutable_data());
    return array;
}

// For results, which must not change.
template <class Array>
Array read_only(Array array) {
    using Api = pybind11::detail::npy_api;
    pybind11::detail::array_proxy(array.ptr())->flags &= ~Api::NPY_ARRAY_WRITEABLE_;
    return array;
}

void bind_activation_ranks(pybind11::module_& m);
void bind_arc_cosine(pybind11::module_& m);
void bind_blas(pybind11::module_& m);
void bind_breakpoints(pybind11::module_& m);
void bind_injectivity(pybind11::module_& m);
void bind_knots(pybind11::module_& m);
void bind_mean_width(pybind11::module_& m);
void bind_minimal_pieces(pybind11::module_& m);
void bind_normals(pybind11::module_& m);
void bind_rank(pybind11::module_& m);
void bind_singular_values(pybind11::module_& m);
