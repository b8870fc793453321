"""A run's film: which frames, what is in them, how they are drawn, and where they go."""

from __future__ import annotations

import hashlib
import os
import queue
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import IO, TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import LatentvizWarning, OptionError
from .figures.picture import Picture
from .files import atomic, check_folder, expanded
from .interruption import orderly
from .notebook import html_of, notebook_progress
from .pacing import DEFAULT_FRAMES, BezierPace, Frame, Pace, frames, parse_pace
from .projection import projections
from .raster.fitting import DOT_SHARE, fitting_limits
from .raster.layout import MAX_LIMITS, check_size, has_room_for_panels
from .raster.page import Page, interleaved, make_page
from .reach import Reach, measure_reach
from .run import Run, RunLike, opened_run
from .scene import CurvePanel, Scene, Stage
from .text import counted, printable
from .theme import theme_named
from .video.formats import Codec, VideoSettings, codec_for, parse_fps
from .video.place import check_video_path
from .video.writer import VideoWriter, packer
from .views import ProjectionsView, curve_panels, drawing_order, point_colors

FULL_SIZE = (1920, 1080)
DEFAULT_PACE = BezierPace()
DRAFT_SIZE = (640, 360)

HOLD_S = 1.5
MAX_HOLD_S = 3600.0

Real = TypeVar("Real", np.float32, np.float64)
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class FilmOptions:
    """How a film looks. The defaults are those of `latentviz render`."""

    dims: Sequence[tuple[int, int]] | None = None
    """Pairs of latent dimensions, (right, up), one a projection; default (1,0), (1,2), (3,2)."""
    names: Sequence[str] = ()
    """Names for the projections' titles, in order."""
    size: tuple[int, int] = FULL_SIZE
    """(width, height) in pixels, both even."""
    frames: int = DEFAULT_FRAMES
    """How many frames to ask the pace for; frames that would show nothing new are dropped."""
    pace: Pace | str = DEFAULT_PACE
    """Which recorded steps each frame shows; a string is as on the command line."""
    steps: tuple[int | None, int | None] = (None, None)
    """Show only the recorded steps from the first up to, and without, the second."""
    alpha: float = 0.9
    """Opacity of a still dot, above 0 and at most 1."""
    dot_radius: float | None = None
    """Radius of a dot in data units; by default 0.07 of the limits."""
    limits: float | None = None
    """Each projection shows -limits..limits, up and down; by default 1.5, or a round number above
    it that holds all dots at all steps of the film, but for a few that run away (see `Reach.kept`);
    what lies beyond is marked at the edge."""
    theme: str = "dark"
    """``dark`` or ``light``."""
    colormap: str = "viridis"
    """A matplotlib colormap, for points that are coloured by a scalar."""
    layer: str | None = None
    """The layer whose latents are drawn; by default the run's own."""

    def __post_init__(self) -> None:
        _check_type("size", self.size, "(width, height)", _is_pair)
        _check_type("frames", self.frames, "a whole number", _is_whole)
        _check_type("alpha", self.alpha, "a number", _is_number)
        for name in ("dot_radius", "limits"):
            _check_type(name, getattr(self, name), "a number", _is_number, optional=True)
        _check_type(
            "dims", self.dims, "pairs of dimensions, [(1, 0), (1, 2)]", _are_pairs, optional=True
        )
        _check_type("steps", self.steps, "(first, stop), either of which may be None", _is_range)


def _check_type(
    name: str, value: object, what: str, test: Callable[[object], bool], *, optional: bool = False
) -> None:
    if not (optional and value is None) and not test(value):
        raise OptionError(f"{name} must be {what}, got {value!r}")


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating)


def _is_pair(value: object) -> bool:
    return isinstance(value, Sequence) and len(value) == 2 and all(map(_is_whole, value))


def _are_pairs(value: object) -> bool:
    return isinstance(value, Sequence) and all(map(_is_pair, value))


