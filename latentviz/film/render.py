"""A film drawn, and written to where it is to be."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..files import atomic, check_folder, expanded
from ..interruption import orderly
from ..media import notebook_progress
from ..runs.opening import RunsLike, opened_runs
from ..runs.run import Run
from ..video.formats import CODECS, Codec, VideoSettings, codec_for
from ..video.place import check_video_path
from ..video.writer import write_whole
from .drawing import drawn_frames
from .encoding import EncodingSpec
from .film import Film
from .options import options_of
from .production import Produced, produce
from .spec import FilmSpec, film_spec
from .work import WorkSpec

HOLD_S = 1.5

Progress = Callable[[int, int], None]


def render(
    run: RunsLike | Film,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    frame_hashes: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    spec: FilmSpec | None = None,
    **options: Any,
) -> Film:
    """Render the film of a run, or of several side by side, to ``path``.

    Args:
        run: A run, or the path of its archive; or up to six of them, which are shown side by side;
            or a planned `Film`, which has its spec.
        path: The video to write. Its extension chooses the format: ``.mp4``, ``.mov``, ``.mkv``
            (H.264), ``.webm`` (VP9), ``.gif``, ``.webp``, or frames such as ``frames/%05d.png``,
            numbered from 0.
        overwrite: Replace the frames of an earlier film. A video is always replaced.
        frame_hashes: Write each raw RGB frame's SHA-256 to this file, one a line. Where latents are
            evaluated from the states, another kind of CPU may give other hashes, because a few
            pixels differ by a level; of a run recorded with ``latents=True`` they are the same
            everywhere.
        progress: Called with the number of frames done and the number of all; by default a bar in
            a notebook, and nothing elsewhere.
        spec: How the film looks; or give the fields of `FilmSpec` as keywords.
        **options: Fields of `FilmSpec`, of `EncodingSpec`, and of `WorkSpec`, such as ``jobs=4`` or
            ``resume=True``, which change no byte of the film.

    Returns:
        The film, which knows its frames.

    Raises:
        LatentvizError: The run or an option is bad, or ffmpeg failed; nothing is written then.

    Example::

        film = latentviz.render("run.npz", "film.mp4", dims=[(0, 1), (0, 2)], frames=24)
        print(len(film), "frames;", film.pacing)
        latentviz.render("run.npz", "loop.webp", dims=[(0, 1)], size=(640, 360), frames=24)
    """
    encoding = EncodingSpec(**_taken(options, EncodingSpec))
    work = WorkSpec(**_taken(options, WorkSpec))
    if progress is None:
        progress = notebook_progress("frames")
    with ExitStack() as stack:
        if isinstance(run, Film):
            if spec is not None or options:
                raise OptionError("a planned film has its spec; give no options with it")
            film = run
        else:
            spec = film_spec(spec, options)
            check_video_path(expanded(path), overwrite=overwrite)
            fps = float(video_settings(expanded(path), spec, encoding).fps)
            film = Film(stack.enter_context(opened_runs(run)), spec, fps=fps)
        write_film(
            film,
            path,
            encoding,
            work,
            overwrite=overwrite,
            frame_hashes=frame_hashes,
            progress=progress,
        )
        return film


def write_film(
    film: Film,
    path: str | os.PathLike[str],
    encoding: EncodingSpec,
    work: WorkSpec | None = None,
    *,
    overwrite: bool = False,
    frame_hashes: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Produced | None:
    """`render` a film that is planned.

    Returns:
        What became of its segments; None of a film that has none.

    Raises:
        LatentvizError: The run or an option is bad, or ffmpeg failed; nothing is written then.
    """
    path, work = expanded(path), WorkSpec() if work is None else work
    settings = video_settings(path, film.spec, encoding)
    check_work(settings.codec, work, hashed=frame_hashes is not None)
    n_held = held_frames(settings.codec, settings.fps, encoding.hold)
    check_video_path(path, overwrite=overwrite)
    with ExitStack() as stack:
        stack.enter_context(orderly())
        if frame_hashes is not None:
            _check_hashes_path(expanded(frame_hashes), path, film.runs)
        settings, n_repeats = settings.holding_last(len(film), n_held)
        produced, hashes = None, list[str]()
        if settings.codec.segment_suffix is None:
            is_hashed = frame_hashes is not None
            _ = film.page  # so that an error comes before ffmpeg runs
            write_whole(
                path,
                settings,
                len(film),
                lambda order: drawn_frames(film, order, settings, work.n_threads, hashed=is_hashed),
                n_repeats=n_repeats,
                overwrite=overwrite,
                progress=progress,
                written=hashes.append,
            )
        else:
            produced = produce(
                film, path, settings, n_repeats=n_repeats, work=work,
                hashed=frame_hashes is not None, progress=progress,
            )  # fmt: skip
            hashes = list(produced.hashes)
        if frame_hashes is not None:
            with atomic(expanded(frame_hashes)) as part:
                part.write_text("".join(f"{digest}\n" for digest in hashes))
    if produced is not None and not produced.is_whole:
        return produced
    film.written = path
    if not settings.codec.is_folder:  # no file, for a notebook to play
        film.path = path
    return produced


def check_work(codec: Codec, work: WorkSpec, *, hashed: bool = False) -> None:
    """Refuse what a film that has no segments cannot be asked for, and hashes of a part of one.

    Raises:
        OptionError: Something is asked for that is for segments.
    """
    if work.segments is not None and hashed:
        raise OptionError("frame_hashes are of a whole film; give them with resume, at the end")
    if codec.segment_suffix is not None:
        return
    takers = [end for end, kind in CODECS.items() if kind.segment_suffix is not None]
    for name in options_of(WorkSpec):
        if name != "threads" and getattr(work, name):
            raise OptionError(
                f"{name} is for films of segments, which are {', '.join(takers)}; a {codec.name} "
                "is made in one go"
            )


def video_settings(path: Path, spec: FilmSpec, encoding: EncodingSpec) -> VideoSettings:
    """How a film is encoded that goes to ``path``.

    Raises:
        OptionError: An option is not for what the path says it is to be, or out of range.
    """
    codec = codec_for(
        path,
        crf=encoding.crf,
        preset=encoding.preset,
        quality=encoding.quality,
        loop=encoding.loop,
    )
    for name in ("fps", "hold"):
        if getattr(encoding, name) is not None and codec.is_folder:
            raise OptionError(f"{name} is for videos; frames have none")
    return VideoSettings(
        spec.size,
        Fraction(encoding.fps or codec.fps),
        codec,
        has_alpha=spec.ground == "transparent",
    )


def held_frames(codec: Codec, fps: Fraction, hold: float | None) -> int:
    """How many more times a film's last frame is shown, so that a loop can be read.

    Args:
        codec: The video's.
        fps: Frames a second.
        hold: For how many seconds; by default `HOLD_S`, and not at all where frames are files.
    """
    if hold is None:
        hold = 0.0 if codec.is_folder else HOLD_S
    return round(hold * fps)


def _taken(options: dict[str, Any], spec: type) -> dict[str, Any]:
    """Those of a spec's options that are given, which are taken out."""
    return {name: options.pop(name) for name in options_of(spec) if name in options}


def _check_hashes_path(path: Path, video: Path, runs: Sequence[Run]) -> None:
    check_folder(path)
    taken = [("the film", video), *(("the run", run.path) for run in runs if run.path is not None)]
    for what, other in taken:
        if path.resolve() == other.resolve():
            raise OptionError(
                f"the frame hashes would overwrite {what}, {other}; name another file"
            )
