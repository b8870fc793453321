"""The schedule: every property over steps."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np

from ..errors import ArchiveError, LatentvizWarning, OptionError
from ..raster.chart import draw_chart, draw_titles
from ..raster.chrome import plain_style, text_width
from ..raster.legend import draw_legend
from ..runs.opening import opened_run
from ..runs.run import Run
from ..runs.schedule import Schedule
from ..scene import Box, Chart, Curve
from ..text import counted, listed, printable, shortened
from ..theme import Theme, theme_named
from ..views.curves import curve_names, schedule_charts
from .axes import TICK_PX, TITLE_PX, Sheet, check_picture_size, new_sheet, picture_scale
from .picture import Picture

SIZE = (1600, 900)
MARGIN_LEFT_PX, MARGIN_PX = 104.0, 56.0
TOP_PX = 112.0
BOTTOM_PX = 56.0
LEGEND_PX = 34.0
GAP_PX = 46.0
LEAST_PANEL_PX = 44.0  # the height of a panel, its legend and the gap below it apart
PHASE_PX = 1.6
LEAST_PHASE_PX = 4.0  # between two lines
ACTIONS_PX = 26.0  # the height of the actions' row, where there are any
MARK_PX = 8.0
LONGEST_NAME, LEAST_NAME = 24, 5
NARROW = 0.3  # a letter's width as a share of the text's height, at least
MOST_OF_A_STEP = 4  # names
MOST_TOLD = 20


def plot_timeline(
    run: Run | Schedule | str | PathLike[str],
    *,
    size: tuple[int, int] = SIZE,
    theme: str = "dark",
) -> Picture:
    """Every property of the schedule over steps, with keyframes, phases and actions marked.

    Properties of comparable scale share a panel; the learning rate has one of its own. Where there
    are more than there is room for, the last panel has all others, on a log axis.

    Args:
        run: A run with a schedule, or its archive's path; or a schedule by itself.
        size: (width, height) in pixels.
        theme: ``dark`` or ``light``.

    Raises:
        OptionError: An option is out of range, or the schedule has no property.
        ArchiveError: The run has no schedule.

    Example::

        latentviz.plot_timeline("run.npz").save("schedule.svg")
        with latentviz.open_run("run.npz") as run:
            latentviz.plot_timeline(run, theme="light").save("light.png")
    """
    if isinstance(run, Schedule):
        if not run.params:
            raise OptionError(f"{printable(run.name)} has no property to draw; give params")
        return _picture(run, (), size, theme_named(theme))
    with opened_run(run) as opened:
        if not opened.params:
            raise ArchiveError(
                f"{printable(opened.name)} has no schedule to draw; record one with "
                "Recorder.step(params=...)"
            )
        return _picture(opened.schedule, curve_names(opened), size, theme_named(theme))


def _picture(
    schedule: Schedule, names: Iterable[str], size: tuple[int, int], theme: Theme
) -> Picture:
    charts = schedule_charts(schedule, names=names, most=_most_charts(size))
    first, last = int(schedule.steps[0]), int(schedule.steps[-1])
    title = f"Schedule of {printable(schedule.name)}"
    curves = [curve for chart in charts for curve in chart.curves]
    alt = f"The schedule over steps {first} to {last}: {'; '.join(map(_in_words, curves))}."
    alt += _told("Phases", "from", schedule.phases) + _told("Actions", "at", schedule.actions)
    data = {
        "steps": [first, last],
        "groups": [[curve.name for curve in chart.curves] for chart in charts],
        "phases": [[step, name] for step, name in schedule.phases],
        "actions": [[step, name] for step, name in schedule.actions],
    }
    with plain_style():
        sheet = new_sheet(size, theme, default=SIZE)
        n_names, n_left_out = _draw(sheet, schedule, charts, title)
    if n_left_out:
        warnings.warn(
            "names of phases and actions are left out of the picture where they would lie on "
            f"others, {n_left_out} of {n_names}; a wider one has room for more",
            LatentvizWarning,
            stacklevel=3,
        )
    return Picture(title, alt, data, sheet.figure)


def _most_charts(size: tuple[int, int]) -> int:
    """How many charts can be read on a page of (width, height) pixels."""
    check_picture_size(size)
    k = picture_scale(size, SIZE)
    room = size[1] / k - TOP_PX - ACTIONS_PX - BOTTOM_PX + GAP_PX
    return max(1, int(room / (LEGEND_PX + LEAST_PANEL_PX + GAP_PX)))


def _told(what: str, when: str, moments: Sequence[tuple[int, str]]) -> str:
    if not moments:
        return ""
    told = [f"{printable(name)} {when} step {step}" for step, name in moments]
    return f" {what}: {listed(told, MOST_TOLD)}."


def _in_words(curve: Curve) -> str:
    values = curve.values[np.isfinite(curve.values)]
    name = printable(curve.name)
    if len(values) == 0:
        return f"{name} has no{' finite' if len(curve.broken) else ''} value"
    n = len(curve.keyed)
    keys = f", {counted(n, 'keyframe')}" if n else ""
    if len(curve.broken):
        keys += f", NaN or infinite at {counted(len(curve.broken), 'step')}"
    return (
        f"{name} from {values[0]:.3g} to {values[-1]:.3g}, within {values.min():.3g} to "
        f"{values.max():.3g}{keys}"
    )


@dataclass(frozen=True)
class _Span:
    """Where steps lie on the picture, in pixels."""

    left: float
    width: float
    first: int
    last: int

    def x(self, step: int) -> float:
        return self.left + self.width * (step - self.first) / max(1, self.last - self.first)

    def apart(self, steps: Iterable[int], px: float) -> list[int]:
        """Those of increasing steps that are not closer on the page than so many pixels."""
        kept: list[int] = []
        for step in steps:
            if not kept or self.x(step) - self.x(kept[-1]) >= px:
                kept.append(step)
        return kept

    def shown(self, moments: Iterable[tuple[int, str]]) -> list[tuple[int, list[str]]]:
        """Those within the steps, the names of one step together."""
        names: dict[int, list[str]] = {}
        for step, name in sorted(moments, key=lambda moment: moment[0]):
            if self.first <= step <= self.last:
                names.setdefault(step, []).append(name)
        return list(names.items())


def _draw(
    sheet: Sheet, schedule: Schedule, charts: tuple[Chart, ...], title: str
) -> tuple[int, int]:
    """Draw all; how many names of phases and actions there are, and are left out."""
    k, theme = sheet.scale, sheet.theme
    width, height = sheet.size
    sheet.text(MARGIN_LEFT_PX * k, 52 * k, title, TITLE_PX)
    inner = width - (MARGIN_LEFT_PX + MARGIN_PX) * k
    span = _Span(MARGIN_LEFT_PX * k, inner, int(schedule.steps[0]), int(schedule.steps[-1]))
    phases, actions = span.shown(schedule.phases), span.shown(schedule.actions)
    lines = span.apart((step for step, _ in phases if step > span.first), LEAST_PHASE_PX * k)
    top = (TOP_PX + (ACTIONS_PX if actions else 0)) * k
    room = height - top - BOTTOM_PX * k
    each = (room - (len(charts) - 1) * GAP_PX * k) / len(charts)
    for n, chart in enumerate(charts):
        y = top + n * (each + GAP_PX * k)
        legend = Box(MARGIN_LEFT_PX * k, y, inner, LEGEND_PX * k)
        plot = each - legend.height
        axes = sheet.axes(legend.x, y + legend.height, inner, plot)
        draw_chart(axes, chart, theme, k)
        draw_legend(sheet.figure, sheet.size, k, legend, chart, theme)
        for step in lines:
            axes.axvline(step, color=theme.muted, linewidth=PHASE_PX * k, linestyle=(0, (4, 4)))
        axes.plot(
            [step for step, _ in actions], [1.0] * len(actions), "v", color=theme.text,
            markersize=MARK_PX * k, transform=axes.get_xaxis_transform(), clip_on=False, zorder=4,
        )  # fmt: skip
        is_last = n == len(charts) - 1
        axes.tick_params(axis="x", labelbottom=is_last)
        draw_titles(
            sheet.figure, axes, chart, theme, k,
            left_px=0.0, with_steps=is_last,
        )  # fmt: skip
    left_out = _name(sheet, span, phases, (TOP_PX - 14) * k, color=theme.muted, mark="")
    y = (TOP_PX - 14 + ACTIONS_PX) * k
    left_out += _name(sheet, span, actions, y, color=theme.text, mark="▾")
    return sum(len(names) for _, names in [*phases, *actions]), left_out


def _name(
    sheet: Sheet,
    span: _Span,
    moments: list[tuple[int, list[str]]],
    y: float,
    *,
    color: str,
    mark: str,
) -> int:
    """Write what happens at each step above it, as far as there is room; how many are left out."""
    gap = 10 * sheet.scale
    reach = -np.inf
    left_out = 0
    half = text_width(sheet.figure, mark, sheet.px(TICK_PX)) / 2 if mark else 0.0
    ends = [span.x(step) - half - gap for step, _ in moments[1:]]  # where the next ones begin
    for (step, names), end in zip(moments, [*ends, np.inf][: len(moments)], strict=True):
        x = span.x(step)
        # Of what is too close to the last no name is measured: there may be thousands.
        if min(x, x - half) < reach:
            left_out += len(names)
            continue
        indent = half + gap / 4 if mark else 0.0
        start = x + indent
        name, length = _fitted(sheet, _joined(names), end - start)
        if start + length > sheet.size[0]:
            start = x - indent - length  # on its other side there is room
        # A phase that is too short for its name goes without.
        if min(start, x - half) < reach or start < 0:
            left_out += len(names)
            continue
        if mark:
            sheet.text(x, y, mark, TICK_PX, color=color, ha="center")
        sheet.text(start, y, name, TICK_PX, color=color)
        reach = max(start + length, x + half) + gap
    return left_out


def _joined(names: Sequence[str]) -> str:
    """The names of one step."""
    return listed([shortened(printable(name), LONGEST_NAME) for name in names], MOST_OF_A_STEP)


def _fitted(sheet: Sheet, name: str, room: float) -> tuple[str, float]:
    """A name and its length, shortened if it then leaves room for the next, and can still be read.

    Args:
        sheet: Where it is to be written.
        name: The name.
        room: How much there is up to the next one, in pixels.
    """

    def length(text: str) -> float:
        return text_width(sheet.figure, text, sheet.px(TICK_PX))

    whole = length(name)
    if whole <= room or room < LEAST_NAME * NARROW * sheet.px(TICK_PX):
        return name, whole
    cuts = [f"{name[:n].rstrip()}…" for n in range(LEAST_NAME, len(name) - 1)]
    n_fit = bisect_right(cuts, room, key=length)
    return (cuts[n_fit - 1], length(cuts[n_fit - 1])) if n_fit else (name, whole)
