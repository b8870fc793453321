"""What a recording that was cut off still holds: the members that are whole, without a directory.

A recording's file grows at its end alone, and each chunk ends in a member that lists the others and
their CRCs. So the file is walked from the front, each member is held against its CRC and each chunk
against its list, and whatever follows the first fault does not count.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ArchiveError
from . import format as f
from . import schema as s
from .deflate import crc32, inflate, inflated_crc32

# Reads so many bytes from a place in a file; fewer where it ends.
ReadAt = Callable[[int, int], bytes]

# Unless told otherwise a file unpacks to no more than so many bytes and so many times its own size:
# what is recorded hardly does more, and a bomb does.
MOST_SMALL, MOST_TIMES = 64 << 20, 50
MAX_RATIO = 1032  # deflate packs no better
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Salvage:
    """What is whole of a recording."""

    members: dict[str, f.Member]
    manifest: s.Manifest
    end: int
    """Where the last member that counts ends."""
    n_dropped_bytes: int
    """How many bytes follow it."""

    @property
    def n_steps(self) -> int:
        """How many steps were saved."""
        return self.manifest.n_steps


def default_max_bytes(size: int) -> int:
    """To how many bytes a file of ``size`` bytes may unpack, unless the user says otherwise."""
    return MOST_SMALL + MOST_TIMES * size


def salvage(read_at: ReadAt, size: int, *, max_bytes: int | None = None) -> Salvage:
    """Find what is whole of a recording.

    Args:
        read_at: Reads the file.
        size: Its length in bytes.
        max_bytes: Refuse what unpacks to more; by default `default_max_bytes`.

    Raises:
        ArchiveError: Not even its header is whole, it is of a format that this version cannot read,
            or it is too large.
    """
    return Salvager(read_at).advance(size, max_bytes=max_bytes)


class Salvager:
    """Finds what is whole of a recording that grows, and goes on from where it was.

    Attributes:
        members: All that count, by name, in the order of the file.
        chunks: What each chunk's list says.
        end: Where the last member that counts ends.
    """

    def __init__(self, read_at: ReadAt, *, thorough: bool = True) -> None:
        """Look at nothing yet.

        Args:
            read_at: Reads the file.
            thorough: Hold every member against its CRC. Otherwise the header and the chunks' lists
                alone, and of all others what their local headers and the lists say of them, which
                takes no time that goes with their size; `ArchiveReader` checks what it reads.
        """
        self.members: dict[str, f.Member] = {}
        self.chunks: list[s.ChunkEntry] = []
        self.end = 0
        self._read_at, self._thorough = read_at, thorough
        self._version: int | None = None
        self._pending: dict[str, f.Member] = {}
        self._base: dict[str, int] = {}
        self._position = self._total = 0
        self._is_over = False  # something stands there that no recorder writes

    def advance(self, size: int, *, max_bytes: int | None = None) -> Salvage:
        """Look at what was added.

        Args:
            size: The file's length in bytes.
            max_bytes: Refuse what unpacks to more; by default `default_max_bytes`.

        Raises:
            ArchiveError: Not even its header is whole, it is of a format that this version cannot
                read, or it is too large.
        """
        max_bytes = default_max_bytes(size) if max_bytes is None else max_bytes
        while not self._is_over:
            found = _member_at(
                self._read_at,
                self._position,
                size,
                max_bytes - self._total,
                thorough=self._thorough,
            )
            if found is None:
                break
            self._is_over = not self._add(*found)
        if self._version is None:
            raise ArchiveError("not even its header is whole")
        manifest = s.Manifest(self._version, self.chunks, self._base)
        return Salvage(self.members, manifest, self.end, size - self.end)

    def _add(self, member: f.Member, data_at: int) -> bool:
        """Take a member; whether it is one that may stand there."""
        self._position = data_at + member.compressed
        self._total += member.size
        group = s.parse_name(member.name).group
        known = member.name in self.members or member.name in self._pending
        if known or group in (s.FINAL, s.MANIFEST):
            return False
        pending = self._pending
        pending[member.name] = member
        if not self.chunks and group in (s.HEADER, s.PROBE) and len(pending) == 1:
            # What comes before the chunks counts member by member.
            self._base[member.name] = member.crc
            if member.name == s.HEADER:
                header = _header(self._read_at, data_at, member)
                self._version = f.check_format(header.get("format"))
        elif group == s.LISTS:
            entry = _chunk_entry(self._read_at, data_at, pending, len(self.chunks))
            if entry is None:
                return False
            self.chunks.append(entry)
        else:
            return True
        self.members |= pending
        self._pending, self.end = {}, self._position
        return True


def _member_at(
    read_at: ReadAt, offset: int, size: int, max_bytes: int, *, thorough: bool
) -> tuple[f.Member, int] | None:
    """The member at a place, and where its data begins; None if it is not whole.

    However large it is, a few blocks of it are in memory at a time. Unless it is to be thorough,
    the CRCs of all but headers and lists are taken for what they are said to be.

    Raises:
        ArchiveError: It would unpack to more than ``max_bytes``.
    """
    head = read_at(offset, f.LOCAL_HEADER.size)
    if len(head) < f.LOCAL_HEADER.size:
        return None
    (magic, _, flags, method, _, _, crc, compressed, unpacked, n_name, n_extra) = (
        f.LOCAL_HEADER.unpack(head)
    )
    if magic != b"PK\3\4" or flags or method not in (f.STORED, f.DEFLATED):
        return None
    rest = read_at(offset + f.LOCAL_HEADER.size, n_name + n_extra)
    raw = rest[:n_name]
    if (compressed, unpacked) == (f.LIMIT32, f.LIMIT32):
        if len(rest) != n_name + f.ZIP64_SIZES.size:
            return None
        tag, length, unpacked, compressed = f.ZIP64_SIZES.unpack(rest[n_name:])
        if (tag, length) != (1, 16) or max(unpacked, compressed) < f.LIMIT32:
            return None
    elif n_extra or f.LIMIT32 in (compressed, unpacked):
        return None
    name = f.given_name(raw.decode("ascii", "replace").removesuffix(".npy"))
    if not raw.endswith(b".npy") or name is None:
        return None
    start = offset + f.LOCAL_HEADER.size + n_name + n_extra
    if start + compressed > size:
        return None
    # A damaged size is no reason to refuse the whole recording.
    if unpacked > compressed * MAX_RATIO or (method == f.STORED and unpacked != compressed):
        return None
    if unpacked > max_bytes:
        raise ArchiveError(
            f"it unpacks to more bytes than the limit allows, at member {name!r}; raise the limit "
            "with --max-bytes if you trust it"
        )
    if not thorough and s.parse_name(name).group not in (s.HEADER, s.LISTS):
        return f.Member(name, offset, compressed, unpacked, crc, method), start
    blocks = _blocks(read_at, start, compressed)
    actual = inflated_crc32(blocks, unpacked) if method == f.DEFLATED else _crc32(blocks)
    if actual != crc:
        return None
    return f.Member(name, offset, compressed, unpacked, crc, method), start


def _blocks(read_at: ReadAt, start: int, count: int) -> Iterator[bytes]:
    for at in range(start, start + count, BLOCK_BYTES):
        yield read_at(at, min(BLOCK_BYTES, start + count - at))


def _crc32(blocks: Iterable[bytes]) -> int:
    crc = 0
    for block in blocks:
        crc = crc32(block, crc)
    return crc


def _chunk_entry(
    read_at: ReadAt, data_at: int, pending: dict[str, f.Member], number: int
) -> s.ChunkEntry | None:
    """What a chunk's last member says of it, if that is what was found."""
    *others, last = pending
    try:
        array = f.array_from_npy(_list_bytes(read_at, data_at, pending), last)
        entry = s.ChunkEntry.parse(f.json_value(array, last, n_listed=len(pending)))
    except (ArchiveError, KeyError, TypeError, ValueError):
        return None
    crcs = {name: pending[name].crc for name in others}
    if last != s.list_member(number) or entry.members != crcs:
        return None
    # What was found equal may still be other numbers: a float, say.
    return replace(entry, members=crcs).with_list(number, pending[last].crc)


