"""Records a training run, step by step, into an archive."""

from __future__ import annotations

import fnmatch
import json
import math
import os
import platform
import queue
import threading
import time
import warnings
import weakref
from collections.abc import Collection, Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .archive import ArchiveWriter, check_destination
from .archive import format as f
from .archive.schema import checked_header
from .archive.writer import chunk_entry
from .copying import COMPILED
from .deferral import Deferred
from .errors import ArchiveError, LatentvizError, ModelError, OptionError
from .evaluate import named_layer, plain_model, twin_outputs
from .models import build_model, model_factory, registered_name
from .text import printable
from .twin import Twin, apart, plain_name, private_copy, state_slots

if TYPE_CHECKING:
    import torch
    from torch import nn

    Array = torch.Tensor | ArrayLike
    Arrays = Array | Mapping[str, Array]
    Number = torch.Tensor | float

# A chunk ends at whichever comes first. Its members cost the writer's thread some 50 µs of Python
# each, however short they are, and the training waits meanwhile; 1024 steps make that little.
CHUNK_STEPS = 1024
CHUNK_SECONDS = 2.0
CHUNK_BYTES = 8 << 20

# How far apart, of the largest, what is the same may be: an accelerator multiplies in TF32.
SAME_OUTPUTS = 1e-2

_Form = tuple[tuple[int, ...], str]  # shape and dtype
_Slot = tuple[dict[str, Any], str]  # a module's tensors, and the name of one of them

# A tensor's slot, its name, itself, its address, its strides, its length, where it is copied, and
# its memory as an array.
_AtHand = tuple[
    dict[str, Any], str, str, Any, int, tuple[int, ...], int, NDArray[Any], NDArray[Any]
]

# A module's submodules, and a copy that tells when one is added, removed or replaced.
_Children = tuple[dict[str, Any], dict[str, Any]]

# The longest that stands before its name.
_NUMBER_PREFIX = f"gaps/{f.chunk_id(0)}/metrics/"
NUMBER_NAME = f.MAX_NAME - len(_NUMBER_PREFIX)  # how long a loss's or a param's may be, stored

# A NaN that nobody gives stands for no value while recorded: to tell gaps from NaN costs no more at
# a step than to write either. Its lowest bits are set, which no NaN of a float32 has.
_GAP_BITS = np.uint64(0x7FF8_6C76_6761_7073)
_GAP = float(_GAP_BITS.view(np.float64))

QUEUE_CHUNKS = 4  # how many finished chunks may wait for the writer
JOIN_SECONDS = 0.1  # how long a Ctrl-C waits while the recorder waits for the writer
WAIT_SECONDS = 0.002  # between looks at whether there is room for another


_recording: weakref.WeakSet[Recorder] = weakref.WeakSet()
_disowned: list[Recorder] = []  # kept: to collect one could write what its file has buffered


def _disown_all() -> None:
    """A child has no business with its parent's recordings: it must neither write nor wait."""
    for recorder in list(_recording):
        recorder._disown()
        _disowned.append(recorder)
    _recording.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_disown_all)


def _close_forgotten(found: weakref.ref[Recorder]) -> None:
    if (recorder := found()) is not None:  # else `__del__` has seen to it
        recorder._close_forgotten()


class RecordingWarning(UserWarning):
    """Something is not recorded, or not as it was given; training goes on."""


