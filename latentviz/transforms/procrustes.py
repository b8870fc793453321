"""The orthogonal matrix that turns one run onto another: Procrustes, reflections allowed."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..blas import one_thread
from ..errors import OptionError
from ..runs.alike import unlike
from ..runs.run import Run, turned
from ..text import printable
from .linear import Linear
from .states import evenly, read_states, state_at

Register = Literal["final", "all"]
MOST_STATES = 1024


def registered(first: Run, other: Run, at: Register) -> Run:
    """A run turned onto the first, by the one matrix that brings their points closest.

    Args:
        first: The run that stays.
        other: The run that is turned about the origin, or mirrored.
        at: Fit it to the state after the last update (or the last recorded one), or to ``all``
            steps that both have recorded; of more than 1,024, to evenly spaced ones.

    Raises:
        OptionError: Their points do not correspond, or they have no step in common.
        ArchiveError: A run is damaged.
    """
    if why := unlike(first, other):
        raise OptionError(
            f"register turns {printable(other.name)} onto {printable(first.name)}, point by "
            f"point, but {why}"
        )
    return turned(other, _turn(first, other, at))


def _turn(first: Run, other: Run, at: Register) -> Linear:
    product: NDArray[np.float64] | None = None
    pairs = zip(
        read_states(first, _states(first, other, at)),
        read_states(other, _states(other, first, at)),
        strict=True,
    )
    with one_thread():
        for (_, onto), (_, points) in pairs:
            whole = np.isfinite(onto).all(-1) & np.isfinite(points).all(-1)
            a, b = points[whole].astype(np.float64), onto[whole].astype(np.float64)
            added = a.T @ b
            product = added if product is None else product + added
        assert product is not None  # there is a state
        u, _, v = np.linalg.svd(product)
    matrix = (u @ v).T
    return Linear(np.zeros(len(matrix), np.float32), matrix.astype(np.float32), ())


def _states(run: Run, other: Run, at: Register) -> NDArray[np.int64]:
    """Indices of a run's states that have one that corresponds."""
    if at == "final":
        return state_at(run, at)
    common = np.intersect1d(run.steps, other.steps)
    if not len(common):
        raise OptionError(
            f"register is over all steps that both have, but {printable(run.name)} and "
            f"{printable(other.name)} have none in common; fit it at final"
        )
    common = common[evenly(len(common), MOST_STATES)]
    states = run.indices_of(common)
    return np.append(states, len(run)) if run.has_final and other.has_final else states
