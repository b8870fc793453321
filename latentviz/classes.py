"""Labels that are names: classes, numbered in the order of their names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .errors import OptionError
from .text import printable


def are_names(labels: object) -> bool:
    """Whether there is text among labels; then `codes_of` takes them, or says why it does not."""
    if hasattr(labels, "detach"):  # a tensor
        return False
    kind = getattr(getattr(labels, "dtype", None), "kind", "O")
    return kind in "OUT" and any(isinstance(label, str) for label in _objects(labels).flat)


def codes_of(labels: object) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Labels that are text, as numbers.

    Args:
        labels: (N,) of text: a list, or an array.

    Returns:
        (N,) int64, where each label's name stands among the names; and the names, sorted, each
        once.

    Raises:
        OptionError: They are not (N,), or one is no text.
    """
    array = _objects(labels)
    if array.ndim != 1 or isinstance(labels, str):
        got = "a single one" if array.ndim == 0 else str(array.shape)
        raise OptionError(f"labels that are names must be (N,), one for each point, got {got}")
    for label in array:
        if not isinstance(label, str):
            raise OptionError(
                "labels must be all names or all numbers, got "
                f"{printable(repr(label), 60)} among names"
            )
    names = tuple(sorted({str(label) for label in array}))
    code = {name: n for n, name in enumerate(names)}
    return np.fromiter((code[label] for label in array), np.int64, len(array)), names


def _objects(labels: object) -> NDArray[np.object_]:
    try:
        return np.asarray(labels, dtype=object)
    except (TypeError, ValueError, RuntimeError):  # of several depths
        return np.empty((0, 0), dtype=object)
