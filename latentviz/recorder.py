"""Records a training run, step by step, into an archive."""

from __future__ import annotations

import json
import platform
import queue
import threading
import time
import warnings
from collections.abc import Collection, Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .archive import ArchiveWriter, check_destination
from .archive import format as f
from .archive.writer import chunk_entry
from .errors import ArchiveError, LatentvizError, ModelError, OptionError
from .evaluate import layer_outputs, named_layer
from .models import build_model, model_factory, registered_name

if TYPE_CHECKING:
    import torch
    from torch import nn

    Array = torch.Tensor | ArrayLike
    Number = torch.Tensor | float

# A chunk ends at whichever comes first. Its members cost the writer's thread some 50 µs of Python
# each, however short they are, and the training waits meanwhile; 1024 steps make that little.
CHUNK_STEPS = 1024
CHUNK_SECONDS = 2.0
CHUNK_BYTES = 8 << 20

_Form = tuple[tuple[int, ...], np.dtype[Any]]  # shape and dtype

QUEUE_CHUNKS = 4  # how many finished chunks may wait for the writer


class RecordingWarning(UserWarning):
    """Recording has stopped; training goes on."""


class Recorder:
    """Records a model's training into ``path``, every step.

    Works on any ``nn.Module``. Call `step` once a step's losses are known and before the
    optimizer's update, and use it as a context manager::

        with Recorder("run.npz", model, layer="encoder", probe=points) as recorder:
            for inputs, target in batches:
                loss = criterion(model(inputs), target)
                optimizer.zero_grad()
                loss.backward()
                recorder.step(batch=inputs, losses={"loss": loss})
                optimizer.step()

    A background thread compresses and writes. If it fails (a full disk, say) recording stops with
    one `RecordingWarning`, training goes on, and `close` raises the error.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        model: nn.Module,
        *,
        layer: str,
        probe: Array | None = None,
        colors: Array | None = None,
        model_name: str | None = None,
        model_args: Mapping[str, Any] | None = None,
        keyframes: Mapping[str, Sequence[int]] | None = None,
        phases: Sequence[tuple[int, str]] | None = None,
        seed: int | None = None,
        overwrite: bool = False,
    ) -> None:
        """Open the archive (``NAME.npz.part`` until `close`).

        Args:
            path: Where the run shall lie, ``NAME.npz``.
            model: The model that is trained.
            layer: The name of the submodule whose output is the latent, as in
                ``model.named_modules()``: (N, D), or (N, ...) which is flattened. If it is called
                several times in a forward pass, its first output counts.
            probe: The model's inputs (N, ...) whose latents are to be drawn.
            colors: The points' colours: (N, 3) RGB in 0..1, (N,) integer labels, or (N,) scalars.
                By default the probe itself where it looks like colours.
            model_name: The name under which the model is registered (entry-point group
                ``latentviz.models``); found by its class if None. The latents of a model that is
                not registered are recorded at every step, so that the run can be drawn.
            model_args: Keyword arguments with which the registered factory makes this model.
            keyframes: For each property of the schedule, the steps at which it is keyed.
            phases: The steps at which the phases start, and their names.
            seed: The seed of the run, for the record.
            overwrite: Replace a file that exists.

        Raises:
            ArchiveError: The file cannot be written, or exists.
            ModelError: There is no such layer, or the registered model is another one.
            OptionError: The probe and the colours do not fit.
        """
        check_destination(Path(path), overwrite=overwrite)
        named_layer(model, layer)
        self._model, self._layer = model, layer
        self._slots = list(_state_slots(model))
        # A copy: the caller may go on to overwrite what was given.
        self._probe = None if probe is None else _as_tensor(probe).detach().clone()
        model_args = dict(model_args or {})
        name = _usable_name(model, model_name, model_args)
        # Without the model nobody can evaluate the states, so the latents must be recorded.
        self._record_latents = name is None and self._probe is not None
        header: dict[str, Any] = {
            "format": f.FORMAT,
            "model": {"name": name, "args": model_args} if name else None,
            "layer": layer,
            "seed": seed,
            "keyframes": {k: [int(s) for s in v] for k, v in (keyframes or {}).items()},
            "phases": [[int(step), str(phase)] for step, phase in phases or []],
            "versions": _versions(),
        }
        first: dict[str, NDArray[Any]] = {"header": f.json_array(header)}
        if self._probe is not None:
            inputs = _to_numpy(self._probe)
            first["probe/inputs"] = inputs
            if (given := _colors(inputs, colors)) is not None:
                first["probe/colors"] = given
        elif colors is not None:
            raise OptionError("colors= are the colours of the probe; give probe= too")
        state_bytes = sum(t.nbytes for t in (slots[key] for (slots, key), _ in self._slots))
        # As many rows as a chunk can come to have: a large model's are few.
        self._chunk_rows = min(CHUNK_STEPS, CHUNK_BYTES // max(1, state_bytes) + 1)
        self._n_steps = 0
        self._label_names: KeysView[str] | None = None
        self._batch_form: object = None  # the last batch's
        self._forms: dict[str, _Form] = {}  # what each tensor and each part of a batch looks like
        self._chunk = self._new_chunk()
        self._closed = False
        self._warned = False
        self._background = _Background(ArchiveWriter(path, overwrite=overwrite), layer, first)

    @property
    def n_steps(self) -> int:
        """How many steps were recorded so far."""
        return self._n_steps

    def step(
        self,
        *,
        batch: Array | None = None,
        labels: Mapping[str, Array] | None = None,
        losses: Mapping[str, Number] | None = None,
        params: Mapping[str, Number] | None = None,
    ) -> None:
        """Record one step: the model's state as it is now, before the update, and what is given.

        Args:
            batch: The batch's inputs (B, ...); B may differ from step to step.
            labels: The batch's labels by name, each (B, ...).
            losses: The losses by name; one that a step lacks is a gap.
            params: The schedule's properties by name (learning rate, weights of terms).

        Raises:
            OptionError: A shape or a dtype is not one that can be recorded, or has changed.
            ArchiveError: A name is not one that can be recorded.
        """
        if self._closed:
            raise OptionError("the recorder is closed; record before close()")
        if self._background.fault is not None:
            self._warn()
            return
        chunk = self._chunk
        k = chunk.count
        for (slots, key), name in self._slots:
            tensor = slots[key]
            view = chunk.views.get(name)
            if view is None or view.place != (tensor.data_ptr(), tensor.stride()):
                # The first time in this chunk, or the storage was replaced.
                view = chunk.views[name] = self._view(chunk, name, tensor)
            view.buffer[k] = view.array if view.array is not None else _to_numpy(tensor)
        if batch is not None:
            self._add_batch(chunk, batch, {} if labels is None else labels)
        elif labels is not None:
            raise OptionError("labels= are the labels of a batch; give batch= too")
        elif chunk.batches is not None:
            chunk.batches.skip(k)
        if self._record_latents:
            assert self._probe is not None
            latents = layer_outputs(self._model, self._layer, self._probe)
            chunk.latents[k] = _to_numpy(latents)
        self._add_numbers(chunk.metrics, k, {} if losses is None else losses)
        self._add_numbers(chunk.params, k, {} if params is None else params)
        # Only now does the step count: an interrupt before this line leaves it out whole.
        chunk.count += 1
        self._n_steps += 1
        if (
            chunk.count == self._chunk_rows
            or chunk.n_bytes >= CHUNK_BYTES
            or time.monotonic() - chunk.started >= CHUNK_SECONDS
        ):
            self._flush()

    def close(self) -> None:
        """Write what is left, the final state, and the directory; move the file into place.

        Raises:
            ArchiveError: No step was recorded, or the archive could not be written; what was
                flushed is then still in the ``.part`` file.
        """
        if self._closed:
            return
        self._closed = True
        if self._n_steps == 0:
            self._background.abandon()
            raise ArchiveError(
                "no step was recorded, so there is no archive; call recorder.step() in the loop"
            )
        if self._chunk.count and self._background.fault is None:
            self._flush()
        final = {
            f"final/states/{name}": _to_numpy(slots[key]) for (slots, key), name in self._slots
        }
        if self._record_latents and self._probe is not None:
            latents = layer_outputs(self._model, self._layer, self._probe)
            final[f"final/latents/{self._layer}"] = _to_numpy(latents)
        self._background.finish(final)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if kind is not None and self._n_steps == 0:
            # Training failed before its first step: its error is the one to see.
            self._closed = True
            self._background.abandon()
            return
        try:
            self.close()
        except LatentvizError as fault:
            if error is None:
                raise
            error.add_note(f"and the recording failed: {fault}")

    def _new_chunk(self) -> _Chunk:
        return _Chunk(first=self._n_steps)

    def _view(self, chunk: _Chunk, name: str, tensor: torch.Tensor) -> _View:
        array = _to_numpy(tensor)
        self._check_form(f"tensor {name!r}", array.shape, array.dtype)
        if (old := chunk.views.get(name)) is not None:
            buffer = old.buffer
        else:
            buffer = np.empty((self._chunk_rows, *array.shape), array.dtype)
            chunk.step_bytes += array.nbytes
        place = (tensor.data_ptr(), tensor.stride())
        return _View(place, array if tensor.device.type == "cpu" else None, buffer)

    def _add_batch(self, chunk: _Chunk, batch: Array, labels: Mapping[str, Array]) -> None:
        if type(labels) is not dict and not isinstance(labels, Mapping):
            raise OptionError(
                "labels must be arrays by name, such as {'red': red}, "
                f"got {type(labels).__name__}"
            )
        names = self._label_names
        if names is None:
            for name in labels:
                f.check_name(f"batches/{f.chunk_id(0)}/labels/{name}")
            names = dict.fromkeys(labels).keys()
        elif labels.keys() != names:
            raise OptionError(
                f"labels must be the same on every step, got {sorted(labels)} after {sorted(names)}"
            )
        arrays = [_as_array(batch), *(_as_array(labels[name]) for name in names)]
        form = [(array.shape, array.dtype) for array in arrays]
        if form != self._batch_form:  # as a rule all batches are alike
            self._check_batch(arrays, names)
            self._batch_form, self._label_names = form, names
        if chunk.batches is None:
            members = ["inputs", *(f"labels/{name}" for name in names)]
            chunk.batches = _Batches(members, arrays, chunk.count)
        chunk.batches.add(chunk.count, arrays)

    def _check_batch(self, arrays: Sequence[NDArray[Any]], names: Collection[str]) -> None:
        inputs = arrays[0]
        labels = [f"label {name!r}" for name in names]
        for what, array in zip(["the batch", *labels], arrays, strict=True):
            if array.shape[:1] != inputs.shape[:1] or array.ndim == 0:
                raise OptionError(
                    f"{what} has shape {array.shape} and the batch {inputs.shape}; each must be "
                    "(B, ...), with the same B"
                )
            self._check_form(what, array.shape[1:], array.dtype)

    def _add_numbers(
        self, columns: dict[str, NDArray[np.float64]], k: int, values: Mapping[str, Number]
    ) -> None:
        if type(values) is not dict and not isinstance(values, Mapping):
            raise OptionError(
                "losses and params must be numbers by name, such as {'loss': loss}, "
                f"got {type(values).__name__}"
            )
        for name in (name for name in values if name not in columns):
            f.check_name(f"metrics/{f.chunk_id(0)}/{name}")
            columns[name] = np.full(self._chunk_rows, np.nan)
        for name, column in columns.items():
            try:
                column[k] = _scalar(values[name]) if name in values else np.nan
            except (TypeError, ValueError, RuntimeError):
                raise OptionError(
                    f"{name!r} must be one number, got {_in_brief(values[name])}"
                ) from None

    def _check_form(self, what: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Members of an archive are arrays over steps, so a step's must all look alike."""
        form = self._forms.get(what)
        if form is None:
            f.npy_header(dtype, shape)  # refuses what an archive cannot hold
            self._forms[what] = (shape, dtype)
        elif form != (shape, dtype):
            raise OptionError(
                f"{what} was {form[0]} {form[1]} and is now {shape} {dtype}; shapes and dtypes "
                "must stay the same while recorded"
            )

    def _flush(self) -> None:
        self._background.put(self._chunk)
        self._chunk = self._new_chunk()

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"recording stopped at step {self._n_steps}: {self._background.fault}; training "
                "goes on unrecorded",
                RecordingWarning,
                stacklevel=3,
            )


