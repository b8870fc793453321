"""A training step with the recorder against one without; latents from states against a loop."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.measure import Result, paired
from latentviz import Recorder, open_run, rgb_grid
from latentviz.modules.layers import layer_outputs
from trainers.models import ColorMLP
from trainers.sparse_labels import LAYER, shipped_dopesheet

BLOCK_STEPS = 2200  # two whole chunks and a bit: the background thread counts too
LOOPED_STEPS = 2048
LARGE_WIDTHS = (784, 800, 450, 10)  # 992,960 weights and biases
LARGE_BATCH = 256
LARGE_STEPS = 60


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

    with one_thread():
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


def large_recorder_cost(folder: Path, pairs: int) -> Result:
    """A model of a million parameters, batches of 256: each step's 4 MB recorded, and not."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.rand(LARGE_BATCH, LARGE_WIDTHS[0], generator=generator)
    target = torch.randint(0, LARGE_WIDTHS[-1], (LARGE_BATCH,), generator=generator)

    def block(*, recorded: bool) -> float:
        torch.manual_seed(0)
        layers: list[nn.Module] = []
        for into, out_of in itertools.pairwise(LARGE_WIDTHS):
            layers += [nn.Linear(into, out_of), nn.ReLU()]
        model = nn.Sequential(*layers[:-1])
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        recorder = None
        if recorded:
            recorder = Recorder(
                folder / "large.npz", model, layer="0", probe=inputs[:64], states="all",
                latents=False, overwrite=True,
            )  # fmt: skip
        begun = time.perf_counter()
        for _ in range(LARGE_STEPS):
            loss = nn.functional.cross_entropy(model(inputs), target)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # its gap
            if recorder is not None:
                recorder.step(batch=inputs, labels={"target": target}, losses={"loss": loss})
            optimizer.step()
        seconds = time.perf_counter() - begun
        if recorder is not None:
            recorder.close()
        return seconds / LARGE_STEPS * 1e3

    with one_thread():
        block(recorded=True)
        return paired(
            "training step of a million parameters, recorded against not",
            lambda: block(recorded=True),
            lambda: block(recorded=False),
            pairs=pairs,
            unit="ms",
            times_faster=False,
            target=1.10,
        )


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch's threads wait for each other in a busy loop, which a writer's thread would feel."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
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
