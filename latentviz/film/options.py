"""The one way to declare an option: as a field of the plain data that holds its value.

All read what a field says of itself (`Option`): `settle`, which checks the values that
Python's callers and the command line give; by the command line, which makes click's options of it;
and by the documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any, Self

from ..errors import OptionError

_KEY = "latentviz"


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option, but for its name and its default value."""

    help: str
    """Its meaning in a sentence or two, without the default."""
    default: str | None
    """The default in words; None where there is nothing to say."""
    convert: Callable[[str, Any], Any]
    """Given the name and a value that is not None, gives it as plain data, or raises
    `OptionError`."""
    parse: Callable[[str], Any]
    """Makes a value of the command line's text."""
    metavar: str | None
    """The word for its value in the command's help."""
    choices: Sequence[str]
    """The only values, if they are few."""
    complete: Callable[[], Iterable[str]] | None
    """Gives values that a shell completes, where they are too many to choose from."""
    is_repeated: bool
    """Whether the command takes it several times, a value for each item of a list."""
    flag: str | None
    """The command line's word for it, where that is not its name."""

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off, so that the command's word for it stands alone."""
        return self.convert is FLAG

    @property
    def help_text(self) -> str:
        """The help, and the default."""
        return self.help if self.default is None else f"{self.help} Default: {self.default}."


def option(
    value: Any = None,
    *,
    help: str,
    convert: Callable[[str, Any], Any],
    parse: Callable[[str], Any] = str,
    default: str | None = None,
    metavar: str | None = None,
    choices: Sequence[str] = (),
    complete: Callable[[], Iterable[str]] | None = None,
    is_repeated: bool = False,
    flag: str | None = None,
) -> Any:
    """A dataclass's field that is an option.

    Args:
        value: Its default.
        help: See `Option`.
        convert: See `Option`.
        parse: See `Option`; ``int`` and ``float`` are click's.
        default: The default in words; by default ``value`` itself, unless that is nothing.
        metavar: See `Option`.
        choices: See `Option`.
        complete: See `Option`.
        is_repeated: See `Option`.
        flag: See `Option`.
    """
    about = Option(
        help=help,
        default=default or (None if value in (None, (), False) else str(value)),
        convert=convert,
        parse=parse,
        metavar=metavar,
        choices=choices,
        complete=complete,
        is_repeated=is_repeated,
        flag=flag,
    )
    return field(default=value, metadata={_KEY: about})


def options_of(spec: type) -> dict[str, Option]:
    """A dataclass's options by name, in order."""
    return {f.name: f.metadata[_KEY] for f in fields(spec) if _KEY in f.metadata}


def settle(spec: Any) -> None:
    """Convert each option of a frozen dataclass that has a value, in order; as it is made.

    Raises:
        OptionError: One is of another type than it must be, or out of range.
    """
    for name, about in options_of(type(spec)).items():
        value = getattr(spec, name)
        if value is not None:
            object.__setattr__(spec, name, about.convert(name, value))


def refuse_unknown(spec: type, names: Iterable[str]) -> None:
    """Refuse names that are no options of a spec.

    Raises:
        OptionError: There are such.
    """
    known = options_of(spec)
    if unknown := sorted(set(names) - known.keys()):
        raise OptionError(
            f"unknown option {', '.join(unknown)}; its options are {', '.join(known)}"
        )


def parsed(spec: type, texts: Mapping[str, Any]) -> dict[str, Any]:
    """Values of what the command line gave; what was not given is not there.

    Args:
        spec: The dataclass whose options they are.
        texts: By name: text, or what click made of it; None, or nothing, where it was not given. An
            option that the command does not have is not there.

    Raises:
        OptionError: A text cannot be read.
    """
    values = {}
    for name, about in options_of(spec).items():
        given = texts.get(name)
        if about.is_repeated and given:
            values[name] = [about.parse(text) for text in given]
        elif not about.is_repeated and given is not None and not (about.is_switch and not given):
            values[name] = about.parse(given)
    return values


def is_whole(value: object) -> bool:
    """Whether it is a whole number, Python's or NumPy's."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Whether it is a real number, Python's or NumPy's."""
    return isinstance(value, Real) and not isinstance(value, bool)


def must_be(what: str, test: Callable[[Any], bool], convert: Callable[[Any], Any]) -> Any:
    """Conversion of what passes a test.

    Args:
        what: The values that pass it, in words.
        test: The test, which takes anything.
        convert: Makes plain data of it.
    """

    def converted(name: str, value: Any) -> Any:
        if not test(value):
            raise OptionError(f"{name} must be {what}, got {value!r}")
        return convert(value)

    return converted


NUMBER = must_be("a number", is_number, float)
WHOLE_NUMBER = must_be("a whole number", is_whole, int)
FLAG = must_be("True or False", lambda value: isinstance(value, bool), bool)


def whole_number(least: int, most: int) -> Callable[[str, Any], int]:
    """Conversion to a whole number of a range, both ends in it."""

    def convert(name: str, value: Any) -> int:
        number: int = WHOLE_NUMBER(name, value)
        if not least <= number <= most:
            raise OptionError(f"{name} must lie within {least} to {most}, got {number}")
        return number

    return convert


def number_above_0(most: float, *, called: str | None = None) -> Callable[[str, Any], float]:
    """Conversion to a number above 0.

    Args:
        most: How large it may be.
        called: Its name in an error; by default the name of the option.
    """

    def convert(name: str, value: Any) -> float:
        number: float = NUMBER(name, value)
        if not 0 < number <= most:
            raise OptionError(
                f"{called or name} must be above 0 and at most {most:g}, got {number:g}"
            )
        return number

    return convert


def one_of(choices: Sequence[str]) -> Callable[[str, Any], str]:
    """Conversion of one of a few texts to itself."""

    def convert(name: str, value: Any) -> str:
        if value not in choices:
            raise OptionError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
        return str(value)

    return convert


class Plain:
    """A frozen dataclass of options, which checks its values when it is made."""

    def __post_init__(self) -> None:
        settle(self)

    def to_dict(self) -> dict[str, Any]:
        """All options, as values that JSON and TOML can hold; None where one is not given.

        Raises:
            OptionError: A pace is a function of yours, which has no such value.
        """
        values = {name: getattr(self, name) for name in options_of(type(self))}
        return {name: _jsonable(name, value) for name, value in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The spec of the values that `to_dict` gave; a missing value, or None, means the default.

        Raises:
            OptionError: There is no such option, or a value is bad.
        """
        refuse_unknown(cls, values)
        return cls(**{name: value for name, value in values.items() if value is not None})


def _jsonable(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return [_jsonable(name, item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise OptionError(f"{name} is {type(value).__name__}, which cannot be written down")
