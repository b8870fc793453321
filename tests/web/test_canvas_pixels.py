"""What the page draws on its canvases, as pixels in a browser."""

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from viewers import launched, needs_chromium

from latentviz.web.modules import joined
from latentviz.web.page import viewer_modules
from latentviz.web.plain import plain_themes

pytestmark = needs_chromium

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
      curve("#ff0000"), curve("#00ff00"),
      curve("#0000ff", Array.from({ length: 40 }, (_, i) => 60 + i)),
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
      0.9 * along, 0.5, -0.5, 3, 0.2, 0, 0, 0.7 * along, -0.9, -0.6, -0.6, -0.6,
      NaN, 0, 0, 0.6, -0.6, -0.6,
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
      moment: 50, span: 1, theme: "dark", panels: [panel(1), panel(2)], tour: 0,
      hidden: [new Set()], chosen: [new Set()], pinned: [], hovered: null, trail: 40, lasso: [],
      lassoPanel: -1, ...change,
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
    with launched() as browser:
        page = browser.new_page()
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.add_script_tag(content=joined({**viewer_modules(), "test-stage": STAGE}, "test-stage"))
        page.evaluate("(themes) => { globalThis.draw = stage(themes); }", plain_themes())

        def draw(what="over", **change):
            found = page.evaluate("([c, w]) => draw(c, w)", [change, what])
            draw.reads = found["reads"]
            return np.array(Image.open(BytesIO(b64decode(found["png"].partition(",")[2]))))

        yield draw
        assert faults == []


def opaque(pixels):
    return pixels[..., 3] > 100


@pytest.mark.parametrize("moment", [0, 25, 100])
def test_the_cursor_stands_at_its_step(canvas, moment):
    row = canvas(moment=moment)[320, 50:, 3].astype(float)
    assert (row * (np.arange(550) + 50.5)).sum() / row.sum() == pytest.approx(
        60 + 5 * moment, abs=0.1
    )
    assert row.sum() / 255 == pytest.approx(2 * 0.85, abs=0.05)  # so wide, and so opaque


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


@pytest.mark.parametrize("moment", [20, 50, 80])
def test_a_name_follows_its_point(canvas, moment):
    left, top, right, bottom = name_of(canvas, moment=moment)
    y = 140 - 70 * (moment / 50 - 1)
    # The digit "2", right of a dot of 5 px and level with it.
    assert 160 + 5 <= left <= 160 + 5 + 12
    assert right - left < 20
    assert abs((top + bottom) / 2 - y) <= 3


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


def test_the_lasso_is_a_dashed_line_around_a_faint_ground(canvas):
    corners = [{"x": x, "y": y} for x, y in [(80, 60), (150, 60), (150, 110), (80, 110)]]
    pixels = canvas(lasso=corners, lassoPanel=0)
    assert pixels[85, 100, 3] == pytest.approx(0.08 * 255, abs=2)
    side = opaque(pixels)[59:62, 82:148].any(0)
    assert 3 <= np.count_nonzero(np.diff(side.astype(int)) == 1) <= 10
    assert not canvas(lasso=corners, lassoPanel=1)[85, 100].any()  # beyond that panel's frame


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


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_ground_is_the_themes(canvas, theme):
    background = plain_themes()[theme]["background"]
    pixels = canvas("under", theme=theme)
    assert pixels[5, 5].tolist() == [*bytes.fromhex(background[1:]), 255]
    # The frame lies outside of its panel, and the lines through the origin within.
    assert (pixels[100, 58:60] != pixels[5, 5]).any()
    assert (pixels[100, 62] == pixels[5, 5]).all()
    assert (pixels[100, 158:162] != pixels[5, 5]).any()
