// Ranks and rank profiles modulo a prime.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "relufast/echelon.hpp"
#include "relufast/modular.hpp"

namespace py = pybind11;
namespace modular = relufast::modular;

namespace {

template <class T>
using Array = py::array_t<T, py::array::c_style>;

// A row-major matrix.
template <class T>
struct Given {
    explicit Given(const Array<T>& array) {
        need_matrix(array);
        values = array.data();
        n_rows = array.shape(0);
        n_columns = array.shape(1);
    }

    const T* values;
    std::int64_t n_rows;
    std::int64_t n_columns;
};

template <class T>
modular::Matrix residues(const Given<T>& given, const modular::Modulus& modulus) {
    constexpr std::int64_t kAtOnce = 16;  // rows, whose columns are written a cache line at a time
    modular::Matrix matrix(given.n_rows, given.n_columns);
    const std::int64_t n = given.n_columns;
    std::vector<double> rows(static_cast<std::size_t>(kAtOnce * n));
    for (std::int64_t i = 0; i < given.n_rows; i += kAtOnce) {
        const std::int64_t m = std::min(kAtOnce, given.n_rows - i);
        modular::residues(given.values + i * n, static_cast<std::size_t>(m * n), modulus,
                          rows.data());
        for (std::int64_t j = 0; j < n; ++j) {
            double* const column = matrix.at(i, j);
            for (std::int64_t k = 0; k < m; ++k) {
                column[k] = rows[static_cast<std::size_t>(k * n + j)];
            }
        }
    }
    return matrix;
}

template <class T>
modular::Matrix residues_of_transpose(const Given<T>& given, const modular::Modulus& modulus) {
    modular::Matrix matrix(given.n_columns, given.n_rows);
    for (std::int64_t i = 0; i < given.n_rows; ++i) {
        modular::residues(given.values + i * given.n_columns,
                          static_cast<std::size_t>(given.n_columns), modulus, matrix.at(0, i));
    }
    return matrix;
}

template <class T>
std::int64_t rank_modulo(const Array<T>& array, std::int64_t prime) {
    const Given<T> given(array);
    const modular::Modulus modulus(prime);
    const py::gil_scoped_release released;
    modular::Matrix matrix = residues_of_transpose(given, modulus);
    return modular::rank(matrix, modulus, has_signal);
}

// The rank profile of the rows or of the columns, and as many of the others.
template <class T>
std::pair<py::array_t<std::int64_t>, py::array_t<std::int64_t>> pivots_modulo(const Array<T>& array,
                                                                              std::int64_t prime,
                                                                              bool of_rows) {
    const Given<T> given(array);
    const modular::Modulus modulus(prime);
    modular::Pivots found;
    {
        const py::gil_scoped_release released;
        modular::Matrix matrix =
            of_rows ? residues(given, modulus) : residues_of_transpose(given, modulus);
        found = modular::pivots(matrix, modulus, has_signal);
    }
    return {as_array(found.rows), as_array(found.columns)};
}

template <class T>
py::array_t<std::int64_t> append(modular::Echelon& echelon, const Array<T>& array) {
    const Given<T> given(array);
    if (given.n_columns != echelon.n_columns()) {
        throw std::invalid_argument("rows of another length");
    }
    std::vector<std::int64_t> independent;
    {
        const py::gil_scoped_release released;
        std::vector<double> rows(static_cast<std::size_t>(array.size()));
        modular::residues(given.values, rows.size(), echelon.modulus(), rows.data());
        independent = echelon.append(given.n_rows, rows.data(), has_signal);
    }
    return as_array(independent);
}

template <class T>
void bind_for(py::module_& m, py::class_<modular::Echelon>& echelon) {
    // Not converted: float64 would round integers.
    m.def("rank_modulo", &rank_modulo<T>, py::arg("matrix").noconvert(), py::arg("prime"));
    m.def("pivots_modulo", &pivots_modulo<T>, py::arg("matrix").noconvert(), py::arg("prime"),
          py::arg("of_rows"));
    echelon.def("append", &append<T>, py::arg("rows").noconvert());
}

}  // namespace

void bind_rank(py::module_& m) {
    m.def("primes", &modular::primes, py::arg("count"));
    py::class_<modular::Echelon> echelon(m, "Echelon");
    echelon
        .def(py::init([](std::int64_t n_columns, std::int64_t prime) {
                 return modular::Echelon(n_columns, modular::Modulus(prime));
             }),
             py::arg("n_columns"), py::arg("prime"))
        .def_property_readonly("rank", &modular::Echelon::rank);
    bind_for<double>(m, echelon);
    bind_for<std::int64_t>(m, echelon);
    bind_for<std::uint64_t>(m, echelon);
}
