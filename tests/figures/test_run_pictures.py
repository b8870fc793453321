"""Timeline and history."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from latentviz import (
    ArchiveError,
    IncompleteRunWarning,
    OptionError,
    Recorder,
    Run,
    Schedule,
    open_run,
    plot_history,
    plot_timeline,
)
from latentviz.archive import ArchiveReader
from latentviz.comparison import TOLERANCE
from latentviz.errors import LatentvizWarning
from latentviz.figures import timeline
from latentviz.figures.history import earlier_steps
from latentviz.figures.history_row import fitted_limits
from latentviz.raster.fitting import DOT_SHARE
from latentviz.theme import rgb_bytes, theme_named
from latentviz.views import coloring

THEMES = ("dark", "light")
T = 101


@pytest.fixture(scope="module")
def run(short_run):
    with open_run(short_run) as run:
        yield run


def schedule(**options):
    ramp = np.linspace(0, 1, T)
    return Run.from_arrays(
        np.zeros((T, 1, 2)),
        params={"big": 5 * ramp, "lr": 1e-3 * ramp, "small": 0.01 * ramp, "large": 2 - ramp},
        losses={"loss": ramp},
        keyframes={"big": [0, 100], "lr": [10]},
        phases=[(0, "Warm up"), (40, "Train"), (41, "x" * 99)],
        **options,
    )


@pytest.mark.filterwarnings("ignore:names of phases")
def test_comparable_properties_share_a_panel_and_lr_has_its_own():
    picture = plot_timeline(schedule())
    assert picture.data["groups"] == [["lr"], ["big", "large"], ["small"]]
    assert len(picture.drawn.axes) == 3
    lr, large, _ = picture.drawn.axes
    keyed = [line for line in lr.lines if line.get_marker() == "D"]
    assert [line.get_xdata().tolist() for line in keyed] == [[10]]
    shown = {tuple(line.get_xdata()) for line in large.lines if line.get_linestyle() == "--"}
    assert shown == {(40, 40), (41, 41)}


def test_the_words_of_the_timeline():
    with pytest.warns(LatentvizWarning, match=r"would lie on others, 1 of 3; a wider one") as said:
        picture = plot_timeline(schedule())
    assert [Path(warning.filename).name for warning in said] == [Path(__file__).name]
    assert "The schedule over steps 0 to 100: lr from 0 to 0.001, within 0 to 0.001, 1 key" in (
        picture.alt
    )
    assert "large from 2 to 1, within 1 to 2;" in picture.alt
    assert "Phases: Warm up from step 0, Train from step 40, " in picture.alt
    texts = [text.get_text() for text in picture.drawn.texts]
    assert "Warm up" in texts
    assert "Train" in texts
    # The third phase begins where the second one's name stands.
    assert not any(text.startswith("xxx") for text in texts)


def test_a_name_is_shortened_for_the_next_if_it_can_still_be_read():
    actions = [(0, "freeze the embeddings"), (8, "unfreeze them"), (30, "decay"), (32, "x")]
    run = Run.from_arrays(np.zeros((T, 1, 2)), params={"lr": np.ones(T)}, actions=actions)
    with pytest.warns(LatentvizWarning, match="on others, 1 of 4;"):
        texts = [text.get_text() for text in plot_timeline(run).drawn.texts]
    assert {"freeze th…", "unfreeze them", "decay"} < set(texts)
    assert "x" not in texts


def test_what_happens_at_one_step_is_counted_beyond_a_few_names():
    actions = [(40, f"act {n}") for n in range(5000)]
    run = Run.from_arrays(np.zeros((T, 1, 2)), params={"lr": np.ones(T)}, actions=actions)
    texts = [text.get_text() for text in plot_timeline(run).drawn.texts]
    assert "act 0, act 1, act 2, act 3 and 4996 more" in texts


ACTIONS = [
    *[(20, "freeze the encoder"), (20, "save"), (22, "too near"), (60, "$\\frac{1}{0}$ \x1b[2J")],
    *[(100, "save at the end"), (200, "beyond")],
]


@pytest.mark.filterwarnings("ignore:names of phases")
def test_actions_are_marked_apart_from_phases():
    picture = plot_timeline(schedule(actions=ACTIONS))
    for axes in picture.drawn.axes:
        (marks,) = [line for line in axes.lines if line.get_marker() == "v"]
        assert marks.get_xdata().tolist() == [20, 22, 60, 100]
        assert {line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"} == {
            *(40, 41)
        }
    assert "Actions: freeze the encoder at step 20, save at step 20, too near at" in picture.alt
    assert picture.data["actions"][0] == [20, "freeze the encoder"]
    texts = {text.get_text(): text.get_window_extent() for text in picture.drawn.texts}
    assert {"freeze the encoder, save", "save at the end"} < texts.keys()
    assert "too near" not in texts
    for name, box in texts.items():
        assert 0 <= box.x0 < box.x1 <= 1600, name
        assert not any(box.overlaps(other) for n, other in texts.items() if n != name), name


@pytest.mark.filterwarnings("ignore:names of phases")
def test_the_names_of_very_many_actions_never_overlap():
    actions = [(step, f"act {step}") for step in range(T)]
    for size in ((1600, 900), (800, 450)):
        picture = plot_timeline(schedule(actions=actions), size=size)
        boxes = sorted(
            (t.get_window_extent() for t in picture.drawn.texts if t.get_text().startswith("act")),
            key=lambda box: box.x0,
        )
        assert len(boxes) > 5
        assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))
    assert "act 19 at step 19 and 81 more." in picture.alt


@pytest.mark.filterwarnings("ignore:names of phases")
def test_a_schedule_is_drawn_before_there_is_a_run():
    recorded = schedule(actions=ACTIONS)
    given = Schedule(
        "run",
        np.arange(T),
        recorded.params,
        keyframes=recorded.keyframes,
        phases=recorded.phases,
        actions=ACTIONS,
    )
    alone = plot_timeline(given)
    assert (alone.alt, alone.data) == (plot_timeline(recorded).alt, plot_timeline(recorded).data)
    with pytest.raises(OptionError, match="sheet has no property to draw; give params"):
        plot_timeline(Schedule("sheet", np.arange(3), {}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"steps": np.array([0, 2, 2])},
            r"steps must be \(T,\) increasing .*, got 2 before 2",
        ),
        ({"steps": np.zeros((2, 2))}, r"steps must be \(T,\) increasing .*, got shape \(2, 2\)"),
        ({"steps": np.zeros(0)}, r"steps must be \(T,\) increasing .*, got shape \(0,\)"),
        ({"params": {"lr": np.zeros(2)}}, r"property 'lr' must be \(3,\), one value a step, got"),
        ({"gaps": {"lr": np.zeros(2)}}, r"property 'lr' must be \(3,\), one value a step, got"),
    ],
)
def test_a_schedule_that_cannot_be(options, message):
    with pytest.raises(OptionError, match=message):
        Schedule("sheet", **({"steps": np.arange(3), "params": {"lr": np.zeros(3)}} | options))


def test_a_schedule_of_many_properties_fits(latentviz_snapshot):
    names = [f"property-{k}" for k in range(14)]
    values = {name: np.full(T, 10.0 ** -(k // 5)) for k, name in enumerate(names)}
    run = Run.from_arrays(np.zeros((T, 1, 2)), params=values)
    latentviz_snapshot(plot_timeline(run, size=(800, 450)))


def of_scales(n):
    """A run of n properties, each a hundred times as large as the one before."""
    ramp = np.linspace(1, 2, T)
    return Run.from_arrays(
        np.zeros((T, 1, 2)), params={f"p{i}": 100.0**i * ramp for i in range(n)}, name="scales"
    )


@pytest.mark.parametrize("size", [(1600, 900), (800, 450), (1600, 2400)])
def test_more_groups_of_scale_than_there_is_room_for_share_the_last_panel(size):
    picture = plot_timeline(of_scales(30), size=size)
    *each, last = picture.data["groups"]
    assert all(len(group) == 1 for group in each)
    assert len(last) == 30 - len(each)
    assert picture.drawn.axes[-1].get_yscale() == "log"
    assert {axes.get_yscale() for axes in picture.drawn.axes[:-1]} == {"linear"}
    assert min(axes.bbox.height for axes in picture.drawn.axes) >= 40 * size[0] / 1600
    assert picture.pixels.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("theme", THEMES)
def test_a_schedule_of_twelve_scales(latentviz_snapshot, theme):
    latentviz_snapshot(plot_timeline(of_scales(12), theme=theme))


@pytest.mark.filterwarnings("ignore:names of phases")
@pytest.mark.parametrize("first", [0, 1000])
def test_thousands_of_phases_cost_what_the_page_shows(monkeypatch, first):
    measured, real = [], timeline.text_width
    monkeypatch.setattr(timeline, "text_width", lambda *a: measured.append(a) or real(*a))
    steps = range(first, first + 5000)
    run = Run.from_arrays(
        np.zeros((2, 1, 2)), steps=[0, 900], params={"lr": [0.0, 1.0]},
        phases=[(step, f"phase {step}") for step in steps],
        actions=[(step, f"action {step}") for step in steps],
    )  # fmt: skip
    picture = plot_timeline(run)
    (axes,) = picture.drawn.axes
    dashed = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert len(dashed) <= 1440 / 4 if first == 0 else dashed == []
    assert len(measured) <= 60
    assert len(picture.data["phases"]) == 5000


@pytest.mark.parametrize("steps", [[0, 1, 2], [0, 1, 2**53]])
def test_phases_far_beyond_a_run_that_stopped_early(steps):
    run = Run.from_arrays(
        np.zeros((3, 1, 2)), steps=steps, params={"lr": [0.0, 1.0, 2.0]},
        phases=[(0, "Train"), (2**53, "never")], actions=[(2**52, "freeze")],
        keyframes={"lr": [0, 2**53]},
    )  # fmt: skip
    picture = plot_timeline(run)
    assert "never from step 9007199254740992" in picture.alt
    assert picture.pixels.any()


def test_a_run_without_a_schedule():
    with pytest.raises(ArchiveError, match="run has no schedule to draw; record one with"):
        plot_timeline(Run.from_arrays(np.zeros((3, 1, 2))))


@pytest.mark.parametrize("theme", THEMES)
def test_timeline(run, latentviz_snapshot, theme):
    latentviz_snapshot(plot_timeline(run, size=(800, 450), theme=theme))


@pytest.mark.parametrize("theme", THEMES)
def test_history(run, latentviz_snapshot, theme):
    picture = plot_history(run, size=(800, 450), theme=theme)
    # Exact but for what is written above, below and between the dots.
    tolerance = np.zeros((450, 800))
    tolerance[:65] = tolerance[320:340] = tolerance[-40:] = TOLERANCE
    latentviz_snapshot(picture, tolerance=tolerance)


def corners(scale=1.0, n_steps=1):
    """Four points in their places, each in a color of its own."""
    places = scale * np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0]])
    colors = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]])
    return Run.from_arrays(np.tile(places, (n_steps, 1, 1)), colors=colors)


def test_points_stand_where_they_belong():
    picture = plot_history(corners(), theme="dark")
    pixels = picture.pixels
    assert picture.data == {
        "step": 0,
        "limits": 1.1,
        "centers": [[0, 0]] * 3,
        "points_beyond": 0,
        "points_not_finite": 0,
        "earlier_steps": [],
        "earlier_limits": None,
        "earlier_points_beyond": 0,
    }

    def middles(color):
        # Opacity 0.9 over the disc, or over the page's own ground.
        theme = theme_named("dark")
        for ground in (theme.disc, theme.background):
            blend = np.array(color) * 255 * 0.9 + np.array(rgb_bytes(ground)) * 0.1
            rows, columns = np.nonzero((np.abs(pixels - blend) < 1.5).all(-1))
            yield from zip(rows, columns, strict=True)

    # [1,0]: dimension 1 to the right, 0 up. Red (1,0,..) is straight above blue (-1,0,..), and
    # green (0,1,..) to the right, half way down.
    def middle(color, left, right):
        found = np.array([place for place in middles(color) if left <= place[1] < right])
        return found.min(0) / 2 + found.max(0) / 2

    third = 1600 / 3
    red, green, blue = (middle(c, 0, third) for c in ([1, 0, 0], [0, 1, 0], [0, 0, 1]))
    assert red[1] == pytest.approx(blue[1], abs=1)
    assert red[0] < green[0] < blue[0]
    assert green[0] == pytest.approx((red[0] + blue[0]) / 2, abs=1)
    per_unit = (blue[0] - red[0]) / 2
    assert green[1] - red[1] == pytest.approx(per_unit, abs=1.5)
    # [1,2]: dimension 2 up, so that yellow (0,0,1,0) is above where blue and red lie.
    yellow = middle([1, 1, 0], third, 2 * third)
    assert yellow[0] == pytest.approx(red[0], abs=1.5)


def test_limits_fit_all_points_with_their_dots_unless_told():
    picture = plot_history(corners(4.0))
    # A dot's radius is 0.07 of the limits: 4 + 0.07 * 4.4 is below 4.4, 4 + 0.07 * 4.3 is not.
    assert picture.data["limits"] == 4.4
    told = plot_history(corners(4.0), limits=2)
    theme = theme_named("dark")
    ground = {rgb_bytes(theme.background), rgb_bytes(theme.disc)}
    reddish = (told.pixels[..., 0] > 200) & (told.pixels[..., 2] < 80)
    # What lies beyond is left out; in each projection the origin shows one point at most.
    assert told.data["limits"] == 2
    assert told.data["points_beyond"] == 4
    assert "within ±2, 4 points beyond;" in told.alt
    assert reddish.sum() < 3 * np.pi * (DOT_SHARE * 250) ** 2
    assert tuple(told.pixels[0, 0].tolist()) in ground


def test_few_points_that_run_away_do_not_shrink_all_others():
    reaches = np.ones(1000)
    assert fitted_limits(reaches) == 1.1
    reaches[:5] = 1.4  # not so far that it would be worth leaving them out
    assert fitted_limits(reaches) == 1.6
    reaches[:5] = 30.0
    assert fitted_limits(reaches) == 1.1
    reaches[5] = 30.0  # more than 0.5 %
    assert fitted_limits(reaches) == 33
    assert fitted_limits(np.full(3, 0.01)) == 1.1  # the unit disc is seen whole
    assert fitted_limits(np.array([1.0, 1.0, 1e38])) == 1.1e38  # of three points, all are shown


def test_an_early_excursion_does_not_shrink_the_state_that_is_shown_large():
    latents = np.tile(np.eye(4), (100, 1, 1))
    latents[20:40] *= 10
    picture = plot_history(Run.from_arrays(latents, colors=np.eye(4, 3)))
    assert picture.data["limits"] == 1.1
    assert picture.data["earlier_limits"] == 11
    assert picture.data["points_beyond"] == picture.data["earlier_points_beyond"] == 0
    assert "[1,3] within ±1.1;" in picture.alt
    assert picture.alt.endswith("within ±11.")


def test_thumbnails_span_the_run_in_geometric_spacing():
    picture = plot_history(corners(n_steps=1001))
    earlier = picture.data["earlier_steps"]
    assert picture.title == "Latents at step 1000"
    assert len(earlier) == 10
    assert (earlier[0], earlier[-1]) == (0, 999)
    gaps = np.diff([s + 10 for s in earlier]) / [s + 10 for s in earlier[:-1]]
    assert gaps.std() / gaps.mean() < 0.05
    assert plot_history(corners(n_steps=3)).data["earlier_steps"] == [0, 1]
    assert plot_history(corners(n_steps=30), step=0).data["earlier_steps"] == []
    for n_before in range(60):
        shown = earlier_steps(n_before)
        assert len(shown) <= min(10, n_before)
        assert len(shown) == len(set(shown))
        assert n_before == 0 or (shown[0], shown[-1]) == (0, n_before - 1)


def test_sorted_classes_do_not_cover_each_other():
    # Three classes in one place, sorted by class.
    latents = np.random.default_rng(0).normal(scale=0.2, size=(1, 900, 2))
    run = Run.from_arrays(latents, colors=np.repeat([0, 1, 2], 300))
    pixels = plot_history(run).pixels[100:800].reshape(-1, 3).astype(float)
    palette = coloring(np.arange(3), 3, theme_named("dark")).rgb * 255
    shares = [(np.abs(pixels - color).sum(-1) < 40).sum() for color in palette]
    assert min(shares) > 0.6 * max(shares)


@pytest.mark.parametrize("size", [(1600, 900), (800, 450), (900, 1600), (1000, 1000), (3000, 450)])
@pytest.mark.parametrize("n_views", [1, 3, 4])
@pytest.mark.parametrize("of_colors", [False, True])
def test_a_history_fills_its_page_and_nothing_is_cut(size, n_views, of_colors):
    latents = np.tile(np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]), (30, 1, 1))
    run = Run.from_arrays(latents, colors=np.eye(4, 3) if of_colors else None)
    picture = plot_history(run, size=size, dims=[(0, 1)] * n_views)
    ground = rgb_bytes(theme_named("dark").background)
    drawn = (picture.pixels != ground).any(-1)
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    height, width = drawn.shape
    assert rows[0] >= 4
    assert 0.93 * height <= rows[-1] < height - 4
    assert 4 <= columns[0] <= columns[-1] < width - 4


def test_the_words_of_the_history():
    picture = plot_history(corners(n_steps=3), dims=[(0, 1)], names=["hue"])
    assert picture.alt == (
        "The latents of 4 points at step 2 in the projections [0,1] hue within ±1.1; their "
        "distances from the origin have the median 1 and reach 1. Below, [0,1] hue at the steps "
        "0, 1, within ±1.1."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 9}, "step 9 was not recorded"),
        ({"dims": [(0, 4)]}, "dims 0,4 are out of range"),
        ({"limits": 0}, r"limits must lie within 1e-06 to 1e\+06, got 0"),
        ({"limits": float("nan")}, r"limits must lie within 1e-06 to 1e\+06, got nan"),
        ({"limits": "2"}, "limits must be a number, got '2'"),
        ({"size": (9, 9)}, "sides must lie within"),
        ({"theme": "neon"}, "theme must be"),
    ],
)
def test_a_history_that_cannot_be(options, message):
    with pytest.raises(OptionError, match=message):
        plot_history(corners(n_steps=3), **options)


def test_latents_that_are_not_finite():
    latents = np.zeros((4, 4, 2))
    latents[1] = np.nan
    latents[2, 1, 1] = np.inf
    colors = coloring(None, 4, theme_named("dark")).rgb
    picture = plot_history(Run.from_arrays(latents, colors=colors))
    assert picture.data["earlier_steps"] == [0, 2]
    assert "within ±1.1, 1 dot not finite." in picture.alt
    assert picture.alt.endswith(" Not finite, and left out: 1.")
    with pytest.warns(LatentvizWarning, match="1 of 4 points are not finite .* at step 2;"):
        picture = plot_history(Run.from_arrays(latents, colors=colors), step=2, dims=[(0, 1)])
    assert picture.data["points_not_finite"] == 1
    assert "within ±1.1, 1 point not finite;" in picture.alt
    others = np.delete(latents, 1, 1)
    expected = plot_history(
        Run.from_arrays(others, colors=np.delete(colors, 1, 0)), step=2, dims=[(0, 1)]
    )
    # But for what stands beside the title, and over the thumbnail, which has all four.
    rows = slice(80, 650)
    np.testing.assert_array_equal(picture.pixels[rows], expected.pixels[rows])
    with pytest.raises(ArchiveError, match="the latents at step 1 are not finite; show an earlier"):
        plot_history(Run.from_arrays(latents), step=1)


def test_by_default_the_final_state_is_shown(run):
    picture = plot_history(run)
    assert picture.title == "Latents after the last update"
    assert picture.data["earlier_steps"][0] == 0
    assert max(picture.data["earlier_steps"]) < 150
    last = plot_history(run, step=149)
    assert last.title == "Latents at step 149"
    assert (last.pixels[100:600] != picture.pixels[100:600]).any()


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A run of a model that is not registered, whose latents grow by 1 at each of 3 updates."""
    path = tmp_path_factory.mktemp("stranger") / "run.npz"
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 3))
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.zero_()
    with Recorder(path, model, layer=["0", "1"], probe=torch.rand(5, 2)) as recorder:
        for _ in range(3):
            recorder.step()
            with torch.no_grad():
                model[0].bias += 1
    return path


