"""How far points reach: one pass over all that is shown, to which limits are fitted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
AIR = 0.04  # of a framed panel's limits: between the outermost dot and the frame
LEAST_SHARE = 0.1  # of them, for the points, however large the dots are
LEAST_HALF = 1e-30  # below this, float32 has no numbers left


@dataclass(frozen=True)
class Reach:
    """How far points reach along the d dimensions shown, frame by frame; all of them finite.

    Attributes:
        low: (F, d) float32, each frame's least coordinate, of any point at any of its steps.
        high: (F, d) float32, the greatest.
        most_low: (F, d) float32, from here to ``most_high`` lie most points, at each of its steps:
            at either end no more than those beyond `MOST_POINTS` are left out.
        most_high: (F, d) float32.
        left_out: (N,) which points are not finite at some step.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    most_low: NDArray[np.float32]
    most_high: NDArray[np.float32]
    left_out: NDArray[np.bool_]

    def center(self, dims: Sequence[int]) -> NDArray[np.float64]:
        """Midway between the ends of where most points lie in most frames, (len(dims),)."""
        low, high = self._most(dims)
        return (low + high) / 2

    def kept(
        self, dims: Sequence[int], center: NDArray[np.float64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The least and the greatest coordinates that limits are to hold, (len(dims),) each.

        All of them; or, where the farthest lies more than `RUNAWAY` times as far from the center as
        most points do in most frames, none beyond that.

        Args:
            dims: Which of the d.
            center: (len(dims),), from which it is measured; by default the origin.
        """
        columns = list(dims)
        low, high = (x.astype(float)[:, columns] for x in (self.low, self.high))
        low, high = low.min(0), high.max(0)
        middle = np.zeros(len(columns)) if center is None else center
        farthest = max((middle - low).max(), (high - middle).max(), 0.0)
        reaches = np.maximum(
            middle - self.most_low[:, columns], self.most_high[:, columns] - middle
        )
        most = float(_in_most_frames(reaches.max(1)))
        if 0 < RUNAWAY * most < farthest:
            return np.maximum(low, middle - most), np.minimum(high, middle + most)
        return low, high

    def _most(self, dims: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        columns = list(dims)
        lows, highs = self.most_low[:, columns], self.most_high[:, columns]
        return -_in_most_frames(-lows).astype(float), _in_most_frames(highs).astype(float)


def joined(reaches: Sequence[Reach]) -> Reach:
    """How far the points of several sources go, as one; ``left_out`` is the first's."""
    if len(reaches) == 1:
        return reaches[0]
    sides = ("low", "high", "most_low", "most_high")
    ends = {side: np.concatenate([getattr(each, side) for each in reaches]) for side in sides}
    return Reach(**ends, left_out=reaches[0].left_out)


def _in_most_frames(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Along the frames, (F, ...), the value that no more than 1 - `MOST_FRAMES` exceed."""
    rank = math.ceil(MOST_FRAMES * len(values)) - 1
    return np.asarray(np.sort(values, axis=0)[rank])


def measure_reach(source: Source, frames: Sequence[Frame], *, about_origin: bool = True) -> Reach:
    """Look at all that the frames show; a point does not count where it is not finite.

    Args:
        source: The points, in the d dimensions that the film shows.
        frames: The film's.
        about_origin: Whether most points are those that lie nearest to 0, or in the middle.

    Raises:
        ArchiveError: The run is damaged.
        ModelError: It cannot be evaluated.
    """
    spans = (frame_positions(source, frame) for frame in frames)
    return reach_of(spans, about_origin=about_origin)


def reach_of(spans: Iterable[NDArray[np.float32]], *, about_origin: bool = True) -> Reach:
    """Look at some states, frame by frame; a point does not count where it is not finite.

    Args:
        spans: Each frame's states, (n, N, d); one frame at least.
        about_origin: As for `measure_reach`.
    """
    ends: list[tuple[NDArray[np.float32], ...]] = []
    left_out: NDArray[np.bool_] | None = None
    for positions in spans:
        # A point's coordinates side by side: (n, d, N). A copy, which is sorted below.
        columns = np.array(positions.transpose(0, 2, 1), np.float32, order="C")
        finite = np.isfinite(columns)
        left_out = np.zeros(columns.shape[2], np.bool_) if left_out is None else left_out
        if not finite.all():
            columns, whole = _without_gaps(columns, np.asarray(finite.all(1)), about_origin)
            # Of a step without any there will be no picture.
            left_out |= ~np.asarray(whole[whole.any(1)].all(0))
        low, high = columns.min((0, 2)), columns.max((0, 2))
        rank = math.ceil(MOST_POINTS * columns.shape[2]) - 1
        if about_origin:
            distance = np.abs(columns, out=columns)
            distance.partition(rank, axis=2)
            most_high = distance[:, :, rank].max(0)
            most_low = -most_high
        else:
            first = columns.shape[2] - 1 - rank
            columns.partition(sorted({first, rank}), axis=2)
            most_low = columns[:, :, first].min(0)
            most_high = columns[:, :, rank].max(0)
        ends.append((low, high, most_low, most_high))
    assert left_out is not None  # there is a frame
    low, high, most_low, most_high = (np.stack(side) for side in zip(*ends, strict=True))
    return Reach(low, high, most_low, most_high, left_out)


class Fit(NamedTuple):
    """The part of the plane that a framed panel shows."""

    center: tuple[float, float]  # right and up, in data units
    limits: float  # so much to either side of it


def framed_fit(
    reach: Reach,
    dims: Sequence[int],
    *,
    about_origin: bool,
    dot_share: float,
    dot_radius: float | None = None,
    plate_radius: float | None = None,
) -> Fit:
    """The least part of a plane that holds the points with their dots, and the unit disc.

    Args:
        reach: How far the points go.
        dims: The two dimensions of the plane, among the d.
        about_origin: Whether the origin is to be in the middle, or the points.
        dot_share: A dot's radius as a share of the limits.
        dot_radius: Its radius in data units, where somebody chose it.
        plate_radius: Of the disc about the origin; None where there is none.
    """
    middle = np.zeros(2) if about_origin else reach.center(dims)
    low, high = reach.kept(dims, middle)
    half = max(float((middle - low).max()), float((high - middle).max()))
    if plate_radius is not None:
        half = max(half, plate_radius - (dot_share if dot_radius is None else 0))
    # Points that all lie in one place are not shown between two numbers of float32.
    half = half or max(1.0, float(np.abs(middle).max()) * 1e-3)
    given = {"dot_share": dot_share} if dot_radius is None else {}
    limits = framed_limits(half, dot_radius=dot_radius or 0.0, **given)
    return Fit((float(middle[0]), float(middle[1])), limits)


def framed_limits(half: float, *, dot_radius: float = 0.0, dot_share: float = 0.0) -> float:
    """The limits of a framed panel at which all dots are seen whole, with some air.

    Args:
        half: How far the points lie from the panel's center, at most.
        dot_radius: In data units; or
        dot_share: the same as a share of the limits.
    """
    return max(half + dot_radius, LEAST_HALF) / max(LEAST_SHARE, 1 - AIR - dot_share)


def _without_gaps(
    columns: NDArray[np.float32], whole: NDArray[np.bool_], about_origin: bool
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Points (n, d, N) of which those that are not whole, (n, N), lie where they do not count.

    That is at 0, or where another point of that step lies.
    """
    places = columns.transpose(0, 2, 1)
    if about_origin:
        places[~whole] = 0
        return columns, whole
    for step, kept in enumerate(whole):
        others = places[step, kept]
        # The middle one along each dimension is within what the others span.
        places[step, ~kept] = np.median(others, axis=0) if len(others) else 0
    return columns, whole
