"""A film's segments: each is encoded by itself, and ffmpeg joins them as they are.

They all begin with a keyframe, and depend on nothing outside. So a film has the same bytes whoever
makes its segments, in whichever order, and however often that is interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ..files import expanded
from ..interruption import orderly
from .formats import BITEXACT, VideoSettings, begins_with_index
from .output import Output
from .parts import Parts, passing_folder
from .writer import Drawn, T, VideoWriter, write_whole

# A keyframe each: four seconds at 30 frames a second cost 0.8 % of a film's size.
SEGMENT_FRAMES = 120
DRAIN_S = 5.0  # for an encoder that has all of its frames


@dataclass(frozen=True)
class Segment:
    """Some of a video's frames, one after the other.

    Attributes:
        index: Its number, from 0.
        frames: Its frames, as the numbers of the film's.
        n_repeats: How often the last of them comes again.
    """

    index: int
    frames: range
    n_repeats: int

    def __len__(self) -> int:
        """How many frames there are in the video."""
        return len(self.frames) + self.n_repeats

    def __str__(self) -> str:
        """For whoever is told of it."""
        return f"segment {self.index}"


def segments_of(n_frames: int, n_repeats: int = 0) -> tuple[Segment, ...]:
    """The segments of a film, of which all but the last are of one length.

    Args:
        n_frames: How many frames the film has, at least one.
        n_repeats: How often the last of them comes again.
    """
    found = []
    for index, start in enumerate(range(0, n_frames + n_repeats, SEGMENT_FRAMES)):
        stop = min(start + SEGMENT_FRAMES, n_frames + n_repeats)
        first = min(start, n_frames - 1)
        frames = range(first, max(first + 1, min(stop, n_frames)))
        found.append(Segment(index, frames, stop - start - len(frames)))
    return tuple(found)


class SegmentWriter(VideoWriter):
    """Encodes a segment into the folder of the others."""

    def __init__(self, segment: Segment, settings: VideoSettings, parts: Parts) -> None:
        """Start ffmpeg.

        Raises:
            EncodeError: ffmpeg cannot be started.
        """
        self.notes: list[str] = []
        self._index, self._parts = segment.index, parts
        super().__init__(parts.destination(segment.index), settings)

    def final_name(self, file: Path) -> str:
        """With its digest."""
        return self._parts.name_of(self._index, file, self.notes)

    def finish(self) -> None:
        """As that of a video, and it is among the others."""
        super().finish()
        self._parts.add(self._index, self.path)


def write_segments(
    segments: Sequence[Segment],
    settings: VideoSettings,
    parts: Parts,
    drawn: Drawn[T],
    *,
    written: Callable[[T], object] | None = None,
    noted: Callable[[T], str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Draw and encode segments, one after the other. An interrupt leaves those that are finished.

    Args:
        segments: Which.
        settings: How the video is encoded.
        parts: Where they go.
        drawn: Draws frames.
        written: Called with what belongs to each frame, in order.
        noted: The line of it that is kept with the segment.
        progress: Called with the number of the film's frames that are written.

    Raises:
        EncodeError: ffmpeg failed.
    """
    # Drawing goes on while one encoder ends and the next begins.
    frames = iter(drawn(list(chain.from_iterable(segment.frames for segment in segments))))
    n_done = 0
    ending: Future[None] | None = None
    with ExitStack() as stack:
        ender = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="latentviz-encode"))
        for segment in segments:
            writer = SegmentWriter(segment, settings, parts)
            try:
                for k in range(len(segment.frames)):
                    frame, known = next(frames)
                    for _ in range(1 + (segment.n_repeats if k + 1 == len(segment.frames) else 0)):
                        writer.write(frame)
                    if noted is not None:
                        writer.notes.append(noted(known))
                    if written is not None:
                        written(known)
                    n_done += 1
                    if progress is not None:
                        progress(n_done)
            except BaseException:
                writer.abort()
                raise
            if ending is not None:
                ending.result()
            ending = ender.submit(writer.finish)
            stack.callback(_end, writer, ending)
        if ending is not None:
            ending.result()


def _end(writer: SegmentWriter, ending: Future[None]) -> None:
    """Let an encoder end that has all of its frames, or stop it where it does not."""
    if wait([ending], DRAIN_S).not_done:
        writer.abort()


def join_segments(
    path: Path, settings: VideoSettings, segments: Sequence[Segment], parts: Parts
) -> None:
    """Join segments that are all there, without encoding them again; whole, or not at all.

    Args:
        path: Where the video shall lie.
        settings: How it is encoded.
        segments: All of its segments.
        parts: Where they are.

    Raises:
        EncodeError: ffmpeg failed, or the video is not whole.
    """
    lines = ["ffconcat version 1.0"]
    for segment in segments:
        # A file's own clock may be of whole milliseconds; the film's is exact.
        duration = len(segment) / settings.fps
        lines += [f"file {parts[segment.index].name}", f"duration {float(duration):.9f}"]
    listed = parts.folder / f"{parts.key}.ffconcat"
    listed.write_text("\n".join(lines) + "\n")
    try:
        copied = ["-f", "concat", "-i", f"file:{listed.absolute()}", "-c", "copy"]
        with Output(path, [*copied, *BITEXACT, *begins_with_index(path.suffix)]) as video:
            video.n_written = sum(map(len, segments))
    finally:
        listed.unlink(missing_ok=True)


def write_video(
    path: str | os.PathLike[str],
    settings: VideoSettings,
    n_frames: int,
    drawn: Drawn[T],
    *,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
    written: Callable[[T], object] | None = None,
) -> None:
    """Write a whole film into ``path``, or nothing, also where Ctrl-C or SIGTERM interrupts.

    Args:
        path: Where the video shall lie.
        settings: How it is encoded.
        n_frames: How many frames the film has.
        drawn: Draws frames; in segments of `SEGMENT_FRAMES`, where the codec has them.
        overwrite: Replace the frames of an earlier film. A video is always replaced.
        progress: Called with the number of frames written, and of all.
        written: Called with what belongs to each of the film's frames, in order.

    Raises:
        OptionError: The path cannot take a video.
        EncodeError: ffmpeg failed.
    """
    path, suffix = expanded(path), settings.codec.segment_suffix
    with orderly():
        if suffix is None:
            write_whole(
                path, settings, n_frames, drawn,
                overwrite=overwrite, progress=progress, written=written,
            )  # fmt: skip
            return
        segments = segments_of(n_frames)
        with passing_folder(path) as folder:
            parts = Parts(folder, "film", suffix)
            write_segments(
                segments, settings, parts, drawn, written=written,
                progress=None if progress is None else lambda n: progress(n, n_frames),
            )  # fmt: skip
            join_segments(path, settings, segments, parts)
