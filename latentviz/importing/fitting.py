"""Checkpoints and models: loading one into the other, or holding it without a model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError, OptionError
from ..modules.layers import plain_model
from ..modules.twin import state_slots
from ..text import printable
from .reading import EXTRA

if TYPE_CHECKING:
    import torch
    from torch import nn

Tensors = Mapping[str, "torch.Tensor"]
DIGEST_BYTES = 16


class Forms:
    """The names, shapes and dtypes of the first checkpoint, which all others must have."""

    def __init__(self) -> None:
        self._first: Path | None = None
        self._forms: dict[str, tuple[tuple[int, ...], str]] = {}

    def check(self, path: Path, tensors: Tensors) -> None:
        """Refuse a checkpoint that differs from the first.

        Raises:
            OptionError: It does, and in which tensor.
        """
        forms = {
            name: (tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
            for name, tensor in tensors.items()
        }
        if self._first is None:
            self._first, self._forms = path, forms
        if forms == self._forms:
            return
        for name in sorted(forms.keys() | self._forms.keys()):
            ours, theirs = forms.get(name), self._forms.get(name)
            if ours != theirs:
                raise OptionError(
                    f"{path}: tensor {printable(name)!r} is {_form_in_words(ours)}, and "
                    f"{_form_in_words(theirs)} in {self._first}; import checkpoints of one model"
                )


def _form_in_words(form: tuple[tuple[int, ...], str] | None) -> str:
    return "missing" if form is None else f"{form[0]} {form[1]}"


def holder_of() -> nn.Module:
    """A module that holds any tensors under their names; see `hold`. It cannot be run."""
    from torch import nn

    return nn.Module()


def hold(holder: nn.Module, tensors: Tensors) -> None:
    """Have a module of `holder_of` hold these tensors, and no others."""
    # Not by `register_buffer`, which takes no names with dots; a tree of modules would not take a
    # tensor `a` beside one `a.b`.
    holder._buffers.clear()
    holder._buffers.update(tensors)


def load(model: nn.Module, tensors: Tensors, path: Path) -> None:
    """Give a model the state of a checkpoint, all of it.

    Args:
        model: The model.
        tensors: By name; what a wrapper has put before all names is taken off.
        path: The checkpoint, for the error.

    Raises:
        ModelError: It is not this model's.
    """
    plain = plain_model(model)
    slots = {name: slots[key] for slots, key, name in state_slots(plain)}
    state = dict(unwrapped(tensors, slots))
    for name, tensor in slots.items():
        if name not in state and (tied := _tied(tensor, slots, state)) is not None:
            state[name] = state[tied]  # what is tied may be saved once
    try:
        missing, unexpected = plain.load_state_dict(state, strict=False)
    except Exception as error:  # torch says it in several lines, a model's own hooks in any
        raise ModelError(
            f"{path} does not fit the model: {_mismatch(error, slots, state)}"
        ) from None
    lacking = [name for name in missing if name.rpartition(".")[2] != EXTRA]
    for names, words in ((lacking, "lacks"), (unexpected, "has, and the model lacks,")):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise ModelError(
                f"{path} does not fit the model: it {words} tensor {printable(names[0])!r}{more}"
            )


def unwrapped(tensors: Tensors, names: Iterable[str]) -> Tensors:
    """Tensors by the names that a model has for them.

    Args:
        tensors: By the names of a checkpoint, which DistributedDataParallel begins with
            ``module.``, and Lightning with the name of the model in its own.
        names: The model's.
    """
    own = set(names)
    found = dict(tensors)
    while not own & found.keys():
        starts = {name.partition(".")[0] for name in found}
        if len(starts) != 1 or "" in (rest := {name.partition(".")[2] for name in found}):
            return tensors
        if len(rest) != len(found):
            return tensors
        found = {name.partition(".")[2]: tensor for name, tensor in found.items()}
    return found


def _tied(tensor: torch.Tensor, slots: Tensors, state: Tensors) -> str | None:
    """Another name of the model's for the same tensor, which the checkpoint has."""
    return next((name for name, other in slots.items() if other is tensor and name in state), None)


def _mismatch(error: Exception, slots: Tensors, state: Tensors) -> str:
    for name in sorted(slots.keys() & state.keys()):
        ours, theirs = tuple(slots[name].shape), tuple(state[name].shape)
        if ours != theirs:
            return f"tensor {printable(name)!r} is {theirs}, and {ours} in the model"
    return printable(" ".join(str(error).split()), 500)


def digest(tensors: Tensors) -> bytes:
    """A hash of tensors: of their names, shapes, dtypes and bytes."""
    import torch

    found = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name}\n{tuple(tensor.shape)} {tensor.dtype}\n".encode(errors="replace"))
        # Bytes, whatever they are the bits of: NumPy has no bfloat16.
        plain = tensor.resolve_conj().resolve_neg().contiguous().reshape(-1)
        found.update(plain.view(torch.uint8).numpy().data)
    return found.digest()
