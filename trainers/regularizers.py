"""Losses that shape the latent space, and how labels weigh them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from latentviz.errors import OptionError

# Cosines this close to 1 are the same direction: torch.isclose's own measure at 1.
SAME_DIRECTION = 1e-5
# Keeps the weighted mean finite where the samples count for next to nothing.
EPSILON = 1e-8


@dataclass(frozen=True)
class Anchor:
    """Squared Euclidean distance to a point.

    Attributes:
        point: The D coordinates.
    """

    point: tuple[float, ...]

    def __call__(self, latents: Tensor) -> Tensor:
        """Per-sample loss, (B,), of ``latents``, (B, D)."""
        return (latents - latents.new_tensor(self.point)).square().sum(-1)


@dataclass(frozen=True)
class AngularAnchor:
    """One less the cosine of the angle to a direction: 0 along it, 2 against it.

    Attributes:
        direction: The D coordinates, of any length but 0.
    """

    direction: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_direction(self.direction)

    def __call__(self, latents: Tensor) -> Tensor:
        """Per-sample loss, (B,) in 0..2, of ``latents``, (B, D)."""
        return 1 - _cosine(latents, self.direction)


@dataclass(frozen=True)
class AntiAnchor:
    """Repels from a direction, by the cosine c of the angle to it.

    Attributes:
        direction: The D coordinates, of any length but 0.
        whole_sphere: Take (c + 1)/2, which pushes on as far as the opposite pole. Without it,
            max(c, 0), which is content once the angle is right.
    """

    direction: tuple[float, ...]
    whole_sphere: bool = False

    def __post_init__(self) -> None:
        _check_direction(self.direction)

    def __call__(self, latents: Tensor) -> Tensor:
        """Per-sample loss, (B,) in 0..1, of ``latents``, (B, D)."""
        cosine = _cosine(latents, self.direction)
        return (cosine + 1) / 2 if self.whole_sphere else cosine.clamp(min=0)


@dataclass(frozen=True)
class Separate:
    """Pushes samples apart: the sum over the batch of the cosine similarity to a power.

    Pairs that point the same way (a sample and itself, or its duplicates) count 0, as there is
    nothing to be gained from parting them.

    Attributes:
        power: At least 1; the greater, the more local.
        shift: Take (c + 1)/2 for the cosine c: opposite directions count 0. Without it, an even
            power parts them just as it parts neighbours.
    """

    power: int
    shift: bool

    def __call__(self, latents: Tensor) -> Tensor:
        """Per-sample loss, (B,), of ``latents``, (B, D)."""
        directions = functional.normalize(latents, dim=-1)
        cosine = directions @ directions.T
        same = cosine > 1 - SAME_DIRECTION
        # The diagonal by name: a latent of length 0 has cosine 0 even with itself.
        same.fill_diagonal_(True)
        closeness = (cosine + 1) / 2 if self.shift else cosine
        return closeness.masked_fill(same, 0.0).pow(self.power).sum(-1)


@dataclass(frozen=True)
class Planar:
    """Squared length of the components beyond the first two."""

    def __call__(self, latents: Tensor) -> Tensor:
        """Per-sample loss, (B,), of ``latents``, (B, D)."""
        return latents[:, 2:].square().sum(-1)


@dataclass(frozen=True)
class Unitarity:
    """Squared difference of the length to 1, (‖z‖ - 1)²: 0 on the unit sphere alone."""

    def __call__(self, latents: Tensor) -> Tensor:
        """Per-sample loss, (B,), of ``latents``, (B, D)."""
        length: Tensor = torch.linalg.vector_norm(latents, dim=-1)
        return (length - 1).square()


@dataclass(frozen=True)
class Regularizer:
    """A loss on the latents, for the samples that the labels single out.

    Attributes:
        name: Its name in the records; its weight is the schedule's property of this name.
        loss: Latents (B, D) to a loss per sample, (B,), or a scalar for all of them.
        affinities: Label to strength; None applies the loss to every sample alike.
        validated: Whether it is measured on the validation points too, whatever its weight.
    """

    name: str
    loss: Callable[[Tensor], Tensor]
    affinities: Mapping[str, float] | None = None
    validated: bool = False

    def weight(self, properties: Mapping[str, float]) -> float:
        """What its term counts where the schedule's properties are these; 1 if none is its own."""
        return properties.get(self.name, 1.0)

    def term(self, latents: Tensor, labels: Mapping[str, Tensor]) -> Tensor | None:
        """The mean loss, weighed by how much each sample's labels concern this regularizer.

        Args:
            latents: (B, D).
            labels: Label name to (B,) in 0..1.

        Returns:
            A scalar; None where the labels single out no sample.
        """
        B = len(latents)
        if self.affinities is None:
            return self.loss(latents).expand(B).sum() / (B + EPSILON)
        affinity = _affinity(self.affinities, labels)
        if affinity is None:
            return None
        return affinity.dot(self.loss(latents).expand(B)) / (affinity.sum() + EPSILON)


def _cosine(latents: Tensor, direction: tuple[float, ...]) -> Tensor:
    """Cosine of the angle to a direction, (B,); 0 for a latent of length 0."""
    return functional.cosine_similarity(latents, latents.new_tensor([direction]), dim=-1)


def _check_direction(direction: tuple[float, ...]) -> None:
    if not (all(map(math.isfinite, direction)) and any(direction)):
        raise OptionError(
            f"a direction must be finite coordinates that are not all 0, got {direction}"
        )


def _affinity(affinities: Mapping[str, float], labels: Mapping[str, Tensor]) -> Tensor | None:
    """How much each sample counts, (B,) in 0..1; None if none does."""
    parts = [labels[name] * strength for name, strength in affinities.items() if name in labels]
    if not parts:
        return None
    affinity = torch.stack(parts).sum(0).clamp(0, 1)
    return affinity if affinity.any() else None
