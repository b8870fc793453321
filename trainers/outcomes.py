"""What became of the runs of "label coverage": how it is measured, and when a coverage works.

The criterion. A run works if

- the pure hues lie in cyclic order around the plane of the first two dimensions,
- pure red lies less than 30° from its anchor, and
- the vibrant colors' root mean square distance from the plane is less than sin 30° = 0.5.

30° is half of the 60° that lie between two neighbours of the six pure colors (red, yellow, green,
cyan, blue, magenta) where hues are spread evenly: nearer than that, red is at its own place and at
no other's. A point of the sphere at distance 0.5 from the plane stands 30° above it, so that the
second tolerance is the first one. What labels have not shaped is far from either: a direction
drawn evenly from all of four dimensions lies within 30° of the anchor with a probability of 2.9 %,
and at a root mean square distance of 0.71 from the plane.

At each coverage, some seeds work and others do not. The answer is therefore the coverage at which
half of the runs work, and that at which 95 % do, by a logistic curve over the coverage's logarithm
(`latentviz.fit_logistic`), each with its 95 % interval. It takes all runs for independent of each
other, though those of one seed share their first weights and the order of their colors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from latentviz import LogisticFit, Run, Separated, fit_logistic, wilson_interval
from latentviz.color import hsv_cube, rgb_from_hsv

Floats = NDArray[np.float64]

OUTCOMES = "outcomes.csv"  # in a sweep's folder

TOLERANCE_DEG = 30.0
RED_ANGLE_LIMIT_DEG = TOLERANCE_DEG
OFF_PLANE_LIMIT = math.sin(math.radians(TOLERANCE_DEG))

# The reconstruction is measured on as many hues, saturations and values.
FINE_GRID = (240, 48, 48)
# Every 10°.
PURE_HUES = 36


@dataclass(frozen=True)
class Outcome:
    """A run's row in ``outcomes.csv``, which alone is enough to draw the outcomes.

    Shares are parts of 1. Errors are mean squared errors of a color's RGB over a grid of
    240 by 48 by 48 HSV. Vibrant colors are 36 pure hues, of saturation and value 1.

    Attributes:
        coverage: The label coverage; 1 is the base setting, 0 is no labels.
        seed: The run's seed.
        schedule: Tells schedules apart; the same for all rows of a table.
        steps: Training steps.
        samples: Samples drawn while a regularizer read their labels.
        red_share: Share of those that carried the label red.
        vibrant_share: Share of those that carried the label vibrant.
        any_share: Share of those that carried a label.
        any_expected: What ``any_share`` is expected to be, exactly.
        error_max: The worst color's error.
        error_median: The median error.
        red_angle_deg: Angle between pure red's latent and its anchor, in degrees.
        red_angle_limit_deg: Where a run works, it is below this.
        off_plane_rms: Root mean square length of the vibrant colors' components beyond the first
            two.
        off_plane_limit: Where a run works, it is below this.
        off_plane_max: The greatest such length.
        cyclic: Whether the vibrant colors go round the first two dimensions in order, once.
        works: Whether the run meets the criterion.
    """

    coverage: float
    seed: int
    schedule: str
    steps: int
    samples: int
    red_share: float
    vibrant_share: float
    any_share: float
    any_expected: float
    error_max: float
    error_median: float
    red_angle_deg: float
    red_angle_limit_deg: float
    off_plane_rms: float
    off_plane_limit: float
    off_plane_max: float
    cyclic: bool
    works: bool


@dataclass(frozen=True)
class EpochLabels:
    """An epoch's row in ``labels.csv``: numbers of samples, by the labels that they carried.

    Attributes:
        coverage: The run's label coverage.
        seed: The run's seed.
        epoch: 0, 1, ...
        samples: Samples drawn while a regularizer read their labels.
        red: How many of them carried the label red.
        vibrant: How many of them carried the label vibrant.
        any: How many of them carried a label.
    """

    coverage: float
    seed: int
    epoch: int
    samples: int
    red: int
    vibrant: int
    any: int


@dataclass(frozen=True)
class Quality:
    """What a trained model is worth; the attributes are those of :class:`Outcome`."""

    error_max: float
    error_median: float
    red_angle_deg: float
    off_plane_rms: float
    off_plane_max: float
    cyclic: bool

    @property
    def works(self) -> bool:
        """The criterion."""
        return (
            self.cyclic
            and self.red_angle_deg < RED_ANGLE_LIMIT_DEG
            and self.off_plane_rms < OFF_PLANE_LIMIT
        )


def measure(run: Run, *, red_anchor: tuple[float, ...]) -> Quality:
    """Measure a run's final model.

    Args:
        run: Its model maps RGB, (N, 3), to a reconstruction, with latents of 2 dimensions or more.
        red_anchor: Where pure red is to be, a direction, (D,).

    Raises:
        ModelError: The model cannot be run.
        ArchiveError: The archive is damaged.
    """
    fine = hsv_cube(*FINE_GRID).points.astype(np.float32)
    errors = np.square(run.evaluate(fine).outputs.astype(np.float64) - fine).mean(-1)
    hues = np.arange(PURE_HUES) / PURE_HUES
    pure = rgb_from_hsv(np.stack([hues, np.ones(PURE_HUES), np.ones(PURE_HUES)], -1))
    latents = run.evaluate(pure.astype(np.float32)).latents.astype(np.float64)
    distances = off_plane(latents)
    return Quality(
        error_max=float(errors.max()),
        error_median=float(np.median(errors)),
        # The first hue is red.
        red_angle_deg=angle_deg(latents[0], np.array(red_anchor)),
        off_plane_rms=float(np.sqrt(np.square(distances).mean())),
        off_plane_max=float(distances.max()),
        cyclic=in_cyclic_order(latents),
    )


def angle_deg(a: Floats, b: Floats) -> float:
    """The angle between two vectors (D,), 0..180 degrees."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    # The arc cosine would lose half of the digits of a small angle.
    return math.degrees(2 * math.atan2(np.linalg.norm(a - b), np.linalg.norm(a + b)))


