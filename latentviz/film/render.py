"""A film drawn, and written to where it is to be."""

from __future__ import annotations

import hashlib
import os
import queue
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..figures.picture import Picture
from ..files import atomic, check_folder, expanded
from ..interruption import orderly
from ..media import notebook_progress
from ..raster.page import interleaved
from ..runs.opening import RunLike, opened_run
from ..runs.run import Run
from ..text import printable
from ..video.formats import Codec, VideoSettings, codec_for
from ..video.place import check_video_path
from ..video.writer import packer, write_video
from .encoding import EncodingSpec
from .film import Film
from .options import options_of, refuse_unknown
from .spec import FilmSpec

HOLD_S = 1.5

Progress = Callable[[int, int], None]


def render(
    run: RunLike | Film,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    threads: int | None = None,
    frame_hashes: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    spec: FilmSpec | None = None,
    **options: Any,
) -> Film:
    """Render a run's film to ``path``.

    Args:
        run: A run, or the path of its archive; or a planned `Film`, which has its spec.
        path: The video to write. Its extension chooses the format: ``.mp4``, ``.mov``, ``.mkv``
            (H.264), ``.webm`` (VP9), ``.gif``, ``.webp``, or frames such as ``frames/%05d.png``,
            numbered from 0.
        overwrite: Replace the frames of an earlier film. A video is always replaced.
        threads: How many threads draw; as many as there are cores by default.
        frame_hashes: Write each raw RGB frame's SHA-256 to this file, one a line. Where latents are
            evaluated from the states, another kind of CPU may give other hashes, because a few
            pixels differ by a level; of a run recorded with ``latents=True`` they are the same
            everywhere.
        progress: Called with the number of frames done and the number of all; by default a bar in
            a notebook, and nothing elsewhere.
        spec: How the film looks; or give the fields of `FilmSpec` as keywords.
        **options: Fields of `FilmSpec`, and of `EncodingSpec`.

    Returns:
        The film, which knows its frames.

    Raises:
        LatentvizError: The run or an option is bad, or ffmpeg failed; nothing is written then.

    Example::

        film = latentviz.render("run.npz", "film.mp4", dims=[(0, 1), (0, 2)], frames=24)
        print(len(film), "frames;", film.pacing)
        latentviz.render("run.npz", "loop.webp", dims=[(0, 1)], size=(640, 360), frames=24)
    """
    names = [name for name in options if name in options_of(EncodingSpec)]
    encoding = EncodingSpec(**{name: options.pop(name) for name in names})
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
            video_settings(expanded(path), spec, encoding)
            film = Film(stack.enter_context(opened_run(run)), spec)
        return write_film(
            film,
            path,
            encoding,
            overwrite=overwrite,
            threads=threads,
            frame_hashes=frame_hashes,
            progress=progress,
        )


