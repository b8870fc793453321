"""The writer's thread."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from ..archive import ArchiveWriter
from ..deferral import Deferred
from ..errors import ArchiveError
from .chunks import Chunk, Memory

QUEUE_CHUNKS = 4  # how many finished chunks may wait for the writer
JOIN_SECONDS = 0.1  # how long a Ctrl-C waits while the recorder waits for the writer
WAIT_SECONDS = 0.002  # between looks at whether there is room for another


class Background:
    """Compresses and writes chunks in a thread of its own, behind a bounded queue."""

    def __init__(self, writer: ArchiveWriter, first: Mapping[str, NDArray[Any]]) -> None:
        self.fault: Exception | None = None
        self.path = writer.path
        self._writer = writer
        # Of the C library's: an interrupt within a `queue.Queue` can leave its lock taken.
        self._queue: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()
        self._spare: queue.SimpleQueue[Memory] = queue.SimpleQueue()
        try:
            for name, array in first.items():
                writer.add(name, array)
            writer.sync()
        except BaseException:
            writer.abandon(keep=False)
            raise
        self._thread = threading.Thread(target=self._run, name="latentviz-recorder", daemon=True)
        self._thread.start()

    def is_this_thread(self) -> bool:
        """Whether the caller is the writer itself."""
        return threading.current_thread() is self._thread

    def file_bytes(self) -> int:
        """The file's size, finished or not; 0 if it is gone."""
        for path in (self._writer.part, self.path):
            with contextlib.suppress(FileNotFoundError):
                return path.stat().st_size
        return 0

    def put(self, chunk: Chunk) -> None:
        """Hand a chunk over, once there is room; an interrupt while waiting has it not handed."""
        while self._queue.qsize() >= QUEUE_CHUNKS:
            time.sleep(WAIT_SECONDS)
        self._queue.put(chunk)

    def spare_memory(self) -> Memory:
        """A written chunk's memory: fresh memory costs more than the copying into it."""
        try:
            return self._spare.get_nowait()
        except queue.Empty:
            return {}

    def abandon(self) -> None:
        """Leave nothing behind; after `join`."""
        self._writer.abandon(keep=False)

    def finish(self, final: Mapping[str, NDArray[Any]]) -> None:
        """Write the rest and move the archive into place, or raise what went wrong.

        After `join`.
        """
        writer = self._writer
        try:
            if self.fault is not None:
                raise self.fault
            for name, array in final.items():
                writer.add(name, array)
            writer.add_manifest()
            writer.finish()
        except Exception as error:  # whatever stopped the writer
            writer.abandon(keep=True)
            what = error.strerror if isinstance(error, OSError) else error
            left = (
                f"what was flushed before is in {writer.part}; save it with `latentviz recover "
                f"{writer.part}`"
            )
            if not writer.part.exists():
                left = f"{writer.part} is gone"
            raise ArchiveError(f"the run could not be recorded whole: {what}; {left}") from error

    def join(self) -> None:
        """Wait for the writer; again, if that was interrupted."""
        self._queue.put(None)
        while self._thread.is_alive():
            with Deferred():  # an interrupt within would leave the thread's own lock taken
                self._thread.join(JOIN_SECONDS)

    def disown(self) -> None:
        """In a forked child, which has no thread and whose locks may be held for ever."""
        self._writer.disown()

    def _run(self) -> None:
        last: Chunk | None = None
        while (chunk := self._queue.get()) is not None:
            if self.fault is not None:
                continue  # drain, so that training never waits for a writer that is gone
            if chunk is last:
                continue  # an interrupt had it handed over twice
            last = chunk
            try:
                self.write(chunk)
                self._spare.put(chunk.memory)
            except Exception as error:  # handed to the caller, who cannot catch it here
                self.fault = error

    def write(self, chunk: Chunk) -> None:
        """Add a chunk to the archive, and have the disk keep it; in the writer's thread."""
        self._writer.add_chunk(chunk.steps(), chunk.arrays(self._writer.n_chunks))