def test_the_final_latents_of_a_run_that_cannot_be_evaluated(stranger):
    picture = plot_history(stranger, dims=[(1, 0)])
    assert picture.title == "Latents after the last update"
    assert "reach 4.2." in picture.alt  # (3, 3); at the last recorded step it was (2, 2)
    assert picture.data["earlier_steps"] == [0, 1, 2]
    other = plot_history(stranger, layer="1", dims=[(1, 2)])
    assert "reach 0." in other.alt
    assert other.title == "Latents of layer 1 after the last update"


def test_a_recording_that_was_cut_off_says_which_step_is_its_last(stranger, short_run, tmp_path):
    for path in (stranger, short_run):
        part = tmp_path / "run.npz.part"
        with ArchiveReader(path) as reader:
            end = min(m.offset for m in reader.members.values() if m.name.startswith("final/"))
        part.write_bytes(path.read_bytes()[:end])
        with pytest.warns(IncompleteRunWarning):
            picture = plot_history(part, dims=[(1, 0)])
        last = 2 if path == stranger else 149
        assert picture.title == f"Latents at step {last} (the last recorded)"
        assert f"points at step {last} (the last recorded) in the projections" in picture.alt
        assert picture.data["step"] == last


def test_a_layer_that_was_not_recorded(stranger, tmp_path, invoke):
    done = invoke("history", stranger, "-o", tmp_path / "h.png", "--layer", "foo", status=2)
    assert done.stderr == "Error: no layer 'foo' was recorded; recorded: 0, 1\n"
    with open_run(stranger) as run, pytest.raises(OptionError, match="no layer 'zz' was recorded"):
        run.at_layer("zz")


