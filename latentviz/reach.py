"""How far a film's points reach: one pass over all that it shows, to which limits are fitted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .pacing import Frame
from .runs.blocks import Source
from .views import frame_positions

MOST_POINTS = 0.995  # of the points, at each step
MOST_FRAMES = 0.99  # of the frames
# What goes farther than this times what most do, runs away: it must not shrink all others. Of
# 20,000 points about a center, spread as a bell, the farthest lies 1.5 times as far out as most.
RUNAWAY = 2.0


@dataclass(frozen=True)
class Reach:
    """How far points reach along the d dimensions shown, frame by frame; all of them finite.

    Attributes:
        low: (F, d) float32, each frame's least coordinate, of any point at any of its steps.
        high: (F, d) float32, the greatest.
        most: (F, d) float32, within this distance from 0 `MOST_POINTS` lie, at each of its steps.
        left_out: (N,) which points are not finite at some step.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    most: NDArray[np.float32]
    left_out: NDArray[np.bool_]

    @property
    def kept(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The least and the greatest coordinates that limits are to hold, (d,) each.

        All of them; or, where the farthest lies more than `RUNAWAY` times as far out as most
        points do in most frames, none beyond that.
        """
        low, high = self.low.min(0).astype(float), self.high.max(0).astype(float)
        farthest = max(-low.min(), high.max(), 0.0)
        widest = np.sort(self.most.max(1))
        most = float(widest[math.ceil(MOST_FRAMES * len(widest)) - 1])
        if 0 < RUNAWAY * most < farthest:
            return np.maximum(low, -most), np.minimum(high, most)
        return low, high


def measure_reach(source: Source, frames: Sequence[Frame]) -> Reach:
    """Look at all that the frames show; a point does not count where it is not finite.

    Args:
        source: The points, in the d dimensions that the film shows.
        frames: The film's.

    Raises:
        ArchiveError: The run is damaged.
        ModelError: It cannot be evaluated.
    """
    n_points, n_dims = source.positions(np.array([frames[0].start])).shape[1:]
    low, high, most = (np.zeros((len(frames), n_dims), np.float32) for _ in range(3))
    left_out = np.zeros(n_points, np.bool_)
    for k, frame in enumerate(frames):
        # A point's coordinates side by side: (n, d, N).
        columns = np.ascontiguousarray(frame_positions(source, frame).transpose(0, 2, 1))
        finite = np.isfinite(columns)
        if not finite.all():
            whole = np.asarray(finite.all(1))  # (n, N)
            columns.transpose(0, 2, 1)[~whole] = 0
            # Of a step without any there will be no picture.
            left_out |= ~np.asarray(whole[whole.any(1)].all(0))
        low[k], high[k] = columns.min((0, 2)), columns.max((0, 2))
        rank = math.ceil(MOST_POINTS * columns.shape[2]) - 1
        distance = np.abs(columns, out=columns)
        distance.partition(rank, axis=2)
        most[k] = distance[:, :, rank].max(0)
    return Reach(low, high, most, left_out)
