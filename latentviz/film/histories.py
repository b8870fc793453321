"""Several runs' histories in one picture: a row each, at the same moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..figures.axes import check_picture_size
from ..figures.history import earlier_steps
from ..figures.history_page import SIZE
from ..figures.picture import Picture
from ..pacing import Frame
from ..raster.layout import page_layout
from ..raster.page import interleaved, make_page
from ..runs.opening import RunsLike, opened_runs
from ..scene import Heading, Part, Scene, Stage, Still
from ..views import Clock
from .clouds import FilmClouds, sharing_limits
from .keys import FilmKeys
from .planning import check_side, planned
from .spec import FilmSpec

MOST_MOMENTS = 6  # beside each other


def plot_histories(
    runs: RunsLike, *, step: int | None = None, size: tuple[int, int] = SIZE, **options: Any
) -> Picture:
    """The latents of several runs side by side, at a few moments up to a step.

    Each run has a row, in the first projection; the moments are close together early, when training
    moves fast. All share a basis and limits, as in a film of several runs.

    Args:
        runs: Two to six runs, or their archives' paths.
        step: The last step to show; by default the end of the longest run.
        size: (width, height) in pixels.
        **options: Fields of `FilmSpec`: ``align`` and ``register``, ``run_names``, which points and
            projections, and how they look.

    Raises:
        OptionError: An option is out of range, or does not fit the runs.
        ModelError: A run's model is not registered, and none was given.
        ArchiveError: A run is damaged.

    Example::

        picture = latentviz.plot_histories(["colors.npz", "run.npz"], align="fraction")
        picture.save("histories.png")
    """
    check_picture_size(size)
    if step is not None:
        if options.get("align") == "fraction":
            raise OptionError("runs aligned by their fractions are at different steps; leave step")
        options["steps"] = (None, step + 1)
    spec = FilmSpec(**{**options, "pace": _pace, "charts": "off"})
    with opened_runs(runs) as opened:
        if len(opened) < 2:
            raise OptionError("histories are of two runs or more; plot_history is of one")
        rows = _at_moments(planned(opened, spec))
        return _picture(rows, spec, size)


def _pace(n_steps: int, n_frames: int) -> NDArray[np.int64]:
    """Frames whose ends are the moments to show."""
    return np.append(0, earlier_steps(n_steps, MOST_MOMENTS)[:-1] + 1)


def _at_moments(rows: Sequence[FilmClouds]) -> tuple[FilmClouds, ...]:
    """The rows in their first projection, each frame of which shows its last state alone."""
    plans = {
        row.plan: replace(
            row.plan,
            span=replace(row.plan.span, frames=[_last_of(f) for f in row.plan.span.frames]),
        )
        for row in rows
    }
    found = []
    for row in rows:
        plan, shown = plans[row.plan], row.shown
        shown = replace(shown, projections=shown.projections[:1])
        found.append(FilmClouds(plan, shown, replace(row.marks, plan=plan, shown=shown)))
    return sharing_limits(found)


def _last_of(frame: Frame) -> Frame:
    if frame.after:
        return replace(frame, start=frame.stop)
    return replace(frame, start=frame.stop - 1)


def _picture(rows: Sequence[FilmClouds], spec: FilmSpec, size: tuple[int, int]) -> Picture:
    plan = rows[0].plan
    plan = replace(plan, spec=replace(spec, size=size))
    clock, keys = plan.clock, FilmKeys(plan, rows)
    n = len(clock.frames)
    layout = page_layout(size, [n] * len(rows), framed=True, keys=keys.heights, titles_once=True)
    check_side(layout, plan, f"{len(rows)} runs at {n} moments")
    moments = [_moment(clock, k) for k in range(n)]
    panels, parts = [], list[Part]()
    for r, row in enumerate(rows):
        for k in range(n):
            (panel,) = row.panels([layout.cells[r * n + k]], layout)
            panels.append(
                replace(
                    panel,
                    title=moments[k],
                    row_name=panel.row_name if k == 0 else "",
                    named_beside=True,
                )
            )
            parts += row.parts(k)
    below = keys.panels(layout.cells[len(panels) :], layout)
    parts += [Still()] * len(below)
    name = rows[0].shown.projections[0].title
    title = f"{name}, {len(rows)} runs"
    stage = Stage(size, layout.heading, 0, (*panels, *below), title=title)
    scene = Scene(Heading(""), tuple(parts))
    page = make_page(stage, plan.theme)
    named = ", ".join(row.plan.name for row in rows)
    return Picture(
        title,
        f"The latents of the runs {named} in the projection {name}, a row each, at "
        f"{', '.join(moments)}.",
        {"runs": [row.plan.name for row in rows], "moments": moments},
        interleaved(page.drawn(scene)),
        lambda: page.figure(scene),
    )


def _moment(clock: Clock, k: int) -> str:
    frame = clock.frames[k]
    if frame.after:
        return "end"
    if clock.in_shares:
        return f"{100 * clock.share(k):.3g} %"
    return f"step {int(clock.moments[frame.stop - 1])}"
