"""A film's options as words of the command line."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .options import options_of
from .spec import FilmSpec


def option_words(spec: FilmSpec, *, without: Collection[str] = ()) -> list[str]:
    """The options of a spec that are not the defaults, as words; not yet quoted for a shell.

    Args:
        spec: The spec. What no text says, such as a function as its transform, is left out.
        without: Options to leave out.
    """
    usual = FilmSpec()
    words = []
    for name, about in options_of(FilmSpec).items():
        value = getattr(spec, name)
        if name in without or value == getattr(usual, name):
            continue
        # A single text stands for itself, though the option may be repeated.
        items = value if about.is_repeated and not isinstance(value, str) else [value]
        flag = f"--{(about.flag or name).replace('_', '-')}"
        if about.is_switch:
            words.append(flag)
            continue
        for item in items:
            if (text := _text(name, item)) is not None:
                words += [flag, text]
    return words


def _text(name: str, value: Any) -> str | None:
    """A value as the command line spells it; None where it cannot."""
    match name, value:
        case "captions", ((first, stop), text):
            return f"{_range(first, stop)}:{text}"
        case "steps", (first, stop):
            return _range(first, stop)
        case "size", (width, height):
            return f"{width}x{height}"
        case _, str() | int() | float():
            return str(value)
        case _, tuple() | list():
            return ",".join(map(str, value))
    return None


def _range(first: int | None, stop: int | None) -> str:
    return ":".join("" if end is None else str(end) for end in (first, stop))
