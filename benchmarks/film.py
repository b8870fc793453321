"""A film, against matplotlib's way of making it, and against ffmpeg alone."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Result, paired, run_process
from latentviz import Film, FilmSpec, Run, open_run, rgb_grid
from latentviz.film.render import held_frames
from latentviz.raster.fitting import DOT_SHARE, LEAST_LIMITS
from latentviz.raster.yuv import yuv420_from_rgb
from latentviz.video.ffmpeg import ffmpeg_path
from latentviz.video.formats import VideoSettings, parse_fps

SAMPLED_FRAMES = 20
CROWD_FRAMES = 200


def render_command(run: Path, folder: Path, *options: str) -> list[str]:
    """The command line that renders a run."""
    output = str(folder / "film.mp4")
    return [sys.executable, "-m", "latentviz", "render", str(run), "-o", output, *options]


def against_ffmpeg(run: Path, folder: Path, pairs: int) -> Result:
    """The whole command, process start included, against ffmpeg encoding the same frames."""
    options = FilmSpec()
    raw = folder / "frames.yuv"
    settings = VideoSettings(options.size, parse_fps("30"))
    with open_run(run) as opened, raw.open("wb") as file:
        film = Film(opened, options)
        frame = np.empty(options.size[0] * options.size[1] * 3 // 2, np.uint8)
        for index in range(len(film)):
            yuv420_from_rgb(film.draw(index), frame)
            file.write(frame.data)
        for _ in range(held_frames(settings.codec, settings.fps, None)):
            file.write(frame.data)
    alone = [
        *(ffmpeg_path(), "-loglevel", "error", "-y", *settings.input_arguments(), "-i", str(raw)),
        *(*settings.output_arguments(".mp4"), str(folder / "alone.mp4")),
    ]
    result = paired(
        "film, against ffmpeg alone encoding its frames",
        lambda: run_process(render_command(run, folder)).seconds,
        lambda: run_process(alone).seconds,
        pairs=pairs,
        unit="s",
        times_faster=False,
        target=1.25,
    )
    same = (folder / "film.mp4").read_bytes() == (folder / "alone.mp4").read_bytes()
    raw.unlink()
    if not same:
        sys.exit("the film and ffmpeg's own encoding of its frames differ")
    return result


def against_matplotlib(run: Path, folder: Path, pairs: int) -> Result:
    """The whole command, against matplotlib drawing evenly sampled frames of the same film.

    Matplotlib's time for all frames is its start-up and, for each frame, the mean over the sampled
    ones.
    """

    def usual_way() -> float:
        command = [sys.executable, "-m", "benchmarks.usual_way", str(run), str(folder / "mpl.mp4")]
        answer = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
        return float(answer)

    return paired(
        "film, against matplotlib's FuncAnimation",
        lambda: run_process(render_command(run, folder)).seconds,
        usual_way,
        pairs=pairs,
        unit="s",
        times_faster=True,
        target=25,
    )


def memory(folder: Path) -> Result:
    """Peak memory with ten times the steps and the same number of frames."""
    runs = {n: folder / f"{n}.npz" for n in (10_000, 100_000)}
    for n, path in runs.items():
        _record_random_walk(path, n_steps=n, points=rgb_grid(8).astype(np.float32))
    options = ("--preset", "ultrafast")
    return paired(
        "peak memory of render, 100,000 steps against 10,000",
        lambda: run_process(render_command(runs[100_000], folder, *options)).peak_mb,
        lambda: run_process(render_command(runs[10_000], folder, *options)).peak_mb,
        pairs=1,
        unit="MB",
        times_faster=False,
        target=1.10,
    )


def crowd(run: Path, folder: Path, pairs: int) -> list[Result]:
    """50,000 points against 512 that cover as much: a frame of the film, and its drawing alone.

    The model is the trained one on a random walk, 15 steps a frame, so that its dots are spread
    over the page and blurred.
    """
    with open_run(run) as opened:
        trained = opened.state(int(opened.steps[-1]))
    rng = np.random.default_rng(0)
    commands, draws = {}, {}
    for n in (512, 50_000):
        path = folder / f"crowd-{n}.npz"
        points = rng.random((n, 3), np.float32)
        _record_random_walk(path, n_steps=CROWD_FRAMES * 15, points=points, state=trained)
        radius = DOT_SHARE * LEAST_LIMITS * math.sqrt(512 / n)
        options = FilmSpec(pace="linear:15", limits=LEAST_LIMITS, dot_radius=radius)
        commands[n] = render_command(
            path, folder, "--pace", "linear:15", "--limits", str(LEAST_LIMITS),
            "--dot-radius", str(radius),
        )  # fmt: skip
        draws[n] = _drawing(path, options)
    return [
        paired(
            "a frame of the film of 50,000 points, against 512",
            lambda: run_process(commands[50_000]).seconds / CROWD_FRAMES * 1e3,
            lambda: run_process(commands[512]).seconds / CROWD_FRAMES * 1e3,
            pairs=pairs,
            unit="ms",
            times_faster=False,
            target=10,
        ),
        paired(
            "drawing that frame alone, on one core, latents at hand",
            draws[50_000],
            draws[512],
            pairs=4 * pairs,
            unit="ms",
            times_faster=False,
        ),
    ]


def _drawing(path: Path, options: FilmSpec) -> Callable[[], float]:
    """Milliseconds to draw a frame, once its latents are there."""
    with open_run(path) as run:
        film = Film(run, options)
        frame = film.frames[len(film) // 2]
        steps = run.steps[frame.start : frame.stop]
        at_hand = Run.from_arrays(run.latents(steps), steps=steps, colors=run.colors)
    film = Film(at_hand, options)
    canvas = film.page.new_canvas()

    def draw() -> float:
        begun = time.perf_counter()
        film.draw(0, canvas)
        return (time.perf_counter() - begun) * 1e3

    draw()
    return draw


def _record_random_walk(
    path: Path,
    *,
    n_steps: int,
    points: NDArray[np.float32],
    state: Mapping[str, NDArray[np.generic]] | None = None,
) -> None:
    """Record the color model on a random walk: what is in the steps does not matter here."""
    import torch

    from latentviz import Recorder
    from trainers.models import ColorMLP

    torch.manual_seed(0)
    model = ColorMLP()
    if state is not None:
        model.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
    batch = torch.rand(64, 3)
    losses = {"loss": 1.0, "recon": 0.5}
    params = {"lr": 0.01, "reg-norm": 0.1}
    with (
        Recorder(path, model, layer="encoder", probe=points, overwrite=True) as recorder,
        torch.no_grad(),
    ):
        for _ in range(n_steps):
            recorder.step(batch=batch, losses=losses, params=params)
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=1e-3)


def sampled(run: Run) -> tuple[Film, list[int]]:
    """The film, and the numbers of evenly sampled frames."""
    film = Film(run, FilmSpec())
    return film, [round(i) for i in np.linspace(0, len(film) - 1, SAMPLED_FRAMES)]
