// A window of the line, swept layer by layer.

#include "relufast/sweep.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "relufast/layer_one.hpp"
#include "relufast/point_store.hpp"
#include "relufast/tile.hpp"
#include "relufast/tile_cuts.hpp"

namespace relufast {
namespace {

// Segments in a tile: the weights that a tile gathers are large here, and gathered more seldom than
// where layers are small.
constexpr std::int64_t kTileSize = 512;

// Points evaluated in double-double at one time; each takes three numbers a neuron below it.
constexpr double kPointBytes = 5e8;

// The results of a stretch of the line: its own, or those of its parts from left to right.
struct Part {
    std::vector<std::unique_ptr<Part>> parts;
    Stretch stretch;
    std::vector<Undecided> undecided;
};

// A tile to be made, at some layer; it holds what it is made from.
struct Piece {
    std::function<std::shared_ptr<Tile>(Workspace&)> make;
    Part* part = nullptr;
};

double bytes_of(const Tile& tile) { return 8.0 * static_cast<double>(tile.z.capacity()); }

class Sweep {
 public:
    Sweep(Network& network, const Line& line, const BreakpointOptions& options, double value_bytes)
        : network_(network),
          line_(line),
          options_(options),
          tile_size_(options.tile_size > 0 ? options.tile_size : kTileSize),
          value_bytes_(value_bytes),
          tiles_(network, line, tile_size_, options.chunk_size, options.certify, false, &points_),
          workspaces_(static_cast<std::size_t>(std::max(options.n_threads, 1))),
          waiting_(static_cast<std::size_t>(network.depth() + 2)) {}

    void run(const std::shared_ptr<const LayerOne>& first, std::size_t begin, std::size_t end,
             Part& root) {
        Grid grid;
        const auto from = static_cast<std::ptrdiff_t>(begin);
        const auto to = static_cast<std::ptrdiff_t>(end);
        grid.knots.assign(first->grid.knots.begin() + from, first->grid.knots.begin() + to + 1);
        grid.open_after.assign(first->grid.open_after.begin() + from,
                               first->grid.open_after.begin() + to);
        cut(
            2, grid, [&](std::size_t k) { return grid.knots[k].x_error != 0.0; }, root,
            [this, first, begin](std::size_t lo, std::size_t hi, Workspace& workspace) {
                SecondLayerForm form = tiles_.begin_second_layer(*first, begin + lo, 1, {});
                const std::shared_ptr<Tile> tile = tiles_.second_layer_values(
                    *first, begin + lo, begin + hi, form, 1, {}, workspace);
                tiles_.complete_second_layer(*first, *tile, workspace);
                return tile;
            });
        for (int layer = next_layer(); layer > 0; layer = next_layer()) {
            wave(layer);
        }
    }

 private:
    template <class MayCut, class Make>
    void cut(int layer, const Grid& grid, MayCut may_cut, Part& part, Make make) {
        const auto limit = static_cast<std::size_t>(tile_size_);
        const std::size_t n_parts = (grid.size() - 1 + limit - 1) / limit;
        const std::vector<std::size_t> cuts = cut_grid(grid, n_parts, may_cut);
        const std::lock_guard lock(mutex_);
        for (std::size_t p = 0; p + 1 < cuts.size(); ++p) {
            part.parts.push_back(std::make_unique<Part>());
            waiting_[static_cast<std::size_t>(layer)].push_back(
                {[make, lo = cuts[p], hi = cuts[p + 1]](Workspace& workspace) {
                     return make(lo, hi, workspace);
                 },
                 part.parts.back().get()});
        }
    }

    // The lowest layer with work, so that a layer meets as many tiles as it can; once memory is
    // full the highest, whose work frees some. 0 if there is none.
    int next_layer() const {
        int lowest = 0;
        int highest = 0;
        for (int layer = network_.depth() + 1; layer >= 2; --layer) {
            if (!waiting_[static_cast<std::size_t>(layer)].empty()) {
                lowest = layer;
                highest = std::max(highest, layer);
            }
        }
        return live_bytes_ > value_bytes_ ? highest : lowest;
    }

    void wave(int layer) {
        std::deque<Piece>& waiting = waiting_[static_cast<std::size_t>(layer)];
        const int top = tiles_.looks_at_few(layer) ? layer + 1 : layer;
        std::vector<Asked> asked;
        network_.hold(layer, top, options_.n_threads, options_.interrupt);
        std::atomic<int> n_made = 0;
        parallel_for(options_.n_threads, waiting.size(), options_.interrupt,
                     [&](std::size_t, int thread) {
                         // One for each thread, whatever memory says: so that something goes on.
                         if (n_made++ >= options_.n_threads && live_bytes_ > value_bytes_) {
                             return;
                         }
                         Piece piece;
                         {
                             const std::lock_guard lock(mutex_);
                             piece = std::move(waiting.front());
                             waiting.pop_front();
                         }
                         make(layer, std::move(piece), thread, asked);
                     });
        while (!asked.empty()) {
            answer(layer, top, asked);
        }
    }

