"""Curves over steps, drawn by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..palette import role_color
from ..scene import Chart
from ..theme import Role, Theme
from .coincide import MOST_CURVES, in_turns
from .heights import Heights, heights_of
from .ticks import Ticks, linear_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox, BboxBase

Floats = NDArray[np.float64]

TICK_PX = 17.0  # sizes on a page of 1080 pixels
LEAST_TEXT_PX = 8.0  # on any page
TICK_PAD_PX = 6.0
MOST_STEPS = 6  # labels
LINE_PX = 2.2
RAW_PX, RAW_ALPHA = 1.2, 0.25
POINT_PX = 3.2  # a value that stands alone
MEASURED_PX, LEAST_MEASURED_PX = 5.5, 3.0  # a value of a curve that is measured now and then
MEASURED_PITCH = 2.0  # how far apart these are, in their size, or there are none
FINAL_PX, LEAST_FINAL_PX = 8.0, 5.0  # a ring: what was measured after the last update
KEY_PX, LEAST_KEY_PX = 7.0, 4.0
NESTED, MOST_NESTED = 0.35, 3  # by how much of its size a mark is larger for each that lies on it
DASH_PX, LEAST_DASH_PX = 12.0, 5.0
BROKEN_PX, LEAST_BROKEN_PX = 8.0, 4.0
BROKEN_PITCH = 1.5  # the height of a row of such marks, in theirs
BROKEN_SHARE = 0.3  # of the height, at most, for all rows

# More points than this are thinned out to each pixel column's least and greatest.
CURVE_COLUMNS = 2048


@dataclass(frozen=True)
class ChartAxes:
    """What stands along a chart's axes."""

    heights: Heights
    values: Ticks
    steps: Ticks


def chart_axes(chart: Chart, size: tuple[float, float], scale: float) -> ChartAxes:
    """The axes of a chart.

    Args:
        chart: What they are of.
        size: (width, height) of the part with the curves, in pixels.
        scale: How large all things are, 1 on a page of 1080 pixels.
    """
    width, height = size
    above = len(_rows_of_broken(chart, height, scale)) * BROKEN_PITCH * _broken_px(scale)
    heights = heights_of(chart, height, above_px=above)
    text_px = max(LEAST_TEXT_PX, TICK_PX * scale)
    first, last = step_range(chart)
    if chart.parts is not None:
        return ChartAxes(heights, heights.ticks(text_px), _share_ticks(chart, width, text_px))
    # A digit is some 0.64 of the text's height wide, and a label as long as the last needs air.
    label_px = 0.64 * text_px * (len(f"{last:.0f}") + 2)
    steps = linear_ticks(first, last, most=min(MOST_STEPS, int(width / label_px)), whole=True)
    return ChartAxes(heights, heights.ticks(text_px), steps)


def _share_ticks(chart: Chart, width: float, text_px: float) -> Ticks:
    """Shares of a run, in percent, for what counts its parts."""
    assert chart.parts is not None
    first, last = (100 * end / chart.parts for end in step_range(chart))
    most = min(MOST_STEPS, int(width / (0.64 * text_px * (len("100 %") + 2))))
    ticks = linear_ticks(first, last, most=most)
    values = tuple(value / 100 * chart.parts for value in ticks.values)
    return Ticks(values, tuple(f"{label} %" for label in ticks.labels))


def step_range(chart: Chart) -> tuple[float, float]:
    """The steps at which a chart begins and ends."""
    first = float(chart.steps[0])
    return first, max(float(chart.steps[-1]), first + 1)


def draw_chart(axes: Axes, chart: Chart, theme: Theme, scale: float) -> None:
    """A chart's curves, with keyframes marked, and where a curve is broken.

    Args:
        axes: Where.
        chart: What.
        theme: Where the colors come from.
        scale: How large all things are, 1 on a page of 1080 pixels.
    """
    axes.set_facecolor("none")
    for spine in axes.spines.values():
        spine.set_visible(False)
    rows = _rows_of_broken(chart, axes.bbox.height, scale)
    along = chart_axes(chart, (axes.bbox.width, axes.bbox.height), scale)
    _draw_axes(axes, chart, along, theme, scale)
    _draw_curves(axes, chart, along.heights, theme, scale)
    _draw_broken(axes, chart, rows, theme, scale)