@dataclass
class _View:
    """A tensor's memory as an array that follows its in-place updates, and where it is copied."""

    place: tuple[int, tuple[int, ...]]  # address and strides
    array: NDArray[Any] | None  # None if the tensor is not in the CPU's memory
    buffer: NDArray[Any]  # (rows, ...)


@dataclass
class _Chunk:
    """The steps recorded since the last flush, each under its row, 0 to ``count - 1``."""

    first: int
    started: float = field(default_factory=time.monotonic)
    count: int = 0
    step_bytes: int = 0
    views: dict[str, _View] = field(default_factory=dict)
    batches: _Batches | None = None
    latents: dict[int, NDArray[Any]] = field(default_factory=dict)
    # (rows,) each; NaN where a step had none.
    metrics: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    params: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def n_bytes(self) -> int:
        latents = self.latents[0].nbytes if self.latents else 0
        batches = self.batches.n_bytes(self.count) if self.batches is not None else 0
        return self.count * (self.step_bytes + latents) + batches

    def arrays(self, layer: str) -> Iterator[tuple[str, NDArray[Any]]]:
        """The members' names, less the chunk's number, and their arrays."""
        yield "steps", np.arange(self.first, self.first + self.count, dtype=np.int64)
        for name, view in self.views.items():
            yield f"states/{name}", view.buffer[: self.count]
        if self.batches is not None:
            for name, array in self.batches.arrays(self.count):
                yield f"batches/{name}", array
        if self.latents:
            yield f"latents/{layer}", np.stack([self.latents[k] for k in range(self.count)])
        for group, columns in (("metrics", self.metrics), ("params", self.params)):
            for name, column in columns.items():
                yield f"{group}/{name}", column[: self.count]


