"""The latent space at a step, over thumbnails of how it came to be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError, OptionError
from ..pacing import GeometricPace
from ..projection import HISTORY_DIMS, Projection, projections
from ..raster.board import Plot, draw_board
from ..raster.hud import Sprite, font, text_sprite
from ..run import Run, takes_path
from ..text import printable
from ..theme import Theme, rgb_bytes, theme_named
from ..views import point_colors
from .axes import LABEL_PX, TICK_PX, TITLE_PX, check_picture_size, picture_scale
from .picture import Picture

SIZE = (1600, 900)
MAX_THUMBNAILS = 10
ALPHA = 0.9
# A dot's radius as a share of what a projection shows to either side: the films' own.
DOT_SHARE = 0.105 / 1.5
LEAST_LIMITS = 1.5
LIMITS_MARGIN = 1.1

MARGIN_PX = 56.0
TITLE_PX_FROM_TOP = 56.0
TOP_PX = 84.0  # of the large projections' titles
TITLE_ROW_PX = 36.0
GAP_PX = 28.0
STRIP_PX = 190.0  # the thumbnails and their step numbers
STEP_ROW_PX = 40.0


@takes_path
def plot_history(
    run: Run,
    *,
    step: int | None = None,
    layer: str | None = None,
    dims: Sequence[tuple[int, int]] | None = None,
    names: Sequence[str] = (),
    limits: float | None = None,
    size: tuple[int, int] = SIZE,
    theme: str = "dark",
    colormap: str = "viridis",
) -> Picture:
    """The latents of a run's points at a step, large, over a strip of earlier ones.

    The strip holds at most ten thumbnails, in geometric spacing: close together early, when
    training moves fast.

    Args:
        run: A run with latents, or its archive's path.
        step: The recorded step to show; by default the state after the last update (the last
            recorded one, of a recording that was cut off or a run from arrays).
        layer: The layer whose latents are shown; by default `Run.layer`.
        dims: Pairs of latent dimensions, (right, up); default (1,0), (1,2), (1,3). The thumbnails
            show the first.
        names: Names for the projections' titles, in order.
        limits: Show -limits..limits of each dimension and leave out the points beyond; by default
            1.5, or more where a point lies farther out.
        size: (width, height) in pixels.
        theme: ``dark`` or ``light``.
        colormap: A matplotlib colormap, for points that are colored by a scalar.

    Raises:
        OptionError: The step or the layer was not recorded, or another option is out of range.
        ModelError: The run's model is not registered, and none was given.
        ArchiveError: The latents of a step that is shown are not finite.
    """
    check_picture_size(size)
    look = theme_named(theme)
    of_layer = "" if layer in (None, run.layer) else f" of layer {printable(str(layer))}"
    run = run if layer is None else run.at_layer(layer)
    step, when = run.moment(step)
    latest = run.final_latents() if step is None else run.latents(step)
    n_before = len(run) if step is None else run.index_of(step)
    earlier = GeometricPace()(n_before, MAX_THUMBNAILS) if n_before else np.empty(0, np.int64)
    steps = run.steps[earlier]
    latents = np.stack([*(run.latents(steps) if len(steps) else ()), latest])
    if not np.isfinite(latest).all():
        raise ArchiveError(f"the latents {when} are not finite; show an earlier step")
    shown = np.isfinite(latents).all((1, 2))
    latents, steps = latents[shown], steps[shown[:-1]]
    views = projections(dims, names, latents.shape[2], default=HISTORY_DIMS)
    if limits is not None and not 0 < limits < 1e6:
        raise OptionError(f"limits must be above 0, got {limits:g}")
    if limits is None:
        used = [d for view in views for d in (view.i, view.j)]
        limits = max(LEAST_LIMITS, LIMITS_MARGIN * float(np.abs(latents[:, :, used]).max()))
    colors = point_colors(run.colors, run.n_points, look, colormap)
    title = f"Latents{of_layer} {when}"
    plots, sprites = _arranged(latents, steps, views, limits, size, look, title)
    pixels = draw_board(
        size, plots, sprites, colors=colors, dot_radius=DOT_SHARE * limits, alpha=ALPHA, theme=look
    )
    titles = ", ".join(printable(view.title) for view in views)
    thumbnails = ", ".join(str(s) for s in steps)
    radius = np.linalg.norm(latents[-1], axis=-1)
    alt = (
        f"The latents{of_layer} of {run.n_points} points {when} in the projections {titles}; "
        f"their distances from the origin have the median {np.median(radius):.2g} and reach "
        f"{radius.max():.2g}."
    )
    if thumbnails:
        alt += f" Below, {printable(views[0].title)} at the steps {thumbnails}."
    data = {"step": step, "earlier_steps": [int(s) for s in steps], "limits": limits}
    return Picture(title, alt, data, pixels)


def _arranged(
    latents: NDArray[np.float32],
    steps: NDArray[np.int64],
    views: Sequence[Projection],
    limits: float,
    size: tuple[int, int],
    theme: Theme,
    title: str,
) -> tuple[list[Plot], list[Sprite]]:
    """Where everything stands."""
    width, height = size
    k = picture_scale(size, SIZE)
    text, muted = rgb_bytes(theme.text), rgb_bytes(theme.muted)
    sprites = [text_sprite(title, font(TITLE_PX * k), MARGIN_PX * k, TITLE_PX_FROM_TOP * k, text)]
    plots = []
    strip = STRIP_PX * k if len(steps) else 0.0

    room = width - 2 * MARGIN_PX * k
    each = (room - (len(views) - 1) * GAP_PX * k) / len(views)
    top = (TOP_PX + TITLE_ROW_PX) * k
    side = max(1.0, min(each, height - top - strip - MARGIN_PX * k))
    left = (width - len(views) * side - (len(views) - 1) * GAP_PX * k) / 2
    # What the projections leave of the height is shared out around them.
    spare = max(0.0, height - top - strip - MARGIN_PX * k - side) / 2
    for n, view in enumerate(views):
        x = left + n * (side + GAP_PX * k) + side / 2
        name = printable(view.title)
        sprites.append(
            text_sprite(name, font(LABEL_PX * k), x, TOP_PX * k + spare + 20 * k, text, anchor="ms")
        )
        center = x, top + spare + side / 2
        plots.append(_plot(latents[-1], view, center, side, limits))

    thumbnail = STRIP_PX * k - STEP_ROW_PX * k
    thumbnail = min(thumbnail, room / MAX_THUMBNAILS)
    y = height - MARGIN_PX * k / 2 - STEP_ROW_PX * k - thumbnail / 2
    pitch = room / MAX_THUMBNAILS
    left = (width - pitch * len(steps)) / 2
    for n, step in enumerate(steps):
        x = left + pitch * (n + 0.5)
        plots.append(_plot(latents[n], views[0], (x, y), thumbnail, limits))
        sprites.append(
            text_sprite(
                f"step {step}", font(TICK_PX * k), x, y + thumbnail / 2 + 24 * k, muted, anchor="ms"
            )
        )
    return plots, sprites


def _plot(
    latents: NDArray[np.float32],
    view: Projection,
    center: tuple[float, float],
    side: float,
    limits: float,
) -> Plot:
    positions = latents[:, [view.i, view.j]]
    # Far outside, where no dot shows: points keep their colours, which go by their number.
    beyond = (np.abs(positions) > limits).any(-1, keepdims=True)
    return Plot(np.where(beyond, np.float32(1e9), positions), center, side / (2 * limits))
