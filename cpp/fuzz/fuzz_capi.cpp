// A fuzzer of the C face, and of the core behind it with the options that C does not offer.
//
// An input is decoded to a small hard network and to calls, right and wrong ones. What must hold of
// their results is in checks.hpp; where the network's numbers are short, exact.hpp knows the
// result.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "../tests/reference_blas.hpp"
#include "bytes.hpp"
#include "checks.hpp"
#include "exact.hpp"
#include "problem.hpp"
#include "relufast/capi.h"
#include "relufast/error.hpp"
#include "relufast/rounding.hpp"
#include "relufast/sweep.hpp"
#include "relufast/tile.hpp"

namespace relufast::fuzz {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

using Counter =
    std::unique_ptr<relufast_breakpoint_counter, decltype(&relufast_breakpoint_counter_free)>;
using Random = std::unique_ptr<relufast_random, decltype(&relufast_random_free)>;

struct Counted {
    int status = RELUFAST_ERROR;
    std::vector<std::int64_t> counts;

    bool operator==(const Counted&) const = default;
};

Counter counter_of(const std::vector<std::int64_t>& widths, const Problem& problem) {
    return {relufast_breakpoint_counter_new(widths.data(), static_cast<std::int64_t>(widths.size()),
                                            problem.negative_slope, problem.lo, problem.hi),
            relufast_breakpoint_counter_free};
}

Counted count(relufast_breakpoint_counter* counter, const Problem& problem,
              const std::vector<double>& parameters) {
    Counted result{RELUFAST_ERROR, std::vector<std::int64_t>(problem.depth(), -1)};
    result.status =
        relufast_breakpoint_counter_count(counter, parameters.data(), result.counts.data());
    return result;
}

void require_reason() { require(relufast_last_error()[0] != '\0', "an error has no reason"); }

// ---- BLAS and random numbers ----

void set_blas() {
    const relufast_blas routines = testing::reference_blas_of_c();
    require(relufast_set_blas(&routines) == RELUFAST_OK && relufast_blas_ready() == 1,
            "the BLAS is refused");
}

void check_start() {
    require(relufast_capi_version() == RELUFAST_CAPI_VERSION, "header and library differ");
    require(relufast_blas_ready() == 0, "there is a BLAS before one was given");
    set_blas();
}

void check_blas(Bytes& bytes) {
    if (bytes.one_in(2)) {
        require(relufast_set_blas(nullptr) == RELUFAST_ERROR, "no BLAS was accepted");
    } else {
        int nothing = 0;
        relufast_blas routines{};
        void** const slots[] = {&routines.dgemm, &routines.sgemm,  &routines.dsyrk,
                                &routines.ssyrk, &routines.dpotrf, &routines.spotrf};
        const int missing = bytes.below(6);
        for (int i = 0; i < 6; ++i) {
            *slots[i] = i == missing ? nullptr : &nothing;
        }
        require(relufast_set_blas(&routines) == RELUFAST_ERROR, "half a BLAS was accepted");
    }
    require_reason();
    require(relufast_blas_ready() == 1, "what was refused replaced the BLAS");
}

void check_random(Bytes& bytes) {
    require(relufast_random_new(nullptr) == nullptr, "a stream without a seed");
    relufast_random_free(nullptr);
    std::vector<std::uint64_t> words(RELUFAST_SEED_WORDS, 0);
    if (!bytes.one_in(8)) {
        std::generate(words.begin(), words.end(), [&] { return bytes.word(); });
    }
    const Random one{relufast_random_new(words.data()), relufast_random_free};
    const Random other{relufast_random_new(words.data()), relufast_random_free};
    std::vector<double> at_once(600);
    std::vector<double> in_parts(at_once.size());
    relufast_random_normals(one.get(), at_once.data(), static_cast<std::int64_t>(at_once.size()));
    for (std::size_t begin = 0; begin < in_parts.size();) {
        const std::size_t n = std::min<std::size_t>(bytes.next(), in_parts.size() - begin);
        relufast_random_normals(other.get(), in_parts.data() + begin, static_cast<std::int64_t>(n));
        begin += n;
        if (n == 0) {
            relufast_random_normals(other.get(), nullptr, 0);
            begin += 1;
            relufast_random_normals(other.get(), in_parts.data() + begin - 1, 1);
        }
    }
    require(at_once == in_parts, "normals depend on how many are drawn at once");
    require(std::all_of(at_once.begin(), at_once.end(), [](double z) { return std::fabs(z) < 20; }),
            "a normal is none");
}

// ---- Breakpoint counters ----

void check_refusals(Bytes& bytes, const Problem& problem) {
    std::vector<std::int64_t> widths = problem.widths;
    std::int64_t n_widths = static_cast<std::int64_t>(widths.size());
    double slope = problem.negative_slope;
    double lo = problem.has_line() ? problem.lo : -1.0;
    double hi = problem.has_line() ? problem.hi : 1.0;
    const std::int64_t* given = widths.data();
    switch (bytes.below(7)) {
        case 0:
            given = nullptr;
            break;
        case 1:
            n_widths = bytes.among<std::int64_t>({0, 1, 2, -1, INT64_MIN});
            break;
        case 2:
            widths[static_cast<std::size_t>(bytes.next()) % widths.size()] =
                bytes.among<std::int64_t>({0, -1, INT64_MIN, INT64_MAX, INT64_C(1) << 32});
            break;
        case 3:
            widths[0] = bytes.among<std::int64_t>({2, 3, 0, 1000});
            break;
        case 4:  // more weights than an address can tell
            widths[1] = widths[2] = INT64_C(1) << bytes.among({30, 31, 32, 62});
            break;
        case 5:
            slope = bytes.among({kInfinity, -kInfinity, kNaN});
            break;
        case 6:
            hi = bytes.among({lo, -kInfinity, kNaN});
            break;
    }
    const Counter counter{relufast_breakpoint_counter_new(given, n_widths, slope, lo, hi),
                          relufast_breakpoint_counter_free};
    require(counter == nullptr, "what is out of range got a handle");
    require_reason();
}

// The same once more must follow, whatever was asked in between.
void check_errors(Bytes& bytes, relufast_breakpoint_counter* counter, const Problem& problem,
                  const std::vector<double>& parameters) {
    std::vector<std::int64_t> counts(problem.depth());
    int status = RELUFAST_OK;
    switch (bytes.below(4)) {
        case 0:
            status = relufast_breakpoint_counter_count(nullptr, parameters.data(), counts.data());
            break;
        case 1:
            status = relufast_breakpoint_counter_count(counter, nullptr, counts.data());
            break;
        case 2:
            status = relufast_breakpoint_counter_count(counter, parameters.data(), nullptr);
            break;
        case 3: {
            std::vector<double> broken = parameters;
            broken[bytes.word() % broken.size()] = bytes.among({kNaN, kInfinity, -kInfinity});
            status = count(counter, problem, broken).status;
            break;
        }
    }
    require(status == RELUFAST_ERROR, "a wrong call was answered");
    require_reason();
}

// Through C, by handles in use and new ones, and beside one another. Nothing if there is no handle.
std::optional<Counted> count_in_c(Bytes& bytes, const Problem& problem) {
    relufast_breakpoint_counter_free(nullptr);
    const Counter counter = counter_of(problem.widths, problem);
    const bool is_fine = problem.has_line() && problem.widths[0] == 1;
    require((counter != nullptr) == is_fine,
            is_fine ? "a good problem was refused" : "what is out of range got a handle");
    if (!is_fine) {
        require_reason();
        return std::nullopt;
    }
    const std::vector<double> parameters = problem.flat();
    const Counted first = count(counter.get(), problem, parameters);
    require(first.status != RELUFAST_ERROR, "a good problem was refused");

    if (bytes.one_in(2)) {
        check_errors(bytes, counter.get(), problem, parameters);
    }
    if (bytes.one_in(2)) {  // another network by the same handle
        std::vector<double> others = parameters;
        std::reverse(others.begin(), others.end());
        const Counted other = count(counter.get(), problem, others);
        require(other == count(counter_of(problem.widths, problem).get(), problem, others),
                "a count depends on what its handle was used for");
    }
    require(first == count(counter.get(), problem, parameters),
            "a count depends on what its handle was used for");
    if (bytes.one_in(8)) {
        Counted beside[2];
        std::vector<std::thread> threads;
        for (Counted& result : beside) {
            threads.emplace_back([&] {
                result = count(counter_of(problem.widths, problem).get(), problem, parameters);
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        require(beside[0] == first && beside[1] == first, "a count depends on other threads");
    }
    return first;
}

// ---- The core, with all options ----

BreakpointOptions options_of(Bytes& bytes) {
    BreakpointOptions options;
    options.tile_size = bytes.among<std::int64_t>({0, 1, 2, 3, 4, 7, 16, 4096});
    options.chunk_size = bytes.among<std::int64_t>({0, 0, 1, 2, 3, 5, 32});
    options.worth_threads = 0.0;
    return options;
}

Counted count_in_core(Network& network, const Line& line, const Problem& problem,
                      const BreakpointOptions& options) {
    Counted result{RELUFAST_ERROR, std::vector<std::int64_t>(problem.depth(), -1)};
    std::vector<Workspace> workspaces;
    result.status = count_breakpoints(network, line, options, workspaces, result.counts.data())
                        ? RELUFAST_OK
                        : RELUFAST_OPEN;
    return result;
}

// All windows of a sweep, joined.
Breakpoints sweep(Bytes& bytes, const Problem& problem, const Line& line,
                  const BreakpointOptions& options) {
    const std::unique_ptr<Network> network = bytes.one_in(2) ? build_lazy(problem) : build(problem);
    const Windows windows =
        cut_into_windows(*network, line, static_cast<std::size_t>(bytes.below(4) + 1));
    const double value_bytes = bytes.among({0.0, 1000.0, 1e9});
    Breakpoints joined;
    for (std::size_t w = 0; w + 1 < windows.cuts.size(); ++w) {
        const Breakpoints part = sweep_window(*network, line, windows, w, options, value_bytes);
        if (w > 0) {  // neighbours share a knot, which the right one brings
            joined.layers.resize(static_cast<std::size_t>(joined.first_crossing.end()[-2]));
            joined.neurons.resize(joined.layers.size());
            joined.first_crossing.resize(joined.first_crossing.size() - 2);
            for (auto* values : {&joined.x, &joined.x_error}) {
                values->pop_back();
            }
            joined.reaches_output.pop_back();
        }
        const auto join = [](auto& to, const auto& from) {
            to.insert(to.end(), from.begin(), from.end());
        };
        for (const std::int32_t at : part.first_crossing) {
            joined.first_crossing.push_back(at + static_cast<std::int32_t>(joined.layers.size()));
        }
        join(joined.x, part.x);
        join(joined.x_error, part.x_error);
        join(joined.reaches_output, part.reaches_output);
        join(joined.open_after, part.open_after);
        join(joined.layers, part.layers);
        join(joined.neurons, part.neurons);
        join(joined.undecided_x, part.undecided_x);
        join(joined.undecided_count, part.undecided_count);
    }
    return joined;
}

void check_core(Bytes& bytes, const Problem& problem, const std::optional<Counted>& in_c) {
    const std::unique_ptr<Network> network = build(problem);
    const Line line = line_of(problem, *network);
    const Breakpoints plain = find_breakpoints(*network, line, {});
    check_form(problem, plain);
    check_activities(problem, plain);
    if (const std::optional<Breakpoints> exact = exact_breakpoints(problem)) {
        check_form(problem, *exact);
        check_agreement(plain, *exact, true);
        if (in_c && in_c->status == RELUFAST_OK) {
            check_counts(problem, in_c->counts, *exact);
        }
    }
    if (in_c && problem.start.empty()) {
        require(*in_c == count_in_core(*network, line, problem, {}), "C and C++ count differently");
        if (in_c->status == RELUFAST_OK) {
            check_counts(problem, in_c->counts, plain);
        }
    }

    BreakpointOptions options = options_of(bytes);
    const Breakpoints cut = find_breakpoints(*network, line, options);
    check_form(problem, cut);
    check_activities(problem, cut);
    check_agreement(plain, cut, true);
    const Counted counted = count_in_core(*network, line, problem, options);
    if (counted.status == RELUFAST_OK) {
        check_counts(problem, counted.counts, plain);
    }
    if (bytes.one_in(2)) {
        options.n_threads = 2;
        check_equality(cut, find_breakpoints(*network, line, options));
        require(counted == count_in_core(*network, line, problem, options),
                "the number of threads changed a count");
    }
    if (bytes.one_in(2)) {
        const Breakpoints swept = sweep(bytes, problem, line, options);
        check_form(problem, swept);
        check_activities(problem, swept);
        check_agreement(plain, swept, false);
    }
    if (bytes.one_in(4)) {
        options.certify = false;
        check_form(problem, find_breakpoints(*network, line, options));
        require(count_in_core(*network, line, problem, options).status == RELUFAST_OPEN,
                "a count is certain although nothing was proven");
    }
    if (bytes.one_in(8)) {
        int patience = bytes.below(8);
        options.n_threads = 1;
        options.certify = true;
        options.interrupt = [&] { return patience-- <= 0; };
        try {
            check_form(problem, find_breakpoints(*network, line, options));
        } catch (const Interrupted&) {
            // As asked. What follows finds the network as it was.
        }
    }
    check_equality(plain, find_breakpoints(*network, line, {}));
}

void check(Bytes bytes) {
    if (bytes.one_in(16)) {
        check_blas(bytes);
    }
    if (bytes.one_in(16)) {
        check_random(bytes);
    }
    const Problem problem = decode(bytes);
    show_at_failure(&problem);
    if (bytes.one_in(4)) {
        check_refusals(bytes, problem);
    }
    const std::optional<Counted> in_c =
        problem.start.empty() || problem.widths[0] > 1 ? count_in_c(bytes, problem) : std::nullopt;
    if (problem.has_line()) {
        check_core(bytes, problem, in_c);
    }
    show_at_failure(nullptr);
}

}  // namespace
}  // namespace relufast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool has_started = [] {
        relufast::fuzz::check_start();
        return true;
    }();
    relufast::fuzz::check(relufast::fuzz::Bytes({data, has_started ? size : 0}));
    return 0;
}
