"""Run the benchmarks: a table, and ``benchmarks/results.json``."""

from __future__ import annotations

import json
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Result

RESULTS = Path(__file__).with_name("results.json")


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True))
@click.option("--only", multiple=True, help="Run only the benchmarks whose name holds this.")
@click.option("--pairs", default=3, show_default=True, help="Pairs of the long benchmarks.")
def main(run: Path, only: tuple[str, ...], pairs: int) -> None:
    """Benchmark latentviz on RUN, a recorded run of the sparse-labels experiment."""
    from benchmarks import film, latents, pictures, training

    console = Console(width=None if sys.stdout.isatty() else 140)
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        benchmarks: dict[str, Callable[[], Iterable[Result]]] = {
            "recorder": lambda: [
                training.recorder_cost(folder, 6 * pairs),
                training.large_recorder_cost(folder, 3 * pairs),
                *latents.recorded_steps(folder, 3 * pairs),
                latents.recorded_training(folder, 2 * pairs),
            ],
            "latents": lambda: [training.latents_speed(run, 3 * pairs)],
            "frame": lambda: [pictures.frame_seconds(run, folder, 2 * pairs + 1)],
            "pictures": lambda: pictures.seconds(run, folder, 2 * pairs + 1),
            "memory": lambda: [film.memory(folder)],
            "crowd": lambda: film.crowd(run, folder, pairs),
            "draft": lambda: [film.draft(run, folder)],
            "shutter": lambda: [film.shutter(run)],
            "turning": lambda: [film.turning(run, folder, pairs)],
            "ffmpeg": lambda: film.against_ffmpeg(run, folder, pairs),
            "matplotlib": lambda: [film.against_matplotlib(run, folder, pairs)],
        }
        for key, benchmark in benchmarks.items():
            if only and not any(part in key for part in only):
                continue
            with console.status(f"measuring: {key}"):
                measured = list(benchmark())
            results += measured
            for result in measured:
                console.print(_line(result))
    console.print(_table(results))
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    found = [result.as_json() for result in results]
    if only and RESULTS.exists():  # the others stand as they were measured before
        names = {result.name for result in results}
        found += [r for r in json.loads(RESULTS.read_text())["results"] if r["name"] not in names]
    report = {"machine": machine, "results": found}
    RESULTS.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    console.print(f"written to {RESULTS}")


def _line(result: Result) -> str:
    return f"{result.name}: {result.ratio:.2f} {result.meaning} (target {result.target})"


def _table(results: list[Result]) -> Table:
    table = Table("what", "ours", "other", "ratio (median)", "range", "target", "met")
    for r in results:
        table.add_row(
            r.name,
            f"{r.ours:.4g} {r.unit}",
            f"{r.other:.4g} {r.unit}",
            f"{r.ratio:.2f} {r.meaning}",
            f"{r.spread[0]:.2f} to {r.spread[1]:.2f}",
            r.target,
            "yes" if r.met else "NO",
        )
    return table


if __name__ == "__main__":
    main()