def _draw_axes(axes: Axes, chart: Chart, along: ChartAxes, theme: Theme, scale: float) -> None:
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter

    text_px = max(LEAST_TEXT_PX, TICK_PX * scale)
    axes.tick_params(
        colors=theme.muted, labelsize=text_px, length=0, pad=TICK_PAD_PX * scale, which="both"
    )
    # A keyframe of the first step reaches beyond the axis.
    axes.tick_params(axis="y", pad=max(TICK_PAD_PX * scale, 0.75 * LEAST_KEY_PX))
    axes.set_xlim(*step_range(chart))
    axes.xaxis.set_major_locator(FixedLocator(along.steps.values))
    axes.xaxis.set_major_formatter(FixedFormatter(along.steps.labels))
    heights, ticks = along.heights, along.values
    if heights.log:
        axes.set_yscale("log")
    axes.set_ylim(*heights.limits)
    axes.yaxis.set_major_locator(FixedLocator(ticks.values))
    axes.yaxis.set_major_formatter(FixedFormatter(ticks.labels))
    axes.yaxis.set_minor_locator(FixedLocator(ticks.minor))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_axisbelow(True)
    line_px = max(1.0, 1.2 * scale)
    axes.grid(True, axis="y", which="major", color=theme.grid, linewidth=line_px)
    axes.grid(True, axis="y", which="minor", color=theme.grid, linewidth=line_px, alpha=0.5)


def _draw_curves(axes: Axes, chart: Chart, heights: Heights, theme: Theme, scale: float) -> None:
    line_px, dash_px = max(1.0, LINE_PX * scale), max(LEAST_DASH_PX, DASH_PX * scale)
    first, last = axes.get_xlim()
    per_step = axes.bbox.width / (last - first)
    colors = [role_color(curve.role, theme) for curve in chart.curves]
    for curve, color in zip(chart.curves, colors, strict=True):
        if curve.raw is not None:
            # No zero: a raw curve may touch it at every other step.
            raw = np.where(curve.raw > 0, curve.raw, np.nan) if heights.log else curve.raw
            steps, ys = _thinned(chart.steps, heights.pixels(raw))
            axes.plot(
                steps, heights.values(ys), color=color, alpha=RAW_ALPHA,
                linewidth=max(0.7, RAW_PX * scale), zorder=1.5,
            )  # fmt: skip
    pixels = [heights.pixels(curve.values) for curve in chart.curves]
    thinned = [_thinned(chart.steps, ys) for ys in pixels]
    xs: Floats = (np.asarray(thinned[0][0], np.float64) - first) * per_step
    shown = in_turns(xs, [ys for _, ys in thinned], width=line_px, dash=dash_px)
    for color, (x, y) in zip(colors, shown, strict=True):
        axes.plot(
            first + x / per_step, heights.values(y), color=color, linewidth=line_px,
            solid_capstyle="butt",
        )  # fmt: skip
    point_px = max(2.0, (KEY_PX if len(chart.steps) == 1 else POINT_PX) * scale)
    places = [(steps, ys, _alone(ys)) for steps, ys in thinned]
    _draw_marks(axes, chart, theme, heights, places, "o", point_px)
    point_px = max(LEAST_MEASURED_PX, MEASURED_PX * scale)
    places = [
        (chart.steps, ys, _apart(curve.measured, chart.steps, per_step, point_px))
        for curve, ys in zip(chart.curves, pixels, strict=True)
    ]
    _draw_marks(axes, chart, theme, heights, places, "o", point_px)
    places = [
        (chart.steps, ys, curve.keyed[np.isfinite(ys[curve.keyed])])
        for curve, ys in zip(chart.curves, pixels, strict=True)
    ]
    edge = {"markeredgecolor": theme.background, "markeredgewidth": 1.2 * scale}
    _draw_marks(axes, chart, theme, heights, places, "D", max(LEAST_KEY_PX, KEY_PX * scale), **edge)
    at_end = chart.steps[-1:]
    finals = [np.array([np.nan if c.final is None else c.final]) for c in chart.curves]
    places = [(at_end, ys, np.flatnonzero(np.isfinite(ys))) for ys in map(heights.pixels, finals)]
    ring = {"markerfacecolor": theme.background, "markeredgewidth": line_px}
    _draw_marks(
        axes, chart, theme, heights, places, "o", max(LEAST_FINAL_PX, FINAL_PX * scale), **ring
    )


