"""Frames out of a video file, by ffmpeg."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .encode import ffmpeg_path
from .errors import OptionError

FILMS = (".mp4", ".mov", ".mkv", ".webm", ".gif")  # what `sampled_frames` reads


def spread(n: int, count: int) -> list[int]:
    """At most ``count`` of the numbers below ``n``, evenly spaced, the first and the last too."""
    return [int(i) for i in np.unique(np.linspace(0, n - 1, count).round())]


def sampled_frames(path: Path, count: int) -> list[NDArray[np.uint8]]:
    """At most ``count`` of a video's frames, evenly spaced, the first and the last too.

    Returns:
        Each (H, W, 3) uint8.

    Raises:
        OptionError: ffmpeg cannot read the video.
        EncodeError: There is no ffmpeg.
    """
    from imageio_ffmpeg import count_frames_and_secs
    from PIL import Image

    source = f"file:{path.absolute()}"
    ffmpeg = ffmpeg_path()
    try:
        n_frames = count_frames_and_secs(source)[0]
    except RuntimeError as error:
        why = str(error).strip().splitlines()[-1]
        raise OptionError(f"{path} is no film that can be read: {why}") from None
    chosen = "+".join(f"eq(n,{n})" for n in spread(n_frames, count))
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(ffmpeg, "-nostdin", "-loglevel", "error", "-i", source, "-map", "0:v:0"),
            # The same pixels on every CPU.
            *("-vf", f"select='{chosen}'", "-sws_flags", "accurate_rnd+bitexact+full_chroma_int"),
            *("-fps_mode", "passthrough", "-pix_fmt", "rgb24", f"file:{folder}/%04d.png"),
        ]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            why = " | ".join(done.stderr.strip().splitlines()[-2:])
            raise OptionError(f"{path} is no film that can be read: {why}")
        return [np.asarray(Image.open(frame)) for frame in sorted(Path(folder).iterdir())]
