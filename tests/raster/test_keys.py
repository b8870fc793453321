"""Keys: what stands in them, and that it fits."""

import numpy as np
import pytest

from latentviz.palette import palette_roles
from latentviz.raster.chrome import plain_style
from latentviz.raster.keys import KeyPainter, end_labels, fitting_names, key_height
from latentviz.raster.layout import page_layout, page_scale
from latentviz.raster.page import make_page
from latentviz.raster.ticks import MINUS
from latentviz.scene import (
    Categories,
    CloudPanel,
    Coloring,
    KeyPanel,
    Ramp,
    Stage,
    Still,
)
from latentviz.theme import THEMES, rgb_bytes

PAGES = [(640, 360), (1920, 1080), (3840, 2160), (360, 640), (1080, 1080), (1080, 1920)]
FEW = ["ant", "bee", "cat"]


def key_of(names):
    return Categories(tuple(names), tuple(palette_roles(len(names), "categories")))


def width_of(size):
    return 0.9 * size[0]


@pytest.mark.parametrize("size", PAGES)
@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["one"], id="1"),
        pytest.param(FEW, id="3"),
        pytest.param([str(i) for i in range(10)], id="10"),
        pytest.param([f"class {i}" for i in range(40)], id="40"),
        pytest.param([f"a name that goes on and on, {i}" for i in range(10)], id="10-long"),
        pytest.param([f"a name that goes on and on, {i}" for i in range(40)], id="40-long"),
        pytest.param(["W" * 200] * 3, id="wide"),
        pytest.param([f"{i}" for i in range(1000)], id="1000"),
        pytest.param(["восемь", "εννέα", "سبعة", "größe"], id="scripts"),
    ],
)
@pytest.mark.filterwarnings("ignore::latentviz.palette.RepeatedColorWarning")
def test_names_fit_and_none_is_lost(size, names):
    key, width, scale = key_of(names), width_of(size), page_scale(size)
    with plain_style():
        named = fitting_names(key, width, scale)
        assert all(0 < named.length(line) <= width + 1e-6 for line in named.lines)
    assert named.text_px >= 8
    assert 1 <= len(named.lines) <= 3
    shown = [name for line in named.lines for name in line]
    counted = int(shown.pop().text.removeprefix("+")) if shown[-1].role is None else 0
    assert len(shown) + counted == len(names)
    assert [name.role for name in shown] == list(key.roles[: len(shown)])
    assert len(shown) >= min(3, len(names))
    height = key_height(key, width, scale)
    assert len(named.lines) * 1.2 * named.text_px <= height <= size[1] / 8


def texts(names, width):
    with plain_style():
        return [
            [name.text for name in line] for line in fitting_names(key_of(names), width, 1.0).lines
        ]


def test_few_names_are_one_line_as_they_are():
    assert texts(FEW, 1000) == [FEW]
    assert texts([f"name {i}" for i in range(10)], 500) != [[f"name {i}" for i in range(10)]]


@pytest.mark.filterwarnings("ignore::latentviz.palette.RepeatedColorWarning")
def test_names_are_shortened_before_they_are_counted():
    (line,) = texts(["gooseberry jam and cream"], 120)
    assert line == ["gooseberry …"]
    lines = texts([f"a long name, number {i}" for i in range(30)], 1100)
    shown = [text for line in lines for text in line]
    assert len(shown) == len(set(shown)) == 30
    assert shown[7].endswith("7")
    assert texts([f"class {i}" for i in range(400)], 700)[-1][-1].startswith("+")


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [
        (0.0, 1.0, ("0", "1")),
        (-1.23456, 45.678, (MINUS + "1.23", "45.7")),
        (1000.1, 1000.9, ("1000", "1001")),
        (2.5, 2.5, ("2.5", "2.5")),
        (-1e-9, 3e12, (MINUS + "10⁻⁹", "3·10¹²")),
    ],
)
def test_the_ends_of_a_color_bar(low, high, ends):
    assert end_labels(low, high) == ends


def page_with(key, size, theme):
    scale = page_scale(size)
    layout = page_layout(size, [3], framed=True, keys=[lambda width: key_height(key, width, scale)])
    nothing = Coloring(np.empty((0, 3), np.float32))
    clouds = [
        CloudPanel(cell, "", 1.0, 0.1, None, nothing, framed=True) for cell in layout.cells[:3]
    ]
    panels = (*clouds, KeyPanel(layout.cells[3], key))
    return make_page(Stage(size, layout.heading, 0, panels), theme)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("size", [(640, 360), (1080, 1920)])
@pytest.mark.parametrize(
    "key",
    [
        key_of([f"Åj{i}" for i in range(10)]),
        key_of([f"a long name, qgj {i}" for i in range(40)]),
        Ramp(-1, 1e5, "viridis"),
    ],
    ids=["10", "40", "ramp"],
)
def test_a_key_is_drawn_in_its_own_place(key, size, theme):
    page = page_with(key, size, theme)
    (painter,) = [p for p in page.painters if isinstance(p, KeyPainter)]
    box = painter.panel.cell.body
    ink = (page.background != np.array(rgb_bytes(theme.background))[:, None, None]).any(0)
    # The line of a frame below it is its last row or two.
    rows = slice(int(box.y), int(np.ceil(box.y + box.height)) - 3)
    assert ink[rows, int(box.x) : int(box.x + box.width)].any()
    # Nothing above it but the heading's row, and nothing to its sides.
    assert not ink[: rows.start].any()
    assert not ink[rows, : int(box.x)].any()
    assert not ink[rows, int(np.ceil(box.x + box.width)) :].any()
    # Its last line is clear of what follows: frames, or titles.
    assert not ink[rows.stop].any()
    assert list(painter.discs(Still())) == list(painter.sprites(Still())) == []


def test_every_class_is_seen_in_its_color():
    key, theme = key_of(FEW), THEMES["light"]
    background = page_with(key, (640, 360), theme).background.transpose(1, 2, 0).astype(int)
    for color in theme.categories[:3]:
        assert (np.abs(background - rgb_bytes(color)).max(-1) <= 2).sum() >= 5
