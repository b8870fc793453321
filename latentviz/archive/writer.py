"""Writes an archive member by member; see `format` for what one is."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError
from . import format as f
from .deflate import crc32, deflate
from .salvage import ReadAt, reader_of, salvage

Bytes = bytes | memoryview

COPIED_BYTES = 1 << 22
PART = ".part"
MOST_ATTEMPTS = 100  # at a file that others make and move meanwhile
# From LARGE_BYTES on, a sample says whether a member is worth deflating.
LARGE_BYTES = 1 << 20
SAMPLE_BYTES = 1 << 16
WORTHWHILE = 0.9


def part_path(path: Path) -> Path:
    """Where an archive lies while it is being written."""
    return path.with_name(path.name + PART)


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
            self._file: IO[bytes] = _open_alone(self.part, overwrite=overwrite or part is not None)
            # A crash must not lose the file's name either.
            _sync_folder(self.part.parent)
        except OSError as error:
            raise ArchiveError(f"cannot write {self.part}: {error.strerror}") from None
        self._members: list[f.Member] = []
        self._names: set[str] = set()
        self._position = 0
        self._synced = 0  # up to where it is on the disk

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

    def adopt(self, read_at: ReadAt, members: Iterable[f.Member], end: int) -> None:
        """Begin with the members of another file, which fill it from byte 0 to ``end``.

        Raises:
            ArchiveError: The other file ends before.
            OSError: The file cannot be written.
        """
        assert not self._members, "adopt before you add"
        while self._position < end:
            data = read_at(self._position, min(COPIED_BYTES, end - self._position))
            if not data:
                raise ArchiveError(f"it was cut short at byte {self._position} meanwhile")
            self._write(data)
        self._members = list(members)
        self._names = {f.stored_name(member.name) for member in self._members}

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
        if not _is_at(self._file, self.part):
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
        _sync_folder(self.path.parent)

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


def _open_alone(part: Path, *, overwrite: bool) -> IO[bytes]:
    """Open a file to write that no other recorder has open, and that holds no step; empty it.

    Raises:
        ArchiveError: Another recorder writes it, or there is something in it.
        OSError: It cannot be opened.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows, which itself keeps others out of an open file
        try:
            return open(part, "wb" if overwrite else "xb")
        except FileExistsError:
            raise ArchiveError(_left_over(part)) from None
    for _ in range(MOST_ATTEMPTS):
        # Not emptied before it is known to be nobody else's.
        try:
            file = os.fdopen(_opened(part), "wb")
        except FileNotFoundError:
            if part.parent.is_dir():
                continue  # its recorder has moved it into place meanwhile
            raise
        try:
            try:
                # The system's own, which goes with the process however that ends.
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ArchiveError(
                    f"another recorder is writing {part}; close() it if it is in this very "
                    "process, such as in a notebook's cell that ran before, or record to another "
                    "path"
                ) from None
            if not _is_at(file, part):
                file.close()  # its recorder has just moved it into place
                continue
            if not overwrite and _holds_something(file):
                raise ArchiveError(_left_over(part))
            file.truncate(0)
        except BaseException:
            file.close()
            raise
        return file
    raise OSError(errno.EIO, "no file can be made there")


def _opened(part: Path) -> int:
    """A handle of a new file, or of one of ours that an earlier recording has left.

    Its name can be foreseen: who may write to the folder could have put a link there, through which
    another file would be written, or a file that is theirs to read and change.

    Raises:
        ArchiveError: It is none of ours.
        OSError: It cannot be opened.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
    with contextlib.suppress(FileExistsError):
        return os.open(part, flags | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        handle = os.open(part, flags)
    except OSError:
        if part.is_symlink():
            raise ArchiveError(_not_ours(part, "is a link")) from None
        raise
    about = os.fstat(handle)
    for is_odd, what in (
        (not stat.S_ISREG(about.st_mode), "is no regular file"),
        (about.st_nlink > 1, "has another name, too, as a hard link"),
        (about.st_uid != os.geteuid(), "belongs to another user"),
    ):
        if is_odd:
            os.close(handle)
            raise ArchiveError(_not_ours(part, what))
    return handle


def _not_ours(part: Path, what: str) -> str:
    return f"{part} {what}, and is not written to; move it away, or write to another folder"


def _holds_something(file: IO[bytes]) -> bool:
    """Whether there is more in a file than the beginning of a recording that has no step yet."""
    size = os.fstat(file.fileno()).st_size
    try:
        found = salvage(reader_of(file.fileno()), size)
    except ArchiveError:
        return size > 0
    return found.n_steps > 0 or found.n_dropped_bytes > 0


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _left_over(part: Path) -> str:
    return (
        f"{part} holds a recording that was cut off; save it with `latentviz recover {part}`, move "
        "it away, or overwrite it with overwrite=True (or --overwrite)"
    )


def check_destination(path: Path, *, overwrite: bool) -> None:
    """Find out before any work is done that an archive cannot go to ``path``.

    Raises:
        ArchiveError: It cannot, and why.
    """
    path = Path(os.path.expanduser(path))
    if path.suffix != ".npz":
        raise ArchiveError(f"an archive's name must end in .npz, got {path}")
    if not path.parent.is_dir():
        raise ArchiveError(f"the folder {path.parent} does not exist; create it first")
    try:
        path.absolute()
    except FileNotFoundError:
        raise ArchiveError(
            f"{path} has no folder to go to: the current one was removed; change to another"
        ) from None
    if path.is_dir():
        raise ArchiveError(f"{path} is a folder; name a file")
    if path.exists() and not path.is_file():
        raise ArchiveError(f"{path} is a device or a pipe, which is not replaced; name a file")
    if path.is_symlink() and not (target := Path(os.path.realpath(path))).parent.is_dir():
        raise ArchiveError(f"the folder {target.parent}, to which {path} leads, does not exist")
    if path.exists() and not overwrite:
        raise ArchiveError(f"{path} exists; overwrite it with overwrite=True (or --overwrite)")


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


def _sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` last."""
    if os.name == "nt":
        return  # Windows cannot open a folder; its rename is journalled.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def chunk_entry(
    steps: NDArray[np.int64], members: Iterable[tuple[str, int]]
) -> dict[str, int | list[int] | dict[str, int]]:
    """What ``chunks/C`` and the manifest say of a chunk."""
    return {
        "steps": [int(steps[0]), int(steps[-1])],
        "count": len(steps),
        "members": dict(members),
    }