def _draw_marks(
    axes: Axes,
    chart: Chart,
    theme: Theme,
    heights: Heights,
    places: Sequence[tuple[NDArray[np.int64], Floats, NDArray[np.int64]]],
    marker: str,
    size_px: float,
    **look: Any,
) -> None:
    """Mark points of each curve; where marks coincide, those below are larger and so seen.

    Args:
        axes: Where.
        chart: Whose curves.
        theme: Where their colors come from.
        heights: The axis of the values.
        places: Of each curve, steps and heights in pixels, and the indices of what to mark.
        marker: Matplotlib's name of the mark.
        size_px: How large it is.
        look: What else matplotlib is to know.
    """
    below = len(places) <= MOST_CURVES
    for n, (curve, (steps, ys, at)) in enumerate(zip(chart.curves, places, strict=True)):
        color, covered = role_color(curve.role, theme), np.zeros(len(at), np.int64)
        for _, others, marked in places[n + 1 :] if below else []:
            covered += np.isin(at, marked) & (np.abs(others[at] - ys[at]) < 1)
        for times in np.unique(covered).tolist():
            group = at[covered == times]
            axes.plot(
                steps[group], heights.values(ys[group]), marker, color=color,
                markersize=size_px * (1 + NESTED * min(times, MOST_NESTED)), clip_on=False,
                zorder=3, **look,
            )  # fmt: skip


def _apart(
    measured: NDArray[np.int64], steps: NDArray[np.int64], per_step: float, size_px: float
) -> NDArray[np.int64]:
    """The steps at which a curve was measured, if marks so large leave some of it to be seen."""
    length_px = float(np.ptp(steps[measured])) * per_step if len(measured) else 0.0
    return measured if length_px >= MEASURED_PITCH * size_px * (len(measured) - 1) else measured[:0]


def _alone(values: Floats) -> NDArray[np.int64]:
    """Which values have no neighbour to draw a line to."""
    finite = np.pad(np.isfinite(values), 1)
    return np.flatnonzero(finite[1:-1] & ~finite[:-2] & ~finite[2:])


