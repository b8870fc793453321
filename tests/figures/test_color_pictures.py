"""Slices and errors, of a real run and of models whose errors are known."""

import itertools
import json

import numpy as np
import pytest
import torch
from PIL import Image

from latentviz import (
    ArchiveError,
    IncompleteRunWarning,
    ModelError,
    OptionError,
    Recorder,
    hsv_cube,
    open_run,
    plot_errors,
    plot_slices,
    rgb_from_hsv,
)
from latentviz.figures.errors import lines_along, ranked_hues
from latentviz.figures.moment import moment_of
from latentviz.figures.reconstruction import reconstructed
from latentviz.figures.slices import CELL, cells

THEMES = ("dark", "light")


@pytest.fixture(scope="module")
def run(short_run):
    with open_run(short_run) as run:
        yield run


class Darker(torch.nn.Module):
    """Takes 0.1 off the red channel, and nothing off the others: an error of 0.01 / 3."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Identity()
        self.shift = torch.nn.Parameter(torch.tensor([0.1, 0, 0]))

    def forward(self, rgb):
        return self.layer(rgb) - self.shift


@pytest.fixture(scope="module")
def darker(tmp_path_factory):
    path = tmp_path_factory.mktemp("darker") / "run.npz"
    model = Darker()
    with Recorder(path, model, layer="layer", probe=torch.rand(4, 3)) as recorder:
        recorder.step()
        model.shift.data[0] = 0.2
    with open_run(path, model=Darker()) as run:
        yield run


def test_reconstructions_and_errors_by_hand(darker):
    cube = hsv_cube(6, 3, 4)
    first, final = (reconstructed(moment_of(darker, step), cube) for step in (0, None))
    np.testing.assert_allclose(first["reconstruction"], cube.rgb - [0.1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(first["error"], 0.01 / 3, rtol=1e-5)
    np.testing.assert_allclose(final["error"], 0.04 / 3, rtol=1e-5)


def test_many_colors_are_evaluated_alike_in_parts(run, monkeypatch):
    from latentviz.figures import reconstruction

    cube = hsv_cube(12, 5, 5)
    whole = reconstructed(moment_of(run, 149), cube)["reconstruction"]
    monkeypatch.setattr(reconstruction, "COLORS_AT_ONCE", 7)
    np.testing.assert_allclose(
        reconstructed(moment_of(run, 149), cube)["reconstruction"], whole, atol=1e-6
    )


def test_cells():
    cube = hsv_cube(6, [1.0], 3)
    cube = cube.assign(reconstruction=np.full((*cube.shape, 3), 0.25)).slice(saturation=0)
    image = cells(cube, true_colors=False)
    assert image.shape == (3 * CELL, 6 * CELL, 3)
    # Hue 120° is the third column; the greatest value is the top row.
    top = image[:CELL, 2 * CELL : 3 * CELL]
    assert top[CELL // 2, CELL // 2].tolist() == [0, 1, 0]
    assert top[0, 0].tolist() == top[-1, -1].tolist() == [0.25] * 3
    assert (image[-CELL:][2:6, 2:6] == 0).all()
    flat = cells(cube, true_colors=True)
    assert (flat[:CELL, 2 * CELL : 3 * CELL] == [0, 1, 0]).all()


@pytest.mark.parametrize("size", [(800, 400), (800, 1600), (3000, 400), (1030, 910)])
def test_cells_are_square_and_centred(darker, size):
    picture = plot_slices(darker, size=size)
    boxes = [axes.bbox for axes in picture.drawn.axes]
    for box in boxes:
        assert box.width == pytest.approx(3 * box.height)  # 24 hues, 8 values
        assert box.width % 24 == pytest.approx(0, abs=1e-6)  # whole pixels a cell
    left, right = min(box.x0 for box in boxes), max(box.x1 for box in boxes)
    assert left == pytest.approx(size[0] - right, abs=2)
    check_nothing_overlaps(picture)


def check_nothing_overlaps(picture):
    """Nor is cut: titles, labels and axes all have a place of their own."""
    width, height = picture.pixels.shape[1::-1]
    axes = picture.drawn.axes
    labels = [a.yaxis.label for a in axes if a.yaxis.label.get_text()]
    labels += [tick for a in axes for tick in (*a.get_xticklabels(), *a.get_yticklabels())]
    texts = [t for t in (*labels, *picture.drawn.texts) if t.get_text() and shown(t)]
    places = [(t.get_text(), t.get_window_extent().padded(-1)) for t in texts]
    places += [("axes", a.bbox.padded(-1)) for a in axes]
    for name, box in places:
        assert 0 <= box.x0 <= box.x1 <= width, name
        assert 0 <= box.y0 <= box.y1 <= height, name
    for (first, one), (second, other) in itertools.combinations(places, 2):
        assert not one.overlaps(other), (first, second)


def shown(label):
    """Whether a tick's label lies on its axis; matplotlib makes one more to either side."""
    axes = label.axes
    if axes is None or label in (axes.xaxis.label, axes.yaxis.label):
        return True
    x, y = label.get_position()
    right = label in axes.get_xticklabels()
    low, high = sorted(axes.get_xlim() if right else axes.get_ylim())
    return low <= (x if right else y) <= high


