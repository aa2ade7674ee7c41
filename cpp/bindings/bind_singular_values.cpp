// ReLU singular values: layers of low rank fitted to a layer, and their errors on the sphere.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "bindings.hpp"
#include "relufast/layer_errors.hpp"
#include "relufast/layer_fit.hpp"
#include "relufast/sphere_errors.hpp"

namespace py = pybind11;

namespace {

void need_shape(const DoubleArray& array, std::int64_t rows, std::int64_t columns) {
    need_matrix(array);
    if (array.shape(0) != rows || array.shape(1) != columns || array.size() == 0) {
        throw std::invalid_argument("a matrix of another shape, or an empty one");
    }
}

relufast::LayerErrors make_errors(const DoubleArray& a, const DoubleArray& bias,
                                  const DoubleArray& points) {
    need_matrix(a);
    need_shape(a, a.shape(0), a.shape(1));
    need_matrix(points);
    need_shape(points, points.shape(0), a.shape(1));
    if (bias.ndim() != 1 || bias.shape(0) != a.shape(0)) {
        throw std::invalid_argument("a bias of another length");
    }
    const py::gil_scoped_release released;
    return {a.shape(0), a.shape(1), a.data(), bias.data(), points.shape(0), points.data()};
}

DoubleArray squares(const relufast::LayerErrors& self, const DoubleArray& l, int n_threads) {
    need_shape(l, self.m(), self.n());
    DoubleArray out(self.count());
    double* const to = out.mutable_data();
    const py::gil_scoped_release released;
    self.squares(l.data(), to, n_threads);
    return out;
}

std::tuple<DoubleArray, DoubleArray, double, int> fit(const relufast::LayerErrors& self,
                                                      const DoubleArray& w, const DoubleArray& m,
                                                      int first_log2_q, int last_log2_q,
                                                      int evaluations_each, int n_threads) {
    need_matrix(w);
    const std::int64_t k = w.shape(1);
    need_shape(w, self.m(), k);
    need_shape(m, k, self.n());
    if (first_log2_q < 0 || last_log2_q < first_log2_q) {
        throw std::invalid_argument("stages must not fall");
    }
    relufast::LayerFit found;
    {
        const py::gil_scoped_release released;
        found = relufast::fit_layer(self, k, w.data(), m.data(),
                                    {first_log2_q, last_log2_q, evaluations_each}, n_threads,
                                    has_signal);
    }
    return {as_array(found.w).reshape({self.m(), k}), as_array(found.m).reshape({k, self.n()}),
            found.largest_square, found.evaluations};
}

relufast::LayerPair as_pair(const DoubleArray& a, const DoubleArray& l) {
    need_matrix(a);
    need_shape(l, a.shape(0), a.shape(1));
    return {a.shape(0), a.shape(1), a.data(), l.data()};
}

std::tuple<DoubleArray, DoubleArray> ascend_on_sphere(const DoubleArray& a, const DoubleArray& l,
                                                      const DoubleArray& starts, std::uint64_t seed,
                                                      int n_threads) {
    const relufast::LayerPair layers = as_pair(a, l);
    need_matrix(starts);
    need_shape(starts, starts.shape(0), layers.n);
    DoubleArray points({starts.shape(0), starts.shape(1)});
    std::copy_n(starts.data(), starts.size(), points.mutable_data());
    DoubleArray reached(starts.shape(0));
    double* const at = points.mutable_data();
    double* const to = reached.mutable_data();
    {
        const py::gil_scoped_release released;
        relufast::ascend_on_sphere(layers, starts.shape(0), at, to, seed, n_threads, has_signal);
    }
    return {points, reached};
}

std::tuple<double, double, DoubleArray, std::int64_t, bool> bound_on_sphere(
    const DoubleArray& a, const DoubleArray& l, double known_square, double rtol,
    std::int64_t most_cells) {
    const relufast::LayerPair layers = as_pair(a, l);
    relufast::SphereBound found;
    {
        const py::gil_scoped_release released;
        found = relufast::bound_on_sphere(layers, known_square, rtol, most_cells, has_signal);
    }
    return {found.upper_square, found.reached_square, as_array(found.at), found.n_cells,
            found.is_tight};
}

}  // namespace

void bind_singular_values(py::module_& m) {
    py::class_<relufast::LayerErrors>(m, "LayerErrors")
        .def(py::init(&make_errors), py::arg("a"), py::arg("bias"), py::arg("points"))
        .def("squares", &squares, py::arg("l"), py::arg("n_threads"))
        .def("fit", &fit, py::arg("w"), py::arg("m"), py::arg("first_log2_q"),
             py::arg("last_log2_q"), py::arg("evaluations_each"), py::arg("n_threads"));
    m.def("ascend_on_sphere", &ascend_on_sphere, py::arg("a"), py::arg("l"), py::arg("starts"),
          py::arg("seed"), py::arg("n_threads"));
    m.def("bound_on_sphere", &bound_on_sphere, py::arg("a"), py::arg("l"), py::arg("known_square"),
          py::arg("rtol"), py::arg("most_cells"));
}
