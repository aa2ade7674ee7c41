#include "relufast/minimal_pieces.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "relufast/deviation.hpp"
#include "relufast/error.hpp"
#include "relufast/tube.hpp"

namespace {

using relufast::bends;
using relufast::ExactOrientation;
using relufast::kUndecided;
using relufast::largest_deviation;
using relufast::minimal_pieces;
using relufast::MinimalPieces;
using relufast::Tube;
using relufast::TubeExit;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

using Numbers = std::vector<double>;

// A function with tolerance 1 whose first piece leaves the tube in (3, 2), along x - 1. Through
// that exit and (4, 7) goes the highest second piece, which meets the lower boundary in (5, 12).
const Numbers kExitX = {0.0, 2.0, 4.0, 5.0};
const Numbers kExitY = {0.0, 0.0, 6.0, 13.0};

Numbers integers(std::size_t n) {
    Numbers x(n);
    for (std::size_t i = 0; i < n; ++i) {
        x[i] = static_cast<double>(i);
    }
    return x;
}

Numbers teeth(std::size_t n) {
    Numbers y(n);
    for (std::size_t i = 1; i < n; i += 2) {
        y[i] = 1.0;
    }
    return y;
}

MinimalPieces pieces_alone(const Numbers& x, const Numbers& y, double tolerance) {
    return minimal_pieces(x, y, tolerance, {}, {});
}

// What the exact orientation is asked.
struct Question {
    std::array<std::int64_t, 3> codes;
    std::vector<TubeExit> exits;
};

ExactOrientation answering(int answer, std::vector<Question>& asked) {
    return [answer, &asked](std::int64_t a, std::int64_t b, std::int64_t c,
                            std::span<const TubeExit> exits) {
        asked.push_back({{a, b, c}, {exits.begin(), exits.end()}});
        return answer;
    };
}

bool same(const TubeExit& a, const TubeExit& b) {
    return a.from == b.from && a.to == b.to && a.segment == b.segment && a.side == b.side;
}

}  // namespace

TEST_CASE("minimal pieces of small functions") {
    struct Case {
        Numbers x;
        Numbers y;
        double tolerance;
        std::int64_t count;
    };
    const std::vector<Case> cases = {
        {{0, 1}, {5, -3}, 1e-3, 1},
        {{0, 1, 2}, {0, 1, 2}, 1e-3, 1},
        {{0, 1, 2}, {0, 1, 0}, 0.51, 1},
        {{0, 1, 2}, {0, 1, 0}, 0.49, 2},
        {{0, 1, 2, 3}, {0, 1, 0, 1}, 0.25, 3},
        {{0, 1, 2, 3}, {0, 0, 1, 1}, 0.26, 1},
        {{0, 1, 2, 3}, {0, 0, 1, 1}, 0.15, 3},
        {{0, 4, 5, 9}, {0, 4, 4, 0}, 0.2223, 2},
        {{0, 4, 5, 9}, {0, 4, 4, 0}, 0.2222, 3},
        {{0, 2, 4, 5}, {0, 0, 6, 13.5}, 1.0, 3},
        {{0, 2, 4, 5}, {0, 0, 6, 12.5}, 1.0, 2},
        {{0, 1e-9, 2e-9}, {0, 1, 0}, 0.49, 2},
    };
    for (const Case& c : cases) {
        CAPTURE(c.y);
        CAPTURE(c.tolerance);
        const MinimalPieces found = pieces_alone(c.x, c.y, c.tolerance);
        CHECK(found.count == c.count);
        CHECK(found.n_open == 0);
        const auto n_knots = static_cast<std::size_t>(c.count) + 1;
        REQUIRE(found.knots.size() == n_knots);
        REQUIRE(found.values.size() == n_knots);
        CHECK(found.exits.size() == n_knots - 2);
        CHECK(found.knots.front() == c.x.front());
        CHECK(found.knots.back() == c.x.back());
        for (std::size_t k = 1; k < n_knots; ++k) {
            CHECK(found.knots[k - 1] < found.knots[k]);
        }
        CHECK(largest_deviation(c.x, c.y, found.knots, found.values) <=
              c.tolerance * (1.0 + 1e-12));
        // The other way up, and from behind.
        Numbers x = c.x;
        Numbers y = c.y;
        for (std::size_t i = 0; i < x.size(); ++i) {
            x[i] = -c.x[x.size() - 1 - i];
            y[i] = -c.y[x.size() - 1 - i];
        }
        CHECK(pieces_alone(x, y, c.tolerance).count == c.count);
    }
}

