"""The moments of a page: the distinct steps of all runs, and what followed the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..film.panels import Plan
from ..pacing import Pace, frames, parse_pace

LONGEST_BLUR = 4096  # sub-steps that have an alpha; more are drawn as so many
LEAST_BLUR = 64


@dataclass(frozen=True, eq=False)
class Span:
    """The recorded steps of a run that a page may hold: indices, the last of what came after.

    Attributes:
        plan: The run, and which of its steps are shown.
        kept: (T,) which of `steps` are held, counted from the first one that is shown.
    """

    plan: Plan
    kept: NDArray[np.int64]

    @property
    def has_after(self) -> bool:
        """Whether the last of them is what followed the last update."""
        return self.plan.frames[-1].after

    @property
    def steps(self) -> NDArray[np.int64]:
        """When the steps that are held are, on the clock; without what followed the last one."""
        n_shown = self.plan.stop - self.plan.first
        return np.asarray(self.plan.span.moments[self.kept[self.kept < n_shown]])

    @property
    def end(self) -> int | None:
        """When its last update is over; None where nobody knows what followed."""
        return self.plan.span.after

    @property
    def n_left_out(self) -> int:
        """How many are not held."""
        return len(all_of(self.plan)) - len(self.kept)


def all_of(plan: Plan) -> NDArray[np.int64]:
    """Everything that a film shows of a run: recorded steps, counted from 0, and what followed."""
    return np.arange(plan.stop - plan.first + plan.frames[-1].after)


def paced(plan: Plan, n_frames: int) -> NDArray[np.int64]:
    """Of `all_of`, where so many frames of the film would begin, and the last."""
    whole = all_of(plan)
    if n_frames >= len(whole):
        return whole
    pace = _pace(plan)
    starts = [frame.start for frame in frames(pace, plan.stop - plan.first, max(1, n_frames - 1))]
    return np.unique([*starts, whole[-1]])


def frame_starts(spans: Sequence[Span]) -> NDArray[np.uint32]:
    """The moment at which each frame of the film begins.

    Of one run these are the film's own frames, each at the first moment from its step on; of
    several the pace is over the moments of all.
    """
    plan = spans[0].plan
    steps = np.unique(np.concatenate([span.steps for span in spans]))
    if len(spans) == 1:
        begins = plan.run.steps[[frame.start for frame in plan.frames]]
        starts = np.searchsorted(steps, begins)
        return np.unique(starts[starts < len(steps)]).astype(np.uint32)
    shown = frames(_pace(plan), len(steps), plan.spec.frames)
    return np.array([frame.start for frame in shown], np.uint32)


def longest_blur(starts: NDArray[np.uint32], n_moments: int) -> int:
    """How many moments the longest frame covers, as far as sub-steps have an alpha."""
    strides = np.diff([*starts.tolist(), n_moments])
    return int(np.clip(strides.max() + 1, LEAST_BLUR, LONGEST_BLUR))


def _pace(plan: Plan) -> Pace:
    pace = plan.spec.pace
    return parse_pace(pace) if isinstance(pace, str) else pace
