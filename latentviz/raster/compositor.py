"""The compositor: blended, anti-aliased discs, compiled, exact to one level of 255.

Discs come in *trails*: the sub-steps of one point, adjacent in depth and of one color. For such
discs of alpha a and coverage c the light that passes is the product of (1 - a·c), whatever their
order, so a trail is composited in one go: only that product is taken sub-step by sub-step.

The page is cut into tiles, and these into blocks. Each tile walks its trails from the topmost down,
keeps what light still passes (the transmittance) for each pixel, passes over trails that lie
within blocks where too little is left to show, and stops when all are such; what the canvas had
comes last. No fastmath: the same bits on every CPU.

Coverage is ½ + (r² - d²) / 2r, clamped to 0..1, for a pixel whose centre is d from the disc's: the
usual ramp of one pixel around the radius, to within 1/8r, without a square root.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numpy.typing import NDArray

from .compiled import compiled
from .lanes import (
    INDEX,
    NUMBER,
    ROW,
    TILE,
    WHOLES,
    data_of,
    everywhere,
    intrinsic,
    pixel_centers,
    row_at,
    splat,
)

AREA = TILE * TILE
BLOCK = 4
# A tile's blocks are bits of a number: a row of blocks is 16 bits, of which every fourth counts.
_ROW_OF_BLOCKS = np.uint64(0x1111)
_ALL_ROWS = np.uint64(0x0001000100010001)
_NO_BLOCK = np.uint64(0)
# A tile's planes lie end to end in one array, at constant places: so the compiler knows that they
# do not overlap. Unsigned, so that no index is taken to count from the end.
N_PLANES = 5
LIGHT, RED, GREEN, BLUE, THROUGH = (np.uint64(plane * AREA) for plane in range(N_PLANES))

AHEAD = 6  # so many trails of a tile are on their way from memory while one is composited
# What a trail's numbers are.
CENTER_X, CENTER_Y, HALF_W, HALF_H, SPREAD, KIND, COUNT, COLOR = range(8)

_f = np.float32
_HALF = _f(0.5)
_ZERO = _f(0)
_ONE = _f(1)
# From a pixel's edge to its centre; a little less, for rounding.
_NEARLY_HALF = _f(0.49)
# A pixel through which less light passes is done: what lies below changes it by under one level.
_SPENT = _f(1 / 256)
_NOTHING = _f(1e-12)


@compiled
def composite(
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
) -> None:
    """Draw trails over a canvas, topmost first; `draw_discs` and `Discs` say the rest."""
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, canvas.shape[2]), min(bottom, canvas.shape[1])
    # Tiles begin at the box's corner.
    nx = max(0, right - left + TILE - 1) // TILE
    ny = max(0, bottom - top + TILE - 1) // TILE
    n_trails = xs.shape[0]

    # Where the centres of each trail's discs lie: in a box, and in a circle around its centre. In
    # one array, as tiles fetch trails in no order that the CPU could foresee.
    trails = np.empty((n_trails, COLOR + 3), np.float32)
    for g in range(n_trails):
        low_x, high_x, low_y, high_y = xs[g, 0], xs[g, 0], ys[g, 0], ys[g, 0]
        for s in range(1, counts[g]):
            low_x, high_x = min(low_x, xs[g, s]), max(high_x, xs[g, s])
            low_y, high_y = min(low_y, ys[g, s]), max(high_y, ys[g, s])
        # Far off the page is as good as anywhere off it, and keeps the sums finite.
        x = min(max((low_x + high_x) * _HALF, _f(-1e6)), _f(1e6))
        y = min(max((low_y + high_y) * _HALF, _f(-1e6)), _f(1e6))
        far = _ZERO
        for s in range(counts[g]):
            dx, dy = xs[g, s] - x, ys[g, s] - y
            far = max(far, dx * dx + dy * dy)
        trails[g, CENTER_X] = x - _f(left - origin_x)
        trails[g, CENTER_Y] = y - _f(top - origin_y)
        # A little more, for the rounding of the sums below; and no more than an integer can hold.
        trails[g, HALF_W] = min(max(high_x - x, x - low_x) + _f(0.01), _f(1e7))
        trails[g, HALF_H] = min(max(high_y - y, y - low_y) + _f(0.01), _f(1e7))
        trails[g, SPREAD] = min(np.sqrt(far) + _f(0.01), _f(1e7))
        trails[g, KIND], trails[g, COUNT] = kinds[g], counts[g]
        for channel in range(3):
            trails[g, COLOR + channel] = colors[g, channel]

    n_kinds = radii.shape[0]
    outer = np.empty(n_kinds, np.float32)  # beyond this distance nothing is covered
    inner = np.empty(n_kinds, np.float32)  # within this distance all is
    for k in range(n_kinds):
        r = radii[k]
        outer[k] = np.sqrt(r * r + r)
        inner[k] = np.sqrt(max(_ZERO, r * r - r))

    starts, items = _bin(trails, outer, nx, ny)

    work = np.empty(N_PLANES * AREA, np.float32)
    centers = np.empty((xs.shape[1], 2), np.float32)
    distances = np.empty((xs.shape[1], 2, TILE), np.float32)
    for tile in range(nx * ny):
        from_left, from_top = (tile % nx) * TILE, (tile // nx) * TILE
        x0, y0 = left + from_left, top + from_top
        rows, columns = min(TILE, bottom - y0), min(TILE, right - x0)
        first, last = starts[tile], starts[tile + 1]
        if first == last:
            continue
        # No light passes off the page, where nothing will be seen.
        work[LIGHT : LIGHT + np.uint64(rows * TILE)] = _ONE
        work[LIGHT + np.uint64(rows * TILE) : THROUGH] = _ZERO
        lit = _lit_blocks(work, 0, TILE)
        for item in range(first, last):
            if item + AHEAD < last:
                g = items[item + AHEAD]
                _prefetch(trails, g)
                _prefetch(xs, g)
                _prefetch(ys, g)
            g = items[item]
            k, count = int(trails[g, KIND]), int(trails[g, COUNT])
            x, y = trails[g, CENTER_X] - _f(from_left), trails[g, CENTER_Y] - _f(from_top)
            reach, reach_x = outer[k] + trails[g, SPREAD], outer[k] + trails[g, HALF_W]
            # Its circle reaches no farther up and down than at the column that is nearest to it.
            aside = max(-x, _ZERO, x - _f(TILE))
            reach_y = np.sqrt(max(_ZERO, reach * reach - aside * aside))
            reach_y = min(reach_y, outer[k] + trails[g, HALF_H])
            touched = lit & _blocks_between(x - reach_x, x + reach_x)
            a = max(0, int(y - reach_y))
            b = min(TILE, int(y + reach_y) + 1)
            # Of these rows, those from the first block that is lit and touched to the last.
            while a < b and not _has_lit(touched, a):
                a = (a // BLOCK + 1) * BLOCK
            while a < b and not _has_lit(touched, b - 1):
                b = (b - 1) // BLOCK * BLOCK
            if a >= b:
                continue
            far_x = max(abs(x), abs(x - _f(TILE)))
            far_y = max(abs(y - _f(a)), abs(y - _f(b)))
            within = inner[k] - trails[g, SPREAD]
            if within > _ZERO and far_x * far_x + far_y * far_y < within * within:
                # Every disc of the trail covers all of these rows.
                passing = _ONE
                for _ in range(count):
                    passing *= _ONE - alphas[k]
                for i in range(np.uint64(a * TILE), np.uint64(b * TILE)):
                    work[THROUGH + i] = passing
            else:
                _pass(
                    work, a, b, xs, ys, g, count,
                    _f(x0 - origin_x), _f(y0 - origin_y), alphas[k], radii[k], centers, distances,
                )  # fmt: skip
            _blend(work, a, b, trails[g, COLOR], trails[g, COLOR + 1], trails[g, COLOR + 2])
            lit = (lit & ~_rows_of_blocks(a, b)) | _lit_blocks(work, a, b)
            if lit == _NO_BLOCK:
                break
        _store(canvas, work, x0, y0, rows, columns)


@compiled
def _blocks_between(left: Any, right: Any) -> Any:
    """The blocks of a tile whose columns touch those from ``left`` to ``right``."""
    if left >= _f(TILE) or right < _ZERO:
        return _NO_BLOCK
    first = np.uint64(max(left, _ZERO)) // np.uint64(BLOCK)
    last = np.uint64(min(right, _f(TILE - 1))) // np.uint64(BLOCK)
    cut = np.uint64(TILE - BLOCK) - np.uint64(BLOCK) * last
    row = (_ROW_OF_BLOCKS << (np.uint64(BLOCK) * first)) & (_ROW_OF_BLOCKS >> cut)
    return row * _ALL_ROWS


@compiled
def _rows_of_blocks(top: int, bottom: int) -> Any:
    """The blocks of a tile whose rows touch those from ``top`` up to ``bottom``."""
    blocks = _NO_BLOCK
    for row in range(top // BLOCK, (bottom - 1) // BLOCK + 1):
        blocks |= _ROW_OF_BLOCKS << np.uint64(row * TILE)
    return blocks


@compiled
def _has_lit(blocks: Any, row: int) -> bool:
    """Whether any block of those that hold a row is among ``blocks``."""
    return bool((blocks >> np.uint64(row // BLOCK * TILE)) & _ROW_OF_BLOCKS)


@compiled
def _lit_blocks(work: Any, top: int, bottom: int) -> Any:
    """Of the blocks whose rows touch those given, the ones through which light still passes."""
    blocks = _NO_BLOCK
    for row in range(top // BLOCK, (bottom - 1) // BLOCK + 1):
        reached = _NO_BLOCK
        for i in range(row * BLOCK, (row + 1) * BLOCK):
            reached |= _pixels_reaching(work, LIGHT + np.uint64(i * TILE), _SPENT)
        # Gather each block's four columns in its one bit.
        reached |= reached >> np.uint64(1)
        reached |= reached >> np.uint64(2)
        blocks |= (reached & _ROW_OF_BLOCKS) << np.uint64(row * TILE)
    return blocks


@compiled
def _bin(trails: Any, outer: Any, nx: int, ny: int) -> Any:
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
        for g in range(trails.shape[0]):
            x, y, radius = (
                trails[g, CENTER_X],
                trails[g, CENTER_Y],
                outer[int(trails[g, KIND])],
            )
            reach = radius + trails[g, SPREAD]
            reach_x, reach_y = radius + trails[g, HALF_W], radius + trails[g, HALF_H]
            if y + reach_y < _ZERO or x + reach_x < _ZERO:
                continue
            top = max(0, int((y - reach_y) * per_tile))
            low = min(ny - 1, int((y + reach_y) * per_tile))
            for ty in range(top, low + 1):
                dy = max(_f(ty * TILE) - y, _ZERO, y - _f(ty * TILE + TILE))
                chord = reach * reach - dy * dy
                if chord <= _ZERO:
                    continue
                chord = min(np.sqrt(chord), reach_x)
                if x + chord < _ZERO:
                    continue
                left = max(0, int((x - chord) * per_tile))
                right = min(nx - 1, int((x + chord) * per_tile))
                for t in range(ty * nx + left, ty * nx + right + 1):
                    if not counting:
                        items[starts[t]] = g
                    starts[t] += 1
    # Filling moved each start to the next tile's.
    for t in range(nx * ny, 0, -1):
        starts[t] = starts[t - 1]
    starts[0] = 0
    return starts, items


@compiled
def _pass(
    work: Any, top: int, bottom: int, xs: Any, ys: Any, g: int, count: int,
    x0: Any, y0: Any, alpha: Any, radius: Any, centers: Any,
    distances: Any,
) -> None:  # fmt: skip
    """How much light trail ``g`` lets through at a tile's rows from ``top`` on: Π (1 - a·c)."""
    least = _ONE - alpha
    # Tell which discs cover all of these rows, and which none of them: by their nearest and their
    # farthest pixel.
    mid_x, mid_y = _f(TILE) * _HALF, _f(top + bottom) * _HALF
    half_x, half_y = mid_x - _NEARLY_HALF, _f(bottom - top) * _HALF - _NEARLY_HALF
    touched, covered = radius * radius + radius, radius * radius - radius
    passing = _ONE
    m = 0
    for s in range(count):
        x, y = xs[g, s] - x0, ys[g, s] - y0
        dx, dy = abs(x - mid_x), abs(y - mid_y)
        near_x, near_y = max(dx - half_x, _ZERO), max(dy - half_y, _ZERO)
        far_x, far_y = dx + half_x, dy + half_y
        if far_x * far_x + far_y * far_y < covered:
            passing *= least
        elif near_x * near_x + near_y * near_y < touched:
            centers[m, 0] = x
            centers[m, 1] = y
            m += 1
    _multiply_rows(work, THROUGH, top, bottom, passing, centers, m, alpha, radius, distances)