TEST_CASE("a single piece is halfway between the extreme lines") {
    const MinimalPieces found = pieces_alone({0.0, 1.0, 2.0}, {0.0, 0.0, 0.0}, 0.5);
    CHECK(found.knots == Numbers{0.0, 2.0});
    CHECK(found.values == Numbers{0.0, 0.0});
    // From the upper boundary, code 1, to the lower at the end, code 4, and from 0 to 5.
    CHECK(found.last[0].from == 1);
    CHECK(found.last[0].to == 4);
    CHECK(found.last[1].from == 0);
    CHECK(found.last[1].to == 5);
}

TEST_CASE("ties of vertices are decided without an exact orientation") {
    const double below = std::nextafter(0.5, 0.0);
    for (const std::size_t n : {3, 4, 50}) {
        const Numbers x = integers(n);
        const Numbers y = teeth(n);
        const MinimalPieces tie = pieces_alone(x, y, 0.5);
        CHECK(tie.count == 1);
        CHECK(tie.n_open == 0);
        const MinimalPieces more = pieces_alone(x, y, below);
        CHECK(more.count == static_cast<std::int64_t>(n) - 1);
    }
    // 0.1 and 0.2 are not what their decimals say.
    CHECK(pieces_alone({0.0, 1.0, 2.0}, {0.0, 0.2, 0.0}, 0.1).count == 1);
    CHECK(pieces_alone({0.0, 1.0, 2.0}, {0.0, 0.2, 0.0}, std::nextafter(0.1, 0.0)).count == 2);
    std::vector<Question> asked;
    const auto vertices_only = minimal_pieces(Numbers{0.0, 1.0, 2.0}, Numbers{0.0, 1.0, 0.0}, 0.5,
                                              answering(kUndecided, asked), {});
    CHECK(vertices_only.count == 1);
    CHECK(asked.empty());
}

TEST_CASE("no vertex is passed over where many change nothing") {
    // Teeth leave one line, along 1/2, and flat stretches leave it as it is.
    constexpr std::size_t kSize = 180;
    const Numbers x = integers(kSize);
    Numbers flat(kSize, 0.5);
    const Numbers start = teeth(7);
    std::copy(start.begin(), start.end(), flat.begin());
    CHECK(pieces_alone(x, flat, 0.5).count == 1);
    for (std::size_t i = start.size(); i < kSize; ++i) {
        CAPTURE(i);
        Numbers y = flat;
        for (const double side : {-1.0, 1.0}) {
            y[i] = 0.5 + 0.5 * side;
            CHECK(pieces_alone(x, y, 0.5).count == 1);
            y[i] = side < 0.0 ? -0x1p-60 : 1.0 + 0x1p-52;
            const MinimalPieces found = pieces_alone(x, y, 0.5);
            CHECK(found.count == 2);
            REQUIRE(found.exits.size() == 1);
            CHECK(found.exits[0].segment == static_cast<std::int64_t>(i));
            CHECK(found.exits[0].side == (side < 0.0 ? 1 : -1));
        }
    }
}

