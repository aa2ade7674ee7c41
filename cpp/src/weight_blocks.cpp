// How the weights that a product takes are gathered: the fastest way that each layer's memory
// allows.

#include "relufast/weight_blocks.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "relufast/column_ops.hpp"

namespace relufast {
namespace {

using BlockOfDoubles = PackedBlock<double>;

// Asks for a part of a column that is read soon: columns lie too far apart for the hardware to see
// which one is next.
void ask_for(const double* entries, std::int64_t n) {
    for (std::int64_t i = 0; i < n; i += 8) {
        __builtin_prefetch(entries + i);
    }
}

constexpr std::int64_t kAhead = 4;  // columns

// All rows: pieces of columns, each of which `write` brings to where it belongs.
template <class Number, class Write>
FillBlock<Number> of_all_rows(const Layer& layer, const std::vector<std::int32_t>& senders,
                              Write write) {
    return [&layer, &senders, write](std::int64_t first_row, std::int64_t first_column,
                                     const PackedBlock<Number>& block) {
        const std::int64_t n_columns = block.n_columns();
        const auto column_at = [&](std::int64_t column) {
            return layer.outgoing(senders[static_cast<std::size_t>(first_column + column)]) +
                   first_row;
        };
        for (std::int64_t column = 0; column < n_columns; ++column) {
            ask_for(column_at(std::min(column + kAhead, n_columns - 1)), block.n_rows());
            const double* const from = column_at(column);
            block.for_each_panel([&](std::int64_t row, auto count) {
                write(from + row, count, block.at(row, column));
            });
        }
    };
}

// Some rows of a layer that lies by columns.
FillBlock<double> out_of_columns(const Rows& rows, const std::vector<std::int32_t>& senders) {
    return [&](std::int64_t first_row, std::int64_t first_column, const BlockOfDoubles& block) {
        const std::vector<std::int32_t>& neurons = *rows.neurons;
        const std::int64_t n_columns = block.n_columns();
        const auto sender_of = [&](std::int64_t column) {
            return senders[static_cast<std::size_t>(first_column + column)];
        };
        const auto begin = static_cast<std::size_t>(first_row);
        const std::size_t end =
            std::min(begin + static_cast<std::size_t>(block.n_rows()), neurons.size());
        for (std::int64_t column = 0; column < n_columns; ++column) {
            if (begin < end) {
                const std::int32_t sender = sender_of(std::min(column + kAhead, n_columns - 1));
                ask_for(rows.layer.outgoing(sender) + neurons[begin],
                        neurons[end - 1] - neurons[begin] + 1);
            }
            const std::int32_t sender = sender_of(column);
            const double* const from = rows.layer.outgoing(sender);
            block.for_each_panel([&](std::int64_t row, std::int64_t count) {
                double* const to = block.at(row, column);
                const std::size_t first = begin + static_cast<std::size_t>(row);
                const std::size_t last = first + static_cast<std::size_t>(count);
                for (std::size_t i = first; i < std::min(last, neurons.size()); ++i) {
                    to[i - first] = from[neurons[i]];
                }
                for (std::size_t i = std::max(first, neurons.size()); i < last; ++i) {
                    to[i - first] = rows.others->weights(i - neurons.size())[sender];
                }
            });
        }
    };
}

}  // namespace

FillBlock<double> blocks_of_weights(const Rows& rows, const std::vector<std::int32_t>& senders) {
    if (rows.neurons == nullptr) {
        return of_all_rows<double>(rows.layer, senders,
                                   [](const double* from, auto count, double* to) {
                                       for (std::int64_t r = 0; r < count; ++r) {
                                           to[r] = from[r];
                                       }
                                   });
    }
    if (rows.layer.rows == nullptr) {
        return out_of_columns(rows, senders);
    }
    return blocks_out_of_rows(
        [&rows](std::size_t r) {
            const std::vector<std::int32_t>& neurons = *rows.neurons;
            return r < neurons.size() ? rows.layer.rows + neurons[r] * rows.layer.n_in
                                      : rows.others->weights(r - neurons.size());
        },
        senders);
}

FillBlock<float> rough_blocks_of_weights(const Layer& layer,
                                         const std::vector<std::int32_t>& senders, double factor) {
    return of_all_rows<float>(layer, senders,
                              [factor](const double* from, std::int64_t count, float* to) {
                                  round_multiples(factor, from, to, count);
                              });
}

FillBlock<double> blocks_out_of_rows(RowAt row_at, const std::vector<std::int32_t>& columns) {
    return [row_at = std::move(row_at), &columns](std::int64_t first_row, std::int64_t first_column,
                                                  const BlockOfDoubles& block) {
        block.for_each_panel([&](std::int64_t row, auto count) {
            std::array<const double*, BlockOfDoubles::kPanelRows> from{};
            for (std::size_t r = 0; r < static_cast<std::size_t>(count); ++r) {
                from[r] = row_at(static_cast<std::size_t>(first_row + row) + r);
            }
            for (std::int64_t column = 0; column < block.n_columns(); ++column) {
                const std::int32_t at = columns[static_cast<std::size_t>(first_column + column)];
                double* const to = block.at(row, column);
                for (std::size_t r = 0; r < static_cast<std::size_t>(count); ++r) {
                    to[r] = from[r][at];
                }
            }
        });
    };
}

}  // namespace relufast