@pytest.mark.parametrize("size", [(800, 500), (800, 1600), (3000, 500)])
def test_nothing_overlaps_in_the_errors(darker, size):
    check_nothing_overlaps(plot_errors(darker, size=size))


def middle_of_cell(picture, axes, hue, value):
    """The pixel in the middle of a cell of an image."""
    _, height = picture.drawn.bbox.size
    x, y = axes.transData.transform((hue, value))
    return int(height - y), int(x)


def test_the_slices_colors_are_where_they_belong(darker):
    picture = plot_slices(darker)
    for n, saturation in enumerate((0, 1 / 3, 2 / 3, 1)):
        axes = picture.drawn.axes[n]
        for hue, value in ((0, 7), (8, 7), (16, 3), (23, 0)):
            true = rgb_from_hsv([hue / 24, saturation, value / 7])
            row, column = middle_of_cell(picture, axes, hue, value)
            np.testing.assert_allclose(picture.pixels[row, column], true * 255, atol=1)
            row, column = middle_of_cell(picture, axes, hue - 0.44, value + 0.44)
            filled = np.clip(true - [0.2, 0, 0], 0, 1)
            np.testing.assert_allclose(picture.pixels[row, column], filled * 255, atol=1)


def test_true_colors_alone(darker):
    picture = plot_slices(darker, true_colors=True)
    row, column = middle_of_cell(picture, picture.drawn.axes[3], 7.56, 7.44)
    np.testing.assert_allclose(
        picture.pixels[row, column], rgb_from_hsv([8 / 24, 1, 1]) * 255, atol=1
    )
    assert "true colors" in picture.alt


def test_the_words_of_the_slices(darker):
    picture = plot_slices(darker, step=0)
    assert "at step 0" in picture.title
    assert "saturations 0, 0.33, 0.67, 1; 24 hues across, 8 values up" in picture.alt
    assert "median 0.0033, largest 0.0033" in picture.alt
    assert picture.data["step"] == 0
    assert picture.data["error_max"] == pytest.approx(0.01 / 3, rel=1e-5)


def test_lines_along_an_axis():
    cube = hsv_cube(240, 48, 48)
    with_error = cube.assign(error=cube.rgb.sum(-1))
    lines = lines_along(with_error, "hue")
    assert lines.axes == ("value", "hue")
    assert lines.shape == (5, 240)
    assert lines.coordinates["saturation"] == 1
    assert lines.coordinates["value"] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1], abs=0.011)
    assert lines.coordinates["value"][-1] == 1
    for axis, other in (("saturation", "value"), ("value", "saturation")):
        lines = lines_along(with_error, axis)
        assert lines.axes == ("hue", axis)
        assert lines.shape == (3, 48)
        assert lines.coordinates[other] == 1
    np.testing.assert_array_equal(lines["error"], lines.rgb.sum(-1))


def test_the_hues_of_the_lines():
    cube = hsv_cube(12, 3, 3)
    error = np.zeros(cube.shape)
    error[:, 1, 2] = [8, 9, 7.5, 1, 2, 3, 4, 5, 6, 7, 0.5, 0.6]
    # The largest is at hue 1. Of those 60 degrees away from it, 5 is in the middle, by error; and
    # of those 60 degrees away from both, 10 has the least.
    assert ranked_hues(cube.assign(error=error)) == [1, 5, 10]
    assert len(set(ranked_hues(cube.assign(error=np.ones(cube.shape))))) == 3