def _thinned(steps: NDArray[np.int64], values: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Each column's least and greatest value, which look the same on the page as all of them."""
    if len(values) <= 2 * CURVE_COLUMNS:
        return steps, values
    edges = np.linspace(0, len(values), CURVE_COLUMNS + 1).astype(np.int64)[:-1]
    low = np.fmin.reduceat(values, edges)
    high = np.fmax.reduceat(values, edges)
    return np.repeat(steps[edges], 2), np.stack([low, high], 1).ravel()


def _broken_px(scale: float) -> float:
    return max(LEAST_BROKEN_PX, BROKEN_PX * scale)


def _rows_of_broken(
    chart: Chart, height: float, scale: float
) -> list[tuple[Role | None, NDArray[np.int64]]]:
    """Where curves are broken, a row each; where they are many, the last is of all others.

    That one has no role.
    """
    rows: list[tuple[Role | None, NDArray[np.int64]]] = [
        (curve.role, curve.broken) for curve in chart.curves if len(curve.broken)
    ]
    most = max(1, int(BROKEN_SHARE * height / (BROKEN_PITCH * _broken_px(scale))))
    if len(rows) <= most:
        return rows
    rest = np.unique(np.concatenate([at for _, at in rows[most - 1 :]]))
    return [*rows[: most - 1], (None, rest)]


def _draw_broken(
    axes: Axes,
    chart: Chart,
    rows: Sequence[tuple[Role | None, NDArray[np.int64]]],
    theme: Theme,
    scale: float,
) -> None:
    """A cross where a curve breaks, and dots from there on as long as it is broken."""
    size_px = _broken_px(scale)
    first, last = axes.get_xlim()
    for n, (role, at) in enumerate(rows):
        y = 1 - (n + 0.5) * BROKEN_PITCH * size_px / axes.bbox.height
        steps = chart.steps[at]
        # Crosses that would overlap are one.
        apart = np.diff(steps) * axes.bbox.width / (last - first) > 1.5 * size_px
        begins = steps[np.concatenate([[True], apart])]
        ends = steps[np.concatenate([apart, [True]])]
        transform = axes.get_xaxis_transform()
        color = theme.muted if role is None else role_color(role, theme)
        width_px = max(1.0, 1.6 * scale)
        axes.plot(
            begins, np.full(len(begins), y), "x", markersize=size_px, markeredgewidth=width_px,
            clip_on=False, zorder=4, color=color, transform=transform,
        )  # fmt: skip
        lines = np.stack([begins, ends, np.full(len(begins), np.nan)], 1).ravel()
        axes.plot(
            lines, np.full(len(lines), y), ":", linewidth=width_px, zorder=4, color=color,
            transform=transform,
        )  # fmt: skip


def _is_within(box: Bbox, page: BboxBase) -> bool:
    """Whether a text lies on the page, but for the room that its font keeps above and below."""
    inner = box.padded(-1)
    return bool(
        page.x0 <= inner.x0 and inner.x1 <= page.x1 and page.y0 <= inner.y0 and inner.y1 <= page.y1
    )


def draw_titles(
    figure: Figure,
    axes: Axes,
    chart: Chart,
    theme: Theme,
    scale: float,
    *,
    left_px: float,
    with_steps: bool = True,
) -> None:
    """What the axes are of, to their left: the steps beside their numbers, the values upright.

    A title for which there is no room is left out, as is a number that would be cut.

    Args:
        figure: Where.
        axes: Whose, drawn by `draw_chart`.
        chart: What they show.
        theme: Where the colors come from.
        scale: How large all things are.
        left_px: From where on there is room, in pixels.
        with_steps: Whether the steps are numbered.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.ticker import FixedFormatter

    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]  # its gap
    pad, text_px, bounds = TICK_PAD_PX * scale, max(LEAST_TEXT_PX, TICK_PX * scale), axes.bbox

    def numbers(axis: Axis) -> list[Bbox]:
        """Where an axis' numbers stand; those that the page would cut are left out."""
        axis.get_tightbbox(renderer)  # which puts them where they belong
        labels = axis.get_majorticklabels()
        boxes = [label.get_window_extent(renderer) for label in labels]
        whole = [_is_within(box, figure.bbox) for box in boxes]
        texts = [label.get_text() for label in labels]
        kept = [text if fits else "" for text, fits in zip(texts, whole, strict=True)]
        axis.set_major_formatter(FixedFormatter(kept))
        return [box for box, fits in zip(boxes, whole, strict=True) if fits]

    def write(text: str, right: float, y: float, **look: Any) -> Text:
        return figure.text(
            right / figure.bbox.width, y / figure.bbox.height, text, ha="right", color=theme.muted,
            fontsize=text_px, **look,
        )  # fmt: skip

    values = numbers(axes.yaxis)
    right = min([bounds.x0, *(float(number.x0) for number in values)]) - pad
    title = write(chart.quantity, right, (bounds.y0 + bounds.y1) / 2, va="center", rotation=90)
    box = title.get_window_extent(renderer)
    if box.x0 < left_px or box.height > bounds.height:
        title.remove()
    if not with_steps:
        return
    steps = numbers(axes.xaxis)
    right = min([bounds.x0, *(float(number.x0) for number in steps)]) - text_px / 2
    title = write("step" if chart.parts is None else "of run", right, bounds.y0 - pad, va="top")
    box = title.get_window_extent(renderer)
    for number in sorted([*values, *steps], key=lambda number: -float(number.x0)):
        if number.overlaps(box):
            box = box.translated(number.x0 - text_px / 3 - box.x1, 0)
    title.set_x(box.x1 / figure.bbox.width)
    if box.x0 < left_px or not _is_within(box, figure.bbox):
        title.remove()
