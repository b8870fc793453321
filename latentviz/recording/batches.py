"""The batches that each step is trained on."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection, Iterator, KeysView, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..archive import format as f
from ..archive import schema as s
from ..errors import OptionError, RecordingWarning
from .tensors import as_array

if TYPE_CHECKING:
    from ..archive.limits import ChunkLimits
    from .chunks import Chunk
    from .tensors import Array, Arrays

Kind = tuple[int, np.dtype[Any]]  # a part's number of dimensions, and its dtype
Shapes = tuple[tuple[int, ...], ...]  # of each part's examples


class Batches:
    """What a run's batches are alike in, and adds each to its chunk."""

    def __init__(self, limits: ChunkLimits) -> None:
        self._limits = limits
        self._input_names: KeysView[str] | None = None  # None if a batch is one array
        self._label_names: KeysView[str] | None = None
        self._array_type: type | None = None  # of the last batch that was one array
        self._batch_form: object = None  # the last batch's
        self._kinds: list[Kind] = []  # the first batch's
        self._shapes: Shapes = ()  # the last batch's, one object while they are alike
        self._are_left_out = False

    def add(
        self,
        chunk: Chunk,
        batch: Arrays | None,
        labels: Mapping[str, Array] | None,
        step: int,
        *,
        is_first: bool,
    ) -> bool:
        """Add the batch of a chunk's step to come.

        If it is none that can be recorded beside those before, that one and all to come are left
        out, with a `RecordingWarning`: a training does not end for what a batch looks like.

        Args:
            chunk: The chunk.
            batch: The inputs (B, ...), or several by name.
            labels: The labels (B, ...) by name.
            step: The step's number.
            is_first: Whether no step was recorded before; what is wrong is then raised.

        Returns:
            Whether there was room: if not, the chunk must be written first, as padding what it
            holds to this batch's shape would take more than its limit.

        Raises:
            OptionError: It is the first step's and cannot be recorded.
            ArchiveError: As above.
        """
        k = chunk.count
        if not self._are_left_out:
            try:
                arrays = self._arrays(batch, {} if labels is None else labels)
                if chunk.batches is None:
                    parts = _parts(self._input_names, self._label_names or ())
                    chunk.batches = BatchRows(chunk, parts, arrays, self._shapes, self._limits)
                return chunk.batches.add(k, arrays, self._shapes)
            except Exception as error:  # whatever an object does that is asked for its numbers
                if is_first:
                    raise
                self._are_left_out = True
                warnings.warn(
                    f"no batch is recorded from step {step} on: {error}; all else is",
                    RecordingWarning,
                    stacklevel=4,
                )
        if chunk.batches is not None:
            chunk.batches.skip(k)
        return True

    def _arrays(self, batch: Arrays | None, labels: Mapping[str, Array]) -> list[NDArray[Any]]:
        """A batch's parts, which are such as the first's."""
        if batch is None:
            raise OptionError("labels= are the labels of a batch; give batch= too")
        if type(labels) is not dict and not isinstance(labels, Mapping):
            raise OptionError(
                "labels must be arrays by name, such as {'red': red}, "
                f"got {type(labels).__name__}"
            )
        inputs: Mapping[str, Array] | None = None
        # The last batch's type is known, and asking what else it is takes its time.
        if type(batch) is not self._array_type:
            if isinstance(batch, Mapping):
                inputs = batch
            else:
                self._array_type = type(batch)
        input_names: KeysView[str] | None
        label_names: KeysView[str]
        if self._label_names is None:
            _check_part_names(inputs, labels)
            input_names = None if inputs is None else dict.fromkeys(inputs).keys()
            label_names = dict.fromkeys(labels).keys()
        else:
            input_names, label_names = self._input_names, self._label_names
            if labels.keys() != label_names:
                _refuse_other("labels", labels, label_names)
            if (inputs is None) != (input_names is None):
                raise OptionError("a batch must be one array on every step, or arrays by name")
            if inputs is not None and inputs.keys() != input_names:
                _refuse_other("the batch's inputs", inputs, input_names or ())
        if inputs is None or input_names is None:
            arrays = [as_array(batch, "the batch")]  # type: ignore[arg-type] # not a mapping
        else:
            arrays = [as_array(inputs[name], "input", name) for name in input_names]
        arrays += [as_array(labels[name], "label", name) for name in label_names]
        form = [(array.shape, array.dtype) for array in arrays]
        if form != self._batch_form:  # as a rule all batches are alike
            self._check(arrays, input_names, label_names)
            self._batch_form = form
            self._input_names, self._label_names = input_names, label_names
            shapes = tuple(array.shape[1:] for array in arrays)
            if shapes != self._shapes:
                self._shapes = shapes
        return arrays

    def _check(
        self,
        arrays: Sequence[NDArray[Any]],
        inputs: Collection[str] | None,
        labels: Collection[str],
    ) -> None:
        called = ["the batch"] if inputs is None else [f"input {name!r}" for name in inputs]
        called += [f"label {name!r}" for name in labels]
        first = arrays[0]
        for what, array in zip(called, arrays, strict=True):
            if array.shape[:1] != first.shape[:1] or array.ndim == 0:
                raise OptionError(
                    f"{what} has shape {array.shape} and {called[0]} {first.shape}; each must be "
                    "(B, ...), with the same B"
                )
            f.npy_header(array.dtype, array.shape)  # refuses what an archive cannot hold
        kinds = [(array.ndim, array.dtype) for array in arrays]
        self._kinds = self._kinds or kinds
        for what, then, now in zip(called, self._kinds, kinds, strict=True):
            if then != now:
                raise OptionError(
                    f"{what} was {_called_kind(then)} and is now {_called_kind(now)}; only the "
                    "sizes of its dimensions may change while recorded"
                )


