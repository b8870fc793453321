"""How far points lie apart along each dimension of their latents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..projection import Pairs
from ..runs.run import Run
from .moments import state_means, whole_points
from .states import all_states, evenly, n_dims_of, read_states

MOST_STATES = 128
MOST_VALUES = 10**9


def spread_of(run: Run) -> NDArray[np.float64]:
    """The points' standard deviation along each dimension, root mean square over states, (D,).

    Over at most 128 evenly spaced states, and no more than 1e9 values or two states. Points are
    left out where they are not finite, and so are states without any that are.

    Raises:
        ArchiveError: The run is damaged.
        ModelError: It cannot be evaluated.
    """
    n_values = run.n_points * run.n_dims
    found = all_states(run)
    most = min(MOST_STATES, max(2, MOST_VALUES // n_values))
    total, n_states = np.zeros(n_values // run.n_points), 0
    for _, latents in read_states(run, found[evenly(len(found), most)]):
        variances, n = state_variances(latents)
        total += variances[n > 0].sum(0)
        n_states += int((n > 0).sum())
    spread: NDArray[np.float64] = np.sqrt(total / max(n_states, 1))
    return spread


def widest_pairs(run: Run, *others: Run) -> Pairs:
    """The planes of the three dimensions of largest spread, or of as many as there are.

    Raises:
        OptionError: Runs have not as many dimensions each.
    """
    first = widest(run, 3, *others)
    pairs = [(a, b) for k, a in enumerate(first) for b in first[k + 1 :]]
    return pairs or [(first[0], first[0])]


def widest(run: Run, n: int, *others: Run) -> list[int]:
    """The dimensions of largest spread, the widest first; of equal ones the lower number first."""
    spread = spread_of(run)
    if others:
        n_dims_of([run, *others])
        spread = np.sum([np.square(spread_of(each)) for each in (run, *others)], axis=0)
    return [int(dim) for dim in np.argsort(-spread, kind="stable")[:n]]


def mean_over_run(runs: Sequence[Run]) -> NDArray[np.float64]:
    """The mean of the points at the states that `spread_of` looks at, (D,)."""
    n_dims = n_dims_of(runs)
    sums, n_all = np.zeros(n_dims), 0
    for run in runs:
        found = all_states(run)
        for _, latents in read_states(run, found[evenly(len(found), MOST_STATES)]):
            means, n = state_means(latents, whole_points(latents))
            sums += (means * n[:, None]).sum(0)
            n_all += int(n.sum())
    return sums / max(n_all, 1)


def state_variances(
    latents: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Each state's variances along the D dimensions, (n, D), of n finite points, (n,)."""
    whole = whole_points(latents)
    means, n = state_means(latents, whole)
    squares = np.zeros_like(means)
    for k, state in enumerate(latents):
        # One state at a time, as float64 takes twice the room.
        apart = state - means[k]
        apart[~whole[k]] = 0
        squares[k] = np.square(apart, out=apart).sum(0)
    return squares / np.maximum(n, 1)[:, None], n
