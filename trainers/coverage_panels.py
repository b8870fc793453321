"""The panels of the picture of a sweep over label coverage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latentviz import DoseEstimate, LogisticFit, Separated
from latentviz.figures import LABEL_PX, TICK_PX, Sheet, text_width

from .coverage_axes import Beyond, DoseAxis, axis_range, log_ticks, thinned
from .coverage_table import Panel, Rows
from .outcomes import Tally

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_DOT_PX, LEAST_DOT_PX = 11.0, 6.0
DOT_SHARE = 0.36  # of the space between two coverages
LINE_PX = 2.0
MARK_PX = 9.0
TICK_LENGTH_PX = 6.0
SPREAD = 0.33  # how far the seeds of one coverage stand apart, in the space between two coverages
MOST_SPREAD_PX = 32.0
TICK_GAP_PX = 12.0
CURVE_POINTS = 400

MARGIN = 0.06  # of a panel's height, above and below what it shows
ARROW = 0.16  # of a panel's height: the room of an arrow to a run beyond it
# How far that goes beyond the panel: a share of its height, but not up to the title above it.
ARROW_OUT, ARROW_OUT_PX = 0.04, 6.0


def draw_successes(
    sheet: Sheet,
    axes: Axes,
    dose_axis: DoseAxis,
    successes: Sequence[Tally],
    fit: LogisticFit | Separated,
) -> None:
    """The share of working runs, the curve fitted to it, and where that reaches 50 % and 95 %."""
    k, theme = sheet.scale, sheet.theme
    color, fitted = theme.curves[2], theme.curves[1]
    for place, s in zip(dose_axis.places, successes, strict=True):
        axes.plot(
            [place, place], [100 * end for end in s.interval], color=color, linewidth=LINE_PX * k,
            alpha=0.7, zorder=3, clip_on=False, solid_capstyle="butt",
        )  # fmt: skip
        axes.plot(
            [place], [100 * s.working / s.tried], "o", markersize=MOST_DOT_PX * k, color=color,
            markeredgecolor=color, zorder=4, clip_on=False,
        )  # fmt: skip
    labels = [f"{s.coverage:g}\n{_share(s.seen['any'])}" for s in successes]
    _x_axis(sheet, axes, dose_axis, labels)
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 25, 50, 75, 100], ["0 %", "", "50 %", "", "100 %"])
    _grid(sheet, axes)
    fitted_too = "" if isinstance(fit, Separated) else ", and the logistic curve that fits it best"
    _title(sheet, axes, f"share of runs that work, with 95 % intervals{fitted_too}")
    if isinstance(fit, Separated):
        if fit.none_at is not None and fit.all_at is not None:
            axes.axvspan(
                dose_axis.place(fit.none_at), dose_axis.place(fit.all_at), color=fitted, alpha=0.2,
                linewidth=0, zorder=1,
            )  # fmt: skip
        return
    first, last = dose_axis.limits
    first = max(first, dose_axis.place(fit.doses[0]) - 0.5)
    curve = np.linspace(first, last, CURVE_POINTS)
    axes.plot(
        curve, 100 * fit.share(dose_axis.coverage(curve)), color=fitted, linewidth=LINE_PX * k,
        zorder=2,
    )  # fmt: skip
    for estimate in fit.thresholds:
        _draw_threshold(sheet, axes, dose_axis, estimate)


def _draw_threshold(sheet: Sheet, axes: Axes, dose_axis: DoseAxis, estimate: DoseEstimate) -> None:
    """The dose at which a share works, with its interval, as far as the axis goes."""
    k, theme = sheet.scale, sheet.theme
    color, y = theme.curves[1], 100 * estimate.share
    left, right = axes.get_xlim()
    low = max(left, dose_axis.place(estimate.low) if estimate.low > 0 else left)
    high = min(right, dose_axis.place(estimate.high))
    if low >= high:
        return
    axes.plot([low, high], [y, y], color=color, linewidth=2 * LINE_PX * k, zorder=5)
    for end, at in ((estimate.low, low), (estimate.high, high)):
        if 0 < end < math.inf and dose_axis.place(end) == at:
            axes.plot(
                [at],
                [y],
                "|",
                markersize=1.4 * MARK_PX * k,
                markeredgewidth=LINE_PX * k,
                color=color,
                zorder=5,
            )
    place = dose_axis.place(estimate.dose)
    if left <= place <= right:
        axes.plot(
            [place, place], [0, y], color=color, linewidth=1.4 * k, zorder=1, linestyle=(0, (2, 3))
        )
        axes.plot(
            [place],
            [y],
            "D",
            markersize=MARK_PX * k,
            color=color,
            markeredgecolor=theme.background,
            markeredgewidth=1.5 * k,
            zorder=6,
        )
    dose = f"{estimate.dose:#.2g}".removesuffix(".")
    words = f"{y:.0f} % at {dose}"
    width = text_width(sheet.figure, words, sheet.px(LABEL_PX)) + 14 * k
    box_px = axes.bbox.width / (right - left)
    # Left of it is where few runs work; but there may be no room.
    if (low - left) * box_px > width:
        x, ha, apart = low, "right", (-10 * k, 0.0)
    elif (right - high) * box_px > width:
        x, ha, apart = high, "left", (10 * k, 0.0)
    else:
        x, ha, apart = left, "left", (0.0, -16 * k)
    axes.annotate(
        words, (x, y), xytext=apart, textcoords="offset points", ha=ha, va="center", color=color,
        fontsize=sheet.px(LABEL_PX), parse_math=False, zorder=7, annotation_clip=False,
        bbox={"facecolor": theme.background, "edgecolor": "none", "pad": 2 * k},
    )  # fmt: skip


def draw_outcomes(
    sheet: Sheet,
    axes: Axes,
    dose_axis: DoseAxis,
    panel: Panel,
    rows: Rows,
    beyond: Sequence[Beyond],
) -> None:
    """One measure of each run; those that lie beyond the axis stand at its edge, with an arrow."""
    k, theme = sheet.scale, sheet.theme
    color = theme.curves[2]
    room_px = axes.bbox.width / (dose_axis.limits[1] - dose_axis.limits[0])
    spread = min(SPREAD, MOST_SPREAD_PX * k / room_px)
    dot_px = min(MOST_DOT_PX * k, max(LEAST_DOT_PX * k, DOT_SHARE * room_px))
    _y_axis(axes, panel, rows, beyond)
    bottom, top = axes.get_ylim()
    medians = []
    for place, coverage in zip(dose_axis.places, dose_axis.coverages, strict=True):
        here = rows["coverage"] == coverage
        values = rows[panel.column][here]
        works, cyclic = rows["works"][here] > 0, rows["cyclic"][here] > 0
        apart = np.linspace(-spread, spread, len(values)) if len(values) > 1 else np.zeros(1)
        far = {b.seed: b for b in beyond if b.coverage == coverage}
        inside = ~np.isin(rows["seed"][here], list(far))
        for chosen, fill in ((works, color), (~works, theme.background)):
            for ordered, marker in ((cyclic, "o"), (~cyclic, "^")):
                look: dict[str, Any] = {
                    "marker": marker, "linestyle": "none", "markersize": dot_px,
                    "markerfacecolor": fill, "markeredgecolor": color,
                    "markeredgewidth": 1.6 * k, "zorder": 3, "clip_on": False,
                }  # fmt: skip
                shown = chosen & ordered
                axes.plot(place + apart[shown & inside], values[shown & inside], **look)
                for n in np.flatnonzero(shown & ~inside):
                    above = far[int(rows["seed"][here][n])].above
                    _draw_beyond(sheet, axes, place + apart[n], above=above, look=look)
        medians.append(float(np.median(np.where(np.isnan(values), np.inf, values))))
    # 0 has no place on a log axis, so no line leads there.
    joined = np.array(dose_axis.coverages) > 0
    axes.plot(
        dose_axis.places[joined], np.array(medians)[joined], color=color, linewidth=LINE_PX * k,
        alpha=0.6, zorder=2,
    )  # fmt: skip
    axes.set_ylim(bottom, top)
    if panel.limit:
        axes.axhline(
            float(rows[panel.limit].max()), color=theme.muted, linewidth=1.6 * k, zorder=1,
            linestyle=(0, (4, 4)),
        )  # fmt: skip
    _x_axis(sheet, axes, dose_axis, [f"{c:g}" for c in dose_axis.coverages])
    _grid(sheet, axes)
    _title(sheet, axes, panel.title)


def _draw_beyond(
    sheet: Sheet, axes: Axes, x: float, *, above: bool, look: Mapping[str, Any]
) -> None:
    from matplotlib.transforms import blended_transform_factory

    k = sheet.scale
    across = blended_transform_factory(axes.transData, axes.transAxes)
    out = min(ARROW_OUT, ARROW_OUT_PX * k / axes.bbox.height)
    middle, end = (1 - 0.6 * ARROW, 1 + out) if above else (0.6 * ARROW, -out)
    axes.plot([x], [middle], transform=across, **look)
    axes.annotate(
        "", (x, end), xytext=(x, middle), xycoords=across, textcoords=across,
        annotation_clip=False, zorder=2,
        arrowprops={
            "arrowstyle": "-|>", "color": look["markeredgecolor"], "linewidth": 1.6 * k,
            "mutation_scale": 12 * k, "shrinkA": 0, "shrinkB": 0,
        },
    )  # fmt: skip


def _y_axis(axes: Axes, panel: Panel, rows: Rows, beyond: Sequence[Beyond]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    low, high = axis_range(rows[panel.column], log=panel.log)
    below = ARROW if any(not b.above for b in beyond) else MARGIN
    above = ARROW if any(b.above for b in beyond) else MARGIN
    if panel.limit:
        high = max(high, float(rows[panel.limit].max()))
    if not panel.log:
        axes.set_ylim(low, low + (high - low or 1.0) / (1 - above))
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        return
    axes.set_yscale("log")
    ticks = log_ticks(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    span = math.log(high / low) or 1.0
    scale = span / (1 - above - below)
    axes.set_ylim(low * math.exp(-below * scale), high * math.exp(above * scale))
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))


def _x_axis(sheet: Sheet, axes: Axes, dose_axis: DoseAxis, labels: Sequence[str]) -> None:
    k = sheet.scale
    first, last = dose_axis.limits
    room_px = axes.bbox.width / (last - first)
    widths = [
        max(text_width(sheet.figure, line, sheet.px(TICK_PX)) for line in label.split("\n"))
        for label in labels
    ]
    shown = thinned(labels, (dose_axis.places * room_px).tolist(), widths, gap_px=TICK_GAP_PX * k)
    axes.set_xticks(dose_axis.places.tolist(), shown)
    axes.tick_params(axis="x", length=TICK_LENGTH_PX * k, width=1.2 * k, pad=6 * k)
    axes.set_xlim(first, last)


def _grid(sheet: Sheet, axes: Axes) -> None:
    axes.grid(True, axis="y", color=sheet.theme.grid, linewidth=max(1.0, 1.2 * sheet.scale))
    axes.set_axisbelow(True)


def name_dose(sheet: Sheet, axes: Axes, name: str) -> None:
    """Title an axis of doses."""
    axes.set_xlabel(
        name, color=sheet.theme.muted, fontsize=sheet.px(TICK_PX), labelpad=6 * sheet.scale
    )


def _title(sheet: Sheet, axes: Axes, title: str) -> None:
    axes.set_title(
        title,
        loc="left",
        color=sheet.theme.muted,
        fontsize=sheet.px(LABEL_PX),
        pad=14 * sheet.scale,
    )


def _share(share: float) -> str:
    percent = 100 * share
    return f"{percent:.1g} %" if percent < 0.1 else f"{percent:.2g} %"
