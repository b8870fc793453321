"""Measures a model in training on points that it is not trained on, every so often."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from .data import Batch
from .events import Events, StepStart, Validation
from .loop import RECONSTRUCTION, infer
from .regularizers import Regularizer

# Tells the validation's losses from the training's, whose names they share else.
PREFIX = "val-"


class Validator:
    """Emits a :class:`~trainers.events.Validation` at step 0 and every so many steps after it.

    It measures the reconstruction, and every regularizer that is marked for it whatever its weight:
    a measure must not go because the schedule has no more use for the loss. That comes before the
    step's update, so that it is of the state that is recorded with the step.

    Args:
        events: The run's events.
        layer: Name of the submodule whose output is the latents.
        points: The validation points and their labels.
        regularizers: The run's regularizers; those not marked as validated are left out.
        every: Steps, at least 1.
    """

    def __init__(
        self,
        events: Events,
        *,
        layer: str,
        points: Batch,
        regularizers: Sequence[Regularizer],
        every: int,
    ) -> None:
        self._events = events
        self._layer = layer
        self._points = points
        self._regularizers = [r for r in regularizers if r.validated]
        self._every = every
        events.on(StepStart, self._on_step)

    def _on_step(self, event: StepStart) -> None:
        if event.state.step % self._every:
            return
        inputs, labels = self._points
        inference = infer(event.model, self._layer, inputs)
        losses = {RECONSTRUCTION: nn.functional.mse_loss(inference.outputs, inputs)}
        for regularizer in self._regularizers:
            term = regularizer.term(inference.latents, labels)
            if term is not None:
                losses[regularizer.name] = term
        self._events.emit(
            Validation(
                event.state,
                event.model,
                {PREFIX + name: loss.item() for name, loss in losses.items()},
            )
        )
