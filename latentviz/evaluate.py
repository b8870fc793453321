"""From states to latents: a model run with recorded states, many steps at once."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import ModelError
from .text import printable

if TYPE_CHECKING:
    import torch
    from torch import nn

    # What a model is called with: one tensor, or tensors by the names of its arguments.
    Tensors = torch.Tensor | Mapping[str, torch.Tensor]

State = Mapping[str, NDArray[Any]]
Inputs = NDArray[Any] | Mapping[str, NDArray[Any]]

COMPILED = "_orig_mod"  # what torch.compile calls the module that it wraps

# A block of states is evaluated in one go. Its length depends on the run alone: the last bits of a
# matrix product may depend on how many are batched, and a step must have the same latents whoever
# asks for it. The bounds keep a block's activations and states to some tens of MB.
BLOCK_STEPS = 64
BLOCK_POINTS = 1 << 15
BLOCK_BYTES = 64 << 20


@dataclass(frozen=True)
class Evaluation:
    """A model's answer to some inputs at one step."""

    outputs: NDArray[Any]  # (N, ...)
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


def plain_name(name: str) -> str:
    """The name that a tensor or a layer has where nothing is compiled."""
    return ".".join(part for part in name.split(".") if part != COMPILED)


def named_layer(model: nn.Module, layer: str) -> nn.Module:
    """The submodule of that name, itself and not what `torch.compile` made of it.

    Raises:
        ModelError: There is none.
    """
    # A compiled module's wrapper comes first and gives way to what it wraps.
    modules: dict[str, nn.Module]
    modules = {plain_name(name): module for name, module in model.named_modules()}
    if plain_name(layer) not in modules or not layer:
        names = ", ".join(name for name in modules if name) or "none"
        raise ModelError(f"the model has no layer {printable(layer)!r}; its layers are: {names}")
    return modules[plain_name(layer)]


def layer_outputs(model: nn.Module, layers: Sequence[str], inputs: Tensors) -> list[torch.Tensor]:
    """The latents (N, D) of ``inputs`` in each layer: its output, in evaluation mode.

    The model is left in the modes in which it was found.

    Args:
        model: The model.
        layers: The layers whose outputs are wanted, all of one forward pass.
        inputs: (N, ...), or several by the names of the model's arguments.

    Raises:
        ModelError: A layer is not reached, or its output is not a tensor of latents.
    """
    import torch

    model = plain_model(model)
    targets = {layer: named_layer(model, layer) for layer in layers}
    with _evaluating(model), torch.no_grad(), _uncompiled(model):
        tensors = itertools.chain(model.parameters(), model.buffers())
        device = next((tensor.device for tensor in tensors), None)
        if device is not None:
            inputs = _each(lambda tensor: tensor.to(device), inputs)
        x = _as_input(inputs, model.parameters())
        found: dict[str, torch.Tensor] = _run(lambda _: _reach(model, targets, {}, x), {})
    return [found[layer] for layer in layers]


