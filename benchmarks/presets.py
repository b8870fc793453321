"""What x264's presets cost, and what they give: time, size, and likeness to what was drawn."""

from __future__ import annotations

import re
import statistics
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from latentviz import FilmSpec, Run, open_run
from latentviz.film.drawing import drawn_frames
from latentviz.film.film import Film
from latentviz.video.ffmpeg import ffmpeg_path
from latentviz.video.formats import H264, VideoSettings

PRESETS = ("film", "superfast", "veryfast", "faster", "medium")
CRFS = (20, 22, 23, 24)
SPANS = (0.0, 0.3, 0.6)  # where in a film frames are taken, as shares of it
SPAN_FRAMES = 40
TIMES = 3


@dataclass(frozen=True)
class Encoding:
    """One film by one preset; the baseline is medium at CRF 23."""

    film: str
    preset: str
    crf: int
    seconds: float  # median, ffmpeg alone
    kilobytes: float
    ssim: float

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


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
            for crf in CRFS:
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
    return Encoding(film, preset, crf, statistics.median(seconds), kilobytes, float(ssim))


def _ffmpeg(arguments: list[str]) -> str:
    command = [ffmpeg_path(), "-y", "-nostats", "-loglevel", "info", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stderr


def table(encodings: Iterable[Encoding]) -> str:
    """The figures in Markdown, against medium at CRF 23."""
    encodings = list(encodings)
    base = {e.film: e for e in encodings if (e.preset, e.crf) == ("medium", 23)}
    lines = ["| film | preset | CRF | time | size | SSIM |", "|---|---|---|---|---|---|"]
    for e in encodings:
        than = base[e.film]
        lines.append(
            f"| {e.film} | {e.preset} | {e.crf} | {e.seconds / than.seconds:.2f} | "
            f"{e.kilobytes / than.kilobytes:.2f} | {e.ssim:.4f} ({e.ssim - than.ssim:+.4f}) |"
        )
    return "\n".join(lines)


def films_at(paths: Iterable[Path]) -> dict[str, Run]:
    """Recorded runs by name, and the thin dots."""
    return {**{path.stem: open_run(path) for path in paths}, "thin dots": thin_dots()}
