"""What happens in a training run, for whoever listens.

Within a step the order is: phase start, step start, (validation,) actions, step metrics, (the
optimizer's update,) phase end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .timeline import State


@dataclass(frozen=True, slots=True)
class Inference:
    """What the model makes of some points.

    Attributes:
        inputs: (N, ...) float32.
        outputs: What the model returned for them.
        latents: What the latent layer returned for them.
    """

    inputs: Tensor
    outputs: Tensor
    latents: Tensor


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events.

    Attributes:
        state: What the timeline says of this step.
        model: The model in training.
    """

    state: State
    model: nn.Module

    @property
    def name(self) -> str | None:
        """What handlers can be narrowed down to; None where there is no choice."""
        return None


@dataclass(frozen=True, slots=True)
class PhaseStart(Event):
    """A phase is about to start; its name is the phase's."""

    @property
    def name(self) -> str:
        """The phase."""
        return self.state.phase


@dataclass(frozen=True, slots=True)
class StepStart(Event):
    """A step is about to start."""


@dataclass(frozen=True, slots=True)
class Validation(Event):
    """The model was measured on the validation points; :class:`~trainers.validation.Validator`.

    Attributes:
        losses: By name, unweighted; a loss that applies to none of the points is missing.
    """

    losses: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Action(Event):
    """An action of the dopesheet is due.

    Attributes:
        action: The action's name.
    """

    action: str

    @property
    def name(self) -> str:
        """The action."""
        return self.action


@dataclass(frozen=True, slots=True)
class StepMetrics(Event):
    """The losses are known, and the model has not been updated yet.

    Attributes:
        batch: (B, ...) inputs.
        labels: Label name to (B,).
        losses: ``loss`` is the total, and every term stands under its own name, unweighted. Terms
            that were skipped or left out are missing.
    """

    batch: Tensor
    labels: Mapping[str, Tensor]
    losses: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TermLeftOut(Event):
    """A term of the loss, or its gradient, was not finite and does not count at this step.

    Attributes:
        term: The term's name.
        value: The term, unweighted; finite if only its gradient is not.
    """

    term: str
    value: float

    @property
    def name(self) -> str:
        """The term."""
        return self.term


@dataclass(frozen=True, slots=True)
class PhaseEnd(Event):
    """A phase has ended, after its last update; its name is the phase's.

    Attributes:
        validation: What the model, in evaluation mode, makes of the validation points.
    """

    validation: Inference

    @property
    def name(self) -> str:
        """The phase."""
        return self.state.phase


E = TypeVar("E", bound=Event)


class Events:
    """Who listens to what. Handlers are called in the order in which they came."""

    def __init__(self) -> None:
        self._handlers: dict[type[Event], list[tuple[str | None, Callable[[Any], object]]]] = {}

    def on(self, kind: type[E], handler: Callable[[E], object], *, name: str | None = None) -> None:
        """Call ``handler`` with every event of a kind.

        Args:
            kind: The event's class.
            handler: What to call; what it returns is not looked at, what it raises ends the run.
            name: Only events of this name: a phase's, an action's, a term's.
        """
        self._handlers.setdefault(kind, []).append((name, handler))

    def emit(self, event: Event) -> None:
        """Tell everyone who listens to this kind of event."""
        for name, handler in self._handlers.get(type(event), ()):
            if name is None or name == event.name:
                handler(event)
