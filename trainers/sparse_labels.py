"""Experiment "sparse labels": a few weak, noisy labels shape a whole latent space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from rich.console import Console

from latentviz import Recorder
from latentviz.color import rgb_grid

from .data import LabelKind, batches, sparse_color_data
from .dopesheet import Dopesheet, read_dopesheet
from .events import Events, StepMetrics
from .loop import LEARNING_RATE, train
from .models import ColorMLP
from .progress import ProgressBar
from .regularizers import Anchor, Norm, Planar, Regularizer, Separate
from .reproducible import reproducible
from .timeline import Timeline

LAYER = "encoder"

REGULARIZERS = (
    Regularizer("reg-polar", Anchor((1.0, 0.0, 0.0, 0.0)), {"red": 1.0}),
    Regularizer("reg-separate", Separate(power=10, shift=False)),
    Regularizer("reg-planar", Planar(), {"vibrant": 1.0}),
    Regularizer("reg-norm-v", Norm(), {"vibrant": 1.0}),
    Regularizer("reg-norm", Norm()),
)


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
        steps: Number of steps recorded.
        losses: The last step's total (``loss``) and terms, unweighted.
    """

    steps: int
    losses: Mapping[str, float]


class Interrupted(KeyboardInterrupt):
    """The run was interrupted, and the archive closed whole.

    Attributes:
        steps: Number of steps that it holds.
    """

    def __init__(self, steps: int) -> None:
        super().__init__(f"interrupted after {steps} steps")
        self.steps = steps


def shipped_dopesheet() -> Dopesheet:
    """The experiment's own schedule, 10,001 steps."""
    return read_dopesheet(Path(__file__).with_name("sparse-labels.csv"))


def run(
    path: Path,
    *,
    dopesheet: Dopesheet,
    seed: int,
    labels: LabelKind,
    overwrite: bool,
    console: Console,
) -> Outcome:
    """Train a ColorMLP and record every step.

    Args:
        path: The archive to write.
        dopesheet: The schedule; its properties are ``lr`` and the regularizers' names.
        seed: The same seed gives the same archive contents.
        labels: Whether labels are probabilities or drawn.
        overwrite: Whether an archive that is there already may be replaced.
        console: Where to show progress, if it is a terminal.

    Raises:
        DopesheetError: The schedule has a property that this experiment does not know.
        ArchiveError: The archive cannot be written.
        Interrupted: Ctrl-C; what was trained so far is kept.
        KeyboardInterrupt: Ctrl-C, before there was anything to keep, or the archive could not be
            closed.
    """
    dopesheet.require_known([LEARNING_RATE, *(regularizer.name for regularizer in REGULARIZERS)])
    timeline = Timeline(dopesheet)
    points = torch.from_numpy(rgb_grid(8)).float()
    events = Events()
    with reproducible(seed) as generator:
        model = ColorMLP()
        recorder = Recorder(
            path,
            model,
            layer=LAYER,
            probe=points,
            colors=points,
            model_name="color-mlp",
            keyframes=timeline.keyframes,
            phases=timeline.phases,
            seed=seed,
            overwrite=overwrite,
        )
        events.on(StepMetrics, partial(_record, recorder))
        interrupt: KeyboardInterrupt | None = None
        losses: Mapping[str, float] = {}
        with recorder:
            try:
                with ProgressBar(events, total=len(timeline), console=console):
                    losses = train(
                        model,
                        layer=LAYER,
                        timeline=timeline,
                        batches=batches(sparse_color_data(), labels=labels, generator=generator),
                        regularizers=REGULARIZERS,
                        validation=points,
                        events=events,
                    )
            except KeyboardInterrupt as error:
                if recorder.n_steps == 0:
                    raise
                # Held back until the archive is closed: only then is anything kept.
                interrupt = error
    if interrupt is not None:
        raise Interrupted(recorder.n_steps) from interrupt
    return Outcome(recorder.n_steps, losses)


def _record(recorder: Recorder, event: StepMetrics) -> None:
    recorder.step(
        batch=event.batch,
        labels=event.labels,
        losses=event.losses,
        params=event.state.values,
    )