@compiled
def _blend(work: Any, top: int, bottom: int, r: Any, g: Any, b: Any) -> None:
    """Lay a color over a tile's rows, as far as `THROUGH` does not let light pass."""
    for i in range(np.uint64(top * TILE), np.uint64(bottom * TILE)):
        kept = work[LIGHT + i] * work[THROUGH + i]
        seen = work[LIGHT + i] - kept
        work[RED + i] += seen * r
        work[GREEN + i] += seen * g
        work[BLUE + i] += seen * b
        # Below this nothing shows; and numbers too small to be normal are slow.
        work[LIGHT + i] = kept if kept > _NOTHING else _ZERO


@compiled
def _store(canvas: Any, work: Any, x0: int, y0: int, rows: int, columns: int) -> None:
    """Lay a tile over what the canvas has there."""
    left, top = np.uint64(x0), np.uint64(y0)
    for channel in range(3):
        plane = RED + np.uint64(channel * AREA)
        for row in range(np.uint64(rows)):
            line = canvas[channel, top + row]
            at = row * np.uint64(TILE)
            if columns == TILE:
                _store_row(work, plane + at, LIGHT + at, line, left)
                continue
            for column in range(np.uint64(columns)):
                light = work[LIGHT + at + column]
                below = _f(line[left + column])
                shown = work[plane + at + column] + light * below + _HALF
                line[left + column] = np.uint8(np.int32(shown))


