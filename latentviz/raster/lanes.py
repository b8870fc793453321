"""A row of a tile's pixels as one vector, for what numba compiles: parts of LLVM's code.

LLVM makes scalar code of loops as short as a row. Numba keeps compiled code by the file of the
function that it compiled, and looks at no other: after a change here, delete `__pycache__`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.extending import intrinsic as typed_intrinsic

TILE = 16  # a tile's side, in pixels

NUMBER, INDEX = ir.FloatType(), ir.IntType(64)
ROW, WHOLES = (ir.VectorType(kind, TILE) for kind in (NUMBER, ir.IntType(32)))

intrinsic: Any = typed_intrinsic  # whose types leave out that the first argument is numba's


def data_of(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Where a contiguous array's numbers lie."""
    return context.make_array(kind)(context, builder, array).data


def splat(builder: Any, number: Any) -> Any:
    """A row that holds one number everywhere."""
    nothing = ir.Constant(ROW, ir.Undefined)
    lanes = ir.Constant(WHOLES, [0] * TILE)
    return builder.shuffle_vector(builder.insert_element(nothing, number, INDEX(0)), nothing, lanes)


def everywhere(number: float) -> Any:
    """The same of a number that is known."""
    return ir.Constant(ROW, [number] * TILE)


def pixel_centers() -> Any:
    """A row of its pixels' centres, from the tile's left."""
    return ir.Constant(ROW, [i + 0.5 for i in range(TILE)])


def row_at(builder: Any, numbers: Any, index: Any) -> Any:
    """Where a row starts: the numbers from ``index`` on."""
    return builder.bitcast(builder.gep(numbers, [index]), ROW.as_pointer())
