"""Records what a Hugging Face ``Trainer`` trains."""

from __future__ import annotations

import functools
import inspect
import re
import weakref
from collections.abc import Callable, Collection, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

try:
    from transformers import Trainer, TrainerCallback
except ModuleNotFoundError as missing:
    message = f'this callback needs Transformers ({missing}); pip install "latentviz[transformers]"'
    raise ImportError(message) from None

from ..errors import OptionError
from .recording import Recording, check_options, refuse_shards

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.utils.hooks import RemovableHandle
    from transformers import TrainerControl, TrainerState, TrainingArguments


# Among what an evaluation gives: how long it took, and how far the training is.
_NOT_OF_STATE = re.compile(
    r"(\w+_)?(runtime|(samples|steps|tokens)_per_second|model_preparation_time|"
    r"jit_compilation_time|mem_[cg]pu_\w+)|epoch|num_input_tokens_seen|total_flos"
)


class RecorderCallback(TrainerCallback):
    """Records a `Trainer`'s training, a step for each optimizer's update.

    Give it to the `Trainer`, whose model need not know of it::

        recording = RecorderCallback("run.npz", layer="bert.pooler", probe=tokens)
        Trainer(model, args, train_dataset=dataset, callbacks=[recording]).train()

    A step holds the model's state before the update and

    - its batch: the tensors that the model is called with, by the names of its arguments; labels
      among the batch's labels, also where the `Trainer` keeps them from the model to compute the
      loss itself; with gradient accumulation all its micro-batches, end to end, padded with zeros
      to the longest where they differ;
    - ``loss``, as `Trainer.training_step` returns it, summed over micro-batches, whoever computes
      it: the model, label smoothing, ``compute_loss_func``, or a ``compute_loss`` of your own;
    - the values of evaluations since the last recorded step (``eval_loss``, ``eval_accuracy``; not
      their durations). They are of the very state that the step holds; with ``every=n``, of one of
      the updates since. Those of an evaluation after the last update stand beside the final state;
    - the schedule: ``lr``, the learning rate, and ``lr-1``, ... of parameter groups that differ.

    A second `train`, a resumed one too, is a run of its own, from step
    0; give it another path, or ``overwrite=True``. If there are several processes, the first
    records, its own batches and losses. The archive is complete when ``train`` returns. The
    `Trainer` does not tell its callbacks that training failed or was interrupted: the archive is
    then made whole, with all steps so far, by `close`, by the next `train`, or when Python ends.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        batches: bool = True,
        metrics: str | Collection[str] | None = None,
        **options: Any,
    ) -> None:
        """Nothing is written before the training begins, which may raise what `Recorder` raises.

        Args:
            path: Where the run shall lie, ``NAME.npz``.
            batches: Record the batches, of any sizes, as where a collator pads each to the longest
                of its own. From one on that has other names, dtypes or numbers of dimensions than
                the first, none is recorded, with a warning.
            metrics: Which of the logged numbers are metrics, such as accuracy, and so have an axis
                of their own: names or patterns of them (``"train_*"``), in addition to those of
                the rule; ``[]`` says that none is. By the rule names with ``loss`` in them are
                losses; those with the word ``acc``, ``accuracy``, ``auc``, ``auroc``, ``f1``,
                ``precision``, ``recall``, ``iou``, ``bleu``, ``rouge``, ``r2``, ``score`` or
                ``rate`` are metrics; of the rest, what is logged in training is a loss, and what an
                evaluation gives is a metric.
            options: `Recorder`'s options; ``layer`` is named as in the model, and ``probe`` is
                what its ``forward`` takes. Where ``classes`` are whole numbers without
                ``class_names``, ``id2label`` of the model's configuration names them.

        Raises:
            TypeError: `Recorder` has no such option.
        """
        check_options(path, options)
        self._path, self._batches, self._metrics, self._options = path, batches, metrics, options
        self._recording: Recording | None = None
        self._tap = _Tap()
        self._end: weakref.finalize[Any, Any] | None = None

    def close(self) -> None:
        """Close the archive, if it is open, with all steps so far.

        Raises:
            ArchiveError: It could not be written.
        """
        self._recording = None
        if self._end:
            self._end()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Open the archive."""
        self.close()
        if not state.is_world_process_zero:
            return
        if args.n_gpu > 1:
            raise OptionError(
                f"one process trains on {args.n_gpu} GPUs (nn.DataParallel), which tears batches "
                "apart; start it with torchrun, or show it one by CUDA_VISIBLE_DEVICES=0"
            )
        model: nn.Module = kwargs["model"]
        refuse_shards(model)
        trainer = _caller()
        self._recording = Recording(
            self._path,
            model,
            batches=self._batches,
            metrics=self._metrics,
            options=_named_classes(self._options, model),
        )
        self._tap = _Tap(self._recording, model, args.label_names)
        handle = model.register_forward_hook(self._tap, with_kwargs=True)
        watched = vars(trainer).get("training_step")  # as a rule the class's, so None
        vars(trainer)["training_step"] = _watched(trainer.training_step, self._tap)
        # None may hold this callback: when it is gone, nobody else can close the archive.
        self._end = weakref.finalize(
            self, _end, handle, self._recording, weakref.ref(trainer), watched
        )

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Record the step."""
        if self._recording:
            self._recording.step(self._tap.drain(), [kwargs["optimizer"]])
            self._recording.forget()

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note what was measured."""
        if self._recording:
            measured = {
                n: v for n, v in kwargs["metrics"].items() if not _NOT_OF_STATE.fullmatch(n)
            }
            self._recording.add_evaluation(measured)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Close the archive when the training's summary is logged."""
        # After that the best checkpoint may take the place of the state after the last update.
        if "train_runtime" in kwargs["logs"]:
            self.on_train_end(args, state, control)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Close the archive."""
        if self._recording:
            self._recording.warn_if_empty()
        self.close()


class _Tap:
    """A forward hook that notes what a model is called with in training, and its losses.

    It is part of the model, so it can be copied and pickled; in a copy it does nothing.
    """

    def __init__(
        self,
        recording: Recording | None = None,
        model: nn.Module | None = None,
        label_names: Collection[str] | None = None,
    ) -> None:
        self._recording = recording
        self._names = list(inspect.signature(model.forward).parameters) if model is not None else []
        self._label_names = label_names
        self._labels: dict[str, torch.Tensor] = {}  # of the micro-batch in training
        self._losses: list[torch.Tensor] = []

    def __call__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> None:
        if self._recording is None or not module.training or not self._recording.is_due:
            return
        called = dict(zip(self._names, args, strict=False)) | kwargs
        # The rest are flags, and the count of what the loss is divided by.
        given = _tensors(called)
        labels = {name: given.pop(name) for name in list(given) if self._is_label(name)}
        if given:
            sizes = set(map(len, given.values()))
            for name, label in self._labels.items():
                # The model may be called with other examples than those that the loader gave.
                if called.get(name) is None and {len(label)} == sizes:
                    labels[name] = label
            self._recording.add_batch(given, labels)

    def __reduce__(self) -> tuple[type[_Tap], tuple[()]]:
        return _Tap, ()

    def _is_label(self, name: str) -> bool:
        if self._label_names:
            return name in self._label_names
        return "label" in name or name in ("start_positions", "end_positions")

    def begin(self, inputs: Mapping[str, Any]) -> None:
        """Note a micro-batch's labels, which the Trainer may keep from the model."""
        self._labels = {n: each for n, each in _tensors(inputs).items() if self._is_label(n)}

    def end(self, loss: torch.Tensor) -> None:
        """Note a micro-batch's part of the update's loss."""
        self._labels = {}
        if self._recording is not None and self._recording.is_due:
            self._losses.append(loss.detach())

    def drain(self) -> dict[str, float]:
        """The loss of the update to come."""
        losses, self._losses = [float(loss) for loss in self._losses], []
        return {"loss": sum(losses)} if losses else {}


