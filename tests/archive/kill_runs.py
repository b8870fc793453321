"""Recordings that are killed with SIGKILL at random moments, and what is found of them.

    python tests/archive/kill_runs.py --runs 1000

Each run is a process of its own, forked once torch is imported. It says which flushes were
acknowledged, that is, of which `sync` has returned; all of them must be there, with the values that
were recorded. The recording is read as it is, and recovered.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

import torch

from latentviz import ArchiveError, ChunkLimits, IncompleteRunWarning, Recorder, open_run, recover
from latentviz.recording.background import Background

LIMITS = ChunkLimits(steps=7)


class _Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 3)


def record(path: Path, acknowledge: int) -> None:
    """Record until killed; every state and loss is the step's own number."""
    write = Background.write

    def acknowledged(self, chunk) -> None:
        write(self, chunk)
        os.write(acknowledge, (chunk.first + chunk.count).to_bytes(8, "little"))

    Background.write = acknowledged
    model = _Model()
    with Recorder(path, model, layer="layer", chunk_limits=LIMITS) as recording:
        os.write(acknowledge, bytes(8))
        for step in range(10**6):
            with torch.no_grad():
                model.layer.weight.fill_(step)
            recording.step(losses={"step": step}, batch=torch.full((step % 5, 2), float(step)))


def killed_run(folder: Path, rng: random.Random) -> tuple[int, int]:
    """Kill a recording; gives how many steps were acknowledged, and how many were found.

    Raises:
        AssertionError: A step is lost, or has wrong values.
    """
    path = folder / "run.npz"
    part = folder / "run.npz.part"
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            record(path, write)
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        # However slow the disk is: before it is open, before the first flush, or after a few.
        said = pipe.read(8 * rng.randrange(8))
        time.sleep(rng.uniform(0.0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        said += pipe.read()
    acknowledged = int.from_bytes(said[-8:], "little")
    found = 0
    if part.exists():
        found = check(part)
        assert found >= acknowledged, f"{acknowledged} steps were acknowledged, {found} found"
        if found:
            assert recover(part).n_steps == found
            assert check(path) == found
    else:
        assert acknowledged == 0
    for file in folder.iterdir():
        file.unlink()
    return acknowledged, found


def check(path: Path) -> int:
    """How many steps a recording holds; all of them must be right."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IncompleteRunWarning)
            run = open_run(path)
    except ArchiveError:
        return 0
    with run:
        assert run.steps.tolist() == list(range(len(run)))
        assert run.metrics["step"].tolist() == run.steps.tolist()
        for step in run.steps.tolist():
            assert (run.state(step)["layer.weight"] == step).all()
            inputs = run.batch(step).inputs
            assert inputs.shape == (step % 5, 2)
            assert (inputs == step).all()
        return len(run)


def main() -> None:
    """Kill runs, and say what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    torch.set_num_threads(1)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        results = [killed_run(Path(folder), rng) for _ in range(options.runs)]
    acknowledged = sum(a for a, _ in results)
    sys.stdout.write(
        f"{len(results)} runs killed: {acknowledged} steps acknowledged, "
        f"{sum(f for _, f in results)} found, 0 lost, 0 wrong; "
        f"{sum(f > 0 for _, f in results)} runs had steps\n"
    )


if __name__ == "__main__":
    main()
