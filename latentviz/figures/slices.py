"""The HSV cube cut at a few saturations: what the model makes of each colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..color import ColorCube, hsv_cube
from ..raster.chrome import plain_style
from ..run import Run, takes_path
from ..theme import theme_named
from .axes import LABEL_PX, TITLE_PX, Sheet, name_hues, new_sheet
from .picture import Picture
from .reconstruction import errors_of, reconstructed

SIZE = (1600, 800)
N_HUES, N_SATURATIONS, N_VALUES = 24, 4, 8
# A cell is drawn as so many squares a side, of which the inner ones show the true colour.
CELL, INNER = 8, slice(2, 6)
COLUMNS = 2
MARGIN_PX = 72.0
TOP_PX = 76.0
TITLE_GAP_PX = 42.0
GAP_PX = 56.0


@takes_path
def plot_slices(
    run: Run,
    *,
    step: int | None = None,
    true_colors: bool = False,
    size: tuple[int, int] = SIZE,
    theme: str = "dark",
) -> Picture:
    """The HSV cube, cut at four saturations: 24 hues across, 8 values up.

    Each cell is filled with the reconstruction of its colour; a square within shows the true one.

    Args:
        run: A run of a model from colours to colours; or its archive's path.
        step: A recorded step; by default the state after the last update.
        true_colors: Show the true colours alone.
        size: (width, height) in pixels.
        theme: ``dark`` or ``light``.

    Raises:
        OptionError: The step was not recorded, or another option is out of range.
        ModelError: The model cannot be run on colours, or gives none.
        ArchiveError: The run has no states.
    """
    cube = reconstructed(run, hsv_cube(N_HUES, N_SATURATIONS, N_VALUES), step)
    _, when = run.moment(step)
    errors = errors_of(cube)
    if true_colors:
        title = "True colors"
        alt = "The true colors of the HSV cube"
    else:
        title = f"Reconstructed colors {when}"
        alt = f"Reconstructions {when} of the colors of the HSV cube, around the true ones"
    alt += (
        f", cut at saturations {', '.join(f'{s:.2g}' for s in cube.coordinates['saturation'])}; "
        f"{N_HUES} hues across, {N_VALUES} values up."
    )
    if not true_colors:
        alt += f" Mean squared error: {errors.words}."
    with plain_style():
        sheet = new_sheet(size, theme_named(theme), default=SIZE)
        _draw(sheet, cube, title, true_colors=true_colors)
    return Picture(title, alt, {"step": step, **errors.data}, sheet.figure)


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
    k = sheet.scale
    width, height = sheet.size
    sheet.text(MARGIN_PX * k, 46 * k, title, TITLE_PX)
    saturations = cube.coordinates["saturation"]
    rows = -(-len(saturations) // COLUMNS)
    panel_width = (width - (COLUMNS + 1) * MARGIN_PX * k) / COLUMNS
    panel_height = (height - TOP_PX * k) / rows - (TITLE_GAP_PX + GAP_PX) * k
    for n, saturation in enumerate(saturations):
        x = MARGIN_PX * k + (n % COLUMNS) * (panel_width + MARGIN_PX * k)
        y = TOP_PX * k + (n // COLUMNS) * (panel_height + (TITLE_GAP_PX + GAP_PX) * k)
        sheet.text(
            x, y + 0.6 * TITLE_GAP_PX * k, f"saturation {saturation:.2f}", LABEL_PX,
            color=sheet.theme.muted,
        )  # fmt: skip
        axes = sheet.axes(x, y + TITLE_GAP_PX * k, panel_width, panel_height)
        axes.imshow(
            cells(cube.slice(saturation=n), true_colors=true_colors), interpolation="nearest",
            aspect="auto", extent=(-0.5, N_HUES - 0.5, -0.5, N_VALUES - 0.5),
        )  # fmt: skip
        name_hues(axes, N_HUES)
        axes.set_yticks([0, (N_VALUES - 1) / 2, N_VALUES - 1], ["0", "0.5", "1"])
        if n % COLUMNS == 0:
            axes.set_ylabel(
                "value", color=sheet.theme.muted, fontsize=sheet.px(LABEL_PX), labelpad=4 * k
            )
