"""Masks: how text and marks come onto the pixels of a film, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

_f = np.float32
_HALF = _f(0.5)


@compiled
def blend_mask(
    canvas: NDArray[np.uint8],
    mask: NDArray[np.float32],
    x0: int,
    y0: int,
    color: tuple[int, int, int],
) -> None:
    """Blend a color onto (3, H, W) through a mask (h, w) of 0..1 at (x0, y0), clipped."""
    for channel in range(3):
        ink = _f(color[channel])
        plane = canvas[channel]
        for row in range(max(0, -y0), min(mask.shape[0], canvas.shape[1] - y0)):
            for column in range(max(0, -x0), min(mask.shape[1], canvas.shape[2] - x0)):
                below = _f(plane[y0 + row, x0 + column])
                value = below + mask[row, column] * (ink - below)
                plane[y0 + row, x0 + column] = np.uint8(np.int32(value + _HALF))