# What follows is a tile's inner loops as vectors of one row of pixels (`lanes`).
_BYTES = ir.IntType(8).as_pointer()
_ROWS_AT_ONCE = 4  # as many chains of multiplications run side by side


@intrinsic  # type: ignore[untyped-decorator]  # see `intrinsic`
def _pixels_reaching(typing: Any, work: Any, at: Any, limit: Any) -> Any:
    """Which of a row, ``work[at : at + TILE]``, are not less than ``limit``: a bit each."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        array, start, bound = values
        place = row_at(builder, data_of(context, builder, work, array), start)
        row = builder.load(place, align=4)
        reached = builder.fcmp_unordered(">=", row, splat(builder, bound))
        return builder.zext(builder.bitcast(reached, ir.IntType(TILE)), INDEX)

    return types.uint64(work, at, limit), codegen


@intrinsic  # type: ignore[untyped-decorator]  # see `intrinsic`
def _store_row(typing: Any, work: Any, at: Any, light: Any, line: Any, left: Any) -> Any:
    """A row of a tile, ``work[at : at + TILE]``, over ``line[left : left + TILE]``."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        work_, at_, light_, line_, left_ = values
        numbers = data_of(context, builder, work, work_)
        pixels = ir.VectorType(ir.IntType(8), TILE)
        place = builder.gep(data_of(context, builder, line, line_), [left_])
        place = builder.bitcast(place, pixels.as_pointer())
        below = builder.uitofp(builder.load(place, align=1), ROW)
        passing = builder.load(row_at(builder, numbers, light_), align=4)
        shown = builder.load(row_at(builder, numbers, at_), align=4)
        shown = builder.fadd(shown, builder.fmul(passing, below))
        shown = builder.fadd(shown, everywhere(0.5))
        whole = builder.fptosi(shown, WHOLES)
        builder.store(builder.trunc(whole, pixels), place, align=1)
        return context.get_dummy_value()

    return types.void(work, at, light, line, left), codegen