class _Batches:
    """The batches of a chunk's steps, end to end, as they may be of unequal sizes.

    In memory of their own, for the caller may overwrite what was given; and in one piece, for
    small ones that outlive their step would scatter those of the training loop.
    """

    def __init__(self, names: Sequence[str], like: Sequence[NDArray[Any]], k: int) -> None:
        """Begin at the chunk's step ``k``, whose batch is alike."""
        self._offsets = [0] * (k + 1)
        B = len(like[0])
        self._row_bytes = sum(array.nbytes for array in like) // max(1, B)
        # What a chunk can come to hold, if batches are alike; the system gives what is used.
        capacity = min(CHUNK_STEPS * B, CHUNK_BYTES // max(1, self._row_bytes) + B)
        self._names = names
        self._buffers = [np.empty((capacity, *array.shape[1:]), array.dtype) for array in like]

    def add(self, k: int, arrays: Sequence[NDArray[Any]]) -> None:
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
        self._offsets[k + 1 :] = [self._offsets[k]]

    def n_bytes(self, count: int) -> int:
        return self._offsets[count] * self._row_bytes

    def arrays(self, count: int) -> Iterator[tuple[str, NDArray[Any]]]:
        offsets = np.array(self._offsets[: count + 1], np.int64)
        yield "offsets", offsets
        for name, buffer in zip(self._names, self._buffers, strict=True):
            yield name, buffer[: offsets[-1]]


class _Background:
    """Compresses and writes chunks in a thread of its own, behind a bounded queue."""

    def __init__(
        self, writer: ArchiveWriter, layer: str, first: Mapping[str, NDArray[Any]]
    ) -> None:
        self.fault: Exception | None = None
        self._writer = writer
        self._members: dict[str, int] = {}
        self._chunks: list[dict[str, Any]] = []
        self._queue: queue.Queue[_Chunk | None] = queue.Queue(QUEUE_CHUNKS)
        self._layer = layer
        try:
            for name, array in first.items():
                self._members[name] = writer.add(name, array)
            writer.sync()
        except BaseException:
            writer.abandon(keep=False)
            raise
        self._thread = threading.Thread(target=self._run, name="latentviz-recorder", daemon=True)
        self._thread.start()

    def put(self, chunk: _Chunk) -> None:
        self._queue.put(chunk)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._join()
        self._writer.abandon(keep=False)

    def finish(self, final: Mapping[str, NDArray[Any]]) -> None:
        """Write the rest and move the archive into place, or raise what went wrong."""
        self._join()
        writer = self._writer
        try:
            if self.fault is not None:
                raise self.fault
            for name, array in final.items():
                self._members[name] = writer.add(name, array)
            manifest = {
                "format": f.FORMAT,
                "steps": sum(chunk["count"] for chunk in self._chunks),
                "chunks": self._chunks,
                "members": self._members,
            }
            writer.add("manifest", f.json_array(manifest))
            writer.finish()
        except Exception as error:  # whatever stopped the writer
            writer.abandon(keep=True)
            what = error.strerror if isinstance(error, OSError) else error
            raise ArchiveError(
                f"the run could not be recorded whole: {what}; "
                f"what was flushed before is in {writer.part}"
            ) from error

    def _join(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (chunk := self._queue.get()) is not None:
            if self.fault is not None:
                continue  # drain, so that training never waits for a writer that is gone
            try:
                self._write(chunk)
            except Exception as error:  # handed to the caller, who cannot catch it here
                self.fault = error

    def _write(self, chunk: _Chunk) -> None:
        number = f.chunk_id(len(self._chunks))
        members: list[tuple[str, int]] = []
        steps: NDArray[np.int64] | None = None
        for name, array in chunk.arrays(self._layer):
            group, _, rest = name.partition("/")
            if group == "steps":
                steps = array
            member = f"{group}/{number}" + (f"/{rest}" if rest else "")
            members.append((member, self._writer.add(member, array)))
        assert steps is not None  # every chunk has its steps
        entry = chunk_entry(steps, members)
        name = f"chunks/{number}"
        crc = self._writer.add(name, f.json_array(entry))
        self._writer.sync()
        self._chunks.append({**entry, "members": {**dict(members), name: crc}})


def _state_slots(
    model: nn.Module,
) -> Iterator[tuple[tuple[dict[str, torch.Tensor], str], str]]:
    """Where each tensor of the state lives: its module's dictionary and key; and its name.

    Looking a tensor up there costs far less than ``state_dict()`` and sees replaced tensors too.
    """
    import torch

    saved = model.state_dict()
    for prefix, module in model.named_modules(remove_duplicate=False):
        for slots in (module._parameters, module._buffers):
            for key, tensor in slots.items():
                name = f"{prefix}.{key}" if prefix else key
                if name in saved and isinstance(tensor, torch.Tensor):
                    f.check_name(f"states/{f.chunk_id(0)}/{name}")
                    yield (slots, key), name


def _usable_name(model: nn.Module, name: str | None, args: Mapping[str, Any]) -> str | None:
    """The registered name under which this very model can be rebuilt, if there is one.

    Raises:
        ModelError: The name was given, and the model it makes is another one.
    """
    import torch

    found = name or registered_name(type(model))
    if found is None:
        return None
    try:
        json.dumps(dict(args))
        with torch.device("meta"):
            twin = build_model(model_factory(found), args)
    except (ModelError, TypeError, ValueError) as error:
        if name is None:
            return None
        raise ModelError(f"model_name={name!r} with model_args={dict(args)}: {error}") from None
    ours, theirs = model.state_dict(), twin.state_dict()
    if {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}:
        return found
    if name is None:
        return None
    raise ModelError(
        f"the model registered as {name!r} has other tensors than the one to record; "
        "give the model_args= that make it"
    )


def _colors(inputs: NDArray[Any], colors: Array | None) -> NDArray[Any] | None:
    """The colours to store, checked."""
    if colors is None:
        looks_right = inputs.ndim == 2 and inputs.shape[1] == 3 and inputs.dtype.kind == "f"
        in_range = looks_right and bool(((inputs >= 0) & (inputs <= 1)).all())
        return inputs if in_range else None
    array = _to_numpy(_as_tensor(colors))
    if array.shape not in ((len(inputs), 3), (len(inputs),)):
        raise OptionError(
            f"colors must be ({len(inputs)}, 3) RGB or ({len(inputs)},) labels or scalars, "
            f"got {array.shape}"
        )
    if not np.isfinite(array).all():
        raise OptionError("colors must be finite, got NaN or infinity")
    if array.ndim == 2 and not ((array >= 0) & (array <= 1)).all():
        raise OptionError("RGB colors must lie in 0..1; divide bytes by 255")
    return array


def _as_tensor(value: Array) -> torch.Tensor:
    import torch

    if isinstance(value, torch.Tensor):
        return value
    try:
        return torch.as_tensor(np.array(value))  # a copy: torch takes no negative strides
    except (TypeError, ValueError):
        raise OptionError(
            f"expected a tensor or an array of numbers, got {type(value).__name__}"
        ) from None


def _to_numpy(tensor: torch.Tensor) -> NDArray[Any]:
    # Each call costs microseconds, at every step: none that is not needed.
    if tensor.requires_grad:
        tensor = tensor.detach()
    if not tensor.is_cpu:
        tensor = tensor.cpu()
    try:
        return np.asarray(tensor.numpy())
    except TypeError:
        raise OptionError(
            f"tensors of {tensor.dtype} cannot be recorded; convert them to float32 first"
        ) from None


def _scalar(value: Number) -> float:
    if type(value) is float:
        return value
    # A tensor that is part of a graph warns when it is made a float, but not when it is read.
    item = getattr(value, "item", None)
    return float(value if item is None else item())


def _in_brief(value: object) -> str:
    shape = getattr(value, "shape", None)
    return repr(value)[:40] if shape is None else f"an array of shape {tuple(shape)}"


def _as_array(value: Array) -> NDArray[Any]:
    """An array of what was given, in the same memory where that can be."""
    try:  # the shortest way, which most tensors can go
        return value.numpy()  # type: ignore[union-attr]
    except (AttributeError, RuntimeError, TypeError):
        return _to_numpy(_as_tensor(value))


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    versions = {"python": platform.python_version()}
    for package in ("latentviz", "torch", "numpy"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # run from a source tree that was not installed
            continue
    return versions
