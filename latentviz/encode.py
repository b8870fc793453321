"""Frames to a video file or to a folder of pictures, by ffmpeg, all or nothing."""

from __future__ import annotations

import contextlib
import math
import os
import re
import subprocess
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .errors import EncodeError, OptionError
from .files import Part, check_folder, expanded, replace_all
from .interruption import begin, held_back, orderly, settle

PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"),
    "veryslow",
)
MAX_FPS = 240
LONGEST_NUMBER = 40  # of what is told of it
# x264's output depends on the number of threads that it is told, so that is fixed, whatever the
# machine; more threads than cores cost next to nothing.
ENCODER_THREADS = 4
STOP_TIMEOUT_S = 3.0
# Linux's limit for an unprivileged pipe; a frame then takes a few writes and not fifty.
PIPE_BYTES = 1 << 20
MAX_LOOPS = 65535  # what the files have room for
PALETTE_FRAMES = 8
FRAME_NAME = re.compile(r"[^%]*%0[1-9]d[^%]*\.(?i:png)")
# A frame rate: any exponent of more digits would be out of range, and take for ever to work out.
NUMBER = re.compile(r"[+-]?[0-9]{1,40}(/[0-9]{1,40}|(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?)")


def _check_within(name: str, value: int, ends: dict[int, str]) -> None:
    if not min(ends) <= value <= max(ends):
        limits = " to ".join(f"{end} ({meaning})" for end, meaning in ends.items())
        raise OptionError(f"{name} must lie within {limits}, got {value}")


@dataclass(frozen=True)
class Codec:
    """How frames become a video. Its fields are what a user can choose."""

    name: ClassVar[str]
    encoder: ClassVar[str]  # as ffmpeg calls it
    pixel_format: ClassVar[str] = "yuv420p"  # of the frames that it takes; or rgb24
    fps: ClassVar[str] = "30"  # unless told otherwise
    fps_limits: ClassVar[tuple[Fraction, Fraction]] = (Fraction(0), Fraction(MAX_FPS))
    n_ahead: ClassVar[int] = 0
    longest_last_s: ClassVar[Fraction] = Fraction(0)  # how long its last frame can be told to stay

    def arguments(self) -> list[str]:
        """What to tell ffmpeg, besides the encoder's name."""
        raise NotImplementedError

    def ahead(self, n_frames: int) -> list[int]:
        """The numbers of the frames that a writer takes before all of a film's frames."""
        last = n_frames - 1
        return [round(last * k / max(1, self.n_ahead - 1)) for k in range(self.n_ahead)]


@dataclass(frozen=True)
class H264(Codec):
    """H.264 that browsers and QuickTime play."""

    name = "H.264"
    encoder = "libx264"

    crf: int = 23
    preset: str = "medium"

    def __post_init__(self) -> None:
        # 0 would be lossless, in a profile that browsers do not play.
        _check_within("crf", self.crf, {1: "best", 51: "smallest"})
        if self.preset not in PRESETS:
            raise OptionError(f"preset must be one of {', '.join(PRESETS)}, got {self.preset!r}")

    def arguments(self) -> list[str]:
        """For x264."""
        return [
            *("-preset", self.preset, "-crf", str(self.crf)),
            *("-pix_fmt", "yuv420p", "-threads", str(ENCODER_THREADS)),
            # The same bytes on every CPU.
            *("-x264-params", "cpu-independent=1"),
        ]


@dataclass(frozen=True)
class VP9(Codec):
    """VP9 in WebM, for browsers: a little smaller than H.264 that is as good, and slower."""

    name = "WebM"
    encoder = "libvpx-vp9"

    crf: int = 35  # about as good as H.264 at 23

    def __post_init__(self) -> None:
        _check_within("crf", self.crf, {1: "best", 63: "smallest"})

    def arguments(self) -> list[str]:
        """For libvpx, whose output does not depend on its threads."""
        return [
            # Without a bit rate of 0, crf would only be a limit.
            *("-crf", str(self.crf), "-b:v", "0", "-deadline", "good", "-cpu-used", "4"),
            *("-row-mt", "1", "-tile-columns", "2"),
            *("-pix_fmt", "yuv420p", "-threads", str(ENCODER_THREADS)),
        ]


