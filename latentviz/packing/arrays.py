"""Arrays as bytes, and where among them each stands.

An array's bytes are one zlib stream (RFC 1950, what `DecompressionStream("deflate")` reads). It
inflates to the array's numbers in *byte planes*: of numbers of b bytes each, first the lowest byte
of every number, then the second lowest of every number, and so on up to the highest. Floats are
planes of their little-endian IEEE bytes. What the numbers are is found in this order:

1. Their order is by row (C). Where ``columns`` is set, and the array is taken as a matrix of
   ``shape[0]`` rows, it is by column: first all of the first column, then all of the second.
2. Where ``delta`` is set, each number is a difference from the one in the row above, and those of
   the first row are themselves. Differences of whole numbers wrap around as their type does;
   those of f64 are exact.
3. Numbers of i32, and differences of u8, u16, u32 and i32, are folded (zigzag): as signed numbers
   0, -1, 1, -2, 2, ... they are written as 0, 1, 2, 3, 4, ..., so that the high bytes of small
   ones are 0.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES = {"u1": "u8", "u2": "u16", "u4": "u32", "i4": "i32", "f4": "f32", "f8": "f64"}
_DTYPE_OF = {name: np.dtype(f"<{code}") for code, name in DTYPES.items()}
MOST_WHOLE = 2**52  # differences of smaller whole numbers are exact in float64
LARGE_BYTES = 1 << 18  # from here on zlib's best level is too slow for what it saves

Compress = Callable[[memoryview], bytes]


@dataclass(frozen=True)
class Coded:
    """An array as bytes."""

    dtype: str
    shape: tuple[int, ...]
    delta: bool
    columns: bool
    data: bytes


def code(
    array: NDArray[Any],
    *,
    delta: bool = False,
    columns: bool = False,
    compress: Compress | None = None,
) -> Coded:
    """An array's bytes: the same for the same numbers, always.

    Args:
        array: uint8, uint16, uint32, int32, float32 or float64, of one axis or more.
        delta: Whether to write differences along the first axis. Of float64, the numbers must then
            be whole and less than 2**52; float32 has none.
        columns: Whether a column's numbers follow one another.
        compress: Makes a zlib stream; by default by the way and the level that are worth the time.

    Raises:
        TypeError: Its dtype is none of these, or float32 with ``delta``.
        ValueError: It has no axis, or its differences would not be exact.
    """
    name = DTYPES.get(array.dtype.str[1:])
    if name is None or (delta and name == "f32"):
        raise TypeError(f"an array of {array.dtype} has no such code")
    if array.ndim == 0:
        raise ValueError("a single number is no array")
    rows = array.astype(_DTYPE_OF[name], copy=False).reshape(len(array), _width(array.shape))
    if delta:
        rows = _differences(rows)
    if rows.dtype.kind != "f" and (delta or rows.dtype.kind == "i"):
        rows = _folded(rows)
    numbers = np.ascontiguousarray(rows.T if columns else rows).reshape(-1)
    planes = np.ascontiguousarray(numbers.view(np.uint8).reshape(-1, numbers.itemsize).T)
    data = _deflated(planes.data) if compress is None else compress(planes.data)
    return Coded(name, array.shape, delta, columns, data)


def decode(coded: Coded) -> NDArray[Any]:
    """The array that was coded."""
    dtype = _DTYPE_OF[coded.dtype]
    planes = np.frombuffer(zlib.decompress(coded.data), np.uint8)
    planes = planes.reshape(dtype.itemsize, math.prod(coded.shape))
    n_rows, width = coded.shape[0], _width(coded.shape)
    folded = dtype.kind != "f" and (coded.delta or dtype.kind == "i")
    stored = np.dtype(f"<u{dtype.itemsize}") if folded else dtype
    numbers = np.ascontiguousarray(planes.T).reshape(-1).view(stored)
    rows = numbers.reshape(width, n_rows).T if coded.columns else numbers.reshape(n_rows, width)
    if folded:
        rows = ((rows >> 1) ^ (0 - (rows & 1))).astype(dtype)
    if coded.delta:
        rows = np.cumsum(rows, axis=0, dtype=dtype)
    return np.ascontiguousarray(rows).reshape(coded.shape)


def _deflated(planes: memoryview) -> bytes:
    """The smaller one of two ways: of noise, matches but of runs cost more than they save."""
    level = 9 if planes.nbytes < LARGE_BYTES else 6
    ways = []
    for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_RLE):
        deflating = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS, 9, strategy)
        ways.append(deflating.compress(planes) + deflating.flush())
    return min(ways, key=len)


def _width(shape: tuple[int, ...]) -> int:
    return math.prod(shape[1:])


def _differences(rows: NDArray[Any]) -> NDArray[Any]:
    """Each row less the one above it; (n, m)."""
    if rows.dtype.kind == "f" and not np.all((np.abs(rows) < MOST_WHOLE) & (rows == np.rint(rows))):
        raise ValueError("differences of float64 are of whole numbers less than 2**52")
    differences = rows.copy()
    np.subtract(rows[1:], rows[:-1], out=differences[1:])
    return differences


def _folded(rows: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers as unsigned ones that are small where they were close to 0; (n, m)."""
    bits = 8 * rows.dtype.itemsize
    unsigned = rows.view(np.dtype(f"<u{rows.dtype.itemsize}"))
    signs = rows.view(np.dtype(f"<i{rows.dtype.itemsize}")) >> (bits - 1)  # 0 or -1
    folded: NDArray[Any] = (unsigned << 1) ^ signs.view(unsigned.dtype)
    return folded


@dataclass
class ArrayTable:
    """Arrays of a page, one after another, each distinct one once."""

    _parts: list[bytes] = field(default_factory=list)
    _refs: dict[Coded, dict[str, Any]] = field(default_factory=dict)
    n_bytes: int = 0
    """How many bytes `data` has."""

    def add(
        self, array: NDArray[Any], *, delta: bool = False, columns: bool = False
    ) -> dict[str, Any]:
        """Have an array in the page.

        Args:
            array: As of `code`, as are the others.
            delta: Whether to write differences along the first axis.
            columns: Whether a column's numbers follow one another.

        Returns:
            Where it stands: an ``ArrayRef`` of the page's document, as plain data.
        """
        return self.put(code(array, delta=delta, columns=columns))

    def put(self, coded: Coded) -> dict[str, Any]:
        """Have an array in the page that was coded before; as `add`."""
        if coded not in self._refs:
            self._refs[coded] = {
                "dtype": coded.dtype,
                "shape": list(coded.shape),
                "at": self.n_bytes,
                "bytes": len(coded.data),
                "delta": coded.delta,
                "columns": coded.columns,
            }
            self._parts.append(coded.data)
            self.n_bytes += len(coded.data)
        ref = self._refs[coded]
        return {**ref, "shape": list(ref["shape"])}

    @property
    def data(self) -> bytes:
        """All bytes, in which the refs say where each array's are."""
        return b"".join(self._parts)


def array_at(data: bytes, ref: dict[str, Any]) -> NDArray[Any]:
    """The array that a ref of an `ArrayTable` is of; ``data`` are the table's."""
    part = data[ref["at"] : ref["at"] + ref["bytes"]]
    return decode(Coded(ref["dtype"], tuple(ref["shape"]), ref["delta"], ref["columns"], part))
