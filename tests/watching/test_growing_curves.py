"""Curves that go on step by step are those of the whole run."""

import math

import numpy as np
import pytest

from latentviz import Run
from latentviz.views.curves import film_charts, smoothing_width
from latentviz.watching.curves import CurveKind, GrowingChart

T, FIRST = 900, 520
STEPS = np.cumsum(np.random.default_rng(0).integers(1, 4, T))
GROUPS = {"schedule": "params", "losses": "losses", "metrics": "metrics"}


def columns():
    """Losses, metrics and params of all kinds, (T,) each; None is a gap."""
    rng = np.random.default_rng(1)
    loss = list(np.exp(rng.normal(size=T)))
    for k in (3, FIRST - 5, FIRST + 4, 700):
        loss[k] = math.nan
    loss[701] = math.inf
    skipped = [x if k % 3 else None for k, x in enumerate(rng.normal(size=T))]
    skipped[:40] = [None] * 40
    rare = [float(x) if k % 37 == 5 else None for k, x in enumerate(rng.normal(size=T))]
    rare[37 * 20 + 5] = math.nan
    held = [1.0 if k == 0 else None for k in range(T)]  # given once
    return {
        "losses": {"loss": loss, "skipped": skipped},
        "metrics": {"accuracy": rare},
        "params": {"lr": list(np.linspace(1, 0, T)), "held": held},
    }


def run_of(start, stop):
    cut = {
        group: {name: np.ma.masked_invalid(np.ones(0)) for name in given}
        for group, given in columns().items()
    }
    for group, given in columns().items():
        for name, values in given.items():
            part = values[start:stop]
            gaps = [x is None for x in part]
            cut[group][name] = np.ma.array([math.nan if x is None else x for x in part], mask=gaps)
    keyframes = {"lr": [int(STEPS[0]), int(STEPS[600]), int(STEPS[800]) - 1]}
    return Run.from_arrays(
        np.zeros((stop - start, 2, 2)), steps=STEPS[start:stop], keyframes=keyframes, **cut
    )


def cuts():
    rng = np.random.default_rng(2)
    inner = np.sort(rng.choice(np.arange(FIRST + 1, T), 60, replace=False))
    return [FIRST, *inner.tolist(), T]


@pytest.mark.parametrize("stride", [1, 3])
def test_they_are_those_of_the_whole_run(stride):
    first, whole = run_of(0, FIRST), run_of(0, T)
    width = smoothing_width(FIRST)
    assert width == smoothing_width(T) == 25
    shown = np.concatenate([np.arange(FIRST), np.arange(FIRST, T)[::stride]])
    for begun, expected in zip(film_charts(first, 0, FIRST), film_charts(whole, 0, T), strict=True):
        kinds = [
            CurveKind(c.name, 1 if c.raw is None else width, len(c.measured) > 0)
            for c in begun.curves
        ]
        chart = GrowingChart(GROUPS[begun.label], kinds, begun.steps, first)
        values = [c.values.copy() for c in begun.curves]
        raws = [None if c.raw is None else c.raw.copy() for c in begun.curves]
        marks = [[list(m) for m in (c.keyed, c.measured, c.broken)] for c in begun.curves]
        steps = begun.steps
        for a, b in zip(cuts(), cuts()[1:], strict=False):
            kept = (np.arange(a, b) - FIRST) % stride == 0
            assert chart.n_steps == len(steps)
            steps = np.append(steps, STEPS[a:b][kept])
            for k, grown in enumerate(chart.grow(run_of(a, b), kept)):
                assert grown.start + len(grown.values) == chart.n_steps == len(steps)
                values[k] = np.append(values[k][: grown.start], grown.values)
                if grown.raw is not None:
                    raws[k] = np.append(raws[k][: grown.start], grown.raw)
                for mine, more in zip(
                    marks[k], (grown.keyed, grown.measured, grown.broken), strict=True
                ):
                    mine.extend(more)
        assert np.array_equal(steps, STEPS[shown])
        assert [c.name for c in begun.curves] == [c.name for c in expected.curves]
        for k, curve in enumerate(expected.curves):
            np.testing.assert_allclose(values[k], curve.values[shown], rtol=1e-12)
            assert (raws[k] is None) == (curve.raw is None)
            if curve.raw is not None:
                np.testing.assert_allclose(raws[k], curve.raw[shown], rtol=1e-12)
            for mine, indices in zip(
                marks[k], (curve.keyed, curve.measured, curve.broken), strict=True
            ):
                # What was left out is marked at the next step that was not.
                at = np.minimum(np.searchsorted(shown, indices), len(shown) - 1)
                if stride == 1:
                    assert mine == indices.tolist(), curve.name
                else:
                    assert set(mine) <= {*at.tolist(), *(at - 1).tolist()}
                    assert len(mine) >= len(set(at.tolist())) - 2


def test_what_is_not_recorded_any_more_is_a_gap():
    first = run_of(0, FIRST)
    chart = GrowingChart("losses", [CurveKind("loss", 1, False)], first.steps, first)
    later = Run.from_arrays(np.zeros((2, 2, 2)), steps=STEPS[FIRST : FIRST + 2])
    (grown,) = chart.grow(later, np.ones(2, bool))
    last = first.losses["loss"][-1]
    assert grown.values[-2:].tolist() == [last, last]  # is carried forward, as in a film
    assert grown.broken == []


def test_values_after_the_last_update():
    run = run_of(0, 10)
    chart = GrowingChart("losses", [CurveKind("loss", 1, False)], run.steps, run)
    assert chart.final(run) == [None]