class Recorder:
    """Records a model's training into ``path``, every step or every n-th.

    Works on any ``nn.Module``. Call `step` once a step's losses are known and before the
    optimizer's update, and use it as a context manager::

        with Recorder("run.npz", model, layer="encoder", probe=points) as recorder:
            for inputs, target in batches:
                loss = criterion(model(inputs), target)
                optimizer.zero_grad()
                loss.backward()
                recorder.step(batch=inputs, losses={"loss": loss})
                optimizer.step()

    The model is never run: latents that are recorded are those of a copy, made anew at each step,
    in evaluation mode and without your own hooks. One thread at a time may call `step`.

    A background thread compresses and writes. If it fails (a full disk, say) recording stops with
    one `RecordingWarning`, training goes on, and `close` raises the error. A recorder that was not
    closed is when nothing refers to it any more, or when Python ends, with a `ResourceWarning`.
    """

    _closed = True  # until it is open: no more steps
    _finished = True  # nor is anything left to write

    def __init__(
        self,
        path: str | PathLike[str],
        model: nn.Module,
        *,
        layer: str | Sequence[str],
        probe: Arrays | None = None,
        colors: Array | None = None,
        states: str | Sequence[str] = "all",
        every: int = 1,
        latents: bool | Literal["auto"] = "auto",
        model_name: str | None = None,
        model_args: Mapping[str, Any] | None = None,
        keyframes: Mapping[str, Sequence[int]] | None = None,
        phases: Sequence[tuple[int, str]] | None = None,
        actions: Sequence[tuple[int, str]] | None = None,
        seed: int | None = None,
        overwrite: bool = False,
    ) -> None:
        """Open the archive (``NAME.npz.part`` until `close`).

        Args:
            path: Where the run shall lie, ``NAME.npz``.
            model: The model that is trained; compiled, if you like (it is the module within that
                is recorded).
            layer: The name of the submodule whose output is the latent, as in
                ``model.named_modules()``: (N, D), or (N, ...) which is flattened. If it is called
                several times in a forward pass, its first output counts. Or several names, of
                which the first is drawn unless told otherwise.
            probe: The model's inputs (N, ...) whose latents are to be drawn; or several inputs,
                by the names of the model's arguments.
            colors: The points' colours: (N, 3) RGB in 0..1, (N,) integer labels, or (N,) scalars.
                By default the probe itself where it looks like colours.
            states: Which tensors of the state to record: ``"all"``, ``"none"``, or the patterns
                of their names, such as ``"encoder.*"``. A run that lacks some cannot be
                evaluated, so its latents are recorded.
            every: Record every so many-th step, from the first on; `step` does nothing at others.
            latents: Record the latents while training: ``"auto"`` does where they could not be
                evaluated afterwards.
            model_name: The name under which the model is registered (entry-point group
                ``latentviz.models``); found by its class if None. The latents of a model that is
                not registered are recorded, so that the run can be drawn.
            model_args: Keyword arguments with which the registered factory makes this model. What
                it makes is run on the probe, and must give the same outputs of the layers.
            keyframes: For each property of the schedule, the steps at which it is keyed.
            phases: The steps at which the phases start, and their names.
            actions: The steps at which something else is done, and its name.
            seed: The seed of the run, for the record.
            overwrite: Replace a file that exists.

        Raises:
            ArchiveError: The file cannot be written, or exists.
            ModelError: There is no such layer, or the registered model is another one.
            OptionError: The probe and the colours do not fit, a tensor cannot be recorded, or
                another option is out of range.
        """
        check_destination(Path(path), overwrite=overwrite)
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise OptionError(f"every must be 1 or more, got {every!r}")
        _check_types(model, latents, model_name, model_args)
        wrapped, model = model, plain_model(model)
        self._model, self._every = model, every
        self._layers = _layer_names(wrapped, model, layer)
        _check_runs_layers(model, self._layers)
        slots = list(_state_slots(model))
        patterns = ["*"] if states == "all" else _patterns(states)
        _check_patterns(slots, patterns)
        self._patterns, self._slots = patterns, _chosen(slots, patterns)
        self._children = _children(model)
        whole = len(self._slots) == len(slots)
        # What each tensor and each part of a batch looks like.
        self._forms: dict[str, _Form] = {}
        # Shapes are those at the first step: an observer's come with the first batch.
        self._dtypes: dict[str, str] = {}
        for (owner, key), name in self._slots:
            tensor = owner[key]
            _check_storable(tensor, name)
            self._dtypes[_tensor_called(name)] = _dtype_name(tensor)
        self._probe = None if probe is None else _copied_probe(probe)
        self._twin = Twin(model)
        model_args, named = dict(model_args or {}), model_name is not None
        with apart():  # whatever a factory draws or seeds
            found = None if self._probe is None else self._first_look()
            model_name = _usable_name(model, model_name, model_args)
            same = (
                model_name is None
                or found is None
                or _is_rebuilt(model, model_name, model_args, self._layers, self._probe, found)
            )
        if model_name is not None:
            if not same and named:
                raise ModelError(
                    f"the model registered as {model_name!r} gives other outputs than the one to "
                    "record; give the model_args= that make it"
                )
            model_name = model_name if same else None
        # Without the model, or all of its state, nobody can evaluate: then latents are recorded.
        needed = (model_name is None or not whole) and self._probe is not None
        if latents is True and self._probe is None:
            raise OptionError("latents=True needs points to record them of; give probe= too")
        self._record_latents = needed if latents == "auto" else latents
        header = checked_header(
            layers=self._layers,
            model_name=model_name,
            model_args=model_args,
            seed=seed,
            keyframes=keyframes,
            phases=phases,
            actions=actions,
            states=None if whole else patterns,
            bfloat16=[n for (o, key), n in self._slots if _dtype_name(o[key]) == "bfloat16"],
            versions=_versions(),
        )
        first: dict[str, NDArray[Any]] = {"header": f.json_array(header.to_json())}
        if self._probe is not None:
            inputs = {name: _to_numpy(tensor) for name, tensor in _parts(self._probe)}
            first |= {f"probe/{name}": array for name, array in inputs.items()}
            if (given := _colors(inputs, colors)) is not None:
                first["probe/colors"] = given
        elif colors is not None:
            raise OptionError("colors= are the colours of the probe; give probe= too")
        state_bytes = sum(t.nbytes for t in (slots[key] for (slots, key), _ in self._slots))
        # As many rows as a chunk can come to have: a large model's are few.
        self._chunk_rows = min(CHUNK_STEPS, max(1, -(-CHUNK_BYTES // max(1, state_bytes))))
        self._mirrors: dict[str, torch.Tensor] = {}  # of the tensors that live on an accelerator
        self._n_calls = 0  # of `step`, which is the number of the step to come
        self._n_steps = 0
        self._input_names: KeysView[str] | None = None  # None if a batch is one array
        self._label_names: KeysView[str] | None = None
        self._array_type: type | None = None  # of the last batch that was one array
        self._batch_form: object = None  # the last batch's
        self._warned = False
        self._disowned = False
        self._full: _Chunk | None = None
        self._last_words: dict[str, NDArray[Any]] | None = None  # what `close` adds
        self._stepping = threading.RLock()
        with Deferred():  # lest a file be left that nobody closes
            self._background = _Background(ArchiveWriter(path, overwrite=overwrite), first)
            self._chunk = self._new_chunk()
            self._closed = self._finished = False
            _recording.add(self)
            # When Python ends; `__del__` may then come too late for the writer's thread.
            weakref.finalize(self, _close_forgotten, weakref.ref(self))

    @property
    def n_steps(self) -> int:
        """How many steps were recorded so far."""
        return self._n_steps

    def step(
        self,
        *,
        batch: Arrays | None = None,
        labels: Mapping[str, Array] | None = None,
        losses: Mapping[str, Number] | None = None,
        params: Mapping[str, Number] | None = None,
    ) -> None:
        """Record one step: the model's state as it is now, before the update, and what is given.

        Args:
            batch: The batch's inputs (B, ...), or several by name; B may differ from step to
                step.
            labels: The batch's labels by name, each (B, ...).
            losses: The losses by name; one that a step lacks is a gap, and not the same as one
                that is NaN.
            params: The schedule's properties by name (learning rate, weights of terms).

        Raises:
            OptionError: A shape or a dtype is not one that can be recorded, or has changed; or
                the model has other tensors than at first.
            ArchiveError: A name is not one that can be recorded.
        """
        # The thread that has it may take it again: an interrupt can leave it taken.
        if not self._stepping.acquire(False):
            raise OptionError(
                "another thread is in step() of this recorder; let one thread record at a time"
            )
        try:
            if self._closed:
                if self._disowned:
                    return
                raise OptionError("the recorder is closed; record before close()")
            if self._n_calls % self._every:
                self._n_calls += 1
                return
            if self._background.fault is not None:
                self._warn()
                return
            chunk = self._chunk
            k = chunk.count
            if k == self._chunk_rows:  # an interrupt came before it was handed over
                chunk, k = self._flush(), 0
            for modules, before in self._children:
                if modules != before:
                    self._find_anew()
                    break
            try:
                self._add_state(chunk, k)
            except (AttributeError, KeyError):  # a tensor is gone, or None
                self._find_anew()
                self._add_state(chunk, k)
            if batch is not None:
                self._add_batch(chunk, batch, {} if labels is None else labels)
            elif labels is not None:
                raise OptionError("labels= are the labels of a batch; give batch= too")
            elif chunk.batches is not None:
                chunk.batches.skip(k)
            if self._record_latents:
                chunk.add_latents(self._latents())
            if losses is not None or chunk.metrics:
                self._add_numbers(chunk.metrics, k, {} if losses is None else losses)
            if params is not None or chunk.params:
                self._add_numbers(chunk.params, k, {} if params is None else params)
            # Only now does the step count: an interrupt before this line leaves it out whole.
            chunk.count = k = k + 1
            self._n_steps += 1
            self._n_calls += 1
            if (
                k == self._chunk_rows
                or time.monotonic() - chunk.started >= CHUNK_SECONDS
                or (chunk.is_more_than_states and chunk.n_bytes >= CHUNK_BYTES)
            ):
                self._flush()
        finally:
            self._stepping.release()

    def close(self) -> None:
        """Write what is left, the final state, and the directory; move the file into place.

        If it is interrupted while the writer is behind, call it again to finish.

        Raises:
            ArchiveError: No step was recorded, or the archive could not be written; what was
                flushed is then still in the ``.part`` file.
        """
        if self._finished:
            return
        self._closed = True
        if self._n_steps == 0:
            self._leave_nothing()
            raise ArchiveError(
                "no step was recorded, so there is no archive; call recorder.step() in the loop"
            )
        if self._background.fault is None:
            self._send()
            if self._chunk.count:
                self._flush()
        if self._last_words is None:
            self._last_words = self._final()
        self._background.join()
        with Deferred():
            self._finished = True
            _recording.discard(self)
            self._background.finish(self._last_words)

    def _leave_nothing(self) -> None:
        self._closed = True
        self._background.join()
        with Deferred():
            self._finished = True
            _recording.discard(self)
            self._background.abandon()

    def __deepcopy__(self, memo: dict[int, Any]) -> Recorder:
        """Itself: it may be held by the model that it records, of which copies are made."""
        return self

    def __del__(self) -> None:
        if self._finished:
            return
        if self._background.is_this_thread():  # which happened to collect it, and cannot end itself
            threading.Thread(target=self._close_forgotten).start()
        else:
            self._close_forgotten()

    def _close_forgotten(self) -> None:
        if self._finished:
            return
        category: type[Warning] = ResourceWarning
        path, outcome = self._background.path, "closed only now"
        try:
            self.close()
        except LatentvizError as error:
            category, outcome = RecordingWarning, str(error)
        warnings.warn(
            f"the recording {path} was not closed: {outcome}; use `with Recorder(...)` or close()",
            category,
            stacklevel=2,
        )

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._disowned:
            return
        if kind is not None and self._n_steps == 0:
            # Training failed before its first step: its error is the one to see.
            self._leave_nothing()
            return
        try:
            self.close()
        except LatentvizError as fault:
            if error is None:
                raise
            error.add_note(f"and the recording failed: {fault}")

    def _new_chunk(self) -> _Chunk:
        return _Chunk(
            first=self._n_steps * self._every,
            every=self._every,
            rows=self._chunk_rows,
            memory=self._background.spare_memory(),
        )

    def _add_state(self, chunk: _Chunk, k: int) -> None:
        if chunk.slots is not self._slots:  # the first time in this chunk, or found anew
            chunk.at_hand, chunk.mirrored = {}, {}
            chunk.slots = self._slots
            for (slots, key), name in self._slots:
                self._add_view(chunk, (slots, key), name)
        if self._mirrors:
            self._copy_to_mirrors()
        for slots, key, name, known, address, strides, n, buffer, array in chunk.at_hand.values():
            tensor = slots[key]
            if (
                tensor is known
                and tensor.data_ptr() == address
                and tensor.stride() == strides
                and tensor.numel() == n
            ):
                buffer[k] = array
            else:  # its storage was replaced, or is seen otherwise
                view = self._add_view(chunk, (slots, key), name)
                view.buffer[k] = view.array
        for buffer, array in chunk.mirrored.values():
            buffer[k] = array

    def _find_anew(self) -> None:
        """Go on with a model whose modules were replaced by such as have tensors alike.

        Raises:
            OptionError: Its tensors are others now.
        """
        slots = _chosen(list(_state_slots(self._model)), self._patterns)
        before, now = (
            {_tensor_called(name) for _, name in self._slots},
            {_tensor_called(name) for _, name in slots},
        )
        if before != now:
            changes = [
                f"{', '.join(sorted(names))} {what}"
                for names, what in ((before - now, "removed"), (now - before, "added"))
                if names
            ]
            raise OptionError(
                f"the model has other tensors than at first: {'; '.join(changes)}; "
                "close() this recording and begin another"
            )
        for (owner, key), name in slots:
            tensor = owner[key]
            self._check_tensor(name, tensor)
        self._slots, self._children = slots, _children(self._model)

    def _final(self) -> dict[str, NDArray[Any]]:
        """What the last update made, if it is still the model that was recorded."""
        try:
            self._find_anew()
            latents = self._latents() if self._record_latents else {}
        except LatentvizError:  # the steps so far are worth keeping without
            return {}
        states = {f"final/states/{name}": _memory(slots[key]) for (slots, key), name in self._slots}
        return states | {f"final/latents/{name}": array for name, array in latents.items()}

    def _latents(self) -> dict[str, NDArray[Any]]:
        """The probe's latents now, each layer's (N, D)."""
        assert self._probe is not None  # or there are none to record
        with apart():
            found = twin_outputs(self._twin.renewed(), self._layers, self._probe)
            latents = {name: _to_numpy(out) for name, out in zip(self._layers, found, strict=True)}
        for name, array in latents.items():
            self._check_form(f"the output of layer {name!r}", array.shape, str(array.dtype))
        self._check_rows(latents)
        return latents

    def _first_look(self) -> list[torch.Tensor] | None:
        """The layers' outputs before the training; None where it cannot be run as yet.

        Raises:
            ModelError: A layer gives other than one row a point.
        """
        assert self._probe is not None
        try:
            found = twin_outputs(self._twin.renewed(), self._layers, self._probe)
        except ModelError:
            return None
        self._check_rows(dict(zip(self._layers, found, strict=True)))
        return found

    def _check_rows(self, latents: Mapping[str, torch.Tensor | NDArray[Any]]) -> None:
        assert self._probe is not None
        N = len(next(tensor for _, tensor in _parts(self._probe)))
        for name, array in latents.items():
            if len(array) != N:
                raise ModelError(
                    f"the output of layer {name!r} must have a row for each of the probe's {N} "
                    f"points, got {len(array)} rows; where time comes first, make it "
                    "batch_first=True, or name a layer whose output has the points first"
                )

    def _add_view(self, chunk: _Chunk, slot: _Slot, name: str) -> _View:
        slots, key = slot
        tensor = slots[key]
        self._check_tensor(name, tensor)
        is_at_hand = _is_at_hand(tensor)
        array = _memory(tensor if is_at_hand else self._mirror(name, tensor))
        if (old := chunk.views.get(name)) is not None:
            buffer = old.buffer
        else:
            buffer = chunk.buffer(f"states/{name}", chunk.rows, array.shape, array.dtype)
            chunk.step_bytes += array.nbytes
        view = chunk.views[name] = _View(array, buffer)
        if is_at_hand:
            place = (tensor.data_ptr(), tensor.stride(), tensor.numel())
            chunk.at_hand[name] = (slots, key, name, tensor, *place, buffer, array)
        else:
            chunk.mirrored[name] = (buffer, array)
        return view

    def _mirror(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        """A copy in the CPU's memory of a tensor on an accelerator, which each step renews."""
        import torch

        mirror = self._mirrors.get(name)
        if mirror is None:
            # From pinned memory the accelerator copies by itself, all tensors in one go.
            pinned = tensor.device.type == "cuda"
            mirror = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=pinned)
            self._mirrors[name] = mirror.copy_(tensor.detach())
        return mirror

    def _copy_to_mirrors(self) -> None:
        """Copy all tensors that live on accelerators; done when it returns, before the update."""
        import torch

        devices = set()
        for (slots, key), name in self._slots:
            tensor, mirror = slots[key].detach(), self._mirrors.get(name)
            if mirror is None:  # at hand
                continue
            if tensor.shape != mirror.shape or tensor.dtype != mirror.dtype:
                self._check_tensor(name, tensor)
            on_cuda = tensor.device.type == "cuda"
            mirror.copy_(tensor, non_blocking=on_cuda)
            if on_cuda:
                devices.add(tensor.device)
        for device in devices:
            torch.cuda.current_stream(device).synchronize()

    def _add_batch(self, chunk: _Chunk, batch: Arrays, labels: Mapping[str, Array]) -> None:
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
            arrays = [_as_array(batch)]  # type: ignore[arg-type] # not a mapping
        else:
            arrays = [_as_array(inputs[name]) for name in input_names]
        arrays += [_as_array(labels[name]) for name in label_names]
        form = [(array.shape, array.dtype) for array in arrays]
        if form != self._batch_form:  # as a rule all batches are alike
            self._check_batch(arrays, input_names, label_names)
            self._batch_form = form
            self._input_names, self._label_names = input_names, label_names
        if chunk.batches is None:
            chunk.batches = _Batches(chunk, _part_members(input_names, label_names), arrays)
        chunk.batches.add(chunk.count, arrays)

    def _check_batch(
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
            self._check_form(what, array.shape[1:], str(array.dtype))

    def _add_numbers(
        self, columns: dict[str, NDArray[np.float64]], k: int, values: Mapping[str, Number]
    ) -> None:
        if type(values) is not dict and not isinstance(values, Mapping):
            raise OptionError(
                "losses and params must be numbers by name, such as {'loss': loss}, "
                f"got {type(values).__name__}"
            )
        for name in values:
            if name in columns:
                continue
            if not is_number_name(name):
                raise ArchiveError(
                    f"{_in_brief(name)} cannot name a loss or a param; use text of up to "
                    f"{NUMBER_NAME} bytes (what is no plain ASCII counts three times)"
                )
            columns[name] = np.full(self._chunk_rows, _GAP)
        for name, column in columns.items():
            try:
                value = values.get(name, _GAP)
                column[k] = value if type(value) is float else _scalar(value)
            except (TypeError, ValueError, RuntimeError):
                raise OptionError(
                    f"{name!r} must be one number, got {_in_brief(values[name])}"
                ) from None

    def _check_tensor(self, name: str, tensor: torch.Tensor) -> None:
        """Refuse another shape than at the first step, or another dtype than the header says."""
        what, shape, dtype = _tensor_called(name), tuple(tensor.shape), _dtype_name(tensor)
        if dtype != (first := self._dtypes[what]):
            self._forms.setdefault(what, (shape, first))
        self._check_form(what, shape, dtype)

    def _check_form(self, what: str, shape: tuple[int, ...], dtype: str) -> None:
        """Members of an archive are arrays over steps, so a step's must all look alike."""
        form = self._forms.setdefault(what, (shape, dtype))
        if form != (shape, dtype):
            raise OptionError(
                f"{what} was {form[0]} {form[1]} and is now {shape} {dtype}; shapes and dtypes "
                "must stay the same while recorded"
            )

    def _flush(self) -> _Chunk:
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

    def _disown(self) -> None:
        """In a forked child, such as a data loader's worker: the run is the parent's alone."""
        self._closed = self._finished = self._disowned = True
        self._background.disown()

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"recording stopped at step {self._n_calls}: {self._background.fault}; training "
                "goes on unrecorded",
                RecordingWarning,
                stacklevel=3,
            )


@dataclass
class _View:
    """A tensor's memory as an array that follows its in-place updates, and where it is copied."""

    array: NDArray[Any]  # its own memory, or its mirror's
    buffer: NDArray[Any]  # (rows, ...)


@dataclass
class _Chunk:
    """The steps recorded since the last flush, each under its row, 0 to ``count - 1``."""

    first: int  # step
    every: int
    rows: int  # how many it can come to have
    memory: dict[str, NDArray[Any]]  # by member: an earlier chunk's, and what this one adds
    started: float = field(default_factory=time.monotonic)
    count: int = 0
    step_bytes: int = 0
    views: dict[str, _View] = field(default_factory=dict)
    slots: Sequence[tuple[_Slot, str]] | None = None  # those of which there are views
    # By name, what a step needs of each view, together: to look it up takes its time.
    at_hand: dict[str, _AtHand] = field(default_factory=dict)
    mirrored: dict[str, tuple[NDArray[Any], NDArray[Any]]] = field(default_factory=dict)
    batches: _Batches | None = None
    latents: dict[str, dict[int, NDArray[Any]]] = field(default_factory=dict)  # by layer and row
    latents_bytes: int = 0
    # (rows,) each; _GAP where a step had none.
    metrics: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    params: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def buffer(
        self, member: str, rows: int, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> NDArray[Any]:
        """Memory for so many rows of a member, whose shape and dtype never change, or for more."""
        buffer = self.memory.get(member)
        if buffer is None or len(buffer) < rows:
            buffer = self.memory[member] = np.empty((rows, *shape), dtype)
        return buffer

    @property
    def is_more_than_states(self) -> bool:
        return self.batches is not None or self.latents_bytes > 0

    @property
    def n_bytes(self) -> int:
        batches = self.batches.n_bytes(self.count) if self.batches is not None else 0
        return self.count * (self.step_bytes + self.latents_bytes) + batches

    def add_latents(self, latents: Mapping[str, NDArray[Any]]) -> None:
        for layer, array in latents.items():
            self.latents.setdefault(layer, {})[self.count] = array
        self.latents_bytes = sum(array.nbytes for array in latents.values())

    def arrays(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """The members' names, less the chunk's number, and their arrays."""
        yield "steps", self.first + self.every * np.arange(self.count, dtype=np.int64)
        for name, view in self.views.items():
            yield f"states/{name}", view.buffer[: self.count]
        if self.batches is not None:
            for name, array in self.batches.arrays(self.count):
                yield f"batches/{name}", array
        for layer, rows in self.latents.items():
            yield f"latents/{layer}", np.stack([rows[k] for k in range(self.count)])
        for group, columns in (("metrics", self.metrics), ("params", self.params)):
            for name, column in columns.items():
                values = column[: self.count]
                gaps = values.view(np.uint64) == _GAP_BITS
                if not gaps.any():
                    yield f"{group}/{name}", values
                    continue
                yield f"{group}/{name}", np.where(gaps, np.nan, values)
                yield f"gaps/{group}/{name}", gaps


class _Batches:
    """The batches of a chunk's steps, end to end, as they may be of unequal sizes.

    In memory of their own, for the caller may overwrite what was given; and in one piece, for
    small ones that outlive their step would scatter those of the training loop.
    """

    def __init__(self, chunk: _Chunk, names: Sequence[str], like: Sequence[NDArray[Any]]) -> None:
        """Begin at the chunk's step to come, whose batch is alike."""
        self._offsets = [0] * (chunk.count + 1)
        B = len(like[0])
        self._row_bytes = sum(array.nbytes for array in like) // max(1, B)
        # What a chunk can come to hold, if batches are alike; the system gives what is used.
        capacity = min(CHUNK_STEPS * B, CHUNK_BYTES // max(1, self._row_bytes) + B)
        self._names = names
        self._buffers = [
            chunk.buffer(f"batches/{name}", capacity, array.shape[1:], array.dtype)
            for name, array in zip(names, like, strict=True)
        ]

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

    def __init__(self, writer: ArchiveWriter, first: Mapping[str, NDArray[Any]]) -> None:
        self.fault: Exception | None = None
        self.path = writer.path
        self._writer = writer
        self._members: dict[str, int] = {}
        self._chunks: list[dict[str, Any]] = []
        # Of the C library's: an interrupt within a `queue.Queue` can leave its lock taken.
        self._queue: queue.SimpleQueue[_Chunk | None] = queue.SimpleQueue()
        self._spare: queue.SimpleQueue[dict[str, NDArray[Any]]] = queue.SimpleQueue()
        try:
            for name, array in first.items():
                self._members[name] = writer.add(name, array)
            writer.sync()
        except BaseException:
            writer.abandon(keep=False)
            raise
        self._thread = threading.Thread(target=self._run, name="latentviz-recorder", daemon=True)
        self._thread.start()

    def is_this_thread(self) -> bool:
        return threading.current_thread() is self._thread

    def put(self, chunk: _Chunk) -> None:
        """Hand a chunk over, once there is room; an interrupt while waiting has it not handed."""
        while self._queue.qsize() >= QUEUE_CHUNKS:
            time.sleep(WAIT_SECONDS)
        self._queue.put(chunk)

    def spare_memory(self) -> dict[str, NDArray[Any]]:
        """A written chunk's memory, by member: fresh memory costs more than the copying into it."""
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
        last: _Chunk | None = None
        while (chunk := self._queue.get()) is not None:
            if self.fault is not None:
                continue  # drain, so that training never waits for a writer that is gone
            if chunk is last:
                continue  # an interrupt had it handed over twice
            last = chunk
            try:
                self._write(chunk)
                self._spare.put(chunk.memory)
            except Exception as error:  # handed to the caller, who cannot catch it here
                self.fault = error

    def _write(self, chunk: _Chunk) -> None:
        number = f.chunk_id(len(self._chunks))
        members: list[tuple[str, int]] = []
        steps: NDArray[np.int64] | None = None
        for name, array in chunk.arrays():
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


def _check_types(model: object, latents: object, model_name: object, model_args: object) -> None:
    """Refuse what is of another kind than it must be.

    Raises:
        OptionError: Something is.
    """
    from torch import nn

    if not isinstance(model, nn.Module):
        what = f"the class {model.__name__}" if isinstance(model, type) else _in_brief(model)
        raise OptionError(f"model must be an nn.Module, made already, got {what}")
    if latents != "auto" and not isinstance(latents, bool):
        raise OptionError(f'latents must be True, False or "auto", got {_in_brief(latents)}')
    if model_name is not None and not isinstance(model_name, str):
        raise OptionError(f"model_name must be a registered name, got {_in_brief(model_name)}")
    if model_args is not None and not isinstance(model_args, Mapping):
        raise OptionError(
            "model_args must be arguments by name, such as {'width': 16}, "
            f"got {_in_brief(model_args)}"
        )


def _layer_names(wrapped: nn.Module, model: nn.Module, layer: str | Sequence[str]) -> list[str]:
    """The layers to record, each once, as the plain model calls them.

    Args:
        wrapped: The model as it was given, perhaps in a wrapper.
        model: The plain model.
        layer: The layers, as the one or the other calls them.

    Raises:
        ModelError: There is no such layer.
        ArchiveError: Its name is not one that can be recorded.
        OptionError: None is given, or something else than names.
    """
    names = [layer] if isinstance(layer, str) else layer
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise OptionError(
            "layer must be the name of a submodule, such as 'encoder', or several, "
            f"got {_in_brief(layer)}"
        )
    if not names:
        raise OptionError("layer must name one layer or more, got none")
    if wrapped is not model:
        own = {id(module): name for name, module in model.named_modules() if name}
        outer = {name: own.get(id(module)) for name, module in wrapped.named_modules()}
        names = [name if name in own.values() else outer.get(name) or name for name in names]
    for name in names:
        named_layer(model, name)
        f.check_name(plain_name(name), f"latents/{f.chunk_id(0)}/")
    return list(dict.fromkeys(plain_name(name) for name in names))


def _state_slots(model: nn.Module) -> Iterator[tuple[_Slot, str]]:
    """Where each tensor of the state lives: its module's dictionary and key; and its name.

    Looking a tensor up there costs far less than ``state_dict()`` and sees replaced tensors too.

    Raises:
        ModelError: The model is not yet made whole.
        ArchiveError: A name is not one that can be recorded.
    """
    from torch.nn.parameter import is_lazy

    for slots, key, name in state_slots(model):
        if is_lazy(slots[key]):
            raise ModelError(
                f"{_tensor_called(name)} has no shape before the first batch (a lazy module); run "
                "a batch through the model first"
            )
        f.check_name(name, f"states/{f.chunk_id(0)}/")
        yield (slots, key), name


def _check_runs_layers(model: nn.Module, layers: Sequence[str]) -> None:
    """Refuse a model that is no longer made of the layers that it names.

    Raises:
        ModelError: It was scripted, traced or exported.
    """
    import torch

    instead = "record the model that it was made of"
    for layer in layers:
        outer: Any = model
        for part in layer.split("."):
            if isinstance(outer, torch.jit.ScriptModule):
                raise ModelError(
                    f"layer {layer!r} lies in a scripted or traced module (torch.jit), which shows "
                    f"nothing of what its layers give; {instead}"
                )
            if isinstance(outer, torch.fx.GraphModule) and not any(
                str(node.target).partition(".")[0] == part and node.op == "call_module"
                for node in outer.graph.nodes
            ):
                raise ModelError(
                    f"layer {layer!r} is not called by the graph of its model, in which an export "
                    f"dissolves the layers; {instead}"
                )
            outer = outer._modules.get(part) or outer._modules[COMPILED]._modules[part]


def _patterns(states: str | Sequence[str]) -> list[str]:
    if states == "none":
        return []
    patterns = [states] if isinstance(states, str) else states
    if (
        not isinstance(patterns, Sequence)
        or not patterns
        or not all(isinstance(pattern, str) for pattern in patterns)
    ):
        raise OptionError(
            f'states must be "all", "none", or patterns of tensors\' names, got {_in_brief(states)}'
        )
    return list(patterns)


def _children(model: nn.Module) -> list[_Children]:
    """The submodules, as they are held; modules are equal only if they are the same."""
    held = [module._modules for module in model.modules()]
    return [(modules, dict(modules)) for modules in held if modules]


def _check_patterns(slots: Sequence[tuple[_Slot, str]], patterns: Sequence[str]) -> None:
    """Refuse a pattern that matches no tensor, unless there is none at all.

    Raises:
        OptionError: There is one.
    """
    for pattern in patterns if patterns != ["*"] else []:
        if not fnmatch.filter([name for _, name in slots], pattern):
            names = ", ".join(name for _, name in slots) or "none"
            raise OptionError(f"states: no tensor matches {pattern!r}; the model's are: {names}")


def _chosen(slots: Sequence[tuple[_Slot, str]], patterns: Sequence[str]) -> list[tuple[_Slot, str]]:
    """The tensors whose names match any of the patterns."""
    return [
        (slot, name)
        for slot, name in slots
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    ]


def _tensor_called(name: str) -> str:
    return f"tensor {name!r}"


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
    ours, theirs = (
        {own: slots[key].shape for slots, key, own in state_slots(m)} for m in (model, twin)
    )
    if ours == theirs:
        return found
    if name is None:
        return None
    raise ModelError(
        f"the model registered as {name!r} has other tensors than the one to record; "
        "give the model_args= that make it"
    )


def _is_rebuilt(
    model: nn.Module,
    name: str,
    args: Mapping[str, Any],
    layers: Sequence[str],
    probe: torch.Tensor | dict[str, torch.Tensor] | None,
    ours: Sequence[torch.Tensor],
) -> bool:
    """Whether the registered model does the same: shapes do not tell a relu from a tanh.

    Args:
        model: The model to record.
        name: The registered name.
        args: The factory's arguments.
        layers: The layers to compare.
        probe: What to run it on.
        ours: What the model's layers give for it.
    """
    import torch

    assert probe is not None  # or there were no outputs
    state = {own: slots[key].detach().cpu().clone() for slots, key, own in state_slots(model)}
    try:
        with torch.device("cpu"):  # whatever the default is
            other = build_model(model_factory(name), args)
            # As they are: a model may have been made another precision's.
            twin = private_copy(plain_model(other), state)
        with apart():  # from the same random numbers
            theirs = twin_outputs(twin, layers, probe)
    except (ModelError, RuntimeError):
        return False
    return all(_is_close(a.cpu().double(), b.double()) for a, b in zip(ours, theirs, strict=True))


def _is_close(a: torch.Tensor, b: torch.Tensor) -> bool:
    import torch

    scale = float(a.nan_to_num(0, 0, 0).abs().max())
    return a.shape == b.shape and torch.allclose(
        a, b, rtol=0, atol=SAME_OUTPUTS * scale, equal_nan=True
    )


def _copied_probe(probe: Arrays) -> torch.Tensor | dict[str, torch.Tensor]:
    """A copy: the caller may go on to overwrite what was given."""
    if not isinstance(probe, Mapping):
        points = _as_tensor(probe).detach().clone()
        if points.ndim == 0 or not len(points):
            raise OptionError(
                f"a probe must be (N, ...) with one point at least, got shape {tuple(points.shape)}"
            )
        return points
    tensors = {name: _as_tensor(value).detach().clone() for name, value in probe.items()}
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    lengths = {shape[:1] for shape in shapes.values()}
    if len(lengths) != 1 or lengths <= {(), (0,)}:
        raise OptionError(
            "a probe of several inputs must be tensors (N, ...) by name, with the same N of one "
            f"point at least, got {shapes}; what is not one row a point (a graph's edges) can be a "
            "buffer of the model: wrap it in a module that holds it and passes it on"
        )
    for name in tensors:
        f.check_name(name, "probe/inputs/")
    return tensors


def _parts(inputs: torch.Tensor | dict[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    """What a probe consists of, as its members are named."""
    if isinstance(inputs, dict):
        yield from ((f"inputs/{name}", tensor) for name, tensor in inputs.items())
    else:
        yield "inputs", inputs


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


def _colors(probe: Mapping[str, NDArray[Any]], colors: Array | None) -> NDArray[Any] | None:
    """The colours to store, checked."""
    inputs = next(iter(probe.values()))
    if colors is None:
        looks_right = inputs.ndim == 2 and inputs.shape[1] == 3 and inputs.dtype.kind == "f"
        alone = "inputs" in probe
        in_range = alone and looks_right and bool(((inputs >= 0) & (inputs <= 1)).all())
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
    if isinstance(value, tuple | list) and any(
        isinstance(v, torch.Tensor) and v.ndim for v in value
    ):
        raise OptionError(
            f"expected one tensor, got a {type(value).__name__} of them; give several inputs by "
            "name, such as {'points': points, 'mask': mask}, or make them one by torch.stack"
        )
    try:
        return torch.as_tensor(np.array(value))  # a copy: torch takes no negative strides
    except (TypeError, ValueError):
        raise OptionError(
            f"expected a tensor or an array of numbers, got {type(value).__name__}"
        ) from None


def _dtype_name(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _check_storable(tensor: torch.Tensor, name: str) -> None:
    """Refuse what an archive cannot hold.

    Raises:
        OptionError: The tensor's dtype, or how it is laid out, is such.
    """
    import torch

    try:
        f.npy_header(_memory(torch.empty(0, dtype=tensor.dtype, layout=tensor.layout)).dtype, ())
    except LatentvizError as error:
        raise OptionError(
            f"{_tensor_called(name)}: {error}, or leave it out with states="
        ) from None


def _is_at_hand(tensor: torch.Tensor) -> bool:
    """Whether a tensor lies in the CPU's memory."""
    return tensor.device.type == "cpu"


def _memory(tensor: torch.Tensor) -> NDArray[Any]:
    """A tensor's own memory, if it is the CPU's; bfloat16, which NumPy lacks, as its bits."""
    import torch

    tensor = tensor.detach().cpu()
    if tensor.dtype is torch.bfloat16:
        bits: NDArray[Any] = tensor.view(torch.int16).numpy().view(np.uint16)
        return bits
    return _to_numpy(tensor)


def _to_numpy(tensor: torch.Tensor) -> NDArray[Any]:
    """A tensor's values; bfloat16's as float32, which holds them exactly."""
    # Each call costs microseconds, at every step: none that is not needed.
    if tensor.requires_grad:
        tensor = tensor.detach()
    if not tensor.is_cpu:
        tensor = tensor.cpu()
    try:
        return np.asarray(tensor.numpy())
    except TypeError:
        if _dtype_name(tensor) == "bfloat16":
            return np.asarray(tensor.float().numpy())
        raise OptionError(
            f"tensors of {tensor.dtype} cannot be recorded; convert them to float32 first"
        ) from None


def _scalar(value: Number) -> float:
    # A tensor that is part of a graph warns when it is made a float, but not when it is read.
    item = getattr(value, "item", None)
    number = value if item is None else item()
    try:
        return float(number)
    except OverflowError:  # a whole number beyond any float: the training goes on
        return math.inf if number > 0 else -math.inf


def is_number_name(name: str) -> bool:
    """Whether an archive can hold a loss or a param of that name."""
    try:
        return isinstance(name, str) and f.check_name(name, _NUMBER_PREFIX) == name
    except ArchiveError:
        return False


def _in_brief(value: object) -> str:
    shape = getattr(value, "shape", None)
    return printable(repr(value), 40) if shape is None else f"an array of shape {tuple(shape)}"


def _as_array(value: Array) -> NDArray[Any]:
    """An array of what was given, in the same memory where that can be."""
    try:  # the shortest way, which most tensors can go
        return value.numpy()  # type: ignore[union-attr]  # what has none is caught
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
