"""A recording that grows: how much of it is whole, and a run of any of its chunks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from ..archive import ArchiveReader
from ..archive import format as f
from ..archive import schema as s
from ..archive.destination import PART, part_path
from ..archive.foreign import HEAD_BYTES, is_no_run
from ..archive.reader import open_regular
from ..archive.recovery import is_locked
from ..archive.salvage import ReadAt, Salvager, default_max_bytes, reader_of
from ..errors import ArchiveError
from ..runs.run import Run, archived_run

QUIET_S = 3.0  # without a new chunk, before anybody asks whether its recorder is there


class State(Enum):
    """What is known of a recording."""

    WAITING = "waiting"
    """Nothing of it is whole yet."""
    RECORDING = "recording"
    FINISHED = "finished"
    """The archive stands in its place."""
    STOPPED = "stopped"
    """Its recorder is gone, and has not finished it."""
    GONE = "gone"
    """The file was removed."""
    REPLACED = "replaced"
    """Another recording has begun in its place."""


@dataclass(frozen=True)
class _Chunk:
    """Which members a chunk has, and how many steps."""

    steps: tuple[int, int]
    count: int
    names: Sequence[str]


class Growing:
    """Follows a recording in ``NAME.npz.part``, and then the archive ``NAME.npz``.

    Safe to share between threads. The file is open only while it is looked at or read.

    Attributes:
        path: The archive's, whether it is there yet or not.
        state: What was found at the last look.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        model: str | None = None,
        max_bytes: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Look at nothing yet.

        Args:
            path: ``NAME.npz``, or ``NAME.npz.part``.
            model: As for `open_run`.
            max_bytes: As for `open_run`.
            clock: Tells seconds.

        Raises:
            ArchiveError: There can be no archive of that name.
        """
        given = Path(os.path.expanduser(path))
        self.path = given.with_suffix("") if given.suffix == PART else given
        if self.path.suffix != ".npz":
            raise ArchiveError(f"a run's name ends in .npz or .npz{PART}, got {given}")
        if not self.path.parent.is_dir():
            raise ArchiveError(f"the folder {self.path.parent} does not exist")
        self.state = State.WAITING
        self._part = part_path(self.path)
        self._prefers_part = given.suffix == PART
        self._model, self._max_bytes, self._clock = model, max_bytes, clock
        self._lock = threading.RLock()
        self._identity: tuple[int, int] | None = None  # of the file that is followed
        self._salvager = Salvager(lambda at, count: self._read(at, count), thorough=False)
        self._read: ReadAt = _nothing  # reads the file while it is open
        self._size = 0
        self._grown_s = 0.0  # when it was seen to have grown
        self._members: Mapping[str, f.Member] = {}
        self._format = f.FORMAT
        self._chunks: list[_Chunk] = []
        self._outside: list[str] = []
        self._is_whole = False

    @property
    def n_chunks(self) -> int:
        """How many chunks are whole, C."""
        return len(self._chunks)

    @property
    def n_steps(self) -> int:
        """How many steps are whole, T."""
        return sum(chunk.count for chunk in self._chunks)

    @property
    def last_step(self) -> int | None:
        """The number of the last step that is whole."""
        return self._chunks[-1].steps[1] if self._chunks else None

    def counts(self, first: int, stop: int) -> list[int]:
        """How many steps each of the chunks first..stop has."""
        return [chunk.count for chunk in self._chunks[first:stop]]

    def look(self) -> State:
        """See what was added, which costs as much as that has members.

        Raises:
            ArchiveError: The file is no recording that this version can read.
        """
        with self._lock:
            if self.state is State.FINISHED:
                if self._is_begun_anew():
                    self.state = State.REPLACED
            elif self.state is not State.REPLACED:
                self.state = self._looked()
            return self.state

    def ends_at(self, stop: int) -> bool:
        """Whether the recording was finished with so many chunks."""
        with self._lock:
            return self._is_whole and stop == len(self._chunks)

    def run(self, first: int, stop: int, *, whole: bool = False) -> Run:
        """A run of the chunks first..stop alone.

        Its steps have their numbers, but count from the first of these chunks on. Close it.

        Args:
            first: The first chunk.
            stop: The one after the last.
            whole: Whether it has what followed the last update, too, as far as that is known.

        Raises:
            ArchiveError: The file is gone, or damaged.
        """
        with self._lock:
            members = {
                name: self._members[name]
                for name in self._outside
                if whole or s.parse_name(name).group != s.FINAL
            }
            entries = []
            for number, chunk in enumerate(self._chunks[first:stop]):
                entries.append(s.ChunkEntry(chunk.steps, chunk.count, {}))
                for name in chunk.names:
                    kept = s.parse_name(name)
                    members[s.chunk_member(kept.group, number, kept.rest)] = self._members[name]
            manifest = s.Manifest(self._format, entries, {})
            file = self._followed()
        if file is None:
            raise ArchiveError(f"{self.path} was removed or replaced")
        size = os.fstat(file.fileno()).st_size
        max_bytes = default_max_bytes(size) if self._max_bytes is None else self._max_bytes
        reader = ArchiveReader.of(self.path, file, members, manifest, max_bytes=max_bytes)
        try:
            return archived_run(reader, self._model)
        except BaseException:
            reader.close()
            raise

    def _looked(self) -> State:
        found = self._first() if self._identity is None else self._followed()
        if found is None:
            if self._identity is None:
                return State.WAITING
            anew = self._part.exists() or self.path.exists()
            return State.REPLACED if anew else State.GONE
        with found as file:
            if self._is_archive(file):
                return self._take_archive()
            return self._take_part(file)

    def _first(self) -> BinaryIO | None:
        """The file to follow: the recording's, unless that was left by an earlier one."""
        part = _opened(self._part)
        if part is None:
            return _opened(self.path)
        archive = None if self._prefers_part else _opened(self.path)
        if archive is None:
            return part
        # An archive that is older is what the recording will replace.
        if _changed(part) > _changed(archive):
            part, archive = archive, part
        part.close()
        return archive

    def _followed(self) -> BinaryIO | None:
        """The file that is followed, under whichever name it lies."""
        for path in (self._part, self.path):
            file = _opened(path)
            if file is not None:
                if _identity_of(file) == self._identity:
                    return file
                file.close()
        return None

    def _is_begun_anew(self) -> bool:
        """Whether a recording has begun that will replace the archive."""
        part = _opened(self._part)
        archive = _opened(self.path)
        with part or nullcontext(), archive or nullcontext():
            if part is None or archive is None:
                return part is not None
            return _changed(part) > _changed(archive)

    def _is_archive(self, file: BinaryIO) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False

    def _take_archive(self) -> State:
        with ArchiveReader(self.path, max_bytes=self._max_bytes) as reader:
            names: list[list[str]] = [[] for _ in reader.manifest.chunks]
            self._outside = []
            for name in reader.members:
                chunk = s.parse_name(name).chunk
                if chunk is None or chunk >= len(names):
                    self._outside.append(name)
                else:
                    names[chunk].append(name)
            self._members, self._format = reader.members, reader.format
            self._chunks = [
                _Chunk(entry.steps, entry.count, of_chunk)
                for entry, of_chunk in zip(reader.manifest.chunks, names, strict=True)
            ]
            self._identity, self._is_whole = _identity_of_path(self.path), True
        if not self._chunks:
            raise ArchiveError(f"{self.path} holds no steps")
        return State.FINISHED

    def _take_part(self, file: BinaryIO) -> State:
        size = os.fstat(file.fileno()).st_size
        self._read = reader_of(file.fileno())
        try:
            if self._identity is None:
                self._size = min(self._size, size)
            elif size < self._size or not self._is_same():
                return State.REPLACED
            if size > self._size:
                self._advance(file, size)
        finally:
            self._read = _nothing
        now = self._clock()
        if size != self._size:
            self._size, self._grown_s = size, now
        if now - self._grown_s < QUIET_S:
            stopped = False
        else:
            # A recorder that begins in the moment in which we hold the lock would be refused: so
            # nobody asks while the file grows, nor again once it was found free.
            stopped = self.state is State.STOPPED or not is_locked(file)
        if stopped:
            return State.STOPPED
        return State.RECORDING if self._chunks else State.WAITING

    def _advance(self, file: BinaryIO, size: int) -> None:
        salvager = self._salvager
        try:
            found = salvager.advance(size, max_bytes=self._max_bytes)
        except ArchiveError as error:
            head = self._read(0, HEAD_BYTES)
            if not salvager.members and head[:4] == b"PK\3\4"[: len(head)]:
                return  # its header is on its way
            what = is_no_run(self._part, head) or str(error)
            raise ArchiveError(f"{self._part} is not a readable recording: {what}") from None
        self._identity = _identity_of(file)
        for entry in salvager.chunks[len(self._chunks) :]:
            self._chunks.append(_Chunk(entry.steps, entry.count, list(entry.members)))
        self._members, self._format = found.members, found.manifest.format
        self._outside = list(found.manifest.members)

    def _is_same(self) -> bool:
        """Whether the last member stands where it stood: the file was not begun anew."""
        last = next(reversed(self._salvager.members.values()))  # there is the header at least
        head = self._read(last.offset, f.LOCAL_HEADER.size)
        return len(head) == f.LOCAL_HEADER.size and f.LOCAL_HEADER.unpack(head)[6] == last.crc


def _nothing(offset: int, count: int) -> bytes:
    return b""


def _opened(path: Path) -> BinaryIO | None:
    """A file to read, if there is one.

    Raises:
        ArchiveError: It cannot be read.
    """
    try:
        return open_regular(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ArchiveError(f"cannot read {path}: {error.strerror}") from None


def _changed(file: BinaryIO) -> int:
    """When it was written to, in nanoseconds."""
    return os.fstat(file.fileno()).st_mtime_ns


def _identity_of(file: BinaryIO) -> tuple[int, int]:
    about = os.fstat(file.fileno())
    return about.st_dev, about.st_ino


def _identity_of_path(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_dev, about.st_ino
