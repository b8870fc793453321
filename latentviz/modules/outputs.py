"""What of a layer's output is the latent: which tensor in it, and how tokens become points."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..errors import ModelError
from ..text import counted, printable

if TYPE_CHECKING:
    import torch

    # What a model is called with: one tensor, or tensors by the names of its arguments.
    Tensors = torch.Tensor | Mapping[str, torch.Tensor]

# Arguments that say which tokens are there, (N, S), and whether True says so or that one is not.
MASKS = {"attention_mask": True, "src_key_padding_mask": False, "key_padding_mask": False}
POOLED = ("mean", "first", "last")  # one point for all tokens of a row of the probe
MAX_DEPTH = 8  # positions in a name, which may be a stranger's
LONGEST_LIST = 300  # characters of what an output consists of
_POSITION = re.compile(r"(.+):(-?\d{1,9})", re.DOTALL)


class UnfitOutput(ModelError):  # noqa: N818 - of an output, not of the run
    """A layer gives what cannot be the latent, as its model is now and will be."""


def spellings(layer: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """How a layer's name may be read: a module's, and positions in its output.

    Yields:
        The name as it is, without positions, first; then ever shorter ones.
    """
    positions: tuple[int, ...] = ()
    yield layer, positions
    while len(positions) < MAX_DEPTH and (found := _POSITION.fullmatch(layer)) is not None:
        layer, positions = found[1], (int(found[2]), *positions)
        yield layer, positions


def spelled(module: str, positions: Sequence[int]) -> str:
    """The layer's name that is read as this."""
    return ":".join([module, *map(str, positions)])


def n_rows(inputs: Tensors) -> int:
    """N of a model's inputs."""
    return len(next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs)


def latent_part(
    output: object,
    module: str,
    positions: Sequence[int],
    n_points: int,
    *,
    has_points_second: bool = False,
) -> torch.Tensor:
    """The tensor in a layer's output that holds the latents.

    Args:
        output: A tensor, or tuples, lists, mappings and dataclasses of such.
        module: The layer's own name, for errors.
        positions: Which item of the output, which item of that, and so on. In a tensor
            (M, N, ...), where the points come second, one of the M.
        n_points: N.
        has_points_second: Whether its tensors of three dimensions are known to be (M, N, ...); else
            they are where that is the only way.

    Returns:
        (N, D) or (N, ...): the first tensor, depth first, of what is at that position.

    Raises:
        UnfitOutput: There is none, or it has not a row for each point.
    """
    import torch

    def second(tensor: torch.Tensor) -> bool:
        """Whether the points are the second dimension."""
        is_it = has_points_second or len(tensor) != n_points
        return tensor.ndim >= 3 and tensor.shape[1] == n_points and is_it

    value = output
    for k, position in enumerate(positions):
        items: Sequence[object] | torch.Tensor | None = _items(value)
        if isinstance(value, torch.Tensor) and second(value):
            items = value
        if items is None or not -len(items) <= position < len(items):
            raise UnfitOutput(
                f"there is no layer {printable(spelled(module, positions))!r}: the output of "
                f"{printable(spelled(module, positions[:k]))!r} is {_consists(value)}"
            )
        value = items[position]
    found = _first_tensor(value, tuple(positions))
    if found is None:
        raise UnfitOutput(
            f"the output of layer {printable(spelled(module, positions))!r} must be a tensor "
            f"(N, D), or hold one, got {_consists(value)}; name a submodule that returns a tensor"
        )
    tensor, path = found
    shape, layer = tuple(tensor.shape), printable(spelled(module, positions))
    if tensor.ndim < 2:
        raise UnfitOutput(
            f"the output of layer {layer!r} must be (N, D) or (N, ...), got {shape}; name a layer "
            "before it, or keep a dimension of length 1"
        )
    if len(tensor) != n_points or second(tensor):
        way_out = "make it batch_first=True, or name a layer whose output has the points first"
        if second(tensor):
            first, last = (printable(spelled(module, (*path, m))) for m in (0, len(tensor) - 1))
            way_out = (
                "make it batch_first=True, or name a module around it that transposes what it "
                f"gives; or name one (a step of time, or one of a recurrent layer's last states): "
                f"{first!r}" + f" to {last!r}" * (first != last)
            )
        got = counted(len(tensor), "row") if len(tensor) != n_points else "the points second"
        raise UnfitOutput(
            f"the output of layer {layer!r} must have a row for each of the {n_points} points, got "
            f"{got}, {shape}; where time comes first, {way_out}"
        )
    return tensor


def first_tensor(output: object) -> torch.Tensor | None:
    """The first tensor of what a module gives, depth first; None if there is none."""
    found = _first_tensor(output, ())
    return None if found is None else found[0]


