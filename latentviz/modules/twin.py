"""A model's twin: a copy that nobody else holds, to be run in place of the model itself.

Running a model may change it, in evaluation mode, too: its buffers, what it caches, what its
observers saw, the random numbers that are drawn next. What is run here is a copy, made anew each
time, so that neither is changed what trains nor is anything stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from .copying import COMPILED, Copying
from .reuse import Earlier

if TYPE_CHECKING:
    import torch
    from torch import nn


class Twin:
    """What a model's copies have in common: the memory of their tensors, and more."""

    def __init__(self, model: nn.Module) -> None:
        """Copy nothing yet.

        Args:
            model: The plain model, out of all wrappers.
        """
        self._model = model
        self._earlier = Earlier()

    def renewed(self) -> nn.Module:
        """A copy of the model as it is now, in evaluation mode; the one before is worth no more.

        All that a module holds is copied, and what is shared within the model is within the copy.
        What `torch.compile` made is left out, as are hooks, but for those by which torch itself
        makes weights (pruning, weight_norm, spectral_norm, observers). Where a model has a `train`
        of its own, it goes through both modes: what a mode prepares is then of these weights.

        Raises:
            ModelError: The model holds what cannot be copied.
        """
        copying = Copying(self._earlier)
        twin = _evaluating(copying, self._model, {})
        self._earlier = copying.later
        return twin


def private_copy(model: nn.Module, state: Mapping[str, torch.Tensor] | None = None) -> nn.Module:
    """A copy of a model in evaluation mode; see `Twin.renewed`.

    Args:
        model: The plain model.
        state: Other tensors than its own, by name, which need not be of the same dtype.

    Raises:
        ModelError: The model holds what cannot be copied.
    """
    return _evaluating(Copying(Earlier()), model, state or {})


def _evaluating(copying: Copying, model: nn.Module, state: Mapping[str, torch.Tensor]) -> nn.Module:
    """The copy, with that state, in evaluation mode."""
    from torch import nn

    twin = copying.whole(model)
    for slots, key, name in state_slots(twin) if state else ():
        if name in state:
            tensor = state[name]
            is_parameter = isinstance(slots[key], nn.Parameter)
            slots[key] = nn.Parameter(tensor, requires_grad=False) if is_parameter else tensor
    if copying.prepares:
        try:
            twin.train()
            twin.eval()
        except Exception as error:  # whatever a user's model raises
            raise ModelError(f"the model's train() and eval() cannot be run: {error}") from error
    return twin


def state_slots(model: nn.Module) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Where each tensor of the state lives: its module's dictionary and key; and its own name.

    All parameters and buffers that are to be saved, whatever a ``state_dict`` of the model's own
    makes of them. Those that are tied come under each of their names.
    """
    import torch

    for prefix, module in model.named_modules(remove_duplicate=False):
        unsaved = getattr(module, "_non_persistent_buffers_set", ())
        for slots in (module._parameters, module._buffers):
            for key, tensor in slots.items():
                if isinstance(tensor, torch.Tensor) and not (
                    slots is module._buffers and key in unsaved
                ):
                    yield slots, key, plain_name(f"{prefix}.{key}" if prefix else key)


def plain_name(name: str) -> str:
    """The name that a tensor or a layer has where nothing is compiled."""
    return ".".join(part for part in name.split(".") if part != COMPILED)
