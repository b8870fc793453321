"""How much of what points do a plane shows: shares of their variance, step by step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..blas import one_thread
from ..errors import OptionError
from ..runs.run import Run
from .fitted import Fitted
from .linear import Linear
from .spread import state_variances
from .states import read_states


def check_linear(fitted: Fitted) -> None:
    """Refuse a transform of which no share of a variance can be told.

    Raises:
        OptionError: It is no linear one.
    """
    if fitted.matrix is None:
        raise OptionError(
            "the share of variance that a plane holds can be told of a linear transform alone: "
            "of pca, classes, matrix, rows, or the latents' own dimensions"
        )


def explained(
    run: Run, fitted: Fitted, pairs: Sequence[tuple[int, ...]], indices: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The share of each state's variance, about its own mean, that lies in each plane.

    Args:
        run: The run.
        fitted: A linear transform.
        pairs: P planes, of two components each, or three.
        indices: (S,) states, increasing; T is the state after the last update.

    Returns:
        (S, P) in 0..1; NaN where points do not spread at all, or fewer than one is finite.

    Raises:
        OptionError: The transform is no linear one.
        ArchiveError: The run is damaged.
    """
    check_linear(fitted)
    planes = [_basis(fitted, pair) for pair in pairs]
    directions = np.concatenate(planes).astype(np.float32)
    ends = np.cumsum([len(plane) for plane in planes])[:-1]
    shares = []
    for some, latents in read_states(run, indices):
        variances, n = state_variances(latents)
        total = variances.sum(1)
        # From the middle of some point, so that what they have in common costs no digits.
        middle = np.nan_to_num(latents[0].mean(0), nan=0.0, posinf=0.0, neginf=0.0)
        along = Linear(middle, directions, ())(latents, some)
        held = state_variances(along)[0]
        in_planes = np.stack([part.sum(1) for part in np.split(held, ends, axis=1)], axis=1)
        known = (n > 0) & (total > 0)
        share = np.full(in_planes.shape, np.nan)
        share[known] = np.clip(in_planes[known] / total[known, None], 0, 1)
        shares.append(share)
    return np.concatenate(shares)


def _basis(fitted: Fitted, pair: tuple[int, ...]) -> NDArray[np.float64]:
    """Directions of length 1, at right angles, of the plane of some components, (2 or fewer, D)."""
    matrix = fitted.take(tuple(dict.fromkeys(pair))).matrix
    assert matrix is not None  # `check_linear` has looked
    with one_thread():
        _, lengths, directions = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    found: NDArray[np.float64] = directions[lengths > 1e-6 * max(lengths.max(), 1e-30)]
    return found
