"""What the adapters have in common: a recording that is fed micro-batch by micro-batch."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import math
import re
import warnings
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from ..errors import ArchiveError, LatentvizError, OptionError
from ..recording import NUMBER_NAME, Recorder, RecordingWarning, is_number_name

if TYPE_CHECKING:
    import torch
    from torch import nn

_Part = tuple[str, str]  # "input" or "label", and its name
_Kind = tuple[int, "torch.dtype"]  # a tensor's number of dimensions, and its dtype
# Where a number comes from: logged in training or by an evaluation, or what was back-propagated.
_Source = Literal["training", "evaluation", "backward"]

ALONE = ""  # the name of inputs that are one tensor
# What is told by one of these words is no loss, unless it is told to be one.
_METRIC = re.compile(
    r"(?<![a-z])(m?acc|m?accuracy|auc|auroc|f1|precision|recall|m?iou|bleu|rouge|r2|score|rate)"
    r"(?![a-z])"
)
NO_LABELS: Mapping[str, object] = {}


def check_options(path: str | PathLike[str], options: Mapping[str, Any]) -> None:
    """Find out before any training that options are not `Recorder`'s.

    Raises:
        TypeError: One is unknown.
    """
    inspect.signature(Recorder).bind(path, None, **options)


def is_metric(name: str, patterns: Collection[str] | None, *, evaluated: bool) -> bool:
    """Whether a logged number is a metric, such as accuracy, and not a loss.

    Args:
        name: The name that it was logged by.
        patterns: Names that are metrics, or patterns of them; if empty, none is. For all others, or
            if None, names with ``loss`` in them are losses; those with a word such as ``acc``,
            ``f1`` or ``score`` are metrics; of the rest, what was evaluated is a metric, and what
            was logged in training is a loss.
        evaluated: Whether it was logged by an evaluation.
    """
    if patterns is not None and not patterns:
        return False
    if any(fnmatchcase(name, pattern) for pattern in patterns or ()):
        return True
    if "loss" in name.lower():
        return False
    return evaluated or _METRIC.search(name.lower()) is not None


def refuse_shards(model: nn.Module) -> None:
    """Find out that a model is not whole on this process.

    Raises:
        OptionError: Its parameters are sharded.
    """
    kinds = {type(each).__name__ for each in (*model.modules(), *model.parameters())}
    if kinds & {"DTensor", "FullyShardedDataParallel"}:
        raise OptionError(
            "the model's parameters are sharded (FSDP), so no process has all of them; record "
            "where each has, such as under DDP"
        )


class Recording:
    """A `Recorder` that is told of micro-batches as they come, and of every optimizer's update."""

    def __init__(
        self,
        path: str | PathLike[str],
        model: nn.Module,
        *,
        batches: bool,
        metrics: str | Collection[str] | None,
        options: dict[str, Any],
    ) -> None:
        """Open the archive.

        Args:
            path: Where the run shall lie.
            model: The model that is trained.
            batches: Whether to record what each update was made from.
            metrics: Which of the logged numbers are metrics; see `is_metric`.
            options: Other options of `Recorder`.

        Raises:
            ArchiveError: As `Recorder`.
            ModelError: As `Recorder`.
            OptionError: As `Recorder`.
        """
        self._recorder = Recorder(path, model, **options)
        self._path = path
        self._batches = batches
        self._every: int = options.get("every", 1)
        self._n_updates = 0
        self._parts: list[dict[_Part, torch.Tensor]] = []  # of each micro-batch
        self._kinds: dict[_Part, _Kind] = {}  # the first's
        self._apart: set[str] = set()  # the rates that have differed from the first
        self._metrics = [metrics] if isinstance(metrics, str) else metrics
        # Of losses and metrics: whence, as they were logged; and as they are recorded.
        self._names: dict[tuple[_Source, str], str] = {}
        # Since the last step that was recorded.
        self._waiting: dict[_Source, dict[str, float]] = {"training": {}, "evaluation": {}}

    @property
    def is_due(self) -> bool:
        """Whether the next update will be recorded."""
        return self._n_updates % self._every == 0

    def add_batch(self, inputs: object, labels: Mapping[str, object] = NO_LABELS) -> None:
        """Note a micro-batch of the next update.

        If it is none that can be recorded, or has other names, dtypes or numbers of dimensions
        than the first, that one and all to come are left out, with a `RecordingWarning`: training
        goes on.

        Args:
            inputs: A tensor (B, ...), or several by name.
            labels: Tensors (B, ...) by name.
        """
        if not self._batches:
            return
        try:
            self._note_batch(inputs, labels)
        except OptionError as error:
            self._batches = False
            self._parts.clear()
            message = (
                f"no batch is recorded from update {self._n_updates} on: {error}; all else is, and "
                "batches=False says so beforehand"
            )
            warnings.warn(message, RecordingWarning, stacklevel=2)

    def _note_batch(self, inputs: object, labels: Mapping[str, object]) -> None:
        named = inputs if isinstance(inputs, Mapping) else {ALONE: inputs}
        given = {("input", name): value for name, value in named.items()}
        given |= {("label", name): value for name, value in labels.items()}
        tensors = {part: _checked(part, value) for part, value in given.items()}
        if len({len(tensor) for tensor in tensors.values()}) > 1:
            sizes = ", ".join(f"{_called(part)} {len(t)}" for part, t in tensors.items())
            _refuse(f"all of a batch must have the same length, got {sizes}")
        kinds = {part: (t.ndim, t.dtype) for part, t in tensors.items()}
        self._kinds = self._kinds or kinds
        for part in self._kinds | kinds:
            before, now = (_called_kind(known.get(part)) for known in (self._kinds, kinds))
            if before != now:
                _refuse(f"{_called(part)} was {before} and is now {now}")
        # Not where the model lives: an accelerator's memory is for the training.
        self._parts.append({part: tensor.detach().cpu() for part, tensor in tensors.items()})

    def add_evaluation(self, values: Mapping[str, object]) -> None:
        """Note what an evaluation of the present state gave; what is no number is left out.

        It is recorded with the next step, whose state is that one; or by `close`.
        """
        self._waiting["evaluation"] |= _numbers(values)

    def add_epoch(self, values: Mapping[str, object]) -> None:
        """Note what training has logged for an epoch that ended; what is no number is left out.

        It is recorded with the next step, unless that logs the same name; or by `close`.
        """
        self._waiting["training"] |= _numbers(values)

    def holds_a_loss(self, logged: Iterable[str]) -> bool:
        """Whether one of what was logged in training is a loss."""
        return not all(is_metric(name, self._metrics, evaluated=False) for name in logged)

    def step(
        self,
        logged: Mapping[str, float],
        optimizers: Iterable[torch.optim.Optimizer],
        *,
        backward: Mapping[str, float] | None = None,
    ) -> None:
        """Record the state before an update, with the micro-batches since `forget`, end to end.

        Those that differ in shape are padded with zeros to the longest.

        Args:
            logged: The values logged in training for this update.
            optimizers: Those that hold the learning rates.
            backward: The back-propagated values, by names that are kept if they are logged as well.

        Raises:
            OptionError: As `Recorder.step`.
            ArchiveError: As `Recorder.step`.
        """
        parts = self._end_to_end()
        inputs = {name: tensor for (kind, name), tensor in parts.items() if kind == "input"}
        labels = {name: tensor for (kind, name), tensor in parts.items() if kind == "label"}
        losses, metrics = self._apart_by_kind(logged, backward or {})
        self._recorder.step(
            batch=inputs.get(ALONE, inputs) if parts else None,
            labels=labels if parts else None,
            losses=losses,
            metrics=metrics or None,
            params=self._rates(optimizers),
        )
        if self.is_due:
            for values in self._waiting.values():
                values.clear()
        self._n_updates += 1

    def forget(self) -> None:
        """Begin a new batch."""
        self._parts.clear()

    def warn_if_empty(self) -> None:
        """Say so if training has ended, without a fault, before the first update."""
        if self._recorder.n_steps == 0:
            message = f"training made no update, so {self._path} was not recorded"
            warnings.warn(message, RecordingWarning, stacklevel=2)

    def close(self, error: BaseException | None = None) -> None:
        """Make the archive whole, if it is not yet. Nothing is left where no update was made.

        Args:
            error: The error that ended the training; if the archive cannot be written either, it
                gets a note of that.

        Raises:
            ArchiveError: There was no error, and the archive could not be written.
        """
        if not self._recorder.n_steps:
            with contextlib.suppress(ArchiveError):  # which says just that
                self._recorder.close()
            return
        losses, metrics = self._apart_by_kind({}, {})
        try:
            self._recorder.close(losses=losses, metrics=metrics)
        except LatentvizError as fault:
            if error is None:
                raise
            error.add_note(f"and the recording failed: {fault}")

    def _apart_by_kind(
        self, logged: Mapping[str, float], backward: Mapping[str, float]
    ) -> tuple[dict[str, float], dict[str, float]]:
        """The losses and the metrics among these and what waits, as they are recorded."""
        kinds: tuple[dict[str, float], dict[str, float]] = {}, {}
        sources: dict[_Source, Mapping[str, float]] = {
            "backward": backward,
            "training": self._waiting["training"] | dict(logged),
            "evaluation": self._waiting["evaluation"],
        }
        for source, values in sources.items():
            for name, value in values.items():
                kind = is_metric(name, self._metrics, evaluated=source == "evaluation")
                kinds[kind][self._name(name, source)] = value
        return kinds

    def _name(self, logged: str, source: _Source) -> str:
        """The name under which a number can be recorded: a training must not end for a name."""
        if (source, logged) not in self._names:
            taken = self._names.values()
            names = (_recordable(logged, "_" * n) for n in itertools.count())
            name = next(name for name in names if name not in taken)
            self._names[source, logged] = name
            if name != logged:
                why = "names another in this run" if logged in taken else "cannot name one in a run"
                message = f"{logged!r} {why}, so it is recorded as {name!r}"
                warnings.warn(message, RecordingWarning, stacklevel=2)
        return self._names[source, logged]

    def _end_to_end(self) -> dict[_Part, torch.Tensor]:
        import torch

        if len(self._parts) <= 1:
            return self._parts[0] if self._parts else {}
        return {
            part: torch.cat(_padded([tensors[part] for tensors in self._parts]))
            for part in self._kinds
        }

    def _rates(self, optimizers: Iterable[torch.optim.Optimizer]) -> dict[str, float]:
        """The learning rates: the first, and those that have ever differed from it."""
        groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        rates = {f"lr-{i}" if i else "lr": float(group["lr"]) for i, group in enumerate(groups)}
        self._apart |= {name for name, rate in rates.items() if rate != rates["lr"]}
        return {name: rate for name, rate in rates.items() if name == "lr" or name in self._apart}


