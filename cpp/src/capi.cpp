#include "relufast/capi.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "relufast/blas.hpp"
#include "relufast/breakpoints.hpp"
#include "relufast/line.hpp"
#include "relufast/network.hpp"
#include "relufast/tile.hpp"
#include "relufast/trial_random.hpp"

struct relufast_random {
    relufast::TrialRandom source;
};

struct relufast_breakpoint_counter {
    relufast::Network network;
    double lo;
    double hi;
    relufast::BreakpointOptions options;
    std::vector<const double*> weights;
    std::vector<const double*> biases;
    // Kept from call to call.
    relufast::Line line;
    std::vector<relufast::Workspace> workspaces;
};

namespace {

thread_local std::string last_error;

// What the function returns, or, if it throws, `failed`.
template <class Function, class Result>
Result guarded(Result failed, Function function) noexcept {
    try {
        return function();
    } catch (const std::exception& error) {
        last_error = error.what();
    } catch (...) {
        last_error = "unknown error";
    }
    return failed;
}

void require(const void* pointer, const char* name) {
    if (pointer == nullptr) {
        throw std::invalid_argument(std::string(name) + " is null");
    }
}

bool has_infinite_norm(const relufast::Network& network) {
    for (int l = 1; l <= network.depth() + 1; ++l) {
        const relufast::Layer& layer = network.layer(l);
        if (std::isinf(layer.frobenius_norm) || std::isinf(layer.bias_norm)) {
            return true;
        }
    }
    return false;
}

std::vector<std::int64_t> checked_widths(const int64_t* widths, int64_t n_widths) {
    if (widths == nullptr || n_widths < 3) {
        throw std::invalid_argument("widths needs at least 3 entries: inputs, hidden, outputs");
    }
    std::vector<std::int64_t> checked(widths, widths + n_widths);
    for (const std::int64_t width : checked) {
        if (width < 1) {
            throw std::invalid_argument("widths must be at least 1");
        }
        if (width > std::numeric_limits<std::int32_t>::max()) {  // neurons are numbered so
            throw std::invalid_argument("widths must be below 2^31");
        }
    }
    if (checked[0] != 1) {
        throw std::invalid_argument("widths[0] must be 1: breakpoints are those of one input");
    }
    return checked;
}

}  // namespace

extern "C" {

int relufast_capi_version(void) { return RELUFAST_CAPI_VERSION; }

const char* relufast_last_error(void) { return last_error.c_str(); }

int relufast_set_blas(const relufast_blas* functions) {
    return guarded(RELUFAST_ERROR, [functions] {
        require(functions, "functions");
        relufast::blas::set_functions({.dgemm = functions->dgemm,
                                       .sgemm = functions->sgemm,
                                       .dsyrk = functions->dsyrk,
                                       .ssyrk = functions->ssyrk,
                                       .dpotrf = functions->dpotrf,
                                       .spotrf = functions->spotrf,
                                       .ilp64 = functions->ilp64 != 0,
                                       .set_num_threads_here = functions->set_num_threads_here});
        return RELUFAST_OK;
    });
}

int relufast_blas_ready(void) { return relufast::blas::ready() ? 1 : 0; }

relufast_random* relufast_random_new(const uint64_t* words) {
    return guarded(static_cast<relufast_random*>(nullptr), [words] {
        require(words, "words");
        return new relufast_random{relufast::TrialRandom(words)};
    });
}

void relufast_random_free(relufast_random* random) { delete random; }

void relufast_random_normals(relufast_random* random, double* out, int64_t count) {
    random->source.normals(out, count);
}

relufast_breakpoint_counter* relufast_breakpoint_counter_new(const int64_t* widths,
                                                             int64_t n_widths,
                                                             double negative_slope, double lo,
                                                             double hi) {
    return guarded(static_cast<relufast_breakpoint_counter*>(nullptr), [&] {
        const std::vector<std::int64_t> checked = checked_widths(widths, n_widths);
        if (!std::isfinite(negative_slope)) {
            throw std::invalid_argument("negative_slope must be finite");
        }
        if (!(lo < hi)) {
            throw std::invalid_argument("the interval needs lo < hi");
        }
        const std::size_t n_layers = checked.size() - 1;
        std::int64_t largest = 0;
        for (std::size_t l = 0; l < n_layers; ++l) {
            largest = std::max(largest, checked[l] * checked[l + 1]);
        }
        const std::vector<double> zeros(static_cast<std::size_t>(largest), 0.0);
        const std::vector<const double*> nothing(n_layers, zeros.data());
        return new relufast_breakpoint_counter{
            .network = {checked, nothing, nothing, negative_slope},
            .lo = lo,
            .hi = hi,
            .options = {},
            .weights = nothing,
            .biases = nothing,
            .line = {},
            .workspaces = {}};
    });
}

void relufast_breakpoint_counter_free(relufast_breakpoint_counter* counter) { delete counter; }

int relufast_breakpoint_counter_count(relufast_breakpoint_counter* counter,
                                      const double* parameters, int64_t* counts) {
    return guarded(RELUFAST_ERROR, [&] {
        require(counter, "counter");
        require(parameters, "parameters");
        require(counts, "counts");
        relufast::Network& network = counter->network;
        const double* const first = parameters;
        for (int l = 1; l <= network.depth() + 1; ++l) {
            const relufast::Layer& layer = network.layer(l);
            counter->weights[static_cast<std::size_t>(l - 1)] = parameters;
            parameters += layer.n_out * layer.n_in;
            counter->biases[static_cast<std::size_t>(l - 1)] = parameters;
            parameters += layer.n_out;
        }
        network.set_parameters(counter->weights, counter->biases);
        // The norms of anything else are infinite; those of numbers near the end of the range, too.
        if (has_infinite_norm(network) &&
            !std::all_of(first, parameters, [](double value) { return std::isfinite(value); })) {
            throw std::invalid_argument("parameters must be finite");
        }
        relufast::set_axis_line(counter->line, network.layer(1), counter->lo, counter->hi);
        const bool certain = relufast::count_breakpoints(network, counter->line, counter->options,
                                                         counter->workspaces, counts);
        return certain ? RELUFAST_OK : RELUFAST_OPEN;
    });
}

}  // extern "C"