@dataclass(frozen=True)
class GIF(Codec):
    """A GIF, of 255 colours.

    They are chosen from a few of the film's frames, which come before all of them: whoever looks at
    all frames first has to keep them all until then, and a palette for each would make colours
    flicker and files large.
    """

    name = "GIF"
    encoder = "gif"
    pixel_format = "rgb24"
    fps = "20"  # a frame lasts whole hundredths of a second
    fps_limits = (Fraction(1, 100), Fraction(50))  # browsers slow down what claims to be faster
    n_ahead = PALETTE_FRAMES
    longest_last_s = Fraction(65535, 100)

    loop: int = 0

    def __post_init__(self) -> None:
        _check_within("loop", self.loop, {0: "for ever", MAX_LOOPS: "times"})

    def arguments(self) -> list[str]:
        """The palette's making and use, too."""
        # Atkinson's dithering keeps the colours of hundreds of dots apart, leaves the background
        # alone, and adds less noise that moves, and that has to be stored, than others.
        palette = (
            f"split[a][b];[a]trim=end_frame={PALETTE_FRAMES},palettegen[palette];"
            f"[b]trim=start_frame={PALETTE_FRAMES},setpts=PTS-STARTPTS[film];"
            "[film][palette]paletteuse=dither=atkinson"
        )
        # A GIF says how often it is repeated, 0 for ever, or nothing, which ffmpeg is told by -1.
        repeats = {0: 0, 1: -1}.get(self.loop, self.loop - 1)
        return ["-vf", palette, "-loop", str(repeats)]


@dataclass(frozen=True)
class WebP(Codec):
    """An animated WebP: a fifth of a GIF's size, in all colours.

    Its encoder keeps what it has encoded in memory until the end.
    """

    name = "WebP"
    encoder = "libwebp_anim"
    pixel_format = "rgb24"  # the encoder's own conversion is the one that WebP's readers undo
    fps_limits = (Fraction(1, 100), Fraction(90))  # as for GIFs

    quality: int = 75
    loop: int = 0

    def __post_init__(self) -> None:
        _check_within("quality", self.quality, {0: "smallest", 100: "best"})
        _check_within("loop", self.loop, {0: "for ever", MAX_LOOPS: "times"})

    def arguments(self) -> list[str]:
        """For libwebp."""
        return ["-quality", str(self.quality), "-pix_fmt", "bgra", "-loop", str(self.loop)]


@dataclass(frozen=True)
class PNG(Codec):
    """Pictures in a folder, numbered from 0, of exactly the pixels that were drawn."""

    name = "PNG"
    encoder = "png"
    pixel_format = "rgb24"

    def arguments(self) -> list[str]:
        """For many files."""
        # Half the time that ffmpeg's own level takes, for a tenth more bytes.
        pixels = ["-pix_fmt", "rgb24", "-compression_level", "3"]
        return [*pixels, "-f", "image2", "-start_number", "0"]


CODECS: dict[str, type[Codec]] = {
    **{".mp4": H264, ".mov": H264, ".mkv": H264, ".webm": VP9},
    **{".gif": GIF, ".webp": WebP, ".png": PNG},
}


@dataclass(frozen=True)
class VideoSettings:
    """How a video is encoded."""

    size: tuple[int, int]  # (width, height)
    fps: Fraction
    codec: Codec = H264()
    last_s: Fraction | None = None  # how long the last frame stays, where the codec can be told

    def __post_init__(self) -> None:
        got = float(self.fps) if abs(self.fps) < 1e9 else math.inf
        if not 0 < self.fps <= MAX_FPS:
            raise OptionError(f"fps must be above 0 and at most {MAX_FPS}, got {got:g}")
        least, most = self.codec.fps_limits
        if not least <= self.fps <= most:
            raise OptionError(
                f"a {self.codec.name}'s fps must lie within {float(least):g} to {float(most):g}, "
                f"got {got:g}"
            )

    def holding_last(self, n_frames: int, n_held: int) -> tuple[VideoSettings, int]:
        """Settings by which the last frame stays for longer, and how often it must be repeated.

        Args:
            n_frames: How many frames there are.
            n_held: For how many frames more it is to stay.
        """
        # A GIF's frames last whole hundredths of a second, all together as long as asked.
        begin, end = (round(100 * n / self.fps) for n in (n_frames - 1, n_frames + n_held))
        last_s = Fraction(end - begin, 100)
        if n_held == 0 or last_s > self.codec.longest_last_s:
            return self, n_held
        return replace(self, last_s=last_s), 0

    @property
    def frame_bytes(self) -> int:
        """The size of a raw frame."""
        width, height = self.size
        return width * height * 3 // (2 if self.codec.pixel_format == "yuv420p" else 1)

    def input_arguments(self) -> list[str]:
        """What to tell ffmpeg of raw frames of this size and rate."""
        width, height = self.size
        pixel_format = self.codec.pixel_format
        colors = [
            *("-color_range", "tv", "-colorspace", "bt709"),
            *("-color_primaries", "bt709", "-color_trc", "bt709"),
        ]
        return [
            *("-f", "rawvideo", "-pixel_format", pixel_format, "-video_size", f"{width}x{height}"),
            *("-framerate", f"{self.fps.numerator}/{self.fps.denominator}"),
            *(colors if pixel_format == "yuv420p" else []),
        ]

    def output_arguments(self) -> list[str]:
        """What to tell ffmpeg of the video to make."""
        return [
            *("-c:v", self.codec.encoder, *self.codec.arguments()),
            *(() if self.last_s is None else ("-final_delay", str(int(100 * self.last_s)))),
            # No versions or dates in the file.
            *("-flags:v", "+bitexact", "-fflags", "+bitexact", "-map_metadata", "-1"),
        ]


