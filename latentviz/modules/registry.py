"""Models by registered name: the entry-point group ``latentviz.models``.

An archive names its model by such a name, never by an import path, so that opening a stranger's
archive imports nothing of the stranger's choosing.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from ..text import printable

if TYPE_CHECKING:
    from torch import nn

GROUP = "latentviz.models"
LONGEST_REASON = 500
ModelFactory = Callable[..., "nn.Module"]


@cache
def registered_models() -> Mapping[str, EntryPoint]:
    """The registered models, by name."""
    return {point.name: point for point in entry_points(group=GROUP)}


def registered_name(kind: type) -> str | None:
    """The name under which a class is registered, if it is; imports nothing."""
    path = f"{kind.__module__}:{kind.__qualname__}"
    return next((name for name, ep in registered_models().items() if ep.value == path), None)


def model_factory(name: str) -> ModelFactory:
    """The factory registered under ``name``.

    Raises:
        ModelError: There is none, or it cannot be imported.
    """
    points = registered_models()
    if name not in points:
        known = ", ".join(sorted(points)) or "none"
        raise ModelError(
            f"model {printable(name)!r} is not registered (registered: {known}); install the "
            "package that registers it, or name its factory with --model package.module:factory"
        )
    try:
        factory: ModelFactory = points[name].load()
    except (ImportError, AttributeError) as error:
        raise ModelError(f"model {printable(name)!r} cannot be imported: {error}") from None
    return factory


def factory_at(path: str) -> ModelFactory:
    """The factory at ``package.module:factory``, which the user named, not the archive.

    Raises:
        ModelError: There is none.
    """
    module, _, name = path.partition(":")
    if not module or module.startswith(".") or not name.isidentifier():
        raise ModelError(f"--model must be package.module:factory, got {path!r}")
    try:
        factory: ModelFactory = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ModelError(f"--model {path}: {error}") from None
    if not callable(factory):
        raise ModelError(f"--model {path} is not callable; name a class or a function")
    return factory


def build_model(
    factory: ModelFactory,
    args: Mapping[str, Any],
    *,
    max_values: float = math.inf,
    max_tensors: float = math.inf,
) -> nn.Module:
    """Make the model.

    Args:
        factory: What makes it.
        args: Its keyword arguments.
        max_values: Refuse a model whose parameters hold more values, as soon as they do: an
            archive's arguments are a stranger's.
        max_tensors: Refuse a model of more parameters, likewise.

    Raises:
        ModelError: The factory fails, or gives no ``nn.Module``.
    """
    from torch import nn

    try:
        with _at_most(max_values, max_tensors):
            model = factory(**args)
    except Exception as error:  # whatever a user's factory raises
        raise ModelError(
            f"the model cannot be built from {printable(repr(dict(args)))}: "
            f"{printable(str(error), LONGEST_REASON)}"
        ) from error
    if not isinstance(model, nn.Module):
        raise ModelError(f"the model's factory gave a {type(model).__name__}, not an nn.Module")
    return model


@contextlib.contextmanager
def _at_most(max_values: float, max_tensors: float) -> Iterator[None]:
    """Let the modules of this thread come to have no more parameters, and values in them."""
    if max_values == max_tensors == math.inf:
        yield
        return
    from torch.nn.modules.module import register_module_parameter_registration_hook

    thread, total, tensors = threading.get_ident(), 0, 0

    def count(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal total, tensors
        if parameter is None or threading.get_ident() != thread:
            return
        total, tensors = total + parameter.numel(), tensors + 1
        if total > max_values:
            raise ModelError(f"it would have more than the {max_values} parameters recorded")
        if tensors > max_tensors:
            raise ModelError(f"it would have more than {max_tensors} tensors, fewer are recorded")

    # It sees a parameter before that is filled: until then it is no memory, only room for some.
    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()
