"""Writes an archive member by member; see `format` for what one is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError
from . import format as f
from . import schema as s
from .deflate import crc32, deflate
from .destination import check_destination, is_at, open_alone, part_path, sync_folder
from .salvage import ReadAt, Salvage

Bytes = bytes | memoryview

COPIED_BYTES = 1 << 22
# From LARGE_BYTES on, a sample says whether a member is worth deflating.
LARGE_BYTES = 1 << 20
SAMPLE_BYTES = 1 << 16
WORTHWHILE = 0.9


class ArchiveWriter:
    """A run archive in the making: ``NAME.npz.part``, moved to ``NAME.npz`` by `finish`.

    Each member's sizes and CRC stand in its local header before its data, so that what was
    flushed can be read without the directory, which comes last.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        part: str | None = None,
    ) -> None:
        """Open the ``.part`` file, which nobody else can write then.

        Args:
            path: Where the archive shall lie.
            overwrite: Replace the archive, and what an earlier recording has left.
            part: The name of another file to write first, in the same folder; what is left there
                of an earlier attempt counts for nothing.

        Raises:
            ArchiveError: The folder is missing or not writable, or a file is in the way.
        """
        path = Path(os.path.expanduser(path))
        check_destination(path, overwrite=overwrite)
        # Wherever the program goes meanwhile; and what a link leads to is written, not the link.
        self.path = Path(os.path.realpath(path)) if path.is_symlink() else path.absolute()
        self.part = part_path(self.path) if part is None else self.path.with_name(part)
        try:
            self._file: IO[bytes] = open_alone(self.part, overwrite=overwrite or part is not None)
            # A crash must not lose the file's name either.
            sync_folder(self.part.parent)
        except OSError as error:
            raise ArchiveError(f"cannot write {self.part}: {error.strerror}") from None
        self._members: list[f.Member] = []
        self._names: set[str] = set()
        self._format = f.FORMAT
        self._chunks: list[s.ChunkEntry] = []
        self._position = 0
        self._synced = 0  # up to where it is on the disk

    @property
    def n_chunks(self) -> int:
        """How many chunks were added: the number of the next."""
        return len(self._chunks)

    def add(self, name: str, array: NDArray[Any]) -> int:
        """Append an array, and return its CRC-32.

        Raises:
            ArchiveError: The name or the dtype is not one that an archive may hold.
            OSError: The file cannot be written.
        """
        stored_name = f.stored_name(name)
        if stored_name in self._names:
            raise ArchiveError(f"the archive already holds a member {name!r}")
        array = np.ascontiguousarray(array).reshape(np.shape(array))
        if array.dtype.byteorder == ">":
            array = array.astype(array.dtype.newbyteorder("<"))
        header = f.npy_header(array.dtype, array.shape)
        body = array.reshape(-1).view(np.uint8).data
        size = len(header) + len(body)
        # Stored as it lies: what is large is not copied on its way.
        packed: list[Bytes] = [header, body]
        method = f.STORED
        if _is_worth_deflating(body):
            deflated = deflate(b"".join(packed))
            if len(deflated) < size:
                packed, method = [deflated], f.DEFLATED
        crc = crc32(body, crc32(header))
        member = f.Member(name, self._position, sum(map(len, packed)), size, crc, method)
        self._write(_local_header(member))
        for data in packed:
            self._write(data)
        self._members.append(member)
        self._names.add(stored_name)
        return member.crc

    def add_chunk(
        self, steps: NDArray[np.int64], members: Iterable[tuple[str, NDArray[Any]]]
    ) -> None:
        """Append a chunk, which is on the disk then: its steps, its members, and their list.

        Args:
            steps: (K,) the numbers of its steps.
            members: The names and arrays of all else, for chunk `n_chunks`.

        Raises:
            ArchiveError: A name or a dtype is not one that an archive may hold, or the file was
                removed.
            OSError: The file cannot be written.
        """
        number = self.n_chunks
        named = s.steps_member(number)
        crcs = {named: self.add(named, steps)}
        for name, array in members:
            crcs[name] = self.add(name, array)
        entry = s.ChunkEntry.of(steps, crcs)
        crc = self.add(s.list_member(number), f.json_array(entry.to_json()))
        self.sync()
        self._chunks.append(entry.with_list(number, crc))

    def add_manifest(self) -> None:
        """Append what the archive consists of: its last member.

        Raises:
            OSError: The file cannot be written.
        """
        of_chunks = {name for entry in self._chunks for name in entry.members}
        base = {member.name: member.crc for member in self._members if member.name not in of_chunks}
        manifest = s.Manifest(self._format, self._chunks, base)
        self.add(s.MANIFEST, f.json_array(manifest.to_json()))

    def adopt(self, read_at: ReadAt, found: Salvage) -> None:
        """Begin with what was found of another file.

        Raises:
            ArchiveError: The other file ends before.
            OSError: The file cannot be written.
        """
        assert not self._members, "adopt before you add"
        while self._position < found.end:
            data = read_at(self._position, min(COPIED_BYTES, found.end - self._position))
            if not data:
                raise ArchiveError(f"it was cut short at byte {self._position} meanwhile")
            self._write(data)
        self._members = list(found.members.values())
        self._names = {f.stored_name(name) for name in found.members}
        self._format, self._chunks = found.manifest.format, list(found.manifest.chunks)

    def sync(self) -> None:
        """Return once all that was added is on the disk, as far as the disk is honest.

        Raises:
            ArchiveError: The file was removed or replaced, so that it would come to nothing.
            OSError: The file cannot be written.
        """
        self._file.flush()
        getattr(os, "fdatasync", os.fsync)(self._file.fileno())
        written = self._position - self._synced
        if written >= LARGE_BYTES and hasattr(os, "posix_fadvise"):
            # Else gigabytes of states push the training's own data out of the system's cache; and
            # memory that is used again costs the system far less than ever more of it.
            os.posix_fadvise(self._file.fileno(), self._synced, written, os.POSIX_FADV_DONTNEED)
        self._synced = self._position
        if not is_at(self._file, self.part):
            raise ArchiveError(f"{self.part} was removed or replaced")

    def disown(self) -> None:
        """In a forked child: leave the file, and what is buffered for it, to the parent."""
        with contextlib.suppress(ValueError):  # closed already
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._file.fileno())
            os.close(null)

    def finish(self) -> None:
        """Write the directory, and move the file to its destination."""
        directory = b"".join(map(_central_header, self._members))
        start = self._position
        self._write(directory + _end(len(self._members), len(directory), start))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self.part, self.path)
        sync_folder(self.path.parent)

    def abandon(self, *, keep: bool) -> None:
        """Close without finishing; the ``.part`` file stays if ``keep``."""
        # The disk may be full: what could not be flushed is lost, and that is known already.
        with contextlib.suppress(OSError):
            self._file.close()
        if not keep:
            self.part.unlink(missing_ok=True)

    def _write(self, data: Bytes) -> None:
        self._file.write(data)
        self._position += len(data)

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.abandon(keep=True)


