"""Panels of three dimensions that turn about their upright axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError

LEAST_FRAMES = 8  # of a turn
FARTHEST_SHADE = 0.35  # of its color that the farthest point keeps; the nearest has all of it


@dataclass(frozen=True)
class Turntable:
    """Where three components are seen from.

    Attributes:
        columns: Where they stand among those that are read: right, up and towards the viewer, at
            the angle 0.
        pivot: The place about which they turn, in the same order; it is seen at 0, up and down at
            its own height.
        radius: How far from the upright axis points lie, at most.
    """

    columns: tuple[int, int, int]
    pivot: tuple[float, float, float]
    radius: float

    def seen(
        self, positions: NDArray[np.float32], angle_rad: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Places as they are seen, by parallel rays.

        Args:
            positions: (d, ...) all components that are read.
            angle_rad: By which they have turned, about the upright axis, counterclockwise as seen
                from above.

        Returns:
            (2, ...) right of the axis and up, and (...) towards the viewer from it.
        """
        right, up, near = (positions[column] for column in self.columns)
        x = right - np.float32(self.pivot[0])
        z = near - np.float32(self.pivot[2])
        # Of a whole turn's angle exactly what that of none has.
        cos, sin = np.float32(math.cos(angle_rad)), np.float32(math.sin(angle_rad))
        return np.stack([x * cos + z * sin, up]), z * cos - x * sin

    def shade(self, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """How much of its color each point keeps, (N,) in 0..1: the farther, the less."""
        if self.radius <= 0:
            return np.ones(len(depth), np.float32)
        near = np.clip((depth / np.float32(self.radius) + 1) / 2, 0, 1)
        near = np.where(np.isfinite(near), near, 1)
        return np.asarray(FARTHEST_SHADE + (1 - FARTHEST_SHADE) * near, np.float32)


def nearest_last(
    depth: NDArray[np.float32], highlighted: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """(N,) the points' numbers, the farthest first; those that stand out after all others.

    Args:
        depth: (N,) towards the viewer; NaN for nowhere.
        highlighted: (N,) the points that stand out; None where none do.
    """
    keys = [np.where(np.isfinite(depth), depth, -np.inf)]
    if highlighted is not None:
        keys.append(highlighted)
    return np.asarray(np.lexsort(keys), np.int64)


def angle_of(frame: int, per_turn: int) -> float:
    """The angle of a frame, in radians; that after a whole turn is the first one's.

    Args:
        frame: Its number.
        per_turn: Frames in a turn.
    """
    return 2 * math.pi * (frame % per_turn) / per_turn


def frames_per_turn(turn_s: float, fps: float) -> int:
    """How many frames a turn takes.

    Raises:
        OptionError: They are fewer than would look like a turn.
    """
    n = round(turn_s * fps)
    if n < LEAST_FRAMES:
        raise OptionError(
            f"a turn of {turn_s:g} s has {n} frames at {fps:g} a second; it takes {LEAST_FRAMES}"
        )
    return n