def parse_fps(text: str) -> Fraction:
    """A frame rate: ``30``, ``29.97`` or ``30000/1001``.

    Raises:
        OptionError: It is no number.
    """
    try:
        if NUMBER.fullmatch(text.strip()):
            return Fraction(text)
    except ZeroDivisionError:
        pass
    got = text if len(text) <= LONGEST_NUMBER else f"{text[:LONGEST_NUMBER]}..."
    raise OptionError(f"fps must be a number such as 30 or 30000/1001, got {got!r}")


def names_video(path: Path) -> bool:
    """Whether a video can be written at ``path``, by its name: a PNG without a % is a picture."""
    suffix = path.suffix.lower()
    return suffix in CODECS and (suffix != ".png" or "%" in path.name)


def codec_for(path: Path, **chosen: int | str | None) -> Codec:
    """What a video's name says it is to be.

    Args:
        path: Where the video shall lie.
        **chosen: Fields of the codec's; None for its own defaults.

    Raises:
        OptionError: Its extension is unknown, or what was chosen is not for it, or out of range.
    """
    if not names_video(path):
        videos = ", ".join(suffix for suffix in CODECS if suffix != ".png")
        raise OptionError(
            f"a video's extension must be one of {videos}, or it is a folder of frames such as "
            f"frames/%05d.png; got {path.name!r}"
        )
    suffix = path.suffix.lower()
    given = {name: value for name, value in chosen.items() if value is not None}
    for name in given:
        takers = [end for end, kind in CODECS.items() if name in {f.name for f in fields(kind)}]
        if suffix not in takers:
            raise OptionError(f"{name} is for {', '.join(takers)}, not for {suffix}")
    return CODECS[suffix](**given)


def check_video_path(path: Path, *, overwrite: bool = False) -> None:
    """Find out before any frame is drawn that a video cannot go to ``path``.

    Args:
        path: Where the video shall lie.
        overwrite: Whether frames of an earlier film may be replaced, as a video always is.

    Raises:
        OptionError: Its extension is unknown, or its folder is missing, or holds such frames.
    """
    path = expanded(path)
    codec = codec_for(path)
    folder = path.parent
    if not isinstance(codec, PNG):
        check_folder(path)
        return
    if not FRAME_NAME.fullmatch(path.name):
        raise OptionError(
            f"frames' names must have one number such as %05d, and end in .png; got {path.name!r}"
        )
    if folder.is_dir():
        check_folder(path)
        earlier = _numbered(path)
        if not overwrite and earlier:
            raise OptionError(
                f"{folder} holds frames of an earlier film, {len(earlier)} of them; replace them "
                "with overwrite=True (or --overwrite), or name another folder"
            )
        for odd in earlier:
            if not odd.is_file():
                raise OptionError(f"{odd} is no file, and in a frame's place; move it away")
    elif folder.exists():
        raise OptionError(f"{folder} is a file; name a folder for the frames")
    else:
        check_folder(folder)  # where it is to be made


def packer(pixel_format: str) -> Callable[[NDArray[np.uint8], NDArray[np.uint8]], None]:
    """What turns a canvas, (3, H, W), into the bytes of a raw frame."""
    if pixel_format == "rgb24":
        return _pack_rgb
    from .raster.yuv import yuv420_from_rgb

    return yuv420_from_rgb


