"""The states of a run that a transform learns from, read a few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..runs.run import Run, source_of
from .transform import At

READ_BYTES = 8 << 20  # in float64


def all_states(run: Run) -> NDArray[np.int64]:
    """Indices of all recorded steps, and T for the state after the last update if it is known."""
    return np.arange(len(run) + run.has_final)


def evenly(n: int, most: int) -> NDArray[np.int64]:
    """``most`` of the indices 0 to n - 1, evenly spaced, both ends among them; all if fewer."""
    if most == 1:
        return np.array([n - 1])
    return np.unique(np.rint(np.linspace(0, n - 1, min(n, most))).astype(np.int64))


def state_at(run: Run, at: At) -> NDArray[np.int64]:
    """The index of one state, (1,).

    Raises:
        OptionError: The step was not recorded.
    """
    if at != "final":
        return np.array([run.index_of(at)])
    return np.array([len(run) if run.has_final else len(run) - 1])


def n_dims_of(runs: Sequence[Run]) -> int:
    """D, which runs must have in common.

    Raises:
        OptionError: They have not.
    """
    found = [run.n_dims for run in runs]
    if len(set(found)) > 1:
        each = ", ".join(f"{run.name}: {n}" for run, n in zip(runs, found, strict=True))
        raise OptionError(
            f"runs that share a basis have as many dimensions each, got {each}; for their own "
            "dimensions, give dims that all have"
        )
    return found[0]


def read_states(
    run: Run, indices: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Some states, in order, a few at a time.

    Args:
        run: The run.
        indices: (S,) increasing; T is the state after the last update.

    Yields:
        Indices (n,) and latents (n, N, D), how many depends on N and D alone.
    """
    source = source_of(run)
    n_bytes = 2 * source.positions(np.array([0])).nbytes
    n = max(1, READ_BYTES // n_bytes)
    for at in range(0, len(indices), n):
        some = indices[at : at + n]
        recorded = some[some < len(run)]
        pieces = [source.positions(recorded)] if len(recorded) else []
        if len(recorded) < len(some):
            pieces.append(source.final()[None])
        yield some, pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def states_in_figures(run: Run, indices: NDArray[np.int64]) -> dict[str, Any]:
    """Which states a transform was learned from, as plain values: how many, evenly spaced."""
    recorded = indices[indices < len(run)]
    return {
        "run": run.name,
        "states": len(indices),
        "of": len(all_states(run)),
        "first_step": int(run.steps[recorded[0]]) if len(recorded) else None,
        "last_step": int(run.steps[recorded[-1]]) if len(recorded) else None,
        "after_last_update": len(recorded) < len(indices),
    }
