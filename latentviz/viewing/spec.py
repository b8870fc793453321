"""How a page for the browser differs from the film: as plain data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ..errors import OptionError
from ..film.options import Plain, is_whole, option, options_of, whole_number
from ..film.spec import FilmSpec

LEAST_COMPONENTS, MOST_COMPONENTS = 3, 16
USUAL_COMPONENTS = 4
MEGABYTE = 1_000_000
LEAST_BYTES = 500_000  # of a page that has its own code
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMG]?)B?", re.IGNORECASE)
_TIMES = {"": 1, "K": 1_000, "M": MEGABYTE, "G": 1000 * MEGABYTE}

# What a page decides by itself.
NOT_OF_PAGES = ("size", "ground", "heading", "blur", "shutter", "interpolate", "turn")
# What is told of options that it takes otherwise than a film.
TOLD_OF_PAGES = {
    "dims": {
        "help": "Draw dimension I to the right and J up; repeat for more projections side by side. "
        "Each can be turned in the page. auto draws the dimensions of largest spread; with "
        "--project, the first components.",
        "metavar": "I,J",
    }
}


def parse_bytes(text: str) -> int:
    """A size such as ``20MB``, in bytes.

    Raises:
        OptionError: It is none.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise OptionError(f"max_size must be a size such as 20MB, got {text!r}")
    return round(float(found[1]) * _TIMES[found[2].upper()])


def as_bytes(name: str, value: Any) -> int:
    """A size in bytes, of a number or of text."""
    n_bytes = parse_bytes(value) if isinstance(value, str) else value
    if not is_whole(n_bytes) or n_bytes < LEAST_BYTES:
        raise OptionError(f"{name} must be {LEAST_BYTES // 1000}kB or more, got {value!r}")
    return int(n_bytes)


@dataclass(frozen=True, kw_only=True)
class PageSpec(Plain):
    """What a page holds. The defaults are those of `latentviz view`."""

    components: int = option(
        USUAL_COMPONENTS,
        help="Hold at least K components of each point, 3 to 16, if there are so many: those of "
        "the projections, and the first of the others, to choose from in the page.",
        convert=whole_number(LEAST_COMPONENTS, MOST_COMPONENTS),
        parse=int,
        metavar="K",
    )
    """At least so many components of each point are in the page, if there are so many."""
    max_size: int = option(
        20 * MEGABYTE,
        help="The page is no larger. If all steps would make it so, the page holds those at which "
        "the frames of the film begin, and says so.",
        default="20MB",
        convert=as_bytes,
        metavar="SIZE",
    )
    """The page's greatest size in bytes, or as text such as ``20MB``."""


def divided(
    options: Mapping[str, Any], specs: Sequence[type] = (FilmSpec, PageSpec)
) -> list[dict[str, Any]]:
    """Options, to each spec its own.

    Raises:
        OptionError: One is of none of them.
    """
    known = [name for spec in specs for name in options_of(spec) if name not in NOT_OF_PAGES]
    if unknown := sorted(set(options) - set(known)):
        raise OptionError(
            f"unknown option {', '.join(unknown)}; the options of a page are {', '.join(known)}"
        )
    names = [{field.name for field in fields(spec)} for spec in specs]
    return [{name: options[name] for name in options if name in mine} for mine in names]
