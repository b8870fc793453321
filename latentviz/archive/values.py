"""Numbers, text and lists as a header holds them: made of what a user gives, or read from JSON."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ..errors import OptionError
from ..text import printable
from . import format as f

MAX_ARGS_DEPTH = 16  # how deep a model's arguments may nest: they are shown, and given to JSON
# How the tokens of a layer's output (N, S, D) become points.
TOKENS = ("flatten", "mean", "first", "last", "each")
MAX_SEED_BITS = 1024  # NumPy's own have 128; a number can be too long to be written

T = TypeVar("T")

# --- what a user gives


def checked_tokens(tokens: object) -> str | None:
    """How the tokens of a layer's output become points.

    Raises:
        OptionError: It is none of `TOKENS`, nor None.
    """
    if tokens is None or (isinstance(tokens, str) and tokens in TOKENS):
        return tokens
    raise OptionError(f"tokens must be one of {', '.join(TOKENS)}, got {_brief(tokens)}")


def checked_seed(seed: object) -> int | None:
    """A run's seed, as Python's own number.

    Raises:
        OptionError: It is no whole number, or too long.
    """
    return None if seed is None else _checked("seed", _seed, seed)


def checked_keyframes(keyframes: object) -> dict[str, list[int]]:
    """Each property's keyed steps, as plain values.

    Raises:
        OptionError: They are not steps by name.
    """
    if keyframes is None:
        return {}
    if not isinstance(keyframes, Mapping):
        raise OptionError(
            "keyframes must be steps by the names of properties, such as {'lr': [0, 100]}, "
            f"got {_brief(keyframes)}"
        )
    out = {}
    for name, steps in keyframes.items():
        if not isinstance(name, str) or isinstance(steps, str) or not isinstance(steps, Iterable):
            raise OptionError(
                "keyframes must be steps by the names of properties, such as {'lr': [0, 100]}, "
                f"got {_brief({name: steps})}"
            )
        out[f.whole_text(name)] = [
            _checked(f"keyframes of {name!r}: a step", _step, s) for s in steps
        ]
    return out


def checked_moments(what: str, moments: object) -> list[tuple[int, str]]:
    """Steps and names, of phases or of actions, as plain values.

    Args:
        what: What they are of, for the error.
        moments: Pairs of a step and a name, or None.

    Raises:
        OptionError: They are not such.
    """
    if moments is None:
        return []
    expected = f"{what} must be pairs of a step and a name, such as [(0, 'Train')], got "
    if isinstance(moments, str | Mapping) or not isinstance(moments, Iterable):
        raise OptionError(expected + _brief(moments))
    out = []
    for moment in moments:
        if isinstance(moment, str) or not isinstance(moment, Sequence) or len(moment) != 2:
            raise OptionError(expected + _brief(moment))
        step, name = moment
        out.append((_checked(f"{what}: a step", _step, step), f.whole_text(str(name))))
    return out


def checked_step(value: object) -> int:
    """A recorded step's number, as Python's own.

    Raises:
        OptionError: It is no whole number, or one that no archive may hold.
    """
    if isinstance(value, bool):
        raise OptionError(f"step must be a whole number, got {value!r}")
    number = _checked("step", _step, value)
    if number < 0:
        raise OptionError(f"step must be 0 or more, got {number}")
    return number


def checked_args(args: Mapping[str, Any]) -> dict[str, Any]:
    """A model's arguments as they come out of JSON.

    Raises:
        OptionError: JSON cannot hold them.
    """
    try:
        plain = _plain(args, MAX_ARGS_DEPTH + 1)
        json.dumps(plain)  # a whole number can be too long to be written
    except ValueError as error:
        raise OptionError(f"model_args cannot be recorded: {error}") from None
    assert isinstance(plain, dict)
    return plain


def whole_texts(texts: Sequence[str]) -> list[str]:
    """Texts of whole characters; see `format.whole_text`."""
    return [f.whole_text(text) for text in texts]


def _checked(what: str, convert: Callable[[object], T], value: object) -> T:
    try:
        return convert(value)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise OptionError(f"{what} must be {error}, got {_brief(value)}") from None


def _seed(value: object) -> int:
    number = _whole(value)
    if number.bit_length() > MAX_SEED_BITS:
        raise ValueError(f"a whole number of at most {MAX_SEED_BITS} bits")
    return number


def _step(value: object) -> int:
    number = _whole(value)
    if abs(number) > f.MAX_STEP:
        raise ValueError(f"a whole number within {f.MAX_STEP}")
    return number


def _whole(value: object) -> int:
    """Python's own whole number.

    Raises:
        TypeError: It is no number, or has a fraction.
    """
    try:
        return int(operator.index(value))  # type: ignore[arg-type]  # what has none is caught
    except (TypeError, ValueError, RuntimeError):
        number = None if isinstance(value, str | bytes) else _float(value)
    if number is None or not number.is_integer():
        raise TypeError("a whole number")
    return int(number)


def _float(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]  # as above
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None


def _plain(value: object, depth: int) -> object:
    """A value as JSON would read it.

    Raises:
        ValueError: JSON cannot hold it.
    """
    if depth < 0:
        raise ValueError(f"they nest deeper than {MAX_ARGS_DEPTH} levels")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise ValueError(f"names must be text, got {_brief(dict(value))}")
        return {f.whole_text(key): _plain(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, depth - 1) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return f.whole_text(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    raise ValueError(
        f"{_brief(value)} is none of text, a finite number, a list or a dictionary of such"
    )


def _brief(value: object) -> str:
    shape = getattr(value, "shape", ())
    return printable(repr(value), 60) if shape == () else f"an array of shape {tuple(shape)}"


# --- what JSON has: it is not converted, for two tools must agree


def read_text(value: object) -> str:
    """Text.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {type(value).__name__}")
    return value


def read_texts(value: object) -> list[str]:
    """A list of texts.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(value, list):
        raise TypeError(f"expected a list of names, got {type(value).__name__}")
    return [read_text(item) for item in value]


def read_step(value: object) -> int:
    """A step's number.

    Raises:
        TypeError: It is no whole number.
        ValueError: No archive may hold it.
    """
    return _step(_number(value))


def read_seed(value: object) -> int | None:
    """A run's seed, or None.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is too long.
    """
    return None if value is None else _seed(_number(value))


def read_moments(value: Any) -> list[tuple[int, str]]:
    """Steps and names.

    Raises:
        TypeError: They are none.
        ValueError: They are no pairs, or of a step that no archive may hold.
    """
    return [(read_step(step), read_text(name)) for step, name in value]


def read_args(value: Mapping[str, Any]) -> dict[str, Any]:
    """A model's arguments.

    Raises:
        TypeError: They are not by name.
        ValueError: They nest too deep.
    """
    level: list[Any] = [dict(value)]
    for _ in range(MAX_ARGS_DEPTH):
        inner = [list(v.values()) if isinstance(v, dict) else v for v in level]
        level = [v for values in inner for v in values if isinstance(v, dict | list)]
    if level:
        raise ValueError(f"the model's arguments nest deeper than {MAX_ARGS_DEPTH} levels")
    return dict(value)


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"expected a whole number, got {type(value).__name__}")
    return value
