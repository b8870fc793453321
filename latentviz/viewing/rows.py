"""The rows of a page: points of a run, how their dots look, and where they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..film.clouds import FilmClouds
from ..packing.arrays import ArrayTable
from ..projection import Projection
from ..reach import framed_fit
from ..scene import CloudPanel
from ..text import printable
from ..theme import THEMES
from ..views import FADED_SHARE, UNIT_RADIUS, Shown, coloring, drawing_order
from ..views.clouds import substep_alpha
from ..web.plain import plain_coloring

PANEL_PX = 760.0  # the height of a panel of the published films, on whose pixels errors are stated


def plain_row(
    row: FilmClouds, panels: Sequence[CloudPanel], table: ArrayTable, *, run: int, longest: int
) -> dict[str, Any]:
    """A row without its places, as ``Row`` in ``viewer/document.js``.

    Args:
        row: The row.
        panels: Its panels.
        table: Where arrays go.
        run: The number of its run.
        longest: So many sub-steps have an alpha.
    """
    shown, marks = row.shown, row.marks
    points = shown.run
    colorings = {
        name: coloring(
            points.colors,
            points.n_points,
            theme,
            row.plan.spec.colormap,
            class_names=points.class_names,
        )
        for name, theme in THEMES.items()
    }
    rgb, key = plain_coloring(colorings, table, classes=_classes(points.colors))
    if key is not None and key["kind"] == "ramp":
        assert points.colors is not None  # the key is theirs
        with np.errstate(over="ignore"):  # beyond float32's range it is shown as infinite
            key["values"] = table.add(points.colors.astype(np.float32))
    names = points.point_names
    highlighted = None
    if marks.is_highlighted is not None:
        highlighted = table.add(marks.highlighted.astype(np.uint32))
    order = drawing_order(points.colors, points.n_points, marks.is_highlighted)
    return {
        "name": printable(shown.name),
        "run": run,
        "points": points.n_points,
        "components": plain_components(row, panels),
        "projections": [
            plain_projection(shown, k, view) for k, view in enumerate(shown.projections)
        ],
        "rgb": rgb,
        "key": key,
        "order": table.add(order.astype(np.uint32)),
        "alphas": table.add(_alphas(row.alpha, longest)),
        "faded_alphas": table.add(_alphas(FADED_SHARE * row.alpha, longest)),
        "highlighted": highlighted,
        "names": None if names is None else [printable(name) for name in names],
        "labels": marks.labeled.tolist(),
        "framed": panels[0].framed,
        "origin": row.is_about_origin,
        "plate": UNIT_RADIUS if row.has_plate else None,
    }


def plain_projection(shown: Shown, k: int, view: Projection) -> dict[str, Any]:
    """A projection, as ``Projection`` in ``viewer/document.js``."""
    own = shown.fitted.title(view.i, view.j)
    right, up = shown.columns[k].tolist()
    name = view.title.removeprefix(own).strip() if view.title.startswith(own) else ""
    return {"right": right, "up": up, "title": printable(view.title), "name": printable(name)}


def plain_components(row: FilmClouds, panels: Sequence[CloudPanel]) -> list[dict[str, Any]]:
    """The components of a row, and what a panel of each would show."""
    found = []
    for column, i in enumerate(row.shown.dims.tolist()):
        center, limits = 0.0, panels[0].limits
        if panels[0].framed and row.plan.spec.limits is None:
            (center, _), limits = framed_fit(
                row.reach,
                [column, column],
                about_origin=row.is_about_origin,
                dot_share=panels[0].dot_radius / panels[0].limits,
                dot_radius=row.plan.spec.dot_radius,
                plate_radius=UNIT_RADIUS if row.has_plate else None,
            )
        name = printable(row.shown.fitted.components[i].title)
        found.append({"name": name, "index": i, "center": center, "limits": limits})
    return found


def px_per_unit(
    row: FilmClouds, components: Sequence[dict[str, Any]], panels: Sequence[CloudPanel]
) -> NDArray[np.float64]:
    """Pixels for a unit of each component, (k,), in the panel of `PANEL_PX` that shows it largest.

    Args:
        row: The row.
        components: As `plain_components` has them.
        panels: Those of the row, on pages of all shapes.
    """
    least = np.array([component["limits"] for component in components])
    columns = row.shown.columns
    for k, panel in enumerate(panels):
        pair = columns[k % len(columns)]
        least[pair] = np.minimum(least[pair], panel.limits)
    return np.asarray(PANEL_PX / (2 * least), np.float64)


def reader(row: FilmClouds) -> Callable[[NDArray[np.int64]], NDArray[np.float32]]:
    """Reads where the points are, (n, N, k), at indices (n,) of what the film shows of the run."""
    plan, source = row.plan, row.shown.source
    n_steps = plan.stop - plan.first

    def read(indices: NDArray[np.int64]) -> NDArray[np.float32]:
        recorded = indices[indices < n_steps]
        parts = []
        if len(recorded):
            parts.append(source.positions(plan.first + recorded))
        if len(recorded) < len(indices):
            parts.append(source.final()[None])
        return np.concatenate(parts)

    return read


def step_name(row: FilmClouds) -> Callable[[int], str]:
    """Names a moment of the run by its index, for an error."""
    plan = row.plan

    def name(index: int) -> str:
        if index >= plan.stop - plan.first:
            return "the end"
        return f"step {plan.run.steps[plan.first + index]}"

    return name


def _classes(colors: NDArray[np.generic] | None) -> NDArray[np.uint16] | None:
    """(N,) each point's place among the classes, if the colors are such."""
    if colors is None or colors.ndim != 1 or colors.dtype.kind not in "iub":
        return None
    which: NDArray[np.intp] = np.unique(colors, return_inverse=True)[1]
    return which.astype(np.uint16)


def _alphas(alpha: float, longest: int) -> NDArray[np.float32]:
    return np.array([substep_alpha(alpha, n) for n in range(1, longest + 1)], np.float32)
