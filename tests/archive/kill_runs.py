"""Recordings that are killed with SIGKILL at random moments, and what is found of them.

    python tests/archive/kill_runs.py --runs 1000 --closing 0.5

Each run is a process of its own, forked once torch is imported. It says which flushes were
acknowledged, that is, of which `sync` has returned; all of them must be there, with the values that
were recorded. The recording is read as it is, and recovered. A share of the runs is killed after it
has entered `close`, which has a large last chunk to write: either the archive is there, and whole,
or the recording.
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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from latentviz import ArchiveError, ChunkLimits, IncompleteRunWarning, Recorder, open_run, recover
from latentviz.archive import ArchiveWriter
from latentviz.archive.schema import STEPS, parse_name

CHUNK_STEPS = 7
LIMITS = ChunkLimits(steps=CHUNK_STEPS)
LARGE = 200_000  # rows of a batch in the last chunk, of noise: 1.6 MB a step
LONGEST_CLOSE_S = 0.06
# What a run says beside how many steps were acknowledged.
CLOSING, CLOSED = 1 << 62, (1 << 62) + 1


@dataclass(frozen=True)
class Killed:
    """What came of a run."""

    acknowledged: int
    found: int
    when: str
    """It was killed in training, in close, or when that had returned."""
    is_whole: bool
    """Whether the archive was in its place."""


class _Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 3)


def batch_of(step: int, n_steps: int | None) -> torch.Tensor:
    """A step's batch, (B, 2); in the last chunk of a run of so many steps it is large."""
    if n_steps is None or step < n_steps // CHUNK_STEPS * CHUNK_STEPS:
        return torch.full((step % 5, 2), float(step))
    return torch.rand((LARGE, 2), generator=torch.Generator().manual_seed(step))


def record(path: Path, say: Callable[[int], object], n_steps: int | None) -> None:
    """Record so many steps and close, or until killed; states and losses are the step's number."""
    add, sync = ArchiveWriter.add, ArchiveWriter.sync
    written = 0

    def noted(self, name, array) -> int:
        nonlocal written
        if parse_name(name).group == STEPS:
            written = int(array[-1]) + 1
        return add(self, name, array)

    def acknowledged(self) -> None:
        sync(self)
        say(written)

    ArchiveWriter.add, ArchiveWriter.sync = noted, acknowledged
    model = _Model()
    recording = Recorder(path, model, layer="layer", chunk_limits=LIMITS)
    say(0)
    for step in range(10**6 if n_steps is None else n_steps):
        with torch.no_grad():
            model.layer.weight.fill_(step)
        recording.step(losses={"step": step}, batch=batch_of(step, n_steps))
    say(CLOSING)
    recording.close()
    say(CLOSED)
    signal.pause()


def killed_run(folder: Path, rng: random.Random, *, closing: bool) -> Killed:
    """Kill a recording, in training or once it has entered `close`.

    Raises:
        AssertionError: A step is lost, or has wrong values.
    """
    path = folder / "run.npz"
    part = folder / "run.npz.part"
    # Never whole chunks alone, so that the last is large.
    n_steps = rng.randrange(5) * CHUNK_STEPS + rng.randrange(1, CHUNK_STEPS) if closing else None
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            record(path, lambda said: os.write(write, said.to_bytes(8, "little")), n_steps)
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        if closing:
            said = []
            while CLOSING not in said:
                said.append(_number(pipe.read(8)))
            time.sleep(LONGEST_CLOSE_S * rng.random() ** 2)  # early, as a rule: a disk may be fast
        else:
            # However slow the disk is: before it is open, before the first flush, or after a few.
            head = pipe.read(8 * rng.randrange(8))
            said = [_number(head[i : i + 8]) for i in range(0, len(head), 8)]
            time.sleep(rng.uniform(0.0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        tail = pipe.read()
    said += [_number(tail[i : i + 8]) for i in range(0, len(tail), 8)]
    acknowledged = max((number for number in said if number < CLOSING), default=0)
    when = "closed" if CLOSED in said else "closing" if CLOSING in said else "training"
    found = 0
    is_whole = path.exists()
    if is_whole:
        assert n_steps is not None
        assert not part.exists()
        found = check(path, n_steps)
        assert found == n_steps, f"the archive has {found} of {n_steps} steps"
    elif part.exists():
        assert when != "closed", "close has returned, and there is no archive"
        found = check(part, n_steps)
        assert found >= acknowledged, f"{acknowledged} steps were acknowledged, {found} found"
        if found:
            assert recover(part).n_steps == found
            assert check(path, n_steps) == found
    else:
        assert acknowledged == 0
    for file in folder.iterdir():
        file.unlink()
    return Killed(acknowledged, found, when, is_whole)


def _number(said: bytes) -> int:
    assert len(said) == 8, "the recording ended by itself"
    return int.from_bytes(said, "little")


def check(path: Path, n_steps: int | None) -> int:
    """How many steps a recording holds; all of them must be right."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IncompleteRunWarning)
            run = open_run(path)
    except ArchiveError:
        return 0
    with run:
        assert run.steps.tolist() == list(range(len(run)))
        assert run.losses["step"].tolist() == run.steps.tolist()
        for step in run.steps.tolist():
            assert (run.state(step)["layer.weight"] == step).all()
            assert (run.batch(step).inputs == batch_of(step, n_steps).numpy()).all()
        assert (run.state()["layer.weight"] == len(run) - 1).all()
        return len(run)


def main() -> None:
    """Kill runs, and say what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--closing", type=float, default=0.5, help="the share killed in close()")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    torch.set_num_threads(1)
    n_closing = round(options.closing * options.runs)
    with tempfile.TemporaryDirectory() as folder:
        results = [
            killed_run(Path(folder), rng, closing=i < n_closing) for i in range(options.runs)
        ]
    closing = [r for r in results if r.when == "closing"]
    sys.stdout.write(
        f"{len(results)} runs killed: {sum(r.acknowledged for r in results)} steps acknowledged, "
        f"{sum(r.found for r in results)} found, 0 lost, 0 wrong; "
        f"{sum(r.found > 0 for r in results)} runs had steps\n"
        f"{len(closing)} killed in close(), of which {sum(r.is_whole for r in closing)} had their "
        f"archive in place; {sum(r.when == 'closed' for r in results)} when it had returned\n"
    )


if __name__ == "__main__":
    main()
