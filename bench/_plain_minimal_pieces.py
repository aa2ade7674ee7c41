"""The algorithm of relufast.minimal_pieces in plain Python: floats and lists, no error bounds.

See the top of cpp/src/minimal_pieces.cpp for how it works. Here rounding decides every tie.
"""

from __future__ import annotations

from math import inf

Point = tuple[float, float]
Line = tuple[float, float, float]  # a point of it, and the slope


def plain_minimal_pieces(
    x: list[float], y: list[float], tolerance: float
) -> tuple[list[float], list[float]]:
    """Knots and values of a function of as few pieces as any, for a tolerance above 0."""
    # The corners that lines may yet touch, from the first on: two convex chains.
    upper = [(x[0], y[0] + tolerance)]
    lower = [(x[0], y[0] - tolerance)]
    first_upper = first_lower = 0
    # The highest and the lowest line: last contact, first vertex after it, slope.
    high_x = low_x = x[0]
    high_y, low_y = inf, -inf
    after_high = after_low = 1
    high_slope = low_slope = 0.0
    lines: list[Line] = []  # of the pieces before
    exits: list[float] = []  # where those leave the tube

    for i in range(1, len(x)):
        right = x[i]
        top = y[i] + tolerance
        bottom = y[i] - tolerance
        high = high_y + high_slope * (right - high_x)
        low = low_y + low_slope * (right - low_x)
        if bottom <= low and high <= top:
            continue

        if high < bottom:  # the tube rises above all lines
            line = (high_x, high_y, high_slope)
            begin = (x[i - 1], y[i - 1] - tolerance)
            low_x, low_y = _exit(line, begin, (right, bottom))
            upper = _chain((high_x, high_y), 1.0, x[after_high:i], y[after_high:i], tolerance)
            first_upper = _tangent(upper, 1.0, low_x, low_y)
            from_x, from_y = upper[first_upper]
            low_slope = (low_y - from_y) / (low_x - from_x)
            low = low_y + low_slope * (right - low_x)
            after_low = i
            lower = [(low_x, low_y)]
            first_lower = 0
            high_y, high_slope, high = inf, 0.0, inf
            lines.append(line)
            exits.append(low_x)
        elif low > top:  # it falls below all lines
            line = (low_x, low_y, low_slope)
            begin = (x[i - 1], y[i - 1] + tolerance)
            high_x, high_y = _exit(line, begin, (right, top))
            lower = _chain((low_x, low_y), -1.0, x[after_low:i], y[after_low:i], tolerance)
            first_lower = _tangent(lower, -1.0, high_x, high_y)
            from_x, from_y = lower[first_lower]
            high_slope = (high_y - from_y) / (high_x - from_x)
            high = high_y + high_slope * (right - high_x)
            after_high = i
            upper = [(high_x, high_y)]
            first_upper = 0
            low_y, low_slope, low = -inf, 0.0, -inf
            lines.append(line)
            exits.append(high_x)

        if high > top:  # the highest line has to be lower from here on
            from_x, from_y = lower[first_lower]
            while first_lower + 1 < len(lower):
                next_x, next_y = lower[first_lower + 1]
                if (next_x - from_x) * (top - from_y) > (next_y - from_y) * (right - from_x):
                    break
                from_x, from_y = next_x, next_y
                first_lower += 1
            high_x, high_y, high_slope = right, top, (top - from_y) / (right - from_x)
            after_high = i + 1
            while first_upper + 1 < len(upper):
                from_x, from_y = upper[-2]
                next_x, next_y = upper[-1]
                if (next_x - from_x) * (top - from_y) > (next_y - from_y) * (right - from_x):
                    break
                upper.pop()
            upper.append((right, top))
        if low < bottom:  # and the lowest one higher
            from_x, from_y = upper[first_upper]
            while first_upper + 1 < len(upper):
                next_x, next_y = upper[first_upper + 1]
                if (next_x - from_x) * (bottom - from_y) < (next_y - from_y) * (right - from_x):
                    break
                from_x, from_y = next_x, next_y
                first_upper += 1
            low_x, low_y, low_slope = right, bottom, (bottom - from_y) / (right - from_x)
            after_low = i + 1
            while first_lower + 1 < len(lower):
                from_x, from_y = lower[-2]
                next_x, next_y = lower[-1]
                if (next_x - from_x) * (bottom - from_y) < (next_y - from_y) * (right - from_x):
                    break
                lower.pop()
            lower.append((right, bottom))

    # The mean of the extreme lines ends the path.
    end = x[-1]
    middle = 0.5 * (high_y + high_slope * (end - high_x) + low_y + low_slope * (end - low_x))
    lines.append((end, middle, 0.5 * (high_slope + low_slope)))
    return _path(x[0], end, lines, exits)


def _exit(line: Line, begin: Point, end: Point) -> Point:
    """Where a line leaves the tube through the edge from `begin` to `end`."""
    inside = _at(line, begin[0]) - begin[1]
    outside = _at(line, end[0]) - end[1]
    share = min(max(inside / (inside - outside), 0.0), 1.0)
    return begin[0] + share * (end[0] - begin[0]), begin[1] + share * (end[1] - begin[1])


def _chain(
    contact: Point, side: float, x: list[float], y: list[float], tolerance: float
) -> list[Point]:
    """The corners of one side, from the last contact on, that a line may yet touch."""
    chain = [contact]
    offset = side * tolerance
    for right, middle in zip(x, y, strict=True):
        edge = middle + offset
        while len(chain) >= 2:
            from_x, from_y = chain[-2]
            next_x, next_y = chain[-1]
            across = (next_x - from_x) * (edge - from_y) - (next_y - from_y) * (right - from_x)
            if side * across > 0.0:
                break
            chain.pop()
        chain.append((right, edge))
    return chain


def _tangent(chain: list[Point], side: float, x: float, y: float) -> int:
    """The corner that the extreme line through (x, y) touches."""
    i = 0
    while i + 1 < len(chain) and side * _orientation(chain[i], chain[i + 1], x, y) >= 0.0:
        i += 1
    return i


def _orientation(a: Point, b: Point, x: float, y: float) -> float:
    """Above 0 if (x, y) lies above the line from a to b."""
    return (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])


def _path(
    begin: float, end: float, lines: list[Line], exits: list[float]
) -> tuple[list[float], list[float]]:
    """Each line meets the next between its last contact and its exit."""
    knots = [begin]
    values = [_at(lines[0], begin)]
    for line, following, exit_x in zip(lines, lines[1:], exits, strict=False):
        contact_x = line[0]
        gap = _at(following, contact_x) - _at(line, contact_x)
        gap_at_exit = _at(following, exit_x) - _at(line, exit_x)
        share = min(max(gap / (gap - gap_at_exit), 0.0), 1.0)
        knots.append(contact_x + share * (exit_x - contact_x))
        values.append(_at(line, knots[-1]))
    knots.append(end)
    values.append(_at(lines[-1], end))
    return knots, values


def _at(line: Line, x: float) -> float:
    return line[1] + line[2] * (x - line[0])
