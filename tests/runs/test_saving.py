"""A run that is saved: what is read of it, what it looks like, and what is left where it fails."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import latentviz
from latentviz import ArchiveError, ChunkLimits, OptionError, Recorder, Run, open_run, render_frame

T, N, D = 40, 7, 3
LOOK = {"title": "", "size": (640, 360), "dims": [(0, 1)]}


def arrays(**options):
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(T, N, D)).cumsum(0).astype(np.float32)
    loss = np.ma.masked_array(rng.random(T), np.arange(T) < 20)
    loss[25] = np.nan
    given = {
        "classes": np.arange(N) % 2, "class_names": ["even", "odd"],
        "point_names": [f"p{n}" for n in range(N)], "steps": np.arange(T) * 10,
        "params": {"lr": np.linspace(0.1, 0, T)}, "losses": {"β·KL": loss, "loss": rng.random(T)},
        "metrics": {"accuracy": [None if n % 4 else n / T for n in range(T)]},
        "keyframes": {"lr": [0, 390]}, "phases": [(0, "Train")], "actions": [(100, "freeze")],
    }  # fmt: skip
    return Run.from_arrays(latents, **given | options)


def check_same(saved, run):
    np.testing.assert_array_equal(saved.latents(), run.latents())
    np.testing.assert_array_equal(saved.steps, run.steps)
    assert saved.has_final == run.has_final
    for kind in ("params", "losses", "metrics"):
        curves, gaps = (
            getattr(run, kind),
            getattr(run, {"losses": "loss"}.get(kind, kind[:-1]) + "_gaps"),
        )
        other_gaps = getattr(saved, {"losses": "loss"}.get(kind, kind[:-1]) + "_gaps")
        assert list(getattr(saved, kind)) == list(curves)
        for name, curve in curves.items():
            np.testing.assert_array_equal(getattr(saved, kind)[name], curve)
            np.testing.assert_array_equal(other_gaps[name], gaps[name])
    for name in ("colors", "classes"):
        np.testing.assert_array_equal(getattr(saved, name), getattr(run, name))
    for name in (
        "class_names", "point_names", "keyframes", "phases", "actions", "seed", "final_losses",
        "final_metrics",
    ):  # fmt: skip
        assert getattr(saved, name) == getattr(run, name), name
    np.testing.assert_array_equal(render_frame(saved, **LOOK), render_frame(run, **LOOK))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"classes": None, "class_names": None, "colors": np.linspace(0, 1, N)},
        {"classes": None, "class_names": None, "colors": list("abcabca")},
        {"colors": np.linspace(0, 1, 3 * N).reshape(N, 3), "point_names": None},
    ],
)
def test_a_run_of_arrays(tmp_path, options):
    run = arrays(**options)
    run.save(tmp_path / "run.npz")
    with open_run(tmp_path / "run.npz") as saved:
        assert (saved.points, saved.n_points, saved.is_archive) == ("layer:latents", N, True)
        check_same(saved, run)
        saved.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "run.npz").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["again.npz", "run.npz"]


def test_the_chunks_keep_to_their_limits(tmp_path):
    run = Run.from_arrays(np.random.default_rng(0).random((2100, 3, 2), np.float32))
    run.save(tmp_path / "many.npz")
    large = Run.from_arrays(np.random.default_rng(0).random((5, 1000, 1000), np.float32))
    large.save(tmp_path / "large.npz")
    for path, whole, n_chunks in (("many.npz", run, 3), ("large.npz", large, 2)):
        with open_run(tmp_path / path) as saved:
            assert saved.describe()["chunks"] == n_chunks
            np.testing.assert_array_equal(saved.latents(), whole.latents())


def test_a_recorded_run(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 3))
    limits = ChunkLimits(steps=7, seconds=1e9)
    with Recorder(
        tmp_path / "run.npz", model, layer=["0", "1"], probe=torch.rand(N, 2), seed=5,
        chunk_limits=limits,
    ) as recorder:  # fmt: skip
        for step in range(30):
            recorder.step(losses={"loss": step} if step > 9 else None, params={"lr": 0.1})
            with torch.no_grad():
                model[0].weight += 0.01
        recorder.close(losses={"loss": 0.5})
    with open_run(tmp_path / "run.npz") as whole:
        for points in ("layer:1", "rows:0.weight", "columns:0.weight"):
            run = whole.at_points(points)
            run.save(tmp_path / "saved.npz", overwrite=True)
            with open_run(tmp_path / "saved.npz") as saved:
                check_same(saved, run)
                np.testing.assert_array_equal(saved.final_latents(), run.final_latents())


def test_it_is_drawn_without_torch(tmp_path):
    arrays().save(tmp_path / "run.npz")
    code = (
        "import sys; sys.modules['torch'] = None; import latentviz\n"
        f"latentviz.render_frame({str(tmp_path / 'run.npz')!r}, size=(160, 120), dims=[(0, 1)])"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_is_overwritten_unasked(tmp_path):
    path = tmp_path / "run.npz"
    arrays().save(path)
    before = path.read_bytes()
    with pytest.raises(ArchiveError, match="exists; overwrite it with overwrite=True"):
        arrays().save(path)
    assert path.read_bytes() == before
    arrays(actions=None).save(path, overwrite=True)
    assert path.read_bytes() != before


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"steps": np.arange(T) - 1}, OptionError, "steps of an archive are 0 or more, got -1"),
        ({"losses": {"": np.zeros(T)}}, ArchiveError, "cannot name a member"),
        ({"losses": {"x" * 300: np.zeros(T)}}, ArchiveError, "cannot name a member"),
    ],
)
def test_nothing_is_left_where_it_fails(tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        arrays(**options).save(tmp_path / "run.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    arrays().save(path)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(latentviz.archive.ArchiveWriter, "sync", full)
    with pytest.raises(ArchiveError, match=r"cannot write .*: No space left on device"):
        arrays(actions=None).save(path, overwrite=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_command_line_takes_it(tmp_path, invoke):
    arrays().save(tmp_path / "run.npz")
    invoke("frame", tmp_path / "run.npz", "-o", tmp_path / "x.png", "--draft")
    about = json.loads(invoke("info", tmp_path / "run.npz", "--json").output)
    assert (about["points"], about["source"]) == (N, "layer:latents")
    assert "points:     7\n" in invoke("info", tmp_path / "run.npz").output
