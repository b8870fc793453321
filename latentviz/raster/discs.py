"""Discs to be drawn: how dots become them, and how those of several panels lie on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

_OFF_PAGE = np.float32(1e9)


@dataclass(frozen=True, eq=False)
class Discs:
    """M trails of up to n discs each, topmost first.

    A trail's discs are of one color and one kind, and adjacent in depth: the sub-steps of a point.

    Attributes:
        xs: (M, n) float32, their centres, in pixels.
        ys: (M, n) float32.
        counts: (M,) int32, how many of the n are used.
        kinds: (M,) int32, index into ``radii`` and ``alphas``.
        colors: (M, 3) float32, 0..255.
        radii: (kinds,) float32, in pixels.
        alphas: (kinds,) float32, of each single disc.
        origin: From which pixel of the page centres are measured. Equal discs in equal boxes are
            equal pixels only if they are measured from the same place in each: float32 rounds.
        shares: (n,) float32, how much of the light each disc of a trail has, where they are drawn
            one by one; a trail of one disc has all of it. None where they are stacked.
    """

    xs: NDArray[np.float32]
    ys: NDArray[np.float32]
    counts: NDArray[np.int32]
    kinds: NDArray[np.int32]
    colors: NDArray[np.float32]
    radii: NDArray[np.float32]
    alphas: NDArray[np.float32]
    origin: tuple[int, int] = (0, 0)
    shares: NDArray[np.float32] | None = None


def on_page(discs: Discs) -> Discs:
    """The same discs, measured from the page's corner."""
    left, top = discs.origin
    return replace(
        discs, xs=discs.xs + np.float32(left), ys=discs.ys + np.float32(top), origin=(0, 0)
    )


def dots(
    xy: NDArray[np.float32],
    rgb: NDArray[np.float32],
    order: NDArray[np.int64],
    *,
    center: tuple[float, float],
    px_per_unit: float,
    radius_px: float,
    alpha: float,
    farthest_px: float = np.inf,
    faded: NDArray[np.bool_] | None = None,
    faded_alpha: float = 0.0,
    faded_radius_px: float = 0.0,
    origin: tuple[int, int] = (0, 0),
    shares: NDArray[np.float32] | None = None,
) -> Discs:
    """The dots of points, each a trail of its sub-steps.

    Args:
        xy: (N, n, 2) right and up, in data units; what is NaN is not drawn.
        rgb: (N, 3) in 0..1.
        order: (N,) the points' numbers, the lowest first.
        center: Of the origin, in pixels from the page's top left corner.
        px_per_unit: How many pixels a unit of the data is long.
        radius_px: Of a dot.
        alpha: Of each sub-step.
        farthest_px: What lies so far to the left or right of the origin is not drawn.
        faded: (N,) points that have another alpha and radius; None where none have.
        faded_alpha: Theirs, of each sub-step.
        faded_radius_px: Theirs.
        origin: The pixel from which places are measured.
        shares: As `Cloud` has them.
    """
    n_points, n, _ = xy.shape
    scale, topmost = np.float32(px_per_unit), np.ascontiguousarray(order[::-1])
    xs, ys = np.empty((n_points, n), np.float32), np.empty((n_points, n), np.float32)
    with np.errstate(over="ignore"):  # too far off the page for a number is off the page
        for axis, places, px in ((0, xs, scale), (1, ys, -scale)):
            # Clipping, which never happens, spares a copy.
            np.take(xy[..., axis], topmost, 0, out=places, mode="clip")
            places *= px
        # What is too far, or NaN, is rare, and a maximum, which any NaN makes NaN, quick to find.
        far = max(-xs.min(initial=0), xs.max(initial=0))
        if not far <= farthest_px or np.isnan(ys.min(initial=0)):
            xs[np.abs(xs) > farthest_px] = _OFF_PAGE
            nowhere = np.isnan(xs) | np.isnan(ys)
            xs[nowhere], ys[nowhere] = _OFF_PAGE, 0
        xs += np.float32(center[0] - origin[0])
        ys += np.float32(center[1] - origin[1])
    return Discs(
        xs,
        ys,
        counts=np.full(n_points, n, np.int32),
        kinds=np.zeros(n_points, np.int32) if faded is None else faded[topmost].astype(np.int32),
        colors=rgb.take(topmost, 0) * np.float32(255),
        radii=np.array([radius_px] if faded is None else [radius_px, faded_radius_px], np.float32),
        alphas=np.array([alpha] if faded is None else [alpha, faded_alpha], np.float32),
        origin=origin,
        shares=shares,
    )


def plate(center: tuple[float, float], radius_px: float, color: tuple[int, int, int]) -> Discs:
    """One opaque disc.

    Args:
        center: In pixels from the page's top left corner.
        radius_px: Its radius.
        color: Its bytes.
    """
    return Discs(
        xs=np.array([[center[0]]], np.float32),
        ys=np.array([[center[1]]], np.float32),
        counts=np.ones(1, np.int32),
        kinds=np.zeros(1, np.int32),
        colors=np.array([color], np.float32),
        radii=np.array([radius_px], np.float32),
        alphas=np.ones(1, np.float32),
    )


def stacked(layers: Sequence[Discs]) -> Discs:
    """All discs of several layers of one origin, the topmost first."""
    n_trails = sum(len(layer.xs) for layer in layers)
    n = max((layer.xs.shape[1] for layer in layers), default=1)
    xs, ys = np.empty((n_trails, n), np.float32), np.empty((n_trails, n), np.float32)
    kinds = np.empty(n_trails, np.int32)
    first, first_kind = 0, 0
    for layer in layers:
        rows = slice(first, first + len(layer.xs))
        columns = slice(layer.xs.shape[1])
        xs[rows, columns], ys[rows, columns] = layer.xs, layer.ys
        kinds[rows] = layer.kinds + first_kind
        first, first_kind = rows.stop, first_kind + len(layer.radii)
    return Discs(
        xs,
        ys,
        counts=np.concatenate([np.empty(0, np.int32), *(layer.counts for layer in layers)]),
        kinds=kinds,
        colors=np.concatenate([np.empty((0, 3), np.float32), *(layer.colors for layer in layers)]),
        radii=np.concatenate([np.empty(0, np.float32), *(layer.radii for layer in layers)]),
        alphas=np.concatenate([np.empty(0, np.float32), *(layer.alphas for layer in layers)]),
        origin=layers[0].origin if layers else (0, 0),
        shares=next((layer.shares for layer in layers if layer.shares is not None), None),
    )


def draw_discs(canvas: NDArray[np.uint8], discs: Discs, *, box: tuple[int, int, int, int]) -> None:
    """Draw discs over what a canvas has, within a box; all else is left alone.

    Args:
        canvas: (3, H, W), where to draw.
        discs: What to draw.
        box: (left, top, right, bottom) in pixels, as far as it lies on the canvas.
    """
    given = (
        canvas, *box, *discs.origin,
        discs.xs, discs.ys, discs.counts, discs.kinds, discs.colors, discs.radii, discs.alphas,
    )  # fmt: skip
    if discs.shares is None:
        from .compositor import composite

        composite(*given)
        return
    from .shutter import composite_open, level_table

    composite_open(*given, discs.shares, level_table())