def _tensors(values: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Those that are tensors (B, ...)."""
    import torch

    return {n: v for n, v in values.items() if isinstance(v, torch.Tensor) and v.ndim > 0}


def _named_classes(options: dict[str, Any], model: nn.Module) -> dict[str, Any]:
    """`Recorder`'s options, in which the model's own labels name classes that have no names."""
    names = getattr(getattr(model, "config", None), "id2label", None)
    classes = options.get("classes")
    if classes is None or options.get("class_names") is not None or not isinstance(names, Mapping):
        return options
    named = [names.get(n) for n in range(len(names))]
    # Those that the library makes up say no more than their numbers do.
    if not all(isinstance(name, str) for name in named) or named == _made_up(len(named)):
        return options
    used = classes.tolist() if hasattr(classes, "tolist") else list(classes)
    flat = [n for row in used for n in (row if isinstance(row, list) else [row])]
    if not all(isinstance(n, int) and 0 <= n < len(named) for n in flat):
        return options
    return options | {"class_names": named}


def _made_up(n_classes: int) -> list[str]:
    return [f"LABEL_{n}" for n in range(n_classes)]


def _caller() -> Trainer:
    """The `Trainer` that begins to train: it calls its callbacks, but does not tell them of itself.

    Raises:
        OptionError: There is none.
    """
    frame = inspect.currentframe()
    while (frame := frame.f_back if frame else None) is not None:
        # No others: a frame that was asked for its values keeps them until it ends.
        if "self" in frame.f_code.co_varnames[:1] and isinstance(
            trainer := frame.f_locals["self"], Trainer
        ):
            return trainer
    raise OptionError("this callback must be called by a Transformers Trainer that begins to train")


def _watched(training_step: Callable[..., torch.Tensor], tap: _Tap) -> Callable[..., torch.Tensor]:
    """The same step, whose loss is noted: no event has it, nor the labels that it is made from."""

    @functools.wraps(training_step)
    def watched(
        model: nn.Module, inputs: dict[str, Any], *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        tap.begin(inputs)
        loss = training_step(model, inputs, *args, **kwargs)
        tap.end(loss)
        return loss

    return watched


def _end(
    handle: RemovableHandle,
    recording: Recording,
    trainer: weakref.ref[Trainer],
    training_step: Callable[..., torch.Tensor] | None,
) -> None:
    handle.remove()
    if (found := trainer()) is not None:
        if training_step is None:
            vars(found).pop("training_step", None)
        else:
            vars(found)["training_step"] = training_step
    recording.close()