def test_the_errors_of_a_model_whose_errors_are_known(darker):
    picture = plot_errors(darker)
    assert picture.data["error_max"] == pytest.approx(0.04 / 3, rel=1e-5)
    assert picture.data["error_median"] == pytest.approx(0.04 / 3, rel=1e-5)
    assert "552,960 reconstructed colors" in picture.alt
    assert "0.013 on average at the six pure hues; 0.013 at white" in picture.alt
    along_hue, along_saturation, along_value = picture.drawn.axes[:3]
    assert along_hue.get_ylabel() == "mean squared error, in 10⁻²"
    lines = along_hue.collections[-1]
    # A segment from hue h to the next, of the line of full saturation and value, is of that color.
    segments = np.array(lines.get_segments())
    colors = lines.get_colors()[:, :3]
    assert len(segments) == len(colors) == 5 * 240
    np.testing.assert_allclose(segments[..., 1], 100 * 0.04 / 3, rtol=1e-5)
    last = colors[-240:]
    between = (rgb_from_hsv([[k / 240, 1, 1] for k in range(241)])[:-1]
               + rgb_from_hsv([[k / 240, 1, 1] for k in range(1, 242)])[:-1]) / 2  # fmt: skip
    np.testing.assert_allclose(last, between, atol=1e-9)
    for panel in (along_hue, along_saturation, along_value):
        assert panel.get_ylim() == pytest.approx((0, 1.05 * 100 * 0.04 / 3))
        assert panel.get_yscale() == "linear"
    assert len(along_value.collections[-1].get_segments()) == 3 * 47
    assert along_hue.bbox.width > 1.9 * along_saturation.bbox.width


@pytest.mark.parametrize("theme", THEMES)
def test_lines_that_would_vanish_in_the_page_have_a_halo(darker, theme):
    halos, lines = plot_errors(darker, theme=theme).drawn.axes[0].collections
    assert halos.get_linewidths()[0] > lines.get_linewidths()[0]
    segments, colors = np.array(lines.get_segments()), lines.get_colors()[:, :3]
    behind = {tuple(segment.ravel()) for segment in np.array(halos.get_segments())}
    dark_blue, yellow = (
        tuple(segments[np.abs(colors - color).sum(-1).argmin()].ravel()) in behind
        for color in ((0, 0, 0.2), (1, 1, 0))
    )
    # The model errs everywhere alike, so that the lines lie on each other: only hues differ.
    assert len(segments) > 2 * len(behind)
    assert (dark_blue, yellow) == ((True, False) if theme == "dark" else (False, True))


class Bump(Darker):
    """Errs at a color that is on no line."""

    def forward(self, rgb):
        away = (rgb - torch.tensor([0.5, 0.4, 0.4])).square().sum(-1, keepdim=True)
        return self.layer(rgb) + torch.exp(-300 * away) + self.shift


def test_a_large_error_that_is_on_no_line_is_said(darker, tmp_path):
    with Recorder(tmp_path / "run.npz", Bump(), layer="layer", probe=torch.rand(4, 3)) as recorder:
        recorder.step()
    with open_run(tmp_path / "run.npz", model=Bump()) as run:
        picture = plot_errors(run)
    assert "; of the lines 0.0033" in picture.alt
    assert any("; of the lines 0.0033" in text.get_text() for text in picture.drawn.texts)
    assert picture.drawn.axes[0].get_ylim()[1] > 1  # in tens: the axis shows how little they are
    assert "of the lines" not in plot_errors(darker).alt


@pytest.mark.parametrize("top", [3e-3, 0.9, 250.0, 1.6e7])
def test_errors_of_any_size_have_an_axis_of_plain_numbers(tmp_path, top):
    model = Darker()
    with Recorder(tmp_path / "run.npz", model, layer="layer", probe=torch.rand(4, 3)) as recorder:
        recorder.step()
        model.shift.data[0] = (3 * top) ** 0.5
    with open_run(tmp_path / "run.npz", model=Darker()) as run:
        picture = plot_errors(run)
    axes = picture.drawn.axes[0]
    assert picture.pixels.any()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[0] == "0"
    assert len(labels) >= 3
    assert all(len(label) <= 3 and float(label) >= 0 for label in labels)
    bar = picture.drawn.axes[-1]
    low, high = bar.get_xlim()
    assert sum(low <= tick <= high for tick in bar.get_xticks()) >= 3


def test_the_error_s_images_are_right_way_up(run):
    picture = plot_errors(run, step=149)
    cube = reconstructed(moment_of(run, 149), hsv_cube(240, 48, 48))
    for n, place in enumerate((0, 16, 31, 47)):
        image = picture.drawn.axes[3 + n].images[0]
        expected = cube["error"][:, place].T  # value up, hue across
        shown = np.asarray(image.get_array())
        np.testing.assert_allclose(shown, np.maximum(expected, image.norm.vmin))
        assert image.origin == "lower"
        assert image.get_extent() == [0, 1, 0, 1]


