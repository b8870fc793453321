"""The training loop that the experiments share.

It knows the model only through its parameters, its reconstruction and the name of its latent
layer; all else (recording, progress, validation) listens to events.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latentviz.errors import OptionError

from .data import Batch
from .events import (
    Action,
    Events,
    Inference,
    PhaseEnd,
    PhaseStart,
    StepMetrics,
    StepStart,
    TermLeftOut,
)
from .regularizers import Regularizer
from .timeline import State

# The names that regularizers cannot have.
TOTAL, RECONSTRUCTION = "loss", "recon"
LEARNING_RATE = "lr"

_log = logging.getLogger(__name__)


def train(
    model: nn.Module,
    *,
    layer: str,
    timeline: Iterable[State],
    batches: Iterator[Batch],
    regularizers: Sequence[Regularizer],
    validation: Tensor,
    events: Events,
) -> Mapping[str, float]:
    """Train an autoencoder with Adam, one step for every state of the timeline.

    The timeline's property ``lr``, if there is one, is the learning rate (else it is Adam's own),
    and the property with a regularizer's name is its weight (else it is 1).

    Args:
        model: Maps a batch's inputs to their reconstruction. It is trained in place.
        layer: Name of the submodule whose output is the latents, (B, D).
        timeline: The state of the schedule at each step, as a `Timeline` gives them.
        batches: At least as many as the timeline has steps.
        regularizers: Each with a name of its own.
        validation: (N, ...) points; every phase ends with an inference on them.
        events: Who listens.

    Returns:
        The last step's losses, as in :class:`~trainers.events.StepMetrics`.

    Raises:
        OptionError: There is no such layer, or a regularizer's name is taken.
    """
    _check_names(regularizers)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    # One call for all tensors: with 8 tiny ones, Adam's own loop takes longer than the model.
    optimizer = torch.optim.Adam(parameters, fused=True)
    left_out_at: dict[str, int] = {}
    losses: Mapping[str, float] = {}

    model.train()
    with latent_tap(model, layer) as tap:
        for state in timeline:
            if state.phase_starts:
                events.emit(PhaseStart(state, model))
            events.emit(StepStart(state, model))
            for action in state.actions:
                events.emit(Action(state, model, action))
            if LEARNING_RATE in state.values:
                for group in optimizer.param_groups:
                    group["lr"] = state.values[LEARNING_RATE]

            inputs, labels = next(batches)
            outputs = model(inputs)
            terms = _terms(inputs, outputs, tap.latents, labels, regularizers, state)
            sound = _backward(terms, parameters)

            for name in terms.keys() - sound:
                events.emit(TermLeftOut(state, model, name, terms[name].value.item()))
                # A term can stay that way for thousands of steps: one line for each such stretch.
                if left_out_at.get(name) != state.step - 1:
                    _log.warning("%s is not finite at step %d: left out", name, state.step)
                left_out_at[name] = state.step
            losses = _losses(terms, sound)
            events.emit(StepMetrics(state, model, inputs, labels, losses))
            optimizer.step()

            if state.phase_ends:
                events.emit(PhaseEnd(state, model, infer(model, layer, validation)))
    return losses


def infer(model: nn.Module, layer: str, inputs: Tensor) -> Inference:
    """What a model makes of ``inputs``, in evaluation mode and without gradients.

    Args:
        model: Left in the mode it was in.
        layer: Name of the submodule whose output is the latents.
        inputs: (N, ...).

    Raises:
        OptionError: There is no such layer.
    """
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), latent_tap(model, layer) as tap:
            outputs = model(inputs)
            return Inference(inputs, outputs, tap.latents)
    finally:
        model.train(was_training)


class LatentTap:
    """Holds what a layer returned last."""

    def __init__(self) -> None:
        self._latest: Tensor | None = None

    @property
    def latents(self) -> Tensor:
        """The layer's latest output, with its graph.

        Raises:
            OptionError: The model has not called the layer.
        """
        if self._latest is None:
            raise OptionError("the model does not call its latent layer; name one that it calls")
        return self._latest

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Serve as a forward hook."""
        self._latest = output


