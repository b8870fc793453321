"""Copies of models, and of all that they hold, however it is held."""

from __future__ import annotations

import contextlib
import copy
import copyreg
import types
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..errors import LatentvizError, ModelError
from ..text import printable
from .reuse import (
    HOOK_FLAGS,
    HOOKS,
    PARTS,
    SHARED,
    SHARED_KINDS,
    Earlier,
    Pattern,
    all_serve,
    fits,
    mirror_of,
    pattern_of,
    serves,
    together_of,
)

if TYPE_CHECKING:
    import torch
    from torch import nn

COMPILED = "_orig_mod"  # what torch.compile calls the module that it wraps

_COMPILED_KIND = "OptimizedModule"  # to import it takes a second
_PARAMETRIZE = "torch.nn.utils.parametrize"
_LOCKS = frozenset({"lock", "RLock"})


class Copying:
    """One copy in the making; what was copied already is in the memo, as of `copy.deepcopy`."""

    def __init__(self, earlier: Earlier) -> None:
        """Copy nothing yet.

        Args:
            earlier: What was kept of the model's copy before, whose memory will be used.
        """
        self._earlier = earlier
        self.later = earlier.begun()  # what to keep of this one
        self.prepares = False  # whether the modes of what was copied are more than a flag
        self._memo: dict[int, Any] = {id(None): None}
        self._kept: list[Any] = []  # while its id stands for it in the memo
        self._sources: list[torch.Tensor] = []
        self._copies: list[torch.Tensor] = []
        self._where = "the model"

    def whole(self, model: nn.Module) -> nn.Module:
        """A copy of a model and all that it holds, in evaluation mode if that is but a flag.

        Args:
            model: The model.

        Raises:
            ModelError: It holds what cannot be copied.
        """
        import torch

        try:
            twin: nn.Module = self._module(model, whole=True)
            if self._sources:
                with torch.no_grad():
                    torch._foreach_copy_(self._copies, self._sources)
        except LatentvizError:
            raise
        except Exception as error:  # whatever a user's own objects raise
            raise ModelError(
                "the model cannot be copied, and only a copy of it is run, lest the training be "
                f"changed: {self._where}: {printable(str(error))}; give what cannot be copied a "
                "__deepcopy__, register the model, or record without a probe"
            ) from error
        return twin

    def of(self, value: Any) -> Any:
        """A copy of anything; the same, where it cannot be changed or is no part of the model."""
        import torch
        from torch import nn

        kind = type(value)
        if kind in SHARED_KINDS:
            return value
        known = self._memo.get(id(value))
        if known is not None:
            return known
        if isinstance(value, nn.Module):
            return self._module(value)
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if kind is list:
            new: Any = self._noted(value, [])
            new.extend(map(self.of, value))
            return new
        if kind is dict or kind is OrderedDict:
            new = self._noted(value, kind())
            for key, item in value.items():
                new[self.of(key)] = self.of(item)
            return new
        if kind in (tuple, set, frozenset):
            return self._noted(value, kind(map(self.of, value)))
        if kind is types.FunctionType:
            return self._function(value)
        if kind is types.MethodType:
            bound = types.MethodType(self.of(value.__func__), self.of(value.__self__))
            return self._noted(value, bound)
        return self._object(value)

    def _noted(self, value: Any, new: Any) -> Any:
        self._memo[id(value)] = new
        self._kept.append(value)
        return new

    def _module(self, model: nn.Module, *, whole: bool = False) -> Any:
        """A module and all that are part of it."""
        memo = self._memo
        found = [module for module in _modules(model) if id(module) not in memo]
        self._kept.append(found)
        plain: list[tuple[nn.Module, Any, Pattern]] = []
        for module in found:
            pattern = self._pattern(module)
            if whole and pattern.prepares:
                self.prepares = True
            if not pattern.is_special:
                shell: Any = object.__new__(pattern.kind)
                memo[id(module)] = shell
                plain.append((module, shell, pattern))
        self._tensors(found, whole=whole)
        for module in found if len(plain) < len(found) else ():
            if COMPILED in module._modules:
                self._noted(module, self.of(module._modules[COMPILED]))
            elif _kind(module).is_special:
                self._where = type(module).__name__
                own = self._noted(module, copy.deepcopy(module, self._memo))
                _strip(own)
        evaluating = whole and not self.prepares
        for module, shell, pattern in plain:
            held = self._held(module, pattern)
            if evaluating:
                held["training"] = False
            object.__setattr__(shell, "__dict__", held)  # nn.Module's own takes its time
        return memo[id(model)]

    def _held(self, module: nn.Module, pattern: Pattern) -> dict[str, Any]:
        """What a module's copy holds."""
        memo, theirs, held = self._memo, module.__dict__, pattern.held.copy()
        forward, before = theirs["_forward_hooks"], theirs["_forward_pre_hooks"]
        held["_forward_hooks"] = self._own_hooks(forward) if forward else OrderedDict()
        held["_forward_pre_hooks"] = self._own_hooks(before) if before else OrderedDict()
        if forward or before:
            held.update((name, OrderedDict(theirs[name])) for name in HOOK_FLAGS)
        for name in PARTS:
            parts = theirs[name]
            try:
                held[name] = {key: memo[id(part)] for key, part in parts.items()} if parts else {}
            except KeyError:  # a tensor that was not there before
                self.later.together = None
                held[name] = {key: self.of(part) for key, part in parts.items()}
        held["_non_persistent_buffers_set"] = set(theirs["_non_persistent_buffers_set"])
        for name in pattern.anew:
            self._where = f"{pattern.kind.__name__}.{name}"
            held[name] = self.of(theirs[name])
        return held

    def _pattern(self, module: nn.Module) -> Pattern:
        """How to copy a module: as the last time, if it holds the same."""
        pattern = self._earlier.patterns.get(id(module))
        if pattern is None or not fits(pattern, module):
            pattern = pattern_of(
                module,
                self.later.no_hooks,
                prepares=_prepares(module),
                is_special=_kind(module).is_special,
            )
        self.later.patterns[id(module)] = pattern
        return pattern

    def _own_hooks(self, hooks: Mapping[int, Any]) -> OrderedDict[int, Any]:
        return OrderedDict((i, self.of(hook)) for i, hook in hooks.items() if _is_torchs(hook))

    def _tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        known = self._memo.get(id(tensor))
        if known is not None:
            return known  # type: ignore[no-any-return]  # a tensor's copy
        if not _is_plain(tensor):
            own = tensor.detach().clone() if tensor.grad_fn else copy.deepcopy(tensor, self._memo)
            return self._noted(tensor, own)  # type: ignore[no-any-return]  # as above
        mirror = self._earlier.mirrors.get(id(tensor))
        if mirror is None or not serves(mirror, tensor):
            mirror = mirror_of(tensor)
            if tensor.__dict__:
                mirror.copy.__dict__.update(self.of(tensor.__dict__))
        self._kept.append(mirror)
        # Part of a graph, it would keep that; elsewhere, none can tell if a copy is another view.
        if tensor.grad_fn is None and (tensor.is_cpu or tensor.is_cuda):
            self.later.mirrors[id(tensor)] = mirror
        self._sources.append(tensor)
        self._copies.append(mirror.copy)
        self._memo[id(tensor)] = mirror.copy
        return mirror.copy

    def _tensors(self, modules: list[nn.Module], *, whole: bool) -> None:
        """The tensors of modules; at once if those that were there before are what they were."""
        together = self._earlier.together if whole else None
        if together is not None and len(modules) == together.n_modules and all_serve(together):
            self._memo.update(together.copy_by_id)
            self._sources += together.tensors
            self._copies += together.copies
            self.later.mirrors.update(together.by_id)
            self.later.together = together
            return
        for module in modules:
            for slots in (module._parameters, module._buffers):
                for tensor in slots.values():
                    if tensor is not None:
                        self._tensor(tensor)
        if whole:
            self.later.together = together_of(modules, self.later.mirrors)

    def _function(self, function: types.FunctionType) -> Any:
        """The function itself, unless it has got hold of something: then one that has a copy."""
        written = getattr(function, "_torchdynamo_orig_callable", None)
        if written is not None:
            return self._noted(function, self.of(written))
        if not function.__closure__:
            return function
        cells = tuple(types.CellType() for _ in function.__closure__)
        new = types.FunctionType(
            function.__code__, function.__globals__, function.__name__, function.__defaults__, cells
        )
        self._noted(function, new)
        new.__kwdefaults__ = function.__kwdefaults__
        new.__dict__.update(self.of(dict(function.__dict__)))
        for cell, old in zip(cells, function.__closure__, strict=True):
            with contextlib.suppress(ValueError):  # an empty one
                cell.cell_contents = self.of(old.cell_contents)
        return new

    def _object(self, value: Any) -> Any:
        """As `copy.deepcopy` does; but tensors within may be part of a graph, and hold modules."""
        import torch

        kind: Any = type(value)
        if isinstance(value, SHARED) or (kind.__module__ == "_thread" and kind.__name__ in _LOCKS):
            return value
        if isinstance(value, torch.Generator):
            twin = torch.Generator(value.device)
            twin.set_state(value.get_state())
            return self._noted(value, twin)
        if hasattr(kind, "__deepcopy__"):
            return self._noted(value, copy.deepcopy(value, self._memo))
        reduce = copyreg.dispatch_table.get(kind)
        try:
            reduced = reduce(value) if reduce is not None else value.__reduce_ex__(4)
        except Exception:  # some refuse to be pickled for reasons that do not concern a copy
            if kind.__new__ is object.__new__ and hasattr(value, "__dict__"):
                new = self._noted(value, object.__new__(kind))
                new.__dict__.update(self.of(dict(value.__dict__)))
                return new
            if kind.__module__.partition(".")[0] == "torch":  # streams, process groups and the like
                return value
            raise
        if isinstance(reduced, str):  # the name of what there is one of
            return value
        return self._rebuilt(value, *reduced)

    def _rebuilt(
        self,
        value: Any,
        make: Callable[..., Any],
        args: tuple[Any, ...],
        state: Any = None,
        items: Iterator[Any] | None = None,
        pairs: Iterator[tuple[Any, Any]] | None = None,
        *_: object,
    ) -> Any:
        new = self._noted(value, make(*map(self.of, args)))
        if state is not None:
            state = self.of(state)
            if hasattr(new, "__setstate__"):
                new.__setstate__(state)
            else:
                named, slots = (
                    state if isinstance(state, tuple) and len(state) == 2 else (state, {})
                )
                new.__dict__.update(named or {})
                for name, item in (slots or {}).items():
                    setattr(new, name, item)
        for item in items or ():
            new.append(self.of(item))
        for key, item in pairs or ():
            new[self.of(key)] = self.of(item)
        return new


