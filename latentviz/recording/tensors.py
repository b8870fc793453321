"""What is given to the recorder as tensors or arrays, made NumPy's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..archive import format as f
from ..arrays import numbers_of
from ..errors import LatentvizError, OptionError
from ..text import printable

if TYPE_CHECKING:
    import torch

    Array = torch.Tensor | ArrayLike
    Arrays = Array | Mapping[str, Array]

Form = tuple[tuple[int, ...], str]  # shape and dtype


class Forms:
    """The shape and dtype that each thing has at first, and must keep.

    Members of an archive are arrays over steps, so a step's must all look alike.
    """

    def __init__(self) -> None:
        self._first: dict[str, Form] = {}

    def check(self, what: str, shape: tuple[int, ...], dtype: str) -> None:
        """Refuse another form than the first.

        Raises:
            OptionError: It is another.
        """
        first = self._first.setdefault(what, (shape, dtype))
        if first != (shape, dtype):
            raise OptionError(
                f"{what} was {first[0]} {first[1]} and is now {shape} {dtype}; shapes and dtypes "
                "must stay the same while recorded"
            )


def as_tensor(value: Array, what: str) -> torch.Tensor:
    """A tensor of what was given.

    Args:
        value: A tensor, an array, or numbers.
        what: What it is, for the error.

    Raises:
        OptionError: It is neither a tensor nor numbers.
    """
    import torch

    if isinstance(value, torch.Tensor):
        _check_is_there(value, what)
        return value
    if isinstance(value, tuple | list) and any(
        isinstance(v, torch.Tensor) and v.ndim for v in value
    ):
        raise OptionError(
            f"{what}: expected one tensor, got a {type(value).__name__} of them; give several "
            "inputs by name, such as {'points': points, 'mask': mask}, or make them one by "
            "torch.stack"
        )
    array = numbers_of(what, value)
    try:
        return torch.as_tensor(np.array(array))  # a copy: torch takes no negative strides
    except TypeError:
        raise OptionError(f"{what}: arrays of {array.dtype} cannot be recorded") from None


def as_array(value: Array, kind: str, name: str = "") -> NDArray[Any]:
    """An array of what was given, in the same memory where that can be.

    Args:
        value: A tensor, an array, or numbers.
        kind: What it is, for the error; and
        name: its name, if it has one.
    """
    try:  # the shortest way, which most tensors can go
        return value.numpy()  # type: ignore[union-attr]  # what has none is caught
    except (AttributeError, RuntimeError, TypeError):
        return to_numpy(as_tensor(value, f"{kind} {name!r}" if name else kind))


def dtype_name(tensor: torch.Tensor) -> str:
    """The dtype, such as ``float32``."""
    return str(tensor.dtype).removeprefix("torch.")


def tensor_called(name: str) -> str:
    """What a message calls a tensor of the state."""
    return f"tensor {name!r}"


def check_storable(tensor: torch.Tensor, name: str) -> None:
    """Refuse what an archive cannot hold.

    Raises:
        OptionError: The tensor's dtype, or how it is laid out, is such.
    """
    import torch

    _check_is_there(tensor, tensor_called(name))
    try:
        _check_is_dense(tensor)
        f.npy_header(memory_of(torch.empty(0, dtype=tensor.dtype, layout=tensor.layout)).dtype, ())
    except LatentvizError as error:
        raise OptionError(f"{tensor_called(name)}: {error}, or leave it out with states=") from None


def is_at_hand(tensor: torch.Tensor) -> bool:
    """Whether a tensor's values lie in the CPU's memory, as they are."""
    return tensor.device.type == "cpu" and not tensor.is_neg()  # which is yet to be done


def memory_of(tensor: torch.Tensor) -> NDArray[Any]:
    """A tensor's own memory, if it is the CPU's; bfloat16, which NumPy lacks, as its bits."""
    import torch

    tensor = tensor.detach().cpu()
    if tensor.dtype is torch.bfloat16:
        bits: NDArray[Any] = tensor.view(torch.int16).numpy().view(np.uint16)
        return bits
    return to_numpy(tensor)


def to_numpy(tensor: torch.Tensor) -> NDArray[Any]:
    """A tensor's values; bfloat16's as float32, which holds them exactly."""
    # Each call costs microseconds, at every step: none that is not needed.
    if tensor.requires_grad:
        tensor = tensor.detach()
    if not tensor.is_cpu:
        tensor = tensor.cpu()
    try:
        return np.asarray(tensor.numpy())
    except (TypeError, RuntimeError):
        return _to_numpy_at_last(tensor)


def _to_numpy_at_last(tensor: torch.Tensor) -> NDArray[Any]:
    """What NumPy does not take as it is.

    Raises:
        OptionError: It cannot be recorded.
    """
    import torch

    _check_is_dense(tensor)
    if tensor.dtype is torch.bfloat16:
        return np.asarray(tensor.float().numpy())
    try:
        # A view that is yet to be conjugated or negated, as z.conj().imag is.
        return np.asarray(tensor.resolve_conj().resolve_neg().numpy())
    except (TypeError, RuntimeError):
        raise OptionError(
            f"tensors of {tensor.dtype} cannot be recorded; convert them to float32 first"
        ) from None


def _check_is_dense(tensor: torch.Tensor) -> None:
    import torch

    if tensor.layout is not torch.strided:
        kind = str(tensor.layout).removeprefix("torch.")
        raise OptionError(f"{kind} tensors cannot be recorded; make them dense by to_dense() first")


def _check_is_there(tensor: torch.Tensor, what: str) -> None:
    if tensor.is_meta:
        raise OptionError(
            f"{what} is on the meta device, where tensors have no values; make it, and the model, "
            "on a real one first (to_empty)"
        )


def in_brief(value: object) -> str:
    """What a message says that it got."""
    shape = getattr(value, "shape", None)
    return printable(repr(value), 40) if shape is None else f"an array of shape {tuple(shape)}"
