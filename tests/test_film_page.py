"""Titles, the title of the page, captions, and pages that leave these out."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from latentviz import (
    Film,
    FilmSpec,
    LatentvizWarning,
    LinearPace,
    OptionError,
    Recorder,
    Run,
    open_run,
    rgb_grid,
)
from latentviz.film.titles import titled
from latentviz.raster.captions import CaptionPainter, caption_height
from latentviz.raster.page import interleaved
from latentviz.scene import (
    AFTER_LAST,
    AFTER_STEP,
    Caption,
    CaptionPanel,
    CloudPanel,
    CurvesPanel,
    Heading,
)
from latentviz.views import shown_of

T, N = 40, 27
LONG = "a caption of many words that one line does not hold, " * 6
SIZES = [(640, 360), (360, 640), (320, 180)]


def run(*, colors=None, name="my-run"):
    rng = np.random.default_rng(3)
    latents = rng.normal(size=(T, N, 4)).clip(-1.4, 1.4)
    classes = {"classes": np.arange(N) % 3} if colors is None else {"colors": colors}
    losses = {"loss": np.geomspace(1, 0.1, T)}
    params = {"lr": losses["loss"]}
    return Run.from_arrays(latents, **classes, losses=losses, params=params, name=name)


def film(of=None, **options):
    return Film(of or run(), FilmSpec(**({"size": (640, 360), "pace": LinearPace(4)} | options)))


def colors():
    return run(colors=rgb_grid(3))


def panels(film, kind=CloudPanel):
    return [panel for panel in film.stage.panels if isinstance(panel, kind)]


@pytest.mark.parametrize(
    ("titles", "shown"),
    [
        ("auto", ["[0,1]", "[2,3]"]),
        ("off", ["", ""]),
        (["hue"], ["hue", "[2,3]"]),
        (["", "tint"], ["", "tint"]),
        (["off", "auto"], ["off", "auto"]),
    ],
)
def test_titles_are_replaced_or_dropped(titles, shown):
    plan = film(dims=[(0, 1), (2, 3)], titles=titles)
    assert [panel.title for panel in panels(plan)] == shown
    assert "[0,1]" in plan.alt or "hue" in plan.alt or "off" in plan.alt


def test_titles_go_on_in_the_next_row():
    shown = shown_of(run(), dims=[(0, 1)])
    two = titled([shown, shown], ["first", "second"])
    assert [row.projections[0].title for row in two] == ["first", "second"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("make", [run, colors])
@pytest.mark.parametrize("option", ["titles", "heading", "charts"])
def test_what_is_dropped_leaves_its_room_to_the_panels(make, size, option):
    without = {option: "off"}
    full, bare = (film(make(), size=size, dims=[(0, 1)], **each) for each in ({}, without))
    area = [sum(p.cell.body.width * p.cell.body.height for p in panels(f)) for f in (full, bare)]
    # Squares may have had all the width, or the height, already.
    is_square = make is run and (option == "charts" or size[0] < size[1])
    had_none = option == "charts" and size == (320, 180)  # where charts could not be read
    assert area[1] >= area[0] if is_square or had_none else area[1] > area[0]
    bare.draw(0)


def test_a_page_without_words_has_none():
    plan = film(heading="off", titles="off", charts="off", plate="off", dims=[(0, 1)])
    nothing = plan.scene(3)
    nothing = replace(
        nothing,
        parts=tuple(replace(p, xy=p.xy * np.nan) if hasattr(p, "xy") else p for p in nothing.parts),
    )
    canvas = plan.page.new_canvas()
    plan.page.draw(nothing, canvas)
    np.testing.assert_array_equal(canvas, plan.page.background)
    assert panels(plan, CurvesPanel) == []


@pytest.mark.parametrize(
    ("make", "options", "title", "is_quiet"),
    [
        (run, {}, "my-run", True),
        (colors, {}, "", True),
        (colors, {"title": "Colors"}, "Colors", False),
        (run, {"title": ""}, "", False),
        (run, {"title": "a\nb"}, "a b", False),
    ],
)
def test_the_title_of_the_page(make, options, title, is_quiet):
    stage = film(make(), **options).stage
    assert stage.title == title
    assert stage.quiet_title == is_quiet or not title


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("title", [None, "Q" * 150, "Щ" * 90], ids=["run", "long", "Cyrillic"])
def test_the_title_stands_clear_of_the_words_of_every_frame(size, title):
    painter = film(run(name="n" * 90), size=size, title=title).page.heading
    places = set()
    for words, number in [(AFTER_STEP, "0"), ("step", "39"), (AFTER_LAST, "")]:
        *others, last = painter.sprites(Heading(words, number, "▸1x"))
        places.add(last.x)
        assert last.x >= 0
        assert last.x + last.mask.shape[1] < min(sprite.x for sprite in others)
    assert len(places) == 1


def test_a_title_without_room_is_left_out():
    painter = film(size=(120, 120), title="My run").page.heading
    assert len(painter.sprites(Heading("step", "3", "▸1x"))) == 3


@pytest.mark.parametrize(
    ("captions", "shown"),
    [
        ([((0, 8), "first"), ((8, None), "then")], {0: "first", 1: "first", 2: "then", 9: "then"}),
        ([((None, 4), "a"), ((20, 24), "b: c")], {0: "a", 1: "", 5: "b: c", 6: ""}),
        # It is shown though it ends within the frame of steps 4 to 7.
        ([((5, 6), "brief")], {0: "", 1: "brief", 2: ""}),
        ([((None, None), "always"), ((8, 12), "over")], {1: "always", 2: "over", 3: "always"}),
    ],
)
def test_a_frame_has_the_caption_of_its_steps(captions, shown):
    plan = film(captions=captions)
    for frame, text in shown.items():
        (part,) = (p for p in plan.scene(frame).parts if isinstance(p, Caption))
        assert part.text == text


@pytest.mark.parametrize("make", [run, colors])
@pytest.mark.parametrize("dims", [[(0, 1)], [(1, 0), (1, 2), (3, 2)]])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("options", [{}, {"heading": "off", "titles": "off", "charts": "off"}])
def test_a_caption_has_a_band_of_its_own(make, dims, size, options):
    texts = ["short", LONG]
    plan = film(
        make(), size=size, dims=dims, limits=0.3, dot_radius=0.2, **options,
        captions=[((0, 20), texts[0]), ((20, None), texts[1])],
    )  # fmt: skip
    (band,) = panels(plan, CaptionPanel)
    box = band.cell.body
    for other in plan.stage.panels:
        if other is not band:
            head, body = other.cell.head, other.cell.body
            assert body.y + body.height <= box.y + 1e-6 or head.y >= box.y + box.height - 1e-6
    assert box.y + box.height <= size[1]
    # Neither dots nor marks of what lies beyond, of which there are many, come into it.
    with_text, without = plan.page.new_canvas(), plan.page.new_canvas()
    scene = plan.scene(len(plan) - 1)
    plan.page.draw(scene, with_text)
    silent = tuple(Caption("") if isinstance(p, Caption) else p for p in scene.parts)
    plan.page.draw(replace(scene, parts=silent), without)
    rows = slice(math.ceil(box.y), math.floor(box.y + box.height))
    np.testing.assert_array_equal(without[:, rows], plan.page.background[:, rows])
    changed = (with_text != without).any(0)
    assert changed[rows].any()
    assert not changed[: rows.start].any()
    assert not changed[rows.stop :].any()


def test_lines_of_captions_stand_where_they_stood():
    plan = film(captions=[((0, 20), "short"), ((20, None), LONG)], size=(1280, 720))
    (painter,) = (p for p in plan.page.painters if isinstance(p, CaptionPainter))
    (one,), (first, second) = (list(painter.sprites(Caption(text))) for text in ("short", LONG))
    assert abs(one.y - first.y) <= 4  # they have other letters
    assert second.shape.baseline > first.shape.baseline == one.shape.baseline
    assert second.shape.text.endswith("…")
    heights = [caption_height(texts, 576, 1 / 3) for texts in (["short"], ["short", LONG])]
    assert heights[0] < heights[1]


def test_a_page_has_no_band_without_captions():
    def stage(**options):
        return [panel.cell for panel in film(**options).stage.panels]

    with pytest.warns(LatentvizWarning, match="the caption 'late' is in no frame"):
        cells = stage(captions=[((100, None), "late")])
    assert cells == stage()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"titles": ["a", "b"], "dims": [(0, 1)]}, "got 2 titles for 1 projection"),
        ({"titles": "hue,tint"}, "titles must be auto, off, or a list of titles"),
        ({"titles": ["a"], "names": ["b"]}, "names follow the titles of the projections"),
        ({"title": "a", "heading": "off"}, "the title stands in the heading"),
        ({"show": "explained", "charts": "off"}, "show is of a chart"),
        ({"captions": "0:5:text"}, r"captions must be a list of \(\(first, stop\), text\)"),
        ({"captions": [(0, "text")]}, r"a caption must be \(\(first, stop\), text\)"),
        ({"captions": [((5, 5), "text")]}, "5:5 holds none"),
        ({"captions": [((0, 5), " ")]}, "must have 1 to 400 characters, got 0"),
    ],
)
def test_pages_that_cannot_be(options, message):
    with pytest.raises(OptionError, match=message):
        film(**options)


def test_the_command_takes_them(short_run, invoke, tmp_path):
    options = ["--dims", "0,1", "--dims", "2,3", "--size", "640x360", "--step", "100"]
    invoke(
        "frame", short_run, "-o", tmp_path / "a.png", *options, "--titles", "hue,", "--title",
        "A run: of colors", "--caption", ":50:early", "--caption", "50::late: after 50",
    )  # fmt: skip
    plan = Film(
        open_run(short_run),
        FilmSpec(
            dims=[(0, 1), (2, 3)], size=(640, 360), titles=["hue", ""], title="A run: of colors",
            captions=[((None, 50), "early"), ((50, None), "late: after 50")],
        ),
    )  # fmt: skip
    drawn = np.asarray(Image.open(tmp_path / "a.png"))
    np.testing.assert_array_equal(drawn, interleaved(plan.draw(plan.frame_at(100))))
    for bad, message in [
        (["--caption", "early"], "a caption must be A:B:TEXT"),
        (["--caption", "a:b:early"], "steps must be A:B"),
        (["--titles", "a,b,c"], "got 3 titles for 2 projections"),
    ]:
        done = invoke("frame", short_run, "-o", tmp_path / "b.png", *options, *bad, status=2)
        assert message in done.output


def test_rows_have_names_and_curves_of_what_they_hold(tmp_path):
    model = torch.nn.Sequential(torch.nn.Embedding(9, 6), torch.nn.Linear(6, 5))
    with Recorder(tmp_path / "run.npz", model, layer="1", probe=torch.arange(9)) as recorder:
        for _ in range(4):
            recorder.step()
            with torch.no_grad():
                model[0].weight += torch.randn(9, 6)
    with open_run(tmp_path / "run.npz") as run:
        options = {"points": ["rows:0.weight", "layer:1"], "project": "pca", "show": ["explained"]}
        wide, tall = (
            Film(run, FilmSpec(size=size, **options)) for size in [(1280, 720), (720, 1280)]
        )
        clouds = [p for p in wide.stage.panels if isinstance(p, CloudPanel)]
        assert [p.row_name for p in clouds] == ["rows:0.weight", "", "", "1", "", ""]
        (chart,) = [p.chart for p in wide.stage.panels if isinstance(p, CurvesPanel)]
        assert [curve.name for curve in chart.curves] == [
            f"{row} {plane}"
            for row in ("rows:0.weight", "1")
            for plane in ("PC1 · PC2", "PC1 · PC3", "PC2 · PC3")
        ]
        # On the left where the page has room, before the first title else.
        for film, n_sprites in ((wide, 2), (tall, 1)):
            painter = film.page.painters[0]
            assert len(list(painter.sprites(film.scene(0).parts[0]))) == n_sprites
