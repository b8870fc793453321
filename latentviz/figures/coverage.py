"""The outcome of a sweep over label coverage: what share of labels still shapes the space."""

from __future__ import annotations

import csv
import itertools
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError
from ..raster.chrome import plain_style
from ..theme import theme_named
from .axes import LABEL_PX, TITLE_PX, Sheet, new_sheet
from .picture import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (1600, 1000)
TABLE = "outcomes.csv"
MARGIN_LEFT_PX, MARGIN_PX = 118.0, 56.0
TOP_PX = 178.0
GAP_X_PX, GAP_Y_PX = 118.0, 128.0
BOTTOM_PX = 138.0
DOT_PX = 11.0
LINE_PX = 2.0
SPREAD = 0.22  # how far the seeds of one coverage stand apart, in the space between two coverages
MOST_SPREAD_PX = 32.0
CONFIDENCE_Z = 1.96  # 95 %
SHARE_LABEL_PX = 68.0
LINE_HEIGHT_PX = 26.0
KEY = (
    "Below each: label coverage, and the share of the samples that carried a label.",
    "Filled: the run works. Triangle: hues out of order. Line: median. Dashed: the limit of what "
    "works.",
)
MAX_ROWS = 100_000


@dataclass(frozen=True)
class _Panel:
    """What one panel shows of each run."""

    column: str
    title: str
    log: bool
    limit: str = ""  # the column that says below what a run works


PANELS = (
    _Panel(
        "red_angle_deg", "angle between red and its anchor, degrees", False, "red_angle_limit_deg"
    ),
    _Panel("off_plane_rms", "vibrant colors off the plane, rms", False, "off_plane_limit"),
    _Panel("error_median", "mean squared error of the reconstruction, median", True),
    _Panel("error_max", "mean squared error of the reconstruction, largest", True),
)
COLUMNS = (
    *("coverage", "seed", "any_share", "cyclic", "works"),
    *(column for p in PANELS for column in (p.column, p.limit) if column),
)


