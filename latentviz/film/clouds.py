"""A film's clouds of points: one for each projection of a run's points, in limits that fit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..pacing import Frame
from ..raster.fitting import DOT_SHARE, fitting_limits
from ..raster.layout import Layout, window_in
from ..reach import Reach, measure_reach
from ..scene import Cell, Cloud, CloudPanel, Panel
from ..views import Shown, clouds_of, coloring, panels_of
from .panels import Plan

Real = TypeVar("Real", np.float32, np.float64)


class FilmClouds:
    """The clouds of points."""

    kind: ClassVar[type[Panel]] = CloudPanel

    def __init__(self, plan: Plan, shown: Shown) -> None:
        self._plan, self.shown = plan, shown

    def __len__(self) -> int:
        return len(self.shown.projections)

    @cached_property
    def reach(self) -> Reach:
        """How far the points go in the components that are shown, over all that the film shows."""
        return measure_reach(self.shown.source, self._plan.frames)

    def panels(self, cells: Sequence[Cell], layout: Layout) -> tuple[CloudPanel, ...]:
        """The panels, in limits that fit if none are asked for."""
        run, spec = self.shown.run, self._plan.spec
        limits = spec.limits
        if limits is None:
            low, high = (self._by_projection(side) for side in self.reach.kept)
            bodies = [cell.body for cell in cells]
            limits = fitting_limits(
                low, high, bodies=bodies, page=layout.dots, dot_radius=spec.dot_radius
            )
        return panels_of(
            self.shown,
            cells,
            limits=limits,
            dot_radius=DOT_SHARE * limits if spec.dot_radius is None else spec.dot_radius,
            coloring=coloring(
                run.colors,
                run.n_points,
                self._plan.theme,
                spec.colormap,
                class_names=run.class_names,
            ),
        )

    def parts(self, frame: Frame) -> tuple[Cloud, ...]:
        """The points' places.

        Raises:
            ArchiveError: The run is damaged, or no point is finite at a step.
        """
        return clouds_of(self.shown, frame, self._plan.spec.alpha)

    def beyond(self, panels: Sequence[CloudPanel]) -> NDArray[np.bool_]:
        """In which frames points lie beyond an edge of their panel, where marks say so, (F,)."""
        edges = np.array([window_in(panel.cell.body, panel.limits).edges for panel in panels])
        low, high = self._by_projection(self.reach.low), self._by_projection(self.reach.high)
        return np.asarray(((low < -edges) | (high > edges)).any((-2, -1)))

    def _by_projection(self, along: NDArray[Real]) -> NDArray[Real]:
        """Values along each component shown, (..., d), as (..., P, 2), right and up."""
        return along[..., self.shown.columns]
