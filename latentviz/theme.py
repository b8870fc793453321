"""The two looks, dark and light. Colours are ``#rrggbb``."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import OptionError


@dataclass(frozen=True)
class Theme:
    """What every picture and film takes its colours from."""

    name: str
    background: str
    disc: str  # the unit disc behind a projection; darker than the background in both themes
    text: str
    muted: str  # tick labels, axes, marks that must not compete with the data
    grid: str
    cursor: str  # the vertical line at the current step
    curves: tuple[str, ...]  # one a property or loss term, told apart on `background`
    categories: tuple[str, ...]  # points coloured by a label, told apart on `disc`


# Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), which readers with any colour vision
# can tell apart, lightened or darkened until each has a contrast of 3:1 or more: curves against
# their theme's background, categories against its disc.
THEMES = {
    "dark": Theme(
        name="dark",
        background="#24252b",
        disc="#141519",
        text="#f2f2f4",
        muted="#a9abb5",
        grid="#3a3c45",
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
            "#56b4e9",
            "#e69f00",
            "#009e73",
            "#cc79a7",
            "#f0e442",
            "#d55e00",
            "#0072b2",
            "#e8e8ec",
            "#8c6bd1",
            "#8a8d96",
        ),
    ),
    "light": Theme(
        name="light",
        background="#f4f4f6",
        disc="#d9dae0",
        text="#17181c",
        muted="#5a5c66",
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
            "#0077b3",
            "#a86a00",
            "#007a59",
            "#a8487f",
            "#7a7200",
            "#c24a00",
            "#4a5fd0",
            "#33343b",
            "#85592c",
            "#3f7d10",
        ),
    ),
}


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
    """The three bytes of a ``#rrggbb`` colour."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
