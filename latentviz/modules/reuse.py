"""What copies of one model have in common: their tensors' memory, and what modules are made of."""

from __future__ import annotations

import types
import weakref
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import attrgetter, is_, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch
    from torch import nn

# What cannot be changed, or is of the program and not of the model.
SHARED = (
    type(None), bool, int, float, complex, str, bytes, range, slice, type(...), type,
    types.ModuleType, types.BuiltinFunctionType, types.CodeType, weakref.ref, property,
)  # fmt: skip
SHARED_KINDS = frozenset(SHARED)

HOOKS = (
    "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks",
    "_state_dict_hooks", "_state_dict_pre_hooks", "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)  # fmt: skip
HOOK_FLAGS = (
    "_forward_hooks_with_kwargs", "_forward_hooks_always_called", "_forward_pre_hooks_with_kwargs",
)  # fmt: skip
PARTS = ("_parameters", "_buffers", "_modules")
_OF_EVERY_MODULE = frozenset(
    (*HOOKS, *HOOK_FLAGS, *PARTS, "training", "_non_persistent_buffers_set",
     "_is_full_backward_hook", "_compiled_call_impl")
)  # fmt: skip
# Lightning's trainer, which a module may ask for the epoch, and which holds all else there is.
_SURROUNDINGS = frozenset({"_trainer", "_fabric"})

_ATTRIBUTES = attrgetter("__dict__")

Form = tuple[Any, ...]  # a tensor's shape, strides, dtype and device
Forms = tuple[list[Any], ...]  # the same of many


class Mirror(NamedTuple):
    """A tensor, and its copy, whose memory serves again."""

    tensor: torch.Tensor  # itself, lest another gets its id
    form: Form
    copy: torch.Tensor
    memory: torch.Tensor  # the copy's: what has run may have made it another view, or of other


class Mirrors(NamedTuple):
    """Those of all tensors of a model, to be compared at once."""

    n_modules: int
    by_id: dict[int, Mirror]
    copy_by_id: dict[int, torch.Tensor]
    tensors: list[torch.Tensor]
    copies: list[torch.Tensor]
    memories: list[torch.Tensor]
    forms: Forms


class Pattern(NamedTuple):
    """What a module held when it was copied, and what its copies hold, but for its parts."""

    module: nn.Module  # itself, lest another gets its id
    kind: type
    prepares: bool  # whether its modes are more than a flag
    is_special: bool  # not copied as others are
    n_held: int
    own: Callable[[dict[str, Any]], tuple[Any, ...]]  # gives what not every module has
    values: tuple[Any, ...]  # what it gave, but for what is copied each time, which comes last
    held: dict[str, Any]
    anew: tuple[str, ...]  # the attributes that are copied each time


class Earlier:
    """What is kept of one copy for the next."""

    def __init__(self, no_hooks: Mapping[str, OrderedDict[int, Any]] | None = None) -> None:
        self.mirrors: dict[int, Mirror] = {}
        self.together: Mirrors | None = None
        self.patterns: dict[int, Pattern] = {}
        # Those of all copies of modules, but for the hooks by which torch makes weights.
        self.no_hooks = no_hooks or {name: OrderedDict() for name in (*HOOKS, *HOOK_FLAGS)}

    def begun(self) -> Earlier:
        """What the next copy adds to; all patterns are worth no more if any hooks were left."""
        if any(self.no_hooks.values()):
            self.patterns = {}
            return Earlier()
        return Earlier(self.no_hooks)


def mirror_of(tensor: torch.Tensor) -> Mirror:
    """Memory for a tensor's copy, in which nothing is as yet."""
    import torch
    from torch import nn

    memory = torch.empty_like(tensor, requires_grad=False)
    copy = memory.detach()
    if isinstance(tensor, nn.Parameter):
        copy = nn.Parameter(copy, requires_grad=tensor.requires_grad)
    return Mirror(tensor, _form(tensor), copy, memory)


def serves(mirror: Mirror, tensor: torch.Tensor) -> bool:
    """Whether a mirror is still what is needed for a tensor; most are."""
    known, form, copy, memory = mirror
    return (
        known is tensor
        and _form(tensor) == form
        and copy.dtype is memory.dtype
        and copy.is_set_to(memory)
        and not tensor.__dict__
        and not copy.__dict__
    )


def together_of(modules: Collection[nn.Module], mirrors: Mapping[int, Mirror]) -> Mirrors | None:
    """The mirrors of all tensors of these modules; None if some have none."""
    slots = [slots for module in modules for slots in (module._parameters, module._buffers)]
    ids = [id(tensor) for held in slots for tensor in held.values() if tensor is not None]
    if not all(i in mirrors for i in ids):
        return None
    by_id = {i: mirrors[i] for i in ids}
    tensors = [mirror.tensor for mirror in by_id.values()]
    copies = [mirror.copy for mirror in by_id.values()]
    memories = [mirror.memory for mirror in by_id.values()]
    copy_by_id = dict(zip(by_id, copies, strict=True))
    return Mirrors(len(modules), by_id, copy_by_id, tensors, copies, memories, _forms(tensors))


def all_serve(mirrors: Mirrors) -> bool:
    """As `serves`, of all the tensors of a model."""
    import torch

    tensors, copies, forms = mirrors.tensors, mirrors.copies, mirrors.forms
    return (
        _forms(tensors) == forms
        and [tensor.dtype for tensor in copies] == forms[2]
        and all(map(torch.Tensor.is_set_to, copies, mirrors.memories))
        and not any(map(_ATTRIBUTES, tensors))
        and not any(map(_ATTRIBUTES, copies))
    )


def _form(tensor: torch.Tensor) -> Form:
    return tensor.size(), tensor.stride(), tensor.dtype, tensor.device


def _forms(tensors: Collection[torch.Tensor]) -> Forms:
    import torch

    return (
        list(map(torch.Tensor.size, tensors)),
        list(map(torch.Tensor.stride, tensors)),
        [tensor.dtype for tensor in tensors],
        [tensor.device for tensor in tensors],
    )


def fits(pattern: Pattern, module: nn.Module) -> bool:
    """Whether a module holds just what it held, what every module has or is copied anew apart."""
    known, kind, _, _, n_held, own, values, _, _ = pattern
    held = module.__dict__
    if known is not module or type(module) is not kind or len(held) != n_held:
        return False
    try:
        return all(map(is_, own(held), values))
    except KeyError:
        return False


def pattern_of(
    module: nn.Module, no_hooks: Mapping[str, Any], *, prepares: bool, is_special: bool
) -> Pattern:
    """How a module is to be copied as long as it holds the same.

    Args:
        module: The module.
        no_hooks: What its copies hold in place of hooks.
        prepares: Whether its modes are more than a flag.
        is_special: Whether it is not copied as others are.
    """
    theirs = module.__dict__
    held = {**theirs, **no_hooks}
    held.pop("_compiled_call_impl", None)
    names = [name for name in held if name not in _OF_EVERY_MODULE]
    shared = [name for name in names if name in _SURROUNDINGS or _is_shared(held[name])]
    shared += ["training"] if "training" in held else []
    anew = tuple(set(names).difference(shared))
    held.update(dict.fromkeys(anew))  # lest what the training may drop is kept here
    if "_trainer" in held:  # what a copy logs is no news
        held["log"] = held["log_dict"] = _nothing
    return Pattern(
        module, type(module), prepares, is_special, len(theirs), _getter((*shared, *anew)),
        tuple(theirs[name] for name in shared), held, anew,
    )  # fmt: skip


def _getter(names: Sequence[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """Gives a dictionary's values by those names, and costs little."""
    if not names:
        return lambda held: ()
    return itemgetter(*names, names[-1])  # of a single name it would make no tuple


def _is_shared(value: Any) -> bool:
    """Whether a copy of a module may hold the very same, without a look within."""
    kind = type(value)
    if kind is tuple:
        return all(type(item) in SHARED_KINDS for item in value)
    if kind is types.FunctionType:
        return not value.__closure__ and not hasattr(value, "_torchdynamo_orig_callable")
    return kind in SHARED_KINDS


def _nothing(*args: object, **options: object) -> None:
    return None
