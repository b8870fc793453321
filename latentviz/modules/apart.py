"""What is the whole process's, as it was: random states and torch's number of threads."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

from ..deferral import Deferred
from .randomness import kept_randomness

# Whoever changes what is the whole process's holds it until that is put back: two that did so at
# once would put back each other's.
_LOCK = threading.RLock()


@contextlib.contextmanager
def apart(*, one_thread: bool = False) -> Iterator[None]:
    """Run a copy within: without gradients, uncompiled, not interrupted, from the same numbers.

    All random states are afterwards what they were. Within they begin alike each time, so that
    what a model samples differs from step to step by the model alone. Other threads wait with
    theirs.

    Args:
        one_thread: Let torch use one thread within: how it splits a matrix product changes the
            last bits. Its number of threads is the process's, and afterwards what it was.
    """
    import torch

    threads = _one_thread() if one_thread else contextlib.nullcontext()
    with _LOCK, Deferred(), threads, kept_randomness(), torch.no_grad(), _uncompiled():
        # Its cache takes a parameter for unchanged as long as the training's own block lasts.
        caching = torch.is_autocast_cache_enabled()
        torch.set_autocast_cache_enabled(False)
        try:
            yield
        finally:
            torch.set_autocast_cache_enabled(caching)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _uncompiled() -> contextlib.AbstractContextManager[object]:
    """Run what is compiled within a class as it was written: for each copy it would be anew."""
    import torch

    # Unless dynamo was imported, which takes a second, nothing can be compiled.
    if "torch._dynamo" not in sys.modules or not hasattr(torch.compiler, "set_stance"):
        return contextlib.nullcontext()
    eager: contextlib.AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
    return eager
