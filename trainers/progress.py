"""Progress bars: of a run, with phase, learning rate and every term; and of many runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from .events import Events, StepMetrics

# Drawing takes some milliseconds, a training step less than one.
REFRESH_INTERVAL_S = 0.1


def _columns() -> list[ProgressColumn]:
    return [
        TextColumn("{task.description}", style="bold"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    ]


class ProgressBar:
    """Shows a run on the terminal while it lasts; silent where the console is no terminal.

    Args:
        events: The run's events.
        total: Number of steps.
        console: Where to draw.
    """

    def __init__(self, events: Events, *, total: int, console: Console) -> None:
        self._bar = Progress(*_columns())
        self._task = self._bar.add_task("", total=total)
        # No thread of its own: it would take turns with the training.
        self._live = Live(console=console, auto_refresh=False)
        self._last_drawn_s = -REFRESH_INTERVAL_S
        self._latest: StepMetrics | None = None
        self._silent = not console.is_terminal
        if not self._silent:
            events.on(StepMetrics, self._on_metrics)

    def __enter__(self) -> ProgressBar:
        if not self._silent:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._silent:
            self._draw()
            self._live.stop()

    def _on_metrics(self, event: StepMetrics) -> None:
        self._latest = event
        now_s = time.monotonic()
        if now_s - self._last_drawn_s >= REFRESH_INTERVAL_S:
            self._draw()
            self._last_drawn_s = now_s

    def _draw(self) -> None:
        event = self._latest
        if event is None:
            return
        self._bar.update(self._task, description=event.state.phase, completed=event.state.step + 1)
        self._live.update(Group(self._bar, Text(summary(event))), refresh=True)


def summary(event: StepMetrics) -> str:
    """Learning rate and losses in one line: ``lr 0.01  loss 0.0132  recon 0.0103``."""
    rate = {"lr": event.state.values["lr"]} if "lr" in event.state.values else {}
    return "  ".join(f"{name} {value:.3g}" for name, value in (rate | dict(event.losses)).items())


@contextmanager
def runs_bar(total: int, console: Console) -> Iterator[Callable[[str], None]]:
    """Show how many runs are finished; silent where the console is no terminal.

    Args:
        total: Number of runs.
        console: Where to draw.

    Yields:
        To be called when a run is finished, with its name.
    """
    with Progress(*_columns(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda name: bar.update(task, description=name, advance=1)