@pytest.mark.parametrize("theme", THEMES)
def test_properties_that_hide_each_other_are_all_seen(theme):
    ramp = np.linspace(0, 1, T)
    run = Run.from_arrays(np.zeros((T, 1, 2)), params={"a": ramp, "b": ramp, "c": ramp})
    pixels = plot_timeline(run, theme=theme).pixels[200:].astype(int)
    for color in theme_named(theme).curves[:3]:
        close = np.abs(pixels - rgb_bytes(color)).max(-1) < 40
        assert close.any(0).sum() > 300, color


def test_a_schedule_that_is_not_finite_says_so():
    lr = np.ma.masked_array(np.full(T, 1e-3), np.arange(T) < 10)
    lr[50] = np.nan
    picture = plot_timeline(Run.from_arrays(np.zeros((T, 1, 2)), params={"lr": lr}))
    assert "lr from 0.001 to 0.001, within 0.001 to 0.001, NaN or infinite at 1 step." in (
        picture.alt
    )
    (marks,) = [line for line in picture.drawn.axes[0].lines if line.get_marker() == "x"]
    assert marks.get_xdata().tolist() == [50]


def test_labels_and_scalars_have_colors():
    latents = np.random.default_rng(0).normal(size=(2, 30, 3))
    for colors in (np.arange(30) % 3, np.linspace(0, 1, 30)):
        picture = plot_history(Run.from_arrays(latents, colors=colors), colormap="magma")
        assert len(np.unique(picture.pixels.reshape(-1, 3), axis=0)) > 30


def test_the_commands(short_run, tmp_path, invoke):
    path = tmp_path / "timeline.svg"
    assert "Schedule of run" in invoke("timeline", short_run, "-o", path).stdout
    assert b"<svg" in path.read_bytes()
    path = tmp_path / "history.png"
    options = ["--size", "800x450", "--dims", "0,1", "--names", "a, b", "--limits", "2"]
    done = invoke("history", short_run, "-o", path, *options, "--dims", "2,3", "--step", "77")
    assert done.stdout == f"{path}: Latents at step 77\n"
    with Image.open(path) as image:
        assert image.size == (800, 450)
        assert "[0,1] a, [2,3] b" in image.text["Description"]
    about = json.loads(invoke("timeline", short_run, "-o", tmp_path / "t.pdf", "--json").stdout)
    assert about["groups"] == [["lr"], ["reg-norm"]]