TEST_CASE("ties of exits are left to the exact orientation") {
    std::vector<Question> asked;
    // On the line: the second piece goes on. Above it, it does not.
    CHECK(minimal_pieces(kExitX, kExitY, 1.0, answering(0, asked), {}).count == 2);
    CHECK(minimal_pieces(kExitX, kExitY, 1.0, answering(-1, asked), {}).count == 2);
    CHECK(minimal_pieces(kExitX, kExitY, 1.0, answering(1, asked), {}).count == 3);
    REQUIRE(asked.size() >= 3);
    for (const Question& question : asked) {
        // From the exit and (4, 7) to (5, 12) or, above it, (5, 14).
        CHECK(question.codes[0] == -1);
        CHECK(question.codes[1] == 5);
        CHECK((question.codes[2] == 6 || question.codes[2] == 7));
        REQUIRE(question.exits.size() == 1);
        // From (0, -1) through (2, 1), between the vertices 1 and 2 of the lower boundary.
        CHECK(same(question.exits[0], {0, 3, 2, -1}));
    }
}

TEST_CASE("the exact orientation gets the exits of all pieces so far") {
    const Numbers y = {-3.0, 3.0, -2.0, 1.0, 2.0, -2.0};
    std::vector<Question> asked;
    const MinimalPieces found = minimal_pieces(integers(6), y, 1.0, answering(0, asked), {});
    CHECK(found.count == 4);
    CHECK(found.n_open == 0);
    REQUIRE(!asked.empty());
    REQUIRE(found.exits.size() + 1 == static_cast<std::size_t>(found.count));
    std::size_t most = 0;
    for (const Question& question : asked) {
        REQUIRE(question.exits.size() <= found.exits.size());
        for (std::size_t k = 0; k < question.exits.size(); ++k) {
            CHECK(same(question.exits[k], found.exits[k]));
        }
        for (const std::int64_t code : question.codes) {
            CHECK(code >= -static_cast<std::int64_t>(question.exits.size()));
        }
        most = std::max(most, question.exits.size());
    }
    CHECK(most == 3);
}

TEST_CASE("decisions that stay open are counted") {
    const MinimalPieces alone = pieces_alone(kExitX, kExitY, 1.0);
    CHECK(alone.n_open > 0);
    std::vector<Question> asked;
    const MinimalPieces undecided =
        minimal_pieces(kExitX, kExitY, 1.0, answering(kUndecided, asked), {});
    CHECK(undecided.n_open == static_cast<std::int64_t>(asked.size()));
    CHECK(undecided.n_open == alone.n_open);
    CHECK(undecided.count == alone.count);
    CHECK(minimal_pieces(kExitX, kExitY, 1.0, answering(0, asked), {}).n_open == 0);
}

TEST_CASE("orientations of a tube's corners and exits") {
    const Numbers x = {0.0, 2.0, 4.0};
    const Numbers y = {0.0, 0.0, 6.0};
    const ExactOrientation none;
    Tube tube(x, y, 1.0, none);
    const auto low = [&](std::int64_t i) { return tube.corner(i, -1); };
    const auto high = [&](std::int64_t i) { return tube.corner(i, 1); };
    CHECK(low(2).code == 4);
    CHECK(high(2).code == 5);
    CHECK(low(2).y == 5.0);
    CHECK(high(2).y == 7.0);
    CHECK(tube.orientation(low(0), high(1), low(2)) == 1);
    CHECK(tube.orientation(low(0), low(1), high(2)) == 1);
    CHECK(tube.orientation(high(0), high(1), low(0)) == -1);
    const auto exit = tube.exit(low(0), high(1), 2, -1);
    CHECK(exit.code == -1);
    CHECK(!exit.is_vertex());
    CHECK(std::abs(exit.x - 3.0) <= exit.along_error);
    CHECK(std::abs(exit.y - 2.0) <= exit.y_error + 3.0 * exit.along_error);
    CHECK(exit.slope == 3.0);
    CHECK(exit.along_error < 1e-14);
    CHECK(exit.y_error < 1e-13);
    REQUIRE(tube.exits().size() == 1);
    CHECK(same(tube.exits()[0], {0, 3, 2, -1}));
    // The exit is on the line that it comes from, which only an exact orientation can tell. That it
    // is on a line of two vertices of its boundary needs none.
    CHECK(tube.n_open() == 0);
    CHECK(tube.orientation(low(1), exit, low(2)) == 0);
    CHECK(tube.n_open() == 0);
    tube.orientation(low(0), high(1), exit);
    CHECK(tube.n_open() == 1);
    CHECK(tube.orientation(high(1), exit, high(2)) == 1);
    CHECK(tube.n_open() == 1);
}