class _Run(NamedTuple):
    """Rows of a chunk whose batches are alike in shape."""

    k: int  # the first row
    start: int  # how many of the chunk's examples come before it
    shapes: Shapes
    begins: Sequence[int]  # where it begins in each part's memory
    room: int  # for how many examples there is memory
    views: Sequence[NDArray[Any]]  # (room, ...) of each part


class BatchRows:
    """The batches of a chunk's steps, end to end, as they may be of unequal sizes.

    In memory of their own, for the caller may overwrite what was given; and in one piece, for
    small ones that outlive their step would scatter those of the training loop. Those that differ
    in shape lie there as they are, and are padded when they are written.
    """

    def __init__(
        self,
        chunk: Chunk,
        parts: Sequence[str],
        like: Sequence[NDArray[Any]],
        shapes: Shapes,
        limits: ChunkLimits,
    ) -> None:
        """Begin at the chunk's step to come, whose batch is alike."""
        self._chunk, self._parts, self._limit = chunk, parts, limits.bytes
        self._offsets = [0] * (chunk.count + 1)
        self._dtypes = [array.dtype for array in like]
        self._longest = shapes
        self._row_bytes = _n_bytes(shapes, self._dtypes)
        self._memory = [np.empty(0, dtype) for dtype in self._dtypes]
        # What a chunk can come to hold, if batches are alike; the system gives what is used.
        B = len(like[0])
        capacity = min(limits.steps * B, limits.bytes // max(1, self._row_bytes) + B)
        self._runs = [self._run(0, 0, shapes, [0] * len(parts), capacity)]

    def add(self, k: int, arrays: Sequence[NDArray[Any]], shapes: Shapes) -> bool:
        """Add a row's batch, one array a part, if padding leaves room for it."""
        start = self._offsets[k]
        stop = start + len(arrays[0])
        run = self._runs[-1]
        if shapes is not run.shapes:
            if not self._turn(k, stop, shapes):
                return False
            run = self._runs[-1]
        if stop - run.start > run.room:
            run = self._grow(run, start, stop)
        rows = slice(start - run.start, stop - run.start)
        for view, array in zip(run.views, arrays, strict=True):
            view[rows] = array
        # After a step that was refused halfway, its batch is there already.
        self._offsets[k + 1 :] = [stop]
        return True

    def skip(self, k: int) -> None:
        """Go on without a batch of that row."""
        self._offsets[k + 1 :] = [self._offsets[k]]

    def n_bytes(self, count: int) -> int:
        """What so many rows' batches take, padded."""
        return self._offsets[count] * self._row_bytes

    def arrays(self, count: int) -> Iterator[tuple[str, NDArray[Any]]]:
        """The parts of the batches as the archive calls them, and their arrays."""
        offsets = np.array(self._offsets[: count + 1], np.int64)
        yield s.OFFSETS, offsets
        runs = [run for run in self._runs if run.k < max(1, count)]
        bounds = [*(run.k for run in runs), count]
        for i, part in enumerate(self._parts):
            if len(runs) == 1:
                yield part, runs[0].views[i][: offsets[-1]]
                continue
            shapes = np.array([run.shapes[i] for run in runs], np.int64)
            padded = np.zeros((offsets[-1], *shapes.max(axis=0)), self._dtypes[i])
            for run, stop in zip(runs, offsets[bounds[1:]], strict=True):
                within = tuple(map(slice, run.shapes[i]))
                padded[(slice(run.start, stop), *within)] = run.views[i][: stop - run.start]
            yield part, padded
            if (shapes != shapes[0]).any():
                yield s.shapes_part(part), np.repeat(shapes, np.diff(bounds), axis=0)

    def _turn(self, k: int, stop: int, shapes: Shapes) -> bool:
        """Go over to other shapes from a row on, unless padding leaves no room for it."""
        kept = [run for run in self._runs if run.k < k]  # not that of a step refused halfway
        start, begins = self._offsets[k], [0] * len(shapes)
        if kept:
            last = kept[-1]
            if shapes == last.shapes:
                self._runs = kept
                return True
            sizes = zip(last.begins, map(math.prod, last.shapes), strict=True)
            begins = [begin + (start - last.start) * size for begin, size in sizes]
        both = zip(self._longest, shapes, strict=True)
        longest = tuple(tuple(map(max, old, new)) for old, new in both)
        row_bytes = _n_bytes(longest, self._dtypes)
        if start and row_bytes > self._row_bytes and stop * row_bytes > self._limit:
            return False
        self._longest, self._row_bytes = longest, row_bytes
        self._runs = [*kept, self._run(k, start, shapes, begins, stop - start)]
        return True

    def _grow(self, run: _Run, start: int, stop: int) -> _Run:
        """Give the last run memory for more, and what it holds before the step to come."""
        larger = self._run(run.k, run.start, run.shapes, run.begins, stop - run.start)
        for old, new in zip(run.views, larger.views, strict=True):
            new[: start - run.start] = old[: start - run.start]
        self._runs = [*self._runs[:-1], larger]
        return larger

    def _run(self, k: int, start: int, shapes: Shapes, begins: Sequence[int], room: int) -> _Run:
        """A run with memory for at least so many examples; earlier ones keep theirs."""
        sizes = [math.prod(shape) for shape in shapes]
        for i, (begin, size) in enumerate(zip(begins, sizes, strict=True)):
            needed, has = begin + room * size, len(self._memory[i])
            if needed > has:
                self._memory[i] = self._chunk.buffer(
                    (s.BATCHES, self._parts[i]), max(needed, 2 * has), (), self._dtypes[i]
                )
        parts = list(zip(self._memory, begins, sizes, strict=True))
        rooms = [(len(memory) - begin) // size for memory, begin, size in parts if size]
        room = min(rooms, default=room)
        views = [
            memory[begin : begin + room * size].reshape(room, *shape)
            for (memory, begin, size), shape in zip(parts, shapes, strict=True)
        ]
        return _Run(k, start, shapes, begins, room, views)


def _parts(inputs: Collection[str] | None, labels: Collection[str]) -> list[str]:
    """What the parts of a batch are called in the archive."""
    found = [s.inputs_part()] if inputs is None else [s.inputs_part(name) for name in inputs]
    return found + [s.labels_part(name) for name in labels]


def _check_part_names(inputs: Collection[str] | None, labels: Collection[str]) -> None:
    if inputs is not None and not inputs:
        raise OptionError("a batch of several inputs must have one at least, got {}")
    for names, part_of in ((inputs or (), s.inputs_part), (labels, s.labels_part)):
        for name in names:
            s.check_name(name, s.batch_member(0, s.shapes_part(part_of(name))))


def _refuse_other(what: str, given: Collection[str], names: Collection[str]) -> NoReturn:
    raise OptionError(
        f"{what} must be the same on every step, got {sorted(given)} after {sorted(names)}"
    )


def _called_kind(kind: Kind) -> str:
    n_dims, dtype = kind
    return f"{n_dims}-dimensional {dtype}"


def _n_bytes(shapes: Shapes, dtypes: Sequence[np.dtype[Any]]) -> int:
    """What an example takes."""
    each = zip(shapes, dtypes, strict=True)
    return sum(math.prod(shape) * dtype.itemsize for shape, dtype in each)
