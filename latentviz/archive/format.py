"""The run archive, format 3, in one page.

A run is a ZIP file of ``.npy`` members (deflated or stored; ZIP64 where it must be) that
``numpy.load(path, allow_pickle=False)`` reads:

- ``header``: JSON as uint8. ``format``, ``model`` (a registered name and its arguments, or null),
  ``layer`` (empty if there is none), ``seed``, ``keyframes``, ``phases``, ``versions``. Written
  first. And where they say more: ``layers``, all names of which ``layer`` is the first;
  ``actions``, steps and names as ``phases`` has them; ``states``, the patterns of the tensors that
  were recorded if they are not all of the state's; ``bfloat16``, the names of the tensors whose
  members hold the bits of bfloat16 numbers, as uint16; ``tokens``, how the tokens of a layer's
  output (N, S, D) became points, ``flatten`` (as where nothing is said), ``mean``, ``first``,
  ``last`` or ``each``;
  ``class_names``, the names of the classes that the colors number from 0 on; ``points``, what is
  drawn if it is not ``layer``: ``rows:TENSOR``, ``columns:TENSOR`` or ``layer:NAME``.
- ``probe/inputs`` (N, ...), or ``probe/inputs/NAME`` of several inputs; and ``probe/colors``
  (N, 3) RGB in 0..1, (N,) integer labels, or (N,) float scalars; ``probe/classes`` (N,) int64,
  where these are not the colors, and ``probe/class_names`` and ``probe/point_names``, JSON lists
  of text as uint8: the names that the classes number from 0 on, and those of the N points. By
  ``tokens`` ``each`` a point is a token, and all of these and the latents are of so many: N times
  S, less those that are masked. Without inputs they are of ``points``, or of the latents.
- Chunks of K recorded steps, numbered ``C`` = 000000, 000001, ...: ``steps/C`` (K,) int64;
  ``states/C/TENSOR`` (K, ...), each step's state before its update; ``batches/C/inputs``
  (ΣB, ...), or ``batches/C/inputs/NAME`` of several inputs, and ``batches/C/labels/NAME``
  (ΣB, ...), the steps' batches end to end;
  ``batches/C/offsets`` (K + 1,) int64, where each begins; of a part that differs in shape within
  the chunk, padded with zeros to the longest, ``batches/C/shapes/PART`` (K, dimensions - 1) int64,
  what each step's own shape is after B (``PART`` as ``inputs/NAME``);
  ``latents/C/LAYER`` (K, N, D);
  ``losses/C/NAME``, ``metrics/C/NAME`` and ``params/C/NAME`` (K,) float64, NaN where a step has
  none; and ``gaps/C/losses/NAME`` and so on (K,) bool, True at these very steps, in chunks that
  have such alone. Any other NaN was given.
- ``chunks/C``: JSON as uint8, the last member of its chunk: ``steps`` (first, last), ``count``,
  and ``members``, each member's name and CRC-32. A chunk is whole when this member is.
- ``final/states/TENSOR``, ``final/latents/LAYER``, and ``final/losses/NAME`` and
  ``final/metrics/NAME`` () float64: after the last update.
- ``manifest``: JSON as uint8, the last member: ``format``, ``steps`` (how many), every chunk's
  entry, and the names and CRCs of the members outside chunks.

Names (of tensors, losses, labels, layers and the like) are as they were given, in all JSON too. In
the ZIP's own records what is not a letter, a digit, a space or one of ``_ - . + @ = , ( ) [ ]``, in
ASCII, is percent-encoded as UTF-8, and so is a ``%``; a space or a mark but ``_ + @ -`` at the
beginning of a part; and a ``/`` that would make an empty part: ``β·KL`` is
``losses/C/%CE%B2%C2%B7KL``. A name is encoded in this way alone, and has up to 200 characters
then.

Dtypes are float16, float32, float64, integers and bool, little-endian, C order. While a run is
being recorded its file is ``NAME.npz.part``: the same members, without a ZIP directory.

Formats 1 and 2, which are read too, have no metrics, and ``metrics`` where this one has ``losses``.
Format 1 has no ``gaps``: there every NaN is a step that has none.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError

FORMAT = 3
READABLE = (1, 2, 3)  # formats
MAX_HEADER_BYTES = 4096
MAX_DIMS = 32  # as many as every version of NumPy can hold
# An empty array's other dimensions cost no bytes in the file, but do where they are worked with.
MAX_EMPTY = 1 << 24
MAX_STEP = 1 << 53  # axes are floats, which tell whole numbers apart up to here
# JSON takes some 20 times its size in memory; what lists members is as long as they are many.
MAX_JSON_BYTES = 16 << 20
MAX_LISTED_BYTES = 512
MAX_NAME = 200  # characters, as it is stored
# Printable ASCII without backslash, colon or the like, no empty or dotted path parts: a name is
# data and never a path, but other tools may unpack the archive.
_PLAIN_NAME = r"[\w+@-][\w .+@=,()\[\]-]*+(?:/[\w+@-][\w .+@=,()\[\]-]*+)*+"
_PLAIN = re.compile(_PLAIN_NAME, re.ASCII)
_PLAIN_LINES = re.compile(rf"(?:{_PLAIN_NAME}\n)*+", re.ASCII)
_BEGINS, _GOES_ON = (re.compile(c, re.ASCII) for c in (r"[\w+@-]", r"[\w .+@=,()\[\]-]"))
_ESCAPES = re.compile(r"(?:%[0-9A-F]{2})+")
DTYPES = frozenset(
    np.dtype(code)
    for code in ("<f2", "<f4", "<f8", "|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8")
)

LOCAL_HEADER = struct.Struct("<4s5H3I2H")
CENTRAL_HEADER = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
ZIP64_END = struct.Struct("<4sQ2H2I4Q")
ZIP64_LOCATOR = struct.Struct("<4sIQI")
ZIP64_SIZES = struct.Struct("<2H2Q")  # in a local header: tag, length, size, compressed size
ZIP64_OFFSET = struct.Struct("<2H3Q")  # in the directory: tag, length, sizes, offset
LIMIT32 = 0xFFFFFFFF
LIMIT16 = 0xFFFF
STORED, DEFLATED = 0, 8
DOS_DATE = 0x0021  # 1 January 1980: the same contents give the same bytes

_DTYPE_OF = {dtype.str: dtype for dtype in DTYPES}
_NPY_MAGIC = b"\x93NUMPY\x01\x00"
_NPY_HEADER = re.compile(
    rb"\{'descr': '([<|][a-z]\d)', 'fortran_order': False, "
    rb"'shape': \(((?:\d{1,18}, ?)*\d{0,18})\), \} *\n"
)


class Member(NamedTuple):  # there may be a million, and a dataclass takes longer to be made
    """Where a member lies in the file, and what its bytes must be."""

    name: str
    offset: int  # of its local header
    compressed: int
    size: int
    crc: int
    method: int


def stored_name(name: str) -> str:
    """A member's name in ASCII, as the ZIP's records spell it: escaped where it must be.

    Raises:
        ArchiveError: There is none, or it is too long.
    """
    stored = name if _PLAIN.fullmatch(name) else _escaped(whole_text(name))
    if not 0 < len(stored) <= MAX_NAME:
        what = f"it takes {len(stored)} characters there" if name else "it is empty"
        raise ArchiveError(
            f"{name[:MAX_NAME]!r} cannot name a member of an archive: {what}, and {MAX_NAME} is "
            "the limit (what is no plain ASCII takes three a byte)"
        )
    return stored


def given_name(stored: str) -> str | None:
    """The name of which `stored_name` makes ``stored``; None if there is none."""
    if len(stored) > MAX_NAME:
        return None
    if _PLAIN.fullmatch(stored):
        return stored
    try:
        name = _ESCAPES.sub(lambda m: _decoded(m[0]), stored)
        # What two names could stand for would be two archives in one file.
        return name if stored_name(name) == stored else None
    except (UnicodeError, ArchiveError):
        return None


def are_plain(names: Sequence[str]) -> bool:
    """Whether all names are stored as they are: many at once, as one at a time takes longer."""
    lines = "\n".join(names) + "\n"
    is_plain = lines.count("\n") == len(names) and _PLAIN_LINES.fullmatch(lines)
    return bool(is_plain) and max(map(len, names), default=0) <= MAX_NAME


def _escaped(name: str) -> str:
    out: list[str] = []
    last = len(name) - 1
    for i, c in enumerate(name):
        begins = not out or out[-1] == "/"
        is_plain = (_BEGINS if begins else _GOES_ON).fullmatch(c) or (
            c == "/" and not begins and i < last
        )
        out.append(c if is_plain else "".join(f"%{b:02X}" for b in _utf8(c)))
    return "".join(out)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decoded(escapes: str) -> str:
    return bytes.fromhex(escapes.replace("%", "")).decode("utf-8", "surrogatepass")


def whole_text(text: str) -> str:
    """A text in which two halves of a character that follow each other are that character.

    As JSON reads them.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def npy_header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """The header of a ``.npy`` file, version 1.0, padded to 64 bytes.

    Raises:
        ArchiveError: The dtype is not one that an archive may hold.
    """
    if dtype not in DTYPES:
        raise ArchiveError(
            f"arrays must be float16/32/64, integer or bool, got {dtype}; convert it first"
        )
    dims = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
    text = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': ({dims}), }}"
    text += " " * (-(len(_NPY_MAGIC) + 2 + len(text) + 1) % 64) + "\n"
    return _NPY_MAGIC + struct.pack("<H", len(text)) + text.encode("ascii")


