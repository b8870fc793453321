"""Pictures, films and runs in Jupyter."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import LatentvizError, OptionError
from .figures.picture import Picture
from .files import expanded
from .film.film import Film
from .media import RUNS, file_html
from .runs.opening import open_run
from .runs.run import Run


def show(
    what: Run | Film | Picture | NDArray[np.uint8] | str | os.PathLike[str],
    *,
    width: int | None = None,
) -> None:
    """Show a film, a picture or a run in a notebook.

    Args:
        what: The result of `render`, `render_frame`, a function ``plot_*`` or `open_run`, or the
            path of a video, of a picture or of a run.
        width: The width in pixels of the page; by default its own, or that of the page if that is
            narrower.

    Raises:
        OptionError: ``what`` cannot be shown, or its file is missing.
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
        OptionError: ``what`` cannot be shown, or its file is missing.
        ArchiveError: The run cannot be read.
    """
    if isinstance(what, str | os.PathLike):
        path = expanded(what)
        if not path.name.lower().endswith(RUNS):
            return file_html(path, width=width)
        with open_run(path) as run:
            return html_of(run)
    if isinstance(what, np.ndarray):
        what = Picture(title="", alt="A frame of a film.", data={}, drawn=_pixels(what))
    if isinstance(what, Picture | Film):
        return what.html(width=width)
    if isinstance(what, Run):
        return what.html()
    raise OptionError(
        "show() takes a run, a film, a picture, (H, W, 3) uint8 pixels, or a path, "
        f"got {type(what).__name__}"
    )


def _pixels(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
        raise OptionError(f"pixels must be (H, W, 3) uint8, got {array.shape} {array.dtype}")
    return array
