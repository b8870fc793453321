"""From states to latents: a model run with recorded states, many steps at once."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import ModelError

if TYPE_CHECKING:
    import torch
    from torch import nn

State = Mapping[str, NDArray[Any]]

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


def named_layer(model: nn.Module, layer: str) -> nn.Module:
    """The submodule of that name.

    Raises:
        ModelError: There is none.
    """
    modules: dict[str, nn.Module] = dict(model.named_modules())
    if layer not in modules or not layer:
        names = ", ".join(name for name in modules if name) or "none"
        raise ModelError(f"the model has no layer {layer!r}; its layers are: {names}")
    return modules[layer]


def layer_outputs(model: nn.Module, layer: str, inputs: torch.Tensor) -> torch.Tensor:
    """The latents (N, D) of ``inputs``: the output of ``layer``, in evaluation mode.

    The model is left in the modes in which it was found.

    Raises:
        ModelError: The layer is not reached, or its output is not a tensor of latents.
    """
    import torch

    with _evaluating(model), torch.no_grad():
        tensors = itertools.chain(model.parameters(), model.buffers())
        first = next(tensors, inputs)
        x = _as_input(inputs.to(first.device), model.parameters())
        target = named_layer(model, layer)
        latents: torch.Tensor = _run(lambda _: _reach(model, target, {}, x), {})
        return latents


def evaluate_latents(
    model: nn.Module, layer: str, states: State, inputs: NDArray[Any]
) -> NDArray[np.float32]:
    """Latents of many states at once.

    Args:
        model: The model; its own state is not touched.
        layer: The layer whose output is the latent.
        states: Each tensor of the state over K steps, (K, ...).
        inputs: (N, ...).

    Returns:
        (K, N, D) float32.

    Raises:
        ModelError: The states do not fit the model, or the model cannot be run.
    """
    import torch

    target = named_layer(model, layer)
    tensors = {name: _tensor(array) for name, array in states.items()}
    x = _as_input(_tensor(inputs), tensors.values())

    def latents(state: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return _reach(model, target, state, x)

    n_steps = len(next(iter(tensors.values())))
    with _evaluating(model), torch.no_grad(), _one_thread():
        _check_state(model, {name: tensor[0] for name, tensor in tensors.items()})
        try:
            out = torch.func.vmap(latents, randomness="same")(tensors)
        except ModelError:
            raise
        except Exception:  # vmap refuses what depends on the data; a loop never does
            rows = [{name: t[k] for name, t in tensors.items()} for k in range(n_steps)]
            out = torch.stack([_run(latents, row) for row in rows])
    return np.ascontiguousarray(out.float().numpy())


def evaluate(model: nn.Module, layer: str, state: State, inputs: NDArray[Any]) -> Evaluation:
    """Outputs and latents of ``inputs`` (N, ...) under one state.

    Raises:
        ModelError: The state does not fit the model, or the model cannot be run on the inputs.
    """
    import torch
    from torch.func import functional_call

    target = named_layer(model, layer)
    tensors = {name: _tensor(array) for name, array in state.items()}
    x = _as_input(_tensor(inputs), tensors.values())
    captured: list[torch.Tensor] = []

    def keep(module: nn.Module, args: object, output: object) -> None:
        if not captured:
            captured.append(_latent_matrix(output))

    def forward(state: Mapping[str, torch.Tensor]) -> torch.Tensor:
        with _hooked(target, keep):
            out: torch.Tensor = functional_call(model, dict(state), (x,), tie_weights=False)
        return out

    with _evaluating(model), torch.no_grad(), _one_thread():
        _check_state(model, tensors)
        outputs = _run(forward, tensors)
    if not captured:
        raise ModelError(f"layer {layer!r} is not used when the model is run")
    if not isinstance(outputs, torch.Tensor):
        raise ModelError(f"the model's output must be a tensor, got {type(outputs).__name__}")
    return Evaluation(outputs.numpy(), captured[0].numpy())


def _reach(
    model: nn.Module, target: nn.Module, state: Mapping[str, torch.Tensor], inputs: torch.Tensor
) -> torch.Tensor:
    """Run the model as far as the first output of ``target``, and no further."""
    import torch

    captured: list[torch.Tensor] = []

    def stop(module: nn.Module, args: object, output: object) -> None:
        captured.append(_latent_matrix(output))
        raise _LayerReached

    with _hooked(target, stop), contextlib.suppress(_LayerReached):
        if state:
            torch.func.functional_call(model, dict(state), (inputs,), tie_weights=False)
        else:
            model(inputs)
    if not captured:
        raise ModelError("the latent layer is not used when the model is run")
    return captured[0]


def _latent_matrix(output: object) -> torch.Tensor:
    import torch

    if not isinstance(output, torch.Tensor) or output.ndim < 2:
        got = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise ModelError(f"a latent layer's output must be a tensor (N, ...), got {got}")
    return output.flatten(1)


def _run(forward: Any, state: Mapping[str, torch.Tensor]) -> Any:
    try:
        return forward(state)
    except ModelError:
        raise
    except Exception as error:  # whatever a user's model raises
        raise ModelError(f"the model cannot be run on these inputs: {error}") from error


def _check_state(model: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    ours = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
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


def _as_input(inputs: torch.Tensor, state: Iterable[torch.Tensor]) -> torch.Tensor:
    """Floats in the model's own precision: NumPy's are double unless told otherwise."""
    if not inputs.is_floating_point():
        return inputs
    return inputs.to(next((t.dtype for t in state if t.is_floating_point()), inputs.dtype))


def _tensor(array: NDArray[Any]) -> torch.Tensor:
    import torch

    # An archive's arrays are read-only, which torch warns of; a copy is cheap and aligned.
    return torch.from_numpy(np.array(array))


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
