"""What the page sets out on its canvases, by node: held against the film's own painters."""

import json
import random
from itertools import pairwise

import numpy as np
import pytest
from by_node import value_of

from latentviz.raster.chart import chart_axes
from latentviz.raster.coincide import in_turns
from latentviz.raster.label_places import pushed_within
from latentviz.raster.labels import PlacedLabel, PlacedLabels
from latentviz.raster.lettering import Sprite
from latentviz.raster.marks import edge_marks
from latentviz.raster.shapes import Letters
from latentviz.raster.ticks import linear_ticks
from latentviz.scene import Box, Chart, Curve
from latentviz.theme import Role

BODY = {"x": 100, "y": 50, "width": 200, "height": 200}
NAN = float("nan")


def run(script, given=None, *names):
    return value_of(script, *names, given=given)


def floats(values):
    return np.array(values, float)  # null is NaN


def test_ticks_are_the_films():
    source = random.Random(1)
    cases = []
    for _ in range(4000):
        span = 10 ** source.uniform(-12, 12) * source.choice([1, 2, 5, source.uniform(0.1, 1)])
        middle = source.choice([0, span * source.uniform(-3, 3), 10 ** source.uniform(-6, 8)])
        low, high = middle - span * source.random(), middle + span * source.uniform(0.001, 1)
        whole = source.random() < 0.2 and high - low >= 1
        cases.append([low, high, source.randint(0, 6), whole])
    cases += [[-3 * 10.0**e, 7 * 10.0**e, most, False] for e in range(-20, 21) for most in (2, 4)]
    # Where the next number is the same.
    cases += [[1e17 - 32, 1e17 + 64, 4, False], [-9e99, 9e99, 4, False]]
    found = run("given.map((c) => ticks.linearTicks(...c))", cases, "ticks")
    for (low, high, most, whole), ours in zip(cases, found, strict=True):
        theirs = linear_ticks(low, high, most=most, whole=whole)
        # JSON writes large numbers as if they were whole.
        values = [float(value) for value in ours["values"]]
        assert (values, ours["labels"]) == (list(theirs.values), list(theirs.labels)), (low, high)


def test_a_step_and_its_place_belong_together():
    place, arrays = {"body": BODY}, {"steps": [10, 20, 60], "end": 60}
    script = (
        "[given.steps.map((s) => charts.xOfStep(given.place, given.arrays, s)),"
        "given.xs.map((x) => charts.stepAtX(given.place, given.arrays, x))]"
    )
    given = {"place": place, "arrays": arrays, "steps": [10, 35, 60], "xs": [100, 200, 300, 0, 999]}
    assert run(script, given, "charts") == [[100, 200, 300], [10, 35, 60, 10, 60]]
    # A chart of one step is a step long; a recording's axis ends beyond what it has.
    given["arrays"] = {"steps": [10], "end": 10}
    assert run(script, given, "charts")[0][0] == 100
    assert run(script, given, "charts")[1][:3] == [10, 10.5, 11]
    given["arrays"] = {"steps": [0, 25], "end": 100}
    assert run(script, given, "charts")[1][:3] == [0, 50, 100]


def chart_of(*values, log=True):
    none = np.empty(0, np.int64)
    curves = [Curve("c", np.array(v, float), none, Role("curve", 0)) for v in values]
    return Chart(np.arange(len(values[0])), tuple(curves), log, "chart")


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize(
    "values",
    [[1, 10, 0.01, 3], [1, 0, 0.5, 0], [1, -1, 2, 0], [0, 0, 0, 0], [1e-120, 1, NAN, 2], [5, 5, 5]],
    ids=["positive", "zero", "negative", "zeros", "tiny", "constant"],
)
def test_values_have_the_films_heights(log, values):
    axes = chart_axes(chart_of(values, log=log), (200, 200), 1)
    heights, ticks = axes.heights, axes.values
    place = {
        "body": BODY, "limits": list(heights.limits),
        "ticks": {"values": list(ticks.values), "labels": list(ticks.labels), "minor": []},
    }  # fmt: skip
    asked = [*values, 0, -1, 0.3]
    found = run(
        "real(given.asked).map(charts.heightIn(given.place, given.log))",
        {"place": place, "asked": asked, "log": log}, "charts",
    )  # fmt: skip
    theirs = BODY["y"] + BODY["height"] - heights.pixels(np.array(asked, float))
    if heights.log:  # the film has no such value on a log axis: its charts have none below zero
        theirs[asked.index(-1)] = NAN
    np.testing.assert_allclose(floats(found), theirs, atol=1e-6)


