"""The places that are to be packed: read in blocks, and looked through once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError

Read = Callable[[int, int], NDArray[np.float32]]
"""Places (n, N, k) float32 at the steps of indices ``start`` up to, and without, ``stop``."""

BLOCK_BYTES = 8 << 20
HELD_BYTES = 256 << 20  # so many places are read once, and kept


@dataclass(frozen=True)
class Steps:
    """The places of points at steps, and how large they are drawn."""

    read: Read
    shape: tuple[int, int, int]
    """T, N and k."""

    px: NDArray[np.float64]
    """(k,) pixels per data unit of each component."""

    @property
    def width(self) -> int:
        """How many numbers a step has."""
        return self.shape[1] * self.shape[2]

    def blocks(self, n: int | None = None) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """All places in order: the first step's index, and (n, N, k) float32.

        Args:
            n: How many steps are in a block, but for the last; by default a few megabytes.
        """
        if n is None:
            n = max(1, BLOCK_BYTES // (4 * self.width))
        for start in range(0, self.shape[0], n):
            yield start, self.read(start, min(start + n, self.shape[0]))

    def at(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Places (n, N, k) float32 at some steps, whose indices ascend."""
        places = np.empty((len(indices), *self.shape[1:]), np.float32)
        ends = np.flatnonzero(np.diff(indices) != 1) + 1
        for run in np.split(np.arange(len(indices)), ends):
            if len(run):
                first, last = int(indices[run[0]]), int(indices[run[-1]])
                places[run[0] : run[-1] + 1] = self.read(first, last + 1)
        return places

    @property
    def can_be_held(self) -> bool:
        """Whether all places together are so few that they are kept in memory."""
        return 4 * self.shape[0] * self.width <= HELD_BYTES

    def chosen(self, indices: NDArray[np.int64]) -> Steps:
        """The same points at some steps only, whose indices ascend."""
        shape = (len(indices), *self.shape[1:])
        chosen = Steps(lambda start, stop: self.at(indices[start:stop]), shape, self.px)
        if not chosen.can_be_held:
            return chosen
        places = self.at(indices)
        return Steps(lambda start, stop: places[start:stop], shape, self.px)


def look_through(
    steps: Steps, name_step: Callable[[int], str], told: Callable[[int], None]
) -> Steps:
    """The same steps, all of whose places are finite; they are held in memory if they are few.

    Args:
        steps: They are read once.
        name_step: Has a step's index in words.
        told: Called with the number of steps that were read.

    Raises:
        OptionError: Places are NaN or infinite.
    """
    N = steps.shape[1]
    held = np.empty(steps.shape, np.float32) if steps.can_be_held else None
    bad = np.zeros(N, bool)
    first_bad = None
    for start, block in steps.blocks():
        with np.errstate(invalid="ignore"):  # of infinity less infinity
            total = block.sum(dtype=np.float64)
        if not np.isfinite(total):  # of finite float32 it would be
            step, point, _ = np.nonzero(~np.isfinite(block))
            bad[point] = True
            if first_bad is None:
                first_bad = start + int(step[0])
        if held is not None:
            held[start : start + len(block)] = block
        told(start + len(block))
    if first_bad is not None:
        points = f"{bad.sum():,} of {N:,} points are" if bad.sum() > 1 else "a point is"
        raise OptionError(
            f"every place must be finite, but {points} NaN or infinite, from "
            f"{name_step(first_bad)} on; choose steps before that (--steps), or other points"
        )
    if held is None:
        return steps
    array = held
    return Steps(lambda start, stop: array[start:stop], steps.shape, steps.px)
