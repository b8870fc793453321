"""From states to latents: a model run with recorded states, many steps at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ModelError
from ..modules.apart import apart
from ..modules.copying import prepares_in_modes
from ..modules.forward import as_input, call, guarded
from ..modules.layers import named_layer, padded, plain_model, reached, unused
from ..modules.outputs import first_tensor, latent_rows, n_rows
from ..modules.twin import plain_name, private_copy, state_slots

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ..modules.outputs import Tensors

State = Mapping[str, NDArray[Any]]
Inputs = NDArray[Any] | Mapping[str, NDArray[Any]]

# A block of states is evaluated in one go. Its length depends on the run alone: the last bits of a
# matrix product may depend on how many are batched, and a step must have the same latents whoever
# asks for it. The bounds keep a block's activations and states to some tens of MB.
BLOCK_STEPS = 64
BLOCK_POINTS = 1 << 15
BLOCK_BYTES = 64 << 20


@dataclass(frozen=True)
class Evaluation:
    """A model's answer to some inputs at one step."""

    outputs: NDArray[Any]  # (N, ...); of a tuple or the like, the first tensor in it
    latents: NDArray[Any]  # (N, D)


def inputs_at_hand(inputs: ArrayLike | Mapping[str, ArrayLike]) -> Inputs:
    """Inputs that a user gives, as arrays."""
    if isinstance(inputs, Mapping):
        return {name: np.asarray(array) for name, array in inputs.items()}
    return np.asarray(inputs)


