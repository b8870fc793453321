"""The clock of a film, and what stands above a frame: its step and its speed, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..pacing import Frame
from ..scene import AFTER_LAST, AFTER_STEP, Heading
from ..text import counted

BETWEEN = "between steps on straight lines"
PARTS = 10**9  # of a run, by which shares are counted


@dataclass(frozen=True, eq=False)
class Clock:
    """What a film counts by, and what each frame covers of that.

    Attributes:
        moments: (T,) increasing: the steps that any run has recorded; or `PARTS` of each run.
        frames: Which of these each frame covers, as indices.
        first: Index of the first that is shown.
        stop: Index after the last.
        in_shares: Whether moments are shares of each run, and not steps.
        is_between: Whether points are shown between recorded steps, too.
    """

    moments: NDArray[np.int64]
    frames: Sequence[Frame]
    first: int
    stop: int
    in_shares: bool = False
    is_between: bool = False

    def heading(self, index: int, n_left_out: int, note: str) -> Heading:
        """What stands above a frame."""
        frame = self.frames[index]
        if self.is_between:
            note = ", ".join(filter(None, [note, BETWEEN]))
        words = heading(self.moments, frame, n_left_out, note)
        if self.is_between and frame.stride == 1:
            words = replace(words, speed="")  # it is less than a step
        if not self.in_shares:
            return words
        said = AFTER_LAST if frame.after else f"{100 * self.share(index):.1f} % of each run"
        return replace(words, words=said, number="", speed="")

    def share(self, index: int) -> float:
        """How much of each run has passed in a frame, 0..1; in the last one all."""
        stop = self.frames[index].stop
        return 1.0 if stop == self.stop else float(self.moments[stop - 1] / PARTS)

    @property
    def last_step(self) -> int:
        """The greatest step number, for which a heading makes room; 0 where it has none."""
        return 0 if self.in_shares else int(self.moments[self.stop - 1])

    @property
    def pacing(self) -> str:
        """How fast it goes, in words."""
        n = self.stop - self.first
        if self.is_between:
            return f"{len(self.frames)} frames, between and at {counted(n, 'recorded moment')}"
        what = "moments" if self.in_shares else "steps"
        strides = [frame.stride for frame in self.frames]
        return (
            f"{len(self.frames)} of {n} {what} start a frame; {what} a frame: {strides[0]} at the "
            f"start, {max(strides)} at most, {strides[-1]} at the end"
        )

    def frame_at(self, step: int) -> int:
        """Which frame shows a step.

        Raises:
            OptionError: The step was not recorded, or is not in the film.
        """
        if self.in_shares:
            raise OptionError(
                "runs aligned by their fractions are at different steps; name a frame in place of "
                "a step"
            )
        at = int(np.searchsorted(self.moments, step))
        if not self.first <= at < self.stop:
            raise OptionError(f"step {step} is not in the film, which shows {self.shown}")
        stops = [frame.stop for frame in self.frames]
        return int(np.searchsorted(stops, at, side="right"))

    @property
    def shown(self) -> str:
        """From where to where it goes, in words."""
        if self.in_shares:
            return "the whole of each run"
        return f"steps {self.moments[self.first]} to {self.moments[self.stop - 1]}"

    def covered(self, index: int) -> tuple[int, int] | None:
        """The first and the last step of a frame; None where runs are at different ones."""
        if self.in_shares:
            return None
        frame = self.frames[index]
        return int(self.moments[frame.start]), int(self.moments[frame.stop - 1])


@dataclass(frozen=True, eq=False)
class Span:
    """What a film shows of one of its runs.

    Attributes:
        moments: (stop - first,) when each of its steps is, on the clock.
        frames: What each frame covers of it: recorded steps, as indices. Where the clock has run
            on and no step is recorded, its latest; after its end, what followed the last update.
        first: Index of the first recorded step.
        stop: Index after the last.
        after: The moment of what followed its last update; None where that is not shown.
    """

    moments: NDArray[np.int64]
    frames: Sequence[Frame]
    first: int
    stop: int
    after: int | None = None


def heading(steps: NDArray[np.int64], frame: Frame, n_left_out: int, note: str = "") -> Heading:
    """A frame's words.

    Args:
        steps: (T,) the recorded steps, increasing.
        frame: Which of them it covers.
        n_left_out: Points that are not finite at some of its sub-steps.
        note: More to say of the points.
    """
    words, number = "step", str(steps[frame.stop - 1])
    if frame.after:
        # Where not every step was recorded, nobody knows which one was the last.
        words, number = (AFTER_STEP, number) if is_dense(steps) else (AFTER_LAST, "")
    covered = steps_covered(steps, frame)
    left_out = f"{counted(n_left_out, 'point')} not finite" if n_left_out else ""
    return Heading(
        words,
        number,
        # Of a run that was not recorded at every step, a frame a recorded step is no speed.
        speed="" if frame.stride == 1 < covered else speed_words(covered),
        note=", ".join(filter(None, [note, left_out])),
    )


def speed_words(speed: int) -> str:
    """The playback speed, in steps a frame; one step a frame is no fast-forward."""
    return f"▸▸{speed}x" if speed > 1 else f"▸{speed}x"


def steps_covered(steps: NDArray[np.int64], frame: Frame) -> int:
    """How many steps of training a frame stands for: more than it shows if not all were recorded.

    The last recorded step stands for as many as the one before it.
    """
    if frame.stop < len(steps):
        return int(steps[frame.stop] - steps[frame.start])
    return int(end_of(steps) - steps[frame.start])


def end_of(steps: NDArray[np.int64]) -> int:
    """The step that would follow the last recorded one."""
    stride = int(steps[-1] - steps[-2]) if len(steps) > 1 else 1
    return int(steps[-1]) + stride


def is_dense(steps: NDArray[np.int64]) -> bool:
    """Whether the last steps that were recorded follow each other: nothing came between them."""
    return end_of(steps) - int(steps[-1]) == 1