TEST_CASE("a long function can be interrupted") {
    constexpr std::size_t kAsked = 65536;  // vertices before the interrupt is asked
    int n_asked = 0;
    const auto count = [&] {
        ++n_asked;
        return false;
    };
    const auto stop = [] { return true; };
    const Numbers x = integers(4 * kAsked + 1);
    const Numbers y = teeth(x.size());
    const std::span<const double> all_x = x;
    const std::span<const double> all_y = y;

    for (const double tolerance : {0.25, 0.75}) {
        const auto run = [&](std::size_t n, const relufast::Interrupt& interrupt) {
            return minimal_pieces(all_x.first(n), all_y.first(n), tolerance, {}, interrupt).count;
        };
        CHECK(run(kAsked, stop) == (tolerance < 0.5 ? kAsked - 1 : 1));
        CHECK_THROWS_AS(run(x.size(), stop), relufast::Interrupted);
        n_asked = 0;
        CHECK(run(x.size(), count) == (tolerance < 0.5 ? x.size() - 1 : 1));
        CHECK(n_asked >= 3);
        CHECK(n_asked <= 4);
    }
    CHECK_THROWS_AS(bends(x, y, {}, stop), relufast::Interrupted);
    CHECK(bends(all_x.first(kAsked), all_y.first(kAsked), {}, stop).vertices.size() == kAsked);
    n_asked = 0;
    CHECK(bends(x, y, {}, count).vertices.size() == x.size());
    CHECK(n_asked > 0);
}

TEST_CASE("bends are the vertices at which the slope changes") {
    using Vertices = std::vector<std::int64_t>;
    const auto vertices = [](const Numbers& x, const Numbers& y) {
        const auto found = bends(x, y, {}, {});
        CHECK(found.n_open == 0);
        return found.vertices;
    };
    CHECK(vertices({0, 1}, {0, 7}) == Vertices{0, 1});
    CHECK(vertices({0, 1, 3}, {0, 1, 3}) == Vertices{0, 2});
    CHECK(vertices({0, 1, 3}, {0, 1, 2}) == Vertices{0, 1, 2});
    CHECK(vertices({0, 1, 2, 3, 4, 5}, {0, 0, 0, 1, 2, 2}) == Vertices{0, 2, 4, 5});
    // Equal slopes in float64, different ones without rounding; and the other way round.
    CHECK(vertices({0, 4, 8}, {-1.1, -0.3, 0.5}) == Vertices{0, 1, 2});
    CHECK(vertices({0, 5, 9}, {-8204180908328482.0, 65517985086306088.0, 124495717882013744.0}) ==
          Vertices{0, 2});
    CHECK(vertices({-8204180908328482.0, 65517985086306088.0, 124495717882013744.0}, {0, 5, 9}) ==
          Vertices{0, 2});
    CHECK(vertices({-8204180908328482.0, 65517985086306096.0, 124495717882013744.0}, {0, 5, 9}) ==
          Vertices{0, 1, 2});
}

TEST_CASE("bends beyond the range of float64 are left to the exact orientation") {
    const Numbers x = {0.0, 1.0, 2.0};
    const Numbers y = {0.0, 0x1p-1074, 0x1p-1073};
    CHECK(bends(x, y, {}, {}).n_open == 1);
    std::vector<Question> asked;
    CHECK(bends(x, y, answering(0, asked), {}).vertices.size() == 2);
    CHECK(bends(x, y, answering(1, asked), {}).vertices.size() == 3);
    CHECK(bends(x, y, answering(kUndecided, asked), {}).n_open == 1);
    REQUIRE(asked.size() == 3);
    for (const Question& question : asked) {
        CHECK(question.exits.empty());
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(question.codes[i] / 2 == static_cast<std::int64_t>(i));
        }
    }
}

