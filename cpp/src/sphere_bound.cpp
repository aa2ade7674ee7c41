#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <queue>
#include <stdexcept>
#include <string>
#include <vector>

#include "relufast/rounding.hpp"
#include "relufast/sphere_errors.hpp"
#include "vectors.hpp"

namespace relufast {
namespace {

constexpr std::int64_t kPollCells = 1 << 12;

// The values of a linear function on a cap, by its length and its value in the middle.
struct Range {
    Range(double value, double length, double cosine, double sine) {
        const double across = std::sqrt(std::max(0.0, length * length - value * value));
        lowest = -value >= length * cosine ? -length : value * cosine - across * sine;
        highest = value >= length * cosine ? length : value * cosine + across * sine;
    }

    double lowest, highest;
};

// Directions through a box on a face of the cube [-1, 1]^n.
struct Cell {
    double bound = 0.0;  // of the squared error
    std::int64_t axis = 0;
    double side = 1.0;                                            // the coordinate on that axis
    std::array<double, kMostBoundedDimension - 1> low{}, high{};  // of the other n - 1

    bool operator<(const Cell& other) const { return bound < other.bound; }
};

class Bounder {
 public:
    explicit Bounder(const LayerPair& layers)
        : layers_(layers),
          lengths_a_(lengths(layers.a)),
          lengths_l_(lengths(layers.l)),
          middle_(static_cast<std::size_t>(layers.n)),
          row_(middle_),
          image_(middle_) {
        double squares = 0.0;
        for (std::size_t j = 0; j < lengths_a_.size(); ++j) {
            squares += (lengths_a_[j] + lengths_l_[j]) * (lengths_a_[j] + lengths_l_[j]);
        }
        // Each of the numbers below is a sum of products with fewer terms than that, none larger.
        slack_ = gamma(16 * (layers.m + layers.n + 16)) * squares;
    }

    // Sets the cell's bound; returns the squared error in its middle.
    double look_at(Cell& cell) {
        const auto [cosine, sine] = set_cap(cell);
        const std::int64_t n = layers_.n;
        std::fill(image_.begin(), image_.end(), 0.0);
        double centre = 0.0;  // |D c|^2
        double frobenius = 0.0;
        double square = 0.0;
        for (std::int64_t j = 0; j < layers_.m; ++j) {
            const double* const a = layers_.a + j * n;
            const double* const l = layers_.l + j * n;
            const double at_a = inner_product(a, middle_.data(), n);
            const double at_l = inner_product(l, middle_.data(), n);
            const double error = std::max(at_a, 0.0) - std::max(at_l, 0.0);
            square += error * error;
            const auto [of_a, of_l] =
                dominating(Range(at_a, lengths_a_[static_cast<std::size_t>(j)], cosine, sine),
                           Range(at_l, lengths_l_[static_cast<std::size_t>(j)], cosine, sine));
            if (of_a == 0.0 && of_l == 0.0) {
                continue;
            }
            const double value = of_a * at_a - of_l * at_l;
            centre += value * value;
            for (std::int64_t i = 0; i < n; ++i) {
                const double entry = of_a * a[i] - of_l * l[i];
                frobenius += entry * entry;
                image_[static_cast<std::size_t>(i)] += value * entry;
            }
        }
        // At x = c cos t + u sin t, u a unit vector orthogonal to c, |D x|^2 is |D c|^2 +
        // sin(2 t) <D^T D c, u> + sin(t)^2 (|D u|^2 - |D c|^2), and |D c|^2 + |D u|^2 <= |D|_F^2.
        double tilt = 0.0;
        for (std::int64_t i = 0; i < n; ++i) {
            const auto at = static_cast<std::size_t>(i);
            const double along = image_[at] - centre * middle_[at];
            tilt += along * along;
        }
        const double double_sine = cosine * cosine > 0.5 ? 2.0 * sine * cosine : 1.0;
        cell.bound = centre + double_sine * std::sqrt(tilt) +
                     sine * sine * std::max(0.0, frobenius - 2.0 * centre) + slack_;
        return square;
    }

    const std::vector<double>& middle() const { return middle_; }

 private:
    struct Cap {
        double cosine, sine;
    };
    struct Factors {
        double of_a, of_l;
    };

    std::vector<double> lengths(const double* matrix) const {
        std::vector<double> all;
        for (std::int64_t j = 0; j < layers_.m; ++j) {
            const double* const row = matrix + j * layers_.n;
            all.push_back(std::sqrt(inner_product(row, row, layers_.n)) *
                          (1.0 + gamma(layers_.n + 4)));
        }
        return all;
    }

