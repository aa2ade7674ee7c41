#include "relufast/breakpoints.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "relufast/layer_one.hpp"
#include "relufast/narrow_solver.hpp"
#include "relufast/reach.hpp"
#include "relufast/rounding.hpp"
#include "relufast/tile.hpp"
#include "relufast/tile_cuts.hpp"

namespace relufast {
namespace {

// Smaller tiles find more neurons inactive throughout and balance threads better; larger ones
// gather the weights of the others less often.
constexpr std::int64_t kTileSize = 1024;

std::int64_t choose_tile_size(const Network& network) {
    double largest = 1.0;
    for (int l = 2; l <= network.depth(); ++l) {
        largest = std::max(largest, static_cast<double>(network.layer(l).n_in) *
                                        static_cast<double>(network.layer(l).n_out));
    }
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(kLongestPiece / largest), 1,
                                    kTileSize);
}

double multiplications(const Network& network) {
    double n_knots = 1.0;
    double total = 0.0;
    for (int l = 2; l <= network.depth(); ++l) {
        n_knots += static_cast<double>(network.layer(l).n_in);
        total += n_knots * static_cast<double>(network.layer(l).n_in) *
                 static_cast<double>(network.layer(l).n_out);
    }
    return total;
}

// The results of a part of the line: its own, or those of its parts from left to right.
struct Part {
    std::vector<std::unique_ptr<Part>> parts;
    Stretch stretch;
    std::shared_ptr<const Tile> counted;  // or the last hidden layer's tile, whose roots count
    std::vector<Undecided> undecided;
};

class LineSolver {
 public:
    // Up to the output, or else to the last hidden layer.
    LineSolver(const Network& network, const Line& line, const BreakpointOptions& options,
               bool to_output, std::vector<Workspace>& workspaces)
        : network_(network),
          tile_size_(options.tile_size > 0 ? options.tile_size : choose_tile_size(network)),
          to_output_(to_output),
          tiles_(network, line, tile_size_, options.chunk_size, options.certify, !to_output),
          workspaces_(workspaces) {
        workspaces_.resize(
            std::max(workspaces_.size(), static_cast<std::size_t>(std::max(options.n_threads, 1))));
    }

    void solve(const LayerOne& first, Part& root, int n_threads, const Interrupt& interrupt) {
        const auto may_cut = [&](std::size_t k) { return first.grid.knots[k].x_error != 0.0; };
        const std::vector<std::size_t> cuts = cut(first.grid, tile_size_, may_cut);
        for (std::size_t p = 0; p + 1 < cuts.size(); ++p) {
            root.parts.push_back(std::make_unique<Part>());
        }
        SecondLayerForm form = tiles_.begin_second_layer(first, 0, n_threads, interrupt);
        // Nothing else can start before it, so that all threads take part.
        const std::shared_ptr<Tile> leftmost = tiles_.second_layer_values(
            first, cuts[0], cuts[1], form, n_threads, interrupt, workspaces_.front());
        WorkStack stack;
        stack.run(
            n_threads,
            [&](WorkStack& work, int thread) {
                climb_from_first(work, first, cuts, 0, leftmost, form, root, thread);
            },
            interrupt);
    }

 private:
    using MakeTile = std::function<std::shared_ptr<Tile>(std::size_t, std::size_t, Workspace&)>;

    // Carries the p-th tile, whose values in the second layer are there, through all layers. The
    // next one, which starts with the form that this one ended with, is work for whoever is free.
    void climb_from_first(WorkStack& work, const LayerOne& first,
                          const std::vector<std::size_t>& cuts, std::size_t p,
                          const std::shared_ptr<Tile>& tile, SecondLayerForm& form, Part& root,
                          int thread) {
        if (p + 2 < cuts.size()) {
            work.push([this, &first, &cuts, p, &form, &root](WorkStack& more, int free_thread) {
                const std::shared_ptr<Tile> next =
                    tiles_.second_layer_values(first, cuts[p + 1], cuts[p + 2], form, 1, {},
                                               workspaces_[static_cast<std::size_t>(free_thread)]);
                climb_from_first(more, first, cuts, p + 1, next, form, root, free_thread);
            });
        }
        tiles_.complete_second_layer(first, *tile, workspaces_[static_cast<std::size_t>(thread)]);
        climb(work, tile, *root.parts[p], thread);
    }

