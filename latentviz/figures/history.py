"""The latent space at a step, over thumbnails of how it came to be."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..backend import COLORMAP
from ..beside import Beside
from ..errors import ArchiveError, LatentvizWarning
from ..projection import HISTORY_DIMS
from ..raster.keys import key_panel
from ..raster.layout import check_limits
from ..raster.lettering import Sprite
from ..raster.page import interleaved, make_page
from ..runs.opening import takes_path
from ..runs.run import Run
from ..scene import Box, Heading, Panel, Part, Scene, Stage, Still
from ..text import printable
from ..theme import Theme, theme_named
from ..transforms import Center
from ..views import are_colors, coloring, drawing_order, has_plate, shown_of
from .axes import check_picture_size
from .history_page import SIZE, HistoryPage, history_page
from .history_row import Look, Row, row_of
from .marked import key_in_words, marked_points, tell_of_left_out
from .moment import finite_points, moment_of
from .picture import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_THUMBNAILS = 10
OFFSET = 10.0  # tames the first strides of the thumbnails


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
    colormap: str = COLORMAP,
    label: Sequence[str] = (),
    highlight: Sequence[str] = (),
    beside: Beside | None = None,
) -> Picture:
    """The latents of a run's points at a step, large, over a strip of earlier ones.

    The strip holds at most ten thumbnails, from the first step to the last before the one shown
    large, in geometric spacing: close together early, when training moves fast. It has limits of
    its own, which are written beside it; where points lie beyond, a triangle stands at the edge.
    Points that are not finite are left out, and counted; so are thumbnails without any other.

    Points that are no colors are drawn as in films: in frames, as dots that are the smaller the
    more there are, with a key of what their colors mean.

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
            their own, which show all dots whole; or all but 0.5 % of the points, where limits that
            show all would be more than twice as large. Of colors, all projections show the same,
            and the unit disc whole. Of others, each shows what it needs, around the middle of its
            points; around the origin if the unit disc is a scale to them, as for `FilmSpec`.
        size: (width, height) in pixels.
        theme: ``dark`` or ``light``.
        colormap: A matplotlib colormap, for points that are colored by a scalar.
        label: The points that have their names beside them, in the large projections: numbers or
            names, separated by commas, a class, or ``all``. Names that would cover others are left
            out, and a warning counts them.
        highlight: The points that stand out, as for ``label``; all others fade.
        beside: A process of `paint`, which draws it.

    Raises:
        OptionError: The step or the layer was not recorded, a text names no point, or another
            option is out of range.
        ModelError: The run's model is not registered, and none was given.
        ArchiveError: No point is finite at the step.

    Example::

        picture = latentviz.plot_history("run.npz", dims=[(0, 1), (0, 2)], theme="light")
        picture.save("history.png")
        print(picture.alt)
    """
    check_picture_size(size)
    theme_ = theme_named(theme)
    if limits is not None:
        check_limits(limits)
    moment = moment_of(run, step, layer, points)
    run, when, of_layer = moment.run, moment.when, moment.of_layer
    latest = moment.latents()
    whole = finite_points(latest)
    if not whole.any():
        raise ArchiveError(f"the latents {when} are not finite; show an earlier step")
    radius = np.linalg.norm(latest[whole].astype(np.float64), axis=-1)
    earlier = earlier_steps(moment.n_before)
    steps = run.steps[earlier]
    before = run.latents(steps) if len(steps) else latest[None][:0]
    finite = finite_points(before).any(1)
    shown = shown_of(
        run, dims=dims, names=names, default=HISTORY_DIMS, project=project, center=center
    )
    marked = marked_points(run, label, highlight)
    of_colors = are_colors(run.colors)
    colors = coloring(run.colors, run.n_points, theme_, colormap, class_names=run.class_names)
    now = shown.drawn(latest[None], np.array([moment.n_before]))
    look = Look(
        of_colors,
        colors,
        drawing_order(run.colors, run.n_points, marked.highlighted),
        # The published histories of colors have the disc, whatever their axes.
        plate=of_colors
        or has_plate(
            "auto",
            shown.fitted,
            of_colors=False,
            farthest=lambda: float(np.abs(now[0, whole]).max()),
            largest_norm=lambda: float(radius.max()),
        ),
        marked=marked,
    )
    page = history_page(
        size, len(shown.projections), int(finite.sum()), framed=not of_colors, key=colors.key
    )
    large = row_of(now, shown.columns, look, side_px=page.large[0].width, limits=limits)
    strip = row_of(
        shown.drawn(before[finite], earlier[finite]),
        shown.columns[:1],
        look,
        side_px=page.thumbnails[0].width if page.thumbnails else page.large[0].width,
        limits=limits,
    )
    title = f"Latents{of_layer} {when}"
    disc = "disc: radius 1" if look.plate else ""
    beside_large = f"{large.words(0)}{large.notes}" if of_colors else large.notes.removeprefix(", ")
    words = page.words(
        theme_,
        title=", ".join(filter(None, [title, shown.fitted.note])),
        beside=" · ".join(filter(None, [beside_large, disc])),
        names=[view.title for view in shown.projections],
        above_strip=f"earlier, {strip.words(0)}{strip.notes}",
        steps=steps[finite].tolist(),
    )
    # Names that cannot be seen are told of by the page that is drawn here.
    painter = None if label else beside
    pixels, as_lines = _drawn(page, large, strip, words, theme_, painter)
    if large.n_left_out:
        warnings.warn(
            f"{large.n_left_out} of {run.n_points} points are not finite (NaN or infinite) {when}; "
            "they are left out, and counted in the picture",
            LatentvizWarning,
            stacklevel=3,
        )
    titles = [printable(view.title) for view in shown.projections]
    if of_colors:
        where = f"{', '.join(titles)} within {large.words(0)}"
    else:
        where = ", ".join(f"{each} within {large.words(k)}" for k, each in enumerate(titles))
    alt = (
        f"The latents{of_layer} of {run.n_points} points {when} in the projections {where}"
        f"{large.notes}; their distances from the origin have the median "
        f"{np.median(radius):.2g} and reach {radius.max():.2g}.{key_in_words(colors.key)}"
        f"{marked.words}"
    )
    if finite.any():
        thumbnails = ", ".join(str(s) for s in steps[finite])
        alt += (
            f" Below, {titles[0]} at the steps {thumbnails}, within {strip.words(0)}{strip.notes}."
        )
    if not finite.all():
        alt += f" Not finite, and left out: {', '.join(str(s) for s in steps[~finite])}."
    data = {
        "step": moment.step,
        "limits": large.limits,
        "centers": [list(fit.center) for fit in large.fits],
        "points_beyond": large.n_beyond,
        "points_not_finite": large.n_left_out,
        "earlier_steps": [int(s) for s in steps[finite]],
        "earlier_limits": strip.limits if finite.any() else None,
        "earlier_points_beyond": strip.n_beyond,
        **shown.fitted.figures,
    }
    return Picture(title, alt, data, pixels, as_lines)


def _drawn(
    page: HistoryPage,
    large: Row,
    strip: Row,
    words: list[Sprite],
    theme: Theme,
    beside: Beside | None,
) -> tuple[NDArray[np.uint8], Callable[[], Figure]]:
    """The picture, (H, W, 3), and what draws it as lines."""
    panels: list[Panel] = []
    parts: list[Part] = []
    marks: list[Sprite] = []

    def add(row: Row, state: int, plane: int, box: Box, *, is_large: bool) -> None:
        panels.append(row.panel(plane, box, large=is_large))
        parts.append(row.cloud(state, plane))
        marks.extend(row.marks(state, plane, box, page.k, theme))

    for k, box in enumerate(page.large):
        add(large, 0, k, box, is_large=True)
    for k, box in enumerate(page.thumbnails):
        add(strip, k, 0, box, is_large=False)
    key = large.look.coloring.key
    if page.key is not None and key is not None:
        panels.append(key_panel(page.key, key))
        parts.append(Still())
    stage = Stage(page.size, None, 0, tuple(panels), scale=page.scale)
    scene, above = Scene(Heading(""), tuple(parts)), [*marks, *words]
    if beside is not None:
        beside.tell((stage, theme, True))
        beside.tell((scene, above))
        drawn = beside.answer()
        if drawn is not None:
            return interleaved(drawn), lambda: make_page(stage, theme).figure(scene, above=above)
    painted = make_page(stage, theme)
    tell_of_left_out(painted.n_names_left_out)
    return interleaved(painted.drawn(scene, above)), partial(painted.figure, scene, above=above)


def earlier_steps(n_before: int, most: int = MAX_THUMBNAILS) -> NDArray[np.int64]:
    """Which of the recorded steps before the one shown large are thumbnails.

    Args:
        n_before: How many there are.
        most: How many thumbnails there may be.

    Returns:
        Indices (n,), increasing: the first, the last, and between them such that each
        stride is about a constant factor longer than the one before.
    """
    if n_before == 0:
        return np.empty(0, np.int64)
    ends = np.geomspace(OFFSET, n_before - 1 + OFFSET, most) - OFFSET
    return np.unique(np.rint(ends).astype(np.int64))