def _pack_rgb(rgb: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    _, height, width = rgb.shape
    out.reshape(height, width, 3)[:] = rgb.transpose(1, 2, 0)


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
        self._orderly = orderly()
        self._settings = settings
        self._n_frames = -settings.codec.n_ahead
        suffix = self.path.suffix.lower()
        place = _Folder if isinstance(settings.codec, PNG) else _File
        self._place: _File | _Folder = place(self.path)
        faststart = ["-movflags", "+faststart"] if suffix in (".mp4", ".mov") else []
        command = [
            *(ffmpeg_path(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y"),
            *settings.input_arguments(),
            *("-i", "pipe:0", *settings.output_arguments(), *faststart),
            *("-progress", "pipe:1", "-nostats"),
            # An explicit protocol: a name with a colon is a file all the same.
            f"file:{self._place.target}",
        ]
        # Files, not pipes: nobody need read them for ffmpeg to go on.
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _close_logs
        self._progress = tempfile.TemporaryFile()  # noqa: SIM115
        # Wherever this is left, and however: ffmpeg is stopped, and its file removed.
        self._remains = _Remains(self._place)
        self._clean = weakref.finalize(self, self._remains.clean)
        begin(self._place.part.path, self._remains.clean)
        try:
            # An ffmpeg that nobody knows of would make its file after it was removed.
            with held_back():
                self._place.part.make()
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
        """Append a frame: the bytes of its Y, U and V planes, or of its pixels, as `packer` does.

        Raises:
            EncodeError: ffmpeg has ended.
        """
        if frame.nbytes != self._settings.frame_bytes:
            raise OptionError(
                f"a frame must have {self._settings.frame_bytes} bytes, got {frame.nbytes}"
            )
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
        settle(self._place.part.path)
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
            self._place.publish()
        except OSError as error:
            raise EncodeError(f"cannot move the video to {self.path}: {error.strerror}") from None

    def abort(self) -> None:
        """Stop ffmpeg and leave nothing behind."""
        with held_back():
            self._clean()
            self._close_logs()

    def __enter__(self) -> VideoWriter:
        self._orderly.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.finish()
            else:
                self.abort()
        finally:
            self._orderly.__exit__(kind, error, tb)

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
        said = dict(re.findall(rb"^(\w+)=\s*(\d+)\s*$", self._progress.read(), re.MULTILINE))
        if isinstance(self._settings.codec, WebP):  # it is one packet, as long as all its frames
            return round(int(said.get(b"out_time_us", 0)) * self._settings.fps / 10**6)
        return int(said.get(b"frame", 0))

    def _close_logs(self) -> None:
        self._words.close()
        self._progress.close()


class _File:
    """A video that is written beside its destination."""

    def __init__(self, path: Path) -> None:
        self.part = Part(path, suffix=path.suffix.lower())
        self.target = str(self.part.path)

    def publish(self) -> None:
        self.part.publish()


class _Folder:
    """Frames that are written to a folder of their own, which becomes theirs or is emptied into it.

    It lies beside a destination that is not there yet, and within one that is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_new = not path.parent.exists()
        self.part = Part(path.parent if self.is_new else path, is_folder=True)
        # To ffmpeg the whole path is a pattern.
        self.target = str(self.part.path).replace("%", "%%") + os.sep + path.name

    def publish(self) -> None:
        folder, ours = self.path.parent, self.part.path
        with held_back():  # else the frames might be of two films
            if self.is_new:
                ours.rename(folder)
            else:
                replace_all(_numbered(self.path), list(ours.iterdir()), folder, ours)
            self.part.remove()


def _numbered(path: Path) -> list[Path]:
    """What a pattern such as ``frames/%05d.png`` may have written, in any order: no 7.png."""
    before, digits, after = re.split(r"%0(\d)d", path.name)
    number = rf"([0-9]{{{digits}}}|[1-9][0-9]{{{digits},}})"
    name = re.compile(re.escape(before) + number + re.escape(after))
    return [file for file in path.parent.iterdir() if name.fullmatch(file.name)]


class _Remains:
    """What a video that is not finished must not leave behind."""

    def __init__(self, place: _File | _Folder) -> None:
        self.place = place
        self.process: subprocess.Popen[bytes] | None = None

    def clean(self) -> None:
        process = self.process
        if process is not None:
            process.kill()
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):  # its disk does not answer
                process.wait(STOP_TIMEOUT_S)
        self.place.part.remove()
        settle(self.place.part.path)


def _widen(process: subprocess.Popen[bytes]) -> None:
    """Let ffmpeg's pipe hold more, where the system can."""
    try:
        import fcntl

        assert process.stdin is not None
        fcntl.fcntl(process.stdin, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        pass  # slower, and that is all
