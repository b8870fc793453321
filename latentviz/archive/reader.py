"""Reads an archive's members, checking all it touches; see `format` for what one is."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from numpy.typing import NDArray

from ..errors import ArchiveError
from . import format as f
from . import schema as s
from .deflate import crc32, inflate
from .destination import PART, part_path
from .directory import Members, parse_directory
from .foreign import HEAD_BYTES, is_no_run, way_out
from .salvage import Salvage, default_max_bytes, reader_of, salvage


class ArchiveReader:
    """The members of an archive, by name.

    The directory and the manifest are read and compared when it opens; a member's local header,
    sizes and CRC are checked whenever it is read. Safe to share between threads.

    Of a recording that was cut off (``NAME.npz.part``), which has neither, what is whole is found
    when it opens; see `salvaged`.
    """

    salvaged: Salvage | None = None
    """What was found of a recording that was cut off, or still runs; None of a whole archive."""

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int | None = None) -> None:
        """Open and check.

        Args:
            path: The archive, or a recording that was cut off.
            max_bytes: Refuse what unpacks to more; by default `default_max_bytes`.

        Raises:
            ArchiveError: The file is missing, or no archive that this version can read.
        """
        self.path = Path(os.path.expanduser(path))
        try:
            self._file = open_regular(self.path)
        except FileNotFoundError:
            raise ArchiveError(_missing(self.path)) from None
        except OSError as error:
            raise ArchiveError(f"cannot read {self.path}: {error.strerror}") from None
        self._lock = threading.Lock()
        try:
            self._size = os.fstat(self._file.fileno()).st_size
            if max_bytes is None:
                max_bytes = default_max_bytes(self._size)
            self.max_bytes = max_bytes
            self.members: Mapping[str, f.Member]
            self.manifest: s.Manifest  # without names, which are in `members`
            if self.path.suffix == PART:
                self.members, self.manifest = self._salvage(max_bytes)
            else:
                self.members = members = self._read_directory(max_bytes)
                self.manifest = self._read_manifest(members)
        except BaseException as error:
            what = is_no_run(self.path, self._head()) if isinstance(error, ArchiveError) else None
            self._file.close()
            if what is not None:
                raise self._error(what) from None
            raise

    @classmethod
    def of(
        cls,
        path: Path,
        file: BinaryIO,
        members: Mapping[str, f.Member],
        manifest: s.Manifest,
        *,
        max_bytes: int,
    ) -> ArchiveReader:
        """A reader of members that were found already, such as those of a recording that grows.

        Args:
            path: What the file is called in errors, and its run.
            file: The file, which the reader closes.
            members: The members by the names by which they are asked for.
            manifest: What they make up.
            max_bytes: To how many bytes they may unpack.
        """
        reader = cls.__new__(cls)
        reader.path, reader._file, reader._lock = path, file, threading.Lock()
        reader._size, reader.max_bytes = os.fstat(file.fileno()).st_size, max_bytes
        reader.members, reader.manifest = members, manifest.without_names()
        return reader

    def __contains__(self, name: str) -> bool:
        return name in self.members

    @property
    def format(self) -> int:
        """The version of the format that the archive is of."""
        return self.manifest.format

    @cached_property
    def digest(self) -> str:
        """A SHA-256 that tells archives apart, of all members' names, sizes and CRCs."""
        members = sorted((m.name, m.size, m.crc) for m in self.members.values())
        return hashlib.sha256(repr(members).encode()).hexdigest()

    def read(self, name: str) -> NDArray[Any]:
        """A member as a read-only array.

        Raises:
            ArchiveError: There is none of that name, or it is damaged.
        """
        member = self.members.get(name)
        if member is None:
            raise self._error(f"it has no member {name!r}")
        return f.array_from_npy(self._bytes(member), name)

    @property
    def closed(self) -> bool:
        """Whether the file is closed, so that nothing more can be read."""
        return self._file.closed

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> ArchiveReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def _head(self) -> bytes:
        self._file.seek(0)
        return self._file.read(HEAD_BYTES)

    def _error(self, what: str) -> ArchiveError:
        return ArchiveError(f"{self.path} is not a readable run archive: {what}")

    def _pread(self, offset: int, count: int) -> bytes:
        with self._lock:
            if self.closed:
                raise ArchiveError(f"{self.path} was closed; open the run anew to read it")
            self._file.seek(offset)
            data = self._file.read(count)
        if len(data) != count:
            raise self._error(f"it ends at byte {self._size}, before byte {offset + count}")
        return data

    def _bytes(self, m: f.Member) -> bytes:
        stored_name = (f.stored_name(m.name) + ".npy").encode("ascii")
        large = max(m.size, m.compressed) >= f.LIMIT32
        head_size = f.LOCAL_HEADER.size + len(stored_name) + (f.ZIP64_SIZES.size if large else 0)
        try:
            blob = self._pread(m.offset, head_size + m.compressed)
            return self._unpacked(m, blob, stored_name, head_size)
        except MemoryError:
            raise self._error(
                f"member {m.name!r} unpacks to {m.size} bytes, more than there is memory for"
            ) from None

    def _unpacked(self, m: f.Member, blob: bytes, stored_name: bytes, head_size: int) -> bytes:
        (magic, _, flags, method, _, _, crc, compressed, size, n_name, n_extra) = (
            f.LOCAL_HEADER.unpack_from(blob)
        )
        name_end = f.LOCAL_HEADER.size + n_name
        declared_head = name_end + n_extra
        if (
            (compressed, size, n_extra) == (f.LIMIT32, f.LIMIT32, f.ZIP64_SIZES.size)
            and declared_head == head_size  # else there may be no bytes at its name's end
        ):
            tag, length, size, compressed = f.ZIP64_SIZES.unpack_from(blob, name_end)
            declared_head = head_size if (tag, length) == (1, 16) else -1
        declared = (magic, flags, method, crc, compressed, size, declared_head)
        if (
            declared != (b"PK\3\4", 0, m.method, m.crc, m.compressed, m.size, head_size)
            or blob[f.LOCAL_HEADER.size : name_end] != stored_name
        ):
            raise self._error(f"member {m.name!r} disagrees with the directory")
        packed = blob[head_size:]
        data = packed if m.method == f.STORED else inflate(packed, m.size)
        if data is None or len(data) != m.size or crc32(data) != m.crc:
            raise self._error(f"member {m.name!r} is damaged (wrong size or CRC)")
        return data

    def _read_directory(self, max_bytes: int) -> Members:
        if self._size < f.END.size:
            raise self._error("it is too short to be a ZIP file")
        end_at = self._size - f.END.size
        magic, disk, start_disk, on_disk, *sums, comment = f.END.unpack(
            self._pread(end_at, f.END.size)
        )
        count, size, start = sums
        if magic != b"PK\5\6" or disk or start_disk or on_disk != count or comment:
            raise self._error(f"it does not end in a ZIP directory; {way_out(self._head())}")
        if count == f.LIMIT16 or f.LIMIT32 in (size, start):
            end_at, *large = self._read_zip64_end(end_at)
            limits = (f.LIMIT16, f.LIMIT32, f.LIMIT32)
            # Who reads the one record must not see another directory than who reads the other.
            if any(s not in (n, most) for s, n, most in zip(sums, large, limits, strict=True)):
                raise self._error("its ZIP64 records disagree with its end record")
            count, size, start = large
        if start + size != end_at:
            raise self._error("its directory does not fill the space before the end record")
        try:
            return parse_directory(self._pread(start, size), count, end=start, max_bytes=max_bytes)
        except ArchiveError as error:
            raise self._error(str(error)) from None

    def _salvage(self, max_bytes: int) -> tuple[dict[str, f.Member], s.Manifest]:
        try:
            found = salvage(reader_of(self._file.fileno()), self._size, max_bytes=max_bytes)
        except ArchiveError as error:
            raise self._error(str(error)) from None
        self.salvaged = found
        return found.members, found.manifest.without_names()

    def _read_zip64_end(self, end_at: int) -> tuple[int, int, int, int]:
        locator_at = end_at - f.ZIP64_LOCATOR.size
        record_at = locator_at - f.ZIP64_END.size
        if record_at < 0:
            raise self._error("its ZIP64 records are missing")
        locator = f.ZIP64_LOCATOR.unpack(self._pread(locator_at, f.ZIP64_LOCATOR.size))
        head, length, _, _, disk, start_disk, on_disk, count, size, start = f.ZIP64_END.unpack(
            self._pread(record_at, f.ZIP64_END.size)
        )
        expected = (b"PK\6\6", 44, 0, 0, count)
        if (
            locator != (b"PK\6\7", 0, record_at, 1)
            or (head, length, disk, start_disk, on_disk) != expected
        ):
            raise self._error("its ZIP64 records are malformed")
        return record_at, count, size, start

    def _read_manifest(self, members: Members) -> s.Manifest:
        raw = f.json_value(self.read(s.MANIFEST), s.MANIFEST, n_listed=len(members))
        try:
            manifest = s.Manifest.parse(raw)
        except ArchiveError as error:
            raise self._error(str(error)) from None
        actual = members.crcs()
        del actual[s.MANIFEST]
        if manifest.listed() != actual:
            raise self._error("its manifest disagrees with its directory")
        return manifest.without_names()


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read; what is none, such as a pipe, could keep us waiting for ever.

    Raises:
        ArchiveError: It is no regular file.
        OSError: It cannot be opened.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # of a folder the system says so
        raise ArchiveError(f"cannot read {path}: it is no regular file")
    return path.open("rb")


def _missing(path: Path) -> str:
    part = part_path(path)
    if part.exists():
        return f"{path} does not exist, but {part} does: its recording was cut off or still runs"
    return f"{path} does not exist; name a run archive (.npz) that was recorded before"
