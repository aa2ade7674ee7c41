"""The oracle against cases worked out by hand, and against evaluation of the network at points."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from networks import (
    SMALLEST_SUBNORMAL,
    Array,
    NetworkCase,
    SegmentCase,
    random_networks,
    random_segments,
    saw_tooth,
)
from numpy.typing import ArrayLike
from rational_oracle import ExactBreakpoints, Piece, exact_breakpoints

INF = math.inf
WHOLE = (-INF, INF)
THIRD = Fraction(1, 3)

Number = Fraction | int
Rows = Sequence[Sequence[float]]
Layer = tuple[Rows, Sequence[float]]

PLUS_MINUS: Layer = ([[1], [-1]], [0, 0])  # x and -x
OUTSIDE_ONE: Layer = ([[1], [-1]], [-1, -1])  # x - 1 and -x - 1: relu is zero on [-1, 1]
ONE: Layer = ([[1]], [0])
SUM: Layer = ([[1, 1]], [0])


def breakpoints_of(
    *layers: Layer, interval: tuple[float, float] = WHOLE, negative_slope: float = 0.0
) -> ExactBreakpoints:
    weights, biases = zip(*layers, strict=True)
    return exact_breakpoints(weights, biases, interval, negative_slope=negative_slope)


def on_line(
    start: ArrayLike,
    stop: ArrayLike,
    *layers: Layer,
    interval: tuple[float, float] = (0, 1),
) -> ExactBreakpoints:
    weights, biases = zip(*layers, strict=True)
    return exact_breakpoints(weights, biases, interval, start=start, stop=stop)


def places(found: ExactBreakpoints) -> list[tuple[Number, int, int]]:
    return [(t.x, t.layer, t.neuron) for t in found.triples]


def functions(found: ExactBreakpoints) -> list[tuple[list[Number], list[Number]]]:
    """Slopes and intercepts, region by region."""
    return [(list(p.slopes), list(p.intercepts)) for p in found.pieces]


# One neuron


@pytest.mark.parametrize(
    ("weight", "bias", "expected"),
    [
        pytest.param(1, 0, [0], id="rising"),
        pytest.param(-1, 0, [0], id="falling"),
        pytest.param(2, -1, [Fraction(1, 2)], id="shifted"),
        pytest.param(3, -1, [THIRD], id="no float"),
        pytest.param(0, 1, [], id="constant and active"),
        pytest.param(0, -1, [], id="constant and inactive"),
        pytest.param(0, 0, [], id="zero"),
        pytest.param(-0.0, -0.0, [], id="negative zero"),
    ],
)
def test_one_neuron(weight: float, bias: float, expected: list[Fraction]) -> None:
    found = breakpoints_of(([[weight]], [bias]), ONE)
    assert places(found) == [(x, 1, 0) for x in expected]
    assert all(t.reaches_output for t in found.triples)


def test_pieces_of_one_neuron() -> None:
    found = breakpoints_of(([[2]], [-1]), ([[3]], [5]))
    half = Fraction(1, 2)
    assert [(p.left, p.right) for p in found.pieces] == [(-INF, half), (half, INF)]
    assert functions(found) == [([0], [5]), ([6], [2])]


def test_no_hidden_layer_has_no_breakpoint() -> None:
    found = breakpoints_of(([[2], [3]], [-1, 1]))
    assert (found.count, found.n_regions, found.n_output_regions) == (0, 1, 1)
    assert functions(found) == [([2, 3], [-1, 1])]


# Layer 2 over |x|, over a plateau, and on end rays


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(PLUS_MINUS, ([[1, 1]], [0]), [], id="positive, touching, positive"),
        pytest.param(PLUS_MINUS, ([[-1, -1]], [0]), [], id="negative, touching, negative"),
        pytest.param(PLUS_MINUS, ([[1, -1]], [0]), [0], id="through zero at a kink"),
        pytest.param(PLUS_MINUS, ([[1, 1]], [-1]), [-1, 1], id="positive, negative, positive"),
        pytest.param(PLUS_MINUS, ([[-1, -1]], [1]), [-1, 1], id="negative, positive, negative"),
        pytest.param(OUTSIDE_ONE, ([[1, 1]], [0]), [-1, 1], id="positive, zero, positive"),
        pytest.param(OUTSIDE_ONE, ([[1, -1]], [0]), [1], id="negative, zero, positive"),
        pytest.param(OUTSIDE_ONE, ([[-1, 1]], [0]), [-1], id="positive, zero, negative"),
        pytest.param(OUTSIDE_ONE, ([[-1, -1]], [0]), [], id="negative, zero, negative"),
        pytest.param(ONE, ([[1]], [0]), [0], id="zero ray, positive"),
        pytest.param(ONE, ([[-1]], [0]), [], id="zero ray, negative"),
        pytest.param(ONE, ([[1]], [-1]), [1], id="negative constant ray"),
        pytest.param(ONE, ([[-1]], [1]), [1], id="positive constant ray"),
        pytest.param(ONE, ([[1]], [1]), [], id="positive constant ray, then rising"),
        pytest.param(([[-1]], [0]), ([[1]], [0]), [0], id="positive, zero ray"),
        pytest.param(ONE, ([[0]], [0]), [], id="zero weight and bias"),
        pytest.param(ONE, ([[0]], [1]), [], id="zero weight"),
    ],
)
def test_second_layer(first: Layer, second: Layer, expected: list[int]) -> None:
    found = breakpoints_of(first, second, ONE)
    assert [x for x, layer, _ in places(found) if layer == 2] == expected


def test_zero_on_one_side_of_a_plateau_whose_ends_are_open() -> None:
    # relu(x - 1) + relu(-x - 1) inside, and at, and just beyond its plateau [-1, 1].
    layers = OUTSIDE_ONE, ([[1, 1]], [0]), ONE
    assert breakpoints_of(*layers, interval=(-1, 1)).count == 0
    assert places(breakpoints_of(*layers, interval=(-1, 2))) == [(1, 1, 0), (1, 2, 0)]
    beyond = math.nextafter(-1, -2)
    assert places(breakpoints_of(*layers, interval=(beyond, 1))) == [(-1, 1, 1), (-1, 2, 0)]


def test_touching_two_layers_deep() -> None:
    # z2 = |x| - 1 crosses at -1 and 1; z3 = relu(z2) is zero between and positive beyond;
    # z4 = -relu(z3) never positive.
    found = breakpoints_of(PLUS_MINUS, ([[1, 1]], [-1]), ([[1]], [0]), ([[-1]], [0]), ONE)
    assert places(found) == [
        (-1, 2, 0),
        (-1, 3, 0),
        (0, 1, 0),
        (0, 1, 1),
        (1, 2, 0),
        (1, 3, 0),
    ]
    assert found.count_by_layer == [2, 2, 2, 0]
    assert found.n_regions == 4
    assert found.n_output_regions == 1


# Intervals


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        pytest.param((0, 2), [1], id="ends are breakpoints"),
        pytest.param((0, 1), [], id="nothing inside"),
        pytest.param((-SMALLEST_SUBNORMAL, 1), [0], id="just below"),
        pytest.param((SMALLEST_SUBNORMAL, 1), [], id="just above"),
        pytest.param((0, math.nextafter(1, 2)), [1], id="one float beyond"),
        pytest.param((0, math.nextafter(1, 0)), [], id="one float short"),
        pytest.param((0, INF), [1, 2], id="right half line"),
        pytest.param((-INF, 2), [0, 1], id="left half line"),
        pytest.param((-INF, 0), [], id="empty left half line"),
        pytest.param(WHOLE, [0, 1, 2], id="whole line"),
    ],
)
def test_ends_are_open(interval: tuple[float, float], expected: list[int]) -> None:
    found = breakpoints_of(([[1], [1], [1]], [0, -1, -2]), ([[1, 1, 1]], [0]), interval=interval)
    assert places(found) == [(x, 1, x) for x in expected]
    assert (found.pieces[0].left, found.pieces[-1].right) == interval


def test_end_at_a_rounded_root() -> None:
    layers = ([[3]], [-1]), ONE
    rounded = 1 / 3  # below the true third
    assert Fraction(rounded) < THIRD
    assert breakpoints_of(*layers, interval=(rounded, 1)).count == 1
    assert breakpoints_of(*layers, interval=(0, rounded)).count == 0


@pytest.mark.parametrize("interval", [(1, 0), (0, 0), (INF, INF), (INF, -INF)])
def test_interval_must_rise(interval: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="must rise"):
        breakpoints_of(ONE, ONE, interval=interval)


# Several neurons at one position


def test_duplicate_negated_and_proportional_neurons_share_a_position() -> None:
    found = breakpoints_of(([[3], [3], [-3], [6]], [-1, -1, 1, -2]), ([[1, 1, 1, 1]], [0]))
    assert places(found) == [(THIRD, 1, neuron) for neuron in range(4)]
    assert (found.count, found.n_regions) == (4, 2)


def test_distinct_positions_that_round_to_one_float() -> None:
    third = 1 / 3
    found = breakpoints_of(([[3], [1]], [-1, -third]), ([[1, 1]], [0]))
    assert places(found) == [(Fraction(third), 1, 1), (THIRD, 1, 0)]
    assert float(found.triples[0].x) == float(found.triples[1].x)
    assert found.n_regions == 3


def test_sorted_by_position_then_layer_then_neuron() -> None:
    found = breakpoints_of(([[1], [1], [-1]], [-1, 0, 0]), ([[0, 1, 0], [0, 2, -1]], [0, 0]), SUM)
    assert places(found) == [(0, 1, 1), (0, 1, 2), (0, 2, 0), (0, 2, 1), (1, 1, 0)]


# Reaching the output


def test_kinks_that_cancel_do_not_reach_the_output() -> None:
    found = breakpoints_of(PLUS_MINUS, ([[1, -1]], [0]))  # relu(x) - relu(-x) = x
    assert [t.reaches_output for t in found.triples] == [False, False]
    assert (found.count, found.n_regions, found.n_output_regions) == (2, 2, 1)


def test_kinks_that_almost_cancel_reach_the_output() -> None:
    found = breakpoints_of(PLUS_MINUS, ([[1, -math.nextafter(1, 2)]], [0]))
    assert [t.reaches_output for t in found.triples] == [True, True]


def test_all_triples_at_a_position_share_the_flag() -> None:
    # Neuron 1 has no outgoing weight, but shares 0 with neuron 0; neuron 2 is alone at 1.
    found = breakpoints_of(([[1], [1], [1]], [0, 0, -1]), ([[1, 0, 0]], [0]))
    assert places(found) == [(0, 1, 0), (0, 1, 1), (1, 1, 2)]
    assert [t.reaches_output for t in found.triples] == [True, True, False]
    assert (found.n_regions, found.n_output_regions) == (3, 2)


def test_one_component_of_the_output_is_enough() -> None:
    found = breakpoints_of(PLUS_MINUS, ([[1, -1], [0, 1]], [0, 0]))  # x and relu(-x)
    assert all(t.reaches_output for t in found.triples)
    assert functions(found) == [([1, -1], [0, 0]), ([1, 0], [0, 0])]


def test_dead_layer_hides_everything_before_it() -> None:
    found = breakpoints_of(PLUS_MINUS, ([[-1, -1]], [0]), ([[1]], [1]), ONE)
    assert found.count_by_layer == [2, 0, 0]
    assert found.n_output_regions == 1
    assert functions(found) == [([0], [1])] * 2


def test_kink_hidden_behind_an_inactive_neuron_of_the_next_layer() -> None:
    # relu(relu(x) - 1): the kink of layer 1 at 0 meets an inactive neuron.
    found = breakpoints_of(ONE, ([[1]], [-1]), ONE)
    assert [tuple(t) for t in found.triples] == [(0, 1, 0, False), (1, 2, 0, True)]


# Leaky slopes


@pytest.mark.parametrize(
    ("slope", "reaches"), [(0.0, True), (0.01, True), (0.5, True), (1.0, False), (-1.0, True)]
)
def test_leaky_slope_is_the_exact_value_of_its_float(slope: float, reaches: bool) -> None:
    found = breakpoints_of(ONE, ONE, negative_slope=slope)
    assert [tuple(t) for t in found.triples] == [(0, 1, 0, reaches)]
    assert [p.slopes for p in found.pieces] == [(Fraction(slope),), (1,)]


@pytest.mark.parametrize(
    ("slope", "expected"),
    [
        # z2 = relu(x) + 1, with relu(x) = slope * x on the left.
        pytest.param(0.5, [-2, 0], id="one half"),
        pytest.param(0.01, [-1 / Fraction(0.01), 0], id="one hundredth"),
        pytest.param(1.0, [-1, 0], id="identity"),
        pytest.param(-0.5, [0], id="negative"),
        pytest.param(-1.0, [0], id="absolute value"),
        pytest.param(0.0, [0], id="ReLU"),
    ],
)
def test_second_layer_of_a_leaky_network(slope: float, expected: list[Fraction]) -> None:
    found = breakpoints_of(ONE, ([[1]], [1]), ONE, negative_slope=slope)
    assert found.positions == expected


def test_absolute_value_touches_zero() -> None:
    # Slope -1: h1 = |x|; z2 = |x| touches, z3 = | |x| | touches.
    found = breakpoints_of(ONE, ONE, ONE, ONE, negative_slope=-1.0)
    assert places(found) == [(0, 1, 0)]


def test_leaky_pair_cancels_exactly() -> None:
    # relu(x) - relu(-x) = (1 + slope) x, although 1 + slope is no float.
    found = breakpoints_of(PLUS_MINUS, ([[1, -1]], [0]), negative_slope=0.01)
    assert [t.reaches_output for t in found.triples] == [False, False]
    assert {p.slopes for p in found.pieces} == {(1 + Fraction(0.01),)}


# Extreme scales


def test_subnormal_parameters_are_not_rounded() -> None:
    tiny = SMALLEST_SUBNORMAL
    assert breakpoints_of(([[3 * tiny]], [-tiny]), ONE).positions == [THIRD]
    # Products of subnormals would underflow: z2 = tiny * relu(tiny * x) - tiny.
    found = breakpoints_of(([[tiny]], [0]), ([[tiny]], [-tiny]), ONE)
    assert places(found) == [(0, 1, 0), (1 / Fraction(tiny), 2, 0)]


def test_huge_parameters_do_not_overflow() -> None:
    # z2 = 1e300 * relu(1e300 * x) - 1e300.
    found = breakpoints_of(([[1e300]], [0]), ([[1e300]], [-1e300]), ONE)
    assert places(found) == [(0, 1, 0), (1 / Fraction(1e300), 2, 0)]


def test_sums_are_not_absorbed() -> None:
    # z2 = 1e100 relu(x) + relu(-x) - 1e100 relu(x) is relu(-x), not zero.
    layers = ([[1], [-1], [1]], [0, 0, 0]), ([[1e100, 1, -1e100]], [0]), ONE
    assert (0, 2, 0) in places(breakpoints_of(*layers))


# Lines in several dimensions


def test_segment() -> None:
    # x + y - 1 along (2t, 2t), and a neuron that the line does not change.
    found = on_line([0, 0], [2, 2], ([[1, 1], [1, -1]], [-1, 0]), SUM)
    assert [tuple(t) for t in found.triples] == [(Fraction(1, 4), 1, 0, True)]
    assert functions(found) == [([0], [0]), ([4], [-1])]


def test_segment_with_breakpoints_at_its_ends() -> None:
    layers = ([[1, 0], [1, 0], [0, 1]], [0, -2, -1]), ([[1, 1, 1]], [0])
    assert places(on_line([0, 0], [2, 2], *layers)) == [(Fraction(1, 2), 1, 2)]


def test_segment_inside_a_neurons_zero_set() -> None:
    found = on_line([1, -1], [1, 1], ([[1, 0], [0, 1]], [-1, 0]), SUM)
    assert places(found) == [(Fraction(1, 2), 1, 1)]


def test_whole_line_through_two_points() -> None:
    found = on_line([0, 0], [1, 1], ([[1, 1]], [2]), ONE, interval=WHOLE)
    assert found.positions == [-1]


def test_direction_of_a_segment_is_not_rounded() -> None:
    # stop - start rounds to stop, which would put the root at 1e-17.
    assert 1e17 - 1.0 == 1e17
    found = on_line([1.0], [1e17], ([[1]], [-2]), ONE)
    assert found.positions == [Fraction(1, 10**17 - 1)]


def test_segment_between_neighbouring_floats() -> None:
    start, stop = 1 / 3, math.nextafter(1 / 3, 1)
    ulp = Fraction(stop) - Fraction(start)
    found = on_line([start], [stop], ([[3]], [-1]), ONE)
    assert found.positions == [(THIRD - Fraction(start)) / ulp]


def test_start_needs_stop() -> None:
    with pytest.raises(ValueError, match="together"):
        exact_breakpoints([[[1.0]]], [[0.0]], start=[0.0])


# Tent maps


@pytest.mark.parametrize("depth", range(1, 9))
def test_tent_map(depth: int) -> None:
    weights, biases = saw_tooth(depth)
    inside = exact_breakpoints(weights, biases, (0, 1))
    # The fold of layer l is active at the odd multiples of 2^-l.
    assert inside.count_by_layer == [2 ** (layer - 1) for layer in range(1, depth + 1)]
    assert inside.positions == [Fraction(k, 2**depth) for k in range(1, 2**depth)]
    assert inside.n_regions == inside.n_output_regions == 2**depth
    assert {p.slopes for p in inside.pieces} == {(2**depth,), (-(2**depth),)}
    # Beyond: every layer's first neuron changes at 0, and all but the first layer's at 1.
    whole = exact_breakpoints(weights, biases)
    assert whole.count == 2**depth - 1 + depth + (depth - 1)
    assert whole.n_output_regions == (3 if depth == 1 else 2**depth + 2)


# Evaluation at points, which shares nothing with the oracle but its definitions

Pattern = tuple[tuple[bool, ...], ...]

# Beyond every position that the generated parameters can make.
FAR = Fraction(2**8000)


class Values(NamedTuple):
    preactivations: list[list[Fraction]]  # of the hidden layers
    output: list[Fraction]

    @property
    def pattern(self) -> Pattern:
        return tuple(tuple(z > 0 for z in layer) for layer in self.preactivations)


def evaluate(case: NetworkCase | SegmentCase, x: Fraction) -> Values:
    if isinstance(case, SegmentCase):
        points = zip(case.start.tolist(), case.stop.tolist(), strict=True)
        h = [(1 - x) * Fraction(a) + x * Fraction(b) for a, b in points]
    else:
        h = [x]
    slope = Fraction(case.negative_slope)
    layers = []
    for w, b in zip(case.weights, case.biases, strict=True):
        z = [
            sum((Fraction(w[i, j].item()) * h[j] for j in range(len(h))), Fraction(b[i].item()))
            for i in range(len(b))
        ]
        layers.append(z)
        h = [v if v > 0 else slope * v for v in z]
    return Values(layers[:-1], layers[-1])


def oracle(case: NetworkCase | SegmentCase) -> ExactBreakpoints:
    start, stop = (case.start, case.stop) if isinstance(case, SegmentCase) else (None, None)
    return exact_breakpoints(
        case.weights,
        case.biases,
        case.interval,
        start=start,
        stop=stop,
        negative_slope=case.negative_slope,
    )


def points_inside(piece: Piece, rng: np.random.Generator) -> list[Fraction]:
    """Points of a region: next to its ends, in the middle, and anywhere."""
    left = piece.left if isinstance(piece.left, Fraction) else -FAR
    right = piece.right if isinstance(piece.right, Fraction) else FAR
    width = right - left
    margin = min(width, Fraction(1)) / 2**60
    return [
        left + margin,
        left + width / 2,
        left + width * Fraction(rng.uniform(0.01, 0.99)),
        right - margin,
    ]


def affordable(case: NetworkCase | SegmentCase, found: ExactBreakpoints) -> bool:
    return found.n_regions * sum(w.size for w in case.weights) <= 3000


def cases(n_networks: int, n_segments: int) -> Iterator[NetworkCase | SegmentCase]:
    yield from random_networks(n_networks, seed=1)
    yield from random_segments(n_segments, seed=2)


def test_against_evaluation_at_points() -> None:
    """Activities and outputs at points agree with the regions, and change as the triples say.

    The set of points with one activity pattern is convex, so equal patterns next to both ends of a
    region leave no room for a breakpoint between.
    """
    rng = np.random.default_rng(0)
    checked = 0
    for case in cases(360, 180):
        found = oracle(case)
        if not affordable(case, found):
            continue
        checked += 1
        assert found.n_regions == len(found.pieces), case.label
        patterns = []
        for piece in found.pieces:
            values = {x: evaluate(case, x) for x in points_inside(piece, rng)}
            assert len({v.pattern for v in values.values()}) == 1, case.label
            patterns.append(next(iter(values.values())).pattern)
            for x, v in values.items():
                assert piece.left < x < piece.right
                assert v.output == output_of(piece, x), case.label
        assert list(changes(found.pieces, patterns)) == [tuple(t) for t in found.triples], (
            case.label
        )
        assert len(set(patterns)) == found.n_regions, case.label
    assert checked > 400


def changes(
    pieces: list[Piece], patterns: list[Pattern]
) -> Iterator[tuple[Fraction, int, int, bool]]:
    for (before, left), (after, right) in pairwise(zip(patterns, pieces, strict=True)):
        assert isinstance(right.left, Fraction)
        for layer in range(len(before)):
            for neuron in range(len(before[layer])):
                if before[layer][neuron] != after[layer][neuron]:
                    yield right.left, layer + 1, neuron, left.slopes != right.slopes


def output_of(piece: Piece, x: Fraction) -> list[Fraction]:
    return [s * x + c for s, c in zip(piece.slopes, piece.intercepts, strict=True)]


def test_pieces_join_and_fill_the_interval() -> None:
    for case in cases(360, 180):
        pieces = oracle(case).pieces
        assert (pieces[0].left, pieces[-1].right) == case.interval, case.label
        for left, right in pairwise(pieces):
            assert left.right == right.left, case.label
            assert isinstance(right.left, Fraction)
            assert output_of(left, right.left) == output_of(right, right.left), case.label


def test_restriction_to_a_part_of_the_line() -> None:
    """An interval's breakpoints are those of the whole line strictly inside it."""
    for case in random_networks(180, seed=3):
        whole = oracle(case._replace(interval=WHOLE))
        left, right = case.interval
        assert oracle(case).triples == [t for t in whole.triples if left < t.x < right], case.label


