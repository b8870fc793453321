"""Colours to train on, how often each is drawn, and the weak labels that they carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentviz.color import hsv_cube

LabelKind = Literal["hard", "soft"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ColorData:
    """Colours with the weight each is drawn by and the probability of each label.

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
    """How red a colour is, (N,) in 0..1, of ``rgb``, (N, 3): 1 for pure red alone."""
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
    rgb = cube.points
    return ColorData(
        rgb=torch.from_numpy(rgb).float(),
        weights=torch.from_numpy(cube.weights.ravel()),
        labels={
            "red": torch.from_numpy(0.5 * redness(rgb) ** 10).float(),
            "vibrant": torch.from_numpy(0.5 * vibrancy(rgb) ** 100).float(),
        },
    )


def batches(
    data: ColorData, *, labels: LabelKind, generator: torch.Generator, batch_size: int = 64
) -> Iterator[Batch]:
    """Batches without end, drawn with replacement.

    An epoch is as many draws as there are colours; its last batch may be smaller.

    Args:
        data: N colours.
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
