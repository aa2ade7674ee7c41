// An inner layer of a wide network, of which about half of the neurons are inactive along a whole
// tile.
//
// These send nothing and never turn: they are shown to be inactive from the values at the ends of
// short chunks, and left out, as a row of the product here and as a column of it one layer above.

#include <algorithm>
#include <utility>

#include "relufast/selection.hpp"
#include "relufast/tile.hpp"
#include "relufast/tile_product.hpp"

namespace relufast {
namespace {

// In columns of the layer below. Longer chunks have fewer ends, where all neurons are evaluated,
// and leave more signs open.
constexpr std::size_t kChunkColumns = 16;

// From this width on the shorter product outweighs the gathering of weights.
constexpr std::int64_t kWide = 256;

}  // namespace

bool TileSolver::leaves_out_inactive(int layer) const {
    return layer >= 3 && layer < network_.depth() && network_.negative_slope() == 0.0 &&
           (chunk_size_ > 0 || network_.layer(layer).n_out >= kWide);
}

// The neurons that are not shown to be inactive all along; at least one.
std::vector<std::int32_t> TileSolver::possibly_active(const Tile& below, std::size_t first,
                                                      std::size_t last,
                                                      Workspace& workspace) const {
    const Layer& layer = network_.layer(below.layer + 1);
    const auto n = static_cast<std::size_t>(layer.n_out);
    const std::size_t step =
        chunk_size_ > 0 ? static_cast<std::size_t>(chunk_size_) : kChunkColumns;
    const auto begin = static_cast<std::size_t>(below.source[first]);
    const auto end = static_cast<std::size_t>(below.source[last]);
    std::vector<std::size_t>& cuts = workspace.columns;
    cuts.clear();
    for (std::size_t k = begin; k < end; k += step) {
        cuts.push_back(k);
    }
    cuts.push_back(end);
    const RoughValues values = multiply_relu_roughly(layer, 0.0, below, workspace);
    std::vector<std::uint8_t> is_open(n, 0);
    is_open[0] = 1;
    for (std::size_t c = 0; c + 1 < cuts.size(); ++c) {
        const std::vector<KnownSign> signs = signs_between(below, cuts[c], cuts[c + 1], values, c);
        for (std::size_t i = 0; i < n; ++i) {
            if (signs[i] != KnownSign::negative) {
                is_open[i] = 1;
            }
        }
    }
    std::vector<std::int32_t> neurons;
    for (std::size_t i = 0; i < n; ++i) {
        if (is_open[i] != 0) {
            neurons.push_back(static_cast<std::int32_t>(i));
        }
    }
    return neurons;
}

std::shared_ptr<Tile> TileSolver::inner_layer(std::shared_ptr<const Tile> shared, std::size_t first,
                                              std::size_t last, Workspace& workspace) const {
    const Tile& below = *shared;
    const Layer& layer = network_.layer(below.layer + 1);
    const auto open = below.refined.open_after.begin();
    if (std::find(open + static_cast<std::ptrdiff_t>(first),
                  open + static_cast<std::ptrdiff_t>(last),
                  1) != open + static_cast<std::ptrdiff_t>(last)) {
        return whole_layer(std::move(shared), first, last, workspace);
    }
    std::vector<std::int32_t> neurons = possibly_active(below, first, last, workspace);
    const auto n = static_cast<std::int64_t>(neurons.size());
    if (5 * n > 4 * layer.n_out) {
        return whole_layer(std::move(shared), first, last, workspace);
    }
    std::shared_ptr<Tile> tile =
        new_tile(below.layer + 1, n, below.refined, first, last, workspace);
    carry_up({layer, n, &neurons}, below, first, last, tile->z.data(), workspace);
    tile->selection = select(layer, std::move(neurons), false);
    tile->below = std::move(shared);
    tile->first_below = first;
    add_biases_and_bound(*tile, workspace);
    return tile;
}

}  // namespace relufast
