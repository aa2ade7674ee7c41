// What module.cpp puts together: one function for each topic.
#pragma once

#include <pybind11/pybind11.h>

void bind_blas(pybind11::module_& m);
void bind_breakpoints(pybind11::module_& m);
void bind_normals(pybind11::module_& m);
