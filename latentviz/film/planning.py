"""What a film shows of a run, planned: its frames, and its rows of clouds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from ..errors import OptionError
from ..palette import palette_roles
from ..raster.layout import Layout, page_layout
from ..runs.run import Run
from ..scene import Stage
from ..text import counted, printable
from ..theme import Role, Theme, on_white, theme_named
from ..transforms import Fitted, registered
from ..views import fitted_of, frames_per_turn
from .captions import FilmCaptions
from .clock import clock_of
from .clouds import FilmClouds, are_framed, sharing_limits
from .curves import FilmCurves, RunsCurves
from .keys import FilmKeys
from .marks import marks_of
from .names import run_names
from .panels import FilmPanels, Plan
from .rows import rows_of
from .spec import FRACTION, TURN_S, FilmSpec
from .titles import titled

MOST_RUNS = 6
FPS = 30.0  # of a film, where nobody says
LEAST_SIDE_PX = 48  # of a panel of several runs


def planned(
    runs: Sequence[Run], spec: FilmSpec, *, n_components: int = 0, fps: float = FPS
) -> tuple[FilmClouds, ...]:
    """A film's rows of clouds, each with the plan of its run.

    Args:
        runs: One, or several that share a clock and a basis.
        spec: How the film looks.
        n_components: Of each row's points at least so many components are read, as far as there
            are any: those that the film shows, and the first of the others.
        fps: Frames a second, which say how fast panels turn.

    Raises:
        OptionError: An option is out of range or does not fit the runs.
        ArchiveError: A run names no points, or is damaged.
        ModelError: A model is not known, or cannot be run.
    """
    check_runs(runs, spec)
    # By run, and for each the points that are looked at.
    looked_at = [_looked_at(run, spec, named=len(runs) > 1) for run in runs]
    if spec.register is not None:
        looked_at = [looked_at[0], *(_registered(looked_at[0], of, spec) for of in looked_at[1:])]
    fitted = _fitted_together(looked_at, spec) if len(runs) > 1 else None
    of_run = [
        rows_of(of, spec, fitted=fitted, others=looked_at, n_components=n_components)
        for of in looked_at
    ]
    names, roles = [""], list[Role | None]([None])
    if len(runs) > 1:
        names, roles = run_names(runs, spec.run_names), [*palette_roles(len(runs), "curves")]
        of_run = [
            tuple(replace(row, name=" ".join(filter(None, [name, row.name]))) for row in rows)
            for name, rows in zip(names, of_run, strict=True)
        ]
    rows = titled([row for rows in of_run for row in rows], spec.titles)
    has_final = [all(row.run.has_final for row in rows) for rows in of_run]
    clock, spans = clock_of([of[0] for of in looked_at], spec, has_final)
    theme = _theme(spec)
    turns = any(view.k is not None for row in rows for view in row.projections)
    if spec.turn is not None and not turns:
        raise OptionError("turn is of panels of three dimensions; give dims such as 1,0,2")
    per_turn = frames_per_turn(spec.turn or TURN_S, fps) if turns else 1
    plans = [
        Plan(of[0], spec, theme, clock, span, per_turn, name, role)
        for of, span, name, role in zip(looked_at, spans, names, roles, strict=True)
    ]
    plan_of = [plan for plan, rows in zip(plans, of_run, strict=True) for _ in rows]
    marks = marks_of(plan_of, rows)
    return sharing_limits([FilmClouds(*each) for each in zip(plan_of, rows, marks, strict=True)])


def _looked_at(run: Run, spec: FilmSpec, *, named: bool) -> list[Run]:
    """A run, looked at in all points that are shown."""
    try:
        return [run.at_points(points) for points in spec.sources] or [run]
    except OptionError as error:
        if not named:
            raise
        raise OptionError(f"{printable(run.name)}: {error}") from None


def check_runs(runs: Sequence[Run], spec: FilmSpec) -> None:
    """Refuse more runs than can be told apart, and what only several runs have.

    Raises:
        OptionError: There is such.
    """
    if not 1 <= len(runs) <= MOST_RUNS:
        raise OptionError(f"runs are shown side by side, 1 to {MOST_RUNS} of them, got {len(runs)}")
    if len(runs) == 1:
        several = {"align": spec.align == FRACTION, "register": spec.register is not None}
        for name in (name for name, is_given in several.items() if is_given):
            raise OptionError(f"{name} is of several runs; give two or more")
        if spec.run_names is not None:
            raise OptionError("run_names are of several runs; give two or more, or a title")


def _registered(first: Sequence[Run], others: Sequence[Run], spec: FilmSpec) -> list[Run]:
    assert spec.register is not None
    return [
        registered(onto, other, spec.register) for onto, other in zip(first, others, strict=True)
    ]


def _fitted_together(looked_at: Sequence[Sequence[Run]], spec: FilmSpec) -> Fitted | None:
    """A transform fitted over all runs, which latents as they are need not; None where none is.

    Raises:
        OptionError: It does not fit the runs, or each has several rows.
    """
    if spec.project is None:
        return None
    if len(spec.sources) > 1:
        raise OptionError(
            "of several runs one kind of points can be shown through a transform; give one --points"
        )
    return fitted_of([of[0] for of in looked_at], spec.project, spec.center)


@dataclass(frozen=True, eq=False)
class FilmPage:
    """All that stands on a film's page."""

    plan: Plan  # the first run's
    rows: tuple[FilmClouds, ...]
    keys: FilmKeys
    curves: FilmPanels
    captions: FilmCaptions
    titles_once: bool  # whether titles may stand above the first row of several runs alone

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
            may_stand=bool(self.plan.name),
            titles_once=bool(self.plan.name) and self.titles_once,
        )
        n = max(len(row) for row in self.rows)
        check_side(layout, self.plan, f"{len(self.rows)} rows of {counted(n, 'projection')}")
        cells = iter(layout.cells)
        title = spec.title
        if title is None:
            is_plain = self.plan.name or all(row.of_colors for row in self.rows)
            title = "" if is_plain else run.name
        return Stage(
            size=spec.size,
            heading=layout.heading,
            last_step=self.plan.clock.last_step,
            panels=tuple(
                panel
                for panels in self.panels
                for panel in panels.panels(list(islice(cells, len(panels))), layout)
            ),
            title=printable(title),
            quiet_title=spec.title is None,
        )


