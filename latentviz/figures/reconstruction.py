"""The reconstruction of a cube of colors by a run's model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..color import HSV, ColorCube
from ..errors import ModelError
from .moment import Moment

# Few enough at a time that their activations stay in the cache.
COLORS_AT_ONCE = 1 << 16


def reconstructed(moment: Moment, cube: ColorCube) -> ColorCube:
    """The cube with ``reconstruction`` (*shape, 3) and ``error``, each color's mean squared error.

    Args:
        moment: Of a run of a model from colors to colors.
        cube: The colors.

    Raises:
        ModelError: The model cannot be run on colors, or gives none.
        ArchiveError: The run has no states.
    """
    rgb = cube.points.astype(np.float32)
    try:
        parts = [
            moment.evaluate(rgb[i : i + COLORS_AT_ONCE]).outputs
            for i in range(0, len(rgb), COLORS_AT_ONCE)
        ]
    except ModelError as fault:
        raise ModelError(f"the model cannot be shown colors (N, 3): {fault}") from None
    outputs = np.concatenate(parts)
    if outputs.shape != rgb.shape:
        raise ModelError(
            f"the model must map colors (N, 3) to colors (N, 3), it gave {parts[0].shape} for "
            f"{rgb[:COLORS_AT_ONCE].shape}; slices and errors are for color autoencoders"
        )
    error = np.square(outputs.astype(np.float64) - rgb).mean(-1)
    return cube.assign(reconstruction=outputs, error=error)


@dataclass(frozen=True)
class Errors:
    """The errors of a cube from `reconstructed`, in numbers and in words."""

    least: float
    median: float
    largest: float
    worst: tuple[float, float, float]
    """Hue, saturation and value of the color with the largest error."""

    @property
    def words(self) -> str:
        """Median and largest, and where that is."""
        hue, saturation, value = self.worst
        return (
            f"median {self.median:.2g}, largest {self.largest:.2g}, at hue {360 * hue:.0f}°, "
            f"saturation {saturation:.2g}, value {value:.2g}"
        )

    @property
    def data(self) -> dict[str, Any]:
        """Plain values, for JSON, which has no NaN: an error that is not finite is None."""
        return {
            "error_max": self.largest if math.isfinite(self.largest) else None,
            "error_median": self.median if math.isfinite(self.median) else None,
            "worst_hsv": list(self.worst),
        }


def errors_of(cube: ColorCube) -> Errors:
    """The errors of an HSV cube from `reconstructed`."""
    error = cube["error"]
    worst = np.unravel_index(int(error.argmax()), cube.shape)
    h, s, v = (float(cube[axis][worst]) for axis in HSV)
    return Errors(float(error.min()), float(np.median(error)), float(error.max()), (h, s, v))
