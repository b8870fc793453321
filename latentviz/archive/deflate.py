"""Deflate and CRC-32 by isal where it is installed (an order of magnitude faster), else by zlib."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Iterable, Iterator
from typing import Any


def _fastest() -> Any:
    """The module to use; both have zlib's interface."""
    try:
        return importlib.import_module("isal.isal_zlib")
    except ImportError:  # not built for this platform; the bytes differ, the contents do not
        return zlib


_codec = _fastest()
_ERRORS = (zlib.error, _codec.error)

LEVEL = 1
RAW = -15  # no zlib header: what ZIP wants
PIECE_BYTES = 1 << 20


def deflate(data: bytes | memoryview) -> bytes:
    """Raw deflate stream of ``data``."""
    return bytes(_codec.compress(data, level=LEVEL, wbits=RAW))


def zlib_stream(data: bytes | memoryview) -> bytes:
    """The same as a zlib stream (RFC 1950)."""
    return bytes(_codec.compress(data, LEVEL))


def inflate(data: bytes, size: int) -> bytes | None:
    """What a raw deflate stream holds, if it ends where ``data`` does and holds ``size`` bytes."""
    try:
        return b"".join(_pieces([data], size, at_most=size + 1))
    except _ERRORS:
        return None


def inflated_crc32(blocks: Iterable[bytes], size: int) -> int | None:
    """CRC-32 of what `inflate` would give for all blocks of a stream, without holding it."""
    crc = 0
    try:
        for piece in _pieces(blocks, size, at_most=PIECE_BYTES):
            crc = crc32(piece, crc)
    except _ERRORS:
        return None
    return crc


def _pieces(blocks: Iterable[bytes], size: int, *, at_most: int) -> Iterator[bytes]:
    """What a stream holds, piece by piece.

    Raises:
        zlib.error: It is damaged, does not end where its last block does, or holds not ``size``
            bytes. The codec may raise an error of its own.
    """
    decoder = _codec.decompressobj(wbits=RAW)
    left = size
    for block in blocks:
        if decoder.eof:
            raise zlib.error("bytes follow the stream")
        while not decoder.eof:
            # One byte more than declared: a bomb is found out without being unpacked.
            piece = decoder.decompress(block, min(at_most, left + 1))
            left -= len(piece)
            if left < 0:
                raise zlib.error("the stream holds more than it should")
            # After a piece there may be more, or the end marker, though all of the block is read.
            if not piece:
                break
            yield piece
            block = decoder.unconsumed_tail
    if not decoder.eof or left or decoder.unused_data:
        raise zlib.error("the stream does not end where it should")


def crc32(data: bytes | memoryview, start: int = 0) -> int:
    """CRC-32 of ``data``, continued from ``start``."""
    return int(_codec.crc32(data, start))
