"""Frames to a video file, by ffmpeg, all or nothing."""

from __future__ import annotations

import contextlib
import math
import os
import re
import subprocess
import tempfile
import weakref
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from .errors import EncodeError, OptionError
from .files import check_folder, held_back, part_name, publish

EXTENSIONS = (".mp4", ".mov", ".mkv")
PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"),
    "veryslow",
)
MAX_FPS = 240
# x264's output depends on the number of threads that it is told, so that is fixed, whatever the
# machine; more threads than cores cost next to nothing.
ENCODER_THREADS = 4
STOP_TIMEOUT_S = 3.0
# Linux's limit for an unprivileged pipe; a frame then takes a few writes and not fifty.
PIPE_BYTES = 1 << 20


@dataclass(frozen=True)
class VideoSettings:
    """How a video is encoded."""

    size: tuple[int, int]  # (width, height)
    fps: Fraction
    crf: int = 23
    preset: str = "medium"

    def __post_init__(self) -> None:
        if not 0 < self.fps <= MAX_FPS:
            got = float(self.fps) if abs(self.fps) < 1e9 else math.inf
            raise OptionError(f"fps must be above 0 and at most {MAX_FPS}, got {got:g}")
        # 0 would be lossless, in a profile that browsers do not play.
        if not 1 <= self.crf <= 51:
            raise OptionError(f"crf must lie within 1 (best) to 51 (smallest), got {self.crf}")
        if self.preset not in PRESETS:
            raise OptionError(f"preset must be one of {', '.join(PRESETS)}, got {self.preset!r}")

    def input_arguments(self) -> list[str]:
        """What to tell ffmpeg of raw yuv420p frames of this size and rate."""
        width, height = self.size
        return [
            *("-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", f"{width}x{height}"),
            *("-framerate", f"{self.fps.numerator}/{self.fps.denominator}"),
            *("-color_range", "tv", "-colorspace", "bt709"),
            *("-color_primaries", "bt709", "-color_trc", "bt709"),
        ]

    def output_arguments(self) -> list[str]:
        """What to tell ffmpeg for H.264 that browsers and QuickTime play."""
        return [
            *("-c:v", "libx264", "-preset", self.preset, "-crf", str(self.crf)),
            *("-pix_fmt", "yuv420p", "-threads", str(ENCODER_THREADS)),
            # The same bytes on every CPU, and no versions or dates in the file.
            *("-x264-params", "cpu-independent=1"),
            *("-flags:v", "+bitexact", "-fflags", "+bitexact", "-map_metadata", "-1"),
        ]


def parse_fps(text: str) -> Fraction:
    """A frame rate: ``30``, ``29.97`` or ``30000/1001``.

    Raises:
        OptionError: It is no number.
    """
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise OptionError(f"fps must be a number such as 30 or 30000/1001, got {text!r}") from None


def check_video_path(path: Path) -> None:
    """Find out before any frame is drawn that a video cannot go to ``path``.

    Raises:
        OptionError: Its extension is unknown, or its folder is missing.
    """
    if path.suffix.lower() not in EXTENSIONS:
        raise OptionError(
            f"a film's extension must be one of {', '.join(EXTENSIONS)}, got {path.name!r}"
        )
    check_folder(path)


def ffmpeg_path() -> str:
    """The ffmpeg binary that came with imageio-ffmpeg, or the one the user chose.

    Raises:
        EncodeError: There is none.
    """
    from imageio_ffmpeg import get_ffmpeg_exe

    try:
        return str(get_ffmpeg_exe())
    except RuntimeError as error:
        raise EncodeError(f"no ffmpeg: {error}; reinstall imageio-ffmpeg") from None


