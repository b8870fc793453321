"""The colours of a run's points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..backend import import_matplotlib
from ..errors import OptionError
from ..palette import category_palette
from ..theme import Theme, rgb_bytes

SHUFFLE_SEED = 0


def point_colors(
    colors: NDArray[np.generic] | None, n_points: int, theme: Theme, colormap: str = "viridis"
) -> NDArray[np.float32]:
    """What colour each point is drawn in.

    Args:
        colors: (N, 3) RGB in 0..1; (N,) integer labels, which take a qualitative palette's
            colours in sorted order; (N,) scalars, which take a colormap's, from their
            least to their greatest; or None, which gives the points the colormap's colours in
            order.
        n_points: N.
        theme: Where the qualitative palette comes from.
        colormap: The name of a matplotlib colormap, for scalars.

    Returns:
        (N, 3) float32 in 0..1.

    Raises:
        OptionError: The shape is wrong, a value is out of range, or there is no such colormap.
    """
    import_matplotlib()
    from matplotlib import colormaps

    if colormap not in colormaps:
        raise OptionError(f"matplotlib has no colormap {colormap!r}; viridis is one")
    if colors is None:
        colors = np.arange(n_points, dtype=np.float64)
    if colors.shape not in ((n_points, 3), (n_points,)):
        raise OptionError(
            f"colors must be ({n_points}, 3) RGB or ({n_points},) labels or scalars, "
            f"got {colors.shape}"
        )
    if colors.ndim == 2:
        rgb = colors.astype(np.float32)
        if not ((rgb >= 0) & (rgb <= 1)).all():
            raise OptionError("RGB colors must lie in 0..1; divide bytes by 255")
        return rgb
    if colors.dtype.kind in "iub":
        classes, labels = np.unique(colors, return_inverse=True)
        palette = category_palette(len(classes), theme)
        picked: NDArray[np.float32] = np.array([rgb_bytes(c) for c in palette], np.float32)[labels]
        return picked / np.float32(255)
    return _mapped(colors.astype(np.float64), colormap)


def drawing_order(colors: NDArray[np.generic] | None, n_points: int) -> NDArray[np.int64]:
    """In which order points are drawn, the lowest first.

    Points that are colours keep their own. Of those that are classes or scalars the last ones would
    hide all others, as labels often come sorted: they are shuffled, always alike.

    Args:
        colors: As for `point_colors`.
        n_points: N.

    Returns:
        (N,) int64, the points' numbers.
    """
    if colors is None or colors.ndim == 2:
        return np.arange(n_points)
    return np.random.default_rng(SHUFFLE_SEED).permutation(n_points)


def _mapped(scalars: NDArray[np.float64], colormap: str) -> NDArray[np.float32]:
    from matplotlib import colormaps

    if not np.isfinite(scalars).all():
        raise OptionError("scalar colors must be finite, got NaN or infinity")
    span = float(np.ptp(scalars)) or 1.0
    rgba = np.asarray(colormaps[colormap]((scalars - scalars.min()) / span), np.float32)
    return rgba[:, :3]
