"""Colors for things that have none of their own: curves by name, points by class.

A theme has a few, chosen by hand. Where more are wanted they come from colorcet's Glasbey palette,
each of whose colors is far from all before it (Glasbey et al., 2007,
https://doi.org/10.1002/col.20327), lightened or darkened until it stands out from the theme's
grounds. The n-th color has the same hue in every theme.
"""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .errors import LatentvizWarning
from .theme import THEMES, Palette, Role, Theme, rgb_bytes

LEAST_CONTRAST = 3.0  # to a theme's grounds: WCAG 2.2's for graphics, success criterion 1.4.11
LEAST_DISTANCE = 16.0  # between two colors, Euclidean in CIELAB, in which 1 is just seen
TINTS = np.linspace(0.0, 0.95, 20)  # how much white or black a color is mixed with

# From linear sRGB, under its white.
_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float64
)


class RepeatedColorWarning(LatentvizWarning):
    """There are more curves or classes than colors that can be told apart."""


def palette_roles(n: int, palette: Palette) -> list[Role]:
    """The colors of n curves or classes, in order.

    Warns with a `RepeatedColorWarning` where n is more than there are.
    """
    n_colors = _count(n, palette)
    if n > n_colors:
        what = "classes" if palette == "categories" else palette
        warnings.warn(
            f"{n} {what} share {n_colors} colors: from number {n_colors} on (counted from 0) "
            "each has the color of an earlier one",
            RepeatedColorWarning,
            stacklevel=3,
        )
    return [Role(palette, i) for i in range(n)]


def role_color(role: Role, theme: Theme) -> str:
    """A role's color in a theme, ``#rrggbb``.

    Colors for curves are told apart on the theme's background, those for categories on its disc,
    too.
    """
    own: tuple[str, ...] = getattr(theme, role.palette)
    if role.index < len(own):
        return own[role.index]
    colors = _colors(role.palette, theme)
    return colors[role.index % len(colors)]


def _count(n: int, palette: Palette) -> int:
    """How many colors a palette has, in any theme; the further ones count if n needs them."""
    theme = next(iter(THEMES.values()))
    own: tuple[str, ...] = getattr(theme, palette)
    return len(own) if n <= len(own) else len(_colors(palette, theme))


def _colors(palette: Palette, theme: Theme) -> tuple[str, ...]:
    """All colors of a palette."""
    own: tuple[str, ...] = getattr(theme, palette)
    return own + _further(palette)[theme.name]


@cache
def _further(palette: Palette) -> dict[str, tuple[str, ...]]:
    """Colors to go on with, by theme, apart from each other and from the theme's own."""
    import colorcet

    themes = list(THEMES.values())
    taken = [[*map(_lab, getattr(theme, palette))] for theme in themes]
    found: list[list[str]] = [[] for _ in themes]
    for candidate in colorcet.b_glasbey_bw_minc_20:
        tinted = [_standing_out(candidate, theme) for theme in themes]
        labs = [_lab(color) for color in tinted]
        if all(
            np.linalg.norm(np.array(others) - lab, axis=1).min() >= LEAST_DISTANCE
            for others, lab in zip(taken, labs, strict=True)
        ):
            for k, (color, lab) in enumerate(zip(tinted, labs, strict=True)):
                found[k].append(color)
                taken[k].append(lab)
    return {theme.name: tuple(colors) for theme, colors in zip(themes, found, strict=True)}


def _standing_out(color: str, theme: Theme) -> str:
    """A color with as little white or black as gives it enough contrast to both grounds."""
    rgb = np.array(rgb_bytes(color)) / 255
    ink = 1.0 if luminance(theme.background) < 0.2 else 0.0
    for tint in TINTS:
        mixed = _hex(rgb + tint * (ink - rgb))
        if all(contrast(mixed, g) >= LEAST_CONTRAST for g in (theme.background, theme.disc)):
            return mixed
    return theme.text


def contrast(a: str, b: str) -> float:
    """WCAG 2.2's contrast ratio of two ``#rrggbb`` colors, 1 to 21."""
    darker, lighter = sorted([luminance(a), luminance(b)])
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    """The relative luminance of a ``#rrggbb`` color, 0 to 1."""
    return float(_XYZ[1] @ _linear(color))


def _linear(color: str) -> NDArray[np.float64]:
    c = np.array(rgb_bytes(color)) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def _lab(color: str) -> NDArray[np.float64]:
    """CIELAB under sRGB's white."""
    t = _XYZ @ _linear(color) / _XYZ.sum(1)
    x, y, z = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _hex(rgb: NDArray[np.float64]) -> str:
    r, g, b = np.rint(255 * rgb).astype(int)
    return f"#{r:02x}{g:02x}{b:02x}"
