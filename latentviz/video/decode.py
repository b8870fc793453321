"""Frames out of a video file, by ffmpeg."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..files import expanded, open_regular
from .ffmpeg import ffmpeg_path

# What `sampled_frames` reads, as ffmpeg calls it. A film is opened as what its name says, and not
# as what ffmpeg finds in it: a playlist would make it open other files.
FILMS = {".mp4": "mov", ".mov": "mov", ".mkv": "matroska", ".webm": "matroska", ".gif": "gif"}
CODECS = "h264,vp9,gif"
MOST_PIXELS = 8192 * 8192


def spread(n: int, count: int) -> list[int]:
    """At most ``count`` of the numbers below ``n``, evenly spaced, the first and the last too."""
    return [int(i) for i in np.unique(np.linspace(0, n - 1, count).round())]


def film_arguments(path: Path) -> list[str]:
    """What to tell ffmpeg of a film that is to be read.

    Raises:
        OptionError: It is no regular file, or cannot be opened.
    """
    try:
        open_regular(path).close()
    except OSError as error:
        raise OptionError(f"{path} cannot be read as a film: {error.strerror}") from None
    return [
        *("-nostdin", "-protocol_whitelist", "file", "-f", FILMS[path.suffix.lower()]),
        *("-codec_whitelist", CODECS, "-max_pixels", str(MOST_PIXELS)),
        # An explicit protocol: a name with a colon is a file all the same.
        *("-i", f"file:{path.absolute()}"),
    ]


def sampled_frames(path: Path, count: int) -> list[NDArray[np.uint8]]:
    """At most ``count`` of a video's frames, evenly spaced, the first and the last too.

    Returns:
        Each (H, W, 3) uint8.

    Raises:
        OptionError: ffmpeg cannot read the video, or there is no frame in it.
        EncodeError: There is no ffmpeg.
    """
    from PIL import Image

    path = expanded(path)
    source = [*film_arguments(path), "-map", "0:v:0"]
    counted = _ffmpeg(path, [*source, "-progress", "pipe:1", "-f", "null", "-"])
    n_frames = int(re.findall(r"^frame=\s*(\d+)", counted, re.MULTILINE)[-1])
    if n_frames == 0:
        raise OptionError(f"{path} cannot be read as a film: it holds no frame")
    wanted = spread(n_frames, count)
    chosen = "+".join(f"eq(n,{n})" for n in wanted)
    with tempfile.TemporaryDirectory() as folder:
        options = [
            # The same pixels on every CPU.
            *("-vf", f"select='{chosen}'", "-sws_flags", "accurate_rnd+bitexact+full_chroma_int"),
            *("-pix_fmt", "rgb24", f"file:{folder}/%04d.png"),
        ]
        _ffmpeg(path, [*source, *options])
        files = sorted(Path(folder).iterdir())
        if len(files) != len(wanted):
            raise OptionError(f"{path} cannot be read as a film: some frames are damaged")
        return [np.asarray(Image.open(file, formats=["PNG"])) for file in files]


def _ffmpeg(path: Path, options: list[str]) -> str:
    """Let ffmpeg read a film, frame by frame as they are in it; what it prints."""
    command = [ffmpeg_path(), "-loglevel", "error", *options[:-1], "-fps_mode", "passthrough"]
    done = subprocess.run(
        [*command, options[-1]], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        why = " | ".join(done.stderr.strip().splitlines()[-2:])
        raise OptionError(f"{path} cannot be read as a film: {why}")
    return done.stdout