def off_plane(latents: Floats) -> Floats:
    """Length of the components beyond the first two, (N,), of ``latents``, (N, D)."""
    return np.asarray(np.linalg.norm(latents[:, 2:], axis=-1))


def in_cyclic_order(latents: Floats) -> bool:
    """Whether points (N, D), in the order given, go round the first two dimensions just once.

    Either way round will do, but every point must be further on than the one before it.
    """
    angles = np.arctan2(latents[:, 1], latents[:, 0])
    turns = np.remainder(np.diff(angles, append=angles[0]) + np.pi, 2 * np.pi) - np.pi
    onward = bool((turns > 0).all() or (turns < 0).all())
    return onward and abs(round(float(turns.sum()) / (2 * np.pi))) == 1


@dataclass(frozen=True)
class Tally:
    """How many seeds work at a coverage, and what shares of their samples carried a label.

    Attributes:
        coverage: The label coverage.
        working: How many seeds work.
        tried: How many there are.
        seen: Mean share of the samples that carried each label, and under ``any`` one at all.
    """

    coverage: float
    working: int
    tried: int
    seen: Mapping[str, float]

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share that works."""
        return wilson_interval(self.working, self.tried)


def tallies(outcomes: Iterable[Outcome]) -> list[Tally]:
    """The tally of each coverage, from the least to the greatest."""
    by_coverage: dict[float, list[Outcome]] = {}
    for outcome in outcomes:
        by_coverage.setdefault(outcome.coverage, []).append(outcome)
    return [
        Tally(
            coverage=coverage,
            working=sum(outcome.works for outcome in group),
            tried=len(group),
            seen={
                "red": fmean(outcome.red_share for outcome in group),
                "vibrant": fmean(outcome.vibrant_share for outcome in group),
                "any": fmean(outcome.any_share for outcome in group),
            },
        )
        for coverage, group in sorted(by_coverage.items())
    ]


def fit_tallies(groups: Sequence[Tally]) -> LogisticFit | Separated:
    """The share of working runs over the logarithm of their coverage."""
    return fit_logistic(
        [tally.coverage for tally in groups],
        [tally.working for tally in groups],
        [tally.tried for tally in groups],
    )


def verdict(outcomes: Iterable[Outcome]) -> str:
    """The coverages at which half and 95 % of the runs work, in a sentence."""
    return fit_tallies(tallies(outcomes)).in_words("label coverage")
