"""The formats of a film, and the options of each."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

from ..errors import OptionError
from ..text import counted


@dataclass(frozen=True)
class Preset:
    """One of our own, made of one of x264's."""

    base: str
    crf: int  # unless told otherwise
    quality: str = "-crf"  # the option of ffmpeg that takes it
    params: str = ""


FILM, DRAFT = "film", "draft"
OWN_PRESETS = {
    # Against medium at CRF 23, which is ffmpeg's own choice, it takes a third of the time for about
    # as many bytes (docs/performance.md): it spends bits on dots rather than on flat ground
    # (aq-mode), and hardly looks for motion between pixels (subme), of which there is little.
    FILM: Preset("veryfast", 24, params=":aq-mode=2:subme=1:rc-lookahead=20"),
    # One quantizer for all frames: to choose one for each costs a sixth of the encoder's time, and
    # ultrafast's films are no better for it.
    DRAFT: Preset("ultrafast", 23, quality="-qp"),
}
X264_CRF = 23  # x264's choice, of its own presets
PRESETS = (
    *OWN_PRESETS,
    *("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"),
    "veryslow",
)
MAX_FPS = 240
LONGEST_NUMBER = 40  # of what is told of it
# x264's output depends on the number of threads that it is told, so that is fixed, whatever the
# machine: two keep two cores busy, and cost 3 % more than one. More cores make more segments at a
# time.
ENCODER_THREADS = 2
MAX_LOOPS = 65535  # what the files have room for
PALETTE_FRAMES = 8
INDEXED = (".mp4", ".mov")  # at their end, unless told otherwise: a browser waits for all
# A frame rate: any exponent of more digits would be out of range, and take for ever to work out.
NUMBER = re.compile(r"[+-]?[0-9]{1,40}(/[0-9]{1,40}|(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?)")

# No versions or dates in the file.
BITEXACT = ("-fflags", "+bitexact", "-map_metadata", "-1")
BT709 = (
    *("-color_range", "tv", "-colorspace", "bt709"),
    *("-color_primaries", "bt709", "-color_trc", "bt709"),
)


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
    # As ffmpeg calls those that it writes, without alpha and with it; None where it cannot.
    written: ClassVar[str | None] = "yuv420p"
    written_alpha: ClassVar[str | None] = None
    fps: ClassVar[str] = "30"  # unless told otherwise
    fps_limits: ClassVar[tuple[Fraction, Fraction]] = (Fraction(0), Fraction(MAX_FPS))
    n_ahead: ClassVar[int] = 0
    longest_last_s: ClassVar[Fraction] = Fraction(0)  # how long its last frame can be told to stay
    is_folder: ClassVar[bool] = False  # of files, one a frame, which have no rate
    draft_preset: ClassVar[str | None] = None  # for a film that is to be there soon
    segment_suffix: ClassVar[str | None] = None  # of the files of its segments; None: it has none

    def arguments(self) -> list[str]:
        """The options of ffmpeg, besides the name of the encoder."""
        raise NotImplementedError

    def n_encoded(self, said: Mapping[bytes, bytes], fps: Fraction) -> int:
        """How many frames there are by what ffmpeg says of its progress."""
        return int(said.get(b"frame", 0))

    def ahead(self, n_frames: int) -> list[int]:
        """The numbers of the frames that a writer takes before all of a film's frames."""
        last = n_frames - 1
        return [round(last * k / max(1, self.n_ahead - 1)) for k in range(self.n_ahead)]


@dataclass(frozen=True)
class H264(Codec):
    """H.264 that browsers and QuickTime play."""

    name = "H.264"
    encoder = "libx264"
    draft_preset = DRAFT
    segment_suffix = ".mp4"  # whose times are exact; those of Matroska are whole milliseconds

    crf: int | None = None  # the preset's
    preset: str = FILM

    def __post_init__(self) -> None:
        if self.crf is None:
            object.__setattr__(self, "crf", self._preset.crf)
        assert self.crf is not None
        # 0 would be lossless, in a profile that browsers do not play.
        _check_within("crf", self.crf, {1: "best", 51: "smallest"})
        if self.preset not in PRESETS:
            raise OptionError(f"preset must be one of {', '.join(PRESETS)}, got {self.preset!r}")

    def arguments(self) -> list[str]:
        """For x264."""
        preset = self._preset
        return [
            *("-preset", preset.base, preset.quality, str(self.crf)),
            *("-threads", str(ENCODER_THREADS)),
            # The same bytes on every CPU, and headers that are the same in all segments.
            *("-x264-params", f"cpu-independent=1:stitchable=1{preset.params}"),
        ]

    @property
    def _preset(self) -> Preset:
        return OWN_PRESETS.get(self.preset, Preset(self.preset, X264_CRF))


@dataclass(frozen=True)
class VP9(Codec):
    """VP9 in WebM, for browsers: a little smaller than H.264 that is as good, and slower."""

    name = "WebM"
    encoder = "libvpx-vp9"
    written_alpha = "yuva420p"
    segment_suffix = ".webm"  # which alone holds its alpha

    crf: int = 35  # about as good as H.264 at 23

    def __post_init__(self) -> None:
        _check_within("crf", self.crf, {1: "best", 63: "smallest"})

    def arguments(self) -> list[str]:
        """For libvpx, whose output does not depend on its threads."""
        return [
            # Without a bit rate of 0, crf would only be a limit.
            *("-crf", str(self.crf), "-b:v", "0", "-deadline", "good", "-cpu-used", "4"),
            *("-row-mt", "1", "-tile-columns", "2"),
            *("-threads", str(ENCODER_THREADS)),
        ]


