"""Points of a run as a picture or film shows them: transformed, in some projections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..projection import AUTO, Dims, Pairs, Projection, projections, within
from ..runs.blocks import Source, View
from ..runs.run import Run, sources_of, view_of
from ..transforms import Axes, Center, Fitted, as_transform, widest_pairs

FEW_DIMS = 4  # whose default planes are those of the published films; of more, the widest


@dataclass(frozen=True, eq=False)
class Shown:
    """Points of a run, and the planes in which they are shown. Made by `shown_of`."""

    run: Run
    fitted: Fitted
    """With all components that there are to choose from."""
    projections: tuple[Projection, ...]
    beside: tuple[View, ...] = ()
    """What is shown beside them of the same run, and read in the same forward pass."""
    name: str = ""
    """Of the row, where there are several."""
    more: tuple[int, ...] = ()
    """Components that are read beside those of the projections."""

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """Each projection's components, (P, 2), right and up."""
        return np.array([[p.i, p.j] for p in self.projections])

    @cached_property
    def dims(self) -> NDArray[np.int64]:
        """The components that are read, (d,), increasing: those of the projections, and `more`."""
        near = [p.k for p in self.projections if p.k is not None]
        return np.unique([*self.pairs.ravel().tolist(), *near, *self.more])

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """Where each projection's components stand among those of `source`, (P, 2)."""
        return np.searchsorted(self.dims, self.pairs)

    def triple(self, k: int) -> tuple[int, int, int]:
        """Where the components of the k-th projection, of three dimensions, stand in `source`."""
        right, up, near = np.searchsorted(self.dims, self.projections[k].dims).tolist()
        return right, up, near

    @cached_property
    def drawn(self) -> Fitted:
        """The transform with the components that are read alone."""
        return self.fitted.take(tuple(self.dims.tolist()))

    @cached_property
    def view(self) -> View:
        """The points in these components, as they are read."""
        return view_of(self.run, self.drawn)

    @cached_property
    def source(self) -> Source:
        """The points in these components, (n, N, d)."""
        return sources_of(self.run, [self.view, *self.beside])[0]

    def with_components(self, n: int) -> Shown:
        """The same with at least ``n`` components that are read, as far as there are any.

        What is added are the first of the components that no projection shows.
        """
        others = [i for i in range(len(self.fitted.components)) if i not in self.pairs]
        return replace(self, more=tuple(others[: max(0, n - len(self.dims))]))


def shown_of(
    run: Run,
    *,
    dims: Sequence[Dims] | str | None = None,
    names: Sequence[str] = (),
    default: Pairs | None = None,
    project: object = None,
    center: Center | None = None,
    fitted: Fitted | None = None,
    others: Sequence[Run] = (),
    turning: bool = False,
) -> Shown:
    """The points of a run (`Run.points`), in the planes that are asked for.

    Args:
        run: The run.
        dims: Pairs of components, (right, up); or ``auto``: of a transform its first components,
            of latents as they are the dimensions of largest spread.
        names: Follow the projections' titles, in order.
        default: The pairs where none are asked for and the latents, of at most four dimensions, are
            shown as they are; by default the films'. Elsewhere the default is ``auto``.
        project: What `as_transform` takes; None for the latents as they are.
        center: What each step's points are taken from, for a transform.
        fitted: A transform that is ready for use, in place of these two.
        turning: Whether projections may be of three dimensions.
        others: All runs that are shown in the same planes, this one among them.

    Raises:
        OptionError: A component is out of range, there are more names than projections, or the
            transform does not fit the run.
        ArchiveError: The run is damaged.
    """
    if fitted is None:
        fitted = fitted_of([run], project, center)
    as_they_are = isinstance(fitted, Axes)
    n = len(fitted.components)
    widths = {n, *(run.n_dims for run in others)} if as_they_are else {n}
    if dims is None and as_they_are and (max(widths) <= FEW_DIMS or len(widths) > 1):
        # Of runs that differ, those that all have.
        dims = within(fitted.default_dims if default is None else default, min(widths))
    if dims is None or dims == AUTO:
        dims = widest_pairs(*(others or [run])) if as_they_are else fitted.default_dims
    if isinstance(dims, str):
        raise OptionError(f"dims must be pairs of dimensions, or auto, got {dims!r}")
    what = "latents have" if as_they_are else "transform gives"
    return Shown(run, fitted, projections(dims, names, n, fitted.title, what=what, turning=turning))


def fitted_of(runs: Sequence[Run], project: object, center: Center | None) -> Fitted:
    """The transform that is asked for, fitted to one run or several together.

    Raises:
        OptionError: There is none such, or it does not fit the runs; or there is a center of none.
        ArchiveError: A run is damaged.
    """
    if project is not None:
        return as_transform(project).fit(runs, center)
    if center is not None:
        raise OptionError("a center is of a transform; add --project, such as --project pca")
    n = runs[0].n_dims
    return Axes(tuple(range(n)), n)
