"""A run's schedule: what is set at each step, recorded or before there is any run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .errors import OptionError


@dataclass(frozen=True, eq=False)
class Schedule:
    """The properties of a training over T steps, and what is to happen when.

    `Run.schedule` gives a recorded run's; make one to draw what is yet to be trained
    (`plot_timeline`).

    Raises:
        OptionError: A shape is wrong, or the steps do not increase.
    """

    name: str
    steps: NDArray[np.int64]
    """(T,) increasing."""
    params: Mapping[str, NDArray[np.float64]]
    """Each property's value at each step, (T,)."""
    keyframes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """The steps at which each property is keyed."""
    phases: Sequence[tuple[int, str]] = ()
    """The steps at which the phases start, and their names."""
    actions: Sequence[tuple[int, str]] = ()
    """The steps at which something is done, and its name."""
    gaps: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    """Where each property has no value, (T,); by default where it is NaN."""

    def __post_init__(self) -> None:
        n_steps = len(self.steps)
        if np.shape(self.steps) != (n_steps,) or n_steps == 0 or (np.diff(self.steps) <= 0).any():
            raise OptionError(
                f"a schedule's steps must be (T,) increasing, got shape {np.shape(self.steps)}"
            )
        masked = {n: v for n, v in self.params.items() if isinstance(v, np.ma.MaskedArray)}
        if masked:  # what is masked has no value
            gaps = {name: np.ma.getmaskarray(values) for name, values in masked.items()}
            filled = {n: np.ma.filled(values.astype(float), np.nan) for n, values in masked.items()}
            object.__setattr__(self, "params", {**self.params, **filled})
            object.__setattr__(self, "gaps", {**gaps, **self.gaps})
        for name, values in [*self.params.items(), *self.gaps.items()]:
            if np.shape(values) != (n_steps,):
                raise OptionError(
                    f"property {name!r} must be ({n_steps},), one value a step, "
                    f"got {np.shape(values)}"
                )

    def gaps_of(self, name: str) -> NDArray[np.bool_]:
        """Where a property has no value, (T,) bool."""
        given = self.gaps.get(name)
        return np.isnan(self.params[name]) if given is None else given
