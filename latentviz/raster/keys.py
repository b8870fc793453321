"""The key of points' colors: the names of classes in theirs, or a color bar with its ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..palette import role_color
from ..scene import Box, Categories, Cell, KeyPanel, Ramp, Still
from ..text import printable, shortened
from ..theme import Role, Theme
from .chart import LEAST_TEXT_PX
from .chrome import plain_style
from .fonts import missing_told_later, text_options
from .legend import LEAST_LEGEND_PX, LEGEND_GAP_PX, LEGEND_PX, LONGEST_NAME, text_length
from .painter import Painter
from .ticks import number_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_LINES = 3
# Names that are too long for these lines are shortened to so many characters, the most first.
SHORTER = (LONGEST_NAME, 20, 12, 8)
# In the height of a character.
LINE = 1.5  # the height of a line
BELOW = 0.5  # the room below all
DOT, SPACE = 0.62, 0.35  # the dot before a name, and the space between them
BAR_HEIGHT = 0.85
BAR_PX, BAR_SHARE = 320.0, 0.4  # a color bar's length, on a page of 1080 pixels and of its room
LEAST_DIGITS, MOST_DIGITS = 3, 9  # of the ends of a color bar


@dataclass(frozen=True)
class Name:
    """A class in a key; without a role, how many more there are."""

    text: str
    role: Role | None

    def length(self, text_px: float) -> float:
        """How long it is, in pixels, with its dot."""
        dot = 0.0 if self.role is None else (DOT + SPACE) * text_px
        return dot + text_length(self.text, text_px)


@dataclass(frozen=True)
class NamedLines:
    """Names of classes, broken into lines."""

    lines: tuple[tuple[Name, ...], ...]
    text_px: float
    gap: float

    def length(self, line: Sequence[Name]) -> float:
        """How long a line is, in pixels."""
        return sum(name.length(self.text_px) for name in line) + self.gap * (len(line) - 1)


def key_height(key: Categories | Ramp, width: float, scale: float) -> float:
    """How high a key is, in pixels.

    Args:
        key: What it says.
        width: How wide it may be.
        scale: How large all things are, 1 on a page of 1080 pixels.
    """
    if isinstance(key, Ramp):
        return (LINE + BELOW) * _most_px(scale)
    # As it will be drawn, whatever the user's settings are.
    with missing_told_later(), plain_style():
        named = fitting_names(key, width, scale)
    return (LINE * len(named.lines) + BELOW) * named.text_px


def key_text_px(key: Categories | Ramp, width: float, scale: float) -> float:
    """How high a key's letters are, in pixels; `key_height` says the rest."""
    if isinstance(key, Ramp):
        return _most_px(scale)
    with missing_told_later(), plain_style():
        return fitting_names(key, width, scale).text_px


def fitting_names(key: Categories, width: float, scale: float) -> NamedLines:
    """A key's names in as few lines as can be, and as large as can be in these.

    Where they are too many, they are shortened; and where that is not enough, the last ones are
    counted.
    """
    most, least = _most_px(scale), _least_px(scale)
    gap = LEGEND_GAP_PX * scale
    # No more are measured than could have room.
    n_possible = int(MOST_LINES * (width + gap) / ((DOT + SPACE) * least + gap)) + 1
    given = [
        Name(printable(name), role)
        for name, role in zip(key.names[:n_possible], key.roles[:n_possible], strict=True)
    ]
    for longest in SHORTER if len(given) == len(key.names) else ():
        names = _shortened(given, longest)
        broken = _broken(names, width, least, gap)
        if broken is not None:
            return _largest(names, len(broken.lines), width, most, least, gap) or broken
    names = _shortened(given, SHORTER[-2])
    for n in range(len(names) - 1, 0, -1):
        counted = Name(f"+{len(key.names) - n}", None)
        broken = _broken([*names[:n], counted], width, least, gap)
        if broken is not None:
            return broken
    return NamedLines(((Name(f"+{len(key.names)}", None),),), least, gap)


def _shortened(names: Sequence[Name], most: int) -> list[Name]:
    """Names of at most so many characters, told apart by their ends where they begin alike."""
    texts = [shortened(name.text, most) for name in names]
    if len(set(texts)) < len({name.text for name in names}):
        tail = most // 2
        texts = [
            name.text
            if len(name.text) <= most
            else f"{name.text[: most - tail - 1]}…{name.text[-tail:]}"
            for name in names
        ]
    return [Name(text, name.role) for text, name in zip(texts, names, strict=True)]


def _most_px(scale: float) -> float:
    return max(LEGEND_PX * scale, _least_px(scale))


def _least_px(scale: float) -> float:
    return max(LEAST_LEGEND_PX * scale, LEAST_TEXT_PX)


