"""Batches of any shape: what is given to the recorder is what is read back, and none ends it."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from latentviz import (
    ArchiveError,
    ChunkLimits,
    OptionError,
    Recorder,
    RecordingWarning,
    open_run,
)
from latentviz.archive import ArchiveReader
from latentviz.archive import schema as s

RNG = np.random.default_rng(0)


class Broken:
    def __array__(self, *args, **kwargs):
        raise AttributeError("no numbers here")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


def model():
    """One that does not matter."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 2))


def record(path, steps, *, limits=None):
    """Record these steps' batches and labels."""
    with Recorder(
        path, model(), layer="0", probe=np.eye(2, dtype="f4"), chunk_limits=limits,
        overwrite=True,
    ) as recorder:  # fmt: skip
        for step, given in enumerate(steps):
            recorder.step(**given, losses={"loss": step})


def check(path, steps):
    """Whether a run holds exactly these."""
    with open_run(path) as run:
        assert run.losses["loss"].tolist() == list(range(len(steps)))
        for step, given in enumerate(steps):
            read = run.batch(step)
            inputs = given["batch"]
            if not isinstance(inputs, dict):
                np.testing.assert_array_equal(read.inputs, inputs, strict=True)
            else:
                assert read.inputs.keys() == inputs.keys()
                for name, array in inputs.items():
                    np.testing.assert_array_equal(read.inputs[name], array, strict=True)
            for name, array in given.get("labels", {}).items():
                np.testing.assert_array_equal(read.labels[name], array, strict=True)


def members(path):
    with ArchiveReader(path) as reader:
        return {name: reader.read(name).copy() for name in reader.members}


def tokens(size, length):
    return {
        "batch": {
            "input_ids": RNG.integers(1, 9, (size, length)),
            "attention_mask": RNG.random((size, length)) < 0.5,
        },
        "labels": {"words": RNG.integers(0, 9, (size, length)), "class": RNG.integers(0, 2, size)},
    }


def test_batches_padded_to_the_longest_of_their_own(path):
    lengths = [5, 5, 3, 9, 1, 9, 9, 2]
    steps = [tokens(4 - (length == 2), length) for length in lengths]
    record(path, steps)
    check(path, steps)
    written = members(path)
    padded = {name for name in written if s.parse_name(name).kind == s.SHAPES}
    parts = ["inputs/input_ids", "inputs/attention_mask", "labels/words"]
    assert padded == {s.batch_member(0, s.shapes_part(part)) for part in parts}
    for name in padded:
        np.testing.assert_array_equal(written[name], np.array(lengths)[:, None], strict=True)
    ids = written["batches/000000/inputs/input_ids"]
    assert ids.shape == (31, 9)
    assert not ids[:8, 5:].any()


def test_batches_that_are_alike_are_written_as_they_are(path):
    steps = [tokens(size, 5) for size in (4, 4, 2, 4)]
    record(path, steps)
    names = [name for name in members(path) if s.parse_name(name).group == s.BATCHES]
    assert names == [
        s.batch_member(0, part)
        for part in ("offsets", "inputs/input_ids", "inputs/attention_mask", "labels/words",
                     "labels/class")
    ]  # fmt: skip
    written = members(path)
    for kind, name, part_of in (
        ("batch", "input_ids", s.inputs_part),
        ("labels", "words", s.labels_part),
    ):
        expected = np.concatenate([given[kind][name] for given in steps])
        found = written[s.batch_member(0, part_of(name))]
        np.testing.assert_array_equal(found, expected, strict=True)


SIZES = st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 3))


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(SIZES, min_size=1, max_size=14),
    rows=st.integers(1, 6),
    n_bytes=st.sampled_from([1, 200, 1 << 20]),
)
def test_whatever_sizes_are_given_are_read_back(tmp_path_factory, sizes, rows, n_bytes):
    path = tmp_path_factory.getbasetemp() / "any.npz"
    steps = [
        {
            "batch": RNG.random((B, length, width)).astype("f4"),
            "labels": {"y": RNG.integers(0, 9, (B, width)), "shapes/y": RNG.random(B)},
        }
        for B, length, width in sizes
    ]
    record(path, steps, limits=ChunkLimits(steps=rows, seconds=1e9, bytes=n_bytes))
    check(path, steps)


def test_padding_stays_within_a_chunk_s_limit(path):
    # A long one now and then, and images that are wide or high, would pad all others to their size.
    shapes = [(2, 8, 8)] * 30 + [(2, 8, 500), (2, 500, 8)] + [(2, 8, 8)] * 5
    steps = [{"batch": RNG.random(shape).astype("f4")} for shape in shapes]
    limit = 1 << 15
    record(path, steps, limits=ChunkLimits(seconds=1e9, bytes=limit))
    check(path, steps)
    largest = max(array.nbytes for array in (given["batch"] for given in steps))
    sizes = [a.nbytes for name, a in members(path).items() if name.endswith("/inputs")]
    assert max(sizes) <= max(limit + largest, largest)
    assert len(sizes) < 8


