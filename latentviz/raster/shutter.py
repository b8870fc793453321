"""The compositor of an open shutter: each sub-step drawn whole, and their light averaged.

A frame is the weighted mean, in linear light, of what each of its sub-steps would look like alone.
Each tile of the page draws its sub-steps one after the other, and adds up their light; a sub-step
of which no disc touches the tile is the ground, which is added once for all such.

The light of a level is sRGB's to within 0.04 %: what a polynomial has for it. Coverage is as
`compositor` has it, without a square root. No fastmath: the same bits on every CPU.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numpy.typing import NDArray

from .compiled import compiled
from .lanes import INDEX, NUMBER, TILE, data_of, everywhere, intrinsic, pixel_centers, row_at, splat

AREA = TILE * TILE
N_LIGHTS = 1 << 15  # places at which the level of a light is known; between them, straight lines
LEVELS = 255
# The light of levels in 0..1: so much of those up to the knee, and of those above the polynomial
# that is nearest to sRGB's power, in its relative error.
KNEE, SLOPE = np.float32(0.04045), np.float32(1 / 12.92)
P0, P1, P2, P3, P4, P5 = (
    np.float32(c)
    for c in (0.000883156492, 0.0339267254, 0.507513225, 0.710516751, -0.369167954, 0.11669844389)
)

# A tile's planes and a row lie end to end in one array, at constant places: so the compiler
# knows that they do not overlap. Unsigned, so that no index is taken to count from the end.
LIGHT, RED, GREEN, BLUE, TOTAL, BELOW, POWER = (
    np.uint64(plane * AREA) for plane in (0, 1, 2, 3, 4, 7, 10)
)
N_NUMBERS = int(POWER) + TILE
_U = np.uint64

_f = np.float32
_ZERO, _HALF, _ONE = _f(0), _f(0.5), _f(1)
_SPENT = _f(1 / 256)  # light of which no more shows, as in `compositor`
_NOTHING = _f(1e-12)
_LEVEL = _f(1 / LEVELS)


def light_of(level: Any) -> Any:
    """The light 0..1 of levels in 0..1, an array or a number."""
    curve = P0 + level * (P1 + level * (P2 + level * (P3 + level * (P4 + level * P5))))
    return np.where(level <= KNEE, level * SLOPE, curve)


@cache
def level_table() -> NDArray[np.float32]:
    """The level 0..255 of `N_LIGHTS` + 1 lights in 0..1, and the last once more: see `light_of`."""
    levels = np.linspace(0, 1, 1 << 18)
    lights = np.arange(N_LIGHTS + 2) / N_LIGHTS
    return np.interp(lights, light_of(levels), LEVELS * levels).astype(np.float32)


@compiled
def composite_open(
    canvas: NDArray[np.uint8],
    left: int,
    top: int,
    right: int,
    bottom: int,
    origin_x: int,
    origin_y: int,
    xs: NDArray[np.float32],
    ys: NDArray[np.float32],
    counts: NDArray[np.int32],
    kinds: NDArray[np.int32],
    colors: NDArray[np.float32],
    radii: NDArray[np.float32],
    alphas: NDArray[np.float32],
    weights: NDArray[np.float32],
    levels: NDArray[np.float32],
) -> None:
    """Draw trails over a canvas, topmost first, their discs one sub-step after the other.

    Arguments are as of `composite`, and beside them each sub-step's share of the light, and the
    `level_table`. A disc is as opaque as all of its trail would be in one place.
    """
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, canvas.shape[2]), min(bottom, canvas.shape[1])
    nx = max(0, right - left + TILE - 1) // TILE
    ny = max(0, bottom - top + TILE - 1) // TILE
    outer = np.empty(radii.shape[0], np.float32)  # beyond this distance nothing is covered
    inner = np.empty(radii.shape[0], np.float32)  # within this distance all is
    for k in range(radii.shape[0]):
        outer[k] = np.sqrt(radii[k] * radii[k] + radii[k])
        inner[k] = np.sqrt(max(_ZERO, radii[k] * radii[k] - radii[k]))
    starts, items = _binned(
        nx, ny, left - origin_x, top - origin_y, xs, ys, counts, kinds, outer, weights
    )
    work = np.empty(N_NUMBERS, np.float32)
    is_lit = np.empty(TILE, np.bool_)  # whether light still passes in each row
    for tile in range(nx * ny):
        first, last = starts[tile], starts[tile + 1]
        if first == last:
            continue
        x0, y0 = left + (tile % nx) * TILE, top + (tile // nx) * TILE
        rows, columns = min(TILE, bottom - y0), min(TILE, right - x0)
        at_x, at_y = _f(x0 - origin_x), _f(y0 - origin_y)
        _read_below(canvas, work, x0, y0, rows, columns)
        untouched = _ZERO
        for s in range(weights.shape[0]):
            weight = weights[s]
            if weight <= _ZERO:
                continue
            n_lit = 0  # rows; none before the first disc that touches the tile
            is_touched = False
            for item in range(first, last):
                g = items[item]
                disc = s if counts[g] > 1 else 0
                k = kinds[g]
                x, y, reach = xs[g, disc] - at_x, ys[g, disc] - at_y, outer[k]
                dx = max(_ZERO, max(-x, x - _f(TILE)))
                dy = max(_ZERO, max(-y, y - _f(TILE)))
                if dx * dx + dy * dy >= reach * reach:
                    continue
                if not is_touched:
                    is_touched, n_lit = True, rows
                    _begin(work)
                    for row in range(TILE):
                        is_lit[row] = row < rows
                a, b = max(0, int(y - reach)), min(TILE, int(y + reach) + 1)
                far_x = max(abs(x), abs(x - _f(TILE)))
                passing = _power(_ONE - alphas[k], counts[g])
                r, green, blue = colors[g, 0] * _LEVEL, colors[g, 1] * _LEVEL, colors[g, 2] * _LEVEL
                for row in range(a, b):
                    if not is_lit[row]:
                        continue
                    down = _f(row) + _HALF - y
                    if dx * dx + down * down >= reach * reach:
                        continue
                    if far_x * far_x + down * down < inner[k] * inner[k]:
                        _fill(work, passing)
                    else:
                        _pass(work, x, down, radii[k], alphas[k], counts[g])
                    lit = _lay(work, _U(row * TILE), r, green, blue)
                    if lit:
                        continue
                    is_lit[row] = False
                    n_lit -= 1
                if n_lit == 0:
                    break
            if is_touched:
                _add_light(work, weight)
            else:
                untouched += weight
        if untouched > _ZERO:
            _begin(work)
            _add_light(work, untouched)
        for channel in range(3):
            plane = TOTAL + _U(channel * AREA)
            for row in range(rows):
                for column in range(columns):
                    place = min(work[plane + _U(row * TILE + column)], _ONE) * _f(N_LIGHTS)
                    i = int(place)
                    level = levels[i] + (place - _f(i)) * (levels[i + 1] - levels[i])
                    canvas[channel, y0 + row, x0 + column] = np.uint8(np.int32(level + _HALF))


@compiled
def _begin(work: Any) -> None:
    """A tile of which nothing is seen yet."""
    for i in range(_U(AREA)):
        work[LIGHT + i] = _ONE
        work[RED + i] = _ZERO
        work[GREEN + i] = _ZERO
        work[BLUE + i] = _ZERO


@compiled
def _power(base: Any, exponent: int) -> Any:
    """A number to a power, by squaring."""
    power = _ONE
    while exponent > 0:
        if exponent & 1:
            power *= base
        base *= base
        exponent >>= 1
    return power


@intrinsic  # type: ignore[untyped-decorator]  # see `intrinsic`
def _pass(
    typing: Any, work: Any, x: Any, down: Any, radius: Any, alpha: Any, count: Any
) -> Any:  # fmt: skip
    """How much light so many equal discs let through in a row of a tile: (1 - a·c) to their number.

    Args:
        typing: Numba's.
        work: Where it goes, at `POWER`.
        x: Of their centre, from the tile's left.
        down: Of the row's middle, from their centre.
        radius: Theirs.
        alpha: Of each.
        count: How many there are.
    """

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        work_, x_, down_, radius_, alpha_, count_ = values
        half, zeros, ones = NUMBER(0.5), everywhere(0.0), everywhere(1.0)
        curve = builder.fdiv(half, radius_)
        covered = builder.fadd(half, builder.fmul(radius_, half))
        covered = builder.fsub(covered, builder.fmul(curve, builder.fmul(down_, down_)))
        across = builder.fsub(pixel_centers(), splat(builder, x_))
        beyond = builder.fmul(splat(builder, curve), builder.fmul(across, across))
        cover = builder.fsub(splat(builder, covered), beyond)
        cover = builder.select(builder.fcmp_ordered(">", cover, zeros), cover, zeros)
        cover = builder.select(builder.fcmp_ordered("<", cover, ones), cover, ones)
        once = builder.fsub(ones, builder.fmul(splat(builder, alpha_), cover))
        # To a power by squaring, as `_power` has it.
        base, power, left = (
            cgutils.alloca_once_value(builder, value)  # type: ignore[no-untyped-call]  # numba's gap
            for value in (once, ones, count_)
        )
        again, squaring, done = map(builder.append_basic_block, ("again", "squaring", "done"))
        builder.branch(again)
        builder.position_at_end(again)
        exponent = builder.load(left)
        is_left = builder.icmp_signed(">", exponent, exponent.type(0))
        builder.cbranch(is_left, squaring, done)
        builder.position_at_end(squaring)
        square, product = builder.load(base), builder.load(power)
        is_odd = builder.trunc(exponent, ir.IntType(1))
        product = builder.select(is_odd, builder.fmul(product, square), product)
        builder.store(product, power)
        builder.store(builder.fmul(square, square), base)
        builder.store(builder.ashr(exponent, exponent.type(1)), left)
        builder.branch(again)
        builder.position_at_end(done)
        place = row_at(builder, data_of(context, builder, work, work_), INDEX(int(POWER)))
        builder.store(builder.load(power), place, align=4)
        return context.get_dummy_value()

    return types.void(work, x, down, radius, alpha, types.int64), codegen


@compiled
def _fill(work: Any, passing: Any) -> None:
    """A row of a tile that lets as much light pass everywhere, at `POWER`."""
    for i in range(_U(TILE)):
        work[POWER + i] = passing


@compiled
def _lay(work: Any, at: Any, r: Any, g: Any, b: Any) -> bool:
    """Lay a color over a row of a tile, as far as `POWER` does not let light pass.

    Returns:
        Whether any light is left to be seen.
    """
    lit = np.uint32(0)
    for i in range(_U(TILE)):
        kept = work[LIGHT + at + i] * work[POWER + i]
        seen = work[LIGHT + at + i] - kept
        work[RED + at + i] += seen * r
        work[GREEN + at + i] += seen * g
        work[BLUE + at + i] += seen * b
        # Below this nothing shows; and numbers too small to be normal are slow.
        work[LIGHT + at + i] = kept if kept > _NOTHING else _ZERO
        lit = np.uint32(lit | np.uint32(kept >= _SPENT))
    return bool(lit > 0)


@compiled
def _read_below(canvas: Any, work: Any, x0: int, y0: int, rows: int, columns: int) -> None:
    """Begin a tile: what the canvas has there, as levels in 0..1, and no light yet."""
    for i in range(_U(3 * AREA)):
        work[TOTAL + i] = _ZERO
        work[BELOW + i] = _ZERO
    for channel in range(3):
        for row in range(rows):
            line, at = canvas[channel, y0 + row], BELOW + _U(channel * AREA + row * TILE)
            for column in range(columns):
                work[at + _U(column)] = _f(line[x0 + column]) * _LEVEL


@compiled
def _add_light(work: Any, weight: Any) -> None:
    """Add a sub-step's light, over what lies below, as long as it is seen."""
    for channel in range(_U(3)):
        plane = channel * _U(AREA)
        for i in range(_U(AREA)):
            x = work[RED + plane + i] + work[LIGHT + i] * work[BELOW + plane + i]
            curve = P0 + x * (P1 + x * (P2 + x * (P3 + x * (P4 + x * P5))))
            light = curve if x > KNEE else x * SLOPE
            work[TOTAL + plane + i] += weight * light


