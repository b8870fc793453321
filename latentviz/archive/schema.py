"""The header of an archive: the one schema by which it is checked, written and read."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..errors import ArchiveError, OptionError
from ..text import printable
from . import format as f

MAX_ARGS_DEPTH = 16  # how deep a model's arguments may nest: they are shown, and given to JSON
# How the tokens of a layer's output (N, S, D) become points.
TOKENS = ("flatten", "mean", "first", "last", "each")
MAX_SEED_BITS = 1024  # NumPy's own have 128; a number can be too long to be written

Moments = Sequence[tuple[int, str]]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Header:
    """What an archive says of its run beside what was recorded at each step."""

    model_name: str | None
    model_args: Mapping[str, Any]
    layers: Sequence[str]
    layer: str
    """The one to draw; the first of `layers`."""
    seed: int | None
    keyframes: Mapping[str, Sequence[int]]
    """A property's keyed steps."""
    phases: Moments
    """(first step, name)."""
    actions: Moments
    """(step, name)."""
    states: Sequence[str] | None
    """The patterns of the tensors recorded; None if all are."""
    bfloat16: Sequence[str]
    """The tensors whose bits are stored as uint16."""
    versions: Mapping[str, str]
    tokens: str | None = None
    """One of `TOKENS`; None, as in all archives of old, if nobody said."""
    class_names: Sequence[str] | None = None
    """The classes that the colours count, if they were given by names."""

    def to_json(self) -> dict[str, Any]:
        """What `parse` reads, in plain values."""
        name = self.model_name
        raw: dict[str, Any] = {
            "format": f.FORMAT,
            "model": None if name is None else {"name": name, "args": dict(self.model_args)},
            "layer": self.layer,
            "seed": self.seed,
            "keyframes": {name: list(steps) for name, steps in self.keyframes.items()},
            "phases": [list(phase) for phase in self.phases],
            "versions": dict(self.versions),
        }
        if list(self.layers) != [self.layer]:
            raw["layers"] = list(self.layers)
        if self.actions:
            raw["actions"] = [list(action) for action in self.actions]
        if self.states is not None:
            raw["states"] = list(self.states)
        if self.bfloat16:
            raw["bfloat16"] = list(self.bfloat16)
        if self.tokens is not None:
            raw["tokens"] = self.tokens
        if self.class_names is not None:
            raw["class_names"] = list(self.class_names)
        return raw


def checked_header(
    *,
    layers: Sequence[str],
    model_name: str | None = None,
    model_args: Mapping[str, Any] | None = None,
    seed: object = None,
    keyframes: object = None,
    phases: object = None,
    actions: object = None,
    states: Sequence[str] | None = None,
    bfloat16: Sequence[str] = (),
    versions: Mapping[str, str] | None = None,
    tokens: object = None,
    class_names: Sequence[str] | None = None,
) -> Header:
    """A header of what a user gave, such that reading what is written of it gives the same.

    Whole numbers of any kind (NumPy's, torch's, a float without a fraction) become Python's own,
    and tuples among a model's arguments lists.

    Args:
        layers: One at least; the first is the one to draw.
        model_name: The model's registered name, if it has one.
        model_args: The arguments that go with that.
        seed: The run's seed.
        keyframes: Each property's keyed steps.
        phases: (first step, name) of each.
        actions: (step, name) of each.
        states: The patterns of the tensors recorded, if not all are.
        bfloat16: The tensors whose bits are stored.
        versions: Of what the run was recorded with.
        tokens: How tokens become points, if somebody said.
        class_names: The names that the colours count, if they are classes.

    Raises:
        OptionError: Something cannot be converted to what a header holds.
    """
    return Header(
        model_name=None if model_name is None else f.whole_text(model_name),
        model_args={} if model_name is None else _checked_args(model_args or {}),
        layers=_whole_texts(layers),
        layer=f.whole_text(layers[0]),
        seed=None if seed is None else _checked("seed", _seed, seed),
        keyframes=checked_keyframes(keyframes),
        phases=checked_moments("phases", phases),
        actions=checked_moments("actions", actions),
        states=None if states is None else _whole_texts(states),
        bfloat16=_whole_texts(bfloat16),
        versions=dict(versions or {}),
        tokens=checked_tokens(tokens),
        class_names=None if class_names is None else _whole_texts(class_names),
    )


def checked_tokens(tokens: object) -> str | None:
    """How the tokens of a layer's output become points.

    Raises:
        OptionError: It is none of `TOKENS`, nor None.
    """
    if tokens is None or (isinstance(tokens, str) and tokens in TOKENS):
        return tokens
    raise OptionError(f"tokens must be one of {', '.join(TOKENS)}, got {_brief(tokens)}")


def parse_header(raw: Mapping[str, Any]) -> Header:
    """The header that `Header.to_json` gave, or that somebody else wrote.

    Raises:
        ArchiveError: It is malformed.
    """
    try:
        model = raw["model"] or {"name": None, "args": {}}
        layers = _strings(raw.get("layers", [raw["layer"]]))
        return Header(
            model_name=None if model["name"] is None else _text(model["name"]),
            model_args=_args(model["args"]),
            layers=layers,
            layer=_text(raw["layer"]),
            seed=None if raw["seed"] is None else _seed(_number(raw["seed"])),
            keyframes={k: [_step(_number(s)) for s in v] for k, v in raw["keyframes"].items()},
            phases=_moments(raw["phases"]),
            actions=_moments(raw.get("actions", [])),
            states=None if raw.get("states") is None else _strings(raw["states"]),
            bfloat16=_strings(raw.get("bfloat16", [])),
            versions={k: _text(v) for k, v in raw["versions"].items()},
            tokens=checked_tokens(raw.get("tokens")),
            class_names=None if raw.get("class_names") is None else _strings(raw["class_names"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArchiveError(f"the archive's header is malformed: {printable(repr(error))}") from None


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


def _whole_texts(texts: Sequence[str]) -> list[str]:
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


def _checked_args(args: Mapping[str, Any]) -> dict[str, Any]:
    """A model's arguments as they come out of JSON."""
    try:
        plain = _plain(args, MAX_ARGS_DEPTH + 1)
        json.dumps(plain)  # a whole number can be too long to be written
    except ValueError as error:
        raise OptionError(f"model_args cannot be recorded: {error}") from None
    assert isinstance(plain, dict)
    return plain


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


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {type(value).__name__}")
    return value


def _number(value: object) -> int:
    """A number as JSON has it: what is read is not converted, for two tools must agree."""
    if not isinstance(value, int):
        raise TypeError(f"expected a whole number, got {type(value).__name__}")
    return value


def _moments(value: Any) -> list[tuple[int, str]]:
    return [(_step(_number(step)), _text(name)) for step, name in value]


def _strings(value: object) -> list[str]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list of names, got {type(value).__name__}")
    return [_text(item) for item in value]


def _args(value: Mapping[str, Any]) -> dict[str, Any]:
    level: list[Any] = [dict(value)]
    for _ in range(MAX_ARGS_DEPTH):
        inner = [list(v.values()) if isinstance(v, dict) else v for v in level]
        level = [v for values in inner for v in values if isinstance(v, dict | list)]
    if level:
        raise ValueError(f"the model's arguments nest deeper than {MAX_ARGS_DEPTH} levels")
    return dict(value)


def _brief(value: object) -> str:
    shape = getattr(value, "shape", ())
    return printable(repr(value), 60) if shape == () else f"an array of shape {tuple(shape)}"
