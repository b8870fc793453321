"""The batches that each step is trained on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, KeysView, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..archive import format as f
from ..errors import OptionError
from .chunks import ChunkLimits
from .tensors import Forms, as_array

if TYPE_CHECKING:
    from .chunks import Chunk
    from .tensors import Array, Arrays


class Batches:
    """What a run's batches are alike in, and adds each to its chunk."""

    def __init__(self, forms: Forms, limits: ChunkLimits) -> None:
        self._forms, self._limits = forms, limits
        self._input_names: KeysView[str] | None = None  # None if a batch is one array
        self._label_names: KeysView[str] | None = None
        self._array_type: type | None = None  # of the last batch that was one array
        self._batch_form: object = None  # the last batch's

    def add(self, chunk: Chunk, batch: Arrays, labels: Mapping[str, Array]) -> None:
        """Add the batch of a chunk's step to come.

        Args:
            chunk: The chunk.
            batch: The inputs (B, ...), or several by name.
            labels: The labels (B, ...) by name.

        Raises:
            OptionError: It cannot be recorded, or is not like those before.
        """
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
            arrays = [as_array(batch)]  # type: ignore[arg-type] # not a mapping
        else:
            arrays = [as_array(inputs[name]) for name in input_names]
        arrays += [as_array(labels[name]) for name in label_names]
        form = [(array.shape, array.dtype) for array in arrays]
        if form != self._batch_form:  # as a rule all batches are alike
            self._check(arrays, input_names, label_names)
            self._batch_form = form
            self._input_names, self._label_names = input_names, label_names
        if chunk.batches is None:
            chunk.batches = BatchRows(
                chunk, _part_members(input_names, label_names), arrays, self._limits
            )
        chunk.batches.add(chunk.count, arrays)

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
            self._forms.check(what, array.shape[1:], str(array.dtype))


class BatchRows:
    """The batches of a chunk's steps, end to end, as they may be of unequal sizes.

    In memory of their own, for the caller may overwrite what was given; and in one piece, for
    small ones that outlive their step would scatter those of the training loop.
    """

    def __init__(
        self,
        chunk: Chunk,
        names: Sequence[str],
        like: Sequence[NDArray[Any]],
        limits: ChunkLimits,
    ) -> None:
        """Begin at the chunk's step to come, whose batch is alike."""
        self._offsets = [0] * (chunk.count + 1)
        B = len(like[0])
        self._row_bytes = sum(array.nbytes for array in like) // max(1, B)
        # What a chunk can come to hold, if batches are alike; the system gives what is used.
        capacity = min(limits.steps * B, limits.bytes // max(1, self._row_bytes) + B)
        self._names = names
        self._buffers = [
            chunk.buffer(f"batches/{name}", capacity, array.shape[1:], array.dtype)
            for name, array in zip(names, like, strict=True)
        ]

    def add(self, k: int, arrays: Sequence[NDArray[Any]]) -> None:
        """Add a row's batch, one array a name."""
        start = self._offsets[k]
        stop = start + len(arrays[0])
        if stop > len(self._buffers[0]):
            self._buffers = [
                np.resize(buffer, (2 * stop, *buffer.shape[1:])) for buffer in self._buffers
            ]
        for buffer, array in zip(self._buffers, arrays, strict=True):
            buffer[start:stop] = array
        # After a step that was refused halfway, its batch is there already.
        self._offsets[k + 1 :] = [stop]

    def skip(self, k: int) -> None:
        """Go on without a batch of that row."""
        self._offsets[k + 1 :] = [self._offsets[k]]

    def n_bytes(self, count: int) -> int:
        """What so many rows' batches take."""
        return self._offsets[count] * self._row_bytes

    def arrays(self, count: int) -> Iterator[tuple[str, NDArray[Any]]]:
        """The members' names within the group, and their arrays."""
        offsets = np.array(self._offsets[: count + 1], np.int64)
        yield "offsets", offsets
        for name, buffer in zip(self._names, self._buffers, strict=True):
            yield name, buffer[: offsets[-1]]


def _part_members(inputs: Collection[str] | None, labels: Collection[str]) -> list[str]:
    """What the parts of a batch are called in the archive."""
    members = ["inputs"] if inputs is None else [f"inputs/{name}" for name in inputs]
    return members + [f"labels/{name}" for name in labels]


def _check_part_names(inputs: Collection[str] | None, labels: Collection[str]) -> None:
    if inputs is not None and not inputs:
        raise OptionError("a batch of several inputs must have one at least, got {}")
    for kind, names in (("inputs", inputs or ()), ("labels", labels)):
        for name in names:
            f.check_name(name, f"batches/{f.chunk_id(0)}/{kind}/")


def _refuse_other(what: str, given: Collection[str], names: Collection[str]) -> NoReturn:
    raise OptionError(
        f"{what} must be the same on every step, got {sorted(given)} after {sorted(names)}"
    )
