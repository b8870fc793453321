"""The axes along which the classes of a run's points lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError, OptionError
from ..runs.run import Run
from .fitted import Component
from .linear import Linear, pin_signs
from .moments import measure_moments, state_means, whole_points
from .pca import principal, shares_of
from .states import all_states, evenly, n_dims_of, read_states, states_in_figures
from .transform import Center

MOST_VALUES = 2 * 10**9  # that are added up: some seconds
MOST_PRODUCTS = 10**10


@dataclass(frozen=True)
class Classes:
    """The principal components of the class means, each a mean over the run."""

    name: ClassVar[str] = "classes"
    text: ClassVar[str] = "classes"

    @classmethod
    def parse(cls, rest: str) -> Classes:
        """Of nothing.

        Raises:
            OptionError: There is more.
        """
        if rest:
            raise OptionError(f"nothing follows classes, got {cls.name + rest!r}")
        return cls()

    def fit(self, runs: Sequence[Run], center: Center | None) -> Linear:
        """The axes of the runs' classes together.

        A class's mean at each state is averaged over the states (evenly spaced ones, if there are
        very many points). Of two classes there is one such axis; the second is then the direction
        across it in which the points spread most, ``rest``.

        Args:
            runs: One or several, of latents with the same D, in which a class is the same number.
            center: Take each point from the mean of the class means (the default), or from its
                step's mean.

        Raises:
            OptionError: A run has no classes, or fewer than two, or D differs.
            ArchiveError: A run is damaged, or no point of a class is finite.
        """
        n_dims = n_dims_of(runs)
        labels = [_checked_classes(run) for run in runs]
        found = np.unique(np.concatenate(labels))
        if len(found) < 2:
            raise OptionError("classes needs points of two classes or more, got one class")
        states = []
        for run in runs:
            every = all_states(run)
            most = MOST_VALUES // (run.n_points * n_dims * len(runs))
            states.append((run, every[evenly(len(every), max(2, most))]))
        sums, counts = np.zeros((len(found), n_dims)), np.zeros(len(found))
        for (run, indices), classes in zip(states, labels, strict=True):
            for _, latents in read_states(run, indices):
                _add_means(sums, counts, latents, np.searchsorted(found, classes), center)
        if not counts.all():
            raise ArchiveError(f"no point of class {found[counts.argmin()]} is finite at any step")
        means = sums / counts[:, None]
        mean = means.mean(0)
        apart = means - mean
        variances, directions = principal(apart.T @ apart / len(found))
        shares = shares_of(variances, float(np.square(apart).sum()) / len(found))
        n_axes = min(len(found) - 1, len(directions))
        components = [Component(f"CM{k + 1}", shares[k]) for k in range(n_axes)]
        directions = directions[:n_axes]
        if n_axes == 1 and n_dims > 1:
            directions = np.concatenate([directions, _across(directions[0], states)])
            components.append(Component("rest"))
        return Linear(
            mean.astype(np.float32),
            directions.astype(np.float32),
            tuple(components),
            is_centered=center == "step",
            figures={
                "project": self.text,
                "center": center or "run",
                "fitted_to": [states_in_figures(*state) for state in states],
                "classes": len(found),
                "shares": shares[:n_axes],
            },
        )


def _checked_classes(run: Run) -> NDArray[np.int64]:
    classes = run.classes
    if classes is None:
        raise OptionError(
            f"classes needs points with classes, and {run.name} has none; record them "
            "with classes=, or take another transform, such as pca"
        )
    return classes


def _add_means(
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
    latents: NDArray[np.float32],
    classes: NDArray[np.int64],
    center: Center | None,
) -> None:
    """Add each class's mean at some states (n, N, D) to sums (K, D), and 1 to its count."""
    whole = whole_points(latents)
    middle = state_means(latents, whole)[0] if center == "step" else 0.0
    for k in range(len(sums)):
        members = classes == k
        if members.any():
            means, n = state_means(latents[:, members], whole[:, members])
            sums[k] += (means - middle)[n > 0].sum(0)
            counts[k] += int((n > 0).sum())


def _across(
    axis: NDArray[np.float64], states: Sequence[tuple[Run, NDArray[np.int64]]]
) -> NDArray[np.float64]:
    """The direction across an axis in which points spread most, (1, D)."""
    fewer = []
    for run, indices in states:
        most = MOST_PRODUCTS // (run.n_points * len(axis) ** 2 * len(states))
        fewer.append((run, indices[evenly(len(indices), max(2, most))]))
    moments = measure_moments(fewer)
    off = np.eye(len(axis)) - np.outer(axis, axis)
    _, directions = principal(off @ moments.within @ off / moments.n)
    first = off @ directions[0]  # not along the axis even where there is no spread across it
    length = float(np.linalg.norm(first))
    if length < 0.5:
        first = off[np.abs(np.diag(off)).argmax()]
        length = float(np.linalg.norm(first))
    return pin_signs(first[None] / length)