def _modules(model: nn.Module) -> list[nn.Module]:
    """A module and its submodules, each once, but for those inside of a scripted one."""
    found: dict[int, nn.Module] = {}
    waiting = [model]
    while waiting:
        module = waiting.pop()
        if id(module) not in found:
            found[id(module)] = module
            if module._modules and not _kind(module).is_scripted:
                waiting += [child for child in module._modules.values() if child is not None]
    return list(found.values())


@dataclass(frozen=True)
class _Kind:
    """What is to be known of a class of modules."""

    prepares: bool  # its modes are more than a flag, or it sees to its copies' modes itself
    is_special: bool  # not copied as others are
    is_scripted: bool


def _kind(module: nn.Module) -> _Kind:
    kind: Any = type(module)  # mypy takes it for unhashable
    return _kind_of(kind)


@lru_cache(maxsize=4096)  # there may be a class for each module
def _kind_of(kind: Any) -> _Kind:
    from torch import jit, nn

    own = getattr(kind, "__deepcopy__", None)
    # A parametrization's is a mere stand-in for the usual one.
    copies_itself = own is not None and getattr(own, "__module__", "") != _PARAMETRIZE
    return _Kind(
        prepares=copies_itself
        or kind.train is not nn.Module.train
        or kind.eval is not nn.Module.eval,
        is_special=copies_itself or kind.__name__ == _COMPILED_KIND,
        is_scripted=issubclass(kind, jit.ScriptModule),
    )


