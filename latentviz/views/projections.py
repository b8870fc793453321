"""The film's main view: latents in several projections, blurred over a frame's sub-steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError, OptionError
from ..pacing import Frame
from ..projection import Projection
from ..runs.blocks import Source
from ..runs.run import Run, source_of
from ..scene import Scene
from ..transforms import Axes


def substep_alpha(alpha: float, n_substeps: int) -> float:
    """The alpha of each of n sub-steps, such that a still point looks alike however many they are.

    Stacked, n layers of 1 - (1-a)^(1/n) have the opacity a; near a = 1 that would leave only the
    last one visible, so the value bends towards 0.99 / (1 + ln n).
    """
    base = 1.0 - math.pow(1.0 - alpha, 1.0 / n_substeps)
    opaque = 0.99 / (1.0 + math.log(n_substeps))
    return base + alpha**5 * (opaque - base)


def steps_covered(run: Run, frame: Frame) -> int:
    """How many steps of training a frame stands for: more than it shows if not all were recorded.

    The last recorded step stands for as many as the one before it.
    """
    steps = run.steps
    if frame.stop < len(steps):
        return int(steps[frame.stop] - steps[frame.start])
    last = int(steps[-1] - steps[-2]) if len(steps) > 1 else 1
    return int(steps[-1] - steps[frame.start]) + last


def is_dense(run: Run) -> bool:
    """Whether the last steps that were recorded follow each other: nothing came between them."""
    return len(run) < 2 or bool(run.steps[-1] - run.steps[-2] == 1)


@dataclass(frozen=True)
class ProjectionsView:
    """All recorded steps that a frame covers, as positions in each projection."""

    projections: tuple[Projection, ...]
    alpha: float

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 1:
            raise OptionError(f"alpha must be above 0 and at most 1, got {self.alpha:g}")

    @property
    def dims(self) -> NDArray[np.int64]:
        """The latent dimensions that are shown, (d,), increasing."""
        return np.unique(self.pairs)

    @property
    def pairs(self) -> NDArray[np.int64]:
        """Each projection's dimensions, (P, 2), right and up."""
        return np.array([[p.i, p.j] for p in self.projections])

    def __call__(self, run: Run, frame: Frame) -> Scene:
        """The scene of one frame; a point is left out at sub-steps at which it is not finite.

        Raises:
            ArchiveError: At a step no point is finite.
        """
        steps = run.steps[frame.start : frame.stop]
        source = source_of(run, Axes(tuple(self.dims.tolist())))
        shown = frame_positions(source, frame)
        # In memory as they are drawn, a point's sub-steps side by side: (d, N, n).
        columns = np.ascontiguousarray(shown.transpose(2, 1, 0))
        n_left_out = 0
        finite = np.isfinite(columns)
        if not finite.all():
            whole = np.asarray(finite.all(0))  # (N, n)
            some = np.asarray(whole.any(0))
            if not some.all():
                k = int(np.argmin(some))
                when = f"at step {steps[k]}" if k < len(steps) else "after the last update"
                raise ArchiveError(
                    f"the latents {when} are not finite at {run.n_points} of {run.n_points} "
                    "points; render the steps before it with --steps"
                )
            columns[:, ~whole] = np.nan
            n_left_out = int((~whole.all(1)).sum())
        # (P, 2, N, n) -> (P, N, n, 2)
        positions = columns[np.searchsorted(self.dims, self.pairs)].transpose(0, 2, 3, 1)
        step, covered = int(steps[-1]), steps_covered(run, frame)
        words: str = "step"
        number: int | None = step
        if frame.after:
            # Where not every step was recorded, nobody knows which one was the last.
            words, number = (
                ("after step", step) if is_dense(run) else ("after the last update", None)
            )
        return Scene(
            positions=positions,
            alpha=substep_alpha(self.alpha, len(shown)),
            step=step,
            words=words,
            number=number,
            # Of a run that was not recorded at every step, a frame a recorded step is no speed.
            speed=None if frame.stride == 1 < covered else covered,
            n_left_out=n_left_out,
        )


def frame_positions(source: Source, frame: Frame) -> NDArray[np.float32]:
    """All that a frame shows, (n, N, k): a sub-step a recorded step, and what followed the last."""
    positions = source.positions(np.arange(frame.start, frame.stop))
    return np.concatenate([positions, source.final()[None]]) if frame.after else positions
