"""The clock of a film: one for all of its runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..pacing import BezierPace, Frame, GeometricPace, Pace, frames, parse_pace
from ..runs.run import Run
from ..text import printable
from ..views import PARTS, Clock, Span, end_of
from .spec import FRACTION, FilmSpec

FINEST = 1024  # parts of the time between two recorded steps, at most
SAMPLES = 8  # evenly spaced moments at which a frame shows points that move between recorded steps


def clock_of(
    runs: Sequence[Run], spec: FilmSpec, has_final: Sequence[bool]
) -> tuple[Clock, tuple[Span, ...]]:
    """One clock for some runs, and what each shows by it.

    Args:
        runs: One or several.
        spec: Their film's.
        has_final: Of which it is known what followed the last update.

    Raises:
        OptionError: A range of steps holds none of a run's, or an option is out of range.
    """
    pace = parse_pace(spec.pace) if isinstance(spec.pace, str) else spec.pace
    said = ["the run" if len(runs) == 1 else printable(run.name) for run in runs]
    ranges = [_step_range(*each, spec.steps) for each in zip(runs, said, strict=True)]
    in_shares = spec.align == FRACTION and len(runs) > 1
    counted = [
        _shares(run.steps, *between) if in_shares else (run.steps, end_of(run.steps))
        for run, between in zip(runs, ranges, strict=True)
    ]
    moments = np.unique(np.concatenate([when for when, _ in counted]))
    first, stop = 0, len(moments)
    if not in_shares:
        shown = [run.steps[a:b] for run, (a, b) in zip(runs, ranges, strict=True)]
        first = int(np.searchsorted(moments, min(steps[0] for steps in shown)))
        stop = int(np.searchsorted(moments, max(steps[-1] for steps in shown))) + 1
    paced, begins = _paced(pace, moments, first, stop, spec)
    spans = []
    for (when, end), (a, b), is_known, run in zip(counted, ranges, has_final, runs, strict=True):
        after = end if is_known and b == len(run) else None
        own = when if in_shares else when[a:b]
        found = _frames_of(own, a, after, begins)
        if spec.interpolate:
            found = [_between(frame, own, a, begins) for frame in found]
        spans.append(Span(own, found, a, b, after))
    if all(span.frames[-1].after for span in spans):
        paced[-1] = replace(paced[-1], after=True)
    return Clock(moments, paced, first, stop, in_shares, spec.interpolate), tuple(spans)


def _paced(
    pace: Pace, moments: NDArray[np.int64], first: int, stop: int, spec: FilmSpec
) -> tuple[list[Frame], NDArray[np.float64]]:
    """What each frame covers of the clock's moments, and when each begins, (F,).

    Raises:
        OptionError: A pace is to be interpolated that goes by steps.
    """
    if not spec.interpolate:
        found = [
            Frame(frame.index, frame.start + first, frame.stop + first)
            for frame in frames(pace, stop - first, spec.frames)
        ]
        return found, moments[[frame.start for frame in found]].astype(np.float64)
    if not isinstance(pace, BezierPace | GeometricPace):
        raise OptionError("interpolate is for paces that count frames: bezier and geometric")
    # The film of a run that had been recorded so many times as densely.
    n, by = stop - first, 1
    while True:
        finer = pace if isinstance(pace, BezierPace) else GeometricPace(pace.offset * by)
        found = frames(finer, (n - 1) * by + 1, spec.frames)
        if len(found) >= spec.frames or by >= FINEST or n == 1:
            break
        by *= 2
    begins = np.interp([f.start / by for f in found], np.arange(n), moments[first:stop])
    covered = [Frame(f.index, f.start // by + first, (f.stop - 1) // by + 1 + first) for f in found]
    return covered, begins


def _frames_of(
    own: NDArray[np.int64], first: int, after: int | None, begins: NDArray[np.float64]
) -> list[Frame]:
    """What each frame of the clock covers of one run.

    Args:
        own: (n,) the run's moments.
        first: Index of the first of them among its recorded steps.
        after: The moment of what followed its last update; None where that is not shown.
        begins: (F,) the moment at which each frame begins.
    """
    starts = np.searchsorted(own, begins)
    starts[0] = 0
    stops = np.append(starts[1:], len(own))
    found = []
    for k, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        is_last = k + 1 == len(begins)
        ended = after is not None and (is_last or after < begins[k + 1])
        if start == stop and not ended:
            start, stop = max(0, start - 1), max(1, start)
        found.append(Frame(k, start + first, stop + first, after=ended))
    return found


def _between(
    frame: Frame, own: NDArray[np.int64], first: int, begins: NDArray[np.float64]
) -> Frame:
    """A frame that begins where its run is at that moment, and not at its next recorded step.

    Args:
        frame: As `_frames_of` has it.
        own: As there.
        first: As there.
        begins: As there.
    """
    k = frame.index
    is_last = k + 1 == len(begins)
    end = float(own[-1]) if is_last else min(float(begins[k + 1]), float(own[-1]))
    places = np.arange(len(own)) + first
    low, high = np.interp([begins[k], end], own, places).tolist()
    if low >= high:  # it has not begun, has ended, or shows its last recorded step
        return frame
    n_samples = SAMPLES if frame.stride < SAMPLES else 1
    even = np.linspace(low, high, n_samples, endpoint=False)
    recorded = np.arange(math.ceil(low), frame.stop)
    at = np.unique(np.concatenate([even, recorded]))
    if is_last:
        high = frame.stop
    start, stop = math.floor(low), max(frame.stop, math.floor(at[-1]) + 1)
    return replace(frame, start=start, stop=stop, between=tuple(at.tolist()), end=high)


def _shares(steps: NDArray[np.int64], first: int, stop: int) -> tuple[NDArray[np.int64], int]:
    """When each step of a range is, in `PARTS` of that; and its end."""
    shown = steps[first:stop]
    end = int(steps[stop]) if stop < len(steps) else end_of(steps)
    length = end - int(shown[0])
    parts = [(step - int(shown[0])) * PARTS // length for step in shown.tolist()]
    return np.array(parts, np.int64), PARTS


def _step_range(run: Run, said: str, steps: tuple[int | None, int | None]) -> tuple[int, int]:
    """Indices of the recorded steps of a range."""
    first, stop = steps
    a = 0 if first is None else int(np.searchsorted(run.steps, first))
    b = len(run) if stop is None else int(np.searchsorted(run.steps, stop))
    if a >= b:
        low, high = ("" if s is None else s for s in steps)
        raise OptionError(
            f"steps {low}:{high} hold no recorded step; they are from the first up to, and "
            f"without, the second, and {said} has {run.steps[0]} to {run.steps[-1]}"
        )
    return a, b
