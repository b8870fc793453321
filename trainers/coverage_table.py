"""A sweep over label coverage, as its table tells of it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentviz import LogisticFit, Separated, fit_logistic, wilson_interval
from latentviz.errors import ArchiveError

# A sweep's table, column by column, (runs,) each.
Rows = Mapping[str, NDArray[np.float64]]

TABLE = "outcomes.csv"
MAX_ROWS = 100_000
GREATEST = 1e100  # what is more is infinite: no axis reaches there


@dataclass(frozen=True)
class Panel:
    """What one panel shows of each run."""

    column: str
    title: str
    log: bool
    limit: str = ""  # the column that says below what a run works


PANELS = (
    Panel(
        "red_angle_deg", "angle between red and its anchor, degrees", False, "red_angle_limit_deg"
    ),
    Panel("off_plane_rms", "vibrant colors off the plane, rms", False, "off_plane_limit"),
    Panel("error_median", "mean squared error of the reconstruction, median", True),
    Panel("error_max", "mean squared error of the reconstruction, largest", True),
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
        """Wilson's 95 % interval of the rate of success."""
        return wilson_interval(self.worked, self.seeds)


def read_outcomes(path: Path) -> Rows:
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
    for panel in PANELS:
        if panel.limit and not (np.abs(columns[panel.limit]) <= GREATEST).all():
            raise ArchiveError(f"{table}: column {panel.limit!r} must hold finite numbers")
        values = columns[panel.column]
        columns[panel.column] = np.where(
            np.abs(values) > GREATEST, np.copysign(np.inf, values), values
        )
    order = np.lexsort((columns["seed"], columns["coverage"]))
    return {name: column[order] for name, column in columns.items()}


def tally(rows: Rows) -> list[Success]:
    """How often each coverage worked, in order of coverage."""
    successes = []
    for coverage in np.unique(rows["coverage"]):
        here = rows["coverage"] == coverage
        worked = int((rows["works"][here] > 0).sum())
        labelled = float(rows["any_share"][here].mean())
        successes.append(Success(float(coverage), worked, int(here.sum()), labelled))
    return successes


def fit_successes(successes: Sequence[Success]) -> LogisticFit | Separated:
    """The share of working runs over the logarithm of their coverage."""
    return fit_logistic(
        [s.coverage for s in successes],
        [s.worked for s in successes],
        [s.seeds for s in successes],
    )
