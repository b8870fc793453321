"""A film, against matplotlib's way of making it, and against ffmpeg alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.measure import Result, paired, run_process
from latentviz import Film, FilmOptions, Run, open_run
from latentviz.encode import VideoSettings, ffmpeg_path, parse_fps
from latentviz.raster.yuv import yuv420_from_rgb

SAMPLED_FRAMES = 20


def render_command(run: Path, folder: Path, *options: str) -> list[str]:
    """The command line that renders a run."""
    output = str(folder / "film.mp4")
    return [sys.executable, "-m", "latentviz", "render", str(run), "-o", output, *options]


def against_ffmpeg(run: Path, folder: Path, pairs: int) -> Result:
    """The whole command, process start included, against ffmpeg encoding the same frames."""
    options = FilmOptions()
    raw = folder / "frames.yuv"
    with open_run(run) as opened, raw.open("wb") as file:
        film = Film(opened, options)
        frame = np.empty(options.size[0] * options.size[1] * 3 // 2, np.uint8)
        for index in range(len(film)):
            yuv420_from_rgb(film.draw(index), frame)
            file.write(frame.data)
    settings = VideoSettings(options.size, parse_fps("30"))
    alone = [
        *(ffmpeg_path(), "-loglevel", "error", "-y", *settings.input_arguments(), "-i", str(raw)),
        *(*settings.output_arguments(), "-movflags", "+faststart", str(folder / "alone.mp4")),
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
    runs = {n: folder / f"{n}.npz" for n in (2_000, 20_000)}
    for n, path in runs.items():
        _record_random_walk(path, n)
    options = ("--frames", "200", "--size", "1920x1080", "--preset", "ultrafast")
    return paired(
        "peak memory of render, 10 times the steps",
        lambda: run_process(render_command(runs[20_000], folder, *options)).peak_mb,
        lambda: run_process(render_command(runs[2_000], folder, *options)).peak_mb,
        pairs=1,
        unit="MB",
        times_faster=False,
        target=1.10,
    )


def _record_random_walk(path: Path, n_steps: int) -> None:
    """Record the colour model on a random walk: what is in the steps does not matter here."""
    import torch

    from latentviz import Recorder, rgb_grid
    from trainers.models import ColorMLP

    torch.manual_seed(0)
    model = ColorMLP()
    batch = torch.rand(64, 3)
    losses = {"loss": 1.0, "recon": 0.5}
    params = {"lr": 0.01, "reg-norm": 0.1}
    with (
        Recorder(
            path, model, layer="encoder", probe=rgb_grid(8).astype(np.float32), overwrite=True
        ) as recorder,
        torch.no_grad(),
    ):
        for _ in range(n_steps):
            recorder.step(batch=batch, losses=losses, params=params)
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=1e-3)


def sampled(run: Run) -> tuple[Film, list[int]]:
    """The film, and the numbers of evenly sampled frames."""
    film = Film(run, FilmOptions())
    return film, [round(i) for i in np.linspace(0, len(film) - 1, SAMPLED_FRAMES)]
