// Activities at a point of the line, where extended precision is sure of them.
#pragma once

#include <cstdint>
#include <vector>

#include "problem.hpp"

namespace relufast::fuzz {

// By hidden layer and neuron: 1 if active, 0 if not, -1 if not known.
std::vector<std::vector<std::int8_t>> activities_at(const Problem& problem, double x);

}  // namespace relufast::fuzz
