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
    divergence_chart,
    explained_chart,
    film_charts,
    losses_chart,
)
from .clouds import FilmClouds
from .panels import Plan
from .values import EXPLAINED


class PageCurves:
    """The charts of a page; none on one on which their text could not be read."""

    kind: ClassVar[type[Panel]] = CurvesPanel

    def __init__(self, plan: Plan) -> None:
        """Curves on the clock of a plan."""
        self.plan = plan

    @cached_property
    def charts(self) -> tuple[Chart, ...]:
        """What is shown of them."""
        spec = self.plan.spec
        is_shown = spec.charts == "on" and has_room_for_charts(spec.size)
        return self.all_charts() if is_shown else ()

    def all_charts(self) -> tuple[Chart, ...]:
        """All that there are."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.charts)

    def panels(self, cells: Sequence[Cell], layout: Layout) -> tuple[CurvesPanel, ...]:
        """A panel for each chart."""
        return tuple(map(CurvesPanel, cells, self.charts))

    def parts(self, index: int) -> tuple[Cursor, ...]:
        """The line at the moment that the heading names."""
        clock = self.plan.clock
        return (Cursor(int(clock.moments[clock.frames[index].stop - 1])),) * len(self)


class FilmCurves(PageCurves):
    """The curves of one run over the steps."""

    def __init__(self, plan: Plan, rows: Sequence[FilmClouds]) -> None:
        """Curves of a run, and of its points as they are shown in rows.

        Raises:
            OptionError: A curve is asked for that these points have not.
        """
        super().__init__(plan)
        self._rows = [row.shown for row in rows]
        if EXPLAINED in plan.spec.show:
            for shown in self._rows:
                check_linear(shown.fitted)

    def all_charts(self) -> tuple[Chart, ...]:
        """Schedule, losses and metrics, as far as there are any; and what planes hold."""
        plan = self.plan
        charts = film_charts(plan.run, plan.first, plan.stop)
        if EXPLAINED in plan.spec.show:
            return (*charts, explained_chart(self._rows, plan.first, plan.stop))
        return charts


class RunsCurves(PageCurves):
    """The total losses of several runs, and how far each is from the first."""

    def __init__(self, plan: Plan, rows: Sequence[FilmClouds]) -> None:
        """Curves of the runs of some rows.

        Raises:
            OptionError: A curve is asked for that several runs have not.
        """
        super().__init__(plan)
        self._plans = list(dict.fromkeys(row.plan for row in rows))
        if EXPLAINED in plan.spec.show:
            raise OptionError(f"show {EXPLAINED} is of one run; render each by itself")

    def all_charts(self) -> tuple[Chart, ...]:
        """Losses and divergence, as far as there are any."""
        runs = Runs(
            [plan.run for plan in self._plans],
            [plan.name for plan in self._plans],
            [plan.role for plan in self._plans if plan.role is not None],
            [plan.span for plan in self._plans],
            self.plan.clock,
        )
        return tuple(chart for chart in (losses_chart(runs), divergence_chart(runs)) if chart)
