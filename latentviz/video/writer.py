"""Frames to a video file or to a folder of pictures, by ffmpeg, all or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..files import expanded
from .formats import VideoSettings
from .output import Output
from .place import check_video_path

T = TypeVar("T")
Frame = NDArray[np.uint8]

# Draws the frames of the given numbers, in that order: what `VideoWriter.write` takes, and anything
# that belongs to it. A frame is good until the next is asked for.
Drawn = Callable[[Sequence[int]], Iterable[tuple[Frame, T]]]


def packer(pixel_format: str) -> Callable[[Frame, Frame], None]:
    """What turns a canvas, (3, H, W), or (4, H, W) of rgba, into the bytes of a raw frame."""
    if pixel_format in ("rgb24", "rgba"):
        return _pack_rgb
    from ..raster.yuv import yuv420_from_rgb

    return yuv420_from_rgb


def _pack_rgb(rgb: Frame, out: Frame) -> None:
    n_planes, height, width = rgb.shape
    np.stack([*rgb], axis=-1, out=out.reshape(height, width, n_planes))


class VideoWriter(Output):
    """Encodes raw frames into ``path``: those that the codec wants `Codec.ahead`, then the film's.

    A context manager; see `Output` for what is left of it where something goes wrong.
    """

    def __init__(
        self, path: str | os.PathLike[str], settings: VideoSettings, *, overwrite: bool = False
    ) -> None:
        """Start ffmpeg.

        Raises:
            OptionError: The path cannot take a video.
            EncodeError: ffmpeg cannot be started.
        """
        path = expanded(path).absolute()
        check_video_path(path, overwrite=overwrite)
        self._settings = settings
        output = settings.output_arguments(path.suffix)
        super().__init__(
            path,
            [*settings.input_arguments(), "-i", "pipe:0", *output],
            is_folder=settings.codec.is_folder,
        )
        self.n_written = -settings.codec.n_ahead  # of the film's own frames

    def write(self, frame: Frame) -> None:
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

    def n_encoded(self, said: Mapping[bytes, bytes]) -> int:
        """As the codec has it."""
        return self._settings.codec.n_encoded(said, self._settings.fps)


def write_whole(
    path: str | os.PathLike[str],
    settings: VideoSettings,
    n_frames: int,
    drawn: Drawn[T],
    *,
    n_repeats: int = 0,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
    written: Callable[[T], object] | None = None,
) -> None:
    """Write a film that has no segments into ``path``, or nothing.

    Args:
        path: Where the video shall lie.
        settings: How it is encoded.
        n_frames: How many frames the film has.
        drawn: Draws frames. Those that the codec wants ahead come first.
        n_repeats: How often the last frame comes again.
        overwrite: Replace the frames of an earlier film. A video is always replaced.
        progress: Called with the number of frames written, and of all.
        written: Called with what belongs to each of the film's frames, in order.

    Raises:
        OptionError: The path cannot take a video.
        EncodeError: ffmpeg failed.
    """
    ahead = settings.codec.ahead(n_frames)
    with VideoWriter(path, settings, overwrite=overwrite) as writer:
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
