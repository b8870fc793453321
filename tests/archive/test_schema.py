"""What the recorder accepts for a header is what is read of it; all else it refuses at once."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from latentviz import Recorder, Run, open_run, recover
from latentviz.archive import format as f
from latentviz.archive.schema import parse_header
from latentviz.archive.values import TOKENS
from latentviz.errors import OptionError
from latentviz.points import KINDS, Points
from latentviz.recording.header import checked_header

wholes = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1).map(np.int32),
    st.integers(0, 2**64 - 1).map(np.uint64),
    st.integers(-(2**62), 2**62).map(torch.tensor),
    st.floats(width=32).map(np.float32),
)
odd = st.one_of(wholes, st.text(), st.none(), st.lists(st.integers(), max_size=2))
texts = st.text(st.characters(exclude_categories=()), max_size=8)
plain = st.recursive(
    odd,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.one_of(texts, texts, st.integers()), inner, max_size=3)
    ),
    max_leaves=8,
)
moments = st.one_of(
    st.lists(st.tuples(wholes, texts), max_size=4),
    st.dictionaries(st.integers(), texts, max_size=2),
    st.lists(odd, max_size=2),
)


@given(
    layers=st.lists(texts.filter(len), max_size=3),
    model_name=st.none() | texts,
    model_args=st.dictionaries(texts, plain, max_size=3),
    seed=odd,
    keyframes=st.one_of(st.dictionaries(texts, st.lists(wholes, max_size=3), max_size=3), odd),
    phases=moments,
    actions=moments,
    states=st.none() | st.lists(texts, max_size=2),
    bfloat16=st.lists(texts, max_size=2),
    tokens=st.sampled_from([*TOKENS, None]) | odd,
    class_names=st.none() | st.lists(texts, max_size=3),
    points=st.none()
    | st.builds(Points, st.sampled_from(KINDS), texts.filter(len).map(f.whole_text)),
)
def test_what_is_accepted_reads_back_equal(**options):
    try:
        header = checked_header(**options, versions={"python": "3"})
    except OptionError:
        return
    written = f.json_array(header.to_json())
    assert parse_header(f.json_value(written, "header")) == header


@given(step=st.integers(-(2**54), 2**54))
def test_whole_numbers_of_any_kind_are_accepted_alike(step):
    kinds = [step, np.int64(step), torch.tensor(step), np.array(step)]
    kinds += [float(step)] if abs(step) <= f.MAX_STEP else []
    for given_step in kinds:
        options = {"phases": [(given_step, "x")], "keyframes": {"lr": [given_step]}}
        if abs(step) > f.MAX_STEP:
            with pytest.raises(OptionError, match=r"phases: a step must be|keyframes of 'lr'"):
                checked_header(layers=["a"], **options)
        else:
            header = checked_header(layers=["a"], **options)
            assert header.phases == [(step, "x")]
            assert header.keyframes == {"lr": [step]}


def recording(path, **options):
    model = nn.Sequential(nn.Linear(2, 3))
    options = {"layer": "0", "probe": torch.rand(4, 2), "overwrite": True} | options
    return Recorder(path, model, **options)


REFUSED = {
    "seed": ["7", 1.5, [1], np.arange(2), torch.arange(2), math.inf, math.nan, 1 << 1024, "x"],
    "keyframes": [
        {"lr": [2**53 + 1]}, {"lr": [0.5]}, {"lr": 5}, {"lr": "5"}, {3: [0]}, [0, 1], {"lr": ["0"]},
    ],
    "phases": [
        {"Train": 0}, {0: "Train"}, [(2**53 + 1, "x")], [("0", "x")], "ab", 5, [(0, "x", 1)], [0],
    ],
    "actions": [{"freeze": 0}, [(-(2**53) - 1, "x")], [(None, "x")]],
}  # fmt: skip


@pytest.mark.parametrize("option", REFUSED)
def test_what_cannot_be_read_is_refused_when_the_recorder_opens(tmp_path, option):
    for value in REFUSED[option]:
        with pytest.raises(OptionError, match=option) as caught:
            recording(tmp_path / "run.npz", **{option: value})
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 300
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seed", [7, 7.0, np.int8(7), np.float64(7), torch.tensor(7), np.array(7)])
def test_a_seed_of_any_kind_is_the_number_that_it_is(tmp_path, seed):
    with recording(tmp_path / "run.npz", seed=seed) as recorder:
        recorder.step(losses={"loss": 1.0})
    with open_run(tmp_path / "run.npz") as run:
        assert run.seed == 7
        assert type(run.seed) is int


def test_steps_of_any_kind_are_read_back(tmp_path):
    options = {
        "keyframes": {"lr": np.array([0, 5])},
        "phases": [(np.int64(0), "Warm up"), (torch.tensor(5), "Train")],
        "actions": [(2.0, "freeze"), (2**53, "never")],
    }
    with recording(tmp_path / "run.npz", **options) as recorder:
        recorder.step(losses={"loss": 1.0})
    of_arrays = Run.from_arrays(np.zeros((1, 2, 2)), **options)
    with open_run(tmp_path / "run.npz") as of_archive:
        for run in (of_archive, of_arrays):
            assert run.keyframes == {"lr": [0, 5]}
            assert run.phases == [(0, "Warm up"), (5, "Train")]
            assert run.actions == [(2, "freeze"), (2**53, "never")]
            json.dumps(run.describe())


def test_a_recording_that_was_cut_off_reads_as_the_recorder_took_it(tmp_path):
    recorder = recording(tmp_path / "run.npz", seed=np.int64(3), phases=[(0, "größe")])
    recorder.step(losses={"loss": 1.0})
    recorder.close()
    with open_run(tmp_path / "run.npz") as run:
        whole = run.describe()
    # As after a power cut: no directory.
    data = (tmp_path / "run.npz").read_bytes()
    cut = tmp_path / "cut.npz.part"
    cut.write_bytes(data[: data.index(b"PK\1\2")])
    with open_run(recover(cut).path) as run:
        assert run.seed == 3
        assert run.phases == [(0, "größe")]
        assert run.describe()["phases"] == whole["phases"]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_loss_beyond_any_float_is_infinite_and_training_goes_on(tmp_path, sign):
    with recording(tmp_path / "run.npz") as recorder:
        recorder.step(losses={"loss": sign * 10**400})
        recorder.step(losses={"loss": 1.0}, params={"lr": sign * 10**400})
    with open_run(tmp_path / "run.npz") as run:
        assert run.losses["loss"].tolist() == [sign * math.inf, 1.0]
        assert not run.loss_gaps["loss"].any()
        assert run.params["lr"][1] == sign * math.inf
