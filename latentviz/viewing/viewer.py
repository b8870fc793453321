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
from ..film.captions import FilmCaptions
from ..film.clouds import FilmClouds
from ..film.keys import FilmKeys
from ..film.planning import FilmPage, page_of, planned
from ..film.spec import FilmSpec
from ..interruption import orderly
from ..markup import frame_html
from ..media import notebook_progress
from ..runs.opening import RunLike, opened_run
from ..runs.run import Run
from ..text import counted, printable
from ..transforms import Fitted
from ..views import fitted_of
from ..web.page import page_html
from .document import document_of
from .losses import RunsLosses
from .places import Packing
from .spec import MEGABYTE, PageSpec, divided

MOST_RUNS = 6
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
    runs: RunLike | Sequence[RunLike],
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
    given = runs if isinstance(runs, Sequence) and not isinstance(runs, str) else [runs]
    with ExitStack() as stack:
        stack.enter_context(orderly())
        opened = [stack.enter_context(opened_run(run)) for run in given]
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
        if not 1 <= len(runs) <= MOST_RUNS:
            raise OptionError(f"a page has 1 to {MOST_RUNS} runs, got {len(runs)}")
        self.names = run_names(runs)
        fitted = _fitted_together(runs, spec) if len(runs) > 1 else None
        found = [
            planned(run, spec, fitted=fitted, n_components=page_spec.components) for run in runs
        ]
        self._plans = [plan for plan, _ in found]
        self._rows: list[FilmClouds] = []
        for name, (plan, rows) in zip(self.names, found, strict=True):
            for row in rows:
                shown = row.shown
                if len(runs) > 1:
                    shown = replace(shown, name=" ".join(filter(None, [name, shown.name])))
                self._rows.append(FilmClouds(plan, shown, row.marks))

    def at_size(self, size: tuple[int, int]) -> FilmPage:
        """The page of a size; what was measured of the points is kept."""
        plans = [replace(plan, spec=replace(plan.spec, size=size)) for plan in self._plans]
        if len(plans) == 1:
            return page_of(plans[0], self._rows)
        keys = FilmKeys(plans[0], self._rows)
        losses = RunsLosses(plans, self.names)
        return FilmPage(plans[0], tuple(self._rows), keys, losses, FilmCaptions(plans[0]))


def check_page_path(path: Path) -> None:
    """Find out before anything is made that a page cannot go to ``path``.

    Raises:
        OptionError: Its extension is not one of a page, or its folder is missing.
    """
    if path.suffix.lower() not in EXTENSIONS:
        raise OptionError(f"the page's extension must be .html, got {path.name!r}")
    check_folder(path)


def run_names(runs: Sequence[Run]) -> list[str]:
    """Names that tell runs apart: their own; where two are alike, with their folders or numbers."""
    names = [printable(run.name) for run in runs]
    if len(set(names)) == len(names):
        return names
    folders = ["" if run.path is None else f"{run.path.parent.name}/" for run in runs]
    longer = [f"{printable(folder)}{name}" for folder, name in zip(folders, names, strict=True)]
    if len(set(longer)) == len(longer):
        return longer
    return [f"{name} ({k})" for k, name in enumerate(names, 1)]


def _fitted_together(runs: Sequence[Run], spec: FilmSpec) -> Fitted | None:
    """A transform fitted over all runs; None where latents are shown as they are.

    Raises:
        OptionError: It does not fit the runs, or each has several rows.
    """
    if spec.project is None:
        return None
    if len(spec.sources) > 1:
        raise OptionError(
            "of several runs one kind of points can be shown through a transform; give one --points"
        )
    looked_at = [run.at_points(points) for run in runs for points in spec.sources] or list(runs)
    return fitted_of(looked_at, spec.project, spec.center)