def _largest(
    names: Sequence[Name], n_lines: int, width: float, most: float, least: float, gap: float
) -> NamedLines | None:
    """Names in so many lines, as large as they fit; nothing if that is the least size."""
    # Measuring takes long: as few sizes as can be are tried.
    sizes = np.arange(least + 1, most + 1)
    found, first, last = None, 0, len(sizes) - 1
    while first <= last:
        middle = (first + last) // 2
        broken = _broken(names, width, float(sizes[middle]), gap)
        if broken is not None and len(broken.lines) <= n_lines:
            found, first = broken, middle + 1
        else:
            last = middle - 1
    return found


def _broken(names: Sequence[Name], width: float, text_px: float, gap: float) -> NamedLines | None:
    """Names in lines, each as full as it can be; nothing if that takes too many lines."""
    lines: list[list[Name]] = [[]]
    end = -gap
    for name in names:
        length = name.length(text_px)
        if length > width:
            return None
        if end + gap + length > width:
            lines.append([])
            end = -gap
        end += gap + length
        lines[-1].append(name)
    if len(lines) > MOST_LINES:
        return None
    return NamedLines(tuple(map(tuple, lines)), text_px, gap)


def end_labels(low: float, high: float) -> tuple[str, str]:
    """The ends of a color bar, in as few digits as tell them apart."""
    for digits in range(LEAST_DIGITS, MOST_DIGITS + 1):
        a, b = (float(f"{value:.{digits}g}") for value in (low, high))
        if a != b:
            break
    first, last = number_labels((a, b))
    return first, last


class KeyPainter(Painter[KeyPanel, Still]):
    """Paints a key."""

    def chrome(self, figure: Figure) -> None:
        """All of it."""
        box, key = self.panel.cell.body, self.panel.key
        if isinstance(key, Ramp):
            _draw_bar(figure, self.size, box, key, self.theme, self.scale)
            return
        named = fitting_names(key, box.width, self.scale)
        for k, line in enumerate(named.lines):
            y = box.y + (k + 0.5) * LINE * named.text_px
            _draw_names(figure, self.size, box, y, line, named, self.theme)


def key_panel(box: Box, key: Categories | Ramp) -> KeyPanel:
    """The panel of a key in its band."""
    return KeyPanel(Cell(Box(box.x, box.y, box.width, 0), box), key)


def _draw_names(
    figure: Figure,
    size: tuple[int, int],
    box: Box,
    y: float,
    line: Sequence[Name],
    named: NamedLines,
    theme: Theme,
) -> None:
    """One line of names, centred."""
    from matplotlib.lines import Line2D

    text_px = named.text_px
    x = box.x + (box.width - named.length(line)) / 2
    for name in line:
        color, start = theme.muted, x
        if name.role is not None:
            color, start = role_color(name.role, theme), x + (DOT + SPACE) * text_px
            at = [(x + DOT * text_px / 2) / size[0]], [1 - y / size[1]]
            dot = Line2D(
                *at, marker="o", markersize=DOT * text_px, markeredgewidth=0, color=color,
                linestyle="none", transform=figure.transFigure,
            )  # fmt: skip
            figure.add_artist(dot)
        _write(figure, size, name.text, start, y, text_px, color)
        x += name.length(text_px) + named.gap


def _write(
    figure: Figure,
    size: tuple[int, int],
    text: str,
    x: float,
    y: float,
    text_px: float,
    color: str,
) -> None:
    figure.text(
        x / size[0], 1 - y / size[1], text, color=color, fontsize=text_px, ha="left",
        va="center_baseline", parse_math=False, **text_options(text),
    )  # fmt: skip


def _draw_bar(
    figure: Figure, size: tuple[int, int], box: Box, key: Ramp, theme: Theme, scale: float
) -> None:
    """A color bar between its two ends, centred."""
    text_px = _most_px(scale)
    first, last = end_labels(key.low, key.high)
    pad, height = SPACE * text_px * 1.5, BAR_HEIGHT * text_px
    sides = [text_length(text, text_px) + pad for text in (first, last)]
    length = min(BAR_PX * scale, BAR_SHARE * box.width)
    x = box.x + (box.width - length) / 2
    y = box.y + LINE * text_px / 2
    axes = figure.add_axes(
        (x / size[0], 1 - (y + height / 2) / size[1], length / size[0], height / size[1])
    )
    axes.set_axis_off()
    axes.imshow(np.linspace(0, 1, 256)[None], cmap=key.colormap, aspect="auto")
    _write(figure, size, first, x - sides[0], y, text_px, theme.text)
    _write(figure, size, last, x + length + pad, y, text_px, theme.text)
