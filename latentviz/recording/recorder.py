"""Records a training run, step by step, into an archive."""

from __future__ import annotations

import logging
import os
import threading
import warnings
import weakref
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from ..archive import ArchiveWriter, check_destination
from ..archive import schema as s
from ..archive.limits import LIMITS, ChunkLimits
from ..deferral import Deferred
from ..errors import ArchiveError, LatentvizError, OptionError, RecordingWarning
from ..text import bytes_in_words, counted
from .arguments import recorded_of
from .background import Background
from .columns import checked_numbers, final_members
from .steps import Steps

if TYPE_CHECKING:
    from torch import nn

    from .columns import Number
    from .tensors import Array, Arrays

_log = logging.getLogger("latentviz")

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


class Recorder:
    """Records a model's training into ``path``, every step or every n-th.

    It takes any ``nn.Module``. Call `step` after the backward pass and before the optimizer's
    update, and use the recorder as a context manager.

    Example::

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
        layer: str | Sequence[str] | None = None,
        probe: Arrays | None = None,
        points: str | None = None,
        colors: Array | Sequence[str] | None = None,
        classes: Array | Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        point_names: Sequence[str] | None = None,
        tokens: Literal["flatten", "mean", "first", "last", "each"] | None = None,
        states: str | Sequence[str] = "auto",
        every: int = 1,
        latents: bool | Literal["auto"] = "auto",
        model_name: str | None = None,
        model_args: Mapping[str, Any] | None = None,
        keyframes: Mapping[str, Sequence[int]] | None = None,
        phases: Sequence[tuple[int, str]] | None = None,
        actions: Sequence[tuple[int, str]] | None = None,
        seed: int | None = None,
        overwrite: bool = False,
        chunk_limits: ChunkLimits | None = None,
    ) -> None:
        """Open the archive (``NAME.npz.part`` until `close`).

        Args:
            path: Where the run shall lie, ``NAME.npz``.
            model: The model that is trained; compiled, if you like (it is the module within that
                is recorded).
            layer: The name of the submodule whose output is the latent, as in
                ``model.named_modules()``: (N, D), or images and the like, (N, ...) of four
                dimensions or more, which are flattened; ``tokens`` says what is done with
                (N, S, D). Of a tuple, a list, a dictionary or a dataclass it is the first tensor,
                depth first; ``"lstm:1"`` is the second item (positions count from 0, or from -1
                backwards), or the first tensor in that, ``"lstm:1:0"`` the first item of it, and so
                on. Where a tensor has the points second, as the states of recurrent layers do,
                (M, N, D), a position says which of the M: ``"lstm:1:0:-1"`` is the last layer's.
                A module that has a colon in its own name goes first. If the submodule is called
                several times in a forward pass, its first output counts. Or several names, of
                which the first is drawn unless told otherwise. Needed with ``probe``; without
                either the states are recorded, of which rows of tensors can be drawn.
            probe: The model's inputs (N, ...) whose latents are to be drawn; or several inputs,
                by the names of the model's arguments.
            points: The points that are drawn unless told otherwise: ``"rows:TENSOR"`` or
                ``"columns:TENSOR"``, the rows or columns of a tensor of the state, flattened after
                its first axis, such as ``"rows:embed.weight"``, which need no probe; or
                ``"layer:NAME"``, one of several layers.
            colors: The points' colors: (N, 3) RGB in 0..1, (N,) integer labels, (N,) names of
                classes (`Run.class_names`), or (N,) scalars. By default the points' classes, if
                they have any, or the probe itself where it looks like colors. With
                ``tokens="each"`` those of a row are all of its tokens', or each has its own:
                (N, S), (N * S,) or (N * S, 3). Colors, classes and names are the probe's;
                without one they are those of ``points``.
            classes: The points' classes, (N,) whole numbers or names: `Run.classes`. Labels that
                are ``colors`` are classes, too.
            class_names: The names of the classes that whole numbers count from 0 on.
            point_names: The points' names, (N,) texts; of tokens as of colors.
            tokens: How points are made of a layer's output (N, S, D), S tokens for each row of the
                probe: ``"mean"`` of the tokens; ``"first"``, ``"last"``; ``"each"``: each token
                is a point of its own, the first S those of the first row; or ``"flatten"``,
                (N, S * D), the default, of which a `RecordingWarning` tells unless S is 1. Where
                the probe has an input ``attention_mask`` (N, S), of 0 and 1, tokens of 0 are left
                out of the mean, are neither first nor last, and no points; likewise torch's
                ``key_padding_mask`` or ``src_key_padding_mask``, whose True is left out. Otherwise
                all count.
            states: Which tensors of the state to record: ``"all"``, ``"none"``, or the patterns
                of their names, such as ``"encoder.*"``. A run that lacks some cannot be
                evaluated, so its latents are recorded. ``"auto"`` is ``"all"``, with a
                `RecordingWarning` of the cost from 256 kB a step on; or ``"none"``, with a
                `RecordingWarning`, where that much could not be used: the model is not
                registered, and there are latents to record in place of it.
            every: Record every so many-th step, from the first on. At others `step` keeps the
                metrics alone, which go with the next one that is recorded.
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
            chunk_limits: When what was recorded is written: at so many steps, seconds or bytes,
                whichever comes first.

        Raises:
            ArchiveError: The file cannot be written, or exists.
            ModelError: There is no such layer, or the registered model is another one.
            OptionError: The probe and the colors, classes or names do not fit, a tensor cannot be
                recorded, or another option is out of range.
        """
        check_destination(Path(path), overwrite=overwrite)
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise OptionError(f"every must be 1 or more, got {every!r}")
        recorded = recorded_of(
            model,
            layer=layer,
            probe=probe,
            points=points,
            colors=colors,
            classes=classes,
            class_names=class_names,
            point_names=point_names,
            tokens=tokens,
            states=states,
            latents=latents,
            model_name=model_name,
            model_args=model_args,
            keyframes=keyframes,
            phases=phases,
            actions=actions,
            seed=seed,
        )
        self._disowned = False
        self._measured: dict[str, NDArray[Any]] = {}  # after the last update, given to `close`
        self._last_words: dict[str, NDArray[Any]] | None = None  # what `close` adds
        self._stepping = threading.RLock()
        with Deferred():  # lest a file be left that nobody closes
            writer = ArchiveWriter(path, overwrite=overwrite)
            self._background = Background(writer, recorded.first)
            self._recorded = recorded
            self._steps = Steps(recorded, self._background, chunk_limits or LIMITS, every=every)
            self._closed = self._finished = False
            _recording.add(self)
            # When Python ends; `__del__` may then come too late for the writer's thread.
            weakref.finalize(self, _close_forgotten, weakref.ref(self))

    @property
    def path(self) -> Path:
        """Where the run shall lie."""
        return self._background.path

    @property
    def n_bytes(self) -> int:
        """The size of the file; while open, of what was compressed and written so far."""
        return self._background.file_bytes()

    @property
    def n_steps(self) -> int:
        """How many steps were recorded so far."""
        return self._steps.n_steps

    def step(
        self,
        *,
        batch: Arrays | None = None,
        labels: Mapping[str, Array] | None = None,
        losses: Mapping[str, Number] | None = None,
        params: Mapping[str, Number] | None = None,
        metrics: Mapping[str, Number] | None = None,
        step: int | None = None,
    ) -> None:
        """Record one step: the model's state as it is now, before the update, and what is given.

        Args:
            batch: The batch's inputs (B, ...), or several by name. Sizes may differ from step to
                step, as where a batch is padded to the longest of its own. From one on that has
                another dtype, number of dimensions or names than the first, none is recorded, with
                a `RecordingWarning`; at the first step that is an error.
            labels: The batch's labels by name, each (B, ...); as above.
            losses: The losses by name; one that a step lacks is a gap, and not the same as one
                that is NaN.
            params: The schedule's properties by name (learning rate, weights of terms).
            metrics: What else was measured, by name, such as accuracy: gaps are as of losses.
            step: The step's number, above all before it, where it is not the last one's plus 1
                (nor 0 for the first): of checkpoints that are replayed, say. Not together with
                ``every``: call this only at the steps that are to be recorded.

        Raises:
            OptionError: The first batch, or a tensor's shape or dtype, is not one that can be
                recorded; the latter has changed; the model has other tensors than at first; or the
                step's number is not above the last.
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
            self._steps.add(batch, labels, losses, params, metrics, step)
        finally:
            self._stepping.release()

    def close(
        self,
        losses: Mapping[str, Number] | None = None,
        metrics: Mapping[str, Number] | None = None,
    ) -> None:
        """Write what is left, the final state, and the directory; move the file into place.

        If it is interrupted while the writer is behind, call it again to finish.

        Args:
            losses: Those after the last update, by name, where they were measured.
            metrics: Likewise.

        Raises:
            ArchiveError: No step was recorded, or the archive could not be written; what was
                flushed is then still in the ``.part`` file. Or a name is not one that can be
                recorded.
            OptionError: A loss or a metric is no number, or the recorder was closed before.
        """
        if self._finished:
            if (losses or metrics) and not self._disowned:
                raise OptionError(
                    "the recorder is closed already; give losses= and metrics= to its first close()"
                )
            return
        metrics = self._steps.carried | checked_numbers({} if metrics is None else metrics)
        self._measured |= final_members(s.LOSSES, losses) | final_members(s.METRICS, metrics)
        self._closed = True
        if self._steps.n_steps == 0:
            self._leave_nothing()
            raise ArchiveError(
                "no step was recorded, so there is no archive; call recorder.step() in the loop"
            )
        if self._background.fault is None:
            self._steps.hand_over()
        if self._last_words is None:
            self._last_words = self._recorded.final_members() | self._measured
        self._background.join()
        with Deferred():
            self._finished = True
            _recording.discard(self)
            self._background.finish(self._last_words)
        _log.info("recorded %s: %s", self.path, self._in_words())

    def _leave_nothing(self) -> None:
        self._closed = True
        self._background.join()
        with Deferred():
            self._finished = True
            _recording.discard(self)
            self._background.abandon()

    def __repr__(self) -> str:
        if self._disowned or not self._steps.n_steps:
            return f"Recorder({str(self.path)!r}, {counted(self._steps.n_steps, 'step')})"
        return f"Recorder({str(self.path)!r}, {self._in_words()})"

    def _in_words(self) -> str:
        n_bytes, n_steps = self.n_bytes, self._steps.n_steps
        return (
            f"{counted(n_steps, 'step')}, {bytes_in_words(n_bytes)}, "
            f"{bytes_in_words(n_bytes / n_steps)} a step"
        )

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
        if kind is not None and self._steps.n_steps == 0:
            # Training failed before its first step: its error is the one to see.
            self._leave_nothing()
            return
        try:
            self.close()
        except LatentvizError as fault:
            if error is None:
                raise
            error.add_note(f"and the recording failed: {fault}")

    def _disown(self) -> None:
        """In a forked child, such as a data loader's worker: the run is the parent's alone."""
        self._closed = self._finished = self._disowned = True
        self._background.disown()
