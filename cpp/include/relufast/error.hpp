// The errors of the core. Besides them it throws only std::invalid_argument.
#pragma once

#include <stdexcept>

namespace relufast {

class Error : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

// The caller asked a running computation to stop.
class Interrupted : public Error {
 public:
    using Error::Error;
};

}  // namespace relufast
