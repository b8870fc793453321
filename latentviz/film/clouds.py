"""A film's clouds of points: one for each projection of a run's points, in limits that fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..pacing import Frame
from ..raster.fitting import DOT_SHARE, fitting_limits
from ..raster.layout import Layout, window_of
from ..reach import Fit, Reach, framed_fit
from ..scene import Cell, Cloud, CloudPanel, Coloring, Panel
from ..text import printable
from ..views import (
    UNIT_RADIUS,
    Shown,
    are_colors,
    clouds_of,
    coloring,
    default_alpha,
    default_radius_px,
    has_plate,
)
from .kept import kept_reach
from .marks import FilmMarks
from .panels import Plan

STEPS_LOOKED_AT = 5  # for norms


class FilmClouds:
    """The clouds of points."""

    kind: ClassVar[type[Panel]] = CloudPanel

    def __init__(self, plan: Plan, shown: Shown, marks: FilmMarks) -> None:
        self.plan, self.shown, self.marks = plan, shown, marks

    def __len__(self) -> int:
        return len(self.shown.projections)

    @property
    def of_colors(self) -> bool:
        """Whether the points are colors."""
        return are_colors(self.shown.run.colors)

    @property
    def alpha(self) -> float:
        """The opacity of a still dot."""
        if self.plan.spec.alpha is not None:
            return self.plan.spec.alpha
        return default_alpha(self.shown.run.n_points, of_colors=self.of_colors)

    @cached_property
    def coloring(self) -> Coloring:
        """The points' colors, and what they mean.

        Raises:
            OptionError: The run's colors cannot be drawn.
        """
        run, plan = self.shown.run, self.plan
        return coloring(
            run.colors,
            run.n_points,
            plan.theme,
            plan.spec.colormap,
            class_names=run.class_names,
        )

    @cached_property
    def reach(self) -> Reach:
        """How far the points go in the components that are shown, over all that the film shows."""
        return kept_reach(self.plan, self.shown, about_origin=self.of_colors)

    def panels(self, cells: Sequence[Cell], layout: Layout) -> tuple[CloudPanel, ...]:
        """The panels, in limits that fit if none are asked for."""
        if layout.framed:
            return tuple(self._framed(k, cell) for k, cell in enumerate(cells))
        spec = self.plan.spec
        limits = spec.limits
        if limits is None:
            low, high = (side[self.shown.columns] for side in self._kept)
            bodies = [cell.body for cell in cells]
            limits = fitting_limits(
                low, high, bodies=bodies, page=layout.dots, dot_radius=spec.dot_radius
            )
        radius = DOT_SHARE * limits if spec.dot_radius is None else spec.dot_radius
        return tuple(self._panel(k, cell, limits, radius) for k, cell in enumerate(cells))

    def _framed(self, k: int, cell: Cell) -> CloudPanel:
        """The k-th projection in a frame, around the middle of its points unless 0 is meant."""
        spec, side_px = self.plan.spec, cell.body.width
        radius_px = DOT_SHARE * side_px / 2
        if not self.of_colors:
            radius_px = default_radius_px(self.shown.run.n_points, side_px)
        share = 2 * radius_px / side_px
        if spec.limits is None:
            fit = framed_fit(
                self.reach,
                self.shown.columns[k].tolist(),
                about_origin=self.of_colors or self.has_plate,
                dot_share=share,
                dot_radius=spec.dot_radius,
                plate_radius=UNIT_RADIUS if self.has_plate else None,
            )
        else:
            fit = Fit((0.0, 0.0), spec.limits)
        radius = share * fit.limits if spec.dot_radius is None else spec.dot_radius
        return self._panel(k, cell, fit.limits, radius, center=fit.center, framed=True)

    def _panel(
        self,
        k: int,
        cell: Cell,
        limits: float,
        dot_radius: float,
        *,
        center: tuple[float, float] = (0.0, 0.0),
        framed: bool = False,
    ) -> CloudPanel:
        name = self.shown.name if k == 0 else ""
        return CloudPanel(
            cell,
            title=printable(self.shown.projections[k].title),
            row_name=name,
            limits=limits,
            dot_radius=dot_radius,
            plate_radius=UNIT_RADIUS if self.has_plate else None,
            coloring=self.coloring,
            center=center,
            framed=framed,
            labels=self.marks.labels(self.shown.columns[k]),
            highlighted=self.marks.is_highlighted,
        )

    @cached_property
    def has_plate(self) -> bool:
        """Whether the unit disc is drawn, and so the origin in the middle."""
        return has_plate(
            self.plan.spec.plate,
            self.shown.fitted,
            of_colors=self.of_colors,
            farthest=self._farthest,
            largest_norm=self._largest_norm,
        )

    def _farthest(self) -> float:
        """The largest coordinate that limits are to hold, whichever way it points."""
        low, high = self._kept
        return float(max(-low.min(), high.max()))

    def _largest_norm(self) -> float:
        """The largest norm of the latents at a few steps."""
        run = self.shown.run
        first, stop = self.plan.first, self.plan.stop
        looked_at = np.unique(np.linspace(first, stop - 1, STEPS_LOOKED_AT).astype(np.int64))
        return float(np.nanmax(np.linalg.norm(run.latents(run.steps[looked_at]), axis=2)))

    @property
    def _kept(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How far limits about the origin are to reach along each component, (d,) each.

        0 along one that no projection shows.
        """
        columns = np.unique(self.shown.columns)
        low, high = np.zeros((2, len(self.shown.dims)))
        low[columns], high[columns] = self.reach.kept(columns.tolist())
        return low, high

    def parts(self, frame: Frame) -> tuple[Cloud, ...]:
        """The points' places.

        Raises:
            ArchiveError: The run is damaged, or no point is finite at a step.
        """
        marks = self.marks
        clouds = clouds_of(self.shown, frame, self.alpha, highlighted=marks.is_highlighted)
        return tuple(
            replace(cloud, trails=marks.trails(frame, columns))
            for cloud, columns in zip(clouds, self.shown.columns, strict=True)
        )

    def beyond(self, panels: Sequence[CloudPanel]) -> NDArray[np.bool_]:
        """In which frames points lie beyond an edge of their panel, where marks say so, (F,)."""
        edges = np.array([window_of(panel).edges for panel in panels])
        centers = np.array([panel.center for panel in panels])
        low, high = (
            side[:, self.shown.columns] - centers for side in (self.reach.low, self.reach.high)
        )
        return np.asarray(((low < -edges) | (high > edges)).any((-2, -1)))


def are_framed(rows: Sequence[FilmClouds]) -> bool:
    """Whether clouds stand in frames: all but those of colors, whose dots may run over."""
    return len(rows) > 1 or not all(row.of_colors for row in rows)
