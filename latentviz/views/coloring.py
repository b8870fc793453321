"""The colors of a run's points, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..backend import COLORMAP, check_colormap, import_matplotlib
from ..errors import OptionError
from ..palette import palette_roles, role_color
from ..scene import Categories, Coloring, Ramp
from ..theme import Theme, rgb_bytes

SHUFFLE_SEED = 0


def coloring(
    colors: NDArray[np.generic] | None,
    n_points: int,
    theme: Theme,
    colormap: str = COLORMAP,
    *,
    class_names: Sequence[str] | None = None,
) -> Coloring:
    """What color each point is drawn in, and what that means.

    Args:
        colors: (N, 3) RGB in 0..1; (N,) integer labels, which take a qualitative palette's
            colors in sorted order; (N,) scalars, which take a colormap's, from their
            least to their greatest; or None, which gives the points the colormap's colors in
            order.
        n_points: N.
        theme: Where the qualitative palette comes from.
        colormap: The name of a matplotlib colormap, for scalars.
        class_names: The names that labels number; by default labels are their own names.

    Raises:
        OptionError: The shape is wrong, a value is out of range, or there is no such colormap.
    """
    check_colormap(colormap)
    if colors is None:
        return Coloring(_mapped(np.arange(n_points, dtype=np.float64), colormap))
    if colors.shape not in ((n_points, 3), (n_points,)):
        raise OptionError(
            f"colors must be ({n_points}, 3) RGB or ({n_points},) labels or scalars, "
            f"got {colors.shape}"
        )
    if colors.ndim == 2:
        rgb = colors.astype(np.float32)
        if not ((rgb >= 0) & (rgb <= 1)).all():
            raise OptionError("RGB colors must lie in 0..1; divide bytes by 255")
        return Coloring(rgb)
    if colors.dtype.kind in "iub":
        return _of_classes(colors, theme, class_names)
    scalars = colors.astype(np.float64)
    if not np.isfinite(scalars).all():
        raise OptionError("scalar colors must be finite, got NaN or infinity")
    low, high = float(scalars.min()), float(scalars.max())
    return Coloring(_mapped(scalars, colormap), Ramp(low, high, colormap))


def _of_classes(labels: NDArray[np.generic], theme: Theme, names: Sequence[str] | None) -> Coloring:
    classes, which = np.unique(labels, return_inverse=True)
    roles = palette_roles(len(classes), "categories")
    palette = np.array([rgb_bytes(role_color(role, theme)) for role in roles], np.float32)
    named = tuple(str(label) if names is None else names[label] for label in classes.tolist())
    return Coloring(palette[which] / np.float32(255), Categories(named, tuple(roles)))


def are_colors(colors: NDArray[np.generic] | None) -> bool:
    """Whether a run's points are colors, (N, 3), and not of classes, scalars or nothing.

    This is the one rule by which films choose a look: such points are drawn as in the published
    films, in their order, as large dots that may run over into the neighbouring projection. All
    others are drawn in frames, shuffled, the smaller the more there are.
    """
    return colors is not None and colors.ndim == 2


def drawing_order(
    colors: NDArray[np.generic] | None,
    n_points: int,
    highlighted: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """In which order points are drawn, the lowest first.

    Points that are colors keep their own. Of all others the last ones would hide those before them,
    as labels often come sorted: they are shuffled, always alike.

    Args:
        colors: As for `coloring`.
        n_points: N.
        highlighted: (N,) the points that lie above all others; None where none do.

    Returns:
        (N,) int64, the points' numbers.
    """
    order = np.arange(n_points) if are_colors(colors) else _shuffled(n_points)
    if highlighted is None:
        return order
    return np.concatenate([order[~highlighted[order]], order[highlighted[order]]])


@lru_cache(maxsize=8)  # every frame asks for it
def _shuffled(n_points: int) -> NDArray[np.int64]:
    order = np.random.default_rng(SHUFFLE_SEED).permutation(n_points)
    order.setflags(write=False)
    return order


def _mapped(scalars: NDArray[np.float64], colormap: str) -> NDArray[np.float32]:
    """A colormap's colors, (N, 3), from the least of the scalars to the greatest."""
    import_matplotlib()  # here, as colors and classes have no need of it
    from matplotlib import colormaps

    span = float(np.ptp(scalars)) or 1.0
    rgba = np.asarray(colormaps[colormap]((scalars - scalars.min()) / span), np.float32)
    return rgba[:, :3]
