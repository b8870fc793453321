"""The tensors of a model's state, as each step finds them."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ..archive import schema as s
from ..errors import ModelError, OptionError
from ..modules.twin import state_slots
from .chunks import Chunk, View
from .tensors import (
    Forms,
    check_storable,
    dtype_name,
    in_brief,
    is_at_hand,
    memory_of,
    tensor_called,
)

if TYPE_CHECKING:
    import torch
    from torch import nn

Slot = tuple[dict[str, Any], str]  # a module's tensors, and the name of one of them

# A tensor's slot, its name, itself, its address, its strides, its length, where it is copied, and
# its memory as an array.
AtHand = tuple[dict[str, Any], str, str, Any, int, tuple[int, ...], int, NDArray[Any], NDArray[Any]]

# A module's submodules, and a copy that tells when one is added, removed or replaced.
_Children = tuple[dict[str, Any], dict[str, Any]]

ALL = ["*"]  # the patterns of all names


class States:
    """The tensors of a model that are recorded, and where they are found at each step."""

    def __init__(self, model: nn.Module, patterns: Sequence[str], forms: Forms) -> None:
        """Find them.

        Args:
            model: The plain model.
            patterns: Those of the tensors' names; `ALL` for all.
            forms: What the recorder's things are like.

        Raises:
            ModelError: The model is not yet made whole.
            ArchiveError: A name is not one that can be recorded.
            OptionError: A pattern matches none, or a tensor cannot be recorded.
        """
        slots = list(_state_slots(model))
        _check_patterns(slots, patterns)
        self.patterns = patterns
        self._model, self._forms = model, forms
        self._slots = _chosen(slots, patterns)
        self._children = _children(model)
        self.are_whole = len(self._slots) == len(slots)
        # Shapes are those at the first step: an observer's come with the first batch.
        self._dtypes: dict[str, str] = {}
        self._mirrors: dict[str, torch.Tensor] = {}  # of the tensors that live on an accelerator
        for (owner, key), name in self._slots:
            tensor = owner[key]
            check_storable(tensor, name)
            self._dtypes[name] = dtype_name(tensor)

    @property
    def n_bytes(self) -> int:
        """What a step's take."""
        return sum(owner[key].nbytes for (owner, key), _ in self._slots)

    @property
    def forms(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Each tensor's shape, and its dtype."""
        return {
            name: (tuple(owner[key].shape), self._dtypes[name])
            for (owner, key), name in self._slots
        }

    @property
    def bfloat16(self) -> list[str]:
        """Which are stored as their bits."""
        return [name for name, dtype in self._dtypes.items() if dtype == "bfloat16"]

    def add(self, chunk: Chunk, k: int) -> None:
        """Copy them to a chunk's row.

        Raises:
            OptionError: The model has other tensors than at first.
        """
        for modules, before in self._children:
            if modules != before:
                self.find_anew()
                break
        try:
            self._copy(chunk, k)
        except (AttributeError, KeyError):  # a tensor is gone, or None
            self.find_anew()
            self._copy(chunk, k)

    def now(self) -> dict[str, NDArray[Any]]:
        """Their values, in memory that may be the tensors' own."""
        return {name: memory_of(slots[key]) for (slots, key), name in self._slots}

    def _copy(self, chunk: Chunk, k: int) -> None:
        if chunk.slots is not self._slots:  # the first time in this chunk, or found anew
            chunk.at_hand, chunk.mirrored = {}, {}
            chunk.slots = self._slots
            for (slots, key), name in self._slots:
                self._add_view(chunk, (slots, key), name)
        if self._mirrors:
            self._copy_to_mirrors()
        for slots, key, name, known, address, strides, n, buffer, array in chunk.at_hand.values():
            tensor = slots[key]
            if (
                tensor is known
                and tensor.data_ptr() == address
                and tensor.stride() == strides
                and tensor.numel() == n
            ):
                buffer[k] = array
            else:  # its storage was replaced, or is seen otherwise
                view = self._add_view(chunk, (slots, key), name)
                view.buffer[k] = view.array
        for buffer, array in chunk.mirrored.values():
            buffer[k] = array

    def find_anew(self) -> None:
        """Go on with a model whose modules were replaced by such as have tensors alike.

        Raises:
            OptionError: Its tensors are others now.
        """
        slots = _chosen(list(_state_slots(self._model)), self.patterns)
        before, now = (
            {tensor_called(name) for _, name in self._slots},
            {tensor_called(name) for _, name in slots},
        )
        if before != now:
            changes = [
                f"{', '.join(sorted(names))} {what}"
                for names, what in ((before - now, "removed"), (now - before, "added"))
                if names
            ]
            raise OptionError(
                f"the model has other tensors than at first: {'; '.join(changes)}; "
                "close() this recording and begin another"
            )
        for (owner, key), name in slots:
            tensor = owner[key]
            self._check(name, tensor)
        self._slots, self._children = slots, _children(self._model)

    def _add_view(self, chunk: Chunk, slot: Slot, name: str) -> View:
        slots, key = slot
        tensor = slots[key]
        self._check(name, tensor)
        lies_at_hand = is_at_hand(tensor)
        array = memory_of(tensor if lies_at_hand else self._mirror(name, tensor))
        if (old := chunk.views.get(name)) is not None:
            buffer = old.buffer
        else:
            buffer = chunk.buffer((s.STATES, name), chunk.rows, array.shape, array.dtype)
            chunk.step_bytes += array.nbytes
        view = chunk.views[name] = View(array, buffer)
        if lies_at_hand:
            place = (tensor.data_ptr(), tensor.stride(), tensor.numel())
            chunk.at_hand[name] = (slots, key, name, tensor, *place, buffer, array)
        else:
            chunk.mirrored[name] = (buffer, array)
        return view

    def _mirror(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        """A copy in the CPU's memory of a tensor on an accelerator, which each step renews."""
        import torch

        mirror = self._mirrors.get(name)
        if mirror is None:
            # From pinned memory the accelerator copies by itself, all tensors in one go.
            pinned = tensor.device.type == "cuda"
            mirror = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=pinned)
            self._mirrors[name] = mirror.copy_(tensor.detach())
        return mirror

    def _copy_to_mirrors(self) -> None:
        """Copy all tensors that live on accelerators; done when it returns, before the update."""
        import torch

        devices = set()
        for (slots, key), name in self._slots:
            tensor, mirror = slots[key].detach(), self._mirrors.get(name)
            if mirror is None:  # at hand
                continue
            if tensor.shape != mirror.shape or tensor.dtype != mirror.dtype:
                self._check(name, tensor)
            on_cuda = tensor.device.type == "cuda"
            mirror.copy_(tensor, non_blocking=on_cuda)
            if on_cuda:
                devices.add(tensor.device)
        for device in devices:
            torch.cuda.current_stream(device).synchronize()

    def _check(self, name: str, tensor: torch.Tensor) -> None:
        """Refuse another shape than at the first step, or another dtype than the header says."""
        what, shape, dtype = tensor_called(name), tuple(tensor.shape), dtype_name(tensor)
        if dtype != (first := self._dtypes[name]):
            self._forms.check(what, shape, first)
        self._forms.check(what, shape, dtype)


def state_patterns(states: str | Sequence[str]) -> list[str]:
    """The patterns of the names of the tensors to record.

    Raises:
        OptionError: ``states`` is none of ``"all"``, ``"none"`` and patterns.
    """
    if states == "all":
        return ALL
    if states == "none":
        return []
    patterns = [states] if isinstance(states, str) else states
    if (
        not isinstance(patterns, Sequence)
        or not patterns
        or not all(isinstance(pattern, str) for pattern in patterns)
    ):
        raise OptionError(
            f'states must be "auto", "all", "none", or patterns of tensors\' names, '
            f"got {in_brief(states)}"
        )
    return list(patterns)


def _state_slots(model: nn.Module) -> Iterator[tuple[Slot, str]]:
    """Where each tensor of the state lives: its module's dictionary and key; and its name.

    Looking a tensor up there costs far less than ``state_dict()`` and sees replaced tensors too.

    Raises:
        ModelError: The model is not yet made whole.
        ArchiveError: A name is not one that can be recorded.
    """
    from torch.nn.parameter import is_lazy

    for slots, key, name in state_slots(model):
        if is_lazy(slots[key]):
            raise ModelError(
                f"{tensor_called(name)} has no shape before the first batch (a lazy module); run "
                "a batch through the model first"
            )
        s.check_name(name, s.state_member(0, name))
        yield (slots, key), name


def _children(model: nn.Module) -> list[_Children]:
    """The submodules, as they are held; modules are equal only if they are the same."""
    held = [module._modules for module in model.modules()]
    return [(modules, dict(modules)) for modules in held if modules]


def _check_patterns(slots: Sequence[tuple[Slot, str]], patterns: Sequence[str]) -> None:
    """Refuse a pattern that matches no tensor, unless there is none at all.

    Raises:
        OptionError: There is one.
    """
    for pattern in patterns if patterns != ALL else []:
        if not fnmatch.filter([name for _, name in slots], pattern):
            names = ", ".join(name for _, name in slots) or "none"
            raise OptionError(f"states: no tensor matches {pattern!r}; the model's are: {names}")


def _chosen(slots: Sequence[tuple[Slot, str]], patterns: Sequence[str]) -> list[tuple[Slot, str]]:
    """The tensors whose names match any of the patterns."""
    return [(slot, name) for slot, name in slots if is_called(name, patterns)]


def is_called(name: str, patterns: Sequence[str]) -> bool:
    """Whether a tensor's name matches any of the patterns."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
