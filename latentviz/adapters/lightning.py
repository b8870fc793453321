"""Records the training of a Lightning ``Trainer``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from os import PathLike
from statistics import fmean
from typing import TYPE_CHECKING, Any

try:
    from lightning.pytorch import Callback
except ModuleNotFoundError as missing:
    message = f'this callback needs Lightning ({missing}); pip install "latentviz[lightning]"'
    raise ImportError(message) from None

from .recording import Recording, check_options, refuse_shards

if TYPE_CHECKING:
    import torch
    from lightning.pytorch import LightningModule, Trainer


class RecorderCallback(Callback):
    """Records a `LightningModule`'s training, a step for each optimizer's update.

    Give it to the `Trainer`; the module need not know of it::

        recording = RecorderCallback("run.npz", layer="encoder", probe=points)
        Trainer(callbacks=[recording]).fit(model, loader)

    A step holds the module's state before the update and

    - its batch: a tensor, tensors by name, or a tuple whose first is such and whose others are
      labels, ``target``, ``target-1``, ...; with gradient accumulation all its micro-batches, end
      to end, padded with zeros to the longest where they differ;
    - its losses and metrics: the values that `training_step` has logged by ``self.log(...,
      on_step=True)``, the default there, before the update; of micro-batches, their mean. If no
      loss is among them at an optimizer's first recorded update, all of its updates have ``loss``,
      the value that was back-propagated, besides the values that are logged later;
    - the values of an epoch that has ended since the last recorded step, which training has logged
      by ``on_step=False, on_epoch=True`` or in `on_train_epoch_end`: as a rule a mean over the
      epoch's batches. Those of the last epoch stand beside the final state. A value that steps have
      already is left out: ``NAME_epoch`` of ``on_step=True, on_epoch=True``, which is recorded as
      ``NAME_step``, and a value with the name of a step's, such as ``loss``;
    - the values of a validation since the last recorded step, by the names in
      ``trainer.callback_metrics``. They are of the very state that the step holds; with
      ``every=n``, of one of the updates since. Those of a validation after the last update stand
      beside the final state;
    - the schedule: ``lr``, the learning rate, and ``lr-1``, ... of parameter groups that differ.

    An update for which an optimizer evaluates several times, as LBFGS does, is one step, with the
    loss of the first evaluation. With several optimizers, as a GAN has, each one's update is a
    step; ``every=2`` records one of two. Sanity checks are not recorded. If training
    fails or is interrupted, the archive holds all steps so far. A second `fit`, a resumed one too,
    is a run of its own, from step 0; give it another path, or ``overwrite=True``. If there are
    several processes, the first records, its own batches and losses. The archive is complete when
    ``fit`` returns.
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
            batches: Record the batches, of any sizes. From one on that is none as described, or
                has other names, dtypes or numbers of dimensions than the first, none is recorded,
                with a warning.
            metrics: Which of the logged numbers are metrics, such as accuracy, and so have an axis
                of their own: names or patterns of them (``"train_*"``), in addition to those of
                the rule; ``[]`` says that none is. By the rule names with ``loss`` in them are
                losses; those with the word ``acc``, ``accuracy``, ``auc``, ``auroc``, ``f1``,
                ``precision``, ``recall``, ``iou``, ``bleu``, ``rouge``, ``r2``, ``score`` or
                ``rate`` are metrics; of the rest, what is logged in training is a loss, and what an
                evaluation gives is a metric.
            options: `Recorder`'s options; ``layer`` is named as in the `LightningModule`, and
                ``probe`` is what its ``forward`` takes.

        Raises:
            TypeError: `Recorder` has no such option.
        """
        check_options(path, options)
        self._path, self._batches, self._metrics, self._options = path, batches, metrics, options
        self._recording: Recording | None = None
        self._updated = False
        self._recorded_update: int | None = None  # by the trainer's own count
        self._backward: dict[int, bool] = {}  # of each optimizer: whether to record `_losses`
        self._on_steps: set[str] = set()  # the names that steps have
        self._sent: Mapping[str, torch.Tensor] = {}  # to the logger; the trainer keeps it up
        self._sent_before: Mapping[str, torch.Tensor] | None = None  # an epoch's end, since then
        self._logged: dict[str, list[torch.Tensor]] = {}  # since the last update
        self._losses: list[torch.Tensor] = []  # as they were back-propagated
        self._seen: Mapping[str, torch.Tensor] = {}
        self._measured: Mapping[str, torch.Tensor] = {}  # before the validation that goes on

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the archive."""
        if trainer.is_global_zero and trainer.model is not None:
            refuse_shards(trainer.model)
            self._logged, self._losses, self._updated = {}, [], False
            self._recorded_update, self._sent_before = None, None
            self._backward, self._on_steps, self._sent = {}, set(), {}
            self._recording = Recording(
                self._path,
                pl_module,
                batches=self._batches,
                metrics=self._metrics,
                options=self._options,
            )

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note what was logged for the epoch before."""
        self._note_epoch()

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Note the batch."""
        # How many updates a batch is for is known beforehand only if they are automatic.
        if (found := self._recording) and (found.is_due or not pl_module.automatic_optimization):
            found.add_batch(*_inputs_and_labels(batch))
            self._seen = dict(trainer.logged_metrics)

    def on_before_backward(
        self, trainer: Trainer, pl_module: LightningModule, loss: torch.Tensor
    ) -> None:
        """Note the loss."""
        if self._recording and self._recording.is_due:
            scaler = getattr(trainer.precision_plugin, "scaler", None)  # of float16's gradients
            self._losses.append(loss.detach() / (scaler.get_scale() if scaler else 1.0))

    def on_after_backward(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note what was logged."""
        self._note(trainer)

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Record the step."""
        if self._recording and trainer.global_step == self._recorded_update:
            # An optimizer such as LBFGS evaluates several times for one update; the first counts.
            self._note(trainer)
            self._logged, self._losses = {}, []
        elif self._recording:
            self._recorded_update = trainer.global_step
            self._note(trainer)
            logged = {name: fmean(map(float, values)) for name, values in self._logged.items()}
            backward = {}
            if self._recording.is_due:
                i = trainer.optimizers.index(optimizer)
                self._backward.setdefault(i, not self._recording.holds_a_loss(logged))
                if self._losses and self._backward[i]:
                    backward[f"loss-{i}" if i else "loss"] = sum(map(float, self._losses))
            self._on_steps |= logged.keys() | backward.keys()
            self._recording.step(logged, trainer.optimizers, backward=backward)
            self._logged, self._losses, self._updated = {}, [], True

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Forget the batch, unless the update that it is for is still to come."""
        if self._recording:
            self._sent = trainer.logged_metrics
            if self._updated:
                self._recording.forget()
                self._updated = False

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note what was sent to the logger before the epoch's own."""
        # That is reduced later, as the module's own hook logs after this one. To ask for it here
        # would reduce it now, and among several processes this one would wait for the others.
        self._sent_before = dict(self._sent)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note what was measured before."""
        self._measured = dict(trainer.callback_metrics)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note what this validation has measured."""
        if self._recording and not trainer.sanity_checking:
            # A value that is measured anew is another tensor; the old ones are kept till now.
            new = {
                name: value
                for name, value in trainer.callback_metrics.items()
                if value is not self._measured.get(name)
            }
            # What is logged on steps and epochs comes under three names, and its own says it.
            forked = {
                name
                for name in new
                for end in ("_step", "_epoch")
                if name.endswith(end) and name.removesuffix(end) in new
            }
            self._recording.add_evaluation({n: v for n, v in new.items() if n not in forked})
        self._measured = {}

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Close the archive."""
        if self._recording:
            self._note_epoch()
            self._recording.warn_if_empty()
            self._recording.close()
            self._recording = None

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Close the archive, with all steps so far."""
        if self._recording:
            self._note_epoch()
            self._recording.close(exception)
            self._recording = None

    def _note_epoch(self) -> None:
        """Keep what was sent to the logger since an epoch's end, but for what steps have."""
        if self._recording and self._sent_before is not None:
            new = {n: v for n, v in self._sent.items() if v is not self._sent_before.get(n)}
            forked = {
                f"{n.removesuffix('_step')}_epoch" for n in self._on_steps if n.endswith("_step")
            }
            given = new.keys() - self._on_steps - forked
            self._recording.add_epoch({n: v for n, v in new.items() if n in given})
        self._sent_before = None

    def _note(self, trainer: Trainer) -> None:
        """Keep what was logged since `_seen`; what was not is still there, with its old value."""
        if not self._recording or not self._recording.is_due:
            return
        now = dict(trainer.logged_metrics)
        for name, value in now.items():
            # A value that is logged gets memory of its own; `_seen` holds the old one's.
            if name not in self._seen or value.data_ptr() != self._seen[name].data_ptr():
                self._logged.setdefault(name, []).append(value)
        self._seen = now


def _inputs_and_labels(batch: Any) -> tuple[object, dict[str, object]]:
    if not isinstance(batch, list | tuple) or not batch:
        return batch, {}
    inputs, *targets = batch
    return inputs, {f"target-{i}" if i else "target": each for i, each in enumerate(targets)}
