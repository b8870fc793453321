"""The moment of a run that a picture shows: its layer, its step, and whether it can be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError, OptionError
from ..points import Points
from ..runs.evaluate import Evaluation
from ..runs.run import Run
from ..text import printable


@dataclass(frozen=True, eq=False)
class Moment:
    """A run at one of its steps, or after the last update. Made by `moment_of`."""

    run: Run
    """At the layer that is shown."""
    step: int | None
    """A recorded step, or None for the state after the last update."""
    when: str
    """The step in words, such as ``at step 7``."""
    of_layer: str
    """Such as `` of layer 0``; nothing of the layer that the run was recorded for."""

    @property
    def n_before(self) -> int:
        """How many steps were recorded before it."""
        return len(self.run) if self.step is None else self.run.index_of(self.step)

    def latents(self) -> NDArray[np.float32]:
        """The latents of the run's points, (N, D); recorded or evaluated.

        Raises:
            ModelError: The model is not registered, and none was given; or has no such layer.
            ArchiveError: The run has no probe, or is damaged.
        """
        return self.run.final_latents() if self.step is None else self.run.latents(self.step)

    def evaluate(self, inputs: Any) -> Evaluation:
        """The model's outputs for any inputs, as of `Run.evaluate`."""
        return self.run.evaluate(inputs, self.step)


def moment_of(
    run: Run, step: int | None, layer: str | None = None, points: str | None = None
) -> Moment:
    """The moment that a picture's options name.

    Args:
        run: The run.
        step: A recorded step; None for the state after the last update, or for the last recorded
            step where that state is not known (a recording that was cut off, a run from arrays).
        layer: The layer whose output is the latent; short for points ``layer:NAME``.
        points: The points, such as ``rows:embed.weight``; None for `Run.points`.

    Raises:
        OptionError: The step, the layer or the tensor was not recorded, or both are named.
        ModelError: The model has no such layer.
    """
    if layer is not None and points is not None:
        raise OptionError(
            f"layer is short for points layer:{printable(str(layer))}, and points are given; give "
            "one of them"
        )
    of_layer = ""
    if layer is not None:
        of_layer = "" if layer == run.layer else f" of layer {printable(str(layer))}"
        run = run.at_layer(layer)
    elif points is not None:
        shown = run.at_points(points)
        if shown.points != run.points:
            found = Points.parse(shown.points)
            of_layer = f" of {'layer ' if found.is_layer else ''}{found.words}"
        run = shown
    return Moment(run, *run.moment(step), of_layer)


def finite_points(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which points (..., D) are finite in all that they have, (...) bool."""
    return np.asarray(np.isfinite(values).all(-1))


def check_finite(what: str, values: NDArray[Any]) -> None:
    """Find out that points (N, D) cannot be drawn, as some are NaN or infinite.

    Raises:
        ArchiveError: Some are.
    """
    finite = finite_points(values)
    if not finite.all():
        raise ArchiveError(
            f"the {what} are not finite at {int((~finite).sum())} of {len(values)} points; show "
            "a step before it with --step"
        )
