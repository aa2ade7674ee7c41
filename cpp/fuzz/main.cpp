// Runs the fuzzer without libFuzzer, with any compiler:
//
//     fuzz_capi FILE...              the inputs in these files
//     fuzz_capi SECONDS [SEED]       random inputs, for so long; the seed is 0 if not given
//
// Each random input lies in the file fuzz-input while it runs, and is left there if it fails.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr const char* kInput = "fuzz-input";

int run_file(const char* path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        std::fprintf(stderr, "fuzz_capi: cannot read %s\n", path);
        return 2;
    }
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    return LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                  bytes.size());
}

int run_random(double seconds, std::uint64_t seed) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point start = Clock::now();
    std::mt19937_64 random(seed);
    long n_inputs = 0;
    while (std::chrono::duration<double>(Clock::now() - start).count() < seconds) {
        std::vector<std::uint8_t> input(4 + random() % 60);
        for (std::uint8_t& byte : input) {
            byte = static_cast<std::uint8_t>(random());
        }
        std::ofstream(kInput, std::ios::binary)
            .write(reinterpret_cast<const char*>(input.data()),
                   static_cast<std::streamsize>(input.size()));
        LLVMFuzzerTestOneInput(input.data(), input.size());
        ++n_inputs;
    }
    std::remove(kInput);
    std::printf("fuzz_capi: %ld inputs from seed %llu, no finding\n", n_inputs,
                static_cast<unsigned long long>(seed));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: fuzz_capi FILE... | SECONDS [SEED]\n");
        return 2;
    }
    char* end = nullptr;
    const double seconds = std::strtod(argv[1], &end);
    if (*end == '\0') {
        return run_random(seconds, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0);
    }
    for (int i = 1; i < argc; ++i) {
        if (const int failed = run_file(argv[i])) {
            return failed;
        }
    }
    return 0;
}