def page_of(rows: Sequence[FilmClouds], size: tuple[int, int] | None = None) -> FilmPage:
    """What stands on a page.

    Args:
        rows: Its rows of clouds.
        size: Of the page, (width, height); by default as their plans have it.

    Raises:
        OptionError: A curve is asked for that these points have not.
    """
    plan = rows[0].plan
    if size is not None:
        plan = replace(plan, spec=replace(plan.spec, size=size))
    curves: FilmPanels = RunsCurves(plan, rows) if plan.name else FilmCurves(plan, rows)
    # In a page for the browser each panel may come to show something else.
    keys, captions, is_film = FilmKeys(plan, rows), FilmCaptions(plan), size is None
    return FilmPage(plan, tuple(rows), keys, curves, captions, is_film)


def check_side(layout: Layout, plan: Plan, what: str) -> None:
    """Refuse panels of several runs in which nothing could be told.

    Raises:
        OptionError: They are smaller than `LEAST_SIDE_PX`.
    """
    side = layout.cells[0].body.width
    if not plan.name or side >= LEAST_SIDE_PX:
        return
    by = math.ceil(LEAST_SIDE_PX / max(1.0, side))
    width, height = (by * length for length in plan.spec.size)
    raise OptionError(
        f"panels of {what} would be {side:.0f} pixels wide, and nothing could be told below "
        f"{LEAST_SIDE_PX}; show less, or give a size of {width}x{height}"
    )


def _theme(spec: FilmSpec) -> Theme:
    theme = theme_named(spec.theme)
    return on_white(theme) if spec.ground == "white" else theme
