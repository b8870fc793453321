"""The compositor: blended, anti-aliased discs, compiled, exact to one level of 255.

Discs come in *trails*: the sub-steps of one point, adjacent in depth and of one colour. For such
discs of alpha a and coverage c the light that passes is the product of (1 - a·c), whatever their
order, so a trail is composited in one go: only that product is taken sub-step by sub-step.

The page is cut into tiles. Each tile walks its trails from the topmost down, keeps what light
still passes (the transmittance) for each pixel, and stops when too little is left to show; the
background comes last. No fastmath: the same bits on every CPU.

Coverage is ½ + (r² - d²) / 2r, clamped to 0..1, for a pixel whose centre is d from the disc's: the
usual ramp of one pixel around the radius, to within 1/8r, without a square root.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

TILE = 16
AREA = TILE * TILE

_f = np.float32
_HALF = _f(0.5)
_ZERO = _f(0)
_ONE = _f(1)
# A pixel through which less light passes is done: what lies below changes it by under one level.
_SPENT = _f(1 / 256)
_NOTHING = _f(1e-12)


@njit(nogil=True, cache=True)
def composite(  # noqa: D417 - the arrays are described together
    canvas: NDArray[np.uint8],
    background: NDArray[np.uint8],
    bottom: int,
    xs: NDArray[np.float32],
    ys: NDArray[np.float32],
    counts: NDArray[np.int32],
    kinds: NDArray[np.int32],
    colors: NDArray[np.float32],
    radii: NDArray[np.float32],
    alphas: NDArray[np.float32],
) -> None:
    """Draw M trails over a background, topmost first.

    Args:
        canvas: (3, H, W), where to draw; it holds the background already.
        background: (3,) the background's colour, the same all over the rows above ``bottom``.
        bottom: Rows from here down are left alone.
        xs, ys: (M, n) centres of each trail's discs, in pixels.
        counts: (M,) how many of the n are used.
        kinds: (M,) index into ``radii`` and ``alphas``.
        colors: (M, 3), 0..255.
        radii: (kinds,) in pixels.
        alphas: (kinds,) of each single disc.
    """
    height, width = min(bottom, canvas.shape[1]), canvas.shape[2]
    nx = (width + TILE - 1) // TILE
    ny = (height + TILE - 1) // TILE
    n_trails = xs.shape[0]

    # Each trail's bounding circle: its centre, and how far its discs' centres stray from it.
    cx = np.empty(n_trails, np.float32)
    cy = np.empty(n_trails, np.float32)
    spread = np.empty(n_trails, np.float32)
    for g in range(n_trails):
        low_x, high_x, low_y, high_y = xs[g, 0], xs[g, 0], ys[g, 0], ys[g, 0]
        for s in range(1, counts[g]):
            low_x, high_x = min(low_x, xs[g, s]), max(high_x, xs[g, s])
            low_y, high_y = min(low_y, ys[g, s]), max(high_y, ys[g, s])
        # Far off the page is as good as anywhere off it, and keeps the sums finite.
        cx[g] = min(max((low_x + high_x) * _HALF, _f(-1e6)), _f(1e6))
        cy[g] = min(max((low_y + high_y) * _HALF, _f(-1e6)), _f(1e6))
        far = _ZERO
        for s in range(counts[g]):
            dx, dy = xs[g, s] - cx[g], ys[g, s] - cy[g]
            far = max(far, dx * dx + dy * dy)
        # A little more, for the rounding of the sums below.
        spread[g] = np.sqrt(far) + _f(0.01)

    n_kinds = radii.shape[0]
    outer = np.empty(n_kinds, np.float32)  # beyond this distance nothing is covered
    inner = np.empty(n_kinds, np.float32)  # within this distance all is
    for k in range(n_kinds):
        r = radii[k]
        outer[k] = np.sqrt(r * r + r)
        inner[k] = np.sqrt(max(_ZERO, r * r - r))

    starts, items = _bin(cx, cy, spread, kinds, outer, nx, ny)

    # Within a tile, pixel (i mod TILE, i div TILE) has its centre at (px, py), and the part of
    # 1 - a·c that does not depend on the disc's centre is `passed`.
    px = np.empty(AREA, np.float32)
    py = np.empty(AREA, np.float32)
    passed = np.empty((n_kinds, AREA), np.float32)
    for i in range(AREA):
        px[i] = _f(i % TILE) + _HALF
        py[i] = _f(i // TILE) + _HALF
        for k in range(n_kinds):
            r, a = radii[k], alphas[k]
            curve = a / (r + r)
            passed[k, i] = _ONE - a * (_HALF + r * _HALF) + curve * (px[i] * px[i] + py[i] * py[i])

    across = np.empty(xs.shape[1], np.float32)
    down = np.empty(xs.shape[1], np.float32)
    rest = np.empty(xs.shape[1], np.float32)
    light = np.empty(AREA, np.float32)
    through = np.empty(AREA, np.float32)
    red = np.empty(AREA, np.float32)
    green = np.empty(AREA, np.float32)
    blue = np.empty(AREA, np.float32)
    for tile in range(nx * ny):
        first, last = starts[tile], starts[tile + 1]
        if first == last:
            continue
        x0, y0 = (tile % nx) * TILE, (tile // nx) * TILE
        rows, columns = min(TILE, height - y0), min(TILE, width - x0)
        for i in range(AREA):
            light[i] = _ONE
            red[i] = _ZERO
            green[i] = _ZERO
            blue[i] = _ZERO
        top, bottom = 0, rows  # the rows through which light still passes
        for item in range(first, last):
            g = items[item]
            k = kinds[g]
            x, y = cx[g] - _f(x0), cy[g] - _f(y0)
            far_x = max(abs(x), abs(x - _f(TILE)))
            far_y = max(abs(y - _f(top)), abs(y - _f(bottom)))
            within = inner[k] - spread[g]
            if within > _ZERO and far_x * far_x + far_y * far_y < within * within:
                # Every disc of the trail covers all of these rows.
                passing = _ONE
                for _ in range(counts[g]):
                    passing *= _ONE - alphas[k]
                a, b = top, bottom
                for i in range((b - a) * TILE):
                    through[i] = passing
            else:
                reach = outer[k] + spread[g]
                a = max(top, int(math.floor(y - reach)))
                b = min(bottom, int(math.ceil(y + reach)))
                if a >= b:
                    continue
                _pass(
                    through, passed[k], px, py, a, b, xs[g], ys[g], counts[g],
                    _f(x0), _f(y0), alphas[k], radii[k], across, down, rest,
                )  # fmt: skip
            _blend(light, red, green, blue, through, a * TILE, (b - a) * TILE, colors[g])
            while top < bottom and _is_spent(light, top):
                top += 1
            while top < bottom and _is_spent(light, bottom - 1):
                bottom -= 1
            if top == bottom:
                break
        _store(canvas, background, light, red, green, blue, x0, y0, rows, columns)


@njit(nogil=True, cache=True)
def _bin(cx: Any, cy: Any, spread: Any, kinds: Any, outer: Any, nx: int, ny: int) -> Any:
    """For each tile the trails that may touch it, topmost first: items[starts[t]:starts[t + 1]]."""
    starts = np.zeros(nx * ny + 1, np.int64)
    items = np.empty(0, np.int32)
    per_tile = _f(1 / TILE)
    for counting in (True, False):
        if not counting:
            total = 0
            for t in range(nx * ny + 1):
                total, starts[t] = total + starts[t], total
            items = np.empty(total, np.int32)
        for g in range(cx.shape[0]):
            reach = outer[kinds[g]] + spread[g]
            top = max(0, int(math.floor((cy[g] - reach) * per_tile)))
            low = min(ny - 1, int(math.floor((cy[g] + reach) * per_tile)))
            for ty in range(top, low + 1):
                dy = max(_f(ty * TILE) - cy[g], _ZERO, cy[g] - _f(ty * TILE + TILE))
                chord = reach * reach - dy * dy
                if chord <= _ZERO:
                    continue
                chord = np.sqrt(chord)
                left = max(0, int(math.floor((cx[g] - chord) * per_tile)))
                right = min(nx - 1, int(math.floor((cx[g] + chord) * per_tile)))
                for t in range(ty * nx + left, ty * nx + right + 1):
                    if not counting:
                        items[starts[t]] = g
                    starts[t] += 1
    # Filling moved each start to the next tile's.
    for t in range(nx * ny, 0, -1):
        starts[t] = starts[t - 1]
    starts[0] = 0
    return starts, items


@njit(nogil=True, cache=True)
def _pass(
    through: Any, passed: Any, px: Any, py: Any, top: int, bottom: int, xs: Any,
    ys: Any, count: int, x0: Any, y0: Any, alpha: Any, radius: Any, across: Any, down: Any, rest: Any,
) -> None:  # fmt: skip
    """How much light a trail lets through at a tile's rows from ``top`` to ``bottom``: Π (1 - a·c).

    With c = ½ + (r² - |p - z|²) / 2r, and p - z squared multiplied out, a factor is a sum of
    `passed`, which is the pixel's, and three terms of the disc's, which are worked out first, in
    ``across``, ``down`` and ``rest``.
    """
    least = _ONE - alpha
    curve = alpha / (radius + radius)
    # Tell which discs cover all of these rows, and which none of them.
    half_x, half_y = _f(TILE) * _HALF, _f(bottom - top) * _HALF
    mid_x, mid_y = half_x, _f(top) + half_y
    diagonal = np.sqrt(half_x * half_x + half_y * half_y)
    outside = radius + _HALF + diagonal
    inside = max(_ZERO, radius - _HALF - diagonal)
    passing = _ONE
    m = 0
    for s in range(count):
        x, y = xs[s] - x0, ys[s] - y0
        dx, dy = x - mid_x, y - mid_y
        distance2 = dx * dx + dy * dy
        if distance2 < inside * inside:
            passing *= least
        elif distance2 < outside * outside:
            across[m] = _f(-2) * curve * x
            down[m] = _f(-2) * curve * y
            rest[m] = curve * (x * x + y * y)
            m += 1
    base, n = np.uint64(top * TILE), (bottom - top) * TILE
    for i in range(n):
        through[i] = passing
    # Four discs a turn: they share the loads and the store.
    fours = m - m % 4
    for s in range(0, fours, 4):
        ra, da, ea = across[s], down[s], rest[s]
        rb, db, eb = across[s + 1], down[s + 1], rest[s + 1]
        rc, dc, ec = across[s + 2], down[s + 2], rest[s + 2]
        rd, dd, ed = across[s + 3], down[s + 3], rest[s + 3]
        for i in range(n):
            j = base + np.uint64(i)
            p, x, y = passed[j], px[j], py[j]
            first = min(_ONE, max(least, p + (ra * x + (da * y + ea))))
            second = min(_ONE, max(least, p + (rb * x + (db * y + eb))))
            third = min(_ONE, max(least, p + (rc * x + (dc * y + ec))))
            fourth = min(_ONE, max(least, p + (rd * x + (dd * y + ed))))
            through[i] *= (first * second) * (third * fourth)
    for s in range(fours, m):
        ra, da, ea = across[s], down[s], rest[s]
        for i in range(n):
            j = base + np.uint64(i)
            through[i] *= min(_ONE, max(least, passed[j] + (ra * px[j] + (da * py[j] + ea))))


@njit(nogil=True, cache=True)
def _blend(
    light: Any, red: Any, green: Any, blue: Any, through: Any, offset: int, n: int, color: Any
) -> None:
    base = np.uint64(offset)
    r, g, b = color[0], color[1], color[2]
    for i in range(n):
        j = base + np.uint64(i)
        kept = light[j] * through[i]
        seen = light[j] - kept
        red[j] += seen * r
        green[j] += seen * g
        blue[j] += seen * b
        # Below this nothing shows; and numbers too small to be normal are slow.
        light[j] = kept if kept > _NOTHING else _ZERO


@njit(nogil=True, cache=True)
def _is_spent(light: Any, row: int) -> bool:
    """Whether next to no light passes any more through a row of a tile."""
    for i in range(row * TILE, row * TILE + TILE):
        if light[np.uint64(i)] >= _SPENT:
            return False
    return True


@njit(nogil=True, cache=True)
def _store(
    canvas: Any, background: Any, light: Any, red: Any, green: Any, blue: Any,
    x0: int, y0: int, rows: int, columns: int,
) -> None:  # fmt: skip
    r, g, b = _f(background[0]), _f(background[1]), _f(background[2])
    left, top = np.uint64(x0), np.uint64(y0)
    for row in range(np.uint64(rows)):
        y = top + row
        for column in range(np.uint64(columns)):
            i, x = row * np.uint64(TILE) + column, left + column
            canvas[0, y, x] = np.uint8(np.int32(red[i] + light[i] * r + _HALF))
            canvas[1, y, x] = np.uint8(np.int32(green[i] + light[i] * g + _HALF))
            canvas[2, y, x] = np.uint8(np.int32(blue[i] + light[i] * b + _HALF))


@njit(nogil=True, cache=True)
def blend_mask(
    canvas: NDArray[np.uint8],
    mask: NDArray[np.float32],
    x0: int,
    y0: int,
    color: tuple[int, int, int],
) -> None:
    """Blend a colour onto (3, H, W) through a mask (h, w) of 0..1 at (x0, y0), clipped."""
    for channel in range(3):
        ink = _f(color[channel])
        plane = canvas[channel]
        for row in range(max(0, -y0), min(mask.shape[0], canvas.shape[1] - y0)):
            for column in range(max(0, -x0), min(mask.shape[1], canvas.shape[2] - x0)):
                below = _f(plane[y0 + row, x0 + column])
                value = below + mask[row, column] * (ink - below)
                plane[y0 + row, x0 + column] = np.uint8(np.int32(value + _HALF))
