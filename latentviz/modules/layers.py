"""The layers of a model: finding one by its name, and what a copy's layers give."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from ..text import printable
from .apart import apart
from .copying import COMPILED
from .forward import as_input, call, each, guarded
from .outputs import latent_part, latent_rows, n_rows, spellings
from .twin import plain_name, private_copy

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .outputs import Tensors


class _LayerReached(Exception):  # noqa: N818 - not an error: the way out of a forward pass
    pass


def plain_model(model: nn.Module) -> nn.Module:
    """The model that was written, out of `torch.compile`'s wrapper or a data-parallel one."""
    from torch import nn

    parallel: tuple[type[nn.Module], ...]
    parallel = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    while COMPILED in model._modules or isinstance(model, parallel):
        name = COMPILED if COMPILED in model._modules else "module"
        model = model.get_submodule(name)
    return model


@dataclass(frozen=True)
class Target:
    """A layer within a model: a module, and which part of its output is meant."""

    name: str  # the module's, where nothing is compiled
    module: nn.Module
    positions: tuple[int, ...]

    @property
    def has_points_second(self) -> bool:
        """Whether torch itself says that the points come second in what it gives: (S, N, D).

        As with ``batch_first=False``, or in the last states of recurrent layers, (M, N, D).
        """
        from torch import nn

        module, item = self.module, self.positions[0] if self.positions else 0
        if isinstance(module, nn.RNNBase) and item != 0:
            return True
        if isinstance(module, nn.MultiheadAttention) and item != 0:
            return False  # its weights are (N, S, S)
        if isinstance(module, nn.TransformerEncoder | nn.TransformerDecoder):
            module = module.layers[0]
        if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
            module = module.self_attn
        knows = isinstance(module, nn.RNNBase | nn.MultiheadAttention | nn.Transformer)
        return knows and not module.batch_first

    def part_of(self, output: object, n_points: int) -> torch.Tensor:
        """The tensor (N, ...) in the module's output that holds the latents.

        Raises:
            UnfitOutput: See `outputs.latent_part`.
        """
        return latent_part(
            output,
            self.name,
            self.positions,
            n_points,
            has_points_second=self.has_points_second,
        )


def named_layer(model: nn.Module, layer: str) -> Target:
    """The submodule of that name, itself and not what `torch.compile` made of it.

    Args:
        model: The model.
        layer: The submodule's name; and, where that gives several tensors, which of them
            (``lstm:1``, see `outputs.latent_part`). A module whose own name is this goes first.

    Raises:
        ModelError: There is none.
    """
    for name, positions in spellings(layer):
        with contextlib.suppress(AttributeError, RuntimeError):  # which a scripted one raises
            if name and COMPILED not in name:
                return Target(name, model.get_submodule(name), positions)
    # A compiled module's wrapper comes first and gives way to what it wraps.
    modules: dict[str, nn.Module]
    modules = {plain_name(name): module for name, module in model.named_modules()}
    for name, positions in spellings(layer):
        if name and (plain := plain_name(name)) in modules:
            return Target(plain, modules[plain], positions)
    names = ", ".join(name for name in modules if name) or "none"
    raise ModelError(f"the model has no layer {printable(layer)!r}; its layers are: {names}")


def layer_outputs(
    model: nn.Module, layers: Sequence[str], inputs: Tensors, *, tokens: str | None = None
) -> list[torch.Tensor]:
    """The latents (N, D) of ``inputs`` in each layer: its output, in evaluation mode.

    A copy of the model is run; the model itself is not touched, nor is any random state.

    Args:
        model: The model.
        layers: The layers whose outputs are wanted, all of one forward pass.
        inputs: (N, ...), or several by the names of the model's arguments.
        tokens: How the tokens of an output (N, S, D) become points; see `outputs.latent_rows`.

    Raises:
        ModelError: A layer is not reached, its output is not a tensor of latents, or the model
            cannot be copied.
    """
    with apart():
        found = twin_outputs(private_copy(plain_model(model)), layers, inputs)
        return [latent_rows(p, n, tokens, inputs) for n, p in zip(layers, found, strict=True)]


def twin_outputs(twin: nn.Module, layers: Sequence[str], inputs: Tensors) -> list[torch.Tensor]:
    """What the layers give, (N, ...) each, of a copy that nobody else holds; within `apart`.

    Raises:
        ModelError: A layer is not reached, or its output is not a tensor of latents.
    """
    targets = {layer: named_layer(twin, layer) for layer in layers}
    tensors = itertools.chain(_held(twin, "_parameters"), _held(twin, "_buffers"))
    device = next((tensor.device for tensor in tensors), None)
    if device is not None:
        inputs = each(lambda tensor: tensor.to(device), inputs)
    x = as_input(inputs, _held(twin, "_parameters"))
    found = guarded(lambda: reached(twin, targets, {}, x))
    return [found[layer] for layer in layers]


def _held(model: nn.Module, part: str) -> Iterator[torch.Tensor]:
    """A model's parameters or buffers; where the first will do, its own methods take their time."""
    for module in model.modules():
        yield from (tensor for tensor in getattr(module, part).values() if tensor is not None)


def reached(
    model: nn.Module,
    targets: Mapping[str, Target],
    state: Mapping[str, torch.Tensor],
    inputs: Tensors,
) -> dict[str, torch.Tensor]:
    """Run a copy as far as the first output of every target, and no further.

    Returns:
        Each target's (N, ...), by its layer's name.
    """
    captured: dict[str, torch.Tensor] = {}

    def stop(module: nn.Module, args: object, output: object) -> None:
        for layer, target in targets.items():
            if target.module is module and layer not in captured:
                part = target.part_of(output, n_rows(inputs))
                # What follows may write over it: an activation in place, say.
                captured[layer] = part if len(targets) == 1 else part.clone()
        if len(captured) == len(targets):
            raise _LayerReached

    padded(model, targets.values())
    hooked = {id(target.module): target.module for target in targets.values()}.values()
    handles = [module.register_forward_hook(stop) for module in hooked]
    try:
        call(model, state, inputs)
    except _LayerReached:
        pass
    finally:
        for handle in handles:
            handle.remove()
    for layer in targets:
        if layer not in captured:
            raise ModelError(unused(layer))
    return captured


def padded(twin: nn.Module, targets: Iterable[Target]) -> None:
    """Have a transformer's layers take padded sequences where one of them is looked at.

    In evaluation mode it packs them by the mask, which layers with hooks cannot take.
    """
    from torch import nn

    for target in targets:
        module: Any = twin
        for part in target.name.split("."):
            if isinstance(module, nn.TransformerEncoder):
                module.use_nested_tensor = False
            module = module._modules[part]


def unused(layer: str) -> str:
    """That a layer was not reached, in words."""
    return f"the latent layer {printable(layer)!r} is not used when the model is run"