@dataclass(frozen=True)
class GIF(Codec):
    """A GIF, of 255 colors.

    They are chosen from a few of the film's frames, which come before all of them: whoever looks at
    all frames first has to keep them all until then, and a palette for each would make colors
    flicker and files large.
    """

    name = "GIF"
    encoder = "gif"
    pixel_format = "rgb24"
    written = None  # its palette says
    fps = "20"  # a frame lasts whole hundredths of a second
    fps_limits = (Fraction(1, 100), Fraction(50))  # browsers slow down what claims to be faster
    n_ahead = PALETTE_FRAMES
    longest_last_s = Fraction(65535, 100)

    loop: int = 0

    def __post_init__(self) -> None:
        _check_within("loop", self.loop, {0: "for ever", MAX_LOOPS: "times"})

    def arguments(self) -> list[str]:
        """The palette's making and use, too."""
        # Atkinson's dithering keeps the colors of hundreds of dots apart, leaves the background
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
    """An animated WebP: a fifth of a GIF's size, in all colors.

    Its encoder keeps what it has encoded in memory until the end.
    """

    name = "WebP"
    encoder = "libwebp_anim"
    pixel_format = "rgb24"  # the encoder's own conversion is the one that WebP's readers undo
    written = written_alpha = "bgra"
    fps_limits = (Fraction(1, 100), Fraction(90))  # as for GIFs

    quality: int = 75
    loop: int = 0

    def __post_init__(self) -> None:
        _check_within("quality", self.quality, {0: "smallest", 100: "best"})
        _check_within("loop", self.loop, {0: "for ever", MAX_LOOPS: "times"})

    def arguments(self) -> list[str]:
        """For libwebp."""
        return ["-quality", str(self.quality), "-loop", str(self.loop)]

    def n_encoded(self, said: Mapping[bytes, bytes], fps: Fraction) -> int:
        """By its length: to ffmpeg it is one packet."""
        return round(int(said.get(b"out_time_us", 0)) * fps / 10**6)


@dataclass(frozen=True)
class PNG(Codec):
    """Pictures in a folder, numbered from 0, of exactly the pixels that were drawn."""

    name = "PNG"
    encoder = "png"
    pixel_format = written = "rgb24"
    written_alpha = "rgba"
    is_folder = True

    def arguments(self) -> list[str]:
        """For many files."""
        # Half the time that ffmpeg's own level takes, for a tenth more bytes.
        return ["-compression_level", "3", "-f", "image2", "-start_number", "0"]


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
    has_alpha: bool = False  # whether its ground is transparent

    def __post_init__(self) -> None:
        if self.has_alpha and self.codec.written_alpha is None:
            takers = [end for end, kind in CODECS.items() if kind.written_alpha is not None]
            raise OptionError(
                f"a {self.codec.name} has no transparent ground; {', '.join(takers)} have"
            )
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

    def in_words(self, n_frames: int, n_held: int = 0) -> str:
        """What a film of so many frames is: how many, how long, and how large.

        Args:
            n_frames: How many frames there are.
            n_held: For how many frames more the last one stays.
        """
        held = f" (the last frame is held for {float(n_held / self.fps):.3g} s)" if n_held else ""
        seconds = float((n_frames + n_held) / self.fps)
        duration = "" if self.codec.is_folder else f"{seconds:.1f} s{held}, "
        width, height = self.size
        return f"{counted(n_frames, 'frame')}, {duration}{width}x{height}"

    @property
    def frame_bytes(self) -> int:
        """The size of a raw frame."""
        width, height = self.size
        halves = {"yuv420p": 3, "rgb24": 6, "rgba": 8}[self.pixel_format]  # of a byte, a pixel
        return width * height * halves // 2

    @property
    def pixel_format(self) -> str:
        """Of the raw frames: ``yuv420p``, ``rgb24``, or ``rgba``."""
        return "rgba" if self.has_alpha else self.codec.pixel_format

    def input_arguments(self) -> list[str]:
        """The options of ffmpeg for raw frames of this size and rate."""
        width, height = self.size
        pixel_format = self.pixel_format
        return [
            *("-f", "rawvideo", "-pixel_format", pixel_format, "-video_size", f"{width}x{height}"),
            *("-framerate", f"{self.fps.numerator}/{self.fps.denominator}"),
            *(BT709 if pixel_format == "yuv420p" else []),
        ]

    def output_arguments(self, suffix: str) -> list[str]:
        """The options of ffmpeg for the video, whose name ends so."""
        written = self.codec.written_alpha if self.has_alpha else self.codec.written
        # Of RGB, ffmpeg would take the matrix of standard definition.
        matrix = "scale=out_color_matrix=bt709:out_range=tv"
        to_yuv = ["-vf", f"{matrix},format={written}", *BT709] if written == "yuva420p" else []
        return [
            *("-c:v", self.codec.encoder, *self.codec.arguments()),
            *(() if written is None else ("-pix_fmt", written)),
            *to_yuv,
            *(() if self.last_s is None else ("-final_delay", str(int(100 * self.last_s)))),
            *("-flags:v", "+bitexact+cgop", *BITEXACT),
            *begins_with_index(suffix),
        ]


def begins_with_index(suffix: str) -> list[str]:
    """The options of ffmpeg by which a browser need not wait for the whole of a video."""
    return ["-movflags", "+faststart"] if suffix.lower() in INDEXED else []


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
