#include "relufast/build.hpp"

#include "relufast/multiversion.hpp"

namespace relufast {
namespace {

// As the resolvers of target_clones choose.
const char* instruction_set() {
#if RELUFAST_IS_MULTIVERSION
    if (__builtin_cpu_supports("x86-64-v4")) {
        return "x86-64-v4";
    }
    if (__builtin_cpu_supports("x86-64-v3")) {
        return "x86-64-v3";
    }
#endif
    return "default";
}

}  // namespace

Build build() {
    return {RELUFAST_COMPILER, RELUFAST_BUILD_TYPE, RELUFAST_FLAGS, RELUFAST_INSTRUCTION_SETS,
            instruction_set()};
}

}  // namespace relufast
