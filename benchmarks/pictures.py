"""Each picture's command, from process start, against the imports that it cannot do without."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Result, paired, run_process

LIMIT_S = 3.0
# What each must import before it can draw; some draw in a second process meanwhile.
TORCH, BOTH = "import torch", "import torch, matplotlib.figure"
COMMANDS = {"slices": TORCH, "history": TORCH, "errors": BOTH, "timeline": BOTH, "sphere": BOTH}


def frame_seconds(run: Path, folder: Path, pairs: int) -> Result:
    """How long one frame of a run takes, whose limits and chrome were kept from the first."""
    steps = iter(range(0, 100_000, 250))

    def draw() -> float:
        options = ["-o", str(folder / "frame.png"), "--step", str(next(steps))]
        return run_process([sys.executable, "-m", "latentviz", "frame", str(run), *options]).seconds

    draw()
    return paired(
        f"latentviz frame, against `{TORCH}`",
        draw,
        lambda: run_process([sys.executable, "-c", TORCH]).seconds,
        pairs=pairs,
        unit="s",
        times_faster=False,
        target=1.2,
    )


def seconds(run: Path, folder: Path, pairs: int) -> Iterator[Result]:
    """How long each takes for its default picture."""
    for name, imports in COMMANDS.items():
        output = str(folder / f"{name}.png")
        command = [sys.executable, "-m", "latentviz", name, str(run), "-o", output]

        def draw(command: list[str] = command) -> float:
            return run_process(command).seconds

        def imported(imports: str = imports) -> float:
            return run_process([sys.executable, "-c", imports]).seconds

        draw()  # whatever is compiled is compiled now
        at_most = {"target": 1.2} if imports == TORCH else {"limit": LIMIT_S}
        yield paired(
            f"latentviz {name}, against `{imports}`",
            draw,
            imported,
            pairs=pairs,
            unit="s",
            times_faster=False,
            **at_most,
        )
