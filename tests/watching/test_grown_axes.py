"""Numbers along the axes of a chart that grows, by the page's own code."""

import json

import pytest
from by_node import value_of

from latentviz.raster.ticks import linear_ticks


def run(script):
    return value_of(script, "axes=grown-axes", "growth")


def test_they_are_those_of_a_film():
    ends = [(0, 1), (0, 9), (3, 1000), (0, 123_456), (10_000, 30_000), (0, 3e9)]
    found = run(f"{json.dumps(ends)}.map(([a, b]) => axes.stepTicks(a, b, 5))")
    for (first, end), ticks in zip(ends, found, strict=True):
        expected = linear_ticks(first, end, most=5, whole=True)
        assert (tuple(ticks["values"]), tuple(ticks["labels"])) == (
            expected.values, expected.labels,
        )  # fmt: skip


def test_an_axis_of_steps_is_doubled():
    cases = [(0, 100, 100), (0, 100, 101), (0, 100, 801), (50, 50, 50), (50, 50, 60), (7, 8, 8)]
    found = run(f"{json.dumps(cases)}.map((c) => axes.doubledEnd(...c))")
    assert found == [100, 200, 1600, 51, 66, 8]


def test_an_axis_of_values_holds_what_leaves_it():
    assert run("axes.widened([0, 1], new Float32Array([0.5, NaN, Infinity]), false)") == [0, 1]
    low, high = run("axes.widened([0, 1], new Float32Array([3, 0]), false)")
    assert (low, high) == (0, pytest.approx(3.15))
    low, high = run("axes.widened([0.1, 1], new Float32Array([1e-4, 0, -3]), true)")
    assert high == 1
    assert 5e-5 < low < 1e-4
    ticks = run("axes.valueTicks([1e-7, 2], true)")
    assert ticks["values"] == [1e-7, 1e-5, 1e-3, 0.1]
    assert sorted(ticks["minor"]) == pytest.approx([1e-6, 1e-4, 1e-2, 1])
    assert len(ticks["labels"]) == 4
    assert run("axes.valueTicks([2, 4], true)")["values"] == [2, 2.5, 3, 3.5, 4]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("recording", 1230, 0, 0), "recording, step 1,230"),
        (("finished", 5, 1200, 0), "finished, step 5; 1,200 steps left out"),
        (("stopped", None, 0, 2), "the recording has stopped; 2 points not finite, held in place"),
        (("unreachable", None, 0, 0), "the watcher has ended"),
    ],
)
def test_what_a_page_says(given, words):
    assert run(f"growth.recordingWords(...{json.dumps(given)})") == words
