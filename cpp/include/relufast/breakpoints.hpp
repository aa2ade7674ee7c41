#pragma once

#include <cstdint>
#include <vector>

#include "relufast/knot.hpp"
#include "relufast/line.hpp"
#include "relufast/network.hpp"
#include "relufast/threads.hpp"

namespace relufast {

struct BreakpointOptions {
    bool certify = true;
    int n_threads = 1;
    std::int64_t tile_size = 0;  // knots worked on together; 0 leaves the choice to the kernel
    // Segments of the last hidden layer along which signs are settled together; 0 leaves the choice
    // to the kernel.
    std::int64_t chunk_size = 0;
    Interrupt interrupt;
    // Below this many multiplications, starting threads takes longer than the work.
    double worth_threads = 2e7;
};

// All knots of the line: its two ends, every breakpoint, and 0 where nothing else lies between
// two infinite ends. Sorted.
struct Breakpoints {
    std::vector<double> x;
    std::vector<double> x_error;
    std::vector<std::uint8_t> reaches_output;  // what is known, or else likely
    std::vector<std::uint8_t> open_after;      // something between this knot and the next is open
    std::vector<std::int32_t> first_crossing;  // by knot, and one past the end

    std::vector<std::int32_t> layers;  // by crossing
    std::vector<std::int32_t> neurons;

    std::vector<double> undecided_x;  // where decisions stayed open, and how many
    std::vector<std::int64_t> undecided_count;
};

// Puts down all knots of a line, or of a window of it, and what stayed open.
void add_knots(Breakpoints& result, Grid grid, const std::vector<Undecided>& undecided);

// Every activity change of the network on the open interval of the line.
//
// The interval is cut into tiles by the number of knots in them, which depends on the problem
// alone, and so does every result.
Breakpoints find_breakpoints(Network& network, const Line& line, const BreakpointOptions& options);

struct Workspace;

// Only how many of each hidden layer there are, which of them reach the output left aside: counts
// has room for depth numbers. Whether all decisions were proven. The workspaces, empty at first,
// keep their memory from call to call.
bool count_breakpoints(Network& network, const Line& line, const BreakpointOptions& options,
                       std::vector<Workspace>& workspaces, std::int64_t* counts);

}  // namespace relufast
