"""What the page draws on canvases: held against the film's own painters, and looked at as pixels."""

import json
import random
import shutil
import subprocess
import sys
from base64 import b64decode
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from viewers import launched, needs_chromium

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
from latentviz.web.modules import joined
from latentviz.web.plain import plain_themes

VIEWER = files("latentviz.web").joinpath("viewer")
NODE = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
BODY = {"x": 100, "y": 50, "width": 200, "height": 200}
NAN = float("nan")

needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


def run(script, given=None, *names):
    """What a script gives of `given`: `names` are modules, each at hand by its name."""
    imports = "".join(
        f'import * as {name.replace("-", "_")} from "file://{VIEWER}/{name}.js";\n'
        for name in names
    )
    # JSON has no NaN: null is one.
    plain = (
        "const plain = (_, v) => ArrayBuffer.isView(v) ? Array.from(v) : v instanceof Map"
        " ? [...v] : Object.is(v, -0) ? 0 : v;\n"
        "const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n"
        "const real = (a, Kind = Float64Array) => Kind.from(a, (v) => v === null ? NaN : v);\n"
    )
    source = 'import { createRequire } from "module";\nconst require = createRequire("/");\n'
    source += f"{imports}{plain}console.log(JSON.stringify(({script}), plain));"
    result = subprocess.run(
        [NODE, "--input-type=module", "-e", source],
        input=json.dumps(given).replace("NaN", "null"), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def floats(values):
    return np.array(values, float)  # null is NaN


@needs_node
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


@needs_node
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


@needs_node
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


@needs_node
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
    for c, (start, stop) in enumerate(zip(edges, edges[1:], strict=False)):
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


@needs_node
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


@needs_node
def test_breaks_that_are_close_are_one_and_marks_that_coincide_are_nested():
    marks = "chart_marks"
    assert run(f"{marks}.breaksOf([1, 2, 3, 50, 90, 95], 12)", None, "chart-marks") == [
        [1, 3], [50, 50], [90, 95],
    ]  # fmt: skip
    rows = run(
        f"{marks}.rowsOfBroken(given, 2).map(({{curve, at}}) => [curve?.name ?? null, at])",
        [{"name": n, "broken": b} for n, b in [("a", [1]), ("b", []), ("c", [7, 9]), ("d", [2, 7])]],
        "chart-marks",
    )
    assert rows == [["a", [1]], [None, [2, 7, 9]]]
    sizes = run(
        f"((above) => [5, 9].map((y) => {marks}.nesting({{i: 3, x: 0, y}}, above)))"
        f"([[[3, 5.5]], [[3, 5]], [[4, 5]]].map((m) => new Map(m)))",
        None, "chart-marks",
    )  # fmt: skip
    assert sizes == [1 + 2 * 0.35, 1]


@needs_node
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


@needs_node
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


@needs_node
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


@needs_node
@pytest.mark.parametrize("kind", ["svd", "deltas"])
def test_places_of_some_points_are_the_readers_own(kind):
    whole, some = run(
        f"((r) => [r.read(31), some_places.placesOfSome(r, [4, 1], 31)])({reader(kind)})",
        None, "places", "some-places",
    )  # fmt: skip
    assert some == whole[12:15] + whole[3:6]


@needs_node
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
    assert all(a["last"] == b["first"] for a, b in zip(many, many[1:], strict=False))


# A page that has nothing but the painters: a document of six points in two panels, and a chart.
STAGE = """
import { drawOver, placesOf } from "./over.js";
import { drawUnder, penFor } from "./under.js";
import { Moments } from "./moments.js";
globalThis.stage = (themes) => {
  const T = 101;
  const steps = Float64Array.from({ length: T }, (_, i) => i);
  const body = (x) => ({ x, y: 40, width: 200, height: 200 });
  const cloud = (x, projection) => ({
    kind: "cloud", head: body(x), body: body(x), row: 0, projection, center: [0, 0], limits: 1,
    edges: [1, 1], px_per_unit: 100, dot_radius: 0.04, row_name: "", sides: [[1, 0]],
  });
  const component = (index) => ({ name: String(index), index, center: 0, limits: 1 });
  const row = {
    name: "", run: 0, points: 6, components: [0, 1, 2].map(component), framed: true, origin: true,
    projections: [{ right: 0, up: 1 }, { right: 0, up: 2 }], plate: null,
    names: null, labels: [2], order: null,
  };
  const curve = (dark, broken = []) => ({
    name: dark, color: { dark, light: dark }, keyed: [], measured: [], broken, final: null,
  });
  const ticks = { values: [0, 1], labels: ["0", "1"], minor: [] };
  const document = {
    themes, rows: [row], trail: 0,
    charts: [{ log: false, quantity: "loss", curves: [
      curve("#ff0000"), curve("#00ff00"), curve("#0000ff", Array.from({ length: 40 }, (_, i) => 60 + i)),
    ] }],
  };
  const layout = { size: [600, 400], scale: 1, panels: [cloud(60, 0), cloud(340, 1), {
    kind: "chart", body: { x: 60, y: 280, width: 500, height: 80 }, chart: 0, limits: [0, 1],
    ticks, steps: { values: [0, 50, 100], labels: ["0", "50", "100"], minor: [] },
  }] };
  const at = (f) => Float32Array.from(steps, f);
  const charts = [{ steps, end: 100, curves: [
    { values: at(() => 0.5), raw: null },
    { values: at((t) => (t <= 50 ? 0.5 : 0.2)), raw: null },
    { values: at((t) => (t < 60 ? 0.1 : NaN)), raw: null },
  ] }];
  let reads = 0;
  const readers = [{ shape: [T, 6, 3], svd: null, isLoaded: () => true, read: (t) => {
    reads += 1;
    const along = t / 50 - 1;
    // Point 0 goes to the right, up or below; 1 is beyond the right edge; 2 is named, and goes up.
    return Float32Array.of(
      0.9 * along, 0.5, -0.5, 3, 0.2, 0, 0, 0.7 * along, -0.9, -0.6, -0.6, -0.6, NaN, 0, 0, 0.6, -0.6, -0.6,
    );
  } }];
  const rgb = Uint8Array.from({ length: 18 }, () => 255);
  rgb.set([0, 200, 255]);
  const marks = [{ rgb: { dark: rgb, light: rgb }, highlighted: null, classes: null }];
  const moments = new Moments([{ steps, after: false }], [0]);
  const panel = (up) => ({ dims: [0, up], azimuth: 0, elevation: 0 });
  const canvas = globalThis.document.createElement("canvas");
  [canvas.width, canvas.height] = layout.size;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const draw = (change, what) => {
    const view = {
      moment: 50, span: 1, theme: "dark", panels: [panel(1), panel(2)], tour: 0, hidden: [new Set()],
      chosen: [new Set()], pinned: [], hovered: null, trail: 40, lasso: [], lassoPanel: -1, ...change,
    };
    const pen = penFor(context, document, layout, view, 1);
    context.clearRect(0, 0, 600, 400);
    reads = 0;
    if (what === "under") drawUnder(pen, document, layout, view, charts);
    else {
      const spots = placesOf(document, layout, view, moments, readers, marks);
      drawOver(pen, document, layout, view, moments, readers, marks, charts, spots);
    }
    return { reads, png: canvas.toDataURL("image/png") };
  };
  return draw;
};
"""


@pytest.fixture(scope="module")
def canvas():
    """Draws a view, over the dots or under them; gives (400, 600, 4) 0..255."""
    sources = {
        path.name.removesuffix(".js"): path.read_text("utf-8")
        for path in VIEWER.iterdir()
        if path.name.endswith(".js")
    }
    with launched() as browser:
        page = browser.new_page()
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.add_script_tag(content=joined({**sources, "test-stage": STAGE}, "test-stage"))
        page.evaluate("(themes) => { globalThis.draw = stage(themes); }", plain_themes())

        def draw(what="over", **change):
            found = page.evaluate("([c, w]) => draw(c, w)", [change, what])
            draw.reads = found["reads"]
            return np.array(Image.open(BytesIO(b64decode(found["png"].partition(",")[2]))))

        yield draw
        assert faults == []


def opaque(pixels):
    return pixels[..., 3] > 100


@needs_chromium
@pytest.mark.parametrize("moment", [0, 25, 100])
def test_the_cursor_stands_at_its_step(canvas, moment):
    row = canvas(moment=moment)[320, 50:, 3].astype(float)
    assert (row * (np.arange(550) + 50.5)).sum() / row.sum() == pytest.approx(60 + 5 * moment, abs=0.1)
    assert row.sum() / 255 == pytest.approx(2 * 0.85, abs=0.05)  # so wide, and so opaque


@needs_chromium
def test_a_mark_stands_at_the_edge_beyond_which_a_point_is(canvas):
    seen = opaque(canvas())
    # Point 1, right and a little up, in the first panel; in the other one level with the middle.
    size = 200 / 14  # of a mark: a share of a small frame
    for left, y in [(60, 140 - size), (340, 140)]:
        edge = seen[40:240, left + 180 : left + 200]
        rows = np.flatnonzero(edge.any(1)) + 40
        assert abs(rows.mean() + 0.5 - y) <= 1
        assert size - 4 <= len(rows) <= size + 1
        assert not seen[40:240, left : left + 60].any()


@needs_chromium
def test_a_path_is_where_the_point_was_and_fades(canvas):
    pixels = canvas(pinned=[{"row": 0, "point": 0}], moment=100, trail=90)
    # It went from x = -0.72 to 0.9 at a height of 0.5.
    line = pixels[90, :, :]
    xs = [60 + 100 + 90 * (t / 50 - 1) for t in (20, 40, 60, 80)]
    alphas = [int(line[round(x), 3]) for x in xs]
    assert alphas == sorted(alphas)
    assert alphas[0] < 60
    # Its parts do not add up where they meet.
    path = line[round(60 + 100 - 0.76 * 90) : round(60 + 100 + 0.5 * 90), 3].astype(int)
    assert path.max() <= 0.85 * 255 + 1
    assert np.abs(np.diff(path)).max() < 12
    np.testing.assert_allclose(line[round(xs[3]), :3], [0, 200, 255], atol=3)
    assert not pixels[90, 60:80].any()  # it was nowhere farther left
    # In the other panel it went lower.
    assert pixels[190, 340 + 100 + 40, 3] > 100
    # A point that is nowhere has no path; what is seen farther right is the other's name.
    assert not canvas(pinned=[{"row": 0, "point": 4}], trail=80)[40:240, 60:160].any()


@needs_chromium
def test_a_path_that_goes_on_reads_its_new_steps_alone(canvas):
    view = {"pinned": [{"row": 0, "point": 3}], "trail": 50}
    canvas(moment=60, **view)
    canvas(moment=61, **view)
    assert canvas.reads <= 3


def name_of(canvas, **view):
    """Where the name of point 2 is seen beside it: left, top, right, bottom."""
    seen = opaque(canvas(**view))[40:240, 60:250]
    seen[:, 180:] = False  # the mark at the edge
    ys, xs = np.nonzero(seen)
    return xs.min() + 60, ys.min() + 40, xs.max() + 61, ys.max() + 41


@needs_chromium
@pytest.mark.parametrize("moment", [20, 50, 80])
def test_a_name_follows_its_point(canvas, moment):
    left, top, right, bottom = name_of(canvas, moment=moment)
    y = 140 - 70 * (moment / 50 - 1)
    # The digit "2", right of a dot of 5 px and level with it.
    assert 160 + 5 <= left <= 160 + 5 + 12
    assert right - left < 20
    assert abs((top + bottom) / 2 - y) <= 3


@needs_chromium
def test_rings_stand_in_all_panels_and_the_one_under_the_pointer_is_stronger(canvas):
    plain = canvas()
    pinned = canvas(pinned=[{"row": 0, "point": 3}], trail=0)
    hovered = canvas(hovered={"row": 0, "point": 3})
    for left in (60, 340):
        x, y = left + 100 - 60, 140 + 60  # of point 3 in both panels
        box = np.s_[y - 12 : y + 13, x - 12 : x + 13]
        assert not opaque(plain)[box].any()
        assert not opaque(pinned)[y, x]
        assert 0 < opaque(pinned)[box].sum() < opaque(hovered)[box].sum()


@needs_chromium
def test_the_lasso_is_a_dashed_line_around_a_faint_ground(canvas):
    corners = [{"x": x, "y": y} for x, y in [(80, 60), (150, 60), (150, 110), (80, 110)]]
    pixels = canvas(lasso=corners, lassoPanel=0)
    assert pixels[85, 100, 3] == pytest.approx(0.08 * 255, abs=2)
    side = opaque(pixels)[59:62, 82:148].any(0)
    assert 3 <= np.count_nonzero(np.diff(side.astype(int)) == 1) <= 10
    assert not canvas(lasso=corners, lassoPanel=1)[85, 100].any()  # beyond that panel's frame


@needs_chromium
def test_curves_are_seen_in_turns_where_they_coincide_and_whole_elsewhere(canvas):
    pixels = canvas("under").astype(int)
    y = 280 + 40

    def colored(channel, x0, x1, y):
        band = pixels[y - 2 : y + 3, x0:x1, :3]
        others = np.delete(band, channel, 2).max(2)
        return (band[..., channel] - others > 100).any(0)

    red, green = (colored(channel, 70, 300, y) for channel in (0, 1))
    assert 0.3 < red.mean() < 0.7
    assert 0.3 < green.mean() < 0.7
    assert (red | green).mean() > 0.95
    assert colored(0, 330, 550, y).all()  # beyond there it is alone
    assert colored(1, 330, 550, 280 + 64).all()


@needs_chromium
def test_where_a_curve_is_broken_there_are_dots_not_a_line(canvas):
    pixels = canvas("under").astype(int)
    y = 280 + 6
    line = pixels[y - 1 : y + 2, 60 + 5 * 62 : 60 + 5 * 98, :3]
    blue = (line[..., 2] - line[..., :2].max(2)).max(0)
    # Bright and dark in turns: many times along its length.
    bright = blue > (blue.max() + blue.min()) / 2
    assert blue.max() - blue.min() > 60
    assert np.count_nonzero(np.diff(bright.astype(int)) == 1) > 20
    cross = pixels[y - 4 : y + 5, 60 + 5 * 60 - 4 : 60 + 5 * 60 + 5]
    assert (cross[..., 2] - cross[..., 0] > 100).sum() >= 12


@needs_chromium
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_ground_is_the_themes(canvas, theme):
    background = plain_themes()[theme]["background"]
    pixels = canvas("under", theme=theme)
    assert pixels[5, 5].tolist() == [*bytes.fromhex(background[1:]), 255]
    # The frame lies outside of its panel, and the lines through the origin within.
    assert (pixels[100, 58:60] != pixels[5, 5]).any()
    assert (pixels[100, 62] == pixels[5, 5]).all()
    assert (pixels[100, 158:162] != pixels[5, 5]).any()
