"""The examples in the docstrings of public names run as they stand, on real small runs."""

import inspect
import re
import textwrap

import numpy as np
import pytest
from graphics import needs_graphics

import latentviz

EXAMPLE = re.compile(r"^Example::\n\n((?:    .*\n|\n)+)", re.MULTILINE)
DRAWN = [name for name in latentviz.__all__ if name.startswith("plot_")]


def example(name):
    docstring = inspect.getdoc(getattr(latentviz, name)) or ""
    (block,) = EXAMPLE.findall(docstring + "\n")
    return textwrap.dedent(block)


@pytest.fixture
def names(tmp_path, monkeypatch, short_run):
    """The names that an example may use, in a folder with two runs."""
    import torch

    monkeypatch.chdir(tmp_path)
    (tmp_path / "colors.npz").symlink_to(short_run)
    points = torch.rand(20, 2)
    model = torch.nn.Sequential()
    model.add_module("encoder", torch.nn.Linear(2, 3))
    model.add_module("head", torch.nn.Linear(3, 2))
    return {
        "latentviz": latentviz,
        "Recorder": latentviz.Recorder,
        "model": model,
        "points": points,
        "batches": [(points, points)] * 3,
        "criterion": torch.nn.functional.mse_loss,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
    }


def record(path, steps=300):
    """A run of points that wander, with a schedule and a loss."""
    import torch

    model = torch.nn.Linear(2, 3)
    probe = torch.rand(20, 2)
    with latentviz.Recorder(path, torch.nn.Sequential(model), layer="0", probe=probe) as recorder:
        for i in range(steps):
            recorder.step(losses={"loss": 1 / (i + 1)}, params={"lr": 0.01})
            with torch.no_grad():
                model.weight += 0.001


@pytest.mark.parametrize("name", ["open_run", "render", "render_frame", *DRAWN])
def test_an_example_runs(name, names, tmp_path, capsys):
    if name == "plot_sphere":
        needs_graphics()
    record(tmp_path / "run.npz")
    before = set(tmp_path.iterdir())
    exec(compile(example(name), name, "exec"), names)
    if name == "open_run":
        assert np.shape(names["latents"]) == (10, 20, 3)
        assert np.shape(names["loss"]) == (300,)
    elif name == "render_frame":
        assert names["pixels"].shape == (names["height"], names["width"], 3)
    else:
        assert set(tmp_path.iterdir()) > before


def test_the_example_of_saving_a_run(names, tmp_path):
    docstring = inspect.getdoc(latentviz.Run.save) + "\n"
    (block,) = EXAMPLE.findall(docstring)
    exec(compile(textwrap.dedent(block), "save", "exec"), {**names, "np": np})
    with latentviz.open_run(tmp_path / "walk.npz") as run:
        assert (len(run), run.n_points) == (50, 100)


def test_the_recorders_example_records(names, tmp_path):
    exec(compile(example("Recorder"), "Recorder", "exec"), names)
    with latentviz.open_run(tmp_path / "run.npz") as run:
        assert len(run) == len(names["batches"])
        assert run.latents([0]).shape == (1, 20, 3)


def test_the_imports_example_imports(names, tmp_path):
    exec(compile(example("import_run"), "import_run", "exec"), names)
    with latentviz.open_run(tmp_path / "imported.npz") as run:
        assert run.latents().shape == (3, 50, 3)