def _is_worth_deflating(data: Bytes) -> bool:
    """Whether what is large gets smaller by a tenth, as far as a sample from its midst can tell.

    A large model's weights hardly do, and would cost the training more than they save.
    """
    if len(data) < LARGE_BYTES:
        return True
    middle = len(data) // 2
    sample = data[middle : middle + SAMPLE_BYTES]
    return len(deflate(sample)) <= WORTHWHILE * len(sample)


def _local_header(m: f.Member) -> bytes:
    name = (f.stored_name(m.name) + ".npy").encode("ascii")
    large = max(m.size, m.compressed) >= f.LIMIT32
    sizes = (f.LIMIT32, f.LIMIT32) if large else (m.compressed, m.size)
    extra = f.ZIP64_SIZES.pack(1, 16, m.size, m.compressed) if large else b""
    version = 45 if large else 20
    head = f.LOCAL_HEADER.pack(
        b"PK\3\4", version, 0, m.method, 0, f.DOS_DATE, m.crc, *sizes, len(name), len(extra)
    )
    return head + name + extra


def _central_header(m: f.Member) -> bytes:
    name = (f.stored_name(m.name) + ".npy").encode("ascii")
    large = max(m.size, m.compressed, m.offset) >= f.LIMIT32
    sizes = (f.LIMIT32, f.LIMIT32) if large else (m.compressed, m.size)
    extra = f.ZIP64_OFFSET.pack(1, 24, m.size, m.compressed, m.offset) if large else b""
    version = 45 if large else 20
    offset = f.LIMIT32 if large else m.offset
    head = f.CENTRAL_HEADER.pack(
        *(b"PK\1\2", version, version, 0, m.method, 0, f.DOS_DATE, m.crc),
        *(*sizes, len(name), len(extra), 0, 0, 0, 0, offset),
    )
    return head + name + extra


def _end(count: int, size: int, start: int) -> bytes:
    """The records that end a ZIP file of ``count`` members, its directory at ``start``."""
    large = count >= f.LIMIT16 or max(size, start) >= f.LIMIT32
    zip64 = b""
    if large:
        zip64 = f.ZIP64_END.pack(b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
        zip64 += f.ZIP64_LOCATOR.pack(b"PK\6\7", 0, start + size, 1)
    count16 = f.LIMIT16 if large else count
    size, start = (f.LIMIT32, f.LIMIT32) if large else (size, start)
    return zip64 + f.END.pack(b"PK\5\6", 0, 0, count16, count16, size, start, 0)