    // Cuts a grid into tiles, and carries each through all layers above: one here, the others as
    // work for whoever is free.
    void descend(WorkStack& work, const std::vector<std::size_t>& cuts, Part& part, int thread,
                 const MakeTile& make) {
        const std::size_t n_parts = cuts.size() - 1;
        if (n_parts == 1) {
            climb(work, make(cuts[0], cuts[1], workspaces_[static_cast<std::size_t>(thread)]), part,
                  thread);
            return;
        }
        for (std::size_t p = 0; p < n_parts; ++p) {
            part.parts.push_back(std::make_unique<Part>());
        }
        for (std::size_t p = n_parts; p-- > 0;) {
            Part& child = *part.parts[p];
            work.push([this, &child, make, begin = cuts[p], end = cuts[p + 1]](WorkStack& more,
                                                                               int free_thread) {
                Workspace& workspace = workspaces_[static_cast<std::size_t>(free_thread)];
                climb(more, make(begin, end, workspace), child, free_thread);
            });
        }
    }

    void climb(WorkStack& work, const std::shared_ptr<Tile>& tile, Part& part, int thread) {
        part.undecided.insert(part.undecided.end(), tile->undecided.begin(), tile->undecided.end());
        if (!to_output_ && tile->layer == network_.depth()) {
            part.counted = tile;
        } else if (tile->layer > network_.depth()) {
            part.stretch = tiles_.finish(*tile);
        } else {
            // Of a wide last layer a tile holds few neurons, and starts with sums over all others.
            const std::int64_t limit =
                tiles_.looks_at_few(tile->layer + 1) ? 4 * tile_size_ : tile_size_;
            const auto may_cut = [&](std::size_t k) { return tiles_.may_cut(*tile, k); };
            descend(work, cut(tile->refined, limit, may_cut), part, thread,
                    [this, below = std::shared_ptr<const Tile>(tile)](
                        std::size_t begin, std::size_t end, Workspace& workspace) {
                        return tiles_.next_layer(below, begin, end, workspace);
                    });
        }
    }

    template <class MayCut>
    static std::vector<std::size_t> cut(const Grid& grid, std::int64_t tile_size, MayCut may_cut) {
        const auto limit = static_cast<std::size_t>(tile_size);
        return cut_grid(grid, (grid.size() - 1 + limit - 1) / limit, may_cut);
    }

    const Network& network_;
    std::int64_t tile_size_;
    bool to_output_;
    TileSolver tiles_;
    std::vector<Workspace>& workspaces_;
};

// Joins the stretches of all parts. Neighbours share a knot, which the right one brings.
void append(Part& part, Stretch& line, std::vector<Undecided>& undecided) {
    undecided.insert(undecided.end(), part.undecided.begin(), part.undecided.end());
    for (const auto& child : part.parts) {
        append(*child, line, undecided);
    }
    Stretch& own = part.stretch;
    if (own.grid.knots.empty()) {
        return;
    }
    if (!line.grid.knots.empty()) {
        line.grid.knots.pop_back();
        line.reaches.pop_back();
        if (own.reaches.front() == Reach::open && differ(line.last_slopes, own.first_slopes)) {
            own.reaches.front() = Reach::yes;
        }
    }
    const std::size_t n_before = line.grid.size();
    const auto join = [](auto& to, auto& from) {
        to.insert(to.end(), std::make_move_iterator(from.begin()),
                  std::make_move_iterator(from.end()));
    };
    join(line.grid.knots, own.grid.knots);
    join(line.grid.open_after, own.grid.open_after);
    join(line.reaches, own.reaches);
    for (Traced& traced : own.traced) {
        traced.knot += n_before;
    }
    join(line.traced, own.traced);
    line.last_slopes = std::move(own.last_slopes);
}

// Adds up crossings by layer, and whether something stayed open. Of the knot that two neighbours
// share it is the right one that counts the crossings.
class Counter {
 public:
    explicit Counter(std::int64_t* counts) : counts_(counts) {}

    void add(const Part& part, int depth) {
        for (const auto& child : part.parts) {
            add(*child, depth);
        }
        if (part.counted != nullptr) {
            add(part.counted->grid);
            counts_[depth - 1] += static_cast<std::int64_t>(part.counted->roots.size());
        }
    }

    void add(const Grid& grid) {
        count(last_shared_, -1);
        for (const Knot& knot : grid.knots) {
            count(knot.crossings, 1);
        }
        last_shared_ = grid.knots.back().crossings;
        is_open_ = is_open_ || std::find(grid.open_after.begin(), grid.open_after.end(), 1) !=
                                   grid.open_after.end();
    }

    bool is_open() const { return is_open_; }

