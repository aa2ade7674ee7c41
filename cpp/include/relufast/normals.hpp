#pragma once

#include <cstdint>

namespace relufast {

// Independent standard normals, the first `count` of the stream (seed, layer, row). A stream is a
// pure function of its three numbers, the same bits on every machine and for every compiler, and a
// longer call begins with what a shorter one gives. No value is 0, and all are below 13.8 in size.
void normals(std::uint64_t seed, std::uint64_t layer, std::uint64_t row, double* out,
             std::int64_t count);

// Rows row_begin <= row < row_end of a random layer: row's stream gives its bias, then its fan_in
// weights, so that any row can be had by itself, and the biases alone with fan_in = 0. `weights` is
// row-major, one row per row asked for; each normal is multiplied once by its scale. Layers count
// from 1. Throws std::invalid_argument for layer 0, reversed rows and a negative fan_in.
void fill_layer(std::uint64_t seed, std::uint64_t layer, std::uint64_t row_begin,
                std::uint64_t row_end, std::int64_t fan_in, double weight_scale, double bias_scale,
                double* weights, double* biases);

// Standard normal vectors number first, first + 1, ... of a space, row-major: each is a stream of
// its own, (seed, space, number), apart from those above. Throws std::invalid_argument for a
// negative count or dimension.
void gaussian_directions(std::uint64_t seed, std::uint64_t space, std::uint64_t first,
                         std::int64_t count, std::int64_t dimension, double* out);

}  // namespace relufast
