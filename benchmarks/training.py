"""A training step with the recorder against one without; latents from states against a loop."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import Result, paired
from latentviz import Recorder, open_run, rgb_grid
from latentviz.evaluate import layer_outputs
from trainers.models import ColorMLP
from trainers.sparse_labels import LAYER, shipped_dopesheet

BLOCK_STEPS = 2200  # two whole chunks and a bit: the background thread counts too
LOOPED_STEPS = 2048


def recorder_cost(folder: Path, pairs: int) -> Result:
    """The experiment's own loop, with each step recorded and without."""
    from trainers.data import batches, sparse_color_data
    from trainers.events import Events, StepMetrics
    from trainers.loop import train
    from trainers.sparse_labels import REGULARIZERS
    from trainers.timeline import Timeline

    timeline = Timeline(shipped_dopesheet())
    states = [timeline[step] for step in range(BLOCK_STEPS)]
    data = sparse_color_data()
    points = torch.from_numpy(rgb_grid(8)).float()

    def block(*, recorded: bool) -> float:
        torch.manual_seed(0)
        model, events = ColorMLP(), Events()
        recorder = None
        if recorded:
            recorder = Recorder(
                folder / "cost.npz", model, layer=LAYER, probe=points, overwrite=True
            )

            def record(event: StepMetrics) -> None:
                recorder.step(
                    batch=event.batch,
                    labels=event.labels,
                    losses=event.losses,
                    params=event.state.values,
                )

            events.on(StepMetrics, record)
        generator = torch.Generator().manual_seed(0)
        begun = time.perf_counter()
        train(
            model,
            layer=LAYER,
            timeline=states,
            batches=batches(data, labels="hard", generator=generator),
            regularizers=REGULARIZERS,
            validation=points,
            events=events,
        )
        seconds = time.perf_counter() - begun
        if recorder is not None:
            recorder.close()
        return seconds / BLOCK_STEPS * 1e6

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        block(recorded=True)
        return paired(
            "training step, recorded against not",
            lambda: block(recorded=True),
            lambda: block(recorded=False),
            pairs=pairs,
            unit="µs",
            times_faster=False,
            target=1.05,
        )
    finally:
        torch.set_num_threads(threads)


def latents_speed(run: Path, pairs: int) -> Result:
    """`Run.latents`, against loading each state into the module in turn and running it."""
    model = ColorMLP()

    def ours() -> float:
        with open_run(run) as opened:
            steps = opened.steps[:LOOPED_STEPS]
            begun = time.perf_counter()
            opened.latents(steps)
            return time.perf_counter() - begun

    def loop() -> float:
        with open_run(run) as opened:
            probe = torch.from_numpy(np.array(opened.probe))
            begun = time.perf_counter()
            for step in opened.steps[:LOOPED_STEPS]:
                state = opened.state(int(step))
                model.load_state_dict({k: torch.tensor(v) for k, v in state.items()})
                layer_outputs(model, [LAYER], probe)
            return time.perf_counter() - begun

    ours()
    return paired(
        f"latents of {LOOPED_STEPS} states, against a loop over them",
        ours,
        loop,
        pairs=pairs,
        unit="s",
        times_faster=True,
        target=4,
    )
