"""From states to latents: a model run with recorded states, many steps at once."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .copying import COMPILED, prepares_in_modes
from .errors import ModelError
from .outputs import first_tensor, latent_part, latent_rows, n_rows, spellings
from .text import printable
from .twin import apart, plain_name, private_copy, state_slots

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .outputs import Tensors

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


class _LayerReached(Exception):  # noqa: N818 - not an error: the way out of a forward pass
    pass


def block_length(n_points: int, state_bytes: int) -> int:
    """How many steps are evaluated together."""
    return max(
        1, min(BLOCK_STEPS, BLOCK_POINTS // max(1, n_points), BLOCK_BYTES // max(1, state_bytes))
    )


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
        inputs = _each(lambda tensor: tensor.to(device), inputs)
    x = _as_input(inputs, _held(twin, "_parameters"))
    found: dict[str, torch.Tensor] = _run(lambda _: _reach(twin, targets, {}, x), {})
    return [found[layer] for layer in layers]


def _held(model: nn.Module, part: str) -> Iterator[torch.Tensor]:
    """A model's parameters or buffers; where the first will do, its own methods take their time."""
    for module in model.modules():
        yield from (tensor for tensor in getattr(module, part).values() if tensor is not None)


def evaluate_latents(
    model: nn.Module,
    layer: str,
    states: State,
    inputs: Inputs,
    *,
    tokens: str | None = None,
    bfloat16: Collection[str] = (),
) -> NDArray[np.float32]:
    """Latents of many states at once.

    Args:
        model: The model; it is not touched, for copies of it are run.
        layer: The layer whose output is the latent.
        states: Each tensor of the state over K steps, (K, ...).
        inputs: (N, ...), or several by the names of the model's arguments.
        tokens: How the tokens of an output (N, S, D) become points; see `outputs.latent_rows`.
        bfloat16: The tensors that are to be bfloat16, which NumPy lacks.

    Returns:
        (K, N, D) float32.

    Raises:
        ModelError: The states do not fit the model, or the model cannot be run.
    """
    model = plain_model(model)
    named_layer(model, layer)
    tensors = _state_tensors(states, bfloat16)
    x = _as_input(_input_tensors(inputs), _parameters_first(model, tensors))
    rows = [{n: t[k] for n, t in tensors.items()} for k in range(len(next(iter(tensors.values()))))]
    _check_state(model, rows[0])
    with apart(), _one_thread():
        out = _all_at_once(model, layer, tensors, x, tokens)
    if out is None:
        out = _one_by_one(model, layer, rows, x, tokens)
    return np.ascontiguousarray(out.float().numpy())


def _all_at_once(
    model: nn.Module,
    layer: str,
    states: Mapping[str, torch.Tensor],
    inputs: Tensors,
    tokens: str | None,
) -> torch.Tensor | None:
    """The latents (K, N, D), unless the model keeps what it makes of a state, or depends on data.

    What it keeps of one state would be used with another.
    """
    import torch

    if prepares_in_modes(model):
        return None
    twin = private_copy(model)
    target, before = {layer: named_layer(twin, layer)}, _kept_by(twin)

    def latents(state: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return latent_rows(_reach(twin, target, state, inputs)[layer], layer, tokens, inputs)

    try:
        out: torch.Tensor = torch.func.vmap(latents, randomness="same")(dict(states))
    except ModelError:
        raise
    except Exception:  # vmap refuses what depends on the data; a loop never does
        return None
    return out if _kept_by(twin) == before else None


def _one_by_one(
    model: nn.Module,
    layer: str,
    states: Sequence[Mapping[str, torch.Tensor]],
    inputs: Tensors,
    tokens: str | None,
) -> torch.Tensor:
    """The latents (K, N, D), each step's by a copy of its own."""
    import torch

    out = []
    for state in states:
        with apart(), _one_thread():
            twin = private_copy(model, state)
            target = {layer: named_layer(twin, layer)}
            part = _run(lambda _: _reach(twin, target, {}, inputs)[layer], {})  # noqa: B023 - at once
            out.append(latent_rows(part, layer, tokens, inputs))
    return torch.stack(out)


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
    layer: str,
    state: State,
    inputs: Inputs,
    *,
    tokens: str | None = None,
    bfloat16: Collection[str] = (),
) -> Evaluation:
    """Outputs and latents of ``inputs`` (N, ...) under one state; see `evaluate_latents`.

    Raises:
        ModelError: The state does not fit the model, or the model cannot be run on the inputs.
    """
    model = plain_model(model)
    named_layer(model, layer)
    tensors = _state_tensors(state, bfloat16)
    x = _as_input(_input_tensors(inputs), _parameters_first(model, tensors))
    _check_state(model, tensors)
    captured: list[torch.Tensor] = []

    def keep(module: nn.Module, args: object, output: object) -> None:
        if not captured:
            part = target.part_of(output, n_rows(x))
            # What follows may write over it: an activation in place, say.
            captured.append(latent_rows(part, layer, tokens, x).clone())

    with apart(), _one_thread():
        twin = private_copy(model, tensors)
        target = named_layer(twin, layer)
        target.module.register_forward_hook(keep)
        _padded(twin, [target])
        outputs = _run(lambda _: _call(twin, {}, x), {})
    if not captured:
        raise ModelError(_unused(layer))
    answer = first_tensor(outputs)
    if answer is None:
        raise ModelError(
            f"the model's output must be a tensor, or hold one, got {type(outputs).__name__}"
        )
    return Evaluation(_array(answer), _array(captured[0]))


def _reach(
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

    _padded(model, targets.values())
    hooked = {id(target.module): target.module for target in targets.values()}.values()
    handles = [module.register_forward_hook(stop) for module in hooked]
    try:
        _call(model, state, inputs)
    except _LayerReached:
        pass
    finally:
        for handle in handles:
            handle.remove()
    for layer in targets:
        if layer not in captured:
            raise ModelError(_unused(layer))
    return captured


def _padded(twin: nn.Module, targets: Iterable[Target]) -> None:
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


def _unused(layer: str) -> str:
    return f"the latent layer {printable(layer)!r} is not used when the model is run"


def _call(model: nn.Module, state: Mapping[str, torch.Tensor], inputs: Tensors) -> Any:
    """Run the model, with another state than its own if one is given."""
    args, kwargs = ((inputs,), {}) if not isinstance(inputs, Mapping) else ((), dict(inputs))
    if not state:
        return model(*args, **kwargs)
    from torch.func import functional_call

    return functional_call(model, dict(state), args, kwargs, tie_weights=False)


def _run(forward: Any, state: Mapping[str, torch.Tensor]) -> Any:
    try:
        return forward(state)
    except ModelError:
        raise
    except Exception as error:  # whatever a user's model raises
        raise ModelError(f"the model cannot be run on these inputs: {error}") from error


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


def _each(change: Callable[[torch.Tensor], torch.Tensor], inputs: Tensors) -> Tensors:
    if isinstance(inputs, Mapping):
        return {name: change(tensor) for name, tensor in inputs.items()}
    return change(inputs)


def _as_input(inputs: Tensors, state: Iterable[torch.Tensor]) -> Tensors:
    """Floats in the model's own precision: NumPy's are double unless told otherwise."""
    precision = next((t.dtype for t in state if t.is_floating_point()), None)
    return _each(lambda t: t.to(precision) if t.is_floating_point() else t, inputs)


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


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """One thread: how a matrix product is split must not change its last bits."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
