"""The HSV cube cut at a few saturations: what the model makes of each color."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..beside import Ask, Beside
from ..color import ColorCube, hsv_cube
from ..raster.chrome import figure_pixels, plain_style
from ..raster.grid import fitting_grid
from ..runs.opening import takes_path
from ..runs.run import Run
from ..theme import theme_named
from .axes import LABEL_PX, TITLE_PX, Sheet, name_hues, new_sheet
from .moment import check_finite, moment_of
from .picture import Picture
from .reconstruction import errors_of, reconstructed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SLICES = f"{__name__}:draw_slices"
SIZE = (1600, 800)
N_HUES, N_SATURATIONS, N_VALUES = 24, 4, 8
# A cell is drawn as so many squares a side, of which the inner ones show the true color.
CELL, INNER = 8, slice(2, 6)
MARGIN_PX = 72.0
TOP_PX = 64.0  # of the room for the cuts
BOTTOM_PX = 44.0  # for the names of the hues
TITLE_GAP_PX = 36.0
GAP_PX = 64.0  # between the cuts, for what stands left of and below each


@takes_path
def plot_slices(
    run: Run,
    *,
    step: int | None = None,
    true_colors: bool = False,
    size: tuple[int, int] = SIZE,
    theme: str = "dark",
    beside: Beside | None = None,
) -> Picture:
    """The HSV cube, cut at four saturations: 24 hues across, 8 values up.

    Cells are square. Each is filled with the reconstruction of its color; a square within shows
    the true one.

    Args:
        run: A run of a model from colors to colors; or its archive's path.
        step: A recorded step; by default the state after the last update.
        true_colors: Show the true colors alone.
        size: (width, height) in pixels.
        theme: ``dark`` or ``light``.
        beside: A process of `draw_slices`, which draws it.

    Raises:
        OptionError: The step was not recorded, or another option is out of range.
        ModelError: The model cannot be run on colors, or gives none.
        ArchiveError: The outputs are not finite, or the run has no states.

    Example::

        latentviz.plot_slices("colors.npz").save("slices.png")
        latentviz.plot_slices("colors.npz", step=50).save("step-50.svg")
        latentviz.plot_slices("colors.npz", true_colors=True).save("true.png")
    """
    moment = moment_of(run, step)
    cube = reconstructed(moment, hsv_cube(N_HUES, N_SATURATIONS, N_VALUES))
    if not true_colors:
        check_finite(f"outputs {moment.when}", cube["reconstruction"].reshape(-1, 3))
    errors = errors_of(cube)
    if true_colors:
        title = "True colors"
        alt = "The true colors of the HSV cube"
    else:
        title = f"Reconstructed colors {moment.when}"
        alt = f"Reconstructions {moment.when} of the colors of the HSV cube, around the true ones"
    alt += (
        f", cut at saturations {', '.join(f'{s:.2g}' for s in cube.coordinates['saturation'])}; "
        f"{N_HUES} hues across, {N_VALUES} values up."
    )
    if not true_colors:
        alt += f" Mean squared error: {errors.words}."

    def as_lines() -> Figure:
        with plain_style():
            return _figure(*what)

    what, pixels = (size, theme, cube, title, true_colors), None
    if beside is not None:
        beside.tell(what)
        pixels = beside.answer()
    drawn = as_lines() if pixels is None else pixels
    return Picture(title, alt, {"step": moment.step, **errors.data}, drawn, as_lines)


def draw_slices(ask: Ask) -> NDArray[np.uint8]:
    """Draw the picture, in a process beside.

    Args:
        ask: Gives its size, theme, cube and title, and whether true colors are shown alone.

    Returns:
        (H, W, 3) pixels.
    """
    with plain_style():
        figure_pixels(new_sheet(SIZE, theme_named("dark"), default=SIZE).figure)  # load what draws
        return figure_pixels(_figure(*ask()))


def _figure(
    size: tuple[int, int], theme: str, cube: ColorCube, title: str, true_colors: bool
) -> Figure:
    """The picture; made within `plain_style`."""
    sheet = new_sheet(size, theme_named(theme), default=SIZE)
    _draw(sheet, cube, title, true_colors=true_colors)
    return sheet.figure


def cells(cube: ColorCube, *, true_colors: bool) -> NDArray[np.float64]:
    """An image of a cut (hue, value) of a cube, values up, `CELL` pixels a cell."""
    turned = cube.permute("value", "hue").slice(value=slice(None, None, -1))
    fill = turned.rgb if true_colors else np.clip(turned["reconstruction"], 0, 1)
    n_values, n_hues = turned.shape
    # (values, rows in a cell, hues, columns in a cell, 3)
    image = np.broadcast_to(fill[:, None, :, None], (n_values, CELL, n_hues, CELL, 3)).copy()
    image[:, INNER, :, INNER] = turned.rgb[:, None, :, None]
    return image.reshape(n_values * CELL, n_hues * CELL, 3)


def _draw(sheet: Sheet, cube: ColorCube, title: str, *, true_colors: bool) -> None:
    k, theme = sheet.scale, sheet.theme
    width, height = sheet.size
    sheet.text(MARGIN_PX * k, 46 * k, title, TITLE_PX)
    saturations = cube.coordinates["saturation"]
    room = width - 2 * MARGIN_PX * k, height - (TOP_PX + BOTTOM_PX) * k
    grid = fitting_grid(
        len(saturations), room, aspect=N_HUES / N_VALUES, gap=GAP_PX * k, head=TITLE_GAP_PX * k
    )
    # Whole pixels a cell, so that all are of one size.
    cell = max(1, math.floor(grid.height / N_VALUES))
    grid = replace(grid, width=float(cell * N_HUES), height=float(cell * N_VALUES))
    for n, (saturation, (left, top)) in enumerate(zip(saturations, grid.places(), strict=True)):
        x, y = round(MARGIN_PX * k + left), round(TOP_PX * k + top)
        sheet.text(
            x, y - 0.4 * TITLE_GAP_PX * k, f"saturation {saturation:.2f}", LABEL_PX,
            color=theme.muted,
        )  # fmt: skip
        axes = sheet.axes(x, y, grid.width, grid.height)
        axes.imshow(
            cells(cube.slice(saturation=n), true_colors=true_colors), interpolation="nearest",
            aspect="auto", extent=(-0.5, N_HUES - 0.5, -0.5, N_VALUES - 0.5),
        )  # fmt: skip
        name_hues(axes, N_HUES)
        axes.set_yticks([0, (N_VALUES - 1) / 2, N_VALUES - 1], ["0", "0.5", "1"])
        if n % grid.columns == 0:
            axes.set_ylabel("value", color=theme.muted, fontsize=sheet.px(LABEL_PX), labelpad=4 * k)
