"""Principal components: the directions in which a run's points spread most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..blas import one_thread
from ..errors import OptionError
from ..runs.run import Run
from .fitted import Component
from .linear import Linear, pin_signs
from .moments import measure_moments
from .states import all_states, evenly, n_dims_of, state_at, states_in_figures
from .transform import At, Center, parse_at

# Some seconds on a core of today. Counted, not timed: the same run has the same components always.
MOST_PRODUCTS = 10**11
MOST_COMPONENTS = 256


@dataclass(frozen=True)
class PCA:
    """Exact principal components of all of a run's points, or of one state's."""

    at: At | None = None
    """The one state; None for all of the run."""

    name: ClassVar[str] = "pca"

    @property
    def text(self) -> str:
        """Such as ``pca@final``."""
        return self.name if self.at is None else f"{self.name}@{self.at}"

    @classmethod
    def parse(cls, rest: str) -> PCA:
        """Of ``@final``, ``@STEP`` or nothing.

        Raises:
            OptionError: It is none of these.
        """
        if not rest:
            return cls()
        if not rest.startswith("@"):
            raise OptionError(f"pca is pca, pca@final or pca@STEP, got {cls.name + rest!r}")
        return cls(parse_at(rest[1:], cls.name + rest))

    def fit(self, runs: Sequence[Run], center: Center | None) -> Linear:
        """The components of the runs' points together.

        All states are looked at if that takes no more than `MOST_PRODUCTS` products; else evenly
        spaced ones. Points are left out where they are not finite.

        Args:
            runs: One or several, of latents with the same D.
            center: Take each point from the mean over the runs (the default), or from its step's.

        Raises:
            OptionError: A step was not recorded, or D differs.
            ArchiveError: A run is damaged, or no point is finite.
        """
        n_dims = n_dims_of(runs)
        states = [(run, self._states(run, n_dims, len(runs))) for run in runs]
        moments = measure_moments(states)
        scatter = moments.within if center == "step" else moments.total
        variances, directions = principal(scatter / moments.n)
        shares = shares_of(variances, float(np.trace(scatter)) / moments.n)
        figures = {
            "project": self.text,
            "center": center or "run",
            "fitted_to": [states_in_figures(*state) for state in states],
            "points_left_out": moments.n_left_out,
            "shares": shares,
        }
        return Linear(
            moments.mean.astype(np.float32),
            directions.astype(np.float32),
            tuple(Component(f"PC{k}", share) for k, share in enumerate(shares, 1)),
            is_centered=center == "step",
            figures=figures,
        )

    def _states(self, run: Run, n_dims: int, n_runs: int) -> NDArray[np.int64]:
        if self.at is not None:
            return state_at(run, self.at)
        products = run.n_points * n_dims * n_dims * n_runs
        found = all_states(run)
        return found[evenly(len(found), max(2, MOST_PRODUCTS // products))]


def principal(
    covariance: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first components, those of largest variance first.

    Args:
        covariance: (D, D).

    Returns:
        Variances (k,) and directions (k, D) of length 1, of which the entry of largest magnitude is
        above 0 (the first on ties), as scikit-learn's ``svd_flip(u_based_decision=False)`` has it.
    """
    with one_thread():
        variances, columns = np.linalg.eigh(covariance)
    variances, directions = variances[::-1], columns.T[::-1]
    kept = slice(min(len(variances), MOST_COMPONENTS))
    return np.maximum(variances[kept], 0), pin_signs(directions[kept])


def shares_of(variances: NDArray[np.float64], total: float) -> list[float]:
    """Shares of a total variance; 0 of none."""
    shares: Any = variances / total if total > 0 else np.zeros(len(variances))
    return [float(share) for share in shares]
