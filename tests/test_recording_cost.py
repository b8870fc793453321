"""What a recording costs: what is left out by default, and what is said of it."""

import logging
import re
import warnings

import pytest
import torch
from torch import nn

from latentviz import Recorder, RecordingWarning, open_run
from latentviz.text import bytes_in_words

pytestmark = pytest.mark.usefixtures("one_torch_thread")

CHEAP, COSTLY = 250, 260  # (N, N) weights of just below and above 256 kB


def model_of(width):
    return nn.Sequential(nn.Linear(width, width, bias=False), nn.Linear(width, 2))


def recorded(path, model, **options):
    """Three steps; gives what was warned of."""
    options = {"probe": torch.rand(10, model[0].in_features), "layer": "1"} | options
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Recorder(path, model, **options) as recorder:
            for step in range(3):
                recorder.step(losses={"loss": step})
    assert all(w.category is RecordingWarning for w in caught)
    assert all(w.filename == __file__ for w in caught)
    return [str(w.message) for w in caught]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


def test_small_states_are_recorded_without_a_word(path):
    assert recorded(path, model_of(CHEAP)) == []
    with open_run(path) as run:
        assert len(run.state(0)) == 3
        assert run.has_final


def test_large_states_of_a_model_that_is_not_registered_give_way_to_latents(path, invoke):
    said = recorded(path, model_of(COSTLY))
    assert len(said) == 1
    # 260 x 260 and 2 x 260 + 2 numbers, and latents of 10 x 2, of 4 bytes each.
    assert said[0].startswith(
        "states are not recorded (272 kB a step, of a model that is not registered); the probe's "
        'latents are (80 bytes a step). states="all" records both, states="none"'
    )
    with open_run(path) as run:
        assert run.latents().shape == (3, 10, 2)
        assert run.final_latents().shape == (10, 2)
    assert "state:      not recorded" in invoke("info", path).output


@pytest.mark.parametrize("options", [{"states": "all"}, {"states": "none"}, {"states": "1.*"}])
def test_whoever_says_which_states_is_told_nothing(path, options):
    assert recorded(path, model_of(COSTLY), **options) == []


@pytest.mark.parametrize("options", [{"probe": None}, {"latents": False}])
def test_states_that_are_all_there_is_are_recorded_and_their_cost_said(path, options):
    said = recorded(path, model_of(COSTLY), **options)
    assert len(said) == 1
    assert said[0].startswith("states are 272 kB a step, 272 MB in 1,000 steps before compression;")
    with open_run(path) as run:
        assert len(run.state(2)) == 3


def test_large_states_of_a_registered_model_are_recorded_and_their_cost_said(path, monkeypatch):
    from latentviz.recording import arguments

    monkeypatch.setattr(arguments, "usable_name", lambda *args: "some-model")
    monkeypatch.setattr(arguments, "is_rebuilt", lambda *args: True)
    said = recorded(path, model_of(COSTLY))
    assert [s[:25] for s in said] == ["states are 272 kB a step,"]
    with open_run(path) as run:
        assert len(run.state(2)) == 3
        assert not run.describe()["latents_recorded"]


def test_info_and_the_recorder_say_bytes_a_step_and_in_all(path, invoke, caplog):
    model = model_of(CHEAP)
    with caplog.at_level(logging.INFO, "latentviz"):
        recorder = Recorder(path, model, layer="1", probe=torch.rand(10, CHEAP))
        assert repr(recorder) == f"Recorder({str(path)!r}, 0 steps)"
        for step in range(20):
            recorder.step(losses={"loss": step})
        recorder.close()
    size = path.stat().st_size
    in_words = f"20 steps, {bytes_in_words(size)}, {bytes_in_words(size / 20)} a step"
    assert recorder.n_bytes == size
    assert repr(recorder) == f"Recorder({str(path)!r}, {in_words})"
    assert caplog.messages == [f"recorded {path}: {in_words}"]
    output = invoke("info", path).output
    assert f"size:       {bytes_in_words(size)} in 1 chunk" in output
    # Random weights do not shrink below nine tenths, and are nearly all there is.
    found = re.search(r"a step: +(\d+\.?\d*) kB: states (\d+\.?\d*) kB$", output, re.MULTILINE)
    assert found, output
    with open_run(path) as run:
        assert {"states", "latents", "steps"} <= run.describe()["bytes_a_step"].keys()
    assert float(found[2]) <= float(found[1]) <= size / 20 / 1000 + 1


@pytest.mark.parametrize(
    ("n", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (999.6, "1 kB"), (463_210, "463 kB"),
     (1_390_000_000, "1.39 GB"), (2.5e15, "2,500 TB")],
)  # fmt: skip
def test_bytes_in_words(n, words):
    assert bytes_in_words(n) == words
