"""What an option's values become: each function here is an option's ``convert`` or ``parse``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..backend import check_colormap
from ..errors import OptionError
from ..points import Points
from ..projection import AUTO, Dims, parse_panel, split_names
from ..raster.layout import check_limits, check_size
from ..text import LONGEST_CAPTION, printable
from .options import is_whole, must_be, one_of, whole_number

if TYPE_CHECKING:
    from ..pacing import Pace

EXPLAINED = "explained"
SHOWS = (EXPLAINED,)
MAX_ROWS = 8  # of projections
OFF = "off"
MAX_CAPTIONS = 1000

Range = tuple[int | None, int | None]
"""Recorded steps from the first up to, and without, the second; None is an open end."""


def _is_pair(value: object) -> bool:
    return isinstance(value, Sequence) and len(value) == 2 and all(map(is_whole, value))


def _whole_pair(value: Sequence[Any]) -> tuple[int, int]:
    return int(value[0]), int(value[1])


def _are_dims(value: object) -> bool:
    return isinstance(value, Sequence) and all(
        isinstance(dims, Sequence) and len(dims) in (2, 3) and all(map(is_whole, dims))
        for dims in value
    )


def as_dims(name: str, value: Any) -> tuple[Dims, ...] | str:
    """Pairs of dimensions, or three; or ``auto``."""
    if isinstance(value, str | list | tuple) and value in (AUTO, [AUTO], (AUTO,)):
        return AUTO
    if not _are_dims(value):
        raise OptionError(
            "dims must be pairs of dimensions, or three, such as [(1, 0), (1, 0, 2)], or auto "
            f"alone, got {value!r}"
        )
    return tuple(tuple(map(int, dims)) for dims in value)  # type: ignore[misc]  # two or three


def parse_plane(text: str) -> Dims | str:
    """Two or three dimensions of the command line, or ``auto``."""
    return text if text == AUTO else parse_panel(text)


def as_project(name: str, value: Any) -> Any:
    """A transform as text, in one spelling; as itself where no text says it."""
    from ..transforms import as_transform

    transform = as_transform(value)
    return transform.text or transform


def transform_names() -> list[str]:
    """Those that can stand alone, and how the others begin."""
    from ..transforms import TRANSFORMS

    return list(TRANSFORMS)


def _is_range(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and len(value) == 2
        and all(end is None or is_whole(end) for end in value)
    )


def as_steps(name: str, value: Any) -> Range:
    """A range of steps."""
    settled: Range = must_be("(first, stop), either of which may be None", _is_range, tuple)(
        name, value
    )
    return settled


def parse_segments(text: str) -> Range:
    """A range of segments, ``A:B``, either of which may be left out."""
    return parse_steps(text, what="segments")


def as_segments(name: str, value: Any) -> Range:
    """A range of segments that holds at least one."""
    first, stop = as_steps(name, value)
    if stop is not None and (first or 0) >= stop:
        raise OptionError(
            f"{name} are those from the first up to, and without, the second: {first or 0}:{stop} "
            "holds none"
        )
    return first, stop


def as_size(name: str, value: Any) -> tuple[int, int]:
    """A film's size."""
    size: tuple[int, int] = must_be("(width, height)", _is_pair, _whole_pair)(name, value)
    return check_size(size)


def as_pace(name: str, value: Pace | str) -> Pace | str:
    """A pace of ours as text, in one spelling; any other as it is."""
    from ..pacing import pace_text, parse_pace

    if not isinstance(value, str) and not callable(value):
        raise OptionError(f"pace must be a pace, or text such as 'linear:10', got {value!r}")
    return pace_text(parse_pace(value) if isinstance(value, str) else value) or value


def as_frames(name: str, value: Any) -> int:
    """How many frames to ask for."""
    from ..pacing import MAX_FRAMES

    return whole_number(1, MAX_FRAMES)(name, value)


def as_limits(name: str, value: Any) -> float:
    """Limits, as a number."""
    check_limits(value)
    return float(value)


def as_colormap(name: str, value: Any) -> str:
    """The name of a colormap of matplotlib's."""
    check_colormap(value)
    return str(value)


