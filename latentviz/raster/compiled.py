"""Compiled functions, kept for the next time where there is a folder for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from numba import njit

if TYPE_CHECKING:
    from numba.core.dispatcher import Dispatcher

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> Dispatcher[F]:
    """Compile a function when it is first called, with the interpreter's lock released meanwhile.

    Without a folder that can be written, as in a container, it is compiled anew in each process.
    """
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # numba finds nowhere to keep it
        return njit(nogil=True)(function)
