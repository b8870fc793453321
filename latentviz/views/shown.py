"""Points of a run as a picture or film shows them: transformed, in some projections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..projection import Pairs, Projection, projections, within
from ..runs.blocks import Source
from ..runs.run import Run, source_of
from ..transforms import Axes, Fitted


@dataclass(frozen=True, eq=False)
class Shown:
    """Points of a run, and the planes in which they are shown. Made by `shown_of`."""

    run: Run
    fitted: Fitted
    """With all components that there are to choose from."""
    projections: tuple[Projection, ...]

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """Each projection's components, (P, 2), right and up."""
        return np.array([[p.i, p.j] for p in self.projections])

    @cached_property
    def dims(self) -> NDArray[np.int64]:
        """The components that are shown, (d,), increasing."""
        return np.unique(self.pairs)

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """Where each projection's components stand among those of `source`, (P, 2)."""
        return np.searchsorted(self.dims, self.pairs)

    @cached_property
    def source(self) -> Source:
        """The points in the components that are shown, (n, N, d)."""
        return source_of(self.run, self.fitted.take(tuple(self.dims.tolist())))


def shown_of(
    run: Run,
    *,
    dims: Pairs | None = None,
    names: Sequence[str] = (),
    default: Pairs | None = None,
) -> Shown:
    """The points of a run in its `Run.layer`, in the planes that are asked for.

    Args:
        run: The run.
        dims: Pairs of components, (right, up).
        names: Follow the projections' titles, in order.
        default: The pairs where none are asked for; by default those that the transform suggests.

    Raises:
        OptionError: A component is out of range, or there are more names than projections.
    """
    n_dims = run.latents(int(run.steps[0])).shape[1]
    fitted = Axes(tuple(range(n_dims)))
    if dims is None:
        dims = fitted.default_dims if default is None else within(default, n_dims)
    return Shown(run, fitted, projections(dims, names, n_dims, fitted.title))