def array_from_npy(data: bytes | memoryview, name: str) -> NDArray[Any]:
    """The array of a ``.npy`` file, read-only, without NumPy's parser (it evaluates literals).

    Raises:
        ArchiveError: The header is not exactly of the form that `npy_header` writes, or the size
            does not fit the shape.
    """
    head = bytes(data[:10])
    if len(head) < 10 or head[:8] != _NPY_MAGIC:
        raise ArchiveError(f"member {name!r} is not a .npy array of version 1.0")
    start = 10 + int.from_bytes(head[8:], "little")
    match = _NPY_HEADER.fullmatch(bytes(data[10:start])) if start <= MAX_HEADER_BYTES else None
    if match is None:
        raise ArchiveError(f"member {name!r} has a malformed .npy header")
    dtype = _DTYPE_OF.get(match[1].decode("ascii"))  # not NumPy's parser here either
    if dtype is None:
        raise ArchiveError(f"member {name!r} has dtype {match[1].decode()}, which is not allowed")
    shape = tuple(int(d) for d in match[2].split(b",") if d.strip())
    if len(shape) > MAX_DIMS or (0 in shape and math.prod(d or 1 for d in shape) > MAX_EMPTY):
        raise ArchiveError(f"member {name!r} has a shape of {len(shape)} dimensions out of range")
    expected = start + math.prod(shape) * dtype.itemsize
    if expected != len(data):
        raise ArchiveError(
            f"member {name!r} should hold {expected} bytes for shape {shape}, got {len(data)}"
        )
    return np.frombuffer(data, dtype, offset=start).reshape(shape)


