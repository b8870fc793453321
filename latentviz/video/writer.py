"""Frames to a video file or to a folder of pictures, by ffmpeg, all or nothing."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..deferral import Deferred
from ..errors import EncodeError, OptionError
from ..files import expanded
from ..interruption import begin, orderly, settle
from .ffmpeg import Ffmpeg
from .formats import VideoSettings
from .place import FilePlace, FolderPlace, check_video_path

T = TypeVar("T")


def packer(pixel_format: str) -> Callable[[NDArray[np.uint8], NDArray[np.uint8]], None]:
    """What turns a canvas, (3, H, W), or (4, H, W) of rgba, into the bytes of a raw frame."""
    if pixel_format in ("rgb24", "rgba"):
        return _pack_rgb
    from ..raster.yuv import yuv420_from_rgb

    return yuv420_from_rgb


def _pack_rgb(rgb: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    n_planes, height, width = rgb.shape
    out.reshape(height, width, n_planes)[:] = rgb.transpose(1, 2, 0)


class VideoWriter:
    """Encodes raw frames into ``path``: those that the codec wants `Codec.ahead`, then the film's.

    The video is written beside its destination and moved there when ffmpeg has ended well and the
    number of frames is right; otherwise nothing is left behind. A context manager.
    """

    def __init__(
        self, path: str | os.PathLike[str], settings: VideoSettings, *, overwrite: bool = False
    ) -> None:
        """Start ffmpeg.

        Raises:
            OptionError: The path cannot take a video.
            EncodeError: ffmpeg cannot be started.
        """
        self.path = expanded(path).absolute()
        check_video_path(self.path, overwrite=overwrite)
        self._settings = settings
        self.n_written = -settings.codec.n_ahead  # of the film's own frames
        place = FolderPlace if settings.codec.is_folder else FilePlace
        self._place: FilePlace | FolderPlace = place(self.path)
        arguments = [
            *settings.input_arguments(),
            *("-i", "pipe:0", *settings.output_arguments(self.path.suffix)),
            # An explicit protocol: a name with a colon is a file all the same.
            f"file:{self._place.target}",
        ]
        self.ffmpeg = ffmpeg = Ffmpeg()
        # Wherever this is left, and however: ffmpeg is stopped, and its file removed.
        self._clean = weakref.finalize(self, _clean, ffmpeg, self._place)
        begin(self._place.part.path, partial(_clean, ffmpeg, self._place))
        try:
            # An ffmpeg that nobody knows of would make its file after it was removed.
            with Deferred():
                self._place.part.make()
                ffmpeg.start(arguments)
        except BaseException as error:
            self.abort()
            if isinstance(error, OSError):
                raise EncodeError(f"ffmpeg cannot be started: {error}") from None
            raise

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Append a frame: the bytes of its Y, U and V planes, or of its pixels, as `packer` does.

        Raises:
            EncodeError: ffmpeg has ended.
        """
        if frame.nbytes != self._settings.frame_bytes:
            raise OptionError(
                f"a frame must have {self._settings.frame_bytes} bytes, got {frame.nbytes}"
            )
        self.ffmpeg.write(memoryview(frame.data).cast("B"))
        self.n_written += 1

    def finish(self) -> None:
        """End the video and move it into place.

        Raises:
            EncodeError: ffmpeg failed, or the video is not whole.
        """
        try:
            self._finish()
        except BaseException:  # an interrupt too
            self.abort()
            raise
        self._clean.detach()
        settle(self._place.part.path)
        self.ffmpeg.close_logs()

    def _finish(self) -> None:
        said = self.ffmpeg.finish()
        encoded = self._settings.codec.n_encoded(said, self._settings.fps)
        if encoded != self.n_written:
            raise EncodeError(
                f"ffmpeg encoded {encoded} of {self.n_written} frames of {self.path.name}; "
                "nothing was kept"
            )
        try:
            self._place.publish()
        except OSError as error:
            raise EncodeError(f"cannot move the video to {self.path}: {error.strerror}") from None

    def abort(self) -> None:
        """Stop ffmpeg and leave nothing behind."""
        with Deferred():
            self._clean()
            self.ffmpeg.close_logs()

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.abort()


def write_video(
    path: str | os.PathLike[str],
    settings: VideoSettings,
    n_frames: int,
    drawn: Callable[[Sequence[int]], Iterable[tuple[NDArray[np.uint8], T]]],
    *,
    n_repeats: int = 0,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
    written: Callable[[T], object] | None = None,
) -> None:
    """Write a whole film into ``path``, or nothing, also where Ctrl-C or SIGTERM interrupts.

    Args:
        path: Where the video shall lie.
        settings: How it is encoded.
        n_frames: How many frames the film has.
        drawn: Draws the frames of the given numbers, in that order: what `VideoWriter.write`
            takes, and anything that belongs to it. Those that the codec wants ahead come first.
        n_repeats: How often the last frame comes again.
        overwrite: Replace the frames of an earlier film. A video is always replaced.
        progress: Called with the number of frames written, and of all.
        written: Called with what belongs to each of the film's frames, in order.

    Raises:
        OptionError: The path cannot take a video.
        EncodeError: ffmpeg failed.
    """
    ahead = settings.codec.ahead(n_frames)
    with orderly(), VideoWriter(path, settings, overwrite=overwrite) as writer:
        for n_done, (frame, known) in enumerate(drawn([*ahead, *range(n_frames)]), 1 - len(ahead)):
            writer.write(frame)
            if n_done == n_frames:
                for _ in range(n_repeats):
                    writer.write(frame)
            if n_done > 0:
                if written is not None:
                    written(known)
                if progress is not None:
                    progress(n_done, n_frames)


def _clean(ffmpeg: Ffmpeg, place: FilePlace | FolderPlace) -> None:
    """What a video that is not finished must not leave behind."""
    ffmpeg.stop()
    place.part.remove()
    settle(place.part.path)