def _recordable(name: str, end: str) -> str:
    """As much of the name as a run can hold before the given end."""
    name = name[:NUMBER_NAME]
    while name and not is_number_name(name + end):
        name = name[:-1]
    return name + end or "_"


def _numbers(values: Mapping[str, object]) -> dict[str, float]:
    """Those that are numbers."""
    numbers = {name: _number(value) for name, value in values.items()}
    return {name: each for name, each in numbers.items() if each is not None}


def _number(value: object) -> float | None:
    """One number, if it is one."""
    if isinstance(value, str | bytes):  # of which float() would make one
        return None
    try:
        return float(value)  # type: ignore[arg-type]  # what cannot be made one says so
    except (TypeError, ValueError, RuntimeError):
        return None
    except OverflowError:
        return math.inf


def _checked(part: _Part, value: object) -> torch.Tensor:
    import torch

    if not isinstance(value, torch.Tensor) or value.ndim == 0:
        got = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
        _refuse(f"{_called(part)} must be a tensor (B, ...), got {got}")
    return value


def _called(part: _Part) -> str:
    kind, name = part
    return "the batch" if name == ALONE else f"{kind} {name!r}"


def _padded(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Tensors (B, ...) with zeros behind, up to the longest's sizes."""
    import torch

    shapes = [tensor.shape[1:] for tensor in tensors]
    longest = [max(sizes) for sizes in zip(*shapes, strict=True)]
    out = []
    for tensor, shape in zip(tensors, shapes, strict=True):
        lacks = [(0, to - size) for to, size in zip(longest, shape, strict=True)]
        out.append(torch.nn.functional.pad(tensor, [n for pair in reversed(lacks) for n in pair]))
    return out


def _called_kind(kind: _Kind | None) -> str:
    if kind is None:
        return "missing"
    n_dims, dtype = kind
    return f"{n_dims}-dimensional {str(dtype).removeprefix('torch.')}"


def _refuse(what: str) -> NoReturn:
    raise OptionError(what)