def latent_rows(
    part: torch.Tensor, layer: str, tokens: str | None, inputs: Tensors
) -> torch.Tensor:
    """The latents of what a layer gives.

    Args:
        part: (N, D), (N, S, D) of S tokens, or (N, ...), which is flattened.
        layer: The layer's name, for errors.
        tokens: How tokens become points, one of `archive.values.TOKENS`; None is
            ``"flatten"``.
        inputs: The model's, among which may be a mask.

    Returns:
        (N, D); of ``"each"`` a row for each token that is not masked, those of a row of
        the inputs after those of the row before.

    Raises:
        UnfitOutput: Tokens are expected, and there are none; or a mask leaves a row none.
    """
    import torch

    if part.ndim != 3:
        if tokens == "each":
            raise UnfitOutput(
                'tokens="each" makes a point of each token of an output (N, S, D), and that of '
                f"layer {printable(layer)!r} is {tuple(part.shape)}; leave tokens= out"
            )
        return part.flatten(1)
    N, S, _ = part.shape
    if tokens in (None, "flatten"):
        return part.flatten(1)
    if S == 0:
        raise UnfitOutput(
            f"the output of layer {printable(layer)!r} is {tuple(part.shape)}, without a token"
        )
    if tokens == "mean" and not (part.is_floating_point() or part.is_complex()):
        part = part.float()
    present = present_tokens(inputs, S)
    if present is not None:
        present = present.to(part.device)
    if tokens == "each":
        rows = part.flatten(0, 1)
        if present is None:
            return rows
        if not bool(present.any()):
            raise UnfitOutput("the mask leaves no token of any point")
        return rows[present.flatten().nonzero()[:, 0]]
    if present is None:
        pooled: torch.Tensor = part.mean(1) if tokens == "mean" else part[:, _END[tokens]]
        return pooled
    if not bool(present.any(1).all()):
        empty = int((~present.any(1)).nonzero()[0, 0])
        raise UnfitOutput(
            f"the mask leaves no token of point {empty}; give the points of the probe one at least"
        )
    if tokens == "mean":
        # Not by a product: what is masked may be NaN.
        return part.where(present[:, :, None], 0).sum(1) / present.sum(1, keepdim=True)
    if tokens == "first":
        return part[torch.arange(N, device=part.device), present.int().argmax(1)]
    last = S - 1 - present.flip(1).int().argmax(1)
    return part[torch.arange(N, device=part.device), last]


def present_tokens(inputs: Tensors, n_tokens: int) -> torch.Tensor | None:
    """Which tokens are not masked, (N, S) bool.

    Returns:
        None where no input has the name of a mask (`MASKS`), or none is (N, S): all are present.

    Raises:
        UnfitOutput: A mask holds other than 0 and 1.
    """
    import torch

    for name, is_present in MASKS.items():
        mask = inputs.get(name) if isinstance(inputs, Mapping) else None
        if mask is None or tuple(mask.shape) != (n_rows(inputs), n_tokens):
            continue
        said = mask != 0
        if mask.dtype is not torch.bool and not bool(((mask == 0) | (mask == 1)).all()):
            raise UnfitOutput(
                f"{name} must be 0 or 1 at each token, got other numbers: it cannot be told which "
                'tokens are there; tokens="flatten" takes them all'
            )
        return said if is_present else ~said
    return None


def flattened_unasked(layer: str, part: torch.Tensor) -> str | None:
    """A line on tokens that are laid side by side though nobody said so, if they are."""
    if part.ndim != 3 or part.shape[1] == 1:
        return None
    N, S, D = part.shape
    return (
        f"the output of layer {printable(layer)!r} is {(N, S, D)}: each point's {S} tokens are "
        f'laid side by side, {S * D} numbers; say what is to be drawn of them: tokens="mean", '
        '"first" or "last", "each" (a point for each token), or "flatten", which is what is done '
        "now, without this line"
    )


def unused_mask(inputs: Tensors, n_tokens: int) -> str | None:
    """A line on a mask that is not one of these tokens, if there is such a one."""
    if not isinstance(inputs, Mapping) or present_tokens(inputs, n_tokens) is not None:
        return None
    for name in MASKS:
        if name in inputs:
            return (
                f"{name} is {tuple(inputs[name].shape)} and not ({n_rows(inputs)}, {n_tokens}), "
                f"one for each of the layer's {n_tokens} tokens: none of them counts as masked"
            )
    return None


_END = {"first": 0, "last": -1}


def _items(value: object) -> list[object] | None:
    """What lies in a value, in its order; None if it is no container."""
    if isinstance(value, tuple | list):
        return list(value)
    if isinstance(value, Mapping):
        return list(value.values())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    return None


def _first_tensor(
    value: object, path: tuple[int, ...]
) -> tuple[torch.Tensor, tuple[int, ...]] | None:
    """The first tensor in a value, depth first, and where it lies."""
    import torch
    from torch.nn.utils.rnn import PackedSequence

    if isinstance(value, torch.Tensor):
        return value, path
    if isinstance(value, PackedSequence):
        raise UnfitOutput(
            "the layer's output is a packed sequence, whose rows are no points; name its last "
            "states, such as 'lstm:1:0:-1', or a module that pads it (pad_packed_sequence)"
        )
    for k, item in enumerate(_items(value) or ()):
        if (found := _first_tensor(item, (*path, k))) is not None:
            return found
    return None


def _consists(value: object) -> str:
    """What a value consists of, in brief: types, and the shapes of tensors."""
    return printable(_listed(value), LONGEST_LIST)


def _listed(value: object) -> str:
    import torch

    if isinstance(value, torch.Tensor):
        return f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    items = _items(value)
    name = "None" if value is None else type(value).__name__
    return name if items is None else f"{name}[{', '.join(map(_listed, items))}]"
