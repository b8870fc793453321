"""The schedule: every property over steps."""

from __future__ import annotations

import numpy as np

from ..errors import ArchiveError
from ..raster.chrome import draw_legend, draw_panel, plain_style
from ..raster.layout import Box
from ..run import Run, takes_path
from ..scene import Curve, CurvePanel
from ..text import printable
from ..theme import theme_named
from ..views.curves import schedule_panels
from .axes import TICK_PX, TITLE_PX, Sheet, new_sheet
from .picture import Picture

SIZE = (1600, 900)
MARGIN_LEFT_PX, MARGIN_PX = 104.0, 56.0
TOP_PX = 112.0
BOTTOM_PX = 56.0
LEGEND_PX = 34.0
GAP_PX = 46.0
PHASE_PX = 1.6
LONGEST_PHASE = 24


@takes_path
def plot_timeline(run: Run, *, size: tuple[int, int] = SIZE, theme: str = "dark") -> Picture:
    """Every property of the schedule over steps, with its keyframes and the phases marked.

    Properties of comparable scale share a panel; the learning rate has one of its own.

    Args:
        run: A run with a schedule, or its archive's path.
        size: (width, height) in pixels.
        theme: ``dark`` or ``light``.

    Raises:
        OptionError: An option is out of range.
        ArchiveError: The run has no schedule.
    """
    if not run.params:
        raise ArchiveError(
            f"{printable(run.name)} has no schedule to draw; record one with "
            "Recorder.step(params=...)"
        )
    look = theme_named(theme)
    panels = schedule_panels(run, look)
    first, last = int(run.steps[0]), int(run.steps[-1])
    title = f"Schedule of {printable(run.name)}"
    curves = [curve for panel in panels for curve in panel.curves]
    alt = f"The schedule over steps {first} to {last}: {'; '.join(map(_in_words, curves))}."
    if run.phases:
        phases = (f"{printable(name)} from step {step}" for step, name in run.phases)
        alt += f" Phases: {', '.join(phases)}."
    data = {
        "steps": [first, last],
        "groups": [[curve.name for curve in panel.curves] for panel in panels],
        "phases": [[step, name] for step, name in run.phases],
    }
    with plain_style():
        sheet = new_sheet(size, look, default=SIZE)
        _draw(sheet, run, panels, title)
    return Picture(title, alt, data, sheet.figure)


def _in_words(curve: Curve) -> str:
    values = curve.values[np.isfinite(curve.values)]
    name = printable(curve.name)
    if len(values) == 0:
        return f"{name} has no value"
    n = len(curve.keyed)
    keys = f", {n} keyframe{'s' if n > 1 else ''}" if n else ""
    return (
        f"{name} from {values[0]:.3g} to {values[-1]:.3g}, within {values.min():.3g} to "
        f"{values.max():.3g}{keys}"
    )


def _draw(sheet: Sheet, run: Run, panels: tuple[CurvePanel, ...], title: str) -> None:
    k, theme = sheet.scale, sheet.theme
    width, height = sheet.size
    sheet.text(MARGIN_LEFT_PX * k, 52 * k, title, TITLE_PX)
    inner = width - (MARGIN_LEFT_PX + MARGIN_PX) * k
    room = height - (TOP_PX + BOTTOM_PX) * k
    each = (room - (len(panels) - 1) * GAP_PX * k) / len(panels)
    for n, panel in enumerate(panels):
        y = TOP_PX * k + n * (each + GAP_PX * k)
        legend = Box(MARGIN_LEFT_PX * k, y, inner, LEGEND_PX * k)
        plot = each - legend.height
        axes = sheet.axes(legend.x, y + legend.height, inner, plot)
        draw_panel(axes, panel, theme, k)
        draw_legend(sheet.figure, sheet.size, k, legend, panel, theme)
        for step, _ in run.phases:
            if step > run.steps[0]:
                axes.axvline(step, color=theme.muted, linewidth=PHASE_PX * k, linestyle=(0, (4, 4)))
        if n < len(panels) - 1:
            axes.tick_params(axis="x", labelbottom=False)
    first, last = float(run.steps[0]), max(float(run.steps[-1]), float(run.steps[0]) + 1)
    y = (TOP_PX - 14) * k
    reach = -np.inf
    for step, name in run.phases:
        x = MARGIN_LEFT_PX * k + inner * (step - first) / (last - first)
        text = printable(name)
        text = text if len(text) <= LONGEST_PHASE else text[: LONGEST_PHASE - 1] + "…"
        # A phase that is too short for its name goes without.
        if x >= reach:
            reach = sheet.text(x, y, text, TICK_PX, color=theme.muted) + 10 * k
