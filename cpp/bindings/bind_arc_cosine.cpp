// Arc-cosine kernels of directions: products with blocks of vectors, and dense matrices.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "bindings.hpp"
#include "relufast/arc_cosine.hpp"
#include "relufast/arc_cosine_product.hpp"

namespace py = pybind11;

namespace {

relufast::ArcCosineDegree as_degree(int degree) {
    if (degree != 0 && degree != 1) {
        throw std::invalid_argument("the degree is " + std::to_string(degree) +
                                    ", but must be 0 or 1");
    }
    return degree == 0 ? relufast::ArcCosineDegree::kZero : relufast::ArcCosineDegree::kOne;
}

DoubleArray arc_cosine(const DoubleArray& cosines, int degree) {
    const relufast::ArcCosineDegree of = as_degree(degree);
    DoubleArray values(cosines.request());
    relufast::apply_arc_cosine(of, values.mutable_data(), static_cast<std::size_t>(values.size()));
    return values;
}

using SingleArray = py::array_t<float, py::array::c_style>;

template <class Array>
Array arc_cosine_product(const Array& directions, const Array& v, int degree, int n_threads) {
    const relufast::ArcCosineDegree of = as_degree(degree);
    need_matrix(directions);
    need_matrix(v);
    if (v.shape(0) != directions.shape(0)) {
        throw std::invalid_argument("vectors of another length");
    }
    Array y({v.shape(0), v.shape(1)});
    const auto* const from = v.data();
    auto* const to = y.mutable_data();
    const py::gil_scoped_release released;
    relufast::arc_cosine_product(of, directions.shape(0), directions.shape(1), directions.data(),
                                 v.shape(1), from, to, n_threads, has_signal);
    return y;
}

DoubleArray arc_cosine_gram(const DoubleArray& directions, int degree, int n_threads) {
    const relufast::ArcCosineDegree of = as_degree(degree);
    need_matrix(directions);
    DoubleArray gram({directions.shape(0), directions.shape(0)});
    double* const to = gram.mutable_data();
    const py::gil_scoped_release released;
    relufast::arc_cosine_gram(of, directions.shape(0), directions.shape(1), directions.data(), to,
                              n_threads, has_signal);
    return gram;
}

DoubleArray arc_cosine_cross_gram(const DoubleArray& directions, const DoubleArray& others,
                                  int degree, int n_threads) {
    const relufast::ArcCosineDegree of = as_degree(degree);
    need_matrix(directions);
    need_matrix(others);
    if (others.shape(1) != directions.shape(1)) {
        throw std::invalid_argument("directions of another dimension");
    }
    DoubleArray gram({directions.shape(0), others.shape(0)});
    double* const to = gram.mutable_data();
    const py::gil_scoped_release released;
    relufast::arc_cosine_cross_gram(of, directions.shape(0), others.shape(0), directions.shape(1),
                                    directions.data(), others.data(), to, n_threads, has_signal);
    return gram;
}

}  // namespace

void bind_arc_cosine(py::module_& m) {
    m.def("arc_cosine", &arc_cosine, py::arg("cosines"), py::arg("degree"));
    m.def("arc_cosine_product", &arc_cosine_product<DoubleArray>, py::arg("directions"),
          py::arg("v"), py::arg("degree"), py::arg("n_threads"));
    m.def("arc_cosine_product_single", &arc_cosine_product<SingleArray>, py::arg("directions"),
          py::arg("v"), py::arg("degree"), py::arg("n_threads"));
    m.def("arc_cosine_gram", &arc_cosine_gram, py::arg("directions"), py::arg("degree"),
          py::arg("n_threads"));
    m.def("arc_cosine_cross_gram", &arc_cosine_cross_gram, py::arg("directions"), py::arg("others"),
          py::arg("degree"), py::arg("n_threads"));
}
