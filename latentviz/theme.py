"""The two looks, dark and light. Colors are ``#rrggbb``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from .errors import OptionError

Palette = Literal["curves", "categories"]  # as a theme calls its palettes


@dataclass(frozen=True)
class Role:
    """A color of which a theme decides; `palette.role_color` looks it up."""

    palette: Palette
    index: int  # counted from 0, and from anew where the palette ends


@dataclass(frozen=True)
class Theme:
    """The colors of every picture and film."""

    name: str
    background: str
    disc: str  # the unit disc behind a projection; darker than the background in both themes
    text: str
    muted: str  # tick labels, axes, marks that must not compete with the data
    grid: str
    cursor: str  # the vertical line at the current step
    curves: tuple[str, ...]  # one a property or loss term, told apart on `background`
    categories: tuple[str, ...]  # points colored by a label, told apart on both grounds


# Curves: Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), which readers with any color
# vision can tell apart, lightened or darkened until each has a contrast of 3:1 or more to the
# background. Categories: ten hues (the last is none), the same in both themes; the lightness and
# chroma of each were searched for the greatest distance between any two, at a contrast of 3:1 or
# more to background and disc, and with an eye on those who see no red or no green. `palette` has
# more of both. The disc is the only scale that a film has: its contrast to the background is 1.5:1.
THEMES = {
    "dark": Theme(
        name="dark",
        background="#313239",
        disc="#0e0f13",
        text="#f2f2f4",
        muted="#a9abb5",
        grid="#42444e",
        cursor="#ffffff",
        curves=(
            "#e8e8ec",
            "#f5b83d",
            "#5cc0f5",
            "#2fc79a",
            "#f58a5c",
            "#e39ac4",
            "#f0e442",
            "#8fa8ff",
            "#c7a27c",
            "#9adb6a",
        ),
        categories=(
            "#0789e9",
            "#e08a1e",
            "#11a142",
            "#e8179b",
            "#e8e04a",
            "#ff5d59",
            "#bc9af6",
            "#71e9f7",
            "#fec8aa",
            "#949494",
        ),
    ),
    "light": Theme(
        name="light",
        background="#f4f4f6",
        disc="#c8c9d1",
        text="#17181c",
        muted="#4f515b",
        grid="#dcdde3",
        cursor="#17181c",
        curves=(
            "#33343b",
            "#a86a00",
            "#0077b3",
            "#007a59",
            "#c24a00",
            "#a8487f",
            "#7a7200",
            "#4a5fd0",
            "#85592c",
            "#3f7d10",
        ),
        categories=(
            "#0769b4",
            "#a25b00",
            "#045820",
            "#8f1f66",
            "#706600",
            "#b8322f",
            "#6d0fbd",
            "#0e7079",
            "#582400",
            "#22252c",
        ),
    ),
}


def on_white(theme: Theme) -> Theme:
    """A theme's colors on paper; those of the light theme, as others would not stand out."""
    light = theme if theme.name == "light" else THEMES["light"]
    return replace(light, background="#ffffff")


def theme_named(name: str) -> Theme:
    """The theme of that name.

    Raises:
        OptionError: There is none.
    """
    try:
        return THEMES[name]
    except KeyError:
        raise OptionError(f"theme must be one of {', '.join(THEMES)}, got {name!r}") from None


def rgb_bytes(color: str) -> tuple[int, int, int]:
    """The three bytes of a ``#rrggbb`` color."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
