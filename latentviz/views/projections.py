"""The film's main view: latents in several projections, blurred over a frame's sub-steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import ArchiveError, OptionError
from ..pacing import Frame
from ..projection import Projection
from ..run import Run
from ..scene import Scene


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


@dataclass(frozen=True)
class ProjectionsView:
    """All recorded steps that a frame covers, as positions in each projection."""

    projections: tuple[Projection, ...]
    alpha: float

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 1:
            raise OptionError(f"alpha must be above 0 and at most 1, got {self.alpha:g}")

    def __call__(self, run: Run, frame: Frame) -> Scene:
        """The scene of one frame.

        Raises:
            ArchiveError: Latents of a step are not finite.
        """
        steps = run.steps[frame.start : frame.stop]
        latents = run.latents(steps)  # (n, N, D)
        finite = np.isfinite(latents)
        if not finite.all():
            k = int(np.argmin(finite.all((1, 2))))
            bad = int((~finite[k].all(-1)).sum())
            raise ArchiveError(
                f"the latents at step {steps[k]} are not finite at {bad} of {run.n_points} points; "
                "render the steps before it with --steps"
            )
        pairs = np.array([[p.i, p.j] for p in self.projections])
        dims = np.unique(pairs)
        # In memory as they are drawn, a point's sub-steps side by side: (D, N, n).
        columns = np.ascontiguousarray(latents.transpose(2, 1, 0)[dims])
        # (P, 2, N, n) -> (P, N, n, 2)
        positions = columns[np.searchsorted(dims, pairs)].transpose(0, 2, 3, 1)
        alpha = substep_alpha(self.alpha, frame.stride)
        return Scene(positions, alpha, int(steps[0]), steps_covered(run, frame))
