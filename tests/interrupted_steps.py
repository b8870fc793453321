"""Recorders that are interrupted by real signals at random moments, and what they leave.

    python tests/interrupted_steps.py --steps 3000 --closes 300

A process of its own sends each SIGINT, so that it may come anywhere within `step` and `close`. The
model has 60 modules and is not registered, so that its latents are recorded; the writer is held up
now and then, so that the training has to wait for it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from latentviz import ChunkLimits, Recorder, open_run
from latentviz.recording.background import Background

LIMITS = ChunkLimits(steps=4)
PROBE = torch.linspace(-1, 1, 40).reshape(10, 4)
LONGEST_SECONDS = 0.02


class Model(nn.Module):
    """60 modules, buffers and a cache among what they keep, and noise."""

    def __init__(self) -> None:
        super().__init__()
        layers = [m for _ in range(19) for m in (nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Tanh())]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(4, 2)
        self.register_buffer("calls", torch.zeros(()))
        self.cache: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.cache = self.head.weight.detach() * 2
        noise = torch.randn(len(x), 4) + float(np.random.normal())  # noqa: NPY002
        return self.head(self.body(x) + noise + random.random())


def left(model: nn.Module) -> list[object]:
    """All that an interrupt could leave otherwise than it was."""
    seen: list[object] = [signal.getsignal(signal.SIGINT), torch.is_grad_enabled()]
    seen += [torch.get_rng_state().numpy().tobytes(), random.getstate()]
    seen += [np.random.get_state()[1].tobytes(), np.random.get_state()[2:]]  # noqa: NPY002
    seen += [
        tensor.detach().numpy().tobytes() for tensor in (*model.parameters(), *model.buffers())
    ]
    for module in model.modules():
        seen += [module.training, sorted(module.__dict__), getattr(module, "cache", None)]
        seen += [len(held) for name, held in module.__dict__.items() if name.endswith("_hooks")]
    return seen


class Interrupter:
    """A process that sends this one a SIGINT so many microseconds after it is asked to."""

    def __init__(self) -> None:
        read, self._write = os.pipe()
        target = os.getpid()
        self._child = os.fork()
        if self._child == 0:
            os.close(self._write)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            while len(asked := os.read(read, 4)) == 4:
                time.sleep(int.from_bytes(asked, "little") / 1e6)
                os.kill(target, signal.SIGINT)
            os._exit(0)
        os.close(read)

    def ask(self, seconds: float) -> None:
        os.write(self._write, int(seconds * 1e6).to_bytes(4, "little"))

    def close(self) -> None:
        os.close(self._write)
        os.waitpid(self._child, 0)


def hold_up(rng: random.Random) -> None:
    """Have the writer take its time, now and then."""
    write = Background.write

    def held_up(self, chunk) -> None:
        time.sleep(rng.choice([0, 0, 0.03]))
        write(self, chunk)

    Background.write = held_up


def check(path: Path, n_steps: int) -> None:
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    with open_run(path) as run:
        assert run.steps.tolist() == list(range(n_steps))
        assert run.losses["step"].tolist() == list(range(n_steps))
        assert run.latents().shape == (n_steps, 10, 2)
        assert run.has_final
    path.unlink()


def interrupted_steps(path: Path, n: int, rng: random.Random, interrupter: Interrupter) -> int:
    """Interrupt one recorder's steps so many times; gives how many came while one was recorded.

    Raises:
        AssertionError: An interrupt has left something, or lost a step.
    """
    model, within = Model(), 0
    recording = Recorder(path, model, layer="head", probe=PROBE, chunk_limits=LIMITS)
    recording.step(losses={"step": 0})
    before = left(model)
    for _ in range(n):
        reached, inside = recording.n_steps, False
        try:
            interrupter.ask(rng.uniform(0, LONGEST_SECONDS))
            while True:
                reached, inside = recording.n_steps, True
                recording.step(losses={"step": reached})
                inside = False
        except KeyboardInterrupt:
            within += inside
        assert reached <= recording.n_steps <= reached + 1
        for was, now in zip(before, left(model), strict=True):
            assert was is now or was == now, (was, now)
    recording.step(losses={"step": recording.n_steps})
    recording.close()
    check(path, recording.n_steps)
    return within


def interrupted_close(path: Path, rng: random.Random, interrupter: Interrupter) -> bool:
    """Interrupt a recorder's `close`; gives whether it had to be called again.

    Raises:
        AssertionError: The interrupt has left something, or the archive is not whole.
    """
    model, again, came = Model(), False, False
    recording = Recorder(path, model, layer="head", probe=PROBE, chunk_limits=LIMITS)
    for step in range(rng.randrange(1, 30)):
        recording.step(losses={"step": step})
    before = left(model)
    try:
        interrupter.ask(rng.uniform(0, LONGEST_SECONDS))
        try:
            recording.close()
        except KeyboardInterrupt:
            again = came = True
            recording.close()
        while not came:
            time.sleep(LONGEST_SECONDS)
    except KeyboardInterrupt:
        came = True
    recording.close()
    for was, now in zip(before, left(model), strict=True):
        assert was is now or was == now, (was, now)
    check(path, recording.n_steps)
    return again


def main() -> None:
    """Interrupt, and say what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--closes", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    hold_up(random.Random(options.seed + 1))
    interrupter = Interrupter()
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(interrupter):
        path = Path(folder) / "run.npz"
        within = interrupted_steps(path, options.steps, rng, interrupter)
        again = sum(interrupted_close(path, rng, interrupter) for _ in range(options.closes))
    sys.stdout.write(
        f"{options.steps} interrupts of a training, {within} of them within step(): 0 left "
        f"anything, 0 steps lost; {options.closes} of close(), {again} of them within it: "
        "all archives whole after another close()\n"
    )


if __name__ == "__main__":
    main()
