"""A film's clouds of points: one for each projection of a run's points, in limits that fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..raster.fitting import DOT_SHARE, fitting_limits
from ..raster.layout import Layout, window_of
from ..reach import Fit, Reach, framed_fit, joined
from ..scene import Cell, Cloud, CloudPanel, Coloring, Panel
from ..text import printable
from ..views import (
    UNIT_RADIUS,
    Shown,
    Turntable,
    angle_of,
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
from .turning import Turning, turning_of

STEPS_LOOKED_AT = 5  # for norms


class FilmClouds:
    """The clouds of points."""

    kind: ClassVar[type[Panel]] = CloudPanel

    def __init__(
        self,
        plan: Plan,
        shown: Shown,
        marks: FilmMarks,
        peers: Callable[[], Sequence[FilmClouds]] = tuple,
    ) -> None:
        """Plan them.

        Args:
            plan: Their run's.
            shown: Their points.
            marks: What marks these.
            peers: Gives the clouds of other runs that have limits in common with these.
        """
        self.plan, self.shown, self.marks = plan, shown, marks
        self._peers = peers

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
    def own_reach(self) -> Reach:
        """How far the points go in the components that are shown, over all that the film shows."""
        return kept_reach(self.plan, self.shown, about_origin=self.of_colors)

    @cached_property
    def reach(self) -> Reach:
        """How far these and the peers' points go."""
        return joined([self.own_reach, *(peer.own_reach for peer in self._peers())])

    @cached_property
    def turning(self) -> dict[int, Turning]:
        """The projections of three dimensions, by their numbers."""
        rows = [self, *self._peers()]
        shown = [(row.shown, row.plan.frames) for row in rows]
        reaches = [row.own_reach for row in rows]
        found = {}
        for k, projection in enumerate(self.shown.projections):
            if projection.k is not None:
                x, y, z = np.zeros(3).tolist()
                if not self.is_about_origin:
                    x, y, z = self.reach.center(self.shown.triple(k)).tolist()
                found[k] = turning_of(k, shown, reaches, (x, y, z))
        return found

    @property
    def is_about_origin(self) -> bool:
        """Whether the origin is in the middle of its panels."""
        return self.of_colors or self.has_plate or self.plan.spec.limits is not None

    def panels(self, cells: Sequence[Cell], layout: Layout) -> tuple[CloudPanel, ...]:
        """The panels, in limits that fit if none are asked for."""
        if layout.framed:
            framed = tuple(self._framed(k, cell) for k, cell in enumerate(cells))
            # In a column, and alone in a row, a panel may have another's on its left.
            beside = len(self) > 1 and not layout.across
            return tuple(replace(panel, named_beside=beside) for panel in framed)
        spec = self.plan.spec
        limits = spec.limits
        if limits is None:
            low, high = (side[self.shown.columns] for side in self._kept)
            for k, turning in self.turning.items():
                low[k], high[k] = turning.reach.kept([0, 1])
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
            turning = self.turning.get(k)
            fit = framed_fit(
                self.reach if turning is None else turning.reach,
                self.shown.columns[k].tolist() if turning is None else [0, 1],
                about_origin=self.is_about_origin,
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
            row_role=self.plan.role,
            limits=limits,
            dot_radius=dot_radius,
            plate_radius=UNIT_RADIUS if self.has_plate else None,
            coloring=self.coloring,
            center=center,
            framed=framed,
            labels=self.marks.labels(self.shown.columns[k], self._table(k)),
            highlighted=self.marks.is_highlighted,
            turns=k in self.turning,
            numbered=k not in self.turning,
        )

    @cached_property
    def has_plate(self) -> bool:
        """Whether the unit disc is drawn, and so the origin in the middle."""
        return has_plate(
            self.plan.spec.plate,
            self.shown.fitted,
            of_colors=self.of_colors,
            farthest=self._farthest,
            largest_norm=lambda: max(each.largest_norm() for each in (self, *self._peers())),
        )

    def _farthest(self) -> float:
        """The largest coordinate that limits are to hold, whichever way it points."""
        low, high = self._kept
        return float(max(-low.min(), high.max()))

    def largest_norm(self) -> float:
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

    def parts(self, index: int) -> tuple[Cloud, ...]:
        """The points' places.

        Raises:
            ArchiveError: The run is damaged, or no point is finite at a step.
        """
        marks, frame = self.marks, self.plan.frames[index]
        clouds = clouds_of(
            self.shown,
            frame,
            self.alpha,
            highlighted=marks.is_highlighted,
            shutter_deg=self.plan.spec.shutter_deg,
            turned={
                k: (turning.table, angle_of(index, self.plan.per_turn))
                for k, turning in self.turning.items()
            },
        )
        return tuple(
            replace(
                cloud,
                trails=marks.trails(frame, columns, self._table(k)),
                note=self._note(index) if k == 0 else "",
            )
            for k, (cloud, columns) in enumerate(zip(clouds, self.shown.columns, strict=True))
        )

    def _table(self, k: int) -> Turntable | None:
        turning = self.turning.get(k)
        return None if turning is None else turning.table

    def beyond(self, panels: Sequence[CloudPanel]) -> NDArray[np.bool_]:
        """In which frames points lie beyond an edge of their panel, where marks say so, (F,)."""
        edges = np.array([window_of(panel).edges for panel in panels])
        centers = np.array([panel.center for panel in panels])
        own = self.own_reach
        low, high = (side[:, self.shown.columns] for side in (own.low, own.high))
        for k, turning in self.turning.items():
            low[:, k], high[:, k] = turning.own.low, turning.own.high
        low, high = low - centers, high - centers
        return np.asarray(((low < -edges) | (high > edges)).any((-2, -1)))

    def _note(self, index: int) -> str:
        """Where the run is, if the heading does not say so."""
        plan = self.plan
        frame, clock = plan.frames[index], plan.clock
        last = int(plan.run.steps[frame.stop - 1])
        if not plan.name:
            return ""
        if clock.in_shares:
            return "" if frame.after else f"step {last}"
        has_ended = clock.moments[clock.frames[index].stop - 1] > last
        return f"ended at step {last}" if has_ended and frame.stop == plan.stop else ""


def sharing_limits(rows: Sequence[FilmClouds]) -> tuple[FilmClouds, ...]:
    """Clouds of several runs, of which those of the same points have their limits in common."""
    n_runs = len({row.plan for row in rows})
    n_rows = len(rows) // n_runs
    found: list[FilmClouds] = []

    def peers_of(k: int) -> Callable[[], Sequence[FilmClouds]]:
        return lambda: [found[i] for i in range(k % n_rows, len(rows), n_rows) if i != k]

    found += [FilmClouds(row.plan, row.shown, row.marks, peers_of(k)) for k, row in enumerate(rows)]
    return tuple(found)


def are_framed(rows: Sequence[FilmClouds]) -> bool:
    """Whether clouds stand in frames: all but those of colors, whose dots may run over."""
    return len(rows) > 1 or not all(row.of_colors for row in rows)
