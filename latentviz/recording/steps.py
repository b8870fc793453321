"""The steps so far, in chunks that are handed to the writer one by one."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..archive.format import MAX_STEP
from ..archive.limits import ChunkLimits
from ..archive.values import checked_step
from ..errors import OptionError, RecordingWarning
from .batches import Batches
from .chunks import Chunk
from .columns import add_numbers, checked_numbers

if TYPE_CHECKING:
    from .arguments import Recorded
    from .background import Background
    from .columns import Number
    from .tensors import Array, Arrays


class Steps:
    """Adds each step to a chunk, and hands that over once it is full."""

    def __init__(
        self, recorded: Recorded, background: Background, limits: ChunkLimits, *, every: int
    ) -> None:
        """Begin with none.

        Args:
            recorded: What is recorded at each.
            background: Who is given the chunks.
            limits: When a chunk is full.
            every: Record every so many-th.
        """
        self.n_steps = 0
        """How many steps were recorded."""
        self.carried: dict[str, Number] = {}
        """Metrics of steps since the last recorded one."""
        self._states, self._latents = recorded.states, recorded.latents
        self._background, self._limits, self._every = background, limits, every
        self._chunk_rows = limits.rows(recorded.states.n_bytes)
        self._batches = Batches(limits)
        self._next_step = 0  # the number of the step to come
        self._has_warned = False
        self._full: Chunk | None = None
        self._chunk = self._new_chunk()

    def add(
        self,
        batch: Arrays | None,
        labels: Mapping[str, Array] | None,
        losses: Mapping[str, Number] | None,
        params: Mapping[str, Number] | None,
        metrics: Mapping[str, Number] | None,
        step: int | None,
    ) -> None:
        """Add a step, if it is one to record; `Recorder.step` says what each argument is.

        Raises:
            ArchiveError: As `Recorder.step`.
            OptionError: As `Recorder.step`.
        """
        number = self._next_step if step is None else self._checked_step(step)
        if number > MAX_STEP:
            raise OptionError(f"a step's number is at most {MAX_STEP}; give step= a lower one")
        if number % self._every:
            if metrics is not None:
                self.carried |= checked_numbers(metrics)
            self._next_step = number + 1
            return
        if self._background.fault is not None:
            self._warn()
            return
        chunk = self._chunk
        k = chunk.count
        if k == self._chunk_rows:  # an interrupt came before it was handed over
            chunk, k = self._flush(), 0
        if batch is not None or labels is not None:
            is_first = not self.n_steps
            if not self._batches.add(chunk, batch, labels, number, is_first=is_first):
                chunk, k = self._flush(), 0
                self._batches.add(chunk, batch, labels, number, is_first=is_first)
        elif chunk.batches is not None:
            chunk.batches.skip(k)
        self._states.add(chunk, k)
        if self._latents is not None:
            chunk.add_latents(self._latents.now())
        if losses is not None or chunk.losses:
            add_numbers(chunk.losses, self._chunk_rows, k, {} if losses is None else losses)
        if self.carried:
            metrics = self.carried | checked_numbers({} if metrics is None else metrics)
        if metrics is not None or chunk.metrics:
            add_numbers(chunk.metrics, self._chunk_rows, k, {} if metrics is None else metrics)
        if params is not None or chunk.params:
            add_numbers(chunk.params, self._chunk_rows, k, {} if params is None else params)
        # Only now does the step count: an interrupt before this leaves it out whole.
        if step is not None:
            chunk.numbered[k] = number
        chunk.count = k = k + 1
        self.carried = {}
        self.n_steps += 1
        self._next_step = number + 1
        if (
            k == self._chunk_rows
            or time.monotonic() - chunk.started >= self._limits.seconds
            or (chunk.is_more_than_states and chunk.n_bytes >= self._limits.bytes)
        ):
            self._flush()

    def hand_over(self) -> None:
        """Hand over all there is; again, if an interrupt left open whether it was."""
        self._send()
        if self._chunk.count:
            self._flush()

    def _flush(self) -> Chunk:
        """Hand over what there is, and give the next chunk."""
        self._send()
        self._full, self._chunk = self._chunk, self._new_chunk()
        self._send()
        return self._chunk

    def _send(self) -> None:
        """Hand over the full chunk; again, if an interrupt left open whether it was."""
        if self._full is not None:
            self._background.put(self._full)
            self._full = None

    def _new_chunk(self) -> Chunk:
        return Chunk(
            first=self._next_step if self._every == 1 else self.n_steps * self._every,
            every=self._every,
            rows=self._chunk_rows,
            memory=self._background.spare_memory(),
        )

    def _checked_step(self, step: object) -> int:
        """The number of a step that was given one.

        Raises:
            OptionError: It cannot have it.
        """
        if self._every != 1:
            raise OptionError(
                f"step= and Recorder(every={self._every}) are two answers to which steps are "
                "recorded; leave every= out and call step() only at those that are to be"
            )
        number = checked_step(step)
        if number < self._next_step:
            raise OptionError(
                f"step must be above the last one, {self._next_step - 1}, got {number}"
            )
        return number

    def _warn(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"recording stopped at step {self._next_step}: {self._background.fault}; training "
                "goes on unrecorded",
                RecordingWarning,
                stacklevel=4,
            )
