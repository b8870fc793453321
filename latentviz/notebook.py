"""Pictures, films and runs in Jupyter."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from .errors import LatentvizError, OptionError
from .figures.picture import Picture
from .files import expanded, open_regular
from .markup import data_uri, image_html, progress_html, video_html
from .raster.page import interleaved
from .run import Run, open_run
from .video.decode import film_arguments
from .video.ffmpeg import ffmpeg_path

if TYPE_CHECKING:
    from .movie import Film

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
RUNS = (".npz", ".npz.part")
# A notebook that holds more than this is slow to open: larger films are linked to.
MOST_EMBEDDED_BYTES = 64 << 20
POSTER_WIDTH = 960
RENEWED_S = 0.1  # how often a bar is renewed


def show(
    what: Run | Film | Picture | NDArray[np.uint8] | str | os.PathLike[str],
    *,
    width: int | None = None,
) -> None:
    """Show a film, a picture or a run in a notebook.

    Args:
        what: What `render`, `render_frame`, a function ``plot_*`` or `open_run` has given, or the
            path of a video, of a picture or of a run.
        width: In pixels of the page; by default its own, or the page's if that is narrower.

    Raises:
        OptionError: It is nothing that can be shown, or its file is missing.
        LatentvizError: There is no notebook.
        ArchiveError: The run cannot be read.
    """
    try:
        from IPython.display import HTML, display
    except ImportError:
        raise LatentvizError(
            "show() needs Jupyter, which is not installed; save the picture and open its file"
        ) from None
    display(HTML(html_of(what, width=width)))


def html_of(what: object, *, width: int | None = None) -> str:
    """The HTML that `show` shows.

    Raises:
        OptionError: It is nothing that can be shown, or its file is missing.
        ArchiveError: The run cannot be read.
    """
    if isinstance(what, str | os.PathLike):
        return _file_html(expanded(what), width)
    if isinstance(what, np.ndarray):
        what = Picture(title="", alt="A frame of a film.", data={}, drawn=_pixels(what))
    if isinstance(what, Picture):
        return image_html(data_uri(what.png(), "image/png"), what.alt, width=width)
    if isinstance(what, Run):
        return what._repr_html_()
    from .movie import Film

    if isinstance(what, Film):
        if what.path is not None:
            return _file_html(what.path, width, alt=what.alt)
        last = interleaved(what.draw(len(what) - 1))
        picture = Picture(title="", alt=f"{what.alt} Its last frame.", data={}, drawn=last)
        return html_of(picture, width=width)
    raise OptionError(
        "show() takes a run, a film, a picture, (H, W, 3) uint8 pixels, or a path, "
        f"got {type(what).__name__}"
    )


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


def _file_html(path: Path, width: int | None, *, alt: str | None = None) -> str:
    suffix = path.suffix.lower()
    if path.name.lower().endswith(RUNS):
        with open_run(path) as run:
            return html_of(run)
    if suffix not in MEDIA_TYPES:
        kinds = ", ".join([*RUNS, *MEDIA_TYPES])
        raise OptionError(f"show() takes {kinds}, got {path.name!r}")
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


def _pixels(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
        raise OptionError(f"pixels must be (H, W, 3) uint8, got {array.shape} {array.dtype}")
    return array
