"""A film's curves over the steps: of one run, or of several."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

from ..errors import OptionError
from ..raster.layout import Layout, has_room_for_charts
from ..scene import Cell, Chart, Cursor, CurvesPanel, Panel
from ..transforms import check_linear
from ..views import (
    Runs,
    cursor,
    divergence_chart,
    explained_chart,
    film_charts,
    losses_chart,
)
from .clouds import FilmClouds
from .panels import Plan
from .values import EXPLAINED


class FilmCurves:
    """The curves over the steps; none on a page on which their text could not be read."""

    kind: ClassVar[type[Panel]] = CurvesPanel

    def __init__(self, plan: Plan, rows: Sequence[FilmClouds]) -> None:
        """Curves of a run, and of its points as they are shown in rows.

        Raises:
            OptionError: A curve is asked for that these points have not.
        """
        self._plan, self._rows = plan, [row.shown for row in rows]
        if EXPLAINED in plan.spec.show:
            for shown in self._rows:
                check_linear(shown.fitted)

    @cached_property
    def _charts(self) -> tuple[Chart, ...]:
        plan = self._plan
        if plan.spec.charts == "off" or not has_room_for_charts(plan.spec.size):
            return ()
        charts = film_charts(plan.run, plan.first, plan.stop)
        if EXPLAINED in plan.spec.show:
            return (*charts, explained_chart(self._rows, plan.first, plan.stop))
        return charts

    def __len__(self) -> int:
        return len(self._charts)

    def panels(self, cells: Sequence[Cell], layout: Layout) -> tuple[CurvesPanel, ...]:
        """A panel for each chart."""
        return tuple(map(CurvesPanel, cells, self._charts))

    def parts(self, index: int) -> tuple[Cursor, ...]:
        """The line at the step."""
        return (cursor(self._plan.run, self._plan.frames[index]),) * len(self)


class RunsCurves:
    """The total losses of several runs, and how far each is from the first."""

    kind: ClassVar[type[Panel]] = CurvesPanel

    def __init__(self, plan: Plan, rows: Sequence[FilmClouds]) -> None:
        """Curves of the runs of some rows.

        Raises:
            OptionError: A curve is asked for that several runs have not.
        """
        self._plan, self._plans = plan, list(dict.fromkeys(row.plan for row in rows))
        if EXPLAINED in plan.spec.show:
            raise OptionError(f"show {EXPLAINED} is of one run; render each by itself")

    @cached_property
    def _charts(self) -> tuple[Chart, ...]:
        plan = self._plan
        if plan.spec.charts == "off" or not has_room_for_charts(plan.spec.size):
            return ()
        runs = Runs(
            [plan.run for plan in self._plans],
            [plan.name for plan in self._plans],
            [plan.role for plan in self._plans if plan.role is not None],
            [plan.span for plan in self._plans],
            plan.clock,
        )
        return tuple(chart for chart in (losses_chart(runs), divergence_chart(runs)) if chart)

    def __len__(self) -> int:
        return len(self._charts)

    def panels(self, cells: Sequence[Cell], layout: Layout) -> tuple[CurvesPanel, ...]:
        """A panel for each chart."""
        return tuple(map(CurvesPanel, cells, self._charts))

    def parts(self, index: int) -> tuple[Cursor, ...]:
        """The line at the moment."""
        clock = self._plan.clock
        return (Cursor(int(clock.moments[clock.frames[index].stop - 1])),) * len(self)
