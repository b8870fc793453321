"""Where in the HSV cube the reconstruction errs, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..color import ColorCube, hsv_cube
from ..raster.chrome import plain_style
from ..run import Run, takes_path
from ..theme import Theme, theme_named
from .axes import LABEL_PX, TICK_PX, TITLE_PX, Sheet, name_hues, new_sheet
from .picture import Picture
from .reconstruction import Errors, errors_of, reconstructed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (1600, 1000)
N_HUES, N_SATURATIONS, N_VALUES = 240, 48, 48
# Through how many places of an axis lines along the others are drawn.
N_LINES = {"hue": 12, "saturation": 4, "value": 4}
N_SLICES = 4
# Errors below this share of the largest one are drawn at it: they would stretch the axis to no use.
LEAST_SHARE = 1e-4
LEAST_ERROR = 1e-12

MARGIN_LEFT_PX, MARGIN_PX = 104.0, 56.0
GAP_PX = 40.0
LINES_TOP_PX, LINES_HEIGHT_PX = 156.0, 420.0
SLICES_TOP_PX, SLICES_HEIGHT_PX = 688.0, 190.0
BAR_TOP_PX, BAR_HEIGHT_PX = 938.0, 14.0
LINE_PX, EDGE_PX = 1.7, 3.4
EDGE_ALPHA = 0.6


@takes_path
def plot_errors(
    run: Run,
    *,
    step: int | None = None,
    size: tuple[int, int] = SIZE,
    theme: str = "dark",
) -> Picture:
    """Each color's mean squared error over a fine HSV cube, 240 x 48 x 48.

    Above, lines through the cube along hue, saturation and value, each segment in the color that it
    stands for; below, the cube cut at a few saturations.

    Args:
        run: A run of a model from colors to colors; or its archive's path.
        step: A recorded step; by default the state after the last update.
        size: (width, height) in pixels.
        theme: ``dark`` or ``light``.

    Raises:
        OptionError: The step was not recorded, or another option is out of range.
        ModelError: The model cannot be run on colors, or gives none.
        ArchiveError: The run has no states.
    """
    cube = reconstructed(run, hsv_cube(N_HUES, N_SATURATIONS, N_VALUES), step)
    errors = errors_of(cube)
    _, when = run.moment(step)
    title = f"Reconstruction error {when}"
    alt = (
        f"Mean squared error of {len(cube):,} reconstructed colors {when}: {errors.words}. Above, "
        "the error along hue, saturation and value, in lines of the colors themselves; below, as "
        f"images of the HSV cube cut at {N_SLICES} saturations."
    )
    if errors.least < _floor(errors):
        alt += f" Errors below {_floor(errors):.2g} are drawn at it."
    with plain_style():
        sheet = new_sheet(size, theme_named(theme), default=SIZE)
        _draw(sheet, cube, title, errors)
    return Picture(title, alt, {"step": step, **errors.data}, sheet.figure)


def lines_along(cube: ColorCube, axis: str) -> ColorCube:
    """The lines through a cube along an axis: (lines, places) with ``rgb`` and ``error``.

    They run through evenly spaced places of the other two axes (their ends included, but hue has
    none) and through the color with the largest error.
    """
    worst = np.unravel_index(int(cube["error"].argmax()), cube.shape)
    others = {}
    for name, place in zip(cube.axes, worst, strict=True):
        n = len(cube.coordinates[name])
        end = n if name == "hue" else n - 1
        even = np.linspace(0, end, N_LINES[name], endpoint=name != "hue").round().astype(int)
        if name != axis:
            others[name] = np.union1d(even, [place])
    return cube.slice(**others).permute(*others, axis)


def _draw(sheet: Sheet, cube: ColorCube, title: str, errors: Errors) -> None:
    from matplotlib.colors import LogNorm

    k, theme = sheet.scale, sheet.theme
    width, height = sheet.size[0], sheet.size[1] / k
    sheet.text(MARGIN_LEFT_PX * k, 52 * k, title, TITLE_PX)
    sheet.text(
        MARGIN_LEFT_PX * k, 88 * k,
        f"{len(cube):,} colors: {errors.words}",
        LABEL_PX, color=theme.muted,
    )  # fmt: skip
    # The taller the page, the taller the plots.
    stretch = (height - (SIZE[1] - LINES_HEIGHT_PX - SLICES_HEIGHT_PX)) / (
        LINES_HEIGHT_PX + SLICES_HEIGHT_PX
    )
    stretch = max(stretch, 0.1)
    lines_height = LINES_HEIGHT_PX * stretch * k
    below = (LINES_HEIGHT_PX * stretch - LINES_HEIGHT_PX) * k
    top = max(errors.largest, LEAST_ERROR)
    bottom = max(errors.least, _floor(errors))
    norm = LogNorm(bottom, top * 1.15)

    inner = width - (MARGIN_LEFT_PX + MARGIN_PX) * k
    panel = (inner - 2 * GAP_PX * k) / 3
    for n, axis in enumerate(cube.axes):
        axes = sheet.axes(
            MARGIN_LEFT_PX * k + n * (panel + GAP_PX * k), LINES_TOP_PX * k, panel, lines_height
        )
        _draw_lines(sheet, axes, lines_along(cube, axis), axis, (bottom, top * 1.15), first=n == 0)

    places = np.linspace(0, N_SATURATIONS - 1, N_SLICES).round().astype(int)
    panel = (inner - (N_SLICES - 1) * GAP_PX * k) / N_SLICES
    image = None
    for n, place in enumerate(places):
        x = MARGIN_LEFT_PX * k + n * (panel + GAP_PX * k)
        y = SLICES_TOP_PX * k + below
        cut = cube.slice(saturation=int(place)).permute("value", "hue")
        axes = sheet.axes(x, y, panel, SLICES_HEIGHT_PX * stretch * k)
        image = axes.imshow(
            np.maximum(cut["error"], bottom), norm=norm, cmap=_colormap(theme),
            origin="lower", aspect="auto", extent=(0, 1, 0, 1), interpolation="nearest",
        )  # fmt: skip
        name_hues(axes, 1.0, most=3)
        axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"] if n == 0 else ["", "", ""])
        if n == 0:
            axes.set_ylabel("value", color=theme.muted, fontsize=sheet.px(LABEL_PX))
        saturation = float(cut["saturation"].flat[0])
        sheet.text(x, y - 14 * k, f"saturation {saturation:.2f}", LABEL_PX, color=theme.muted)
    assert image is not None
    y = BAR_TOP_PX * k + below + SLICES_HEIGHT_PX * (stretch - 1) * k
    sheet.text(
        MARGIN_LEFT_PX * k + inner * 0.24, y + BAR_HEIGHT_PX * k, "mean squared error", LABEL_PX,
        color=theme.muted, ha="right",
    )  # fmt: skip
    bar = sheet.axes(MARGIN_LEFT_PX * k + inner * 0.25, y, inner * 0.5, BAR_HEIGHT_PX * k)
    sheet.figure.colorbar(image, cax=bar, orientation="horizontal")
    _style_bar(sheet, bar)


def _draw_lines(
    sheet: Sheet,
    axes: Axes,
    lines: ColorCube,
    axis: str,
    limits: tuple[float, float],
    *,
    first: bool,
) -> None:
    from matplotlib.collections import LineCollection

    k, theme = sheet.scale, sheet.theme
    x = lines.coordinates[axis]
    places = len(x)
    error = np.maximum(lines["error"].reshape(-1, places), limits[0])
    rgb = lines.rgb.reshape(-1, places, 3)
    if axis == "hue":  # the circle closes
        x, error, rgb = np.append(x, 1.0), _closed(error), _closed(rgb)
    points = np.stack([np.broadcast_to(x, error.shape), error], -1)  # (lines, places, 2)
    # Behind, in a colour that stands out from the page: a line in the page's own is seen too.
    axes.add_collection(
        LineCollection(
            list(points),
            colors=theme.muted,
            alpha=EDGE_ALPHA,
            linewidths=EDGE_PX * k,
            capstyle="round",
        )
    )
    segments = np.stack([points[:, :-1], points[:, 1:]], 2).reshape(-1, 2, 2)
    middles = ((rgb[:, :-1] + rgb[:, 1:]) / 2).reshape(-1, 3)
    axes.add_collection(
        LineCollection(list(segments), colors=middles, linewidths=LINE_PX * k, capstyle="round")
    )
    axes.set_yscale("log")
    axes.set_ylim(*limits)
    axes.set_xlim(0, 1)
    axes.grid(True, axis="y", color=theme.grid, linewidth=max(1.0, 1.2 * k))
    axes.set_axisbelow(True)
    if axis == "hue":
        name_hues(axes, 1.0)
    else:
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_title(
        f"along {axis}", loc="left", color=theme.muted, fontsize=sheet.px(LABEL_PX), pad=10 * k
    )
    if first:
        axes.set_ylabel("mean squared error", color=theme.muted, fontsize=sheet.px(LABEL_PX))
    else:
        axes.tick_params(axis="y", labelleft=False)


def _closed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(lines, places, ...) with the first place again at the end."""
    return np.concatenate([values, values[:, :1]], 1)


def _floor(errors: Errors) -> float:
    """The least error that is drawn as it is."""
    return max(errors.largest, LEAST_ERROR) * LEAST_SHARE


def _colormap(theme: Theme) -> str:
    """Small errors sink into the page, in either theme."""
    return "inferno" if theme.name == "dark" else "inferno_r"


def _style_bar(sheet: Sheet, bar: Axes) -> None:
    bar.set_facecolor(sheet.theme.background)
    for spine in bar.spines.values():
        spine.set_visible(False)
    bar.tick_params(
        colors=sheet.theme.muted, labelsize=sheet.px(TICK_PX), length=0, which="both",
        pad=6 * sheet.scale,
    )  # fmt: skip
    bar.xaxis.set_tick_params(which="minor", labelbottom=False)