def _is_range(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and len(value) == 2
        and all(end is None or _is_whole(end) for end in value)
    )


class Film:
    """A run's film, of which any frame can be drawn alone."""

    def __init__(self, run: Run, options: FilmOptions) -> None:
        """Plan the film; nothing is drawn yet.

        Raises:
            OptionError: An option is out of range or does not fit the run.
        """
        run = run if options.layer is None else run.at_layer(options.layer)
        self.run, self.options = run, options
        self._told = False
        self.path: Path | None = None
        """Where `render` has put it, if it is one file."""
        self.written: Path | None = None
        """What `render` has written: a file, or the pattern of the frames' names."""
        check_size(options.size)
        if options.dot_radius is not None and not 0 < options.dot_radius <= MAX_LIMITS:
            raise OptionError(f"a dot's radius must be above 0, got {options.dot_radius:g}")
        self._theme = theme_named(options.theme)
        pace = parse_pace(options.pace) if isinstance(options.pace, str) else options.pace
        self._first, self._stop = _step_range(run, options.steps)
        self.frames = [
            Frame(frame.index, frame.start + self._first, frame.stop + self._first)
            for frame in frames(pace, self._stop - self._first, options.frames)
        ]
        if self._stop == len(run) and run.has_final:
            self.frames[-1] = replace(self.frames[-1], after=True)
        n_dims = run.latents(int(run.steps[self._first])).shape[1]
        self._view = ProjectionsView(
            projections(options.dims, options.names, n_dims), options.alpha
        )

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.frames)

    def __repr__(self) -> str:
        """What it is of, and where it was written."""
        width, height = self.options.size
        where = "not written" if self.written is None else f"written to {self.written}"
        return (
            f"<Film of {printable(self.run.name)}, {where}: {counted(len(self), 'frame')}, "
            f"{width}x{height}, {self.shown}>"
        )

    @property
    def alt(self) -> str:
        """What is to be seen, for those who cannot see it."""
        views = ", ".join(printable(projection.title) for projection in self._view.projections)
        return (
            f"The latents of {printable(self.run.name)} in the projections {views}, in "
            f"{counted(len(self), 'frame')} from {self.shown} of training."
        )

    def _repr_html_(self) -> str:
        """The film in a notebook: a player, or its last frame if it was not rendered."""
        return html_of(self)

    def frame_at(self, step: int) -> int:
        """Which frame shows a recorded step.

        Raises:
            OptionError: The step was not recorded, or is not in the film.
        """
        index = self.run.index_of(step)
        if not self._first <= index < self._stop:
            raise OptionError(f"step {step} is not in the film, which shows {self.shown}")
        starts = [frame.start for frame in self.frames]
        return int(np.searchsorted(starts, index, side="right")) - 1

    def draw(self, frame: int, canvas: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Draw a frame, which depends on the run, the options and its number alone.

        Args:
            frame: Its number.
            canvas: (3, H, W) uint8 to draw on, as `new_canvas` gives it.

        Returns:
            The canvas.

        Raises:
            OptionError: There is no such frame.
            ArchiveError: The run is damaged, or no point is finite at a step.
        """
        scene = self.scene(frame)
        canvas = self.page.new_canvas() if canvas is None else canvas
        self.page.draw(scene, canvas)
        return canvas

    def scene(self, frame: int) -> Scene:
        """What a frame shows, as plain values in data units.

        Raises:
            OptionError: There is no such frame.
            ArchiveError: The run is damaged, or no point is finite at a step.
        """
        if not 0 <= frame < len(self):
            raise OptionError(f"frame must lie within 0 to {len(self) - 1}, got {frame}")
        scene = self._view(self.run, self.frames[frame])
        if scene.n_left_out:
            self._tell(scene.n_left_out)
        return scene

    def _tell(self, n_left_out: int) -> None:
        """Say once a film that points are left out."""
        if not self._told:
            self._told = True
            warnings.warn(
                f"{n_left_out} of {self.run.n_points} points are not finite (NaN or infinite) at "
                "some step; they are left out where they are not, and counted in the picture",
                LatentvizWarning,
                stacklevel=2,
            )

    @cached_property
    def page(self) -> Page:
        """What all frames have in common, drawn when it is first needed."""
        run, options = self.run, self.options
        panels: tuple[CurvePanel, ...] = ()
        if has_room_for_panels(options.size):
            panels = curve_panels(run, self._first, self._stop, self._theme)
        limits = options.limits
        if limits is None:
            if n_left_out := int(self.reach.left_out.sum()):
                self._tell(n_left_out)
            low, high = (self._by_projection(side) for side in self.reach.kept)
            limits = fitting_limits(
                low, high, size=options.size, n_panels=len(panels), dot_radius=options.dot_radius
            )
        stage = Stage(
            projections=self._view.projections,
            colors=point_colors(run.colors, run.n_points, self._theme, options.colormap),
            order=drawing_order(run.colors, run.n_points),
            limits=limits,
            dot_radius=DOT_SHARE * limits if options.dot_radius is None else options.dot_radius,
            panels=panels,
            last_step=int(run.steps[self._stop - 1]),
        )
        return make_page(stage, size=options.size, theme=self._theme)

    @cached_property
    def reach(self) -> Reach:
        """How far the points go in the dimensions that are shown, over all that the film shows."""
        return measure_reach(self.run, self.frames, self._view.dims)

    @property
    def frames_beyond(self) -> int:
        """In how many frames points lie beyond an edge of their projection, where marks say so."""
        edges = np.array(self.page.layout.edges_px) / self.page.layout.px_per_unit
        low, high = self._by_projection(self.reach.low), self._by_projection(self.reach.high)
        return int(((low < -edges) | (high > edges)).any((-2, -1)).sum())

    def _by_projection(self, along: NDArray[Real]) -> NDArray[Real]:
        """Values along each dimension shown, (..., d), as (..., P, 2), right and up."""
        return along[..., np.searchsorted(self.reach.dims, self._view.pairs)]

    @property
    def shown(self) -> str:
        """The first and the last step, in words."""
        steps = self.run.steps
        return f"steps {steps[self._first]} to {steps[self._stop - 1]}"

    @property
    def pacing(self) -> str:
        """How fast the film goes, in words."""
        strides = [frame.stride for frame in self.frames]
        return (
            f"{len(self)} of {self._stop - self._first} steps start a frame; steps a frame: "
            f"{strides[0]} at the start, {max(strides)} at most, {strides[-1]} at the end"
        )

    def frame_words(self, n_done: int) -> str:
        """What the last of so many frames shows, in words."""
        frame = self.frames[n_done - 1]
        return (
            f"step {self.run.steps[frame.stop - 1]}, "
            f"{counted(frame.stride + frame.after, 'sub-frame')}"
        )


def render(
    run: RunLike | Film,
    path: str | os.PathLike[str],
    *,
    fps: float | str | None = None,
    crf: int | None = None,
    preset: str | None = None,
    quality: int | None = None,
    loop: int | None = None,
    hold: float | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    frame_hashes: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    options: FilmOptions | None = None,
    **film: object,
) -> Film:
    """Render a run's film to ``path``.

    Args:
        run: A run, or the path of its archive; or a film that is planned, with its options.
        path: Where the video shall lie; its extension says what it is to be: ``.mp4``, ``.mov``,
            ``.mkv`` (H.264), ``.webm`` (VP9), ``.gif``, ``.webp``, or frames such as
            ``frames/%05d.png``, numbered from 0.
        fps: Frames a second, a number or a fraction such as ``"30000/1001"``; by default 30, and 20
            in a GIF. Frames have none.
        crf: H.264's quality, 1 (best) to 51 (smallest), by default 23; or VP9's, 1 to 63, by
            default 35.
        preset: x264's preset, by default ``medium``.
        quality: A WebP's quality, 0 (smallest) to 100 (best), by default 75.
        loop: How many times a GIF or a WebP plays; 0, the default, for ever.
        hold: For how many seconds the last frame stays, 0 or more, by default 1.5. Not for frames.
        overwrite: Replace the frames of an earlier film. A video is always replaced.
        threads: How many threads draw; as many as there are cores by default.
        frame_hashes: Write each raw RGB frame's SHA-256 to this file, one a line. Where latents are
            evaluated from the states, another kind of CPU may give others, for a level in a few
            pixels; of a run recorded with ``latents=True`` they are the same everywhere.
        progress: Called with the number of frames done, and of all; by default a bar where this is
            a notebook, and nothing elsewhere.
        options: How the film looks; or give the fields of `FilmOptions` as keywords.
        **film: Fields of `FilmOptions`.

    Returns:
        The film, which knows its frames.

    Raises:
        LatentvizError: The run or an option is bad, or ffmpeg failed; nothing is written then.
    """
    if isinstance(run, Film):
        if options is not None or film:
            raise OptionError("a film that is planned has its options; give none with it")
        options = run.options
    options = _film_options(options, film)
    path = expanded(path)
    codec = codec_for(path, crf=crf, preset=preset, quality=quality, loop=loop)
    for name, value in {"fps": fps, "hold": hold}.items():
        if value is not None and codec.is_folder:
            raise OptionError(f"{name} is for videos; frames have none")
    settings = VideoSettings(options.size, parse_fps(str(codec.fps if fps is None else fps)), codec)
    n_held = held_frames(codec, settings.fps, hold)
    workers = _worker_count(threads)
    check_video_path(path, overwrite=overwrite)
    if progress is None:
        progress = notebook_progress("frames")
    with ExitStack() as stack:
        stack.enter_context(orderly())
        source = run.run if isinstance(run, Film) else stack.enter_context(opened_run(run))
        if frame_hashes is not None:
            _check_hashes_path(expanded(frame_hashes), path, source)
        plan = run if isinstance(run, Film) else Film(source, options)
        settings, n_repeats = settings.holding_last(len(plan), n_held)
        hashes = None
        if frame_hashes is not None:
            hashes = stack.enter_context(_atomic_text(expanded(frame_hashes)))
        writer = stack.enter_context(VideoWriter(path, settings, overwrite=overwrite))
        ahead = codec.ahead(len(plan))
        drawn = _drawn_frames(
            plan, [*ahead, *range(len(plan))], settings, workers, hashed=hashes is not None
        )
        for done, (frame, digest) in enumerate(drawn, start=1 - len(ahead)):
            writer.write(frame)
            if done < 1:
                continue
            for _ in range(n_repeats if done == len(plan) else 0):
                writer.write(frame)
            if hashes is not None:
                hashes.write(digest + "\n")
            if progress is not None:
                progress(done, len(plan))
    plan.written = path
    if not codec.is_folder:  # no file, for a notebook to play
        plan.path = path
    return plan


def held_frames(codec: Codec, fps: Fraction, hold: float | None) -> int:
    """How many more times a film's last frame is shown, so that a loop can be read.

    Args:
        codec: The video's.
        fps: Frames a second.
        hold: For how many seconds; by default `HOLD_S`, and not at all where frames are files.

    Raises:
        OptionError: It is out of range.
    """
    if hold is None:
        hold = 0.0 if codec.is_folder else HOLD_S
    if not (_is_number(hold) and 0 <= hold <= MAX_HOLD_S):
        raise OptionError(f"hold must be 0 to {MAX_HOLD_S:g} seconds, got {hold!r}")
    return round(hold * fps)


def render_frame(
    run: RunLike,
    *,
    frame: int | None = None,
    step: int | None = None,
    options: FilmOptions | None = None,
    **film: object,
) -> NDArray[np.uint8]:
    """Draw one frame of a run's film, the same pixels as in the film.

    Args:
        run: A run, or the path of its archive.
        frame: The frame's number; or
        step: a recorded step that it shows. The last frame if neither is given.
        options: How the film looks; or give the fields of `FilmOptions` as keywords.
        **film: Fields of `FilmOptions`.

    Returns:
        (H, W, 3) uint8.

    Raises:
        LatentvizError: The run or an option is bad.
    """
    with opened_run(run) as opened:
        return frame_picture(
            opened, frame=frame, step=step, options=_film_options(options, film)
        ).pixels


def frame_picture(
    run: Run, *, frame: int | None, step: int | None, options: FilmOptions
) -> Picture:
    """`render_frame`, with the words that belong to it.

    Raises:
        LatentvizError: The run or an option is bad.
    """
    if frame is not None and step is not None:
        raise OptionError("give a frame or a step, not both")
    film = Film(run, options)
    if frame is None:
        frame = len(film) - 1 if step is None else film.frame_at(step)
    drawn = interleaved(film.draw(frame))
    covered = run.steps[film.frames[frame].start : film.frames[frame].stop]
    views = ", ".join(printable(projection.title) for projection in film.page.stage.projections)
    return Picture(
        title=f"{printable(run.name)}, frame {frame}",
        alt=(
            f"The latents of {run.n_points} points in the projections {views}, at steps "
            f"{covered[0]} to {covered[-1]} of training, later ones over earlier ones."
        ),
        data={"frame": frame, "steps": [int(covered[0]), int(covered[-1])]},
        drawn=drawn,
    )


def _drawn_frames(
    film: Film, order: Sequence[int], settings: VideoSettings, workers: int, *, hashed: bool
) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """Each frame's raw bytes and, if wanted, its hash, in order, drawn by several threads.

    A frame is only good until the next one is asked for: its memory is used again.
    """
    page = film.page
    pack = packer(settings.codec.pixel_format)
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


def _check_hashes_path(path: Path, video: Path, run: Run) -> None:
    check_folder(path)
    taken = {"the film": video} | ({"the run": run.path} if run.path is not None else {})
    for what, other in taken.items():
        if path.resolve() == other.resolve():
            raise OptionError(
                f"the frame hashes would overwrite {what}, {other}; name another file"
            )


def _film_options(options: FilmOptions | None, film: dict[str, object]) -> FilmOptions:
    if options is None:
        try:
            return FilmOptions(**film)  # type: ignore[arg-type]
        except TypeError:
            known = ", ".join(FilmOptions.__dataclass_fields__)
            odd = ", ".join(sorted(film.keys() - FilmOptions.__dataclass_fields__.keys()))
            raise OptionError(f"unknown option {odd}; a film's options are {known}") from None
    if film:
        raise OptionError("give options= or keywords, not both")
    return options


def _step_range(run: Run, steps: tuple[int | None, int | None]) -> tuple[int, int]:
    """Indices of the recorded steps of a range."""
    first, stop = steps
    a = 0 if first is None else int(np.searchsorted(run.steps, first))
    b = len(run) if stop is None else int(np.searchsorted(run.steps, stop))
    if a >= b:
        low, high = ("" if s is None else s for s in steps)
        raise OptionError(
            f"steps {low}:{high} hold no recorded step; they are from the first up to, and "
            f"without, the second, and the run has {run.steps[0]} to {run.steps[-1]}"
        )
    return a, b


def _worker_count(threads: int | None) -> int:
    if threads is None:
        return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
    if not 1 <= threads <= 256:
        raise OptionError(f"threads must lie within 1 to 256, got {threads}")
    return threads


@contextmanager
def _atomic_text(path: Path) -> Iterator[IO[str]]:
    """`atomic`, opened for text."""
    with atomic(path) as part, part.open("w") as file:
        yield file
