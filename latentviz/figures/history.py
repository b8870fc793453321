"""The latent space at a step, over thumbnails of how it came to be."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError, LatentvizWarning
from ..projection import HISTORY_DIMS, Projection
from ..raster.board import Plot, draw_board
from ..raster.fitting import DOT_SHARE
from ..raster.grid import Grid, fitting_grid
from ..raster.layout import check_limits
from ..raster.lettering import Sprite, fitted_text, font, text_sprite
from ..reach import MOST_POINTS, RUNAWAY
from ..runs.opening import takes_path
from ..runs.run import Run
from ..text import counted, printable
from ..theme import Theme, rgb_bytes, theme_named
from ..transforms import Center
from ..views import coloring, drawing_order, shown_of
from .axes import (
    LABEL_PX,
    TICK_PX,
    TITLE_PX,
    check_picture_size,
    picture_scale,
    scaled_px,
)
from .moment import finite_points, moment_of
from .picture import Picture

SIZE = (1600, 900)
MAX_THUMBNAILS = 10
OFFSET = 10.0  # tames the first strides of the thumbnails
ALPHA = 0.9
LEAST_LIMITS = 1.1  # the unit disc, which is the scale, is seen whole

MARGIN_PX = 44.0
TITLE_PX_FROM_TOP = 54.0
TOP_PX = 72.0  # of the room for the large projections
TITLE_ROW_PX = 40.0  # above each of them
TITLE_RISE_PX = 16.0  # of the titles' baselines, for the marks of what lies beyond
GAP_PX = 24.0
STRIP_ROW_PX = 40.0  # above the thumbnails
STEP_ROW_PX = 30.0  # below each of them
THUMBNAIL_PX = 150.0
THUMBNAIL_SHARE = 0.5  # of a large projection, at most
THUMBNAIL_GAP_PX = 12.0
MARK_PX = 14.0


@takes_path
def plot_history(
    run: Run,
    *,
    step: int | None = None,
    layer: str | None = None,
    points: str | None = None,
    dims: Sequence[tuple[int, int]] | Literal["auto"] | None = None,
    names: Sequence[str] = (),
    project: object = None,
    center: Center | None = None,
    limits: float | None = None,
    size: tuple[int, int] = SIZE,
    theme: str = "dark",
    colormap: str = "viridis",
) -> Picture:
    """The latents of a run's points at a step, large, over a strip of earlier ones.

    The strip holds at most ten thumbnails, from the first step to the last before the one shown
    large, in geometric spacing: close together early, when training moves fast. It has limits of
    its own, which are written beside it; where points lie beyond, a triangle stands at the edge.
    Points that are not finite are left out, and counted; so are thumbnails without any other.

    Args:
        run: A run with latents, or its archive's path.
        step: The recorded step to show; by default the state after the last update (the last
            recorded one, of a recording that was cut off or a run from arrays).
        layer: The layer whose latents are shown; short for points ``layer:NAME``.
        points: The points, such as ``rows:embed.weight`` (`Run.at_points`); by default
            `Run.points`.
        dims: Pairs of latent dimensions, (right, up), or ``auto``, those of largest spread; default
            (1,0), (1,2), (1,3) of up to four dimensions. The thumbnails show the first.
        names: Names for the projections' titles, in order.
        project: A transform, as for `render`; ``dims`` then counts its components.
        center: ``run`` or ``step``: what a transform's points are taken from.
        limits: Show -limits..limits of each dimension, in the thumbnails too. By default both have
            their own: what shows the unit disc and all dots whole; or all but 0.5 % of the points,
            where limits that show all would be more than twice as large.
        size: (width, height) in pixels.
        theme: ``dark`` or ``light``.
        colormap: A matplotlib colormap, for points that are colored by a scalar.

    Raises:
        OptionError: The step or the layer was not recorded, or another option is out of range.
        ModelError: The run's model is not registered, and none was given.
        ArchiveError: No point is finite at the step.

    Example::

        picture = latentviz.plot_history("run.npz", dims=[(0, 1), (0, 2)], theme="light")
        picture.save("history.png")
        print(picture.alt)
    """
    check_picture_size(size)
    look = theme_named(theme)
    moment = moment_of(run, step, layer, points)
    run, when, of_layer = moment.run, moment.when, moment.of_layer
    latest = moment.latents()
    whole = finite_points(latest)
    if not whole.any():
        raise ArchiveError(f"the latents {when} are not finite; show an earlier step")
    earlier = earlier_steps(moment.n_before)
    steps = run.steps[earlier]
    before = run.latents(steps) if len(steps) else latest[None][:0]
    finite = finite_points(before).any(1)
    shown = shown_of(
        run, dims=dims, names=names, default=HISTORY_DIMS, project=project, center=center
    )
    views = tuple(
        Projection(int(i), int(j), view.title)
        for (i, j), view in zip(shown.columns, shown.projections, strict=True)
    )
    if limits is not None:
        check_limits(limits)
    order = drawing_order(run.colors, run.n_points)
    colors = coloring(run.colors, run.n_points, look, colormap)
    now = np.array([moment.n_before])
    large = _row(shown.drawn(latest[None], now), views, limits)
    strip = _row(shown.drawn(before[finite], earlier[finite]), views[:1], limits)
    title = f"Latents{of_layer} {when}"
    words = ", ".join(filter(None, [title, shown.fitted.note]))
    plots, sprites = _arranged(large, strip, steps[finite], size, look, words)
    pixels = draw_board(
        size, plots, sprites, rgb=colors.rgb, order=order, dot_share=DOT_SHARE, alpha=ALPHA,
        mark_px=MARK_PX * picture_scale(size, SIZE), theme=look,
    )  # fmt: skip
    titles = ", ".join(printable(view.title) for view in views)
    radius = np.linalg.norm(latest[whole].astype(np.float64), axis=-1)
    if large.n_left_out:
        warnings.warn(
            f"{large.n_left_out} of {run.n_points} points are not finite (NaN or infinite) {when}; "
            "they are left out, and counted in the picture",
            LatentvizWarning,
            stacklevel=3,
        )
    alt = (
        f"The latents{of_layer} of {run.n_points} points {when} in the projections {titles} "
        f"within {large.words}; their distances from the origin have the median "
        f"{np.median(radius):.2g} and reach {radius.max():.2g}."
    )
    if finite.any():
        thumbnails = ", ".join(str(s) for s in steps[finite])
        alt += (
            f" Below, {printable(views[0].title)} at the steps {thumbnails}, within {strip.words}."
        )
    if not finite.all():
        alt += f" Not finite, and left out: {', '.join(str(s) for s in steps[~finite])}."
    data = {
        "step": moment.step,
        "limits": large.limits,
        "points_beyond": large.n_beyond,
        "points_not_finite": large.n_left_out,
        "earlier_steps": [int(s) for s in steps[finite]],
        "earlier_limits": strip.limits if finite.any() else None,
        "earlier_points_beyond": strip.n_beyond,
        **shown.fitted.figures,
    }
    return Picture(title, alt, data, pixels)


def earlier_steps(n_before: int) -> NDArray[np.int64]:
    """Which of the recorded steps before the one shown large are thumbnails.

    Args:
        n_before: How many there are.

    Returns:
        Indices (n,), ten at most, increasing: the first, the last, and between them such that each
        stride is about a constant factor longer than the one before.
    """
    if n_before == 0:
        return np.empty(0, np.int64)
    ends = np.geomspace(OFFSET, n_before - 1 + OFFSET, MAX_THUMBNAILS) - OFFSET
    return np.unique(np.rint(ends).astype(np.int64))


def fitted_limits(reaches: NDArray[np.floating]) -> float:
    """Limits within which the dots of all points lie, or of nearly all; of two digits.

    Up to 0.5 % of the points may lie beyond, and only if limits that show all would be more than
    twice as large (`reach`, whose rule the films' limits follow).

    Args:
        reaches: (n,) the largest coordinate of each point, whichever way it points, finite.
    """
    reaches = np.sort(reaches.astype(np.float64))
    nearly = math.ceil(MOST_POINTS * len(reaches)) - 1
    whole, most = (_round_up(reach / (1 - DOT_SHARE)) for reach in (reaches[-1], reaches[nearly]))
    return whole if whole <= RUNAWAY * most else most


def _round_up(limits: float) -> float:
    """Limits of two digits, and not below the least."""
    limits = max(limits, LEAST_LIMITS)
    place = 1 - math.floor(math.log10(limits))
    # Not up because of the last bit.
    return float(f"{math.ceil(limits * 10.0**place - 1e-9) / 10.0**place:.2g}")


@dataclass(frozen=True, eq=False)
class _Row:
    """States that are drawn with the same limits, each in some projections."""

    latents: NDArray[np.float32]  # (states, N, D)
    views: Sequence[Projection]
    limits: float
    n_beyond: int
    n_left_out: int  # not finite, and nowhere

    @property
    def words(self) -> str:
        """The limits, how many points lie beyond, and how many are not finite."""
        what = "point" if len(self.latents) == 1 else "dot"  # the same point at several steps
        left_out = f", {counted(self.n_left_out, what)} not finite" if self.n_left_out else ""
        if not self.n_beyond:
            return f"±{self.limits:g}{left_out}"
        return f"±{self.limits:g}, {counted(self.n_beyond, what)} beyond{left_out}"


def _row(latents: NDArray[np.float32], views: Sequence[Projection], limits: float | None) -> _Row:
    used = [d for view in views for d in (view.i, view.j)]
    whole = finite_points(latents)
    latents = np.where(whole[:, :, None], latents, np.float32(np.nan))
    reaches = np.abs(latents[whole][:, used]).max(-1)
    if limits is None:
        limits = fitted_limits(reaches) if len(reaches) else LEAST_LIMITS
    return _Row(latents, views, limits, int((reaches > limits).sum()), int((~whole).sum()))


def _arranged(
    large: _Row,
    strip: _Row,
    steps: NDArray[np.int64],
    size: tuple[int, int],
    theme: Theme,
    title: str,
) -> tuple[list[Plot], list[Sprite]]:
    """Where everything stands."""
    k = picture_scale(size, SIZE)
    width, height = size
    margin = MARGIN_PX * k
    room = width - 2 * margin
    text, muted = rgb_bytes(theme.text), rgb_bytes(theme.muted)
    label, small = font(scaled_px(LABEL_PX, k)), font(scaled_px(TICK_PX, k))
    sprites = _heading(title, f"{large.words} · disc: radius 1", room, k, theme)

    whole = room, height - TOP_PX * k - margin
    grid, thumbnails = _grids(len(large.views), len(steps), whole, k)
    plots = []
    for view, (x, y) in zip(large.views, grid.places(), strict=True):
        center = margin + x + grid.width / 2, TOP_PX * k + y + grid.height / 2
        plots.append(_plot(large.latents[-1], view, center, grid.height, large.limits))
        name = fitted_text(printable(view.title), label, grid.width)
        at = center[0], TOP_PX * k + y - TITLE_RISE_PX * k
        sprites.append(text_sprite(name, label, *at, text, anchor="ms"))
    if thumbnails is None:
        return plots, sprites

    top = height - margin - thumbnails.total_height
    left = margin + thumbnails.places()[0][0]
    sprites.append(text_sprite(f"earlier, {strip.words}", small, left, top - 14 * k, muted))
    for latents, step, (x, y) in zip(strip.latents, steps, thumbnails.places(), strict=True):
        # The head of the grid's boxes stands below the thumbnails.
        center = (
            margin + x + thumbnails.width / 2,
            top + y - thumbnails.head + thumbnails.height / 2,
        )
        plots.append(_plot(latents, strip.views[0], center, thumbnails.height, strip.limits))
        at = center[0], center[1] + thumbnails.height / 2 + 24 * k
        name = f"step {step}"
        name = name if small.getlength(name) <= thumbnails.width else str(step)
        sprites.append(text_sprite(name, small, *at, muted, anchor="ms"))
    return plots, sprites


def _grids(
    n_views: int, n_thumbnails: int, room: tuple[float, float], k: float
) -> tuple[Grid, Grid | None]:
    """The large projections, and the thumbnails, which take what these leave of the height."""
    width, height = room
    options: dict[str, Any] = {"aspect": 1.0, "gap": GAP_PX * k, "head": TITLE_ROW_PX * k}
    if n_thumbnails == 0:
        return fitting_grid(n_views, room, **options), None
    small: dict[str, Any] = {"aspect": 1.0, "gap": THUMBNAIL_GAP_PX * k, "head": STEP_ROW_PX * k}
    height -= STRIP_ROW_PX * k
    # At least a row of them.
    row = (THUMBNAIL_PX + STEP_ROW_PX) * k
    row = fitting_grid(n_thumbnails, (width, row), **small).total_height
    large = fitting_grid(n_views, (width, height - row), **options)
    thumbnails = fitting_grid(
        n_thumbnails, (width, height - large.total_height), **small,
        most=THUMBNAIL_SHARE * large.height,
    )  # fmt: skip
    used = thumbnails.total_height
    return (
        replace(large, room=(width, height - used)),
        replace(thumbnails, room=(width, used)),
    )


def _heading(title: str, words: str, room: float, k: float, theme: Theme) -> list[Sprite]:
    """The title, shortened if it must be, and on the same line, at the right, some words."""
    large, small = font(scaled_px(TITLE_PX, k)), font(scaled_px(TICK_PX, k))
    left, y = MARGIN_PX * k, TITLE_PX_FROM_TOP * k
    title = fitted_text(title, large, room - small.getlength(words) - GAP_PX * k)
    return [
        text_sprite(title, large, left, y, rgb_bytes(theme.text)),
        text_sprite(words, small, left + room, y, rgb_bytes(theme.muted), anchor="rs"),
    ]


def _plot(
    latents: NDArray[np.float32],
    view: Projection,
    center: tuple[float, float],
    side: float,
    limits: float,
) -> Plot:
    return Plot(latents[:, [view.i, view.j]], center, side, limits)
