"""An archive that grows checkpoint by checkpoint, and goes on where it was cut off."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..archive import ArchiveReader, ArchiveWriter
from ..archive import format as f
from ..archive import schema as s
from ..archive.destination import part_path
from ..archive.recovery import is_locked
from ..archive.salvage import Salvage, reader_of, salvage
from ..deferral import Deferred
from ..errors import ArchiveError, LatentvizError, OptionError
from ..recording import ChunkLimits
from ..recording.arguments import Recorded
from ..recording.chunks import Chunk, Memory
from ..text import printable

# A chunk takes the checkpoints of so many bytes, or seconds, at most: what was read for it, and the
# model's work, is lost if the import is killed before it ends.
READ_BYTES = 64 << 20
READ_S = 10.0


class Earlier:
    """What an earlier import has left: the part of an archive, or the whole of a shorter one."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            ArchiveError: Nothing of it is whole, or somebody still writes it.
        """
        self.path = path
        self._reader = ArchiveReader(path)
        try:
            with path.open("rb") as file:
                if is_locked(file):
                    raise ArchiveError(f"{path} is being written by another process; let it finish")
                self.is_finished = self._reader.salvaged is None
                read, size = reader_of(file.fileno()), os.fstat(file.fileno()).st_size
                self.found: Salvage = self._reader.salvaged or salvage(read, size)
            chunks = range(len(self._reader.manifest.chunks))
            read_steps = [self._reader.read(s.steps_member(chunk)) for chunk in chunks]
            self.steps = [int(step) for part in read_steps for step in part]
        except BaseException:
            self._reader.close()
            raise

    def check(self, recorded: Recorded) -> None:
        """Refuse to go on with what was begun otherwise, or with other tensors.

        Args:
            recorded: What is recorded now; its model has the state of a checkpoint.

        Raises:
            OptionError: The options differ, or the names, shapes or dtypes of what is kept.
        """
        groups = {s.parse_name(name).group for name in self._reader.members}
        if s.FINAL in groups or s.BATCHES in groups:
            raise OptionError(f"{self.path} was recorded while training, and is not gone on with")
        self._check_first(recorded)
        chunk = Chunk(first=0, every=1, rows=1, memory={})
        _add_row(chunk, recorded, _latents(recorded), 0)
        self._check_chunk(chunk)

    def _check_first(self, recorded: Recorded) -> None:
        """Compare what comes before all steps: the options, the probe, and what goes with that."""
        first = recorded.first
        ours, theirs = (
            f.json_value(array, s.HEADER)
            for array in (first[s.HEADER], self._reader.read(s.HEADER))
        )
        for key in theirs | ours:
            if key != "versions" and ours.get(key) != theirs.get(key):
                raise self._differs(f"its {key}")
        before = {name for name in self._reader.members if s.parse_name(name).chunk is None}
        if odd := sorted((before - {s.MANIFEST}) ^ set(first)):
            raise self._differs(f"its {odd[0]}")
        for name, array in first.items():
            there = self._reader.read(name)
            if name != s.HEADER and not (
                there.dtype == array.dtype and np.array_equal(there, array)
            ):
                raise self._differs(f"its {name}")

    def _check_chunk(self, chunk: Chunk) -> None:
        """Compare the members of steps, their shapes and dtypes."""
        ours = dict(chunk.arrays(0))
        theirs = {
            name for name in self._reader.members if (n := s.parse_name(name)).chunk == 0
            and n.group not in (s.LISTS, s.STEPS)
        }  # fmt: skip
        if odd := sorted(ours.keys() ^ theirs):
            raise self._differs(f"what it keeps, {_in_words(odd[0])},")
        for name, array in ours.items():
            there = self._reader.read(name)
            if (there.shape[1:], there.dtype) != (array.shape[1:], array.dtype):
                raise self._differs(f"the shape or the dtype of {_in_words(name)}")

    def _differs(self, what: str) -> OptionError:
        return OptionError(
            f"{self.path} was imported otherwise: {what} differs; give the same options, or import "
            "anew with overwrite"
        )

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


def _in_words(member: str) -> str:
    """What a member of steps holds."""
    name = s.parse_name(member)
    what = "the output of layer" if name.group == s.LATENTS else "tensor"
    return f"{what} {printable(name.rest)!r}"


def earlier_import(output: Path) -> Earlier | None:
    """What an earlier import to that place has left; None if there is nothing of use.

    Raises:
        ArchiveError: There is an archive that cannot be read, or somebody writes it.
    """
    part = part_path(output)
    if part.exists():
        try:
            earlier = Earlier(part)
        except ArchiveError:
            # Cut off before anything of it was whole: nothing is lost if it begins anew.
            with part.open("rb") as file:
                if is_locked(file):
                    raise
        else:
            if earlier.steps:
                return earlier
            earlier.close()
            part.unlink()  # cut off before its first step was whole
    return Earlier(output) if output.exists() else None


class Growing:
    """An archive to which states, and latents of them, are added."""

    def __init__(
        self, output: Path, recorded: Recorded, earlier: Earlier | None, *, overwrite: bool
    ) -> None:
        """Open it.

        Args:
            output: Where it shall lie.
            recorded: What is recorded of each checkpoint.
            earlier: What to begin with.
            overwrite: Replace what is there.

        Raises:
            ArchiveError: It cannot be written, or is in the way.
        """
        self._recorded = recorded
        self._chunk: Chunk | None = None
        self._memory: Memory = {}
        self._flushed_s = time.monotonic()
        self._n_elsewhere = 0  # chunks that are in a finished archive, too
        part = None if earlier is None else f".{output.name}.resumed"
        self._writer = ArchiveWriter(output, overwrite=overwrite or earlier is not None, part=part)
        try:
            if earlier is None:
                for name, array in recorded.first.items():
                    self._writer.add(name, array)
                self._writer.sync()
            else:
                self._adopt(earlier)
        except BaseException:
            self._writer.abandon(keep=False)
            raise

    def _adopt(self, earlier: Earlier) -> None:
        """Copy what is whole of it, which stays until that is done."""
        writer = self._writer
        with earlier.path.open("rb") as file:
            writer.adopt(reader_of(file.fileno()), earlier.found)
        writer.sync()
        part = part_path(writer.path)
        os.replace(writer.part, part)
        writer.part = part
        self._n_elsewhere = writer.n_chunks if earlier.is_finished else 0

    def add(self, step: int, file_bytes: int) -> None:
        """Add the model as it is now.

        Args:
            step: Its step.
            file_bytes: How many bytes were read for it.

        Raises:
            LatentvizError: It cannot be run, or gives others than before.
            OSError: The file cannot be written.
        """
        recorded = self._recorded
        latents = _latents(recorded)
        if self._chunk is None:
            n_bytes = recorded.states.n_bytes + sum(array.nbytes for array in latents.values())
            rows = min(ChunkLimits().rows(n_bytes), max(1, READ_BYTES // max(1, file_bytes)))
            self._chunk = Chunk(first=step, every=1, rows=rows, memory=self._memory)
        _add_row(self._chunk, recorded, latents, step)
        is_full = self._chunk.count == self._chunk.rows
        if is_full or time.monotonic() - self._flushed_s >= READ_S:
            self._flush()

    def _flush(self) -> None:
        # Whole or not at all; and what could not be written is not tried again.
        with Deferred():
            chunk, self._chunk = self._chunk, None
            if chunk is not None and chunk.count:
                self._writer.add_chunk(chunk.steps(), chunk.arrays(self._writer.n_chunks))
                self._memory = chunk.memory
            self._flushed_s = time.monotonic()

    def finish(self) -> None:
        """Write the rest, and move the archive into place.

        Raises:
            OSError: The file cannot be written.
        """
        self._flush()
        self._writer.add_manifest()
        self._writer.finish()

    def abandon(self) -> bool:
        """Write what was added and close, unfinished.

        Returns:
            Whether the ``.part`` file is left, to be gone on with.
        """
        with contextlib.suppress(OSError, LatentvizError):  # the error that is known says more
            self._flush()
        keep = self._writer.n_chunks > self._n_elsewhere
        self._writer.abandon(keep=keep)
        return keep


def _latents(recorded: Recorded) -> Mapping[str, NDArray[Any]]:
    return {} if recorded.latents is None else recorded.latents.now()


def _add_row(
    chunk: Chunk, recorded: Recorded, latents: Mapping[str, NDArray[Any]], step: int
) -> None:
    """Add the model as it is now to a chunk, with these latents of it."""
    recorded.states.add(chunk, chunk.count)
    if latents:
        chunk.add_latents(latents)
    chunk.numbered[chunk.count] = step
    chunk.count += 1  # last: if an interrupt comes before, the row does not count