@pytest.mark.parametrize("theme", THEMES)
def test_slices(run, latentviz_snapshot, theme):
    latentviz_snapshot(plot_slices(run, size=(800, 400), theme=theme))


@pytest.mark.parametrize("theme", THEMES)
def test_errors(run, latentviz_snapshot, theme):
    latentviz_snapshot(plot_errors(run, size=(800, 500), theme=theme))


@pytest.mark.parametrize("plot", [plot_slices, plot_errors])
def test_what_cannot_be_drawn(plot, run, tmp_path):
    with pytest.raises(OptionError, match="step 150 was not recorded"):
        plot(run, step=150)
    with pytest.raises(OptionError, match="theme must be one of"):
        plot(run, theme="neon")
    with pytest.raises(OptionError, match="sides must lie within"):
        plot(run, size=(20, 20))
    with pytest.raises(OptionError, match=r"can be read from 800x(400|500) pixels on, got 790x900"):
        plot(run, size=(790, 900))
    for model, message in (
        (torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Linear(4, 5)), "cannot be run on"),
        (torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2)), "for color autoenc"),
    ):
        path = tmp_path / "other.npz"
        with Recorder(path, model, layer="0", overwrite=True) as recorder:
            recorder.step()
        with open_run(path, model=model) as other, pytest.raises(ModelError, match=message):
            plot(other)


def test_errors_that_are_none_can_be_drawn(tmp_path):
    model = torch.nn.Sequential(torch.nn.Identity(), torch.nn.Identity())
    model.register_buffer("nothing", torch.zeros(1))
    with Recorder(tmp_path / "run.npz", model, layer="0") as recorder:
        recorder.step()
    with open_run(tmp_path / "run.npz", model=model) as run:
        picture = plot_errors(run, size=(800, 500))
        assert picture.data["error_max"] < 1e-12
        assert picture.pixels.shape == (500, 800, 3)


def test_outputs_that_are_not_finite_are_refused_by_step(tmp_path):
    model = Darker()
    model.shift.data[1] = torch.nan
    with Recorder(tmp_path / "run.npz", model, layer="layer", probe=torch.rand(4, 3)) as recorder:
        recorder.step()
    with open_run(tmp_path / "run.npz", model=Darker()) as run:
        for plot, n in ((plot_errors, 552960), (plot_slices, 768)):
            message = f"the outputs at step 0 are not finite at {n} of {n} points; show a step befo"
            with pytest.raises(ArchiveError, match=message):
                plot(run, step=0)
        # The true colors can be shown; and JSON has no NaN.
        alone = plot_slices(run, step=0, true_colors=True, size=(800, 500)).data
        assert (alone["error_max"], alone["error_median"]) == (None, None)


def test_the_commands(short_run, tmp_path, invoke):
    for name in ("slices", "errors"):
        path = tmp_path / f"{name}.png"
        done = invoke(name, short_run, "-o", path, "--size", "800x500", "--theme", "light")
        assert done.stdout.startswith(f"{path}: Reconstruct")
        assert "error max " in done.stdout
        with Image.open(path) as image:
            assert image.size == (800, 500)
            assert "Mean squared error" in image.text["Description"]
        about = json.loads(
            invoke(name, short_run, "-o", path, "--size", "800x500", "--step", 3, "--json").stdout
        )
        assert about["picture"] == str(path)
        assert about["step"] == 3
        assert 0 < about["error_median"] <= about["error_max"]


def test_the_true_colors_alone(short_run, tmp_path, invoke):
    path = tmp_path / "slices.png"
    invoke("slices", short_run, "-o", path, "--size", "800x500", "--true-colors")
    alone = plot_slices(short_run, size=(800, 500), true_colors=True).pixels
    np.testing.assert_array_equal(np.asarray(Image.open(path)), alone)
    assert (alone != plot_slices(short_run, size=(800, 500)).pixels).any()


def test_of_a_recording_that_was_cut_off_the_last_recorded_step_is_named(short_run, tmp_path):
    part = tmp_path / "run.npz.part"
    # Without the directory and the final state, as it was before `close`.
    part.write_bytes(short_run.read_bytes()[: -len(short_run.read_bytes()) // 8])
    with pytest.warns(IncompleteRunWarning):
        run = open_run(part)
    with run:
        last = int(run.steps[-1])
        for plot in (plot_slices, plot_errors):
            picture = plot(run, size=(800, 500))
            assert picture.title.endswith(f"at step {last} (the last recorded)")
            assert picture.data["step"] == last
