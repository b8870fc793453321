"""Fonts: DejaVu Sans; and for characters that it lacks, an installed one that has them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from unicodedata import bidirectional

from ..backend import import_matplotlib
from ..errors import LatentvizWarning

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

BASE = "DejaVu Sans"
# The first of these that is there, then any other by name: the same fonts give the same pixels.
PREFERRED = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans CJK TC", "Noto Sans CJK KR"),
    *("Noto Sans JP", "Noto Sans SC", "Source Han Sans JP", "Source Han Sans SC", "IPAexGothic"),
    *("IPAGothic", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback"),
    *("Hiragino Sans", "PingFang SC", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic"),
)
# Fonts of matplotlib's that have boxes for all characters, or symbols in place of letters.
NO_TEXT = ("Last Resort", "STIXNonUnicode", "STIXSize", "cm", "DejaVu")
MOST_TOLD = 20

_collected: list[set[str]] = []


@cache
def installed_fonts() -> tuple[tuple[str, str], ...]:
    """Upright fonts of a regular weight by name, and where they lie; the preferred ones first."""
    import_matplotlib()
    from matplotlib.font_manager import fontManager

    fonts = {
        entry.name: entry.fname
        for entry in sorted(fontManager.ttflist, key=lambda entry: entry.fname, reverse=True)
        if entry.style == "normal"
        and entry.weight in (400, "normal", "regular", "book")
        and not entry.name.startswith(NO_TEXT)
    }
    first = [name for name in PREFERRED if name in fonts]
    return tuple((name, fonts[name]) for name in [*first, *sorted(fonts.keys() - set(first))])


def text_options(text: str) -> dict[str, Any]:
    """What matplotlib is to be told of a text's fonts; nothing of one that `BASE` can write."""
    names = _fonts_with(text)
    return {"family": [BASE, *names]} if names else {}


def covering(text: str, face: FreeTypeFont) -> FreeTypeFont:
    """The face itself if it has all of a text's characters, else another of its size that has."""
    from PIL import ImageFont

    path = _one_font_with(text)
    engine = ImageFont.Layout.RAQM if _needs_shaping(text) else ImageFont.Layout.BASIC
    if path is None and engine == ImageFont.Layout.BASIC:
        return face
    return ImageFont.truetype(path or face.path, face.size, layout_engine=engine)


def _needs_shaping(text: str) -> bool:
    """Whether a text is written from the right, and Pillow has the library that can."""
    if text.isascii() or all(bidirectional(c) not in ("R", "AL") for c in text):
        return False
    from PIL import features

    return bool(features.check("raqm"))


@contextmanager
def missing_told_later() -> Iterator[set[str]]:
    """Say nothing of characters that no font has: for text that is measured, and drawn later.

    They are collected in what it gives.
    """
    found: set[str] = set()
    _collected.append(found)
    try:
        yield found
    finally:
        _collected.remove(found)


@contextmanager
def missing_told_once() -> Iterator[None]:
    """Warn of the characters that no font has at the end, and once."""
    with missing_told_later() as found:
        yield
    _tell(found)


def _tell(missing: set[str]) -> None:
    if not missing:
        return
    if _collected:
        _collected[0].update(missing)
        return
    some = "".join(sorted(missing)[:MOST_TOLD]) + ("…" if len(missing) > MOST_TOLD else "")
    warnings.warn(
        f"no installed font has glyphs for {some}, so they are drawn as boxes; install one "
        "that has them, such as Noto Sans CJK",
        LatentvizWarning,
        stacklevel=3,
    )


def _lacking(text: str) -> frozenset[str]:
    """A text's characters that `BASE` has not."""
    if text.isascii():
        return frozenset()
    import_matplotlib()
    from matplotlib import get_data_path

    has = _characters(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf")
    return frozenset(c for c in text if ord(c) not in has and not c.isspace())


def _fonts_with(text: str) -> tuple[str, ...]:
    lacking = _lacking(text)
    names, missing = found_fonts(lacking) if lacking else ((), frozenset())
    _tell(set(missing))
    return names


def _one_font_with(text: str) -> str | None:
    """Where a font lies that has all of a text's characters; None if it is `BASE`, or none."""
    if not (lacking := _lacking(text)):
        return None
    wanted = {ord(c) for c in text if not c.isspace()}
    for _, path in installed_fonts():
        if wanted <= _characters(path):
            return path
    _tell(set(lacking))
    return None


@lru_cache(maxsize=1024)
def found_fonts(lacking: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Fonts that together have these characters, and those that none has."""
    names, missing = [], set(lacking)
    for name, path in installed_fonts():
        has = {c for c in missing if ord(c) in _characters(path)}
        if has:
            names.append(name)
            missing -= has
        if not missing:
            break
    return tuple(names), frozenset(missing)


@cache
def _characters(path: str) -> frozenset[int]:
    import_matplotlib()
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):  # a font that is damaged, or of a kind unknown
        return frozenset()
