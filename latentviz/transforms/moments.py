"""Means and covariances of a run's points over many of its states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..blas import one_thread
from ..errors import ArchiveError
from ..runs.run import Run
from .states import read_states

TILE_BYTES = 8 << 20


@dataclass(frozen=True, eq=False)
class Moments:
    """Of points at some states, those that are finite; each counts as much as any other."""

    n: int
    mean: NDArray[np.float64]  # (D,)
    within: NDArray[np.float64]  # (D, D) sum of squares about the mean of each state
    between: NDArray[np.float64]  # (D, D) sum of squares of these means, about the mean of all
    n_left_out: int  # not finite

    @property
    def total(self) -> NDArray[np.float64]:
        """(D, D) sum of squares about the one mean."""
        return self.within + self.between


def measure_moments(states: Iterable[tuple[Run, NDArray[np.int64]]]) -> Moments:
    """Add up the points of some states, in a fixed order, in float64.

    Args:
        states: Runs, and which of their states, as `read_states` takes them.

    Raises:
        ArchiveError: A run is damaged, or no point is finite.
    """
    sums: Moments | None = None
    for run, indices in states:
        for _, latents in read_states(run, indices):
            some = _moments_of(latents)
            sums = some if sums is None else _merged(sums, some)
    assert sums is not None  # there is at least one state
    if sums.n == 0:
        raise ArchiveError("no latents are finite at the steps that a transform is fitted to")
    return sums


def whole_points(latents: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which points of (n, N, D) are finite in all that they have, (n, N)."""
    return np.asarray(np.isfinite(latents).all(-1))


def state_means(
    latents: NDArray[np.float32], whole: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The mean of each state's finite points, (n, D), 0 of none; and how many they are, (n,)."""
    n = whole.sum(1)
    some = latents if whole.all() else np.where(whole[..., None], latents, np.float32(0))
    sums = some.sum(1, dtype=np.float64)
    return sums / np.maximum(n, 1)[:, None], n


def _moments_of(latents: NDArray[np.float32]) -> Moments:
    """Of a few states (n, N, D)."""
    n_dims = latents.shape[2]
    whole = whole_points(latents)
    means, n = state_means(latents, whole)
    within = np.zeros((n_dims, n_dims))
    # As many points of each state as make a tile; there are several states only if these are small.
    n_rows = max(1, TILE_BYTES // (8 * n_dims))
    for at in range(0, latents.shape[1], n_rows):
        tile = latents[:, at : at + n_rows] - means[:, None]
        tile[~whole[:, at : at + n_rows]] = 0
        rows = tile.reshape(-1, n_dims)
        with one_thread():
            within += rows.T @ rows
    n_all = int(n.sum())
    mean = (n[:, None] * means).sum(0) / max(n_all, 1)
    apart = np.sqrt(n)[:, None] * (means - mean)
    with one_thread():
        between = apart.T @ apart
    return Moments(n_all, mean, within, between, int(whole.size - n_all))


def _merged(a: Moments, b: Moments) -> Moments:
    """Of the points of both (Chan, Golub and LeVeque, 1979)."""
    n = a.n + b.n
    apart = b.mean - a.mean
    return Moments(
        n,
        a.mean + apart * (b.n / max(n, 1)),
        a.within + b.within,
        a.between + b.between + np.outer(apart, apart) * (a.n * b.n / max(n, 1)),
        a.n_left_out + b.n_left_out,
    )
