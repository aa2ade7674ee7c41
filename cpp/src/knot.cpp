#include "relufast/knot.hpp"

#include <algorithm>

namespace relufast {

void open_clusters(Grid& grid, std::vector<Undecided>& undecided) {
    for (std::size_t k = 0; k + 1 < grid.size(); ++k) {
        const Knot& left = grid.knots[k];
        if (are_apart(left, grid.knots[k + 1])) {
            continue;
        }
        if (!grid.open_after[k]) {
            undecided.push_back({left.x, 1});
        }
        grid.open_after[k == 0 ? 0 : k - 1] = 1;
        grid.open_after[k] = 1;
        grid.open_after[std::min(k + 1, grid.size() - 2)] = 1;
    }
}

}  // namespace relufast