def test_gaussian_networks_against_a_float_grid() -> None:
    """In every cell of a fine grid, a neuron changes an odd number of times where its signs at the
    cell's ends differ, and an even number otherwise."""
    rng = np.random.default_rng(5)
    for _ in range(5):
        widths = [1, *rng.integers(5, 31, size=5).tolist(), 2]
        shapes = list(zip(widths[1:], widths[:-1], strict=True))
        weights = [rng.normal(size=shape) * math.sqrt(2 / shape[1]) for shape in shapes]
        biases = [0.5 * rng.normal(size=n) for n in widths[1:]]
        found = exact_breakpoints(weights, biases, (-3, 3))
        assert found.count > 20
        grid = np.linspace(-3, 3, 20_001)
        cells = np.searchsorted(grid, [float(t.x) for t in found.triples]) - 1
        for layer, z in enumerate(float_preactivations(weights, biases, grid), 1):
            assert np.abs(z).min() > 1e-10  # far above rounding
            changes = np.zeros((len(grid) - 1, z.shape[1]), dtype=int)
            for t, cell in zip(found.triples, cells, strict=True):
                if t.layer == layer:
                    changes[cell, t.neuron] += 1
            np.testing.assert_array_equal(changes % 2, (z[1:] > 0) != (z[:-1] > 0))


