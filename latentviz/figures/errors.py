"""Where in the HSV cube the reconstruction errs, and by how much."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..color import ColorCube, hsv_cube
from ..raster.chrome import plain_style
from ..runs.opening import takes_path
from ..runs.run import Run
from ..theme import Theme, rgb_bytes, theme_named
from .axes import HUES, LABEL_PX, TICK_PX, TITLE_PX, Sheet, label_log, name_hues, new_sheet
from .moment import check_finite, moment_of
from .picture import Picture
from .reconstruction import Errors, errors_of, reconstructed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (1600, 1000)
N_HUES, N_SATURATIONS, N_VALUES = 240, 48, 48
LINE_VALUES = (0.2, 0.4, 0.6, 0.8, 1.0)  # of the lines along hue, or the cube's nearest
# The hues of the lines along saturation and value: where among all they stand by their largest
# error, and how far apart they are at least, so that their colors are.
RANKS = {"largest": 0.0, "medium": 0.5, "small": 1.0}
APART = 1 / 6
N_SLICES = 4
# Errors below this share of the largest one are drawn at it: they would stretch the images' colors
# to no use.
LEAST_SHARE = 1e-4
MOST_SHARE = 0.1  # the images' colors span a decade at least
LEAST_ERROR = 1e-12
FAR_BELOW = 0.5  # of the largest error

MARGIN_LEFT_PX, MARGIN_PX = 104.0, 56.0
GAP_PX = 40.0
LINES_TOP_PX, LINES_HEIGHT_PX = 186.0, 390.0
LINES_TITLE_PX, KEY_PX = 44.0, 14.0  # of baselines, above the lines
SWATCH_PX = 26.0
NAME_PAD_PX = 11.0  # so that the first hue's name stays clear of the axis's 0
SLICES_TOP_PX, SLICES_HEIGHT_PX = 688.0, 190.0
BAR_TOP_PX, BAR_HEIGHT_PX = 938.0, 14.0
LINE_PX, HALO_PX = 3.0, 5.4
HEADROOM = 1.05
# A line that stands out from the page by less than the second of these contrasts (WCAG's) has a
# halo, which is strongest at the first.
HALO_CONTRASTS = (1.3, 2.2)
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@takes_path
def plot_errors(
    run: Run,
    *,
    step: int | None = None,
    size: tuple[int, int] = SIZE,
    theme: str = "dark",
) -> Picture:
    """Each color's mean squared error over a fine HSV cube, 240 x 48 x 48.

    Above, on one linear axis from 0, lines through the full colors, each segment in the color that
    it stands for: along hue at saturation 1 and five values; along saturation at value 1 and along
    value at saturation 1, at three hues, of the largest, of medium and of small errors. Below, the
    cube cut at a few saturations.

    Args:
        run: A run of a model from colors to colors; or its archive's path.
        step: A recorded step; by default the state after the last update.
        size: (width, height) in pixels.
        theme: ``dark`` or ``light``.

    Raises:
        OptionError: The step was not recorded, or another option is out of range.
        ModelError: The model cannot be run on colors, or gives none.
        ArchiveError: The outputs are not finite, or the run has no states.

    Example::

        picture = latentviz.plot_errors("colors.npz")
        picture.save("errors.png")
        print(picture.data["error_max"])
    """
    moment = moment_of(run, step)
    cube = reconstructed(moment, hsv_cube(N_HUES, N_SATURATIONS, N_VALUES))
    check_finite(f"outputs {moment.when}", cube["reconstruction"].reshape(-1, 3))
    errors = errors_of(cube)
    title = f"Reconstruction error {moment.when}"
    alt = (
        f"Mean squared error of {len(cube):,} reconstructed colors {moment.when}: {errors.words}. "
        f"Above, lines of the colors themselves: along hue, {_peaks(cube)}; along saturation and "
        f"value, at the hues {_hues_in_words(cube)}{_of_the_lines(cube, errors)}. Below, images of "
        f"the HSV cube cut at {N_SLICES} saturations."
    )
    if errors.least < _floor(errors):
        alt += f" Errors below {_floor(errors):.2g} are drawn at it there."
    with plain_style():
        sheet = new_sheet(size, theme_named(theme), default=SIZE)
        _draw(sheet, cube, title, errors)
    return Picture(title, alt, {"step": moment.step, **errors.data}, sheet.figure)


def lines_along(cube: ColorCube, axis: str) -> ColorCube:
    """The lines through a cube's full colors along an axis: (lines, places) with what it holds.

    Along hue, at full saturation and `LINE_VALUES`; along saturation at full value, and along value
    at full saturation, at the hues of `ranked_hues`.
    """
    if axis == "hue":
        values = cube.coordinates["value"]
        nearest = [int(np.abs(values - value).argmin()) for value in LINE_VALUES]
        return cube.slice(saturation=-1, value=nearest).permute("value", "hue")
    full = {"saturation": -1, "value": -1}
    del full[axis]
    return cube.slice(hue=ranked_hues(cube), **full).permute("hue", axis)


def ranked_hues(cube: ColorCube) -> list[int]:
    """The hues that stand at `RANKS` by their largest error; the first has the largest of all."""
    worst = cube["error"].max((1, 2))
    order = np.argsort(-worst, kind="stable")
    n = len(order)
    picked: list[int] = []
    for rank in RANKS.values():
        free = [h for h in order if all(_turn(h - p, n) >= APART * n - 1e-9 for p in picked)]
        picked.append(int(free[round(rank * (len(free) - 1))]))
    return picked


def _turn(places: int, n: int) -> int:
    """How far apart two hues are that lie so many places apart, of ``n`` around the circle."""
    return min(places % n, -places % n)


def _draw(sheet: Sheet, cube: ColorCube, title: str, errors: Errors) -> None:
    from matplotlib.colors import LogNorm

    k, theme = sheet.scale, sheet.theme
    width, height = sheet.size[0], sheet.size[1] / k
    sheet.text(MARGIN_LEFT_PX * k, 52 * k, title, TITLE_PX)
    sheet.text(
        MARGIN_LEFT_PX * k, 88 * k,
        f"{len(cube):,} colors: {errors.words}{_of_the_lines(cube, errors)}",
        LABEL_PX, color=theme.muted,
    )  # fmt: skip
    # The taller the page, the taller the plots.
    stretch = (height - (SIZE[1] - LINES_HEIGHT_PX - SLICES_HEIGHT_PX)) / (
        LINES_HEIGHT_PX + SLICES_HEIGHT_PX
    )
    stretch = max(stretch, 0.1)
    below = (LINES_HEIGHT_PX * stretch - LINES_HEIGHT_PX) * k
    top = max(errors.largest, LEAST_ERROR)
    bottom = min(max(errors.least, _floor(errors)), top * MOST_SHARE)
    norm = LogNorm(bottom, top * 1.15)
    inner = width - (MARGIN_LEFT_PX + MARGIN_PX) * k
    _draw_all_lines(sheet, cube, inner, LINES_HEIGHT_PX * stretch * k, top)

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
        axes.tick_params(axis="x", pad=NAME_PAD_PX * k)
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
    label_log(bar.xaxis, bottom, top * 1.15)
    sheet.style(bar)  # anew: a color bar brings a style of its own


def _draw_all_lines(sheet: Sheet, cube: ColorCube, inner: float, height: float, top: float) -> None:
    """The three panels, that along hue as wide as the others together."""
    k, muted = sheet.scale, sheet.theme.muted
    narrow = (inner - 2 * GAP_PX * k) / 4
    x, y = MARGIN_LEFT_PX * k, LINES_TOP_PX * k
    titles = {
        "hue": "along hue, at saturation 1",
        "saturation": "along saturation, at value 1",
        "value": "along value, at saturation 1",
    }
    for axis, title in titles.items():
        panel = 2 * narrow if axis == "hue" else narrow
        sheet.text(x, y - LINES_TITLE_PX * k, title, LABEL_PX, color=muted)
        axes = sheet.axes(x, y, panel, height)
        lines = lines_along(cube, axis)
        _draw_lines(sheet, axes, lines, axis, top)
        if axis == "hue":
            values = ", ".join(f"{value:.2g}" for value in lines.coordinates["value"])
            sheet.text(x, y - KEY_PX * k, f"dark to bright: values {values}", TICK_PX, color=muted)
        if axis == "saturation":
            _draw_key(sheet, cube, x, y - KEY_PX * k)
        x += panel + GAP_PX * k


def _of_the_lines(cube: ColorCube, errors: Errors) -> str:
    """In words: how far up the lines reach, where all stay far below the largest error."""
    reach = max(float(lines_along(cube, axis)["error"].max()) for axis in cube.axes)
    return f"; of the lines {reach:.2g}" if reach < FAR_BELOW * errors.largest else ""


def _draw_key(sheet: Sheet, cube: ColorCube, x: float, y: float) -> None:
    """The hues of the lines along saturation and value, each after a piece of its color."""
    from matplotlib.patches import Rectangle

    k, theme = sheet.scale, sheet.theme
    width, height = sheet.size
    x = sheet.text(x, y, "error of the hue:", TICK_PX, color=theme.muted) + 14 * k
    for rank, hue in zip(RANKS, ranked_hues(cube), strict=True):
        color = cube.rgb[hue, -1, -1]
        halo = float(_halo(color, theme))
        middle = 1 - (y - 5.5 * k) / height
        for px, ink in ((HALO_PX, (*_rgb(theme.muted), halo)), (LINE_PX, color)):
            tall = px * k / height
            sheet.figure.add_artist(
                Rectangle(
                    (x / width, middle - tall / 2), SWATCH_PX * k / width, tall, color=ink, lw=0,
                    transform=sheet.figure.transFigure,
                )
            )  # fmt: skip
        x += (SWATCH_PX + 8) * k
        name = f"{rank} {360 * cube.coordinates['hue'][hue]:.0f}°"
        x = sheet.text(x, y, name, TICK_PX, color=theme.muted) + 22 * k


def _draw_lines(sheet: Sheet, axes: Axes, lines: ColorCube, axis: str, top: float) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    k, theme = sheet.scale, sheet.theme
    x, error, rgb = lines.coordinates[axis], lines["error"], lines.rgb
    if axis == "hue":  # the circle closes
        x, error, rgb = np.append(x, 1.0), _closed(error), _closed(rgb)
    exponent = _exponent(top)
    points = np.stack([np.broadcast_to(x, error.shape), error / 10.0**exponent], -1)
    segments = np.stack([points[:, :-1], points[:, 1:]], 2)  # (lines, places, 2, 2)
    middles = (rgb[:, :-1] + rgb[:, 1:]) / 2
    halos = _halo(middles, theme)
    # Behind, in a color that stands out from the page, only where the line's own does not.
    faint = halos > 0
    inks = np.column_stack([np.tile(_rgb(theme.muted), (int(faint.sum()), 1)), halos[faint]])
    for behind, colors, px in (
        (segments[faint], inks, HALO_PX),
        (segments.reshape(-1, 2, 2), middles.reshape(-1, 3), LINE_PX),
    ):
        axes.add_collection(
            LineCollection(list(behind), colors=colors, linewidths=px * k, capstyle="butt")
        )
    axes.set_ylim(0, top * HEADROOM / 10.0**exponent)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(0, 1)
    axes.grid(True, axis="y", color=theme.grid, linewidth=max(1.0, 1.2 * k))
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", pad=NAME_PAD_PX * k)
    if axis == "hue":
        name_hues(axes, 1.0)
        unit = f", in 10{str(exponent).translate(SUPERSCRIPTS)}" if exponent else ""
        axes.set_ylabel(f"mean squared error{unit}", color=theme.muted, fontsize=sheet.px(LABEL_PX))
    else:
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.tick_params(axis="y", labelleft=False)


def _exponent(top: float) -> int:
    """The power of ten that an axis up to ``top`` is counted in; 0 if it needs none."""
    exponent = math.floor(math.log10(top))
    return 0 if -1 <= exponent <= 2 else exponent


def _peaks(cube: ColorCube) -> str:
    """In words: the errors of the six pure hues, of white, and of what lies between."""
    full = cube["error"][:, -1, -1]
    every = len(full) // len(HUES)
    return (
        f"{np.median(full):.2g} at the median full color, {full[::every].mean():.2g} on average at "
        f"the six pure hues; {cube['error'][0, 0, -1]:.2g} at white"
    )


def _hues_in_words(cube: ColorCube) -> str:
    hues = (f"{360 * cube.coordinates['hue'][hue]:.0f}°" for hue in ranked_hues(cube))
    named = [f"{hue} ({rank})" for hue, rank in zip(hues, RANKS, strict=True)]
    return f"{', '.join(named[:-1])} and {named[-1]} of the hues' errors"


def _halo(rgb: NDArray[np.float64], theme: Theme) -> NDArray[np.float64]:
    """How opaque the halo of a line is: (...) in 0..1 for colors (..., 3)."""
    page, color = (luminance + 0.05 for luminance in map(_luminance, (_rgb(theme.background), rgb)))
    contrast = np.maximum(page, color) / np.minimum(page, color)
    strong, none = HALO_CONTRASTS
    return np.asarray(np.clip((none - contrast) / (none - strong), 0.0, 1.0))


def _luminance(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """WCAG's relative luminance of sRGB."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def _rgb(color: str) -> NDArray[np.float64]:
    return np.array(rgb_bytes(color)) / 255


def _closed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(lines, places, ...) with the first place again at the end."""
    return np.concatenate([values, values[:, :1]], 1)


def _floor(errors: Errors) -> float:
    """The least error that is drawn as it is."""
    return max(errors.largest, LEAST_ERROR) * LEAST_SHARE


def _colormap(theme: Theme) -> str:
    """Small errors sink into the page, in either theme."""
    return "inferno" if theme.name == "dark" else "inferno_r"
