"""What a film shows of a run, planned: its frames, and its rows of clouds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from ..errors import OptionError
from ..pacing import Frame, frames, parse_pace
from ..raster.layout import page_layout
from ..runs.run import Run
from ..scene import Stage
from ..text import printable
from ..theme import Theme, on_white, theme_named
from ..transforms import Fitted
from .captions import FilmCaptions
from .clouds import FilmClouds, are_framed
from .curves import FilmCurves
from .keys import FilmKeys
from .marks import marks_of
from .panels import FilmPanels, Plan
from .rows import rows_of
from .spec import FilmSpec
from .titles import titled


def planned(
    run: Run, spec: FilmSpec, *, fitted: Fitted | None = None, n_components: int = 0
) -> tuple[Plan, tuple[FilmClouds, ...]]:
    """A film's frames, and its rows of clouds.

    Args:
        run: The run.
        spec: How the film looks.
        fitted: A transform that is ready for use, in place of the spec's.
        n_components: Of each row's points at least so many components are read, as far as there
            are any: those that the film shows, and the first of the others.

    Raises:
        OptionError: An option is out of range or does not fit the run.
        ArchiveError: The run names no points, or is damaged.
        ModelError: The model is not known, or cannot be run.
    """
    runs = [run.at_points(points) for points in spec.sources] or [run]
    rows = titled(rows_of(runs, spec, fitted=fitted, n_components=n_components), spec.titles)
    run = runs[0]
    pace = parse_pace(spec.pace) if isinstance(spec.pace, str) else spec.pace
    first, stop = _step_range(run, spec.steps)
    shown = [
        Frame(frame.index, frame.start + first, frame.stop + first)
        for frame in frames(pace, stop - first, spec.frames)
    ]
    if stop == len(run) and all(row.run.has_final for row in rows):
        shown[-1] = replace(shown[-1], after=True)
    plan = Plan(run, spec, _theme(spec), shown, first, stop)
    marks = marks_of(plan, rows)
    return plan, tuple(FilmClouds(plan, *row) for row in zip(rows, marks, strict=True))


@dataclass(frozen=True, eq=False)
class FilmPage:
    """All that stands on a film's page."""

    plan: Plan
    rows: tuple[FilmClouds, ...]
    keys: FilmKeys
    curves: FilmPanels
    captions: FilmCaptions

    @property
    def panels(self) -> tuple[FilmPanels, ...]:
        """All panels, in the order of the stage."""
        return (*self.rows, self.keys, self.curves, self.captions)

    @property
    def stage(self) -> Stage:
        """The page as plain values.

        Raises:
            OptionError: The size is odd or absurd, or colors cannot be drawn.
        """
        spec, run = self.plan.spec, self.plan.run
        layout = page_layout(
            spec.size,
            [len(row) for row in self.rows],
            n_charts=len(self.curves),
            framed=are_framed(self.rows),
            keys=self.keys.heights,
            heading=spec.heading == "on",
            titles=any(view.title for row in self.rows for view in row.shown.projections),
            caption=self.captions.height,
        )
        cells = iter(layout.cells)
        title = spec.title
        if title is None:
            title = "" if all(row.of_colors for row in self.rows) else run.name
        return Stage(
            size=spec.size,
            heading=layout.heading,
            last_step=int(run.steps[self.plan.stop - 1]),
            panels=tuple(
                panel
                for panels in self.panels
                for panel in panels.panels(list(islice(cells, len(panels))), layout)
            ),
            title=printable(title),
            quiet_title=spec.title is None,
        )


def page_of(plan: Plan, rows: Sequence[FilmClouds]) -> FilmPage:
    """What stands on a page of the plan's size.

    Raises:
        OptionError: A curve is asked for that these points have not.
    """
    curves = FilmCurves(plan, [row.shown for row in rows])
    return FilmPage(plan, tuple(rows), FilmKeys(plan, rows), curves, FilmCaptions(plan))


def _theme(spec: FilmSpec) -> Theme:
    theme = theme_named(spec.theme)
    return on_white(theme) if spec.ground == "white" else theme


def _step_range(run: Run, steps: tuple[int | None, int | None]) -> tuple[int, int]:
    """Indices of the recorded steps of a range."""
    first, stop = steps
    a = 0 if first is None else int(np.searchsorted(run.steps, first))
    b = len(run) if stop is None else int(np.searchsorted(run.steps, stop))
    if a >= b:
        low, high = ("" if s is None else s for s in steps)
        raise OptionError(
            f"steps {low}:{high} hold no recorded step; they are from the first up to, and "
            f"without, the second, and the run has {run.steps[0]} to {run.steps[-1]}"
        )
    return a, b
