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
from .viewing.viewer import Viewer, view


def show(
    what: Run | Viewer | Film | Picture | NDArray[np.uint8] | str | os.PathLike[str],
    *,
    width: int | None = None,
    **options: Any,
) -> None:
    """Show a run, a film or a picture in a notebook.

    A run is shown as the page that `view` makes, in which every step can be looked at; one that
    names no points, or is closed, as a table of what is in it. All that is shown stays in the
    notebook's file, and in what it is exported to.

    Args:
        what: The result of `open_run`, `view`, `render`, `render_frame` or a function ``plot_*``,
            or the path of a run, of a video or of a picture.
        width: The width in pixels of the page; by default its own, or that of the page if that is
            narrower.
        **options: Of a run, as for `view`.

    Raises:
        OptionError: ``what`` cannot be shown, its file is missing, or an option is not for it.
        LatentvizError: There is no notebook.
        ArchiveError: The run cannot be read.
    """
    try:
        from IPython.display import HTML, display
    except ImportError:
        raise LatentvizError(
            "show() needs Jupyter, which is not installed; save the picture and open its file"
        ) from None
    display(HTML(html_of(what, width=width, **options)))


def html_of(what: object, *, width: int | None = None, **options: Any) -> str:
    """The HTML that `show` shows.

    Raises:
        OptionError: ``what`` cannot be shown, its file is missing, or an option is not for it.
        ArchiveError: The run cannot be read.
    """
    if isinstance(what, str | os.PathLike):
        path = expanded(what)
        if path.name.lower().endswith(RUNS):
            with open_run(path) as run:
                return html_of(run, width=width, **options)
        _refuse(options)
        return file_html(path, width=width)
    if isinstance(what, Run) and what.points is not None and not what.is_closed:
        return view(what, **options).html(width=width)
    _refuse(options)
    if isinstance(what, np.ndarray):
        what = Picture(title="", alt="A frame of a film.", data={}, drawn=_pixels(what))
    if isinstance(what, Picture | Film | Viewer):
        return what.html(width=width)
    if isinstance(what, Run):
        return what.html()
    raise OptionError(
        "show() takes a run, a film, a picture, (H, W, 3) uint8 pixels, or a path, "
        f"got {type(what).__name__}"
    )


def _refuse(options: dict[str, Any]) -> None:
    if options:
        raise OptionError(f"{', '.join(sorted(options))}: options are for a run that has points")


def _pixels(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
        raise OptionError(f"pixels must be (H, W, 3) uint8, got {array.shape} {array.dtype}")
    return array
