#pragma once

#include <cstdint>
#include <vector>

namespace relufast {

// A bipartite graph of sources with capacities and sinks that each take one unit.
struct CapacitatedGraph {
    std::int64_t n_sinks = 0;
    std::vector<std::int64_t> capacities;  // by source
    // By source, words() of them: bit j of the whole is set where it may send to sink j.
    std::vector<std::uint64_t> reach;

    std::size_t words() const { return static_cast<std::size_t>((n_sinks + 63) / 64); }
};

// The value of a maximum flow, by augmenting paths.
std::int64_t maximum_flow(const CapacitatedGraph& graph);

}  // namespace relufast
