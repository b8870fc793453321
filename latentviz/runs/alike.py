"""Whether the points of two runs correspond: the same inputs, or as many rows of a tensor."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .evaluate import Inputs
from .run import Run


def unlike(first: Run, other: Run) -> str | None:
    """Why a run's points do not correspond to those of the first, in words; None if they do."""
    if first.n_points != other.n_points:
        return f"it has {other.n_points} points, and {first.name} {first.n_points}"
    dims = [int(run.latents(int(run.steps[0])).shape[1]) for run in (first, other)]
    if dims[0] != dims[1]:
        return f"it has {dims[1]} dimensions, and {first.name} {dims[0]}"
    if first.has_probe and other.has_probe and not _are_equal(first.probe, other.probe):
        return f"its probe is another than that of {first.name}"
    return None


def _are_equal(first: Inputs, other: Inputs) -> bool:
    if isinstance(first, Mapping) and isinstance(other, Mapping):
        return first.keys() == other.keys() and all(
            np.array_equal(array, other[name]) for name, array in first.items()
        )
    if isinstance(first, Mapping) or isinstance(other, Mapping):
        return False
    return np.array_equal(first, other)
