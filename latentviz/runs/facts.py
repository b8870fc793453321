"""What is known of a run before any of its points are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from .schedule import Schedule


@dataclass(frozen=True, eq=False, repr=False)
class Facts:
    """What a `Run` holds in memory: its steps, its curves, and what marks its points."""

    name: str
    steps: NDArray[np.int64]  # (T,) increasing
    params: Mapping[str, NDArray[np.float64]]  # the schedule's properties, each (T,), NaN in gaps
    losses: Mapping[str, NDArray[np.float64]]  # losses and their terms, each (T,), NaN in gaps
    param_gaps: Mapping[str, NDArray[np.bool_]]  # where each has no value, (T,)
    loss_gaps: Mapping[str, NDArray[np.bool_]]  # any other NaN is what it was
    metrics: Mapping[str, NDArray[np.float64]]  # what else was measured, as losses are
    metric_gaps: Mapping[str, NDArray[np.bool_]]
    final_losses: Mapping[str, float]  # after the last update, where they were measured
    final_metrics: Mapping[str, float]
    colors: NDArray[Any] | None  # (N, 3) RGB in 0..1, (N,) integer labels or (N,) scalars
    classes: NDArray[np.int64] | None  # (N,); colors that are labels are classes, too
    class_names: tuple[str, ...] | None  # which the classes count, if they have names
    point_names: tuple[str, ...] | None  # N of them
    keyframes: Mapping[str, Sequence[int]]  # a property's keyed steps
    phases: Sequence[tuple[int, str]]  # (first step, name)
    actions: Sequence[tuple[int, str]]  # (step, name) of what else was done
    seed: int | None

    def __len__(self) -> int:
        """The number of recorded steps."""
        return len(self.steps)

    @property
    def schedule(self) -> Schedule:
        """The run's schedule by itself."""
        return Schedule(
            self.name,
            self.steps,
            self.params,
            keyframes=self.keyframes,
            phases=self.phases,
            actions=self.actions,
            gaps=self.param_gaps,
        )

    def index_of(self, step: int | np.integer[Any]) -> int:
        """Where a step stands among the recorded steps.

        Raises:
            OptionError: It was not recorded, or is no whole number.
        """
        if not isinstance(step, int | np.integer):
            raise OptionError(f"a step is a whole number, got {step!r}")
        index = int(np.searchsorted(self.steps, step))
        if index == len(self) or self.steps[index] != step:
            raise OptionError(
                f"step {step} was not recorded; the run has {len(self)} steps, "
                f"{self.steps[0]} to {self.steps[-1]}"
            )
        return index

    def indices_of(self, steps: Sequence[int] | NDArray[Any]) -> NDArray[np.int64]:
        """Where steps stand among the recorded steps, (n,), one at least.

        Raises:
            OptionError: One was not recorded, or they are no whole numbers.
        """
        wanted = np.asarray(steps)
        if wanted.size == 0:
            raise OptionError("no steps were asked for")
        if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
            raise OptionError(f"steps must be whole numbers, got {wanted.dtype} {wanted.shape}")
        indices = np.searchsorted(self.steps, wanted)
        missing = self.steps[np.minimum(indices, len(self) - 1)] != wanted
        if missing.any():
            self.index_of(int(wanted[missing][0]))
        return indices