def test_a_refused_step_s_shape_is_overwritten(path):
    steps = [{"batch": RNG.random((2, n))} for n in (3, 4, 3)]
    with Recorder(path, model(), layer="0") as recorder:
        for k, given in enumerate(steps):
            for odd in (5, 3, 7):
                with pytest.raises(OptionError, match="must be one number"):
                    recorder.step(batch=np.ones((3, odd)), losses={"loss": "x"})
            recorder.step(**given, losses={"loss": k})
    check(path, steps)


X, NAMED = np.ones((2, 3)), {"batch": {"a": np.ones((2, 3)), "b": np.ones(2)}}
OTHERS = {
    "dimensions": ({"batch": np.ones((2, 3, 1))}, "the batch was 2-dimensional float64 .* now 3"),
    "dtype": ({"batch": np.ones((2, 3), "i4")}, "the batch was 2-dimensional float64 .* int32"),
    "names": (NAMED, "one array on every step, or arrays by name"),
    "labels": ({"batch": X}, r"labels must be the same on every step, got \[\] after \['y'\]"),
    "labels' length": ({"batch": X, "labels": {"y": [1]}}, r"label 'y' has shape \(1,\) and the b"),
    "labels that are a tensor": ({"batch": X, "labels": X}, "must be arrays by name, .* ndarray"),
    "labels alone": ({"labels": {"y": [1, 2]}}, "give batch= too"),
    "strings": ({"batch": ["a", "b"]}, "the batch must be numbers, got"),
    "ragged list": ({"batch": [[1.0], [1.0, 2.0]]}, "got rows that differ in length"),
    "pair": ({"batch": (X, X[:1])}, "got rows that differ in length"),
    "tensors": ({"batch": (torch.zeros(2), torch.zeros(2))}, "got a tuple of them; give several"),
    "nested": ({"batch": {"a": {"b": X}}}, "one array on every step, or arrays by name"),
    "number": ({"batch": 1.0}, r"the batch has shape \(\)"),
    "complex": ({"batch": np.ones((2, 3), complex)}, "must be numbers, got complex128"),
    "fails when asked": ({"batch": Broken()}, "no numbers here"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_a_batch_that_cannot_be_recorded_ends_nothing(path, name):
    other, message = OTHERS[name]
    other = {"labels": {"y": [1.0, 2.0]}, **other} if name != "labels" else other
    good = {"batch": X, "labels": {"y": [1.0, 2.0]}}
    with Recorder(path, model(), layer="0", probe=np.eye(2, dtype="f4")) as recorder:
        recorder.step(**good, losses={"loss": 0})
        with pytest.warns(RecordingWarning, match=f"^no batch is recorded from step 1.*{message}"):
            recorder.step(**other, losses={"loss": 1})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            recorder.step(**other, losses={"loss": 2})
            recorder.step(**good, losses={"loss": 3})
    with open_run(path) as run:
        assert run.losses["loss"].tolist() == [0, 1, 2, 3]
        assert run.latents().shape == (4, 2, 2)
        np.testing.assert_array_equal(run.batch(0).inputs, X)
        assert run.batch(3).inputs.shape == (0, 3)


@pytest.mark.parametrize(
    "name",
    ["labels' length", "labels that are a tensor", "labels alone", "strings", "pair", "tensors",
     "number", "complex", "fails when asked"],
)  # fmt: skip
def test_at_the_first_step_it_is_an_error(path, name):
    other, message = OTHERS[name]
    with Recorder(path, model(), layer="0") as recorder:
        with pytest.raises((OptionError, ArchiveError, AttributeError), match=message):
            recorder.step(**other)
        recorder.step(batch=X)


def test_inputs_of_other_names_or_lengths_end_nothing(path):
    for other, message in (
        ({"a": X}, r"inputs must be the same on every step, got \['a'\] after \['a', 'b'\]"),
        ({"a": X, "b": np.ones(1)}, r"input 'b' has shape \(1,\) and input 'a' \(2, 3\)"),
        ({"a": X, "b": X}, "input 'b' was 1-dimensional float64 and is now 2-dimensional"),
        (X, "one array on every step, or arrays by name"),
    ):
        with Recorder(path, model(), layer="0", overwrite=True) as recorder:
            recorder.step(**NAMED)
            with pytest.warns(RecordingWarning, match=message):
                recorder.step(batch=other)
        with open_run(path) as run:
            assert len(run) == 2
            np.testing.assert_array_equal(run.batch(0).inputs["a"], X)
