"""What a run's model makes of a cube of colours."""

from __future__ import annotations

import numpy as np

from ..color import ColorCube
from ..errors import ModelError
from ..run import Run

# Few enough at a time that their activations stay in the cache.
COLORS_AT_ONCE = 1 << 16


def reconstructed(run: Run, cube: ColorCube, step: int | None) -> ColorCube:
    """The cube with ``reconstruction`` (*shape, 3) and ``error``, each colour's mean squared error.

    Args:
        run: A run of a model from colours to colours.
        cube: The colours.
        step: A recorded step, or None for the state after the last update.

    Raises:
        OptionError: The step was not recorded.
        ModelError: The model cannot be run on colours, or gives none.
        ArchiveError: The run has no states.
    """
    rgb = cube.points.astype(np.float32)
    parts = [
        run.evaluate(rgb[i : i + COLORS_AT_ONCE], step).outputs
        for i in range(0, len(rgb), COLORS_AT_ONCE)
    ]
    outputs = np.concatenate(parts)
    if outputs.shape != rgb.shape:
        raise ModelError(
            f"the model must map colors (N, 3) to colors (N, 3), it gave {parts[0].shape} for "
            f"{rgb[:COLORS_AT_ONCE].shape}; slices and errors are for color autoencoders"
        )
    error = np.square(outputs.astype(np.float64) - rgb).mean(-1)
    return cube.assign(reconstruction=outputs, error=error)


def error_summary(cube: ColorCube) -> dict[str, float]:
    """Largest and median error of a cube from `reconstructed`."""
    return {
        "error_max": float(cube["error"].max()),
        "error_median": float(np.median(cube["error"])),
    }
