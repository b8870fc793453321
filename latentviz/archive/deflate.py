"""Deflate and CRC-32 by isal where it is installed (an order of magnitude faster), else by zlib."""

from __future__ import annotations

import importlib
import zlib
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


def deflate(data: bytes) -> bytes:
    """Raw deflate stream of ``data``."""
    return bytes(_codec.compress(data, level=LEVEL, wbits=RAW))


def inflate(data: bytes, size: int) -> bytes | None:
    """What a raw deflate stream holds, if it ends where ``data`` does and holds ``size`` bytes."""
    decoder = _codec.decompressobj(wbits=RAW)
    try:
        # One byte more than declared: a bomb is found out without being unpacked.
        out = decoder.decompress(data, size + 1)
    except _ERRORS:
        return None
    # A stream whose last bytes are only the end marker may want one more, empty, turn.
    if not decoder.eof and len(out) == size:
        try:
            out += decoder.decompress(decoder.unconsumed_tail, 1)
        except _ERRORS:
            return None
    whole = decoder.eof and len(out) == size and not decoder.unused_data
    return bytes(out) if whole else None


def crc32(data: bytes, start: int = 0) -> int:
    """CRC-32 of ``data``, continued from ``start``."""
    return int(_codec.crc32(data, start))
