"""A film's projections of three dimensions, which turn about their upright axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..pacing import Frame
from ..reach import Reach, joined, reach_of
from ..views import Shown, Turntable, frame_positions


@dataclass(frozen=True, eq=False)
class Turning:
    """A projection that turns. Made by `turning_of`.

    Attributes:
        table: Where it is seen from.
        own: How far the row's points go, right of the axis at any angle, and up: two dimensions.
        reach: How far all points go that have limits in common with it, likewise.
    """

    table: Turntable
    own: Reach
    reach: Reach


def turning_of(
    k: int,
    shown: Sequence[tuple[Shown, Sequence[Frame]]],
    reaches: Sequence[Reach],
    pivot: tuple[float, float, float],
) -> Turning:
    """The k-th projection of a row, of three dimensions.

    Args:
        k: Its number.
        shown: The row's points, and those that have limits in common with it; and what each frame
            shows of them.
        reaches: How far these go.
        pivot: Right, up and near, the place about which they turn.
    """
    around = [
        _reach_around(*each, k, pivot, reach) for each, reach in zip(shown, reaches, strict=True)
    ]
    together = joined(around)
    radius = float(together.kept([0])[1][0])
    return Turning(Turntable(shown[0][0].triple(k), pivot, radius), around[0], together)


def _reach_around(
    shown: Shown, frames: Sequence[Frame], k: int, pivot: Sequence[float], reach: Reach
) -> Reach:
    right, up, near = shown.triple(k)
    axis = np.array([pivot[0], pivot[2]], np.float32)

    def radii(frame: Frame) -> NDArray[np.float32]:
        across = frame_positions(shown.source, frame)[..., [right, near]] - axis
        radius: NDArray[np.float32] = np.linalg.norm(across, axis=-1)[..., None]
        return radius

    out = reach_of(radii(frame) for frame in frames)
    return Reach(
        low=np.stack([-out.high[:, 0], reach.low[:, up]], 1),
        high=np.stack([out.high[:, 0], reach.high[:, up]], 1),
        most_low=np.stack([-out.most_high[:, 0], reach.most_low[:, up]], 1),
        most_high=np.stack([out.most_high[:, 0], reach.most_high[:, up]], 1),
        left_out=reach.left_out,
    )
