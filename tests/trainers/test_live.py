import shutil

import numpy as np
import pytest
import torch
from archives import contents, same
from click.testing import CliRunner
from PIL import Image

from latentviz import Run, plot_history, rgb_grid
from trainers.cli import main
from trainers.events import Events, StepMetrics
from trainers.live import LiveHistory
from trainers.models import ColorMLP
from trainers.timeline import State

SHEET = "STEP,PHASE,ACTION,lr\n0,Train,,1e-3\n59,,,\n"


@pytest.fixture
def train(tmp_path):
    (tmp_path / "short.csv").write_text(SHEET)

    def train(name, *options):
        command = ["sparse-labels", "-o", str(tmp_path / name)]
        sheet = ["--dopesheet", str(tmp_path / "short.csv")]
        return CliRunner().invoke(main, [*command, *sheet, *map(str, options)])

    return train


def test_the_picture_shows_the_run_s_end_and_changes_nothing(train, tmp_path):
    picture = tmp_path / "live.png"
    assert train("a.npz").exit_code == 0
    done = train("b.npz", "--live", picture, "--live-every", 20)
    assert done.exit_code == 0, done.output
    with Image.open(picture) as image:
        assert image.size == (1600, 900)
        assert (
            "512 points at step 59 in the projections [1,0], [1,2], [1,3]"
            in (image.text["Description"])
        )
        assert "Below, [1,0] at the steps 0, 20, 40, within ±" in image.text["Description"]
    assert same(contents(tmp_path / "a.npz"), contents(tmp_path / "b.npz"))
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.npz", "b.npz", "live.png", "short.csv",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["live.jpg", "none/live.png"])
def test_a_picture_that_cannot_be_is_one_line_before_training(train, tmp_path, name):
    done = train("a.npz", "--live", tmp_path / name)
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: the live picture must be a .png in a folder that exists")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "a.npz").exists()


def test_training_goes_on_without_the_picture_s_folder(tmp_path, caplog):
    folder = tmp_path / "gone"
    folder.mkdir()
    model, events = ColorMLP(), Events()
    points = torch.from_numpy(rgb_grid(3)).float()
    with LiveHistory(folder / "live.png", layer="encoder", points=points, every=2) as live:
        live.listen(events)
        shutil.rmtree(folder)
        for step in range(5):
            state = State(step, "Train", step == 0, False, (), {})
            events.emit(StepMetrics(state, model, points, {}, {}))
    assert "the live picture could not be drawn: " in caplog.text
    assert caplog.text.count("could not be drawn") == 1


def test_only_every_so_many_steps(tmp_path):
    model, events = ColorMLP(), Events()
    points = torch.from_numpy(rgb_grid(3)).float()
    path = tmp_path / "live.png"
    with LiveHistory(path, layer="encoder", points=points, every=3) as live:
        live.listen(events)
        for step in range(8):
            state = State(step, "Train", step == 0, False, (), {})
            events.emit(StepMetrics(state, model, points, {}, {}))
    with torch.no_grad():
        latents = model.encoder(points).numpy()
    expected = plot_history(Run.from_arrays([latents] * 3, steps=[0, 3, 6], colors=points.numpy()))
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), expected.pixels)
