"""Whether a registered model is the one that is recorded, so that it can be made again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from ..modules.apart import apart
from ..modules.layers import plain_model, twin_outputs
from ..modules.outputs import latent_rows
from ..modules.registry import build_model, model_factory, registered_name
from ..modules.twin import private_copy, state_slots

if TYPE_CHECKING:
    import torch
    from torch import nn

# its memory as an array.
# How far apart, of the largest, what is the same may be: an accelerator multiplies in TF32.
SAME_OUTPUTS = 1e-2


def usable_name(model: nn.Module, name: str | None, args: Mapping[str, Any]) -> str | None:
    """The registered name under which this very model can be rebuilt, if there is one.

    Raises:
        ModelError: The name was given, and the model it makes is another one.
    """
    import torch

    found = name or registered_name(type(model))
    if found is None:
        return None
    try:
        json.dumps(dict(args))
        with torch.device("meta"):
            twin = build_model(model_factory(found), args)
    except (ModelError, TypeError, ValueError) as error:
        if name is None:
            return None
        raise ModelError(f"model_name={name!r} with model_args={dict(args)}: {error}") from None
    ours, theirs = (
        {own: slots[key].shape for slots, key, own in state_slots(m)} for m in (model, twin)
    )
    if ours == theirs:
        return found
    if name is None:
        return None
    raise ModelError(
        f"the model registered as {name!r} has other tensors than the one to record; "
        "give the model_args= that make it"
    )


def is_rebuilt(
    model: nn.Module,
    name: str,
    args: Mapping[str, Any],
    layers: Sequence[str],
    probe: torch.Tensor | dict[str, torch.Tensor] | None,
    ours: Sequence[torch.Tensor],
    tokens: str | None = None,
) -> bool:
    """Whether the registered model does the same: shapes do not tell a relu from a tanh.

    Args:
        model: The model to record.
        name: The registered name.
        args: The factory's arguments.
        layers: The layers to compare.
        probe: What to run it on.
        ours: The latents of the model's layers for it.
        tokens: How tokens become points.
    """
    import torch

    assert probe is not None  # or there were no outputs
    state = {own: slots[key].detach().cpu().clone() for slots, key, own in state_slots(model)}
    try:
        with torch.device("cpu"):  # whatever the default is
            other = build_model(model_factory(name), args)
            # As they are: a model may have been made another precision's.
            twin = private_copy(plain_model(other), state)
        with apart():  # from the same random numbers
            parts = twin_outputs(twin, layers, probe)
            pairs = zip(layers, parts, strict=True)
            theirs = [latent_rows(part, layer, tokens, probe) for layer, part in pairs]
    except (ModelError, RuntimeError):
        return False
    return all(_is_close(a.cpu().double(), b.double()) for a, b in zip(ours, theirs, strict=True))


def _is_close(a: torch.Tensor, b: torch.Tensor) -> bool:
    import torch

    scale = float(a.nan_to_num(0, 0, 0).abs().max())
    return a.shape == b.shape and torch.allclose(
        a, b, rtol=0, atol=SAME_OUTPUTS * scale, equal_nan=True
    )
