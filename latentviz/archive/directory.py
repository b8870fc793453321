"""A ZIP file's directory: what it says of all members at once, for there may be a million."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..errors import ArchiveError
from . import format as f
from .foreign import FROM_ARRAYS
from .schema import MANIFEST

REGULAR_FILE = 0o10  # of an entry's Unix mode: no link, no device
SUFFIX = b".npy"
MAX_SIZE = (1 << 63) - 1  # bytes, as systems count them

# `format.CENTRAL_HEADER`, as NumPy reads it.
_ENTRY = np.dtype([
    ("magic", "S4"), ("versions", "<u2", 2), ("flags", "<u2"), ("method", "<u2"), ("time", "<u4"),
    ("crc", "<u4"), ("compressed", "<u4"), ("size", "<u4"), ("n_name", "<u2"), ("n_extra", "<u2"),
    ("n_comment", "<u2"), ("disk", "<u2"), ("internal", "<u2"), ("attributes", "<u4"),
    ("offset", "<u4"),
])  # fmt: skip
_COLUMNS = "offset", "compressed", "size", "crc", "method"
_SUFFIX = np.dtype(f"S{len(SUFFIX)}")
_MAGIC = b"PK\1\2"


class Members(Mapping[str, f.Member]):
    """The members of a directory by their names, in its order; each is made when asked for."""

    def __init__(self, names: Sequence[str], columns: NDArray[np.int64]) -> None:
        """Keep what a directory says.

        Args:
            names: (n,) members' names.
            columns: (5, n) each one's offset, compressed size, size, CRC-32 and method.
        """
        self._at = dict(zip(names, range(len(names)), strict=True))
        self._columns = columns

    def __getitem__(self, name: str) -> f.Member:
        return f.Member(name, *self._columns[:, self._at[name]].tolist())

    def __contains__(self, name: object) -> bool:
        return name in self._at

    def __iter__(self) -> Iterator[str]:
        return iter(self._at)

    def __len__(self) -> int:
        return len(self._at)

    def crcs(self) -> dict[str, int]:
        """Each member's CRC-32."""
        return dict(zip(self._at, self._columns[3].tolist(), strict=True))


def parse_directory(directory: bytes, count: int, *, end: int, max_bytes: int) -> Members:
    """The members that a directory lists, which fill the file from byte 0 without gap or overlap.

    Args:
        directory: The whole of it.
        count: How many members it should list.
        end: Where the members end, in bytes.
        max_bytes: Refuse what unpacks to more.

    Raises:
        ArchiveError: It is malformed, or lists something else.
    """
    starts = _starts(directory, count)
    entries = _at(directory, starts, _ENTRY)
    names = _names(directory, starts, entries["n_name"])
    columns = np.stack([entries[name] for name in _COLUMNS]).astype(np.int64)
    odd = np.flatnonzero(_is_odd(entries))
    extras = starts[odd] + _ENTRY.itemsize + entries["n_name"][odd]
    ends = extras + entries["n_extra"][odd]
    places = (places.tolist() for places in (odd, starts[odd], extras, ends))
    for i, at, extra, end_at, entry in zip(*places, entries[odd].tolist(), strict=True):
        columns[:3, i] = _looked_at(entry, directory[extra:end_at], at)
    members = Members(names, columns)
    if len(members) != count:
        twice = next(name for i, name in enumerate(names) if members._at[name] != i)
        raise ArchiveError(f"it has two members {twice!r}")
    _check_places(members, columns, entries["n_name"], end=end, max_bytes=max_bytes)
    return members


