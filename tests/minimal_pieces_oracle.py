"""The least number of affine pieces within a tolerance of a function: the reference for tests.

Written from the definition alone, to be read rather than to be fast. ``f`` is the continuous
piecewise-linear function through the points (x_i, y_i), i = 0..N, and ``e`` the tolerance. Wanted
is the least number of pieces of a continuous piecewise-linear ``g`` on [x_0, x_N] with
|g - f| <= e everywhere; touching is allowed. Every number is an exact rational and nothing is
rounded anywhere.

``exact_minimal_pieces`` counts, ``exact_minimal_knots`` gives such a g, ``is_within`` checks a g,
and ``grid_bracket`` bounds the number from both sides by brute force, by another argument.


Why the count is right
----------------------
Let U = f + e and D = f - e. For e = 0 there is only g = f, whose pieces are its runs of equal
slope. From here on e > 0, so that U and D never meet. A *path* on [x_0, t] is a continuous
piecewise-linear function there with D <= g <= U. Only functions are admitted and the argument
never leaves them, so that links that run backwards in x need no thought. A path of k pieces may
have knots that do not bend, so that one of fewer pieces is also one of k.

Stage k is described by just two abscissas, a and b. A line L *fits* up to t if

    L <= U on [a, t]    and    L >= D on [b, t].

Stage 1 has a = b = x_0. The claim about stage k, for t > max(a, b), is

    (i)  the line of the last piece of any path of k pieces on [x_0, t] fits up to t;
    (ii) any line that fits up to t is that of the last piece of a path of k pieces on [x_0, t],
         whose last knot is at most max(a, b).

At stage 1 it is the definition of a path. Let T be the greatest t up to which some line fits.
It exists, since for t > max(a, b) the fitting lines are a compact set (L is between D(t) and U(t)
at t, below U(a) at a and above D(b) at b), which shrinks with t; and T > max(a, b) by the last
paragraph. By the claim, T is as far as k pieces reach. If T = x_N the answer is k, because k - 1
pieces did not reach that far. Otherwise:

Only one line fits up to T. The mean of two would touch U on [a, T] and D on [b, T] only where
both do, and they agree at one abscissa at most. So it would touch only one of U and D, in one
point, and could be moved off it. Then it would touch nothing, and fit further than T.

Call this line M. It leaves the tube at T, say through D (through U is the same upside down):
M = D at T, M < D just right of T. Let a' be the last touch of M with U on [a, T]. There is one,
or M could be raised. Moreover M touches D at some b'' in [b, a'); or M could be turned a little
upwards about its point at a', which lowers it left of a', where it has no D to meet, and raises
it right of a', where it has no U to meet. So a' > b'' >= b, a' >= a, that is a' >= max(a, b).
The next stage is (a', b') with b' = T. It satisfies the claim with k + 1, for t > T:

    (i)  Let g be a path of k + 1 pieces on [x_0, t], s its last knot, L its last line and K the
         line before. L >= D on [T, t], as s <= T: k pieces reach no further. L <= U on [a', t] is
         clear if s <= a'. Else s > max(a, b), so K fits up to s. Then K <= M at a', where M = U.
         Were K > M at s, then K > M on [s, T] too. Mix a little of K into M: the mixture fits up
         to s, as K and M do; it is above D on [s, T], as it is above M; and it is below U there,
         as M is by some margin. So it fits up to T, but M alone does. Hence L = K <= M at s, and
         L >= D = M at T. If s < T, L is no less steep than M; if s = T, L = M there and L is
         steeper, because it stays above D further on and M does not. Either way L <= M <= U on
         [a', s].
    (ii) Let L fit up to t at the new stage. L <= U = M at a' and L >= D = M at b' = T, so L meets
         M at some s in [a', T], and L >= M >= D on [s, T]. So L is in the tube on [s, t]. By (ii)
         for stage k, M is the last line of a path of k pieces on [x_0, T] whose last knot is at
         most max(a, b) <= a' <= s. Follow it to s, and L from there.

T > max(a, b): at stage 1 the first piece of f fits up to x_1. At the next stage, the line through
M's end at T with f's slope to the right of T is steeper than M, as M leaves there. So it is below
M, and U, on [a', T], and equals D up to the next x_i, at least.


Which lines have to be tried
----------------------------
Lines through two of the *corners*: (a, U(a)), (b, D(b)), the points of U at the x_i > a and the
points of D at the x_i > b. On an interval that begins at a, or b, and ends at an x_i, L <= U or
L >= D is a finite matter of corners. If T = x_N, then the fitting lines are a non-empty bounded
polygon in the plane of slopes and intercepts. It has a vertex, where two conditions are tight that
belong to different abscissas: a line through two corners. If T < x_N, then M itself is one: of the
touches with U the last, a', is a corner, since a touch inside a piece of f extends to all of the
piece, and it does not extend to T, where M = D. In the same way, of the touches with D left of a'
the last is a corner. No line fits further than T, so trying all pairs of corners and keeping the
line that fits the furthest finds T and, as it is unique, M.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, pairwise
from typing import NamedTuple

Number = int | float | Fraction


class _Point(NamedTuple):
    x: Fraction
    y: Fraction


class _Line(NamedTuple):
    """The line slope * x + intercept."""

    slope: Fraction
    intercept: Fraction

    def at(self, x: Fraction) -> Fraction:
        return self.slope * x + self.intercept


class _Box(NamedTuple):
    """Possible knots, in integer units: abscissas left..right between two parallel edges."""

    place: int  # boxes of equal place have the same abscissas; places rise with x
    left: int
    right: int
    bottom: tuple[int, int]  # at left and right
    top: tuple[int, int]


def exact_minimal_pieces(x: Sequence[Number], y: Sequence[Number], tolerance: Number) -> int:
    """Count the pieces of the simplest g within the tolerance of f; see the module's argument.

    Parameters
    ----------
    x, y
        The points of f, at least two, with x strictly increasing.
    tolerance
        The greatest allowed |g - f|, not negative.
    """
    return len(exact_minimal_knots(x, y, tolerance)) - 1


def exact_minimal_knots(
    x: Sequence[Number], y: Sequence[Number], tolerance: Number
) -> list[tuple[Fraction, Fraction]]:
    """Find the knots, both ends included, of one g with the fewest pieces."""
    points = _points(x, y)
    e = _tolerance(tolerance)
    if e == 0:
        inner = [
            here
            for before, here, after in zip(points, points[1:], points[2:], strict=False)
            if _through(before, here) != _through(here, after)
        ]
        return [(point.x, point.y) for point in (points[0], *inner, points[-1])]

    lines = _stage_lines(points, e)
    meetings = [
        (right.intercept - left.intercept) / (left.slope - right.slope)
        for left, right in pairwise(lines)
    ]
    knots = [points[0].x, *meetings, points[-1].x]
    return [(at, line.at(at)) for at, line in zip(knots, [lines[0], *lines], strict=True)]


def is_within(
    x: Sequence[Number],
    y: Sequence[Number],
    knots_x: Sequence[Number],
    knots_y: Sequence[Number],
    tolerance: Number,
) -> bool:
    """Whether the knots rise strictly, span [x_0, x_N] exactly, and give a g with |g - f| <= e.

    g - f is affine between neighbours in the union of the abscissas, so it is checked there.
    """
    f = _points(x, y)
    e = _tolerance(tolerance)
    g = [_Point(_exact(u), _exact(v)) for u, v in zip(knots_x, knots_y, strict=True)]
    if len(g) < 2 or any(p.x >= q.x for p, q in pairwise(g)):
        return False
    if g[0].x != f[0].x or g[-1].x != f[-1].x:
        return False
    return all(abs(_value(g, at) - _value(f, at)) <= e for at in {point.x for point in f + g})


def grid_bracket(
    x: Sequence[Number], y: Sequence[Number], tolerance: Number, columns: int, rows: int
) -> tuple[int, int]:
    """Bound the least number of pieces from below and above by searches over a grid of knots.

    Parameters
    ----------
    x, y, tolerance
        As for ``exact_minimal_pieces``.
    columns
        Into how many equal parts [x_0, x_N] is cut; the x_i are added to the cuts.
    rows
        How many heights, at least 2, are tried at a cut; they divide the tube evenly from f - e
        to f + e, both included.

    Upper bound: the fewest pieces of a g with all knots on the grid. Every edge is checked to be
    in the tube, which is a matter of its two ends and of the x_i between them. (There is such a g:
    f - e.)

    Lower bound: the cuts and rows divide the tube into boxes, on each of which f is affine, and
    the tube's two ends into boxes of width 0. Every knot of every g is in a box. So g gives a
    sequence of boxes with as many links, from a box of the left end to one of the right end, where
    neighbours are linked in the sense that some segment from a point of the first to a point of
    the second is in the tube. The search allows at least these links, and so finds no longer
    sequence:

    * between two boxes with the same abscissas it allows all links, so that any number of g's
      knots may be between two cuts;
    * otherwise it asks, at each x_i that is between the boxes, whether segments pq, with p in the
      first box and q in the second, meet the tube at x_i. The heights of all pq at x_i are an
      interval, as the pairs (p, q) are connected. Its lower end is taken at corners of the bottom
      edges: with the abscissas fixed, the height rises with those of p and q, so both are on
      bottom edges; with q fixed and p moving along its edge, the height at x_i is a linear
      fraction of p's abscissa, so it is monotone and least at an end of the edge; likewise for q.
      The upper end is taken at corners of top edges.

    This is the same as to let every edge between the boxes' middles pass in a tube that is
    widened at each x_i by as far as moving the edge's ends within their boxes moves the edge there
    (up on one side, down on the other). There is no bound on slopes, of f or g, to be assumed.
    """
    points = _points(x, y)
    e = _tolerance(tolerance)
    if columns < 1 or rows < 2:
        raise ValueError(f"need a column and two rows, not {columns} and {rows}")
    first, last = points[0].x, points[-1].x
    even = {first + (last - first) * Fraction(i, columns) for i in range(columns + 1)}
    cuts = sorted(even | {point.x for point in points})
    offsets = sorted({e * Fraction(2 * i - rows + 1, rows - 1) for i in range(rows)})
    grid = [[_value(points, cut) + offset for offset in offsets] for cut in cuts]

    # From here on everything is in integers, in units of 1 / x_scale and 1 / y_scale.
    x_scale = _scale(cuts)
    y_scale = _scale([height for column in grid for height in column])  # U and D at x_i as well
    at = [int(cut * x_scale) for cut in cuts]
    heights = [[int(height * y_scale) for height in column] for column in grid]
    tube = [
        (int(p.x * x_scale), int((p.y - e) * y_scale), int((p.y + e) * y_scale)) for p in points
    ]
    return _fewest_links_of_boxes(at, heights, tube), _fewest_grid_pieces(at, heights, tube)


def _stage_lines(points: list[_Point], e: Fraction) -> list[_Line]:
    """List the lines M of the stages 1, 2, ..., as far as the one that fits up to x_N; e > 0."""
    upper = [_Point(p.x, p.y + e) for p in points]  # U from a on
    lower = [_Point(p.x, p.y - e) for p in points]  # D from b on
    lines: list[_Line] = []
    while True:
        corners = upper + lower
        candidates = [_through(p, q) for p, q in combinations(corners, 2) if p.x != q.x]
        line = max(candidates, key=lambda line: min(_ends_of_fit(line, upper, lower)))
        lines.append(line)
        end_at_upper, end_at_lower = _ends_of_fit(line, upper, lower)
        end = min(end_at_upper, end_at_lower)
        if end == points[-1].x:
            return lines
        leaving = _Point(end, line.at(end))
        assert end > max(upper[0].x, lower[0].x)
        assert end_at_upper != end_at_lower
        through_lower = end_at_lower == end
        chain = upper if through_lower else lower  # the one that is not crossed at the end
        touch = max(p for p in chain if p.x <= end and line.at(p.x) == p.y)
        assert touch.x >= max(upper[0].x, lower[0].x)
        a, b = (touch, leaving) if through_lower else (leaving, touch)
        upper = [a] + [_Point(p.x, p.y + e) for p in points if p.x > a.x]
        lower = [b] + [_Point(p.x, p.y - e) for p in points if p.x > b.x]


def _ends_of_fit(
    line: _Line, upper: list[_Point], lower: list[_Point]
) -> tuple[Fraction, Fraction]:
    """Find how far the line stays below U from a on, and above D from b on."""
    return _end_of_side(line, upper, 1), _end_of_side(line, lower, -1)


def _end_of_side(line: _Line, chain: list[_Point], sign: int) -> Fraction:
    """Find how far the line stays below the chain (sign 1) or above it (sign -1).

    This is less than the last corner's abscissa, or else the line stays there all along.
    """
    gap = sign * (chain[0].y - line.at(chain[0].x))
    if gap < 0:
        return chain[0].x
    for p, q in pairwise(chain):
        next_gap = sign * (q.y - line.at(q.x))
        if next_gap < 0:
            return p.x + (q.x - p.x) * gap / (gap - next_gap)
        gap = next_gap
    return chain[-1].x


def _fewest_grid_pieces(
    at: list[int], heights: list[list[int]], tube: list[tuple[int, int, int]]
) -> int:
    """Find the fewest pieces over the grid by breadth-first search, each edge in the tube."""

    def is_edge(c: int, u: int, d: int, v: int) -> bool:
        return all(
            low * (d - c) <= u * (d - z) + v * (z - c) <= high * (d - c)
            for z, low, high in tube
            if c < z < d
        )

    frontier = [(at[0], u) for u in heights[0]]
    unseen = [(d, v) for d, column in zip(at[1:], heights[1:], strict=True) for v in column]
    pieces = 0
    while True:
        pieces += 1
        reached = {
            (d, v) for d, v in unseen if any(c < d and is_edge(c, u, d, v) for c, u in frontier)
        }
        if any(d == at[-1] for d, _ in reached):
            return pieces
        unseen = [knot for knot in unseen if knot not in reached]
        frontier = list(reached)


def _fewest_links_of_boxes(
    at: list[int], heights: list[list[int]], tube: list[tuple[int, int, int]]
) -> int:
    """Find the fewest links from the left end's boxes to the right end's; see grid_bracket."""

    def is_link(p: _Box, q: _Box) -> bool:
        if p.place >= q.place:
            return p.place == q.place
        return all(
            some_is_on_side(p, p.bottom, q, q.bottom, z, high, 1)
            and some_is_on_side(p, p.top, q, q.top, z, low, -1)
            for z, low, high in tube
            if p.right <= z <= q.left
        )

    def some_is_on_side(
        p: _Box,
        p_ends: tuple[int, int],
        q: _Box,
        q_ends: tuple[int, int],
        z: int,
        y: int,
        sign: int,
    ) -> bool:
        """Whether at z some segment is at most y (sign 1) or at least y (sign -1).

        If both ends are at z then it is: the boxes are parts of the tube.
        """
        return any(
            sign * (u * (d - z) + v * (z - c)) <= sign * y * (d - c)
            for c, u in zip((p.left, p.right), p_ends, strict=True)
            for d, v in zip((q.left, q.right), q_ends, strict=True)
        )

    def boxes(place: int, i: int, j: int) -> list[_Box]:
        bottoms = zip(heights[i], heights[j], strict=True)
        if len(heights[i]) == 1:  # tolerance 0
            return [_Box(place, at[i], at[j], ends, ends) for ends in bottoms]
        return [_Box(place, at[i], at[j], bottom, top) for bottom, top in pairwise(bottoms)]

    last = len(at) - 1
    frontier = boxes(-1, 0, 0)
    unseen = [box for i in range(last) for box in boxes(i, i, i + 1)] + boxes(last, last, last)
    links = 0
    while True:
        links += 1
        reached = {q for q in unseen if any(is_link(p, q) for p in frontier)}
        if any(box.place == last for box in reached):
            return links
        unseen = [box for box in unseen if box not in reached]
        frontier = list(reached)


def _points(x: Sequence[Number], y: Sequence[Number]) -> list[_Point]:
    points = [_Point(_exact(u), _exact(v)) for u, v in zip(x, y, strict=True)]
    if len(points) < 2 or any(p.x >= q.x for p, q in pairwise(points)):
        raise ValueError("need at least two points, with x strictly increasing")
    return points


def _tolerance(tolerance: Number) -> Fraction:
    e = _exact(tolerance)
    if e < 0:
        raise ValueError(f"tolerance must not be negative, not {tolerance}")
    return e


def _exact(number: Number) -> Fraction:
    """Convert without rounding; numpy's integers become Python's, which cannot overflow."""
    exact = Fraction(number)
    return Fraction(int(exact.numerator), int(exact.denominator))


def _through(p: _Point, q: _Point) -> _Line:
    slope = (q.y - p.y) / (q.x - p.x)
    return _Line(slope, p.y - slope * p.x)


def _value(points: list[_Point], x: Fraction) -> Fraction:
    """Evaluate the piecewise-linear function through the points."""
    p, q = next((p, q) for p, q in pairwise(points) if p.x <= x <= q.x)
    return p.y + (q.y - p.y) * (x - p.x) / (q.x - p.x)


def _scale(numbers: list[Fraction]) -> int:
    """Find the least integer by which all the numbers become integers."""
    scale = 1
    for number in numbers:
        scale *= (number * scale).denominator
    return scale