def test_a_thinned_line_has_each_columns_least_and_greatest():
    rng = np.random.default_rng(0)
    values = rng.normal(size=5000).astype(np.float32).astype(float)
    values[1000:1200] = NAN
    given = {"place": {"body": BODY}, "values": values.tolist(), "n": len(values)}
    script = (
        "((steps) => [charts.thinnedPlaces(given.place, {steps, end: given.n - 1}, 400),"
        "charts.thinnedHeights(real(given.values, Float32Array), 400, (v) => -v)])"
        "(Float64Array.from({length: given.n}, (_, i) => i))"
    )
    xs, ys = map(floats, run(script, given, "charts"))
    assert len(xs) == len(ys) == 800
    assert (np.diff(xs) >= 0).all()
    edges = [column * len(values) // 400 for column in range(401)]
    for c, (start, stop) in enumerate(pairwise(edges)):
        part = values[start:stop]
        assert xs[2 * c] == xs[2 * c + 1] == pytest.approx(200 * start / 4999)
        if np.isnan(part).all():
            assert np.isnan(ys[2 * c : 2 * c + 2]).all()
        else:
            assert (-ys[2 * c], -ys[2 * c + 1]) == (np.nanmin(part), np.nanmax(part))
    # Of few steps all are there.
    assert run("charts.thinnedHeights(real([3, 1, null]), 400, (v) => v)", None, "charts") == [
        3, 1, None,
    ]  # fmt: skip


def noisy_curves():
    """Curves that coincide in part, for a while, by chance, and not at all."""
    rng = np.random.default_rng(2)
    xs = np.sort(rng.uniform(0, 600, 300)).round(2)
    base = 50 + 20 * np.sin(xs / 80)
    part = np.where(xs < 300, base, base + (xs - 300) / 5)
    holed = np.where((xs > 100) & (xs < 130), np.nan, base + rng.normal(size=300) * 0.5)
    return xs, [base, part, holed, 140 - base, base + 0.2, rng.uniform(0, 90, 300)]


@pytest.mark.parametrize("n", [2, 3, 6])
def test_curves_that_coincide_take_turns_as_in_the_film(n):
    xs, curves = noisy_curves()
    found = run(
        "coincide.inTurns(real(given.xs), given.curves.map((c) => real(c)), 2.2, 12)",
        {"xs": xs.tolist(), "curves": [c.tolist() for c in curves[:n]]}, "coincide",
    )  # fmt: skip
    theirs = in_turns(xs, curves[:n], width=2.2, dash=12)
    assert any(len(x) > len(xs) + 60 for x, _ in theirs)  # some are dashed
    for ours, (x, y) in zip(found, theirs, strict=True):
        assert drawn_pieces(floats(ours["xs"]), floats(ours["ys"])) == drawn_pieces(x, y)


def drawn_pieces(xs, ys):
    """The pieces that a line is drawn on; to the thousandth of a pixel."""
    pieces = zip(xs, xs[1:], ys, ys[1:], strict=False)
    there = [piece for piece in pieces if np.isfinite(piece).all() and piece[1] > piece[0]]
    return [tuple(np.round(piece, 3) + 0.0) for piece in there]


def test_breaks_that_are_close_are_one_and_marks_that_coincide_are_nested():
    marks = "chart_marks"
    assert run(f"{marks}.breaksOf([1, 2, 3, 50, 90, 95], 12)", None, "chart-marks") == [
        [1, 3], [50, 50], [90, 95],
    ]  # fmt: skip
    rows = run(
        f"{marks}.rowsOfBroken(given, 2).map(({{curve, at}}) => [curve?.name ?? null, at])",
        [
            {"name": n, "broken": b}
            for n, b in [("a", [1]), ("b", []), ("c", [7, 9]), ("d", [2, 7])]
        ],
        "chart-marks",
    )
    assert rows == [["a", [1]], [None, [2, 7, 9]]]
    sizes = run(
        f"((above) => [5, 9].map((y) => {marks}.nesting({{i: 3, x: 0, y}}, above)))"
        f"([[[3, 5.5]], [[3, 5]], [[4, 5]]].map((m) => new Map(m)))",
        None, "chart-marks",
    )  # fmt: skip
    assert sizes == [1 + 2 * 0.35, 1]


def test_marks_stand_at_edges_where_the_film_has_them():
    rng = np.random.default_rng(4)
    xy = rng.normal(size=(400, 2)).astype(np.float32)
    xy[5] = np.nan
    half, size, per_unit = (101.0, 83.0), 18.0, 60.0
    reach = (half[0] / per_unit, half[1] / per_unit)
    spots = (xy * (1, -1) * per_unit + (200, 150)).ravel()
    found = run(
        "edge_marks.edgeMarks(real(given, Float32Array), [200, 150], [101, 83], [101, 83], 18)",
        spots.tolist(), "edge-marks",
    )  # fmt: skip
    ours = set()
    for axis, sign, along in found:
        at = [along * size, along * size]
        at[axis] = sign * (half[axis] - size / 2)
        ours.add((round(200 + at[0] - size / 2), round(150 + at[1] - size / 2)))
    theirs = edge_marks(
        xy, reach=reach, center=(200, 150), half_px=half, px_per_unit=per_unit, mark_px=size,
        color=(0, 0, 0),
    )  # fmt: skip
    assert len(found) > 20
    assert ours == {(sprite.x, sprite.y) for sprite in theirs}


def names_of_the_film(offsets, sizes):
    shape = Letters("name", 10, 0, 8, "left")
    sprite = Sprite(np.ones((1, 1), np.float32), 0, 0, (255, 255, 255), shape)
    labels = tuple(PlacedLabel(str(k), sprite, sprite) for k in range(len(sizes)))
    return PlacedLabels(labels, np.arange(len(sizes)), offsets, sizes, 5.0, 10.0, 0)


def test_names_stand_and_fade_as_in_the_film():
    rng = np.random.default_rng(5)
    n, room = 60, Box(100, 50, 200, 200)
    at = rng.uniform((90, 40), (310, 260), (n, 2))
    at[3] = np.nan
    sizes = np.stack([rng.uniform(10, 60, n), np.full(n, 12.0)], 1)
    given = [
        {"text": str(k), "x": x, "y": y, "width": w, "height": h, "side": [1, 0]}
        for k, ((x, y), (w, h)) in enumerate(zip(at.tolist(), sizes.tolist(), strict=True))
    ]
    found = run(
        "labels.seenLabels(given.map((l) => ({...l, x: l.x ?? NaN, y: l.y ?? NaN})), 9, 5,"
        f"{json.dumps(BODY)}).map((s) => [s.label.text, s.x, s.y, s.opacity])",
        given, "labels",
    )  # fmt: skip
    offsets = np.stack([np.full(n, 9.0), -sizes[:, 1] / 2], 1)
    theirs = names_of_the_film(offsets, sizes).seen(at, room)
    assert any(0 < each.opacity < 1 for each in theirs)
    assert [name for name, *_ in found] == [each.label.text for each in theirs]
    np.testing.assert_allclose(
        [numbers for _, *numbers in found],
        [[*each.corner_px, each.opacity] for each in theirs],
        atol=1e-9,
    )
    # What is said of corners there holds: none leaves the panel.
    corners = np.array([numbers[:2] for _, *numbers in found])
    mine = sizes[[int(name) for name, *_ in found]]
    np.testing.assert_allclose(pushed_within(corners, mine, room), corners)


def test_a_name_takes_the_side_that_covers_and_hides_the_least():
    script = (
        "label_sides.bestSide(given.path, Float32Array.from(given.dots), [40, 12], 8,"
        f"{json.dumps(BODY)}, given.earlier)"
    )

    def side(path, dots=(), earlier=()):
        given = {"path": path, "dots": list(dots), "earlier": list(earlier)}
        return run(script, given, "label-sides")

    here = [200, 150]
    assert side(here) == [1, 0]
    assert side([295, 150]) == [-1, 0]  # no room at the panel's right edge
    assert side(here, [220, 150, 230, 150]) == [-1, 0]
    name = {"path": [206, 150], "size": [40, 12], "side": [1, 0]}
    assert side(here, earlier=[name]) == [-1, 0]


def reader(kind):
    """A reader of 50 steps of 6 points in 3 components, as a script."""
    made = {
        "svd": "new places.PlacesReader([50, 6, 3], {rank: 4, coefficients: some(200), "
        "basis: some(72), mean: some(18)}, Float64Array.of(2, 3, 5), Float64Array.of(1, 0, -1))",
        "deltas": "Object.assign(new places.PlacesReader([50, 6, 3], null, [], []),"
        "{read: (t) => Float32Array.from({length: 18}, (_, i) => 100 * t + i)})",
    }[kind]
    some = "((x) => (n) => Float32Array.from({length: n}, () => (x = (x * 7 + 3) % 101) / 9))(5)"
    return f"((some) => {made})({some})"


@pytest.mark.parametrize("kind", ["svd", "deltas"])
def test_places_of_some_points_are_the_readers_own(kind):
    whole, some = run(
        f"((r) => [r.read(31), some_places.placesOfSome(r, [4, 1], 31)])({reader(kind)})",
        None, "places", "some-places",
    )  # fmt: skip
    assert some == whole[12:15] + whole[3:6]


def test_a_path_is_of_fixed_steps_and_fades_to_its_beginning():
    script = "given.map(([start, stop]) => trails.stepsOfTrail(start, stop))"
    short, long, later = run(script, [[3, 8], [1000, 5000], [1007, 5007]], "trails")
    assert short == [3, 4, 5, 6, 7]
    assert len(long) <= 301
    assert long[-1] == 4999
    # What was drawn of it stays where it was.
    assert set(long[3:-1]) < set(later)
    parts, many = run(
        "[6, 1000].map((n) => trails.partsOf(Array.from({length: n}, (_, i) => i)))", None, "trails"
    )
    opacities = [0.85 * (part + 1) / 5 for part in range(5)]  # as raster/trails.py
    assert [part["opacity"] for part in parts] == pytest.approx(opacities)
    assert [(part["first"], part["last"]) for part in parts] == [(s, s + 1) for s in range(5)]
    assert (many[0]["first"], many[-1]["last"]) == (0, 999)
    assert all(a["last"] == b["first"] for a, b in pairwise(many))


# A page that has nothing but the painters: a document of six points in two panels, and a chart.