def block_length(n_points: int, state_bytes: int) -> int:
    """How many steps are evaluated together."""
    return max(
        1, min(BLOCK_STEPS, BLOCK_POINTS // max(1, n_points), BLOCK_BYTES // max(1, state_bytes))
    )


def evaluate_latents(
    model: nn.Module,
    layers: Sequence[str],
    states: State,
    inputs: Inputs,
    *,
    tokens: str | None = None,
    bfloat16: Collection[str] = (),
) -> dict[str, NDArray[np.float32]]:
    """Latents of many states at once, in one or several layers of the same forward pass.

    Args:
        model: The model; it is not touched, for copies of it are run.
        layers: The layers whose outputs are the latents. Each has the same latents as if it were
            the only one.
        states: Each tensor of the state over K steps, (K, ...).
        inputs: (N, ...), or several by the names of the model's arguments.
        tokens: How the tokens of an output (N, S, D) become points; see `outputs.latent_rows`.
        bfloat16: The tensors that are to be bfloat16, which NumPy lacks.

    Returns:
        Each layer's (K, N, D) float32.

    Raises:
        ModelError: The states do not fit the model, or the model cannot be run.
    """
    model = plain_model(model)
    for layer in layers:
        named_layer(model, layer)
    tensors = _state_tensors(states, bfloat16)
    x = as_input(_input_tensors(inputs), _parameters_first(model, tensors))
    _check_state(model, {name: tensor[0] for name, tensor in tensors.items()})
    found = _all_at_once(model, layers, tensors, x, tokens)
    if found is None:
        found = {}
        # What a layer further on refuses must not change how the others are evaluated.
        for layer in layers if len(layers) > 1 else ():
            found |= _all_at_once(model, [layer], tensors, x, tokens) or {}
        if left := [layer for layer in layers if layer not in found]:
            n_states = len(next(iter(tensors.values())))
            rows = [{name: tensor[k] for name, tensor in tensors.items()} for k in range(n_states)]
            found |= _one_by_one(model, left, rows, x, tokens)
    return {layer: np.ascontiguousarray(found[layer].float().numpy()) for layer in layers}


def _all_at_once(
    model: nn.Module,
    layers: Sequence[str],
    states: Mapping[str, torch.Tensor],
    inputs: Tensors,
    tokens: str | None,
) -> dict[str, torch.Tensor] | None:
    """Each layer's (K, N, D), unless the model keeps what it makes of a state, or depends on data.

    What it keeps of one state would be used with another.
    """
    import torch

    if prepares_in_modes(model):
        return None
    with apart(one_thread=True):
        twin = private_copy(model)
        targets, before = {layer: named_layer(twin, layer) for layer in layers}, _kept_by(twin)

        def latents(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            parts = reached(twin, targets, state, inputs)
            return {n: latent_rows(parts[n], n, tokens, inputs) for n in layers}

        try:
            out: dict[str, torch.Tensor]
            out = torch.func.vmap(latents, randomness="same")(dict(states))
        except ModelError:
            raise
        except Exception:  # vmap refuses what depends on the data; a loop never does
            return None
        return out if _kept_by(twin) == before else None


def _one_by_one(
    model: nn.Module,
    layers: Sequence[str],
    states: Sequence[Mapping[str, torch.Tensor]],
    inputs: Tensors,
    tokens: str | None,
) -> dict[str, torch.Tensor]:
    """Each layer's (K, N, D), each step's by a copy of its own."""
    import torch

    found: dict[str, list[torch.Tensor]] = {layer: [] for layer in layers}
    for state in states:
        with apart(one_thread=True):
            twin = private_copy(model, state)
            targets = {layer: named_layer(twin, layer) for layer in layers}
            parts = guarded(lambda: reached(twin, targets, {}, inputs))  # noqa: B023 - at once
            for layer in layers:
                found[layer].append(latent_rows(parts[layer], layer, tokens, inputs))
    return {layer: torch.stack(rows) for layer, rows in found.items()}


def _kept_by(model: nn.Module) -> list[object]:
    """What a model's modules hold beside tensors and modules; equal only if nothing was replaced.

    Torch's own modules keep no results.
    """
    kept: list[object] = []
    for module in model.modules():
        if type(module).__module__.startswith("torch.nn."):
            continue
        for name, value in module.__dict__.items():
            if name not in ("_parameters", "_buffers", "_modules", "_forward_hooks"):
                inner = value.values() if isinstance(value, dict) else value
                many = isinstance(inner, list | tuple) or isinstance(value, dict)
                kept.append((name, id(value), [id(item) for item in inner] if many else None))
    return kept


def evaluate(
    model: nn.Module,
    layers: Sequence[str],
    state: State,
    inputs: Inputs,
    *,
    tokens: str | None = None,
    bfloat16: Collection[str] = (),
) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    """Outputs of ``inputs`` (N, ...) under one state, and each layer's latents (N, D).

    Its arguments are as of `evaluate_latents`.

    Raises:
        ModelError: The state does not fit the model, or the model cannot be run on the inputs.
    """
    model = plain_model(model)
    for layer in layers:
        named_layer(model, layer)
    tensors = _state_tensors(state, bfloat16)
    x = as_input(_input_tensors(inputs), _parameters_first(model, tensors))
    _check_state(model, tensors)
    captured: dict[str, torch.Tensor] = {}

    def keep(module: nn.Module, args: object, output: object) -> None:
        for layer, target in targets.items():
            if target.module is module and layer not in captured:
                part = target.part_of(output, n_rows(x))
                # What follows may write over it: an activation in place, say.
                captured[layer] = latent_rows(part, layer, tokens, x).clone()

    with apart(one_thread=True):
        twin = private_copy(model, tensors)
        targets = {layer: named_layer(twin, layer) for layer in layers}
        for module in {id(t.module): t.module for t in targets.values()}.values():
            module.register_forward_hook(keep)
        padded(twin, targets.values())
        outputs = guarded(lambda: call(twin, {}, x))
    for layer in layers:
        if layer not in captured:
            raise ModelError(unused(layer))
    answer = first_tensor(outputs)
    if answer is None:
        raise ModelError(
            f"the model's output must be a tensor, or hold one, got {type(outputs).__name__}"
        )
    return _array(answer), {layer: _array(part) for layer, part in captured.items()}


def _check_state(model: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    ours = {name: tuple(slots[key].shape) for slots, key, name in state_slots(model)}
    theirs = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if ours != theirs:
        odd = sorted(
            name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)
        )
        name = odd[0]
        raise ModelError(
            f"the recorded states do not fit the model: {name!r} is {theirs.get(name, 'missing')} "
            f"in the run and {ours.get(name, 'missing')} in the model"
        )


def _parameters_first(
    model: nn.Module, state: Mapping[str, torch.Tensor]
) -> Iterator[torch.Tensor]:
    """A state's tensors; buffers may be of another precision than what inputs are multiplied by."""
    names = [plain_name(name) for name, _ in model.named_parameters()]
    return (state[name] for name in dict.fromkeys([*names, *state]) if name in state)


def _input_tensors(inputs: Inputs) -> Tensors:
    if isinstance(inputs, Mapping):
        return {name: _tensor(array) for name, array in inputs.items()}
    return _tensor(inputs)


def _state_tensors(state: State, bfloat16: Collection[str]) -> dict[str, torch.Tensor]:
    import torch

    tensors = {name: _tensor(array) for name, array in state.items()}
    return {n: t.to(torch.bfloat16) if n in bfloat16 else t for n, t in tensors.items()}


def _tensor(array: NDArray[Any]) -> torch.Tensor:
    import torch

    # An archive's arrays are read-only, which torch warns of; a copy is cheap and aligned.
    return torch.from_numpy(np.array(array))


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    import torch

    tensor = tensor.float() if tensor.dtype is torch.bfloat16 else tensor
    array: NDArray[Any] = tensor.numpy()
    return array
