"""An archive's chunks: which steps and which members each has, and reading one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from ..archive import ArchiveReader
from ..archive import format as f
from ..archive.schema import (
    BATCHES,
    GAPS,
    LATENTS,
    OF_CHUNKS,
    STATES,
    STEPS,
    Name,
    chunk_id,
    chunk_member,
    curve_groups,
    parse_name,
)
from ..errors import ArchiveError

# Latents are looked at in blocks of so much at most, or of a chunk or a step that is larger.
BLOCK_STEPS = 64
BLOCK_BYTES = 8 << 20


class Chunks:
    """What an archive holds, chunk by chunk; nothing that is read is kept.

    Attributes:
        reader: The archive.
        bounds: (C + 1,) int64, chunk c holds the recorded steps bounds[c]..bounds[c + 1], as
            indices.
        steps: (T,) int64, the steps' numbers, increasing.
        curve_groups: In which group each kind of curves is stored.
        names: What the members of each group are called, of states, batches, latents and curves;
            whichever chunks hold them, in order of appearance.
        parts: Of each group of curves, and of gaps, which chunk has which, one a member.
        outside: The members that are in no chunk.
    """

    def __init__(self, reader: ArchiveReader) -> None:
        """Read the steps.

        Raises:
            ArchiveError: They are none, or malformed.
        """
        self.reader = reader
        chunks = reader.manifest.chunks
        self.bounds = np.cumsum([0, *(chunk.count for chunk in chunks)])
        if len(chunks) == 0:
            raise ArchiveError(f"{reader.path} holds no steps")
        self.curve_groups = curve_groups(reader.format)
        self.names, self.parts, self.outside = _sorted_out(
            reader.members, len(chunks), curves=self.curve_groups.values()
        )
        self.steps = self._read_steps()
        self._forms: dict[tuple[str, str], tuple[tuple[int, ...], np.dtype[np.generic]]] = {}

    def __len__(self) -> int:
        """How many there are, C."""
        return len(self.bounds) - 1

    def _read_steps(self) -> NDArray[np.int64]:
        path = self.reader.path
        parts = [self.read(STEPS, c) for c in range(len(self))]
        if any(part.ndim != 1 or part.dtype != np.int64 for part in parts):
            raise ArchiveError(f"{path}: its steps are not (K,) int64")
        steps: NDArray[np.int64] = np.concatenate(parts)
        if (steps[1:] <= steps[:-1]).any():  # a difference could overflow
            raise ArchiveError(f"{path}: its steps do not increase")
        if steps[0] < 0 or steps[-1] > f.MAX_STEP:
            raise ArchiveError(f"{path}: its steps do not lie within 0 to {f.MAX_STEP}")
        return steps

    def has(self, group: str, c: int, name: str = "") -> bool:
        """Whether chunk c has a member."""
        return chunk_member(group, c, name) in self.reader

    def read(self, group: str, c: int, name: str = "") -> NDArray[np.generic]:
        """A member of chunk c, (K, ...) but for batches.

        Raises:
            ArchiveError: It has none of that name, of another length, or of other steps than those
                before: a tensor's shape and dtype are the same at all steps.
        """
        member = chunk_member(group, c, name)
        array = self.reader.read(member)
        expected = self.bounds[c + 1] - self.bounds[c]
        if array.ndim == 0 or (group != BATCHES and len(array) != expected):
            raise ArchiveError(
                f"{self.reader.path}: member {member!r} should hold "
                f"{expected} steps, got shape {array.shape}"
            )
        if group in (STATES, LATENTS):
            form = array.shape[1:], array.dtype
            if (first := self._forms.setdefault((group, name), form)) != form:
                raise ArchiveError(
                    f"{self.reader.path}: member {member!r} should hold "
                    f"steps of {first[0]} {first[1]}, got {form[0]} {form[1]}"
                )
        return array

    def locate(self, index: int) -> tuple[int, int]:
        """Chunk and row of a recorded step."""
        c = int(np.searchsorted(self.bounds, index, side="right")) - 1
        return c, index - int(self.bounds[c])

    def rows(self, c: int) -> slice:
        """Which of the recorded steps chunk c holds."""
        return slice(int(self.bounds[c]), int(self.bounds[c + 1]))

    def spans(self, start: int, stop: int) -> list[tuple[int, slice]]:
        """The chunks that hold the recorded steps start..stop, and which of their rows."""
        first, last = self.locate(start)[0], self.locate(stop - 1)[0]
        spans = []
        for c in range(first, last + 1):
            low, high = int(self.bounds[c]), int(self.bounds[c + 1])
            spans.append((c, slice(max(start, low) - low, min(stop, high) - low)))
        return spans

    def blocks_of(self, group: str, name: str) -> NDArray[np.int64] | None:
        """Where blocks of recorded latents, or of a tensor, begin, as indices.

        None if a chunk has none of them.

        A block is a chunk, which is read whole; or several that are small.
        """
        begins: list[int] = []
        n_bytes = 0
        for c in range(len(self)):
            member = self.reader.members.get(chunk_member(group, c, name))
            if member is None:
                return None
            n_bytes += member.size
            n_steps = self.bounds[c + 1] - begins[-1] if begins else 0
            if not begins or n_steps > BLOCK_STEPS or n_bytes > BLOCK_BYTES:
                begins.append(int(self.bounds[c]))
                n_bytes = member.size
        return np.array(begins)

    def bytes_a_step(self) -> dict[str, float]:
        """What a step takes in the file, on average, of each group of members."""
        totals: Counter[str] = Counter()
        kinds = {group: kind for kind, group in self.curve_groups.items()}
        for member, entry in self.reader.members.items():
            name = parse_name(member)
            if name.chunk is not None:
                owner = name.kind if name.group == GAPS else name.group
                totals[kinds.get(owner, owner) or name.group] += entry.compressed
        return {group: total / len(self.steps) for group, total in totals.items()}


def _sorted_out(
    members: Iterable[str], n_chunks: int, *, curves: Collection[str]
) -> tuple[dict[str, list[str]], dict[str, list[tuple[int, str]]], list[Name]]:
    """`Chunks.names`, `parts` and `outside` of all members, of which there may be a million."""
    names: dict[str, dict[str, None]] = {group: {} for group in (STATES, BATCHES, LATENTS, *curves)}
    parts: dict[str, list[tuple[int, str]]] = {group: [] for group in (*curves, GAPS)}
    chunks = {chunk_id(c): c for c in range(n_chunks)}
    outside = []
    for member in members:
        # `parse_name` takes three times as long.
        group, _, rest = member.partition("/")
        if group in OF_CHUNKS:
            number, _, name = rest.partition("/")
            if group in names:
                names[group][name] = None
            if group in parts and number in chunks:
                parts[group].append((chunks[number], name))
        else:
            outside.append(parse_name(member))
    return {group: list(found) for group, found in names.items()}, parts, outside
