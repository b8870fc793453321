"""Numbered steps, metrics, and what is measured after the last update: recorded, read and shown."""

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from latentviz import ChunkLimits, LinearPace, Recorder, Run, open_run, recover
from latentviz.errors import ArchiveError, OptionError
from latentviz.pacing import frames
from latentviz.scene import Heading
from latentviz.views import film_charts, heading
from trainers.models import ColorMLP

RGB = np.random.default_rng(0).random((40, 3), np.float32)
REPLAYED = [100, 200, 400, 1000]
SMALL = ChunkLimits(steps=3, seconds=1e9)
nan = math.nan


def recorder_of(path, **options):
    torch.manual_seed(0)
    return Recorder(path, ColorMLP(), layer="encoder", probe=RGB, **options)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A classifier, evaluated at every 20th of 100 steps and after the last; and what was found."""
    path = tmp_path_factory.mktemp("trained") / "run.npz"
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 3), nn.Linear(3, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x, other = torch.randn(2, 64, 2)
    seen, evaluated = [], []

    def accuracy(points):
        inside = points.norm(dim=1) < 1
        return (model(points).argmax(1) == inside).float().mean()

    with Recorder(path, model, layer="2", probe=x, colors=(x.norm(dim=1) < 1).long()) as recorder:
        for step in range(100):
            loss = nn.functional.cross_entropy(model(x), (x.norm(dim=1) < 1).long())
            optimizer.zero_grad()
            loss.backward()
            metrics = {"accuracy": accuracy(x)}
            seen.append(float(metrics["accuracy"]))
            if step % 20 == 0:
                metrics["val-accuracy"] = accuracy(other)
                evaluated.append(float(metrics["val-accuracy"]))
            recorder.step(losses={"loss": loss}, params={"lr": 0.01}, metrics=metrics)
            optimizer.step()
        last = float(accuracy(other))
        recorder.close(losses={"val-loss": 0.25}, metrics={"val-accuracy": last, "f1": nan})
    return path, seen, evaluated, last


# ---- numbered steps


@pytest.mark.parametrize("kind", [int, np.int64, np.array, torch.tensor, float])
def test_a_step_has_the_number_that_it_is_given(path, kind):
    with recorder_of(path, chunk_limits=SMALL) as recorder:
        for number in REPLAYED:
            recorder.step(step=kind(number), losses={"loss": 1 / number})
        assert recorder.n_steps == 4
    with open_run(path) as run:
        assert run.steps.tolist() == REPLAYED
        assert run.index_of(400) == 2
        assert run.latents(REPLAYED[2:]).shape == (2, 40, 4)
        with pytest.raises(OptionError, match="step 300 was not recorded; the run has 4 steps"):
            run.index_of(300)


def test_steps_without_a_number_follow_the_last_one(path):
    with recorder_of(path, chunk_limits=SMALL) as recorder:
        for number in (None, None, 10, None, 20, 21, None, None, 2**53):
            recorder.step(step=number)
        with pytest.raises(OptionError, match=r"a step's number is at most 9007199254740992"):
            recorder.step()
    with open_run(path) as run:
        assert run.steps.tolist() == [0, 1, 10, 11, 20, 21, 22, 23, 2**53]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (7, "step must be above the last one, 7, got 7"),
        (np.int32(3), "step must be above the last one, 7, got 3"),
        (-1, "step must be 0 or more, got -1"),
        (2**53 + 1, "step must be a whole number within 9007199254740992, got 9007199254740993"),
        (7.5, "step must be a whole number, got 7.5"),
        ("8", "step must be a whole number, got '8'"),
        (torch.arange(2), r"step must be a whole number, got an array of shape \(2,\)"),
    ],
)
def test_a_number_that_a_step_cannot_have(path, number, message):
    with recorder_of(path) as recorder:
        recorder.step(step=7)
        with pytest.raises(OptionError, match=message):
            recorder.step(step=number)
        recorder.step(step=8)  # all goes on
    with open_run(path) as run:
        assert run.steps.tolist() == [7, 8]


def test_a_number_that_was_given_to_a_step_that_failed_is_free(path):
    with recorder_of(path) as recorder:
        with pytest.raises(OptionError, match="must be one number"):
            recorder.step(step=50, losses={"loss": "high"})
        recorder.step()
        recorder.step(step=50)
    with open_run(path) as run:
        assert run.steps.tolist() == [0, 50]


def test_every_and_numbers_are_not_given_together(path):
    with recorder_of(path, every=10) as recorder:
        for _ in range(11):
            recorder.step()
        with pytest.raises(OptionError, match=r"step= and Recorder\(every=10\) are two answers"):
            recorder.step(step=20)
    with open_run(path) as run:
        assert run.steps.tolist() == [0, 10]


def test_a_run_of_irregular_steps_is_drawn(path, tmp_path, invoke):
    model = ColorMLP()
    with Recorder(path, model, layer="encoder", probe=RGB) as recorder:
        for number in REPLAYED:
            numbers = {"losses": {"loss": 1 / number}, "metrics": {"accuracy": number / 1000}}
            recorder.step(step=number, params={"lr": 0.1}, **numbers)
            with torch.no_grad():
                model.encoder[0].bias += 0.1
    assert "steps:      4 (100 to 1000)" in invoke("info", path).output
    size = ("--size", "640x360")
    done = invoke("render", path, "-o", tmp_path / "film.mp4", *size, "--hold", 0, "--frames", 9)
    assert (tmp_path / "film.mp4").stat().st_size > 1000, done.output
    for step in REPLAYED:
        invoke("frame", path, "-o", tmp_path / f"{step}.png", "--step", step, *size)
    assert "step 300 was not recorded" in invoke(
        "frame", path, "-o", tmp_path / "x.png", "--step", 300, status=2
    ).output.replace("\n", " ")
    invoke("history", path, "-o", tmp_path / "history.png", "--step", 400)
    invoke("timeline", path, "-o", tmp_path / "timeline.png")
    with open_run(path) as run:
        said = [heading(run.steps, frame, 0) for frame in frames(LinearPace(1), 4, 4)]
        charts = film_charts(run, 0, 4)
    assert said == [Heading("step", str(number)) for number in REPLAYED]
    assert [chart.label for chart in charts] == ["schedule", "losses", "metrics"]
    assert all(chart.steps.tolist() == REPLAYED for chart in charts)


# ---- metrics


def test_metrics_are_read_as_they_were_given(trained):
    path, seen, evaluated, _ = trained
    with open_run(path) as run:
        assert (list(run.losses), list(run.metrics)) == (["loss"], ["accuracy", "val-accuracy"])
        np.testing.assert_array_equal(run.metrics["accuracy"], seen)
        np.testing.assert_array_equal(run.metrics["val-accuracy"][::20], evaluated)
        assert not run.metric_gaps["accuracy"].any()
        assert np.flatnonzero(~run.metric_gaps["val-accuracy"]).tolist() == [0, 20, 40, 60, 80]
    with np.load(path, allow_pickle=False) as members:
        assert members["metrics/000000/accuracy"].tolist() == seen
        assert members["gaps/000000/metrics/val-accuracy"].sum() == 95
        assert members["final/losses/val-loss"] == 0.25
        assert members["final/metrics/f1"].shape == ()


def test_metrics_and_losses_of_one_name_are_two(path, invoke):
    with recorder_of(path) as recorder:
        recorder.step(losses={"x": 1.0}, metrics={"x": 2.0}, params={"x": 3.0})
        recorder.step(metrics={"x": 2.5})
        recorder.close(losses={"x": 4.0}, metrics={"x": 5.0})
    assert "final:      x 4, x 5\n" in invoke("info", path).output
    with open_run(path) as run:
        np.testing.assert_array_equal(run.losses["x"], [1, nan])
        np.testing.assert_array_equal(run.metrics["x"], [2, 2.5])
        assert run.loss_gaps["x"].tolist() == run.param_gaps["x"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("metrics", "kind", "message"),
    [
        ({"a": "high"}, OptionError, "'a' must be one number, got 'high'"),
        ({"a": [1, 2]}, OptionError, "'a' must be one number"),
        ({"": 1}, ArchiveError, "'' cannot name a loss, a metric or a param"),
        ([0.5], OptionError, "losses, metrics and params must be numbers by name"),
    ],
)
def test_metrics_that_cannot_be_recorded(path, metrics, kind, message):
    with recorder_of(path) as recorder:
        recorder.step()
        with pytest.raises(kind, match=message):
            recorder.step(metrics=metrics)
        with pytest.raises(kind, match=message):
            recorder.close(metrics=metrics)
        recorder.step()  # which did not close it
    with open_run(path) as run:
        assert len(run) == 2


def test_metrics_of_arrays():
    curve = np.ma.masked_array([0.5, nan, 0.9], [False, False, True])
    run = Run.from_arrays(np.zeros((3, 1, 2)), metrics={"a": curve})
    np.testing.assert_array_equal(run.metrics["a"], [0.5, nan, nan])
    assert run.metric_gaps["a"].tolist() == [False, False, True]
    assert (run.final_losses, run.final_metrics) == ({}, {})


# ---- after the last update


def test_what_is_measured_after_the_last_update(trained, invoke):
    path, *_, last = trained
    with open_run(path) as run:
        assert run.final_losses == {"val-loss": 0.25}
        assert run.final_metrics["val-accuracy"] == last
        assert math.isnan(run.final_metrics["f1"])
    shown = invoke("info", path).output
    assert "metrics:    accuracy, val-accuracy\n" in shown
    assert f"final:      val-loss 0.25, val-accuracy {last:.4g}, f1 nan\n" in shown
    about = json.loads(invoke("info", path, "--json").output)
    assert about["metrics"] == ["accuracy", "val-accuracy"]
    assert about["final_metrics"] == {"val-accuracy": last, "f1": "nan"}


def test_a_recording_that_was_cut_off_has_metrics_and_no_final_ones(trained, tmp_path):
    cut = tmp_path / "cut.npz.part"
    cut.write_bytes(trained[0].read_bytes().partition(b"PK\1\2")[0])
    with open_run(recover(cut).path) as run:
        np.testing.assert_array_equal(run.metrics["accuracy"], trained[1])
        assert run.final_metrics == run.final_losses == {}


def test_only_the_first_close_takes_what_was_measured(path):
    with recorder_of(path) as recorder:
        recorder.step()
        recorder.close(metrics={"accuracy": torch.tensor(0.5)})
        with pytest.raises(OptionError, match="closed already; give losses= and metrics= to its"):
            recorder.close(losses={"loss": 1.0})
        recorder.close()
    with open_run(path) as run:
        assert run.final_metrics == {"accuracy": 0.5}
        assert run.has_final


def test_what_was_measured_is_kept_where_the_model_is_no_longer_the_one_recorded(path):
    model = ColorMLP()
    with Recorder(path, model, layer="encoder") as recorder:
        recorder.step()
        model.encoder[0] = nn.Linear(3, 5)
        recorder.close(metrics={"accuracy": 0.5})
    with open_run(path) as run:
        assert not run.has_final
        assert run.final_metrics == {"accuracy": 0.5}


def test_metrics_of_steps_that_are_not_recorded_go_with_the_next_that_is(path):
    with Recorder(path, nn.Sequential(nn.Linear(3, 2)), layer="0", every=10) as recorder:
        for step in range(35):
            metrics = {7: {"acc": 0.1}, 9: {"acc": 0.2, "f1": 0.3}, 30: {"f1": 1}, 34: {"acc": 0.9}}
            recorder.step(losses={"loss": step}, metrics=metrics.get(step))
    with open_run(path) as run:
        assert run.steps.tolist() == [0, 10, 20, 30]
        np.testing.assert_array_equal(run.metrics["acc"], [nan, 0.2, nan, nan])
        np.testing.assert_array_equal(run.metrics["f1"], [nan, 0.3, nan, 1])
        assert dict(run.final_metrics) == {"acc": 0.9}


@pytest.mark.parametrize("metrics", [{"acc": "0.9"}, {"acc": torch.zeros(2)}, torch.zeros(())])
@pytest.mark.parametrize("every", [1, 2])
def test_metrics_that_are_no_numbers_are_refused_at_whichever_step(path, metrics, every):
    with Recorder(path, nn.Sequential(nn.Linear(3, 2)), layer="0", every=every) as recorder:
        recorder.step()
        with pytest.raises(OptionError, match=r"must be (one number|numbers by name)"):
            recorder.step(metrics=metrics)
        recorder.step(metrics={"acc": 1})


def test_true_is_no_steps_number(path):
    with Recorder(path, nn.Sequential(nn.Linear(3, 2)), layer="0") as recorder:
        with pytest.raises(OptionError, match="step must be a whole number, got True"):
            recorder.step(step=True)
        recorder.step()
