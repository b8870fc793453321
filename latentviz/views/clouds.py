"""Clouds of points: points in several projections, blurred over a frame's sub-steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError
from ..pacing import Frame
from ..runs.blocks import Source
from ..scene import Cloud
from .coloring import drawing_order
from .dots import FADED_SHARE
from .shown import Shown
from .shutter import open_shares
from .turntable import Turntable, nearest_last


def substep_alpha(alpha: float, n_substeps: int) -> float:
    """The alpha of each of n sub-steps, such that a still point looks alike however many they are.

    Stacked, n layers of 1 - (1-a)^(1/n) have the opacity a; near a = 1 that would leave only the
    last one visible, so the value bends towards 0.99 / (1 + ln n).
    """
    base = 1.0 - math.pow(1.0 - alpha, 1.0 / n_substeps)
    opaque = 0.99 / (1.0 + math.log(n_substeps))
    return base + alpha**5 * (opaque - base)


def clouds_of(
    shown: Shown,
    frame: Frame,
    alpha: float,
    *,
    highlighted: NDArray[np.bool_] | None = None,
    shutter_deg: float | None = None,
    turned: Mapping[int, tuple[Turntable, float]] | None = None,
) -> tuple[Cloud, ...]:
    """All recorded steps that a frame covers, as clouds of points, one for each projection.

    Args:
        shown: Which points, in which projections; one is left out at sub-steps at which it is not
            finite.
        frame: What the frame covers.
        alpha: Of a still point, above 0 and at most 1.
        highlighted: (N,) the points that lie above all others, which fade; None where none do.
        shutter_deg: How long a shutter is open, whose light is averaged; None where sub-steps are
            stacked.
        turned: Of projections of three dimensions, by their numbers, where they are seen from and
            at which angle.

    Raises:
        ArchiveError: At a step no point is finite.
    """
    run = shown.run
    steps = run.steps[frame.start : frame.stop]
    positions = frame_positions(shown.source, frame)
    # In memory as they are drawn, a point's sub-steps side by side: (d, N, n).
    columns = np.ascontiguousarray(positions.transpose(2, 1, 0))
    n_points, n_left_out = columns.shape[1], 0
    finite = np.isfinite(columns)
    if not finite.all():
        whole = np.asarray(finite.all(0))  # (N, n)
        some = np.asarray(whole.any(0))
        if not some.all():
            k = int(np.argmin(some))
            when = f"at step {steps[k]}" if k < len(steps) else "after the last update"
            raise ArchiveError(
                f"the latents {when} are not finite at {n_points} of {n_points} "
                "points; render the steps before it with --steps"
            )
        columns[:, ~whole] = np.nan
        n_left_out = int((~whole.all(1)).sum())
    each, faded = substep_alpha(alpha, len(positions)), None
    order = drawing_order(run.colors, n_points, highlighted)
    if highlighted is not None:
        faded = substep_alpha(FADED_SHARE * alpha, len(positions))
    shares = None if shutter_deg is None else open_shares(run.steps, frame, shutter_deg)
    clouds = []
    for k, rows in enumerate(shown.columns):
        if turned is not None and k in turned:
            table, angle = turned[k]
            xy, depth = table.seen(columns, angle)
            last = depth[:, -1]
            seen = np.ascontiguousarray(xy).transpose(1, 2, 0)
            nearest = nearest_last(last, highlighted)
            cloud = Cloud(seen, each, nearest, n_left_out, faded, shade=table.shade(last))
        else:
            cloud = Cloud(columns[rows].transpose(1, 2, 0), each, order, n_left_out, faded)
        clouds.append(replace(cloud, shares=shares))
    return tuple(clouds)


def frame_positions(source: Source, frame: Frame) -> NDArray[np.float32]:
    """All that a frame shows, (n, N, k): a sub-step a recorded step, and what followed the last."""
    if frame.start == frame.stop:  # the run has ended
        return source.final()[None]
    if frame.between is None:
        positions = source.positions(np.arange(frame.start, frame.stop))
    else:
        positions = _positions_between(source, np.array(frame.between))
    return np.concatenate([positions, source.final()[None]]) if frame.after else positions


def _positions_between(source: Source, at: NDArray[np.float64]) -> NDArray[np.float32]:
    """Where points are at indices with a fraction: on straight lines between recorded steps."""
    before = np.floor(at).astype(np.int64)
    after = np.ceil(at).astype(np.int64)
    recorded, places = np.unique(np.concatenate([before, after]), return_inverse=True)
    positions = source.positions(recorded)
    from_, to = positions[places[: len(at)]], positions[places[len(at) :]]
    share = (at - before).astype(np.float32)[:, None, None]
    # At a recorded step, to the bit what was recorded.
    return np.asarray(np.where(share == 0, from_, from_ + share * (to - from_)), np.float32)


def frame_end(source: Source, frame: Frame) -> NDArray[np.float32]:
    """The last of what a frame shows, (N, k)."""
    if frame.after:
        return source.final()
    if frame.between is not None:
        return np.asarray(frame_positions(source, frame)[-1])
    last: NDArray[np.float32] = source.positions(np.array([frame.stop - 1]))[0]
    return last
