"""What an experiment is made of, and how a run of it is trained and recorded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from torch import nn

from latentviz import Recorder
from latentviz.color import rgb_grid

from .data import Batch, ColorData, LabelKind, batches
from .dopesheet import Dopesheet
from .events import Events, StepMetrics, TermLeftOut, Validation
from .interrupted import Interrupted
from .loop import LEARNING_RATE, TOTAL, train
from .models import trainable_parameters
from .progress import ProgressBar
from .regularizers import Regularizer
from .reproducible import reproducible
from .timeline import Timeline


@dataclass(frozen=True)
class Experiment:
    """All that makes a run, but for its schedule and its seed.

    Attributes:
        model: Makes the model.
        model_name: The name under which that is registered.
        layer: Name of the submodule whose output is the latents.
        data: What to train on.
        labels: Whether labels are probabilities or drawn.
        regularizers: Each with a name of its own.
        unused: Properties that its published schedule has and no regularizer here reads.
    """

    model: Callable[[], nn.Module]
    model_name: str
    layer: str
    data: ColorData
    labels: LabelKind
    regularizers: tuple[Regularizer, ...]
    unused: tuple[str, ...] = ()

    def timeline(self, dopesheet: Dopesheet) -> Timeline:
        """The sheet, played; its properties are ``lr``, the regularizers' names, and ``unused``.

        Raises:
            DopesheetError: The sheet has another property: nothing here listens to it.
        """
        names = [regularizer.name for regularizer in self.regularizers]
        dopesheet.require_known([LEARNING_RATE, *names, *self.unused])
        return Timeline(dopesheet)

    @property
    def trainable_parameters(self) -> int:
        """How many numbers are trained."""
        # On no device: it takes neither memory nor chance.
        with torch.device("meta"):
            return trainable_parameters(self.model())

    def unread(self, dopesheet: Dopesheet) -> str | None:
        """Which of the sheet's properties nothing here reads, for the user; None if all are read.

        A sheet that :meth:`timeline` accepts has no other ones than those declared as unused.
        """
        names = [prop.name for prop in dopesheet.properties if prop.name in self.unused]
        if not names:
            return None
        are = "is" if len(names) == 1 else "are"
        them = "it" if len(names) == 1 else "them"
        return (
            f"{' and '.join(names)} {are} in the schedule, and no regularizer of this experiment "
            f"reads {them}"
        )

    def batches(self, generator: torch.Generator) -> Iterator[Batch]:
        """Batches without end; the generator is the only source of chance."""
        return batches(self.data, labels=self.labels, generator=generator)


@dataclass(frozen=True)
class Recorded:
    """What became of a run.

    Attributes:
        steps: Number of steps recorded.
        losses: The last step's total (``loss``) and terms, unweighted.
        n_bytes: The archive's size.
    """

    steps: int
    losses: Mapping[str, float]
    n_bytes: int


def record(
    experiment: Experiment,
    path: Path,
    *,
    timeline: Timeline,
    seed: int,
    overwrite: bool,
    events: Events | None = None,
    console: Console | None = None,
) -> Recorded:
    """Train an experiment's model and record every step.

    Args:
        experiment: What to train.
        path: The archive to write.
        timeline: The schedule.
        seed: The same seed gives the same archive contents.
        overwrite: Whether an archive that is there already may be replaced.
        events: Those who listen to the run; the losses of a
            :class:`~trainers.events.Validation` are recorded with their step, and so is a term that
            was left out, as it was.
        console: Where to show progress, if it is a terminal.

    Raises:
        ArchiveError: The archive cannot be written.
        Interrupted: Ctrl-C; what was trained so far is kept.
        KeyboardInterrupt: Ctrl-C, before there was anything to keep, or the archive could not be
            closed.
    """
    points = torch.from_numpy(rgb_grid(8)).float()
    events = events or Events()
    with reproducible(seed) as generator:
        model = experiment.model()
        recorder = Recorder(
            path,
            model,
            layer=experiment.layer,
            probe=points,
            colors=points,
            model_name=experiment.model_name,
            keyframes=timeline.keyframes,
            phases=timeline.phases,
            actions=timeline.actions,
            seed=seed,
            overwrite=overwrite,
        )
        _Recording(recorder).listen(events)
        interrupt: KeyboardInterrupt | None = None
        losses: Mapping[str, float] = {}
        with recorder:
            try:
                with (
                    ProgressBar(events, total=len(timeline), console=console)
                    if console
                    else nullcontext()
                ):
                    losses = train(
                        model,
                        layer=experiment.layer,
                        timeline=timeline,
                        batches=experiment.batches(generator),
                        regularizers=experiment.regularizers,
                        validation=points,
                        events=events,
                    )
            except KeyboardInterrupt as error:
                if recorder.n_steps == 0:
                    raise
                # Held back until the archive is closed: only then is anything kept.
                interrupt = error
    if interrupt is not None:
        raise Interrupted(f"{recorder.n_steps} steps are kept in {path}") from interrupt
    return Recorded(recorder.n_steps, losses, recorder.n_bytes)


class _Recording:
    """Records a step once its losses are known, along with what was measured before it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._measured: dict[str, float] = {}

    def listen(self, events: Events) -> None:
        events.on(TermLeftOut, lambda event: self._measured.update({event.term: event.value}))
        events.on(Validation, lambda event: self._measured.update(event.losses))
        events.on(StepMetrics, self._on_metrics)

    def _on_metrics(self, event: StepMetrics) -> None:
        self._recorder.step(
            batch=event.batch,
            labels=event.labels,
            # Of terms that are all left out there is no total.
            losses={TOTAL: math.nan, **event.losses, **self._measured},
            params=event.state.values,
        )
        self._measured.clear()