TEST_CASE("the largest deviation is a bound at the vertices of both functions") {
    const auto deviation = [](const Numbers& x, const Numbers& y, const Numbers& knots,
                              const Numbers& values) {
        return largest_deviation(x, y, knots, values);
    };
    const auto is_just_above = [](double bound, double exact) {
        return bound >= exact && bound <= exact + 1e-11;
    };
    CHECK(is_just_above(deviation({0, 2}, {0, 0}, {0, 2}, {0, 0}), 0.0));
    CHECK(is_just_above(deviation({0, 1, 2}, {0, 1, 0}, {0, 2}, {0, 0}), 1.0));
    CHECK(is_just_above(deviation({0, 2}, {0, 0}, {0, 1, 2}, {0, -3, 0}), 3.0));
    CHECK(is_just_above(deviation({0, 1, 3}, {0, 1, 1}, {0, 2, 3}, {0, 1, 1}), 0.5));
    CHECK(is_just_above(deviation({0, 1}, {0, 0}, {0, 1}, {2, 0}), 2.0));
    CHECK(is_just_above(deviation({0, 1}, {0, 0}, {0, 1}, {0, -2}), 2.0));
    // A third of 0.3 is off by a third of 2^-56, though not in float64.
    CHECK(deviation({0, 3}, {0, 0.3}, {0, 1, 3}, {0, 0.3 / 3.0, 0.3}) >= 0x1p-58);
}

TEST_CASE("the largest deviation of what float64 cannot hold is infinite") {
    const Numbers x = {0.0, 1.0, 2.0};
    const Numbers y = {0.0, 1.0, 0.0};
    CHECK(largest_deviation(x, y, Numbers{0, 1, 2}, Numbers{0, kNaN, 0}) == kInf);
    CHECK(largest_deviation(x, y, Numbers{0, kNaN, 2}, Numbers{0, 1, 0}) == kInf);
    CHECK(largest_deviation(x, y, Numbers{0, 1, 2}, Numbers{0, kInf, 0}) == kInf);
    CHECK(largest_deviation(x, y, Numbers{0, 1, 2}, Numbers{-kInf, 0, 0}) == kInf);
    CHECK(largest_deviation(x, Numbers{-1.7e308, 0, 1.7e308}, Numbers{0, 2},
                            Numbers{1.7e308, -1.7e308}) == kInf);
}

TEST_CASE("the largest deviation is a bound where slopes are subnormal") {
    // The chord at 2^1000 is 16 / 3 * 2^-74, and its slope is rounded from 16 / 3 to 5 * 2^-1074.
    const Numbers x = {0.0, 0x3p1000};
    const Numbers y = {0.0, 0x1p-70};
    CHECK(largest_deviation(x, y, Numbers{0, 0x1p1000, 0x3p1000}, Numbers{0, 0x5p-74, 0x1p-70}) >=
          0x1p-76);
}

TEST_CASE("what overflows on the way is no decision") {
    // One piece. The slope times 24 overflows, but the sum that it is a part of does not.
    const MinimalPieces found =
        pieces_alone({0.0, 1.0, 25.0}, {-1.7e308, -1.6e308, 0.8e308}, 1e306);
    CHECK((found.count == 1 || found.n_open > 0));
}

TEST_CASE("knots are finite next to a tie") {
    const double below = std::nextafter(1.0, 0.0);
    const MinimalPieces found = pieces_alone(kExitX, kExitY, below);
    for (const Numbers* numbers : {&found.knots, &found.values}) {
        for (const double number : *numbers) {
            CHECK(std::isfinite(number));
        }
    }
}
