"""A transparent ground: how much of each pixel is covered, and by which color."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLACK, WHITE = "#000000", "#ffffff"


def transparent(black: NDArray[np.uint8], white: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What was drawn, without its ground, of how it looks on black and on white.

    All that is drawn lets the same share of any ground through. Where that is all of it, black and
    white are as they were; where it is none, both are alike.

    Args:
        black: (3, H, W) drawn on black.
        white: (3, H, W) the same, drawn on white.

    Returns:
        (4, H, W) uint8: red, green, blue, and alpha, which they are not multiplied with.
    """
    on_black, on_white = black.astype(np.float32), white.astype(np.float32)
    # The mean of three channels, each rounded by itself, is nearer to the truth than one.
    alpha = np.rint(np.clip(255 - (on_white - on_black).mean(0), 0, 255))
    # Both say what was drawn; so does their mean, with less of what rounding did to each.
    drawn = (on_black + on_white - (255 - alpha)) / 2
    color = np.rint(np.clip(drawn * (255 / np.maximum(alpha, 1)), 0, 255))
    return np.concatenate([np.where(alpha > 0, color, 0), alpha[None]]).astype(np.uint8)