    // The cap around the cell: corners are its farthest directions, because a cap narrower than a
    // hemisphere is convex as a cone.
    Cap set_cap(const Cell& cell) {
        const auto free = static_cast<std::size_t>(layers_.n - 1);
        double middle_square = 1.0;
        for (std::size_t i = 0; i < free; ++i) {
            const double at = 0.5 * (cell.low[i] + cell.high[i]);
            row_[i] = at;
            middle_square += at * at;
        }
        double smallest = 1.0;
        for (std::size_t corner = 0; corner < (std::size_t{1} << free); ++corner) {
            double product = 1.0;
            double corner_square = 1.0;
            for (std::size_t i = 0; i < free; ++i) {
                const double at = (corner >> i & 1U) != 0 ? cell.high[i] : cell.low[i];
                product += at * row_[i];
                corner_square += at * at;
            }
            smallest = std::min(smallest, product / std::sqrt(middle_square * corner_square));
        }
        const double length = std::sqrt(middle_square);
        const auto axis = static_cast<std::size_t>(cell.axis);
        for (std::size_t i = 0; i < free; ++i) {
            middle_[i < axis ? i : i + 1] = row_[i] / length;
        }
        middle_[axis] = cell.side / length;
        // Rounding of the cosine is one of the angle, too, of its root near 0.
        const double cosine = std::max(0.0, smallest - gamma(8 * layers_.n + 32));
        return {cosine, std::sqrt(std::max(0.0, 1.0 - cosine * cosine))};
    }

    // Factors of the two rows whose difference is at least as large as the row's error, all over
    // the cap. |a x - l x| always is; the others are less where one of the signs is known.
    static Factors dominating(const Range& a, const Range& l) {
        if (a.highest <= 0.0) {
            return {0.0, l.highest <= 0.0 ? 0.0 : 1.0};
        }
        if (l.highest <= 0.0) {
            return {1.0, 0.0};
        }
        const bool l_between_zero_and_a = a.lowest >= l.highest && l.lowest <= 0.0;
        const bool a_between_zero_and_l = l.lowest >= a.highest && a.lowest <= 0.0;
        if (l_between_zero_and_a) {
            return {1.0, 0.0};
        }
        return {a_between_zero_and_l ? 0.0 : 1.0, 1.0};
    }

    LayerPair layers_;
    std::vector<double> lengths_a_, lengths_l_;
    std::vector<double> middle_, row_, image_;
    double slack_;
};

// The halves of a cell, across its longest side.
std::array<Cell, 2> halves(const Cell& cell, std::size_t free) {
    std::size_t longest = 0;
    for (std::size_t i = 1; i < free; ++i) {
        if (cell.high[i] - cell.low[i] > cell.high[longest] - cell.low[longest]) {
            longest = i;
        }
    }
    std::array<Cell, 2> both{cell, cell};
    const double middle = 0.5 * (cell.low[longest] + cell.high[longest]);
    both[0].high[longest] = middle;
    both[1].low[longest] = middle;
    return both;
}

}  // namespace

SphereBound bound_on_sphere(const LayerPair& layers, double known_square, double rtol,
                            std::int64_t most_cells, const Interrupt& interrupt) {
    if (layers.n > kMostBoundedDimension) {
        throw std::invalid_argument("a sphere in more than " +
                                    std::to_string(kMostBoundedDimension) + " dimensions");
    }
    Bounder bounder(layers);
    SphereBound result{0.0, known_square, {}, 0, false};
    std::priority_queue<Cell> cells;
    double discarded = 0.0;  // the largest bound of those that are near enough
    const double allowance = (1.0 + rtol) * (1.0 + rtol);
    const auto add = [&](Cell cell) {
        if (result.n_cells++ % kPollCells == 0) {
            poll(interrupt);
        }
        const double parent = cell.bound;
        const double square = bounder.look_at(cell);
        cell.bound = std::min(cell.bound, parent);
        if (square > result.reached_square) {
            result.reached_square = square;
            result.at = bounder.middle();
        }
        if (cell.bound > allowance * result.reached_square) {
            cells.push(cell);
        } else {
            discarded = std::max(discarded, cell.bound);
        }
    };
    const auto free = static_cast<std::size_t>(layers.n - 1);
    for (std::int64_t axis = 0; axis < layers.n; ++axis) {
        for (const double side : {-1.0, 1.0}) {
            Cell face;
            face.bound = kInfinity;
            face.axis = axis;
            face.side = side;
            face.low.fill(-1.0);
            face.high.fill(1.0);
            add(face);
        }
    }
    while (!cells.empty() && free > 0 && result.n_cells < most_cells &&
           cells.top().bound > allowance * result.reached_square) {
        const Cell cell = cells.top();
        cells.pop();
        for (const Cell& half : halves(cell, free)) {
            add(half);
        }
    }
    result.upper_square = cells.empty() ? discarded : std::max(discarded, cells.top().bound);
    result.is_tight = result.upper_square <= allowance * result.reached_square;
    return result;
}

}  // namespace relufast
