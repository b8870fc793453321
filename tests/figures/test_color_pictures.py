"""Slices and errors, of a real run and of models whose errors are known."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from latentviz import (
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
from latentviz.figures.errors import lines_along
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
    first, final = reconstructed(darker, cube, 0), reconstructed(darker, cube, None)
    np.testing.assert_allclose(first["reconstruction"], cube.rgb - [0.1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(first["error"], 0.01 / 3, rtol=1e-5)
    np.testing.assert_allclose(final["error"], 0.04 / 3, rtol=1e-5)


def test_many_colors_are_evaluated_alike_in_parts(run, monkeypatch):
    from latentviz.figures import reconstruction

    cube = hsv_cube(12, 5, 5)
    whole = reconstructed(run, cube, 149)["reconstruction"]
    monkeypatch.setattr(reconstruction, "COLORS_AT_ONCE", 7)
    np.testing.assert_allclose(reconstructed(run, cube, 149)["reconstruction"], whole, atol=1e-6)


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
    assert lines.axes == ("saturation", "value", "hue")
    assert lines.shape == (4, 4, 240)
    for axis in ("saturation", "value"):
        assert lines.coordinates[axis][[0, -1]].tolist() == [0, 1]
    # Every 30 degrees, and none twice.
    assert lines_along(with_error, "value").coordinates["hue"] * 12 == pytest.approx(range(12))
    np.testing.assert_array_equal(lines["error"], lines.rgb.sum(-1))


def test_the_color_with_the_largest_error_is_on_a_line_of_each_panel():
    cube = hsv_cube(240, 48, 48)
    error = np.ones(cube.shape)
    error[101, 21, 35] = 2.0
    for axis in cube.axes:
        assert lines_along(cube.assign(error=error), axis)["error"].max() == 2.0


def test_the_errors_of_a_model_whose_errors_are_known(darker):
    picture = plot_errors(darker)
    assert picture.data["error_max"] == pytest.approx(0.04 / 3, rel=1e-5)
    assert picture.data["error_median"] == pytest.approx(0.04 / 3, rel=1e-5)
    assert "552,960 reconstructed colors" in picture.alt
    along_hue = picture.drawn.axes[0]
    ours, theirs = along_hue.collections[1], along_hue.collections[0]
    # A segment from hue h to the next, of the line of full saturation and value, is of that color.
    segments = np.array(ours.get_segments())
    colors = ours.get_colors()[:, :3]
    assert len(segments) == len(colors) >= 16 * 240
    np.testing.assert_allclose(segments[..., 1], 0.04 / 3, rtol=1e-5)
    last = colors[-240:]
    between = (rgb_from_hsv([[k / 240, 1, 1] for k in range(241)])[:-1]
               + rgb_from_hsv([[k / 240, 1, 1] for k in range(1, 242)])[:-1]) / 2  # fmt: skip
    np.testing.assert_allclose(last, between, atol=1e-9)
    assert theirs.get_linewidths()[0] > ours.get_linewidths()[0]
    for panel in picture.drawn.axes[:3]:
        assert panel.get_ylim() == along_hue.get_ylim()
        assert panel.get_yscale() == "log"


def test_the_error_s_images_are_right_way_up(run):
    picture = plot_errors(run, step=149)
    cube = reconstructed(run, hsv_cube(240, 48, 48), 149)
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
        last = f"at step {run.steps[-1]} (the last recorded)"
        assert plot_slices(run, size=(800, 500)).title.endswith(last)
        assert plot_errors(run, size=(800, 500)).title.endswith(last)
