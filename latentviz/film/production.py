"""A film made of its segments: here, in several processes, or on a cluster; now, or later on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import EncodeError, LatentvizWarning, OptionError
from ..files import check_folder
from ..interruption import Interrupted
from ..tasks import check_on_workers, cluster_at, run_in_processes, run_on_cluster
from ..text import counted
from ..video.formats import VideoSettings
from ..video.parts import Parts, passing_folder
from ..video.segments import Segment, join_segments, segments_of
from .film import Film
from .job import FilmJob, Made, job_of, make_remotely, make_segment, unfit, write_film_segments
from .work import WorkSpec, n_cores

PARTS = ".parts"
REMOTE_THREADS = 2  # that draw on a worker, whose encoder has as many


@dataclass(frozen=True)
class Produced:
    """What came of it.

    Attributes:
        n_found: How many segments were there already.
        n_made: How many were made now.
        n_all: How many the film has.
        is_whole: Whether they were joined.
        hashes: Of each frame, in order, where they were asked for and the film is whole.
    """

    n_found: int
    n_made: int
    n_all: int
    is_whole: bool
    hashes: tuple[str, ...]


def parts_folder(path: Path) -> Path:
    """Where a film's segments are kept."""
    return path.with_name(path.name + PARTS)


def produce(
    film: Film,
    path: Path,
    settings: VideoSettings,
    *,
    n_repeats: int,
    work: WorkSpec,
    hashed: bool,
    progress: Callable[[int, int], None] | None,
) -> Produced:
    """Make a film's segments and join them.

    Args:
        film: The film.
        path: Where it is to lie.
        settings: How it is encoded.
        n_repeats: How often the last frame comes again.
        work: By whom it is made.
        hashed: Whether each frame's hash is wanted.
        progress: Called with the number of frames done, and of all.

    Raises:
        LatentvizError: The run or an option is bad, or the work failed.
        Interrupted: Ctrl-C, where finished segments are kept.
    """
    segments = segments_of(len(film), n_repeats)
    # As of a slice, there may be none: the last task of an array has nothing to do then.
    wanted = segments[slice(*(work.segments or (None, None)))]
    n_jobs = work.n_jobs(len(wanted))
    job = _job(film, settings, n_repeats, work, hashed=hashed) if n_jobs > 1 or work.asks else None
    if not work.keeps:
        _ = film.page  # so that an error, or a warning, comes before anything is made
    with ExitStack() as stack:
        folder = stack.enter_context(_folder(path, work))
        suffix = str(settings.codec.segment_suffix)
        parts = Parts(folder, "film" if job is None else job.key, suffix)
        if work.keeps:
            parts.look()
            if parts.n_others:
                warnings.warn(
                    f"{folder} holds {counted(parts.n_others, 'segment')} of a film with other "
                    "options or versions, or of another run; they are of no use here, and stay",
                    LatentvizWarning,
                    stacklevel=2,
                )
        missing = [
            s for s in wanted if s.index not in parts or (hashed and not parts.notes(s.index))
        ]
        if missing:
            _ = film.page  # as above; and what it works out of the run is kept for other processes
        tally = _Tally(len(film), segments, missing, progress)
        with _kept_at_interrupts(work, segments, parts):
            if not missing:
                pass
            elif work.dask is not None and job is not None:
                _on_cluster(work.dask, job, missing, parts, work, tally.done)
            elif n_jobs > 1 and job is not None:
                _in_processes(n_jobs, job, missing, parts, work, tally.done)
            else:
                write_film_segments(
                    film, missing, settings, parts,
                    hashed=hashed, threads=work.n_threads, progress=tally.advance,
                )  # fmt: skip
            if work.segments is None:
                join_segments(path, settings, segments, parts)
        n_made, n_found = len(missing), len(wanted) - len(missing)
        if work.segments is not None:
            return Produced(n_found, n_made, len(segments), False, ())
        hashes = [line for s in segments for line in parts.notes(s.index)] if hashed else []
        if work.keeps and not work.keep_parts:
            parts.clear()
    # Segments that only hold the last frame have noted it once more.
    return Produced(n_found, n_made, len(segments), True, tuple(hashes[: len(film)]))


def _job(
    film: Film, settings: VideoSettings, n_repeats: int, work: WorkSpec, *, hashed: bool
) -> FilmJob | None:
    """The film as a job; None where only this process can make it, and nobody asked for others."""
    try:
        job = job_of(film, settings, n_repeats, hashed=hashed)
        _ = job.key
    except OptionError:
        if work.asks:
            raise
        return None
    return job


class _Tally:
    """How many of a film's frames are done."""

    def __init__(
        self,
        n_frames: int,
        segments: Sequence[Segment],
        missing: Sequence[Segment],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._n_frames, self._progress = n_frames, progress
        self._n_before = sum(len(s.frames) for s in segments) - sum(len(s.frames) for s in missing)
        self._n_done = 0

    def advance(self, n_done: int) -> None:
        """Say how many are done of those that were missing."""
        self._n_done = n_done
        if self._progress is not None:
            self._progress(min(self._n_before + n_done, self._n_frames), self._n_frames)

    def done(self, segment: Segment) -> None:
        """Say that one more segment is."""
        self.advance(self._n_done + len(segment.frames))


@contextmanager
def _kept_at_interrupts(
    work: WorkSpec, segments: Sequence[Segment], parts: Parts
) -> Iterator[None]:
    """Say of an interrupt what is kept, where anything is."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if not work.keeps:
            raise
        n_kept = sum(s.index in parts for s in segments)
        raise Interrupted(
            f"{n_kept} of {counted(len(segments), 'segment')} are kept in {parts.folder}; the same "
            "command with --resume goes on"
        ) from interrupt


@contextmanager
def _folder(path: Path, work: WorkSpec) -> Iterator[Path]:
    """Where segments are put, and left if they are to be kept."""
    if not work.keeps:
        with passing_folder(path) as folder:
            yield folder
        return
    folder = parts_folder(path)
    check_folder(folder.parent / "film")  # where it is to be made
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise EncodeError(f"cannot make the folder {folder}: {error.strerror}") from None
    yield folder


def _in_processes(
    n_jobs: int,
    job: FilmJob,
    missing: Sequence[Segment],
    parts: Parts,
    work: WorkSpec,
    advance: Callable[[Segment], None],
) -> None:
    def done(segment: Segment, made: Made) -> None:
        parts.add(segment.index, parts.folder / made.name)
        advance(segment)

    threads = work.threads or max(1, n_cores() // n_jobs)
    run_in_processes(
        partial(make_segment, job=job, folder=parts.folder.absolute(), threads=threads),
        missing,
        processes=n_jobs,
        done=done,
        cut_off=lambda segment: None,  # what it left is told by its lock
    )


def _on_cluster(
    address: str,
    job: FilmJob,
    missing: Sequence[Segment],
    parts: Parts,
    work: WorkSpec,
    advance: Callable[[Segment], None],
) -> None:
    def done(segment: Segment, made: Made) -> None:
        assert made.content is not None
        parts.receive(segment.index, made.name, made.content, made.notes)
        advance(segment)

    with cluster_at(address) as client:
        check_on_workers(client, unfit, job.runs, job.made_with)
        task = partial(make_remotely, job=job, threads=work.threads or REMOTE_THREADS)
        run_on_cluster(client, task, missing, done=done)