@contextmanager
def latent_tap(model: nn.Module, layer: str) -> Iterator[LatentTap]:
    """Catch a layer's output through a forward hook, without the model's help.

    Raises:
        OptionError: There is no such layer.
    """
    layers = dict(model.named_modules())
    if layer not in layers:
        choices = ", ".join(filter(None, layers))
        raise OptionError(f"unknown layer {layer!r}; this model's are: {choices}")
    tap = LatentTap()
    hook = layers[layer].register_forward_hook(tap)
    try:
        yield tap
    finally:
        hook.remove()


@dataclass(frozen=True, slots=True)
class _Term:
    """A term of the loss, as it is and as it counts."""

    value: Tensor
    weighted: Tensor


def _check_names(regularizers: Sequence[Regularizer]) -> None:
    taken = {TOTAL, RECONSTRUCTION}
    for regularizer in regularizers:
        if regularizer.name in taken:
            raise OptionError(
                f"every regularizer needs a name of its own, got {regularizer.name!r} again; "
                f"{TOTAL!r} and {RECONSTRUCTION!r} are taken too"
            )
        taken.add(regularizer.name)


def _terms(
    inputs: Tensor,
    outputs: Tensor,
    latents: Tensor,
    labels: Mapping[str, Tensor],
    regularizers: Sequence[Regularizer],
    state: State,
) -> dict[str, _Term]:
    """The terms that apply at this step: the reconstruction first, then the regularizers."""
    recon = nn.functional.mse_loss(outputs, inputs)
    terms = {RECONSTRUCTION: _Term(recon, recon)}
    for regularizer in regularizers:
        weight = regularizer.weight(state.values)
        if weight == 0:
            continue
        value = regularizer.term(latents, labels)
        if value is not None:
            terms[regularizer.name] = _Term(value, value * weight)
    return terms


def _losses(terms: Mapping[str, _Term], sound: frozenset[str]) -> dict[str, float]:
    """Total and unweighted terms; without the terms that are not sound."""
    if not sound:
        return {}
    kept = {name: term for name, term in terms.items() if name in sound}
    # Summed as Python floats: two float32 near the upper end do not overflow.
    total = math.fsum(term.weighted.item() for term in kept.values())
    return {TOTAL: total, **{name: term.value.item() for name, term in kept.items()}}


def _backward(terms: Mapping[str, _Term], parameters: Sequence[Tensor]) -> frozenset[str]:
    """Set the gradients of the sum of all terms that are sound.

    A term is sound if it is finite and so is its gradient. If none is, the parameters have no
    gradients, and the optimizer leaves them alone.

    Returns:
        The names of the terms that count.
    """
    sound = {
        name: term.weighted for name, term in terms.items() if math.isfinite(term.weighted.item())
    }
    gradients = _gradients(sound.values(), parameters)
    if not _all_finite(gradients):
        # Rare, so it may cost: find the culprits one by one.
        sound = {
            name: weighted
            for name, weighted in sound.items()
            if _all_finite(_gradients([weighted], parameters))
        }
        gradients = _gradients(sound.values(), parameters)
        if not _all_finite(gradients):
            sound, gradients = {}, [None] * len(parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    return frozenset(sound)


def _gradients(losses: Iterable[Tensor], parameters: Sequence[Tensor]) -> Sequence[Tensor | None]:
    """The gradients of the sum; None for parameters that it does not depend on."""
    differentiable = [loss for loss in losses if loss.requires_grad]
    if not differentiable:
        return [None] * len(parameters)
    return torch.autograd.grad(
        differentiable,
        parameters,
        # Gradient 1 for each: the same as of their sum. The graph goes when the step is over.
        retain_graph=True,
        allow_unused=True,
    )


def _all_finite(gradients: Sequence[Tensor | None]) -> bool:
    parts = [gradient.flatten() for gradient in gradients if gradient is not None]
    if not parts:
        return True
    # The norm is NaN or infinite if any element is, and also where Adam's squares would overflow.
    return math.isfinite(torch.linalg.vector_norm(torch.cat(parts)).item())