def as_shows(name: str, value: Any) -> tuple[str, ...]:
    """Panels more below, each once."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Sequence):
        raise OptionError(f"show must be a list of {', '.join(SHOWS)}, got {value!r}")
    return tuple(dict.fromkeys(one_of(SHOWS)(name, item) for item in items))


def as_points(name: str, value: Any) -> tuple[str, ...]:
    """Points of a run, as text in one spelling."""
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or len(texts) > MAX_ROWS:
        raise OptionError(
            f"points must be texts such as 'rows:embed.weight', {MAX_ROWS} at most, got "
            f"{printable(repr(value), 60)}"
        )
    found = tuple(Points.parse(text).text for text in texts)
    if len(set(found)) < len(found):
        raise OptionError(f"points must differ, got {printable(', '.join(found))}")
    return found


def parse_steps(text: str, *, what: str = "steps") -> tuple[int | None, int | None]:
    """A range of steps, ``A:B``, either of which may be left out.

    Args:
        text: What the command line has.
        what: Of what it is a range.

    Raises:
        OptionError: The text is no such range.
    """
    first, colon, stop = text.partition(":")
    try:
        if not colon:
            raise ValueError
        a, b = (int(first) if first else None), (int(stop) if stop else None)
        if min(a or 0, b or 0) < 0:
            raise ValueError
    except ValueError:
        raise OptionError(
            f"{what} must be A:B, whole numbers of 0 or more, either of which may be left out, "
            f"got {text!r}"
        ) from None
    return a, b


def as_texts(name: str, value: Any) -> tuple[str, ...]:
    """Several texts."""
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(map(_is_text, value)):
        raise OptionError(f"{name} must be a list of texts, got {printable(repr(value), 60)}")
    return tuple(value)


def as_titles(name: str, value: Any) -> tuple[str, ...] | str:
    """Titles of projections, or ``auto`` or ``off``."""
    if value in (AUTO, OFF):
        return str(value)
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(map(_is_text, value)):
        raise OptionError(
            f"titles must be auto, off, or a list of titles, got {printable(repr(value), 60)}"
        )
    return tuple(value)


def parse_titles(text: str) -> list[str] | str:
    """Titles separated by commas, or ``auto`` or ``off``."""
    return text if text in (AUTO, OFF) else split_names(text)


def as_captions(name: str, value: Any) -> tuple[tuple[Range, str], ...]:
    """Lines of text, each at a range of steps."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > MAX_CAPTIONS:
        raise OptionError(
            f"captions must be a list of ((first, stop), text), {MAX_CAPTIONS} at most, got "
            f"{printable(repr(value), 60)}"
        )
    return tuple(map(_as_caption, value))


def _as_caption(value: Any) -> tuple[Range, str]:
    if not (
        isinstance(value, Sequence)
        and len(value) == 2
        and _is_range(value[0])
        and _is_text(value[1])
    ):
        raise OptionError(
            f"a caption must be ((first, stop), text), such as ((0, 500), 'warm-up'), got "
            f"{printable(repr(value), 60)}"
        )
    first, stop = (None if end is None else int(end) for end in value[0])
    text = value[1].strip()
    if not text or len(text) > LONGEST_CAPTION:
        raise OptionError(
            f"a caption's text must have 1 to {LONGEST_CAPTION} characters, got {len(text)}"
        )
    if stop is not None and stop <= (first or 0):
        raise OptionError(
            f"a caption is at the steps from the first up to, and without, the second: "
            f"{first or 0}:{stop} holds none"
        )
    return (first, stop), text


def parse_caption(text: str) -> tuple[Range, str]:
    """A caption as the command line spells it, ``A:B:TEXT``; the text may have colons.

    Raises:
        OptionError: It is none.
    """
    parts = text.split(":", 2)
    if len(parts) < 3:
        raise OptionError(
            f"a caption must be A:B:TEXT, such as 0:500:warm-up or 500::trained, got "
            f"{printable(text, 60)!r}"
        )
    return parse_steps(":".join(parts[:2])), parts[2]


def as_title(name: str, value: Any) -> str:
    """A title's text; it may be empty."""
    if not _is_text(value):
        raise OptionError(f"{name} must be text, got {printable(repr(value), 60)}")
    return str(value).strip()


def _is_text(value: object) -> bool:
    return isinstance(value, str)
