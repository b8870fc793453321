"""A film's curves over the steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

from ..pacing import Frame
from ..raster.layout import Layout, has_room_for_charts
from ..scene import Cell, Chart, Cursor, CurvesPanel, Panel
from ..transforms import check_linear
from ..views import Shown, cursor, explained_chart, film_charts
from .panels import Plan
from .values import EXPLAINED


class FilmCurves:
    """The curves over the steps; none on a page on which their text could not be read."""

    kind: ClassVar[type[Panel]] = CurvesPanel

    def __init__(self, plan: Plan, rows: Sequence[Shown]) -> None:
        """Curves of a run, and of its points as they are shown in rows.

        Raises:
            OptionError: A curve is asked for that these points have not.
        """
        self._plan, self._rows = plan, rows
        if EXPLAINED in plan.spec.show:
            for shown in rows:
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

    def parts(self, frame: Frame) -> tuple[Cursor, ...]:
        """The line at the step."""
        return (cursor(self._plan.run, frame),) * len(self)