 private:
    void count(const Crossings& crossings, std::int64_t sign) {
        for (const Crossing& crossing : crossings) {
            counts_[crossing.layer - 1] += sign;
        }
    }

    std::int64_t* counts_;
    Crossings last_shared_;
    bool is_open_ = false;
};

// Whether the line is worth an attempt without tiles. What finding and counting start with.
bool begin(Network& network, BreakpointOptions& options) {
    bool may_be_narrow = false;
    if (multiplications(network) < options.worth_threads) {
        options.n_threads = 1;
        may_be_narrow =
            options.tile_size == 0 && options.chunk_size == 0 && NarrowSolver::is_narrow(network);
    }
    if (options.certify) {
        network.bound_spectral_norms(options.n_threads, options.interrupt);
    }
    return may_be_narrow;
}

// This thread's: it takes some microseconds, and making its arrays would be a good part of that.
NarrowSolver& narrow_solver() {
    thread_local NarrowSolver solver;
    return solver;
}

}  // namespace

bool count_breakpoints(Network& network, const Line& line, const BreakpointOptions& requested,
                       std::vector<Workspace>& workspaces, std::int64_t* counts) {
    BreakpointOptions options = requested;
    if (begin(network, options) && narrow_solver().count(network, line, counts)) {
        return options.certify;
    }
    const LayerOne first = solve_layer_one(network, line);
    std::fill(counts, counts + network.depth(), 0);
    Counter counter(counts);
    if (network.depth() == 1) {
        counter.add(first.grid);
    } else {
        Part root;
        LineSolver solver(network, line, options, false, workspaces);
        solver.solve(first, root, options.n_threads, options.interrupt);
        counter.add(root, network.depth());
    }
    return options.certify && !counter.is_open();
}

void add_knots(Breakpoints& result, Grid grid, const std::vector<Undecided>& undecided) {
    // Roots beyond the range of float64 stand at its end, and so do all that lie beyond them: on to
    // the end of an infinite line, but not past that of a window, where the next one begins.
    const auto is_beyond = [](double end) {
        return [end](const Knot& knot) { return knot.x == end && knot.x_error == kInfinity; };
    };
    const auto send_to = [](auto begin, auto end, double x) {
        for (; begin != end; ++begin) {
            begin->x_error = begin->is_direction ? 0.0 : kInfinity;
            begin->x = x;
        }
    };
    constexpr double kLargest = std::numeric_limits<double>::max();
    auto& knots = grid.knots;
    if (knots.front().is_direction) {
        send_to(std::find_if(knots.rbegin(), knots.rend(), is_beyond(-kLargest)), knots.rend(),
                -kInfinity);
    }
    if (knots.back().is_direction) {
        send_to(std::find_if(knots.begin(), knots.end(), is_beyond(kLargest)), knots.end(),
                kInfinity);
    }
    for (Knot& knot : knots) {
        knot.crossings.sort();
        result.x.push_back(knot.x);
        result.x_error.push_back(knot.x_error);
        result.first_crossing.push_back(static_cast<std::int32_t>(result.layers.size()));
        for (const Crossing& crossing : knot.crossings) {
            result.layers.push_back(crossing.layer);
            result.neurons.push_back(crossing.neuron);
        }
    }
    result.first_crossing.push_back(static_cast<std::int32_t>(result.layers.size()));
    result.open_after = std::move(grid.open_after);
    for (const Undecided& decision : undecided) {
        result.undecided_x.push_back(decision.x);
        result.undecided_count.push_back(decision.count);
    }
}

Breakpoints find_breakpoints(Network& network, const Line& line,
                             const BreakpointOptions& requested) {
    BreakpointOptions options = requested;
    if (begin(network, options)) {
        if (std::optional<Breakpoints> found = narrow_solver().find(network, line)) {
            return std::move(*found);
        }
    }
    const LayerOne first = solve_layer_one(network, line);
    Part root;
    std::vector<Workspace> workspaces;
    LineSolver solver(network, line, options, true, workspaces);
    solver.solve(first, root, options.n_threads, options.interrupt);
    std::vector<Undecided> undecided = first.undecided;
    Stretch stretch;
    append(root, stretch, undecided);
    Breakpoints result;
    if (options.certify) {
        decide_open_reach(network, line, options, stretch, undecided);
    }
    for (const Reach reach : stretch.reaches) {
        result.reaches_output.push_back(reach != Reach::no);  // open ones most likely do
    }
    add_knots(result, std::move(stretch.grid), undecided);
    return result;
}

}  // namespace relufast
