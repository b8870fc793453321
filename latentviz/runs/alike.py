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
    if first.n_dims != other.n_dims:
        return f"it has {other.n_dims} dimensions, and {first.name} {first.n_dims}"
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