@intrinsic  # type: ignore[untyped-decorator]  # see `intrinsic`
def _prefetch(typing: Any, rows: Any, index: Any) -> Any:
    """Have ``rows[index]`` fetched from memory: its first 128 bytes."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        array = context.make_array(rows)(context, builder, values[0])
        stride = builder.extract_value(array.strides, 0)
        place = builder.mul(builder.sext(values[1], INDEX), stride)
        address = builder.add(builder.ptrtoint(array.data, INDEX), place)
        kind = ir.FunctionType(ir.VoidType(), [_BYTES, *[ir.IntType(32)] * 3])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [_BYTES], kind)
        read, near, data = (ir.IntType(32)(n) for n in (0, 3, 1))
        for offset in (0, 64):
            at = builder.inttoptr(builder.add(address, INDEX(offset)), _BYTES)
            builder.call(fetch, [at, read, near, data])
        return context.get_dummy_value()

    return types.void(rows, index), codegen


@intrinsic  # type: ignore[untyped-decorator]  # see `intrinsic`
def _multiply_rows(
    typing: Any, work: Any, at: Any, top: Any, bottom: Any, start: Any, centers: Any, m: Any,
    alpha: Any, radius: Any, distances: Any,
) -> Any:  # fmt: skip
    """Rows ``top`` to ``bottom`` of the plane at ``work[at]``: start · Π (1 - a·c) over m discs.

    As d² = dx² + dy², 1 - a·c is a number of the pixel's column and one of its row, added and
    clamped. They are worked out first, in ``distances`` (n, 2, TILE).
    """

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        work_, at_, first, last, start_, centers_, m_, alpha_, radius_, distances_ = values
        plane = builder.gep(data_of(context, builder, work, work_), [at_])
        places = data_of(context, builder, centers, centers_)
        table = data_of(context, builder, distances, distances_)
        half, one = NUMBER(0.5), NUMBER(1)
        pixels = pixel_centers()
        ones = everywhere(1.0)
        least = splat(builder, builder.fsub(one, alpha_))
        high, low = builder.bitcast(ones, WHOLES), builder.bitcast(least, WHOLES)
        curve = splat(builder, builder.fdiv(alpha_, builder.fadd(radius_, radius_)))
        center = builder.fmul(alpha_, builder.fadd(half, builder.fmul(radius_, half)))
        center = splat(builder, builder.fsub(one, center))

        def after(index: Any, count: int) -> Any:
            return builder.add(index, INDEX(count))

        def from_disc(coordinate: Any) -> Any:
            d = builder.fsub(pixels, splat(builder, builder.load(coordinate)))
            return builder.fmul(curve, builder.fmul(d, d))

        with cgutils.for_range(builder, m_) as disc:
            k = builder.mul(disc.index, INDEX(2))
            across = from_disc(builder.gep(places, [k]))
            down = builder.fadd(center, from_disc(builder.gep(places, [after(k, 1)])))
            k = builder.mul(disc.index, INDEX(2 * TILE))
            builder.store(across, row_at(builder, table, k), align=4)
            builder.store(down, row_at(builder, table, after(k, TILE)), align=4)

        step = INDEX(_ROWS_AT_ONCE)
        first = builder.and_(first, INDEX(-_ROWS_AT_ONCE))
        with cgutils.for_range_slice(builder, first, last, step, inc=True) as (row, _):
            products = [
                cgutils.alloca_once(builder, ROW)  # type: ignore[no-untyped-call]  # numba's gap
                for _ in range(_ROWS_AT_ONCE)
            ]
            for product in products:
                builder.store(splat(builder, start_), product)
            with cgutils.for_range(builder, m_) as disc:
                k = builder.mul(disc.index, INDEX(2 * TILE))
                across = builder.load(row_at(builder, table, k), align=4)
                for j, product in enumerate(products):
                    down = builder.gep(table, [builder.add(after(k, TILE + j), row)])
                    factor = builder.fadd(across, splat(builder, builder.load(down)))
                    # Clamped as whole numbers, which are in the same order from 0 on: beside
                    # multiplications, CPUs have more room for these than for minima of floats.
                    whole = builder.bitcast(factor, WHOLES)
                    whole = builder.select(builder.icmp_signed("<", whole, high), whole, high)
                    whole = builder.select(builder.icmp_signed(">", whole, low), whole, low)
                    factor = builder.bitcast(whole, ROW)
                    builder.store(builder.fmul(builder.load(product), factor), product)
            for j, product in enumerate(products):
                place = row_at(builder, plane, builder.mul(after(row, j), INDEX(TILE)))
                builder.store(builder.load(product), place, align=4)
        return context.get_dummy_value()

    values = (work, at, top, bottom, start, centers, m, alpha, radius, distances)
    return types.void(*values), codegen