def json_array(value: Mapping[str, Any]) -> NDArray[np.uint8]:
    """A JSON document as (n,) uint8.

    Raises:
        ArchiveError: It is longer than `json_value` would read.
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    if "members" not in value and len(text) > MAX_JSON_BYTES:
        raise ArchiveError(
            f"the header would be {len(text)} bytes of JSON, and {MAX_JSON_BYTES} is the limit; "
            "give shorter model_args, keyframes, phases or actions"
        )
    return np.frombuffer(text.encode("ascii"), np.uint8)


def json_value(array: NDArray[Any], name: str, *, n_listed: int = 0) -> dict[str, Any]:
    """The JSON object that `json_array` wrote.

    Args:
        array: (n,) uint8.
        name: The member's name, for the error.
        n_listed: How many members it may list, which makes it long.

    Raises:
        ArchiveError: It is no JSON object, or out of proportion.
    """
    if array.nbytes > longest_json(n_listed):
        raise ArchiveError(f"member {name!r} is too long, with {array.nbytes} bytes of JSON")
    try:
        value = json.loads(array.tobytes(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        value = None
    if array.dtype != np.uint8 or not isinstance(value, dict):
        raise ArchiveError(f"member {name!r} should be a JSON object, as uint8")
    return value


def texts_array(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Texts as a JSON list, (n,) uint8.

    Raises:
        ArchiveError: It is longer than `texts_value` would read.
    """
    text = json.dumps(list(texts), separators=(",", ":"), ensure_ascii=True)
    if len(text) > MAX_JSON_BYTES:
        raise ArchiveError(
            f"the names would be {len(text)} bytes of JSON, and {MAX_JSON_BYTES} is the limit; "
            "give shorter ones"
        )
    return np.frombuffer(text.encode("ascii"), np.uint8)


def texts_value(array: NDArray[Any], name: str, *, longest: int) -> list[str]:
    """The texts that `texts_array` wrote.

    Args:
        array: (n,) uint8.
        name: The member's name, for the error.
        longest: How many characters each may have.

    Raises:
        ArchiveError: It is no JSON list of such texts, or out of proportion.
    """
    if array.nbytes > MAX_JSON_BYTES:
        raise ArchiveError(f"member {name!r} is too long, with {array.nbytes} bytes of JSON")
    try:
        value = json.loads(array.tobytes(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        value = None
    if (
        array.dtype != np.uint8
        or not isinstance(value, list)
        or not all(isinstance(text, str) and len(text) <= longest for text in value)
    ):
        raise ArchiveError(
            f"member {name!r} should be a JSON list of texts, as uint8, of up to {longest} "
            "characters each"
        )
    return value


def longest_json(n_listed: int) -> int:
    """How many bytes of JSON may list so many members."""
    return MAX_JSON_BYTES + n_listed * MAX_LISTED_BYTES


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def check_format(version: object) -> int:
    """What a header or a manifest says of its format, if it is one that can be read.

    Raises:
        ArchiveError: It is not.
    """
    if type(version) is int and version in READABLE:
        return version
    shown = version if version is None or type(version) is int else "no number"
    raise ArchiveError(
        f"it is of format {str(shown)[:40]} and this version of latentviz reads formats "
        f"{READABLE[0]} to {READABLE[-1]}; upgrade latentviz"
    )
