"""Running a copy of a model: how it is called, and with what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ModelError

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .outputs import Tensors

T = TypeVar("T")


def call(model: nn.Module, state: Mapping[str, torch.Tensor], inputs: Tensors) -> Any:
    """Run the model, with another state than its own if one is given."""
    args, kwargs = ((inputs,), {}) if not isinstance(inputs, Mapping) else ((), dict(inputs))
    if not state:
        return model(*args, **kwargs)
    from torch.func import functional_call

    return functional_call(model, dict(state), args, kwargs, tie_weights=False)


def guarded(forward: Callable[[], T]) -> T:
    """What a forward pass gives.

    Raises:
        ModelError: The model cannot be run; whatever it raises is said in that.
    """
    try:
        return forward()
    except ModelError:
        raise
    except Exception as error:  # whatever a user's model raises
        raise ModelError(f"the model cannot be run on these inputs: {error}") from error


def as_input(inputs: Tensors, state: Iterable[torch.Tensor]) -> Tensors:
    """Floats in the model's own precision: NumPy's are double unless told otherwise."""
    precision = next((t.dtype for t in state if t.is_floating_point()), None)
    return each(lambda t: t.to(precision) if t.is_floating_point() else t, inputs)


def each(change: Callable[[torch.Tensor], torch.Tensor], inputs: Tensors) -> Tensors:
    """The inputs, each tensor changed."""
    if isinstance(inputs, Mapping):
        return {name: change(tensor) for name, tensor in inputs.items()}
    return change(inputs)