def prepares_in_modes(model: nn.Module) -> bool:
    """Whether changing the mode does more than that, so that something may be made from weights."""
    return any(map(_prepares, _modules(model)))


def _prepares(module: nn.Module) -> bool:
    return _kind(module).prepares or "train" in module.__dict__ or "eval" in module.__dict__


def _strip(module: nn.Module) -> None:
    """Take away the hooks of a module that has copied itself."""
    from torch import jit

    for part in [] if isinstance(module, jit.ScriptModule) else module.modules():
        for name in HOOKS:
            hooks: dict[int, Any] = part.__dict__.get(name, {})
            for i in [i for i, hook in hooks.items() if not _is_torchs(hook)]:
                del hooks[i]


def _is_torchs(hook: Any) -> bool:
    """Whether a hook is torch's own: of those it makes weights by; others look on."""
    while hasattr(hook, "func"):  # a partial
        hook = hook.func
    hook = getattr(hook, "__self__", hook)
    own = hook if isinstance(hook, types.FunctionType) else type(hook)
    return (own.__module__ or "").partition(".")[0] == "torch"


def _is_plain(tensor: torch.Tensor) -> bool:
    import torch
    from torch import nn

    return (
        type(tensor) in (torch.Tensor, nn.Parameter)
        and tensor.layout is torch.strided
        and not tensor.is_quantized
    )