    // A piece that needs points which are not there.
    struct Asked {
        Piece piece;
        std::set<Point> points;
    };

    void make(int layer, Piece piece, int thread, std::vector<Asked>& asked) {
        Workspace& workspace = workspaces_[static_cast<std::size_t>(thread)];
        const std::shared_ptr<Tile> tile = piece.make(workspace);
        Stretch stretch;
        const bool is_through = tile->layer > network_.depth();
        if (is_through) {
            stretch = tiles_.finish(*tile);
        }
        std::set<Point> points = points_.take_asked();
        if (!points.empty()) {
            const std::lock_guard lock(mutex_);
            asked.push_back({std::move(piece), std::move(points)});
            return;
        }
        Part& part = *piece.part;
        part.undecided = tile->undecided;
        tile->below.reset();  // nothing goes back
        if (is_through) {
            part.stretch = std::move(stretch);
            return;
        }
        const double bytes = bytes_of(*tile);
        live_bytes_ += bytes;
        const std::shared_ptr<const Tile> below(
            tile.get(), [this, tile, bytes](const Tile*) { live_bytes_ -= bytes; });
        cut(
            layer + 1, tile->refined, [&](std::size_t k) { return tiles_.may_cut(*below, k); },
            part,
            [this, below](std::size_t lo, std::size_t hi, Workspace& free) {
                return tiles_.next_layer(below, lo, hi, free);
            });
    }

    // Evaluates the points of as many pieces as memory has room for, and makes these again.
    void answer(int layer, int top, std::vector<Asked>& asked) {
        double neurons = 0.0;
        for (int l = 1; l <= layer; ++l) {
            neurons += static_cast<double>(network_.layer(l).n_out);
        }
        const auto most = static_cast<std::size_t>(std::max(1.0, kPointBytes / (24.0 * neurons)));
        std::set<Point> points;
        std::vector<Piece> again;
        while (!asked.empty() && (again.empty() || points.size() < most)) {
            points.merge(asked.back().points);
            again.push_back(std::move(asked.back().piece));
            asked.pop_back();
        }
        std::vector<Asked> still_asked;
        while (!again.empty()) {
            points_.evaluate(points, network_, line_, options_.n_threads, options_.interrupt);
            network_.hold(layer, top, options_.n_threads, options_.interrupt);
            parallel_for(options_.n_threads, again.size(), options_.interrupt,
                         [&](std::size_t i, int thread) {
                             make(layer, std::move(again[i]), thread, still_asked);
                         });
            // What is known now may lead to more questions.
            points.clear();
            again.clear();
            for (Asked& more : still_asked) {
                points.merge(more.points);
                again.push_back(std::move(more.piece));
            }
            still_asked.clear();
        }
        points_.clear();
    }

    Network& network_;
    const Line& line_;
    const BreakpointOptions& options_;
    std::int64_t tile_size_;
    double value_bytes_;
    PointStore points_;
    TileSolver tiles_;
    std::vector<Workspace> workspaces_;
    std::mutex mutex_;
    std::atomic<double> live_bytes_ = 0.0;
    std::vector<std::deque<Piece>> waiting_;  // by layer, from left to right
};

// Joins the stretches of all parts. Neighbours share a knot, which the right one brings.
void append(const Part& part, Grid& line, std::vector<Undecided>& undecided) {
    undecided.insert(undecided.end(), part.undecided.begin(), part.undecided.end());
    for (const auto& child : part.parts) {
        append(*child, line, undecided);
    }
    const Grid& own = part.stretch.grid;
    if (own.knots.empty()) {
        return;
    }
    if (!line.knots.empty()) {
        line.knots.pop_back();
    }
    line.knots.insert(line.knots.end(), own.knots.begin(), own.knots.end());
    line.open_after.insert(line.open_after.end(), own.open_after.begin(), own.open_after.end());
}

}  // namespace

Windows cut_into_windows(const Network& network, const Line& line, std::size_t n_windows) {
    const Grid grid = solve_layer_one(network, line).grid;
    return {cut_grid(grid, n_windows, [&](std::size_t k) { return grid.knots[k].x_error != 0.0; })};
}

Breakpoints sweep_window(Network& network, const Line& line, const Windows& windows, std::size_t w,
                         const BreakpointOptions& options, double value_bytes) {
    if (options.certify) {
        network.bound_spectral_norms(options.n_threads, options.interrupt);
    }
    const auto first = std::make_shared<const LayerOne>(solve_layer_one(network, line));
    Part root;
    Sweep(network, line, options, value_bytes)
        .run(first, windows.cuts[w], windows.cuts[w + 1], root);
    std::vector<Undecided> undecided;
    if (w == 0) {
        undecided = first->undecided;
    }
    Grid grid;
    append(root, grid, undecided);
    Breakpoints result;
    result.reaches_output.assign(grid.size(), 0);  // not asked
    add_knots(result, std::move(grid), undecided);
    return result;
}

}  // namespace relufast
