// The six routines as plain loops, to hand to relufast::blas where there is no SciPy.
#pragma once

#include "relufast/blas.hpp"
#include "relufast/capi.h"

namespace relufast::testing {

blas::Functions reference_blas_lp64();
blas::Functions reference_blas_ilp64();
// For the C face.
relufast_blas reference_blas_of_c();

}  // namespace relufast::testing
