"""Runs as one page for the browser: every recorded step, to be scrubbed, hovered and turned."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..files import atomic, check_folder, expanded
from ..film.planning import FilmPage, page_of, planned
from ..film.spec import FilmSpec
from ..interruption import orderly
from ..markup import frame_html
from ..media import notebook_progress
from ..runs.opening import RunsLike, opened_runs
from ..runs.run import Run
from ..text import counted, printable
from ..web.page import page_html
from .document import document_of
from .places import Packing
from .spec import MEGABYTE, PageSpec, divided

EXTENSIONS = (".html", ".htm")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Viewer:
    """A page for the browser. Made by `view`."""

    title: str
    """Of the page."""
    page: str
    """All of it, as HTML."""
    packing: tuple[Packing, ...]
    """What became of each row of points."""
    path: Path | None = None
    """Where it was written, if it was."""

    @property
    def size(self) -> int:
        """How many bytes the page has."""
        return len(self.page.encode())

    @property
    def error_px(self) -> float:
        """How far a point may be from its true place, in pixels of a panel of 760."""
        return max(packing.error_px for packing in self.packing)

    @property
    def words(self) -> str:
        """What is in it."""
        found = []
        for packing in self.packing:
            T, N, k = packing.shape
            steps = counted(T + packing.n_left_out, "step")
            if packing.n_left_out:
                steps = f"{T} of {steps}"
            found.append(f"{steps} of {counted(N, 'point')} in {counted(k, 'component')}")
        return (
            f"{self.size / MEGABYTE:.1f} MB, {'; '.join(dict.fromkeys(found))}; places are within "
            f"{self.error_px:.2f} px of a panel of 760"
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, whole or not at all.

        Raises:
            OptionError: The extension is not .html, or the folder is missing or not writable.
        """
        path = expanded(path)
        check_page_path(path)
        with atomic(path) as part:
            part.write_text(self.page, "utf-8")
        return path

    def html(self, *, width: int | None = None, height: int | None = None) -> str:
        """HTML that shows the page within another one, such as a notebook's.

        Args:
            width: In pixels; by default that of the page around it.
            height: In pixels.
        """
        return frame_html(self.page, self.title, width=width, height=height)

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        where = "not written" if self.path is None else f"written to {self.path}"
        return f"<Viewer of {self.title}, {where}: {self.words}>"


def view(
    runs: RunsLike,
    path: str | os.PathLike[str] | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> Viewer:
    """Make a page for the browser, in which every recorded step can be looked at.

    The page is one file, which needs no server and no network. It holds the places of all points at
    all recorded steps.

    Args:
        runs: A run, or the path of its archive; or up to six of them, which are shown side by side
            at the same step.
        path: Where to write the page, ``.html``; by default nowhere.
        progress: Called with how many steps are done, and of all; by default a bar in a notebook,
            and nothing elsewhere.
        **options: Fields of `FilmSpec`, but for its size, ground and heading; and of `PageSpec`.

    Returns:
        The page, which a notebook shows.

    Raises:
        LatentvizError: A run or an option is bad; nothing is written then.

    Example::

        page = latentviz.view("run.npz", "run.html", dims=[(0, 1), (0, 2)])
        print(page.words)
    """
    film_options, page_options = divided(options)
    spec, page_spec = FilmSpec(**film_options), PageSpec(**page_options)
    if path is not None:
        check_page_path(expanded(path))
    if progress is None:
        progress = notebook_progress("steps")
    with ExitStack() as stack:
        stack.enter_context(orderly())
        opened = stack.enter_context(opened_runs(runs))
        viewer = viewer_of(opened, spec, page_spec, progress=progress)
        return viewer if path is None else replace(viewer, path=viewer.save(path))


def viewer_of(
    runs: Sequence[Run], spec: FilmSpec, page_spec: PageSpec, *, progress: Progress | None = None
) -> Viewer:
    """`view` runs that are open.

    Raises:
        LatentvizError: A run or an option is bad.
    """
    pages = Pages(runs, spec, page_spec)
    document, data, packing = document_of(
        pages.at_size, spec, page_spec, names=pages.names, progress=progress
    )
    return Viewer(document["title"], page_html(document, data), packing)


class Pages:
    """What stands on the pages of some runs."""

    def __init__(self, runs: Sequence[Run], spec: FilmSpec, page_spec: PageSpec) -> None:
        """Plan it all.

        Raises:
            LatentvizError: A run or an option is bad.
        """
        self._rows = planned(runs, spec, n_components=page_spec.components)
        if any(row.turning for row in self._rows):
            raise OptionError("a page turns its panels itself; give dims of two, such as 1,0")
        plans = dict.fromkeys(row.plan for row in self._rows)
        self.names = [plan.name or printable(plan.run.name) for plan in plans]

    def at_size(self, size: tuple[int, int]) -> FilmPage:
        """The page of a size; what was measured of the points is kept."""
        return page_of(self._rows, size)


def check_page_path(path: Path) -> None:
    """Find out before anything is made that a page cannot go to ``path``.

    Raises:
        OptionError: Its extension is not one of a page, or its folder is missing.
    """
    if path.suffix.lower() not in EXTENSIONS:
        raise OptionError(f"the page's extension must be .html, got {path.name!r}")
    check_folder(path)
