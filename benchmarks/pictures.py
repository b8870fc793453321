"""Each picture's command, from process start, against the imports that it cannot do without."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Result, paired, run_process

LIMIT_S = 3.0
IMPORTS = [sys.executable, "-c", "import torch, matplotlib.figure"]
COMMANDS = ("slices", "errors", "timeline", "history", "sphere")
TORCH = [sys.executable, "-c", "import torch"]


def frame_seconds(run: Path, folder: Path, pairs: int) -> Result:
    """How long one frame of a run takes, whose limits and chrome were kept from the first."""
    steps = iter(range(0, 100_000, 250))

    def draw() -> float:
        options = ["-o", str(folder / "frame.png"), "--step", str(next(steps))]
        return run_process([sys.executable, "-m", "latentviz", "frame", str(run), *options]).seconds

    draw()
    return paired(
        "latentviz frame, against `import torch`",
        draw,
        lambda: run_process(TORCH).seconds,
        pairs=pairs,
        unit="s",
        times_faster=False,
        target=1.2,
    )


def seconds(run: Path, folder: Path, pairs: int) -> Iterator[Result]:
    """How long each takes for its default picture."""
    for name in COMMANDS:
        output = str(folder / f"{name}.png")
        command = [sys.executable, "-m", "latentviz", name, str(run), "-o", output]

        def draw(command: list[str] = command) -> float:
            return run_process(command).seconds

        draw()  # whatever is compiled is compiled now
        yield paired(
            f"latentviz {name}, against `import torch, matplotlib.figure`",
            draw,
            lambda: run_process(IMPORTS).seconds,
            pairs=pairs,
            unit="s",
            times_faster=False,
            limit=LIMIT_S,
        )
