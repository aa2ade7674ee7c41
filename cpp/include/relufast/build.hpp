#pragma once

#include <string>

namespace relufast {

// How this library was built. Lists are separated by spaces.
struct Build {
    std::string compiler;
    std::string build_type;
    std::string flags;             // those that decide about bits and speed
    std::string instruction_sets;  // hot loops are compiled for, the best first
    std::string instruction_set;   // the one that this CPU runs
};

Build build();

}  // namespace relufast
