"""The clock of a film: one for all of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..pacing import Frame, frames, parse_pace
from ..runs.run import Run
from ..views import PARTS, Clock, Span, end_of
from .spec import FRACTION, FilmSpec


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
    ranges = [_step_range(run, spec.steps) for run in runs]
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
    paced = [
        Frame(frame.index, frame.start + first, frame.stop + first)
        for frame in frames(pace, stop - first, spec.frames)
    ]
    spans = []
    for (when, end), (a, b), is_known, run in zip(counted, ranges, has_final, runs, strict=True):
        after = end if is_known and b == len(run) else None
        own = when if in_shares else when[a:b]
        spans.append(Span(own, _frames_of(own, a, after, moments, paced), a, b, after))
    if all(span.frames[-1].after for span in spans):
        paced[-1] = replace(paced[-1], after=True)
    return Clock(moments, paced, first, stop, in_shares), tuple(spans)


def _frames_of(
    own: NDArray[np.int64],
    first: int,
    after: int | None,
    moments: NDArray[np.int64],
    paced: Sequence[Frame],
) -> list[Frame]:
    """What each frame of the clock covers of one run.

    Args:
        own: (n,) the run's moments.
        first: Index of the first of them among its recorded steps.
        after: The moment of what followed its last update; None where that is not shown.
        moments: The clock's.
        paced: What each frame covers of these.
    """
    begins = moments[[frame.start for frame in paced]]
    starts = np.searchsorted(own, begins)
    starts[0] = 0
    stops = np.append(starts[1:], len(own))
    found = []
    for k, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        is_last = k + 1 == len(paced)
        ended = after is not None and (is_last or after < begins[k + 1])
        if start == stop and not ended:
            start, stop = max(0, start - 1), max(1, start)
        found.append(Frame(k, start + first, stop + first, after=ended))
    return found


def _shares(steps: NDArray[np.int64], first: int, stop: int) -> tuple[NDArray[np.int64], int]:
    """When each step of a range is, in `PARTS` of that; and its end."""
    shown = steps[first:stop]
    end = int(steps[stop]) if stop < len(steps) else end_of(steps)
    length = end - int(shown[0])
    parts = [(step - int(shown[0])) * PARTS // length for step in shown.tolist()]
    return np.array(parts, np.int64), PARTS


def _step_range(run: Run, steps: tuple[int | None, int | None]) -> tuple[int, int]:
    """Indices of the recorded steps of a range."""
    first, stop = steps
    a = 0 if first is None else int(np.searchsorted(run.steps, first))
    b = len(run) if stop is None else int(np.searchsorted(run.steps, stop))
    if a >= b:
        low, high = ("" if s is None else s for s in steps)
        raise OptionError(
            f"steps {low}:{high} hold no recorded step; they are from the first up to, and "
            f"without, the second, and the run has {run.steps[0]} to {run.steps[-1]}"
        )
    return a, b
