#include "relufast/tile_pool.hpp"

#include <utility>

#include "relufast/tile.hpp"

namespace relufast {

std::shared_ptr<Tile> TilePool::take() {
    std::unique_ptr<Tile> tile;
    {
        const std::lock_guard lock(shelf_->mutex);
        if (!shelf_->tiles.empty()) {
            tile = std::move(shelf_->tiles.back());
            shelf_->tiles.pop_back();
        }
    }
    if (tile == nullptr) {
        tile = std::make_unique<Tile>();
    }
    return {tile.release(), [shelf = shelf_](Tile* used) {
                std::unique_ptr<Tile> back(used);
                back->below.reset();
                const std::lock_guard lock(shelf->mutex);
                shelf->tiles.push_back(std::move(back));
            }};
}

}  // namespace relufast
