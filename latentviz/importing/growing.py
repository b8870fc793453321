"""An archive that grows checkpoint by checkpoint, and goes on where it was cut off."""

from __future__ import annotations

import os
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
from ..errors import ArchiveError, OptionError
from ..recording import ChunkLimits
from ..recording.arguments import Recorded
from ..recording.chunks import Chunk, Memory

# A chunk takes the checkpoints of so many bytes at most: what was read for it, and the model's
# work, is lost if the import is cut off before it ends.
READ_BYTES = 64 << 20


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

    def check_first(self, first: Mapping[str, NDArray[Any]]) -> None:
        """Refuse to go on with what was begun otherwise.

        Args:
            first: The members before all steps, the header among them.

        Raises:
            OptionError: It has others.
        """
        groups = {s.parse_name(name).group for name in self._reader.members}
        if s.FINAL in groups or s.BATCHES in groups:
            raise OptionError(f"{self.path} was recorded while training, and is not gone on with")
        before = {name for name in self._reader.members if s.parse_name(name).chunk is None}
        if before - {s.MANIFEST} != set(first):
            raise self._differs("its probe, or what goes with that")
        for name, array in first.items():
            there = self._reader.read(name)
            if name == s.HEADER:
                ours, theirs = (f.json_value(a, name) for a in (array, there))
                keys = [key for key in ours | theirs if ours.get(key) != theirs.get(key)]
                if odd := [key for key in keys if key != "versions"]:
                    raise self._differs(f"its {odd[0]}")
            elif not (there.dtype == array.dtype and np.array_equal(there, array)):
                raise self._differs(f"its {name}")

    def check_chunk(self, chunk: Chunk) -> None:
        """Refuse to go on with steps of another form.

        Raises:
            OptionError: They differ in members, shapes or dtypes.
        """
        ours = dict(chunk.arrays(0))
        theirs = {
            name for name in self._reader.members if (n := s.parse_name(name)).chunk == 0
            and n.group not in (s.LISTS, s.STEPS)
        }  # fmt: skip
        if ours.keys() != theirs:
            raise self._differs("the tensors that it keeps")
        for name, array in ours.items():
            there = self._reader.read(name)
            if (there.shape[1:], there.dtype) != (array.shape[1:], array.dtype):
                raise self._differs(f"the shape or the dtype of {name}")

    def _differs(self, what: str) -> OptionError:
        return OptionError(
            f"{self.path} was imported otherwise: {what} differs; give the same options, or import "
            "anew with overwrite"
        )

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


def earlier_import(output: Path) -> Earlier | None:
    """What an earlier import to that place has left; None if there is nothing of use.

    Raises:
        ArchiveError: There is an archive that cannot be read, or somebody writes it.
    """
    part = part_path(output)
    if part.exists():
        try:
            return Earlier(part)
        except ArchiveError:
            # Cut off before anything of it was whole: nothing is lost if it begins anew.
            with part.open("rb") as file:
                if is_locked(file):
                    raise
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
        self._recorded, self._earlier = recorded, earlier
        self._chunk: Chunk | None = None
        self._memory: Memory = {}
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

    @property
    def n_chunks(self) -> int:
        """How many chunks are on the disk."""
        return self._writer.n_chunks

    @property
    def part(self) -> Path:
        """Where it lies while it is written."""
        return self._writer.part

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
        latents = {} if recorded.latents is None else recorded.latents.now()
        if self._chunk is None:
            n_bytes = recorded.states.n_bytes + sum(array.nbytes for array in latents.values())
            # Not by the clock: an import gives the same members however often it was cut off.
            rows = min(ChunkLimits().rows(n_bytes), max(1, READ_BYTES // max(1, file_bytes)))
            self._chunk = Chunk(first=step, every=1, rows=rows, memory=self._memory)
        chunk = self._chunk
        recorded.states.add(chunk, chunk.count)
        if latents:
            chunk.add_latents(latents)
        chunk.numbered[chunk.count] = step
        chunk.count += 1
        if self._earlier is not None:
            self._earlier.check_chunk(chunk)
            self._earlier = None
        if chunk.count == chunk.rows:
            self._flush()

    def _flush(self) -> None:
        if (chunk := self._chunk) is not None:
            self._writer.add_chunk(chunk.steps(), chunk.arrays(self._writer.n_chunks))
            self._memory, self._chunk = chunk.memory, None

    def finish(self) -> None:
        """Write the rest, and move the archive into place.

        Raises:
            OSError: The file cannot be written.
        """
        self._flush()
        self._writer.add_manifest()
        self._writer.finish()

    def abandon(self) -> bool:
        """Close it unfinished; whether the ``.part`` file is left, to be gone on with."""
        keep = self._writer.n_chunks > 0
        self._writer.abandon(keep=keep)
        return keep