def write_film(
    film: Film,
    path: str | os.PathLike[str],
    encoding: EncodingSpec,
    *,
    overwrite: bool = False,
    threads: int | None = None,
    frame_hashes: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Film:
    """`render` a film that is planned.

    Raises:
        LatentvizError: The run or an option is bad, or ffmpeg failed; nothing is written then.
    """
    path = expanded(path)
    settings = video_settings(path, film.spec, encoding)
    n_held = held_frames(settings.codec, settings.fps, encoding.hold)
    workers = _worker_count(threads)
    check_video_path(path, overwrite=overwrite)
    with ExitStack() as stack:
        stack.enter_context(orderly())
        if frame_hashes is not None:
            _check_hashes_path(expanded(frame_hashes), path, film.run)
        # All that frames share is made now, so that an error comes before ffmpeg runs.
        _ = film.page
        settings, n_repeats = settings.holding_last(len(film), n_held)
        hashes = None
        if frame_hashes is not None:
            hashes = stack.enter_context(_atomic_text(expanded(frame_hashes)))

        def drawn(order: Sequence[int]) -> Iterator[tuple[NDArray[np.uint8], str]]:
            return _drawn_frames(film, order, settings, workers, hashed=hashes is not None)

        write_video(
            path,
            settings,
            len(film),
            drawn,
            n_repeats=n_repeats,
            overwrite=overwrite,
            progress=progress,
            written=None if hashes is None else lambda digest: hashes.write(f"{digest}\n"),
        )
    film.written = path
    if not settings.codec.is_folder:  # no file, for a notebook to play
        film.path = path
    return film


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


def render_frame(
    run: RunLike,
    *,
    frame: int | None = None,
    step: int | None = None,
    spec: FilmSpec | None = None,
    **options: Any,
) -> NDArray[np.uint8]:
    """Draw one frame of a run's film, the same pixels as in the film.

    Args:
        run: A run, or the path of its archive.
        frame: The frame's number; or
        step: a recorded step that it shows. The last frame if neither is given.
        spec: How the film looks; or give the fields of `FilmSpec` as keywords.
        **options: Fields of `FilmSpec`.

    Returns:
        (H, W, 3) uint8; (H, W, 4), red, green, blue and alpha, where the ground is transparent.

    Raises:
        LatentvizError: The run or an option is bad.

    Example::

        pixels = latentviz.render_frame("run.npz", step=250, dims=[(0, 1)])
        height, width, _ = pixels.shape
        last = latentviz.render_frame("run.npz", dims=[(0, 1)], theme="light")
    """
    return plot_frame(run, frame=frame, step=step, spec=spec, **options).pixels


def plot_frame(
    run: RunLike,
    *,
    frame: int | None = None,
    step: int | None = None,
    spec: FilmSpec | None = None,
    **options: Any,
) -> Picture:
    """Draw one frame of a run's film as a picture, which can be saved as PNG, SVG and PDF.

    The PNG has the film's own pixels. In SVG and PDF curves and frames are lines, dots are circles
    (an image, where they are more than 50,000), and text is text in a PDF, and outlines in an SVG.

    Args:
        run: A run, or the path of its archive.
        frame: The frame's number; or
        step: a recorded step that it shows. The last frame if neither is given.
        spec: How the film looks; or give the fields of `FilmSpec` as keywords.
        **options: Fields of `FilmSpec`.

    Raises:
        LatentvizError: The run or an option is bad.

    Example::

        picture = latentviz.plot_frame(
            "run.npz", step=250, dims=[(0, 1)], size=(720, 720), ground="white", heading="off",
            charts="off",
        )
        picture.save("frame.pdf")
    """
    with opened_run(run) as opened:
        return frame_picture(opened, frame=frame, step=step, spec=film_spec(spec, options))


def frame_picture(run: Run, *, frame: int | None, step: int | None, spec: FilmSpec) -> Picture:
    """`plot_frame` of a run that is open.

    Raises:
        LatentvizError: The run or an option is bad.
    """
    if frame is not None and step is not None:
        raise OptionError("give a frame or a step, not both")
    film = Film(run, spec)
    if frame is None:
        frame = len(film) - 1 if step is None else film.frame_at(step)
    scene, drawn = film.scene(frame), interleaved(film.draw(frame))
    covered = run.steps[film.frames[frame].start : film.frames[frame].stop]
    return Picture(
        title=f"{printable(run.name)}, frame {frame}",
        alt=(
            f"The latents of {film.run.n_points} points in the projections {film.titles}, at steps "
            f"{covered[0]} to {covered[-1]} of training, later ones over earlier ones."
        ),
        data={"frame": frame, "steps": [int(covered[0]), int(covered[-1])], **film.figures},
        drawn=drawn,
        as_lines=partial(film.page.figure, scene),
    )


def _drawn_frames(
    film: Film, order: Sequence[int], settings: VideoSettings, workers: int, *, hashed: bool
) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """Each frame's raw bytes and, if wanted, its hash, in order, drawn by several threads.

    A frame is only good until the next one is asked for: its memory is used again.
    """
    page = film.page
    pack = packer(settings.pixel_format)
    # One frame a thread, one that waits for its turn, one that is being written.
    n_buffers = workers + 2
    canvases: queue.SimpleQueue[NDArray[np.uint8]] = queue.SimpleQueue()
    for _ in range(workers):
        canvases.put(page.new_canvas())
    outputs = deque(np.empty(settings.frame_bytes, np.uint8) for _ in range(n_buffers))

    def draw(index: int, output: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], str]:
        canvas = canvases.get()
        try:
            film.draw(index, canvas)
            pack(canvas, output)
            digest = hashlib.sha256(interleaved(canvas).data).hexdigest() if hashed else ""
        finally:
            canvases.put(canvas)
        return output, digest

    pending: deque[Future[tuple[NDArray[np.uint8], str]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="latentviz-draw") as pool:
        try:
            for index in order:
                pending.append(pool.submit(draw, index, outputs.popleft()))
                if not outputs:
                    output, digest = pending.popleft().result()
                    yield output, digest
                    outputs.append(output)
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def film_spec(spec: FilmSpec | None, options: dict[str, Any]) -> FilmSpec:
    """The spec, or that of keywords.

    Raises:
        OptionError: Both are given, or an option is unknown or bad.
    """
    if spec is None:
        refuse_unknown(FilmSpec, options)
        return FilmSpec(**options)
    if options:
        raise OptionError("give spec= or keywords, not both")
    return spec


def _check_hashes_path(path: Path, video: Path, run: Run) -> None:
    check_folder(path)
    taken = {"the film": video} | ({"the run": run.path} if run.path is not None else {})
    for what, other in taken.items():
        if path.resolve() == other.resolve():
            raise OptionError(
                f"the frame hashes would overwrite {what}, {other}; name another file"
            )


def _worker_count(threads: int | None) -> int:
    if threads is None:
        # Of those that this process may use, where the system says so.
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return cores or 1
    if not 1 <= threads <= 256:
        raise OptionError(f"threads must lie within 1 to 256, got {threads}")
    return threads


@contextmanager
def _atomic_text(path: Path) -> Iterator[IO[str]]:
    """`atomic`, opened for text."""
    with atomic(path) as part, part.open("w") as file:
        yield file