def _at(data: bytes, places: NDArray[np.int64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """What lies at each place, (n,)."""
    if not len(places):
        return np.empty(0, dtype)
    windows = sliding_window_view(np.frombuffer(data, np.uint8), dtype.itemsize)
    return windows[places].view(dtype).reshape(len(places))


def _starts(directory: bytes, count: int) -> NDArray[np.int64]:
    """Where each entry begins, (count,).

    Raises:
        ArchiveError: The entries do not fill the directory.
    """
    # An entry says how long it is, and so where the next begins. But as a rule they are where their
    # signature is, and nowhere else.
    raw = np.frombuffer(directory, np.uint8)
    found = np.flatnonzero(raw[: max(0, len(raw) - _ENTRY.itemsize + 1)] == _MAGIC[0])
    for k in range(1, len(_MAGIC)):
        found = found[raw[found + k] == _MAGIC[k]]
    if count and len(found) == count and found[0] == 0:
        entries = _at(directory, found, _ENTRY)
        ends = found + _ENTRY.itemsize + entries["n_name"] + entries["n_extra"]
        if (ends[:-1] == found[1:]).all() and ends[-1] == len(raw):
            return found
    starts = []
    position = 0
    for _ in range(count):
        if position + _ENTRY.itemsize > len(directory):
            raise ArchiveError("its directory is cut short")
        magic, *_, n_name, n_extra, n_comment, _, _, _, _ = f.CENTRAL_HEADER.unpack_from(
            directory, position
        )
        if magic != _MAGIC or n_comment:
            raise ArchiveError(_malformed(position))
        starts.append(position)
        position += _ENTRY.itemsize + n_name + n_extra
        if position > len(directory):
            raise ArchiveError("its directory is cut short")
    if position != len(directory):
        raise ArchiveError("its directory has bytes that belong to no member")
    return np.array(starts, np.int64)


def _malformed(at: int) -> str:
    return f"its directory has a malformed entry at byte {at}"


def _names(directory: bytes, starts: NDArray[np.int64], n_name: NDArray[np.uint16]) -> list[str]:
    """The members' names, (n,).

    Raises:
        ArchiveError: One is none that `format.stored_name` gives.
    """
    begins = starts + _ENTRY.itemsize
    ends = begins + n_name - len(SUFFIX)
    wrong = (n_name < len(SUFFIX)) | (_at(directory, ends, _SUFFIX) != SUFFIX)
    text = directory.decode("latin-1")  # what is not ASCII is no name, and found out as such
    names = [text[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]
    if not f.are_plain(names):
        given = [f.given_name(name) for name in names]
        wrong |= np.array([name is None for name in given], bool)
        names = [name or "" for name in given]
    if wrong.any():
        raise ArchiveError(_malformed(int(starts[wrong.argmax()])))
    return names


def _is_odd(entries: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which entries are not as nearly all are, and to be looked at one by one, (n,)."""
    odd: NDArray[np.bool_] = (
        (entries["flags"] != 0)
        | (entries["n_extra"] != 0)
        | (entries["n_comment"] != 0)
        | (entries["disk"] != 0)
        | ~np.isin(entries["method"], (f.STORED, f.DEFLATED))
        | ~np.isin(entries["attributes"] >> 28, (0, REGULAR_FILE))
    )
    for part in ("size", "compressed", "offset"):
        odd |= entries[part] == f.LIMIT32
    return odd


def _looked_at(entry: tuple[Any, ...], extra: bytes, at: int) -> tuple[int, int, int]:
    """Offset, compressed size and size of the entry at a place.

    Raises:
        ArchiveError: It is malformed.
    """
    _, _, flags, method, _, _, compressed, size, _, _, n_comment, disk, _, attributes, offset = (
        entry
    )
    (size, compressed, offset), is_plain = _zip64((size, compressed, offset), extra)
    if (
        (flags, n_comment, disk) != (0, 0, 0)
        or not is_plain
        or max(size, compressed, offset) > MAX_SIZE
        or attributes >> 28 not in (0, REGULAR_FILE)
        or method not in (f.STORED, f.DEFLATED)
    ):
        raise ArchiveError(_malformed(at))
    return offset, compressed, size


def _zip64(fields: tuple[int, int, int], extra: bytes) -> tuple[tuple[int, int, int], bool]:
    """An entry's sizes and offset, from ZIP64's extra field where its own say so.

    The last value is whether the extra field holds these and nothing else: what one tool takes
    from there and another does not would be two archives in one file.
    """
    n = fields.count(f.LIMIT32)
    if n == 0 or extra[:4] != struct.pack("<2H", 1, 8 * n) or len(extra) != 4 + 8 * n:
        return fields, n == 0 and not extra
    values = iter(struct.unpack_from(f"<{n}Q", extra, 4))
    size, compressed, offset = (next(values) if x == f.LIMIT32 else x for x in fields)
    return (size, compressed, offset), True


def _check_places(
    members: Members,
    columns: NDArray[np.int64],
    n_name: NDArray[np.uint16],
    *,
    end: int,
    max_bytes: int,
) -> None:
    """See that members are no larger than they may be, and lie where they should."""
    offsets, compressed, sizes = columns[:3]
    total = sum(sizes.tolist())  # in 64 bits it could overflow
    if total > max_bytes:
        raise ArchiveError(
            f"it unpacks to {total} bytes, more than the limit of {max_bytes}; raise the limit "
            "with --max-bytes if you trust it"
        )
    if MANIFEST not in members:
        raise ArchiveError(f"it has no manifest, so it holds other arrays; {FROM_ARRAYS}")
    is_large = np.maximum(sizes, compressed) >= f.LIMIT32
    heads = f.LOCAL_HEADER.size + n_name.astype(np.int64)
    heads += np.where(is_large, f.ZIP64_SIZES.size, 0)
    ends = offsets + heads + compressed
    begins = np.concatenate([[0], ends[:-1]])
    # What is larger than the file could overflow, and lie in the right place for that.
    is_wrong = (offsets != begins) | (offsets > end) | (compressed > end)
    if is_wrong.any():
        gap = list(members)[int(is_wrong.argmax())]
        raise ArchiveError(
            f"member {gap!r} overlaps another or leaves a gap; was it rewritten by another program?"
        )
    if ends[-1] != end:
        raise ArchiveError("there are bytes between its members and its directory")
