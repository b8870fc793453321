"""Films and pictures in files, as HTML that shows them in a page."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .errors import OptionError
from .files import open_regular
from .markup import data_uri, image_html, progress_html, video_html
from .video.decode import film_arguments
from .video.ffmpeg import ffmpeg_path

MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
# A notebook that holds more than this is slow to open: larger films are linked to.
MOST_EMBEDDED_BYTES = 64 << 20
POSTER_WIDTH = 960
RENEWED_S = 0.1  # how often a bar is renewed
RUNS = (".npz", ".npz.part")
SHOWN = (*RUNS, *MEDIA_TYPES)  # what `show` takes


def file_html(path: Path, *, width: int | None = None, alt: str | None = None) -> str:
    """HTML that shows a video or a picture in a file: it is in there, or linked to if it is large.

    Args:
        path: The file.
        width: In pixels of the page; by default its own, or the page's if that is narrower.
        alt: The picture in words; by default the name of the file.

    Raises:
        OptionError: It is neither, or missing.
    """
    suffix = path.suffix.lower()
    if suffix not in MEDIA_TYPES:
        raise OptionError(f"show() takes {', '.join(SHOWN)}, got {path.name!r}")
    media_type = MEDIA_TYPES[suffix]
    try:
        with open_regular(path) as file:
            large = os.fstat(file.fileno()).st_size > MOST_EMBEDDED_BYTES
            source = _link(path) if large else data_uri(file.read(), media_type)
    except OSError as error:
        raise OptionError(f"cannot show {path}: {error.strerror}") from None
    alt = path.name if alt is None else alt
    if media_type.startswith("image/"):
        return image_html(source, alt, width=width)
    return video_html(source, alt, poster=_poster(path), width=width)


def notebook_progress(unit: str) -> Callable[[int, int], None] | None:
    """A bar in the notebook's page, to be called with how many are done, and of all.

    None where there is no notebook.
    """
    # Not imported for it: who is in a notebook has it.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import HTML, display

    begun = time.monotonic()
    renewed = -RENEWED_S
    handle: Any = display(HTML(progress_html(0, 1, f"0 {unit}")), display_id=True)

    def progress(done: int, total: int) -> None:
        nonlocal renewed
        passed = time.monotonic() - begun
        if done < total and passed - renewed < RENEWED_S:
            return
        renewed = passed
        left = passed * (total - done) / max(1, done)
        when = f"{left:.0f} s left" if done < total else f"in {passed:.0f} s"
        handle.update(HTML(progress_html(done, total, f"{done} of {total} {unit}, {when}")))

    return progress


def _link(path: Path) -> str:
    """A file's address, from the current folder."""
    # Of its bytes, as its name need not be text.
    return quote(os.fsencode(Path(os.path.relpath(path)).as_posix()))


def _poster(path: Path) -> str | None:
    """A frame from a video's end, which shows more than its first: nothing is learned there yet."""
    command = [
        *(ffmpeg_path(), "-loglevel", "error", "-sseof", "-1", *film_arguments(path)),
        *("-frames:v", "1", "-vf", f"scale='min({POSTER_WIDTH},iw)':-2"),
        *("-c:v", "mjpeg", "-f", "image2pipe", "-"),
    ]
    jpeg = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).stdout
    return data_uri(jpeg, "image/jpeg") if jpeg else None
