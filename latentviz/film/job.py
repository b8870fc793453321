"""A film as a job: what another process, here or elsewhere, must know to make its segments."""

from __future__ import annotations

import hashlib
import json
import tempfile
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ..errors import LatentvizWarning, OptionError
from ..fingerprint import differences, fingerprint
from ..runs.opening import reopened
from ..runs.reopening import Reopening
from ..video.formats import VideoSettings
from ..video.parts import Parts
from ..video.segments import SEGMENT_FRAMES, Segment, segments_of, write_segments
from .drawing import drawn_frames
from .film import Film
from .spec import FilmSpec

KEY_DIGITS = 12


@dataclass(frozen=True)
class FilmJob:
    """All that a film's bytes depend on, as plain data."""

    runs: tuple[Reopening, ...]
    names: str  # of the runs, which the film may show
    spec: FilmSpec
    settings: VideoSettings
    n_frames: int
    n_repeats: int  # of the last frame
    hashed: bool  # whether each frame's hash is noted
    made_with: dict[str, str]  # `fingerprint` of whoever asks for it

    @cached_property
    def key(self) -> str:
        """Tells its segments from those of other films.

        Raises:
            OptionError: A pace is a function, of which nobody can tell whether it is the same.
        """
        runs = [
            {f.name: getattr(run, f.name) for f in fields(run) if f.name != "path"}
            for run in self.runs
        ]
        settings = self.settings
        encoded = [*settings.input_arguments(), *settings.output_arguments("")]
        facts = [
            runs, self.names, self.spec.to_dict(), encoded, SEGMENT_FRAMES,
            self.n_frames, self.n_repeats, self.made_with,
        ]  # fmt: skip
        text = json.dumps(facts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All of them."""
        return segments_of(self.n_frames, self.n_repeats)


class Made(NamedTuple):
    """A segment that was made elsewhere."""

    name: str  # of its file
    content: bytes | None  # None where it lies in the folder already
    notes: list[str]


def make_segment(segment: Segment, *, job: FilmJob, folder: Path | None, threads: int) -> Made:
    """Draw and encode one segment, in a process that may have made others of the same film.

    Args:
        segment: Which.
        job: The film.
        folder: Where it is to lie; None to have it brought.
        threads: How many threads draw.

    Raises:
        LatentvizError: The run cannot be read here, or ffmpeg failed.
    """
    film = _film(job)

    def make(place: Path) -> tuple[Path, list[str]]:
        parts = Parts(place, job.key, str(job.settings.codec.segment_suffix))
        write_film_segments(
            film, [segment], job.settings, parts, hashed=job.hashed, threads=threads
        )
        return parts[segment.index], parts.notes(segment.index)

    if folder is not None:
        path, notes = make(folder)
        return Made(path.name, None, notes)
    with tempfile.TemporaryDirectory(prefix="latentviz-") as name:
        path, notes = make(Path(name))
        return Made(path.name, path.read_bytes(), notes)


def make_remotely(segment: Segment, *, job: FilmJob, threads: int) -> Made:
    """`make_segment` on a machine that may be another than it seems.

    Raises:
        OptionError: It is not as the one that asks for it.
    """
    # Whoever has the film open was found fit.
    if job.key not in _OPEN and (wrong := unfit(job.runs, job.made_with)) is not None:
        raise OptionError(f"a worker {wrong}")
    return make_segment(segment, job=job, folder=None, threads=threads)


def unfit(runs: Sequence[Reopening], made_with: dict[str, str]) -> str | None:
    """Why segments that are made here would not fit the others, in words; None if they would."""
    if other := differences(made_with):
        return f"has {other}, as asked for here; install the same versions"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for run in runs:
                reopened(run).close()
    except Exception as error:
        return f"cannot use the run: {error}; it must see the same archive under the same path"
    return None


def write_film_segments(
    film: Film,
    segments: Sequence[Segment],
    settings: VideoSettings,
    parts: Parts,
    *,
    hashed: bool,
    threads: int,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Draw and encode some of a film's segments in this process.

    Raises:
        LatentvizError: The run is damaged, or ffmpeg failed.
    """
    write_segments(
        segments,
        settings,
        parts,
        lambda order: drawn_frames(film, order, settings, threads, hashed=hashed),
        noted=str if hashed else None,
        progress=progress,
    )


_LOCK = threading.Lock()
_OPEN: dict[str, Film] = {}


def _film(job: FilmJob) -> Film:
    """The job's film; the last one is kept, as a worker makes many of its segments."""
    with _LOCK:
        if job.key not in _OPEN:
            for film in _OPEN.values():
                for run in film.runs:
                    run.close()
            _OPEN.clear()
            with warnings.catch_warnings():
                # Whoever asks for the film has said it.
                warnings.simplefilter("ignore", LatentvizWarning)
                runs = [reopened(run) for run in job.runs]
                film = Film(runs, job.spec, fps=float(job.settings.fps))
                _ = film.page
            _OPEN[job.key] = film
        return _OPEN[job.key]


def job_of(film: Film, settings: VideoSettings, n_repeats: int, *, hashed: bool) -> FilmJob:
    """A film that is planned, as a job.

    Raises:
        OptionError: Its run cannot be opened by another process.
    """
    return FilmJob(
        tuple(run.reopening for run in film.runs),
        film.names,
        film.spec,
        settings,
        len(film),
        n_repeats,
        hashed,
        fingerprint(),
    )
