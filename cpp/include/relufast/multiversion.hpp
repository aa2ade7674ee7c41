#pragma once

// Hot loops are compiled once per instruction set and chosen at load time, because wheels must run
// on any x86-64 machine. The thread sanitizer cannot start with the resolvers this needs, so its
// preset defines RELUFAST_NO_MULTIVERSION.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(RELUFAST_NO_MULTIVERSION)
#define RELUFAST_IS_MULTIVERSION 1
#define RELUFAST_INSTRUCTION_SETS "x86-64-v4 x86-64-v3 default"
#define RELUFAST_MULTIVERSION \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
// For a function that is written twice: once for CPUs with vectors of 64 bytes.
#define RELUFAST_WITH_AVX512 __attribute__((target("arch=x86-64-v4")))
#define RELUFAST_WITHOUT_AVX512 __attribute__((target("default")))
#else
#define RELUFAST_IS_MULTIVERSION 0
#define RELUFAST_INSTRUCTION_SETS "default"
#define RELUFAST_MULTIVERSION
#define RELUFAST_WITHOUT_AVX512
#endif
