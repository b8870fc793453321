"""Colors to train on, how often each is drawn, and the weak labels that they carry."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentviz.color import ColorCube, hsv_cube, rgb_cube
from latentviz.errors import OptionError

BATCH_SIZE = 64

# How likely the reddest and the most vibrant colors of the experiment "label coverage" are to
# carry their label, at coverage 1.
COVERAGE_RED, COVERAGE_VIBRANT = 0.07, 0.02

# The name of "carries a label, whichever", where shares of labels are told.
ANY = "any"

LabelKind = Literal["hard", "soft"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ColorData:
    """Colors with the weight each is drawn by and the probability of each label.

    Attributes:
        rgb: (N, 3) float32 in 0..1.
        weights: (N,) float64, not negative; need not sum to 1.
        labels: Label name to probabilities, (N,) float32.
    """

    rgb: Tensor
    weights: Tensor
    labels: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(self.rgb)


class Batch(NamedTuple):
    """What a step trains on.

    Attributes:
        inputs: (B, 3) float32 RGB.
        labels: Label name to (B,) float32 in 0..1.
    """

    inputs: Tensor
    labels: Mapping[str, Tensor]


def redness(rgb: Floats) -> Floats:
    """How red a color is, (N,) in 0..1, of ``rgb``, (N, 3): 1 for pure red alone."""
    r, g, b = rgb.T
    return np.asarray(r * (1 - g / 2 - b / 2))


def vibrancy(rgb: Floats) -> Floats:
    """Saturation times value, (N,) in 0..1, of ``rgb``, (N, 3)."""
    return np.asarray(rgb.max(-1) - rgb.min(-1))


def sparse_color_data(
    *, n_hues: int = 36, n_saturations: int = 10, n_values: int = 10
) -> ColorData:
    """The data of the experiment "sparse labels": an HSV grid with labels red and vibrant."""
    cube = hsv_cube(n_hues, n_saturations, n_values)
    return _color_data(
        cube,
        red=0.5 * redness(cube.points) ** 10,
        vibrant=0.5 * vibrancy(cube.points) ** 100,
    )


def coverage_color_data(coverage: float) -> ColorData:
    """The data of the experiment "label coverage": an RGB grid, its labels scarce to a degree.

    Args:
        coverage: Multiplies the probability of every label, up to certainty; 0 is no labels at
            all. At 1 the grid's exact expectations are 0.0449 % red, 0.1080 % vibrant and 0.1525 %
            with any label.

    Raises:
        OptionError: ``coverage`` is negative or not finite.
    """
    check_coverage(coverage)
    cube = rgb_cube(10, 10, 10)
    return _color_data(
        cube,
        red=coverage * COVERAGE_RED * redness(cube.points) ** 10,
        vibrant=coverage * COVERAGE_VIBRANT * vibrancy(cube.points) ** 100,
    )


def check_coverage(coverage: float) -> None:
    """Refuse what is no label coverage.

    Raises:
        OptionError: ``coverage`` is negative or not finite.
    """
    if not (math.isfinite(coverage) and coverage >= 0):
        raise OptionError(
            f"a label coverage must be a finite number, 0 or more, got {coverage}; 1 is the "
            "experiment's base setting"
        )


def exactly_labelled_colors() -> Batch:
    """The validation points of "label coverage": (64, 3), red and vibrant only where they are pure.

    The red one is pure red; the vibrant ones have a channel at 0 and a channel at 1.
    """
    rgb = rgb_cube(4, 4, 4).points
    return Batch(
        torch.from_numpy(rgb).float(),
        {
            "red": torch.from_numpy(redness(rgb) == 1).float(),
            "vibrant": torch.from_numpy(vibrancy(rgb) == 1).float(),
        },
    )


def expected_shares(data: ColorData) -> dict[str, float]:
    """The share of the samples that is to be expected with each label, and with ``any``."""
    probabilities = {name: p.double() for name, p in data.labels.items()}
    unlabelled = torch.ones(len(data), dtype=torch.float64)
    for p in probabilities.values():
        unlabelled = unlabelled * (1 - p)
    drawn = data.weights / data.weights.sum()
    return {name: float(drawn.dot(p)) for name, p in {**probabilities, ANY: 1 - unlabelled}.items()}


def _color_data(cube: ColorCube, **probabilities: Floats) -> ColorData:
    return ColorData(
        rgb=torch.from_numpy(cube.points).float(),
        weights=torch.from_numpy(cube.weights.ravel()),
        labels={
            name: torch.from_numpy(np.clip(p, 0, 1)).float() for name, p in probabilities.items()
        },
    )


def steps_per_epoch(data: ColorData, *, batch_size: int = BATCH_SIZE) -> int:
    """How many batches :func:`batches` makes of an epoch."""
    return math.ceil(len(data) / batch_size)


def batches(
    data: ColorData,
    *,
    labels: LabelKind,
    generator: torch.Generator,
    batch_size: int = BATCH_SIZE,
) -> Iterator[Batch]:
    """Batches without end, drawn with replacement.

    An epoch is as many draws as there are colors; its last batch may be smaller.

    Args:
        data: N colors.
        labels: ``"soft"`` gives the probabilities, ``"hard"`` draws 0 or 1 anew for every sample.
        generator: The only source of chance.
        batch_size: B.

    Yields:
        Batches of ``batch_size`` samples or, at the end of an epoch, what is left.
    """
    while True:
        # A whole epoch at once: one draw of 3,600 costs little more than one of 64.
        drawn = torch.multinomial(data.weights, len(data), replacement=True, generator=generator)
        inputs = torch.split(data.rgb[drawn], batch_size)
        marks = {
            name: torch.split(_marks(probability[drawn], labels, generator), batch_size)
            for name, probability in data.labels.items()
        }
        for i, batch in enumerate(inputs):
            yield Batch(batch, {name: parts[i] for name, parts in marks.items()})


def _marks(probability: Tensor, labels: LabelKind, generator: torch.Generator) -> Tensor:
    return probability if labels == "soft" else torch.bernoulli(probability, generator=generator)
