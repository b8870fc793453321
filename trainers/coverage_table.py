"""A sweep over label coverage, as its picture takes it from the table of outcomes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentviz.errors import ArchiveError

from .outcomes import OUTCOMES, Outcome
from .tables import read_table

# What the panels show of each run, and what its dots look like by: column by column, (runs,) each.
Rows = Mapping[str, NDArray[np.float64]]

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


def read_outcomes(path: Path) -> list[Outcome]:
    """A sweep's outcomes, in order of coverage and seed; at least one.

    Args:
        path: The sweep's folder, or the table.

    Raises:
        ArchiveError: The table is missing, holds no runs, or has a value that cannot be drawn.
        TableError: It cannot be read, or is another table.
    """
    table = path / OUTCOMES if path.is_dir() else path
    if not table.exists():
        raise ArchiveError(
            f"{table} does not exist; make it with python -m trainers label-coverage -o {path}"
        )
    outcomes = read_table(table, Outcome)
    if not outcomes:
        raise ArchiveError(f"{table} holds no runs")
    for outcome in outcomes:
        if not (math.isfinite(outcome.coverage) and outcome.coverage >= 0):
            raise ArchiveError(f"{table}: column 'coverage' must hold numbers of 0 or more")
        for panel in PANELS:
            if panel.limit and not abs(getattr(outcome, panel.limit)) <= GREATEST:
                raise ArchiveError(f"{table}: column {panel.limit!r} must hold finite numbers")
    return sorted(outcomes, key=lambda outcome: (outcome.coverage, outcome.seed))


def in_columns(outcomes: Sequence[Outcome]) -> Rows:
    """What the panels show, with what no axis reaches made infinite."""
    shown = [name for p in PANELS for name in (p.column, p.limit) if name]
    rows = {
        name: np.array([float(getattr(outcome, name)) for outcome in outcomes])
        for name in ("coverage", "seed", "cyclic", "works", *shown)
    }
    for panel in PANELS:
        values = rows[panel.column]
        rows[panel.column] = np.where(
            np.abs(values) > GREATEST, np.copysign(np.inf, values), values
        )
    return rows