def evaluate_latents(
    model: nn.Module,
    layer: str,
    states: State,
    inputs: Inputs,
    *,
    bfloat16: Collection[str] = (),
) -> NDArray[np.float32]:
    """Latents of many states at once.

    Args:
        model: The model; its own state is not touched.
        layer: The layer whose output is the latent.
        states: Each tensor of the state over K steps, (K, ...).
        inputs: (N, ...), or several by the names of the model's arguments.
        bfloat16: The tensors that are to be bfloat16, which NumPy lacks.

    Returns:
        (K, N, D) float32.

    Raises:
        ModelError: The states do not fit the model, or the model cannot be run.
    """
    import torch

    model = plain_model(model)
    target = {layer: named_layer(model, layer)}
    tensors = _state_tensors(model, states, bfloat16)
    x = _as_input(_input_tensors(inputs), _parameters_first(model, tensors))

    def latents(state: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return _reach(model, target, state, x)[layer]

    n_steps = len(next(iter(tensors.values())))
    with _evaluating(model), torch.no_grad(), _one_thread(), _uncompiled(model):
        _check_state(model, {name: tensor[0] for name, tensor in tensors.items()})
        try:
            out = torch.func.vmap(latents, randomness="same")(tensors)
        except ModelError:
            raise
        except Exception:  # vmap refuses what depends on the data; a loop never does
            rows = [{name: t[k] for name, t in tensors.items()} for k in range(n_steps)]
            out = torch.stack([_run(latents, row) for row in rows])
    return np.ascontiguousarray(out.float().numpy())


def evaluate(
    model: nn.Module,
    layer: str,
    state: State,
    inputs: Inputs,
    *,
    bfloat16: Collection[str] = (),
) -> Evaluation:
    """Outputs and latents of ``inputs`` (N, ...) under one state; see `evaluate_latents`.

    Raises:
        ModelError: The state does not fit the model, or the model cannot be run on the inputs.
    """
    import torch

    model = plain_model(model)
    target = named_layer(model, layer)
    tensors = _state_tensors(model, state, bfloat16)
    x = _as_input(_input_tensors(inputs), _parameters_first(model, tensors))
    captured: list[torch.Tensor] = []

    def keep(module: nn.Module, args: object, output: object) -> None:
        if not captured:
            captured.append(_latent_matrix(output, layer))

    def forward(state: Mapping[str, torch.Tensor]) -> Any:
        with _hooked(target, keep):
            return _call(model, state, x)

    with _evaluating(model), torch.no_grad(), _one_thread(), _uncompiled(model):
        _check_state(model, tensors)
        outputs = _run(forward, tensors)
    if not captured:
        raise ModelError(_unused(layer))
    if not isinstance(outputs, torch.Tensor):
        raise ModelError(f"the model's output must be a tensor, got {type(outputs).__name__}")
    return Evaluation(_array(outputs), _array(captured[0]))


def _reach(
    model: nn.Module,
    targets: Mapping[str, nn.Module],
    state: Mapping[str, torch.Tensor],
    inputs: Tensors,
) -> dict[str, torch.Tensor]:
    """Run the model as far as the first output of every target, and no further."""
    captured: dict[str, torch.Tensor] = {}

    def stop(module: nn.Module, args: object, output: object) -> None:
        for layer, target in targets.items():
            if target is module:
                captured.setdefault(layer, _latent_matrix(output, layer))
        if len(captured) == len(targets):
            raise _LayerReached

    with contextlib.ExitStack() as stack:
        for target in {id(module): module for module in targets.values()}.values():
            stack.enter_context(_hooked(target, stop))
        with contextlib.suppress(_LayerReached):
            _call(model, state, inputs)
    for layer in targets:
        if layer not in captured:
            raise ModelError(_unused(layer))
    return captured


def _unused(layer: str) -> str:
    return f"the latent layer {printable(layer)!r} is not used when the model is run"


def _call(model: nn.Module, state: Mapping[str, torch.Tensor], inputs: Tensors) -> Any:
    """Run the model, with another state than its own if one is given."""
    from torch.func import functional_call

    args, kwargs = ((), dict(inputs)) if isinstance(inputs, Mapping) else ((inputs,), {})
    if not state:
        return model(*args, **kwargs)
    return functional_call(model, dict(state), args, kwargs, tie_weights=False)


def _latent_matrix(output: object, layer: str) -> torch.Tensor:
    import torch

    if not isinstance(output, torch.Tensor):
        raise ModelError(
            f"the output of layer {printable(layer)!r} must be a tensor (N, D), got a "
            f"{type(output).__name__}; name a submodule that returns a tensor"
        )
    if output.ndim < 2:
        raise ModelError(
            f"the output of layer {printable(layer)!r} must be (N, D) or (N, ...), got "
            f"{tuple(output.shape)}; name a layer before it, or keep a dimension of length 1"
        )
    return output.flatten(1)


def _run(forward: Any, state: Mapping[str, torch.Tensor]) -> Any:
    try:
        return forward(state)
    except ModelError:
        raise
    except Exception as error:  # whatever a user's model raises
        raise ModelError(f"the model cannot be run on these inputs: {error}") from error


def _check_state(model: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    import torch

    saved = model.state_dict().items()  # which may hold a module's own extra state
    ours = {name: tuple(value.shape) for name, value in saved if isinstance(value, torch.Tensor)}
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
    names = [name for name, _ in model.named_parameters() if name in state]
    return (state[name] for name in dict.fromkeys([*names, *state]))


def _input_tensors(inputs: Inputs) -> Tensors:
    if isinstance(inputs, Mapping):
        return {name: _tensor(array) for name, array in inputs.items()}
    return _tensor(inputs)


def _state_tensors(
    model: nn.Module, state: State, bfloat16: Collection[str]
) -> dict[str, torch.Tensor]:
    """A state's tensors as the model calls them, which may be compiled in part."""
    import torch

    own = {plain_name(name): name for name in model.state_dict()}
    tensors = {}
    for name, array in state.items():
        tensor = _tensor(array)
        tensors[own.get(name, name)] = tensor.to(torch.bfloat16) if name in bfloat16 else tensor
    return tensors


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
def _hooked(module: nn.Module, hook: Any) -> Iterator[None]:
    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@contextlib.contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, for a while; every submodule gets its own mode back."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


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


def _uncompiled(model: nn.Module) -> contextlib.AbstractContextManager[object]:
    """Whatever parts of the model are compiled run as they were written: hooks are not compiled."""
    import torch

    compiled = any(
        COMPILED in module._modules or getattr(module, "_compiled_call_impl", None) is not None
        for module in model.modules()
    )
    if not compiled or not hasattr(torch.compiler, "set_stance"):  # torch 2.6 and later
        return contextlib.nullcontext()
    eager: contextlib.AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
    return eager
