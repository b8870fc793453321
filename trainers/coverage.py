"""The outcome of a sweep over label coverage: what share of labels still shapes the space."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from latentviz import LogisticFit, Picture, Separated
from latentviz.figures import LABEL_PX, TITLE_PX, Sheet, new_sheet, plain_style, theme_named

from .coverage_axes import Beyond, DoseAxis, find_beyond
from .coverage_panels import draw_outcomes, draw_successes, name_dose
from .coverage_table import PANELS, Rows, in_columns, read_outcomes
from .outcomes import Tally, fit_tallies, tallies

SIZE = (1600, 1000)
MARGIN_LEFT_PX, MARGIN_PX = 118.0, 56.0
SUCCESS_TOP_PX, SUCCESS_HEIGHT_PX = 170.0, 190.0
TOP_PX = 490.0
GAP_X_PX, GAP_Y_PX = 118.0, 82.0
BOTTOM_PX = 130.0
MOST_TOLD = 4  # values beyond an axis
LINE_HEIGHT_PX = 26.0
DOSE = "label coverage"
KEY = (
    "Lower panels: each run is a point. Filled: it works. Triangle: hues out of order. Line: "
    "median. Dashed: the limit."
)
# A curve is said to miss a share that chance would bring so far from it in one of a thousand cases.
BY_CHANCE = 0.001


def plot_coverage(
    sweep: str | os.PathLike[str], *, size: tuple[int, int] = SIZE, theme: str = "dark"
) -> Picture:
    """What came of a sweep's runs, against their label coverage.

    Above, the share of working runs at each coverage with Wilson's 95 % interval, the logistic
    curve fitted to them, and the coverages at which half and 95 % of the runs work, with theirs.
    Below, four measures of each run; every seed a point.

    Args:
        sweep: The sweep's folder, or its table ``outcomes.csv``.
        size: (width, height) in pixels.
        theme: ``dark`` or ``light``.

    Raises:
        OptionError: An option is out of range.
        ArchiveError: The table is missing, or has a value that cannot be drawn.
        TableError: It is another table.
    """
    outcomes = read_outcomes(Path(os.path.expanduser(sweep)))
    rows = in_columns(outcomes)
    successes = tallies(outcomes)
    fit = fit_tallies(successes)
    beyond = find_beyond(rows)
    answer = fit.in_words(DOSE)
    notes = _notes(successes, fit)
    far = _beyond_in_words(beyond)
    title = "How much label coverage shapes the space"
    counts = ", ".join(f"{s.working} of {s.tried} at {s.coverage:g}" for s in successes)
    words = " ".join(filter(None, [answer, notes, far]))
    alt = (
        f"Outcomes of {len(outcomes)} runs against label coverage: the share of those that "
        "work; and of each run the angle between red and its anchor, how far vibrant colors lie "
        "off the plane, and the median and largest reconstruction error. Runs that worked: "
        f"{counts}. {words}"
    )
    data = {
        "answer": " ".join(filter(None, [answer, notes])),
        "fit": _fit_in_figures(fit),
        "coverages": [
            {
                "coverage": s.coverage,
                "worked": s.working,
                "seeds": s.tried,
                "labelled_share": s.seen["any"],
                "interval_95": list(s.interval),
            }
            for s in successes
        ],
        "beyond": [
            {"column": b.column, "coverage": b.coverage, "seed": b.seed, "value": _plain(b.value)}
            for b in beyond
        ],
    }
    with plain_style():
        sheet = new_sheet(size, theme_named(theme), default=SIZE)
        _draw(sheet, rows, successes, fit, beyond, [title, answer, notes])
    return Picture(title, alt, data, sheet.figure)


def _notes(successes: Sequence[Tally], fit: LogisticFit | Separated) -> str:
    """What there is to know of the fit beside the answer."""
    notes = []
    if any(s.coverage == 0 for s in successes):
        notes.append("Coverage 0 has no logarithm, and no part in the fit.")
    if isinstance(fit, LogisticFit):
        missed = [
            f"{s.coverage:g}"
            for s in successes
            if s.coverage > 0
            and _by_chance(s.working, s.tried, float(fit.share([s.coverage])[0])) < BY_CHANCE
        ]
        if missed:
            notes.append(
                f"The curve misses what was seen at {', '.join(missed)}: trust the points."
            )
    return " ".join(notes)


def _by_chance(successes: int, trials: int, rate: float) -> float:
    """How likely at least so few, or so many, successes are at a rate: twice the lesser tail."""
    each = [math.comb(trials, n) * rate**n * (1 - rate) ** (trials - n) for n in range(trials + 1)]
    return 2 * min(sum(each[: successes + 1]), sum(each[successes:]))


def _beyond_in_words(beyond: Sequence[Beyond]) -> str:
    each = []
    for panel in PANELS:
        here = [b for b in beyond if b.column == panel.column]
        if here:
            runs = "1 run lies" if len(here) == 1 else f"{len(here)} runs lie"
            values = ", ".join(f"{_told(b.value)} at {b.coverage:g}" for b in here)
            each.append(f"{runs} beyond the axis of the {panel.title}: {values}.")
    return " ".join(each)


def _fit_in_figures(fit: LogisticFit | Separated) -> Mapping[str, Any] | None:
    """The fit as plain values; None where none could be made."""
    if isinstance(fit, Separated):
        return None
    return {
        "intercept": fit.intercept,
        "slope": fit.slope,
        "thresholds": [
            {
                "share": e.share,
                "coverage": _plain(e.dose),
                "low": e.low,
                "high": _plain(e.high),
            }
            for e in fit.thresholds
        ],
    }


def _plain(value: float) -> float | None:
    """A number that JSON can hold."""
    return value if math.isfinite(value) else None


def _draw(
    sheet: Sheet,
    rows: Rows,
    successes: Sequence[Tally],
    fit: LogisticFit | Separated,
    beyond: Sequence[Beyond],
    words: Sequence[str],
) -> None:
    k, muted = sheet.scale, sheet.theme.muted
    width, height = sheet.size
    left = MARGIN_LEFT_PX * k
    title, *sentences = words
    sheet.text(left, 52 * k, title, TITLE_PX)
    for n, sentence in enumerate(sentences):
        sheet.text(left, (88 + LINE_HEIGHT_PX * n) * k, sentence, LABEL_PX, color=muted)
    inner = width - left - MARGIN_PX * k
    dose_axis = DoseAxis([s.coverage for s in successes])
    # What is not of the default's shape gives its height to the panels in proportion.
    room = height / (SIZE[1] * k)
    axes = sheet.axes(left, SUCCESS_TOP_PX * k, inner, SUCCESS_HEIGHT_PX * room * k)
    draw_successes(sheet, axes, dose_axis, successes, fit)
    name_dose(sheet, axes, f"{DOSE}, and the share of the samples that carried a label")
    top = (
        SUCCESS_TOP_PX * k
        + (SUCCESS_HEIGHT_PX * room + TOP_PX - SUCCESS_TOP_PX - SUCCESS_HEIGHT_PX) * k
    )
    each_width = (inner - GAP_X_PX * k) / 2
    each_height = (height - top - (BOTTOM_PX + GAP_Y_PX) * k) / 2
    for n, panel in enumerate(PANELS):
        x = left + (n % 2) * (each_width + GAP_X_PX * k)
        y = top + (n // 2) * (each_height + GAP_Y_PX * k)
        axes = sheet.axes(x, y, each_width, each_height)
        here = [b for b in beyond if b.column == panel.column]
        draw_outcomes(sheet, axes, dose_axis, panel, rows, here)
        if n >= 2:
            name_dose(sheet, axes, DOSE)
    lines = [KEY, _arrows_in_words(beyond)]
    for n, line in enumerate(lines):
        y = height - (20 + LINE_HEIGHT_PX * (len(lines) - 1 - n)) * k
        sheet.text(left, y, line, LABEL_PX, color=muted)


def _arrows_in_words(beyond: Sequence[Beyond]) -> str:
    if not beyond:
        return ""
    if len(beyond) > MOST_TOLD:
        return f"Arrow: beyond the axis, as are {len(beyond)} points."
    return f"Arrow: beyond the axis, at {', '.join(_told(b.value) for b in beyond)}."


def _told(value: float) -> str:
    return "no number" if math.isnan(value) else f"{value:.2g}"
