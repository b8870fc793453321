"""A film, against matplotlib's way of making it, and against ffmpeg alone."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Result, paired, run_process, stated
from latentviz import EncodingSpec, Film, FilmSpec, Run, open_run, rgb_grid
from latentviz.film.drawing import drawn_frames
from latentviz.film.render import held_frames, write_film
from latentviz.film.spec import DRAFT_SIZE
from latentviz.raster.fitting import DOT_SHARE, LEAST_LIMITS
from latentviz.video.ffmpeg import ffmpeg_path
from latentviz.video.formats import H264, VideoSettings, parse_fps

SAMPLED_FRAMES = 20
CROWD_FRAMES = 200


def render_command(run: Path, folder: Path, *options: str) -> list[str]:
    """The command line that renders a run."""
    output = str(folder / "film.mp4")
    return [sys.executable, "-m", "latentviz", "render", str(run), "-o", output, *options]


def against_ffmpeg(run: Path, folder: Path, pairs: int) -> list[Result]:
    """The whole command, process start included, against ffmpeg alone that encodes the same frames.

    By ffmpeg's own choice, medium at CRF 23, and by the film's own settings.
    """
    options, raw = FilmSpec(), folder / "frames.yuv"
    settings = VideoSettings(options.size, parse_fps("30"))
    with open_run(run) as opened, raw.open("wb") as file:
        film = Film(opened, options)
        for frame, _ in drawn_frames(film, range(len(film)), settings, 2, hashed=False):
            file.write(frame.data)
        for _ in range(held_frames(settings.codec, settings.fps, None)):
            file.write(frame.data)
    ours, medium = folder / "film.mp4", folder / "medium.mp4"
    plain = ["-c:v", "libx264", "-preset", "medium", "-crf", "23", "-pix_fmt", "yuv420p"]
    source = [*settings.input_arguments(), "-i", str(raw)]
    ffmpeg = [ffmpeg_path(), "-loglevel", "error", "-y", *source]
    against = {
        "at medium, CRF 23": (0.65, [*plain, str(medium)]),
        "with the same settings": (
            1.15,
            [*settings.output_arguments(".mp4"), f"{folder}/same.mp4"],
        ),
    }

    def measured(how: str, target: float, output: list[str]) -> Result:
        return paired(
            f"film, against ffmpeg alone {how}",
            lambda: run_process(render_command(run, folder)).seconds,
            lambda: run_process([*ffmpeg, *output]).seconds,
            pairs=pairs,
            unit="s",
            times_faster=False,
            target=target,
        )

    results = [measured(how, target, output) for how, (target, output) in against.items()]
    n_bytes = [path.stat().st_size / 1e6 for path in (ours, medium)]
    likeness = [likeness_to(source, path) for path in (ours, medium)]
    raw.unlink()
    return [
        *results,
        stated("size of the film, against that of medium's", *n_bytes, unit="MB", target=1.15),
        stated(
            "SSIM lost against what was drawn, and by medium",
            *(1 - ssim for ssim in likeness),
            unit="of 1",
            limit=1 - likeness[1] + 0.002,
        ),
    ]


def likeness_to(source: Sequence[str], path: Path) -> float:
    """A film's SSIM with the frames that were drawn, at most 1."""
    command = [ffmpeg_path(), "-nostats", *source, "-i", str(path), "-lavfi", "ssim"]
    done = subprocess.run([*command, "-f", "null", "-"], check=True, capture_output=True, text=True)
    return float(re.findall(r"All:([0-9.]+)", done.stderr)[-1])


def draft(run: Path, folder: Path) -> Result:
    """Frames a second of a draft, once it has started: 1280x720, of the demo."""
    with open_run(run) as opened:
        film = Film(opened, FilmSpec(size=DRAFT_SIZE))
        _ = film.page
        film.draw(0)  # compiled code is loaded

        def a_frame_ms() -> float:
            begun = time.perf_counter()
            write_film(film, folder / "draft.mp4", EncodingSpec(preset=H264.draft_preset))
            return (time.perf_counter() - begun) / len(film) * 1e3

        return paired(
            "a frame of a draft, against a hundred and twentieth of a second",
            a_frame_ms,
            lambda: 1e3 / 120,
            pairs=3,
            unit="ms",
            times_faster=False,
            target=1.0,
        )


def shutter(run: Path) -> Result:
    """A frame through a shutter, against one of stacked steps: drawing alone, on one core."""
    with open_run(run) as opened:
        stacked, open_ = (Film(opened, FilmSpec(blur=blur)) for blur in ("stack", "shutter"))
        canvas = stacked.page.new_canvas()
        frames = range(0, len(stacked), len(stacked) // SAMPLED_FRAMES)

        def a_frame_ms(film: Film) -> float:
            begun = time.perf_counter()
            for frame in frames:
                film.draw(frame, canvas)
            return (time.perf_counter() - begun) / len(frames) * 1e3

        a_frame_ms(open_)  # compiled code is loaded, and latents are at hand
        return paired(
            "a frame through a shutter, against stacked steps, on one core",
            lambda: a_frame_ms(open_),
            lambda: a_frame_ms(stacked),
            pairs=5,
            unit="ms",
            times_faster=False,
        )


def turning(run: Path, folder: Path, pairs: int) -> Result:
    """The whole command, with a panel that turns in place of one of three that are flat."""
    flat = ("--dims", "1,0", "--dims", "3,2", "--dims")
    return paired(
        "the film with one panel of three that turns, against flat ones",
        lambda: run_process(render_command(run, folder, *flat, "1,2,0")).seconds,
        lambda: run_process(render_command(run, folder, *flat, "1,2")).seconds,
        pairs=pairs,
        unit="s",
        times_faster=False,
        target=1.3,
    )


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
        target=45,
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
