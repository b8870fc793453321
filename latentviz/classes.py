"""Labels: classes, whose names are text or whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import numbers_of
from .errors import OptionError
from .text import printable

MAX_TEXT = 1000  # characters of a name: it may be a sentence
MAX_CLASS = 2**63 - 1


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


def classes_of(
    what: str, labels: object, names: Sequence[str] | None
) -> tuple[NDArray[np.int64], tuple[str, ...] | None]:
    """Labels as numbers of classes.

    Args:
        what: What they are, for the error.
        labels: Whole numbers or text, of any shape.
        names: The classes' names, which whole numbers count from 0 on; None if they have none, or
            if the labels are names themselves.

    Returns:
        The classes' numbers, int64, in the labels' shape; and the names, if there are any.

    Raises:
        OptionError: They are neither whole numbers nor names; or not of the classes that are named.
    """
    if are_names(labels):
        texts = _objects(labels)
        codes, found = codes_of(texts.ravel())
        if names is not None:
            numbers = {name: n for n, name in reversed([*enumerate(names)])}  # the first of a name
            if unknown := [name for name in found if name not in numbers]:
                raise OptionError(
                    f"{what} name {printable(repr(unknown[0]), 60)}, which is not among the "
                    f"{len(names)} class_names"
                )
            codes = np.array([numbers[name] for name in found], np.int64)[codes]
            found = tuple(names)
        return codes.reshape(texts.shape), found
    array = numbers_of(what, labels)
    if array.dtype.kind not in "iub" or (array.size and int(array.max()) > MAX_CLASS):
        odd = array.dtype if array.dtype.kind not in "iub" else int(array.max())
        raise OptionError(f"{what} must be whole numbers or names, got {odd}")
    whole: NDArray[np.int64] = array.astype(np.int64)
    if names is None:
        return whole, None
    if array.size and not (array.min() >= 0 and array.max() < len(names)):
        odd = array.min() if array.min() < 0 else array.max()
        raise OptionError(
            f"{what} must number the {len(names)} class_names, 0 to {len(names) - 1}, got {odd}"
        )
    return whole, tuple(names)


def checked_texts(what: str, texts: object) -> tuple[str, ...]:
    """Names, each a text of at most `MAX_TEXT` characters.

    Args:
        what: What they are of, for the error.
        texts: A list of text, or an array of such, of any shape.

    Raises:
        OptionError: They are no such list.
    """
    array: NDArray[Any] = _objects([] if isinstance(texts, str | dict) else texts)
    if array.ndim == 0 or array.ndim > 2 or array.size == 0:
        raise OptionError(f"{what} must be a list of names, got {printable(repr(texts), 60)}")
    for text in array.flat:
        if not isinstance(text, str) or len(text) > MAX_TEXT:
            got = f"one of {len(text)} characters" if isinstance(text, str) else repr(text)
            raise OptionError(
                f"{what} must be names, text of up to {MAX_TEXT} characters, got "
                f"{printable(got, 60)} among them"
            )
    return tuple(str(text) for text in array.flat)


def _objects(labels: object) -> NDArray[np.object_]:
    try:
        return np.asarray(labels, dtype=object)
    except (TypeError, ValueError, RuntimeError):  # of several depths
        return np.empty((0, 0), dtype=object)