def _header(read_at: ReadAt, data_at: int, member: f.Member) -> dict[str, Any]:
    array = f.array_from_npy(_json_bytes(read_at, data_at, member, n_listed=0), member.name)
    return f.json_value(array, member.name)


def _list_bytes(read_at: ReadAt, data_at: int, pending: dict[str, f.Member]) -> bytes:
    """What the last member holds, if that is no longer than the list of a chunk may be."""
    return _json_bytes(read_at, data_at, list(pending.values())[-1], n_listed=len(pending))


def _json_bytes(read_at: ReadAt, data_at: int, member: f.Member, *, n_listed: int) -> bytes:
    """What a member of JSON holds, if that is no longer than such may be."""
    longest = f.MAX_HEADER_BYTES + f.longest_json(n_listed)
    if max(member.size, member.compressed) > longest:
        return b""
    packed = read_at(data_at, member.compressed)
    return packed if member.method == f.STORED else inflate(packed, member.size) or b""


def reader_of(file: int) -> ReadAt:
    """Read an open file, given by its descriptor, wherever it is at."""

    def read(offset: int, count: int) -> bytes:
        parts = []
        while count > 0 and (part := os.pread(file, count, offset)):
            parts.append(part)
            offset, count = offset + len(part), count - len(part)
        return b"".join(parts)

    return read