@compiled
def _binned(
    nx: int, ny: int, left: int, top: int, xs: Any, ys: Any, counts: Any, kinds: Any, outer: Any,
    weights: Any,
) -> Any:  # fmt: skip
    """For each tile the trails of which a disc may touch it, topmost first."""
    starts = np.zeros(nx * ny + 1, np.int64)
    items = np.empty(0, np.int32)
    for counting in (True, False):
        if not counting:
            total = 0
            for t in range(nx * ny + 1):
                total, starts[t] = total + starts[t], total
            items = np.empty(total, np.int32)
        for g in range(xs.shape[0]):
            low_x, high_x, low_y, high_y = _f(1e6), _f(-1e6), _f(1e6), _f(-1e6)
            for s in range(counts[g]):
                if counts[g] == 1 or weights[s] > _ZERO:
                    low_x, high_x = min(low_x, xs[g, s]), max(high_x, xs[g, s])
                    low_y, high_y = min(low_y, ys[g, s]), max(high_y, ys[g, s])
            reach = outer[kinds[g]]
            # Far off the page is as good as anywhere off it, and within what an integer can hold.
            a = max(0, int(max(low_x - reach - _f(left), _f(-1e6))) // TILE)
            b = min(nx - 1, int(min(high_x + reach - _f(left), _f(1e6))) // TILE)
            c = max(0, int(max(low_y - reach - _f(top), _f(-1e6))) // TILE)
            d = min(ny - 1, int(min(high_y + reach - _f(top), _f(1e6))) // TILE)
            for ty in range(c, d + 1):
                for t in range(ty * nx + a, ty * nx + b + 1):
                    if not counting:
                        items[starts[t]] = g
                    starts[t] += 1
    for t in range(nx * ny, 0, -1):
        starts[t] = starts[t - 1]
    starts[0] = 0
    return starts, items
