#pragma once

#include <cstdint>
#include <vector>

#include "relufast/activation_signs.hpp"
#include "relufast/modular.hpp"
#include "relufast/network.hpp"
#include "relufast/threads.hpp"

namespace relufast {

// The ranks modulo a prime of the hidden activations at the points with no open sign up to there.
//
// The network is evaluated in residues with the signs given, never rounded, so that no rank exceeds
// the true one. -1 for layers that are not wanted. Throws Interrupted.
std::vector<std::int64_t> activation_ranks_modulo(const Network& network, const double* points,
                                                  const ActivationSigns& signs,
                                                  const modular::Modulus& modulus,
                                                  const std::vector<bool>& wanted,
                                                  const Interrupt& interrupt);

}  // namespace relufast
