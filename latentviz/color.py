"""Colours as RGB floats in 0..1; hue is cyclic with period 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rgb_from_hsv(hsv: ArrayLike) -> NDArray[np.float64]:
    """RGB from HSV.

    Args:
        hsv: (..., 3), hue (any real number, cyclic), saturation and value in 0..1.

    Returns:
        (..., 3) float64 in 0..1.
    """
    h, s, v = np.moveaxis(np.asarray(hsv, dtype=np.float64), -1, 0)
    # Each channel is a trapezoid over the hue circle, a third of a turn apart.
    k = (np.array([5.0, 3.0, 1.0]) + 6.0 * np.mod(h, 1.0)[..., None]) % 6.0
    ramp = np.clip(np.minimum(k, 4.0 - k), 0.0, 1.0)
    return np.asarray(v[..., None] * (1.0 - s[..., None] * ramp))


def hsv_from_rgb(rgb: ArrayLike) -> NDArray[np.float64]:
    """HSV from RGB.

    Args:
        rgb: (..., 3) in 0..1.

    Returns:
        (..., 3) float64; the hue of a grey is 0, and so is the saturation of black.
    """
    rgb = np.asarray(rgb, dtype=np.float64)
    r, g, b = np.moveaxis(rgb, -1, 0)
    value = rgb.max(-1)
    chroma = value - rgb.min(-1)
    safe = np.where(chroma > 0, chroma, 1.0)
    sector = np.select(
        [chroma == 0, value == r, value == g],
        [np.zeros_like(value), (g - b) / safe, 2.0 + (b - r) / safe],
        4.0 + (r - g) / safe,
    )
    saturation = np.where(value > 0, chroma / np.where(value > 0, value, 1.0), 0.0)
    return np.stack([np.mod(sector / 6.0, 1.0), saturation, value], -1)


def rgb_grid(n: int) -> NDArray[np.float64]:
    """The RGB cube sampled ``n`` times along each axis, (n³, 3) float64, blue fastest."""
    axis = np.linspace(0.0, 1.0, n)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