class VideoWriter:
    """Encodes raw yuv420p frames into ``path``.

    The video is written beside its destination and moved there when ffmpeg has ended well and the
    number of frames is right; otherwise nothing is left behind. A context manager.
    """

    def __init__(self, path: str | os.PathLike[str], settings: VideoSettings) -> None:
        """Start ffmpeg.

        Raises:
            OptionError: The path cannot take a video.
            EncodeError: ffmpeg cannot be started.
        """
        self.path = Path(path).absolute()
        check_video_path(self.path)
        self._frame_bytes = settings.size[0] * settings.size[1] * 3 // 2
        self._n_frames = 0
        suffix = self.path.suffix.lower()
        self._part = part_name(self.path, suffix)
        faststart = ["-movflags", "+faststart"] if suffix in (".mp4", ".mov") else []
        command = [
            *(ffmpeg_path(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y"),
            *settings.input_arguments(),
            *("-i", "pipe:0", *settings.output_arguments(), *faststart),
            *("-progress", "pipe:1", "-nostats"),
            # An explicit protocol: a name with a colon is a file all the same.
            f"file:{self._part}",
        ]
        # Files, not pipes: nobody need read them for ffmpeg to go on.
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _close_logs
        self._progress = tempfile.TemporaryFile()  # noqa: SIM115
        # Wherever this is left, and however: ffmpeg is stopped, and its file removed.
        self._remains = _Remains(self._part)
        self._clean = weakref.finalize(self, self._remains.clean)
        try:
            # An ffmpeg that nobody knows of would make its file after it was removed.
            with held_back():
                self._part.touch(0o600, exist_ok=False)
                self._process = self._remains.process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=self._progress,
                    stderr=self._words,
                    bufsize=0,
                    # Ctrl-C is ours to handle: ffmpeg must not see it first.
                    start_new_session=True,
                )
        except BaseException as error:
            self.abort()
            if isinstance(error, OSError):
                raise EncodeError(f"ffmpeg cannot be started: {error}") from None
            raise
        _widen(self._process)

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Append a frame, the (H·W·3/2,) bytes of its Y, U and V planes.

        Raises:
            EncodeError: ffmpeg has ended.
        """
        if frame.nbytes != self._frame_bytes:
            raise OptionError(f"a frame must have {self._frame_bytes} bytes, got {frame.nbytes}")
        assert self._process.stdin is not None
        left = memoryview(frame.data).cast("B")
        try:
            while left:
                left = left[self._process.stdin.write(left) :]
        except OSError:  # a broken pipe: ffmpeg has gone, and says why in its own words
            raise self._failure() from None
        self._n_frames += 1

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
        self._close_logs()

    def _finish(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # as in `write`; the exit status tells
            self._process.stdin.close()
        if self._process.wait() != 0:
            raise self._failure()
        encoded = self._encoded_frames()
        if encoded != self._n_frames:
            raise EncodeError(
                f"ffmpeg encoded {encoded} of {self._n_frames} frames of {self.path.name}; "
                "nothing was kept"
            )
        try:
            publish(self._part, self.path)
        except OSError as error:
            raise EncodeError(f"cannot move the video to {self.path}: {error.strerror}") from None

    def abort(self) -> None:
        """Stop ffmpeg and leave nothing behind."""
        self._clean()
        self._close_logs()

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

    def _failure(self) -> EncodeError:
        """What ffmpeg said when it failed."""
        status = self._process.wait()
        self._words.seek(0)
        words = self._words.read().decode("utf-8", "replace").strip()
        how = f"was killed by signal {-status}" if status < 0 else f"failed with status {status}"
        said = f": {' | '.join(words.splitlines()[-4:])}" if words else ""
        return EncodeError(f"ffmpeg {how}{said}; no video was written")

    def _encoded_frames(self) -> int:
        self._progress.seek(0)
        counts = re.findall(rb"^frame=\s*(\d+)", self._progress.read(), re.MULTILINE)
        return int(counts[-1]) if counts else 0

    def _close_logs(self) -> None:
        self._words.close()
        self._progress.close()


class _Remains:
    """What a video that is not finished must not leave behind."""

    def __init__(self, part: Path) -> None:
        self.part = part
        self.process: subprocess.Popen[bytes] | None = None

    def clean(self) -> None:
        process = self.process
        if process is not None:
            process.kill()
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
            process.wait(STOP_TIMEOUT_S)
        self.part.unlink(missing_ok=True)


def _widen(process: subprocess.Popen[bytes]) -> None:
    """Let ffmpeg's pipe hold more, where the system can."""
    try:
        import fcntl

        assert process.stdin is not None
        fcntl.fcntl(process.stdin, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        pass  # slower, and that is all
