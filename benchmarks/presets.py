"""What presets cost, and what they give: time, size, and likeness to what was drawn.

`python -m benchmarks.presets RUN...` prints a table. Some presets of x264 are among them.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import click
import numpy as np

from latentviz import FilmSpec, Run, open_run
from latentviz.film.drawing import drawn_frames
from latentviz.film.film import Film
from latentviz.video.ffmpeg import ffmpeg_path
from latentviz.video.formats import H264, VideoSettings

PRESETS = ("film", "superfast", "veryfast", "faster", "medium")
CRFS = (22, 24)
SPANS = (0.0, 0.3, 0.6)  # where in a film frames are taken, as shares of it
SPAN_FRAMES = 40
BASE = ("medium", 23)
TIMES = 2


@dataclass(frozen=True)
class Encoding:
    """One film by one preset; the baseline is medium at CRF 23."""

    film: str
    preset: str
    crf: int
    seconds: float  # the least, ffmpeg alone
    kilobytes: float
    ssim: float


def thin_dots() -> Run:
    """20,000 small dots that wander."""
    rng = np.random.default_rng(0)
    start = rng.normal(size=(20_000, 2))
    steps = rng.normal(scale=0.01, size=(400, 20_000, 2))
    latents = start + np.cumsum(steps, axis=0)
    return Run.from_arrays(latents.astype(np.float32), classes=np.arange(20_000) % 10)


def measure(films: Mapping[str, Run], folder: Path) -> Iterable[Encoding]:
    """Encode some frames of each film by each preset."""
    for name, run in films.items():
        film = Film(run, FilmSpec())
        settings = VideoSettings(film.spec.size, Fraction(30))
        raw = folder / "frames.yuv"
        starts = [int(share * (len(film) - SPAN_FRAMES)) for share in SPANS]
        order = [k for start in starts for k in range(start, start + SPAN_FRAMES)]
        with raw.open("wb") as file:
            for frame, _ in drawn_frames(film, order, settings, 2, hashed=False):
                file.write(frame.data)
        for preset in PRESETS:
            for crf in sorted({*CRFS, *([BASE[1]] if preset == BASE[0] else [])}):
                yield _encoded(name, raw, folder, preset, crf, settings)
        raw.unlink()


def _encoded(
    film: str, raw: Path, folder: Path, preset: str, crf: int, settings: VideoSettings
) -> Encoding:
    video = folder / "preset.mp4"
    source = [*settings.input_arguments(), "-i", str(raw)]
    codec = H264(crf=crf, preset=preset)
    output = VideoSettings(settings.size, settings.fps, codec).output_arguments(".mp4")
    seconds = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        _ffmpeg([*source, *output, str(video)])
        seconds.append(time.perf_counter() - begun)
    said = _ffmpeg([*source, "-i", str(video), "-lavfi", "ssim", "-f", "null", "-"])
    ssim = re.findall(r"All:([0-9.]+)", said)[-1]
    kilobytes = video.stat().st_size / 1e3
    return Encoding(film, preset, crf, min(seconds), kilobytes, float(ssim))


def _ffmpeg(arguments: list[str]) -> str:
    command = [ffmpeg_path(), "-y", "-nostats", "-loglevel", "info", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stderr


def table(encodings: Iterable[Encoding]) -> str:
    """The figures in Markdown, each film's against its medium at CRF 23."""
    encodings = list(encodings)
    base = {e.film: e for e in encodings if (e.preset, e.crf) == BASE}
    lines = ["| preset, CRF | " + " | ".join(base) + " |", "|---|" + "---|" * len(base)]
    for preset, crf in dict.fromkeys((e.preset, e.crf) for e in encodings):
        row = [f"{preset} {crf}"]
        for e in encodings:
            if (e.preset, e.crf) == (preset, crf):
                than = base[e.film]
                row.append(
                    f"{e.seconds / than.seconds:.2f}, {e.kilobytes / than.kilobytes:.2f}, "
                    f"{e.ssim:.4f}"
                )
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path, exists=True))
def main(runs: tuple[Path, ...]) -> None:
    """Print the table for films of RUNS, and of 20,000 thin dots."""
    with tempfile.TemporaryDirectory() as folder:
        click.echo(table(measure(films_at(runs), Path(folder))))


def films_at(paths: Iterable[Path]) -> dict[str, Run]:
    """Recorded runs by name, and the thin dots."""
    return {**{path.stem: open_run(path) for path in paths}, "thin dots": thin_dots()}


if __name__ == "__main__":
    main()
