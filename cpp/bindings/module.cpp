#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <exception>
#include <map>
#include <string>

#include "bindings.hpp"
#include "relufast/build.hpp"
#include "relufast/error.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_core, m) {
    m.doc() = "The compiled core of relufast. Use the names of `relufast` instead.";
    // A function, because a string attribute would be written into the stub with its value.
    m.def("version", [] { return RELUFAST_VERSION; });
    m.def("build", [] {
        const relufast::Build build = relufast::build();
        return std::map<std::string, std::string>{
            {"compiler", build.compiler},
            {"build_type", build.build_type},
            {"flags", build.flags},
            {"instruction_sets", build.instruction_sets},
            {"instruction_set", build.instruction_set},
        };
    });
    py::register_exception<relufast::Error>(m, "Error", PyExc_RuntimeError);
    // Tried before the one above: pybind11 asks the translator registered last first.
    py::register_exception_translator([](std::exception_ptr error) {
        try {
            std::rethrow_exception(error);
        } catch (const relufast::Interrupted&) {
            // The poll that found the signal has mostly set what its handler raised.
            if (PyErr_Occurred() == nullptr) {
                PyErr_SetNone(PyExc_KeyboardInterrupt);
            }
        }
    });
    bind_blas(m);
    bind_knots(m);
    bind_breakpoints(m);  // networks, which others take
    bind_activation_ranks(m);
    bind_arc_cosine(m);
    bind_injectivity(m);
    bind_mean_width(m);
    bind_minimal_pieces(m);
    bind_normals(m);
    bind_rank(m);
    bind_singular_values(m);
}