@dataclass(frozen=True)
class Success:
    """How often a coverage worked."""

    coverage: float
    worked: int
    seeds: int
    labelled: float  # mean share of the samples that carried any label

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the rate of success.

        Wilson (1927), https://doi.org/10.1080/01621459.1927.10502953
        """
        n, rate, z2 = self.seeds, self.worked / self.seeds, CONFIDENCE_Z**2
        middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
        half = CONFIDENCE_Z * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return max(0.0, middle - half), min(1.0, middle + half)


def plot_coverage(
    sweep: str | os.PathLike[str], *, size: tuple[int, int] = SIZE, theme: str = "dark"
) -> Picture:
    """What came of each run of a sweep, against its label coverage; every seed a point.

    Args:
        sweep: The sweep's folder, or its table ``outcomes.csv``.
        size: (width, height) in pixels.
        theme: ``dark`` or ``light``.

    Raises:
        OptionError: An option is out of range.
        ArchiveError: The table is missing or malformed.
    """
    rows = read_outcomes(Path(sweep))
    successes = tally(rows)
    answer = in_words(successes)
    title = "How much label coverage shapes the space"
    counts = ", ".join(f"{s.worked} of {s.seeds} at {s.coverage:g}" for s in successes)
    alt = (
        f"Outcomes of {len(rows['seed'])} runs against label coverage: the angle between red and "
        "its anchor, how far vibrant colors lie off the plane, and the median and largest "
        f"reconstruction error. Runs that worked: {counts}. {answer}"
    )
    data = {
        "answer": answer,
        "coverages": [
            {
                "coverage": s.coverage,
                "worked": s.worked,
                "seeds": s.seeds,
                "labelled_share": s.labelled,
                "interval_95": list(s.interval),
            }
            for s in successes
        ],
    }
    with plain_style():
        sheet = new_sheet(size, theme_named(theme), default=SIZE)
        _draw(sheet, rows, successes, title, answer)
    return Picture(title, alt, data, sheet.figure)


def read_outcomes(path: Path) -> dict[str, NDArray[np.float64]]:
    """A sweep's table, column by column, in order of coverage and seed.

    Args:
        path: The sweep's folder, or the table.

    Raises:
        ArchiveError: The table is missing or malformed.
    """
    table = path / TABLE if path.is_dir() else path
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            lines = [line for _, line in zip(range(MAX_ROWS), csv.DictReader(file), strict=False)]
    except FileNotFoundError:
        raise ArchiveError(
            f"{table} does not exist; make it with python -m trainers label-coverage -o {path}"
        ) from None
    except (UnicodeDecodeError, csv.Error):
        raise ArchiveError(f"{table} is no sweep's table; give the folder of a sweep") from None
    except OSError as error:
        raise ArchiveError(f"cannot read {table}: {error}") from None
    if not lines:
        raise ArchiveError(f"{table} holds no runs")
    missing = [name for name in COLUMNS if name not in lines[0]]
    if missing:
        raise ArchiveError(f"{table} lacks the column {missing[0]!r}; it is no sweep's table")
    columns: dict[str, NDArray[np.float64]] = {}
    for name in COLUMNS:
        try:
            columns[name] = np.array([float(line[name]) for line in lines])
        except (TypeError, ValueError):
            raise ArchiveError(f"{table}: column {name!r} must hold numbers") from None
    if not (np.isfinite(columns["coverage"]) & (columns["coverage"] >= 0)).all():
        raise ArchiveError(f"{table}: column 'coverage' must hold numbers of 0 or more")
    order = np.lexsort((columns["seed"], columns["coverage"]))
    return {name: column[order] for name, column in columns.items()}


def tally(rows: dict[str, NDArray[np.float64]]) -> list[Success]:
    """How often each coverage worked, in order of coverage."""
    successes = []
    for coverage in np.unique(rows["coverage"]):
        here = rows["coverage"] == coverage
        worked = int((rows["works"][here] > 0).sum())
        labelled = float(rows["any_share"][here].mean())
        successes.append(Success(float(coverage), worked, int(here.sum()), labelled))
    return successes


def in_words(successes: Sequence[Success]) -> str:
    """The least coverage that works with every seed, as do all above, and how sure that is."""
    reliable = list(itertools.takewhile(lambda s: s.worked == s.seeds, reversed(successes)))
    if not reliable:
        return "The greatest coverage that was tried does not work with every seed."
    least = reliable[-1]
    low, _ = least.interval
    below = [s for s in successes if s.coverage < least.coverage]
    words = (
        f"The least coverage that works with every seed is {least.coverage:g} "
        f"({100 * least.labelled:.2g} % of the samples carry a label)"
    )
    if below:
        last = below[-1]
        words += f"; at {last.coverage:g}, {last.worked} of {last.seeds} work"
    else:
        words += ", the least that was tried"
    return (
        f"{words}. With {least.worked} of {least.seeds}, the rate of success lies above "
        f"{100 * low:.0f} % with 95 % confidence."
    )


def _draw(
    sheet: Sheet,
    rows: dict[str, NDArray[np.float64]],
    successes: Sequence[Success],
    title: str,
    answer: str,
) -> None:
    k, theme = sheet.scale, sheet.theme
    width, height = sheet.size
    sheet.text(MARGIN_LEFT_PX * k, 52 * k, title, TITLE_PX)
    for n, sentence in enumerate(answer.split(". ")):
        sheet.text(
            MARGIN_LEFT_PX * k, (88 + LINE_HEIGHT_PX * n) * k, sentence.rstrip(".") + ".", LABEL_PX,
            color=theme.muted,
        )  # fmt: skip
    each_width = (width - (MARGIN_LEFT_PX + MARGIN_PX + GAP_X_PX) * k) / 2
    each_height = (height - (TOP_PX + BOTTOM_PX + GAP_Y_PX) * k) / 2
    for n, panel in enumerate(PANELS):
        x = MARGIN_LEFT_PX * k + (n % 2) * (each_width + GAP_X_PX * k)
        y = TOP_PX * k + (n // 2) * (each_height + GAP_Y_PX * k)
        axes = sheet.axes(x, y, each_width, each_height)
        _draw_panel(sheet, axes, panel, rows, successes)
    for n, line in enumerate(KEY):
        y = height - (22 + LINE_HEIGHT_PX * (len(KEY) - 1 - n)) * k
        sheet.text(MARGIN_LEFT_PX * k, y, line, LABEL_PX, color=theme.muted)


def _draw_panel(
    sheet: Sheet,
    axes: Axes,
    panel: _Panel,
    rows: dict[str, NDArray[np.float64]],
    successes: Sequence[Success],
) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    k, theme = sheet.scale, sheet.theme
    color = theme.curves[2]
    places = axis_places([s.coverage for s in successes])
    room_px = axes.bbox.width / (places[-1] - places[0] + 1)
    spread = min(SPREAD, MOST_SPREAD_PX * k / room_px)
    medians = []
    for place, success in zip(places, successes, strict=True):
        here = rows["coverage"] == success.coverage
        values = rows[panel.column][here]
        works, cyclic = rows["works"][here] > 0, rows["cyclic"][here] > 0
        apart = np.linspace(-spread, spread, len(values)) if len(values) > 1 else np.zeros(1)
        for chosen, fill in ((works, color), (~works, theme.background)):
            for ordered, marker in ((cyclic, "o"), (~cyclic, "^")):
                axes.plot(
                    place + apart[chosen & ordered], values[chosen & ordered], marker,
                    markersize=DOT_PX * k, markerfacecolor=fill, markeredgecolor=color,
                    markeredgewidth=1.8 * k, zorder=3, clip_on=False,
                )  # fmt: skip
        medians.append(float(np.median(values)))
    # 0 has no place on a log axis, so no line leads there.
    joined = np.array([success.coverage > 0 for success in successes])
    axes.plot(
        places[joined], np.array(medians)[joined], color=color, linewidth=LINE_PX * k, alpha=0.6,
        zorder=2,
    )  # fmt: skip
    if panel.limit:
        axes.axhline(
            float(rows[panel.limit].max()), color=theme.muted, linewidth=1.6 * k, zorder=1,
            linestyle=(0, (4, 4)),
        )  # fmt: skip
    labels = [f"{s.coverage:g}\n{_share(s.labelled)}" for s in successes]
    if room_px < SHARE_LABEL_PX * k:  # not enough for the shares
        labels = [f"{s.coverage:g}" for s in successes]
    axes.set_xticks(list(places), labels)
    axes.tick_params(axis="x", pad=12 * k)
    axes.set_xlim(places[0] - 0.5, places[-1] + 0.5)
    axes.grid(True, axis="y", color=theme.grid, linewidth=max(1.0, 1.2 * k))
    axes.set_axisbelow(True)
    if panel.log and (rows[panel.column] > 0).all():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    else:
        axes.set_ylim(bottom=0)
    axes.set_title(
        panel.title, loc="left", color=theme.muted, fontsize=sheet.px(LABEL_PX), pad=14 * k
    )


def _share(share: float) -> str:
    percent = 100 * share
    return f"{percent:.1g} %" if percent < 0.1 else f"{percent:.2g} %"


def axis_places(coverages: Sequence[float]) -> NDArray[np.float64]:
    """Where coverages stand on a log axis, in decades, with 0 a step to the left of the rest.

    Scaled so that the closest two are 1 apart.
    """
    values = np.array(coverages)
    positive = values > 0
    places = np.zeros(len(values))
    if positive.any():
        places[positive] = np.log10(values[positive])
        gaps = np.diff(places[positive])
        places[positive] /= gaps.min() if len(gaps) else 1.0
        places[~positive] = places[positive][0] - 1.5
    return places
