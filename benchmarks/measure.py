"""Paired measurements: A and B in turn, so that a machine's drift falls on both."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Result:
    """A ratio, what it is of, and what was asked of it."""

    name: str
    ours: float
    other: float
    unit: str
    ratio: float  # the median of the pairs' ratios, in the direction that `meaning` says
    spread: tuple[float, float]  # the least and the greatest of the pairs' ratios
    meaning: str
    target: str
    met: bool

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


def paired(
    name: str,
    ours: Callable[[], float],
    other: Callable[[], float],
    *,
    pairs: int,
    unit: str,
    times_faster: bool,
    target: float | None = None,
    limit: float | None = None,
) -> Result:
    """Measure two things in turn.

    Args:
        name: What is compared.
        ours: Gives a cost of ours.
        other: Gives the cost of the other.
        pairs: How many pairs to measure.
        unit: The unit of the costs.
        times_faster: State other/ours, which should be at least ``target``; else ours/other, which
            should be at most ``target``.
        target: See above; or
        limit: what ours should cost at most, in its unit, whatever the ratio; or neither, if
            nothing was asked.
    """
    costs = [(ours(), other()) for _ in range(pairs)]
    ratios = [b / a if times_faster else a / b for a, b in costs]
    ratio = statistics.median(ratios)
    median = statistics.median(a for a, _ in costs)
    if limit is not None:
        wanted, met = f"≤ {limit:g} {unit}", median <= limit
    elif target is None:
        wanted, met = "none", True
    else:
        wanted = f"{'≥' if times_faster else '≤'} {target:g}"
        met = ratio >= target if times_faster else ratio <= target
    return Result(
        name=name,
        ours=median,
        other=statistics.median(b for _, b in costs),
        unit=unit,
        ratio=ratio,
        spread=(min(ratios), max(ratios)),
        meaning="times faster" if times_faster else "times the cost",
        target=wanted,
        met=met,
    )


def stated(
    name: str,
    ours: float,
    other: float,
    *,
    unit: str,
    target: float | None = None,
    limit: float | None = None,
) -> Result:
    """Two figures that no machine's load changes.

    Args:
        name: What is compared.
        ours: Ours.
        other: The other.
        unit: Theirs.
        target: What ours/other should be at most; or
        limit: what ours should be at most, in its unit.
    """
    return paired(
        name, lambda: ours, lambda: other,
        pairs=1, unit=unit, times_faster=False, target=target, limit=limit,
    )  # fmt: skip


@dataclass(frozen=True)
class Usage:
    """What a process took."""

    seconds: float
    peak_mb: float


def run_process(command: Sequence[str]) -> Usage:
    """Run a command to its end, start included.

    Raises:
        SystemExit: It failed.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed with status {process.returncode}")
    return Usage(seconds, usage.ru_maxrss / 1024)
