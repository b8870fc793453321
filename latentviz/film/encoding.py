"""How a film is encoded, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..errors import OptionError
from ..video.formats import PRESETS, parse_fps
from .options import WHOLE_NUMBER, Plain, is_number, must_be, option

MAX_HOLD_S = 3600.0


def _fps(name: str, value: Any) -> str:
    fps = parse_fps(str(value))
    return f"{fps.numerator}/{fps.denominator}" if fps.denominator > 1 else str(fps.numerator)


def _hold(name: str, value: Any) -> float:
    if not (is_number(value) and 0 <= value <= MAX_HOLD_S):
        raise OptionError(f"hold must be 0 to {MAX_HOLD_S:g} seconds, got {value!r}")
    return float(value)


@dataclass(frozen=True, kw_only=True)
class EncodingSpec(Plain):
    """How a film is encoded; None is the default of its format."""

    fps: str | float | Fraction | None = option(
        help="Frames a second, e.g. 30 or 30000/1001; at most 50 in a GIF and 90 in a WebP. Not "
        "for numbered frames.",
        default="30; 20 in a GIF",
        convert=_fps,
        metavar="RATE",
    )
    crf: int | None = option(
        help="Quality of H.264, from 1 (best) to 51 (smallest), or of VP9, to 63.",
        default="24; 23 with any other preset than film; 35 in a WebM",
        convert=WHOLE_NUMBER,
        parse=int,
    )
    preset: str | None = option(
        help="The preset of H.264: how much effort it takes; x264's own, or film, or draft.",
        default="film, which is made for such films",
        convert=must_be("text", lambda value: isinstance(value, str), str),
        metavar="NAME",
        complete=lambda: PRESETS,
    )
    quality: int | None = option(
        help="Quality of a WebP, from 0 (smallest) to 100 (best).",
        default="75",
        convert=WHOLE_NUMBER,
        parse=int,
    )
    loop: int | None = option(
        help="Play a GIF or a WebP N times; 0 plays it for ever.",
        default="0",
        convert=WHOLE_NUMBER,
        parse=int,
        metavar="N",
    )
    hold: float | None = option(
        help="Show the last frame for so much longer, so that a loop can be read. Not for numbered "
        "frames.",
        default="1.5",
        convert=_hold,
        parse=float,
        metavar="SECONDS",
    )
