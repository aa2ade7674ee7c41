#pragma once

#include <memory>
#include <mutex>
#include <vector>

namespace relufast {

struct Tile;

// Tiles that were used before: their vectors keep their memory from one to the next, and from trial
// to trial.
class TilePool {
 public:
    // A tile with old contents. It comes back by itself, on whatever thread that is.
    std::shared_ptr<Tile> take();

 private:
    struct Shelf {
        std::mutex mutex;
        std::vector<std::unique_ptr<Tile>> tiles;
    };
    std::shared_ptr<Shelf> shelf_ = std::make_shared<Shelf>();
};

}  // namespace relufast