def float_preactivations(weights: list[Array], biases: list[Array], grid: Array) -> Iterator[Array]:
    h = grid[:, None]
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        z = h @ w.T + b
        yield z
        h = np.maximum(z, 0)


# The generators


def test_random_cases_meet_what_they_are_for() -> None:
    """Each kind of coincidence occurs in at least one case in fifty."""
    met = dict.fromkeys(
        ["shared position", "same float", "hidden", "nothing reaches", "at an end", "idle zero"], 0
    )
    n = 720
    for case in random_networks(n, seed=4):
        found = oracle(case)
        positions = found.positions
        met["shared position"] += found.count > len(positions)
        in_range = [x for x in positions if abs(x) < 2**1023]
        met["same float"] += len({float(x) for x in in_range}) < len(in_range)
        met["hidden"] += 1 < found.n_output_regions < found.n_regions
        met["nothing reaches"] += found.n_output_regions == 1 < found.n_regions
        whole = oracle(case._replace(interval=WHOLE))
        met["at an end"] += any(end in whole.positions for end in case.interval)
        met["idle zero"] += any(zeros_at(case, x) > changes_at(found, x) for x in positions[:5])
    assert min(met.values()) >= n / 50, met


def zeros_at(case: NetworkCase, x: Fraction) -> int:
    return sum(z == 0 for layer in evaluate(case, x).preactivations for z in layer)


def changes_at(found: ExactBreakpoints, x: Fraction) -> int:
    return sum(t.x == x for t in found.triples)


def test_cases_do_not_depend_on_how_many_are_drawn() -> None:
    for few, many in zip(random_networks(3, seed=6), random_networks(40, seed=6), strict=False):
        assert few.label == many.label
        for a, b in zip(few.weights, many.weights, strict=True):
            np.testing.assert_array_equal(a, b)


def test_generated_parameters_are_finite_and_chain() -> None:
    for case in cases(720, 600):
        n_inputs = len(case.start) if isinstance(case, SegmentCase) else 1
        assert case.interval[0] < case.interval[1], case.label
        for w, b in zip(case.weights, case.biases, strict=True):
            assert w.dtype == b.dtype == np.float64, case.label
            assert w.shape == (len(b), n_inputs), case.label
            assert np.isfinite(w).all(), case.label
            assert np.isfinite(b).all(), case.label
            n_inputs = len(b)
        if isinstance(case, SegmentCase):
            assert np.isfinite([case.start, case.stop]).all(), case.label
            assert (case.start != case.stop).any(), case.label
