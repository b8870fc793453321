"""The film of a run or of several: which frames there are, and what is in each."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import LatentvizWarning, OptionError
from ..figures.painting import kept_page
from ..figures.picture import Picture
from ..media import file_html
from ..raster.page import Page, interleaved
from ..runs.run import Run
from ..scene import Cloud, CloudPanel, Scene, Stage
from ..text import counted, printable
from ..theme import Theme
from .planning import FPS, page_of, planned
from .spec import FilmSpec


class Film:
    """The film of a run, or of several side by side; any frame of it can be drawn alone."""

    def __init__(self, runs: Run | Sequence[Run], spec: FilmSpec, *, fps: float = FPS) -> None:
        """Plan the film; nothing is drawn yet.

        Args:
            runs: One, or several.
            spec: How it looks.
            fps: Frames a second, which say how fast panels turn.

        Raises:
            OptionError: An option is out of range or does not fit the runs.
        """
        self.runs = (runs,) if isinstance(runs, Run) else tuple(runs)
        """As they were given."""
        self._rows = planned(self.runs, spec, fps=fps)
        self._content = page_of(self._rows)
        self._plan = self._content.plan
        self._clock = self._plan.clock
        self.run, self.spec = self._plan.run, spec
        self.frames = self._clock.frames
        self._told = False
        self.path: Path | None = None
        """Where `render` has put it, if it is one file."""
        self.written: Path | None = None
        """The output of `render`: a file, or the pattern of the frames' names."""

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.frames)

    def __repr__(self) -> str:
        """Its run, and where it was written."""
        width, height = self.spec.size
        where = "not written" if self.written is None else f"written to {self.written}"
        return (
            f"<Film of {self.names}, {where}: {counted(len(self), 'frame')}, "
            f"{width}x{height}, {self.shown}>"
        )

    @property
    def alt(self) -> str:
        """A text for those who cannot see the film."""
        return (
            f"The latents of {self.names} in the projections {self.titles}, in "
            f"{counted(len(self), 'frame')} from {self.shown} of training."
        )

    @property
    def names(self) -> str:
        """The runs', in words."""
        plans = dict.fromkeys(row.plan for row in self._rows)
        return ", ".join(plan.name or printable(plan.run.name) for plan in plans)

    @property
    def titles(self) -> str:
        """The projections' titles, in words."""
        # A title that was dropped leaves its dimensions.
        return ", ".join(
            f"{printable(view.title or f'[{view.i},{view.j}]')} {row.shown.name}".rstrip()
            for row in self._rows
            for view in row.shown.projections
        )

    def html(self, *, width: int | None = None) -> str:
        """HTML that shows the film: a player, or its last frame if it was not rendered.

        Args:
            width: In pixels of the page; by default its own, or the page's if that is narrower.
        """
        if self.path is not None:
            return file_html(self.path, width=width, alt=self.alt)
        last = interleaved(self.draw(len(self) - 1))
        alt = f"{self.alt} Its last frame."
        return Picture(title="", alt=alt, data={}, drawn=last).html(width=width)

    def _repr_html_(self) -> str:
        return self.html()

    def frame_at(self, step: int) -> int:
        """Which frame shows a recorded step.

        Raises:
            OptionError: The step was not recorded, or is not in the film.
        """
        if len(self.runs) == 1:
            self.run.index_of(step)
        return self._clock.frame_at(step)

    def draw(self, frame: int, canvas: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Draw a frame, which depends on the run, the spec and its number alone.

        Args:
            frame: Its number.
            canvas: (3, H, W) uint8 to draw on, or (4, H, W) where the ground is transparent, as
                `Page.new_canvas` gives it.

        Returns:
            The canvas.

        Raises:
            OptionError: There is no such frame.
            ArchiveError: The run is damaged, or no point is finite at a step.
        """
        scene = self.scene(frame)
        canvas = self.page.new_canvas() if canvas is None else canvas
        self.page.draw(scene, canvas)
        return canvas

    def scene(self, frame: int) -> Scene:
        """The content of a frame, as plain values in data units.

        Raises:
            OptionError: There is no such frame.
            ArchiveError: The run is damaged, or no point is finite at a step.
        """
        if not 0 <= frame < len(self):
            raise OptionError(f"frame must lie within 0 to {len(self) - 1}, got {frame}")
        parts = tuple(part for panels in self._content.panels for part in panels.parts(frame))
        n_left_out, n_points = max(
            (part.n_left_out, len(part.xy)) for part in parts if isinstance(part, Cloud)
        )
        if n_left_out:
            self._tell(n_left_out, n_points)
        notes = dict.fromkeys(row.shown.fitted.note for row in self._rows)
        note = ", ".join(filter(None, notes))
        return Scene(self._clock.heading(frame, n_left_out, note), parts)

    def _tell(self, n_left_out: int, n_points: int) -> None:
        """Say once a film that points are left out."""
        if not self._told:
            self._told = True
            warnings.warn(
                f"{n_left_out} of {n_points} points are not finite (NaN or infinite) at "
                "some step; they are left out where they are not, and counted in the picture",
                LatentvizWarning,
                stacklevel=2,
            )

    @cached_property
    def stage(self) -> Stage:
        """The part that all frames share, as plain values; made when it is first needed."""
        stage = self._content.stage
        if self.spec.limits is None:
            left_out = [row.reach.left_out for row in self._rows]
            n_left_out, n_points = max((int(each.sum()), len(each)) for each in left_out)
            if n_left_out:
                self._tell(n_left_out, n_points)
        return stage

    @property
    def theme(self) -> Theme:
        """Its colors."""
        return self._plan.theme

    @property
    def has_ground(self) -> bool:
        """Whether the theme's ground lies under all, or none does."""
        return self.spec.ground != "transparent"

    @cached_property
    def page(self) -> Page:
        """The part that all frames share, drawn when it is first needed."""
        page = kept_page(self.stage, self.theme, has_ground=self.has_ground)
        if page.n_names_left_out:
            warnings.warn(
                f"{counted(page.n_names_left_out, 'name')} beside points would cover others in the "
                "last frame, and cannot be seen there; name fewer points with label, or make the "
                "film larger",
                LatentvizWarning,
                stacklevel=2,
            )
        return page

    @property
    def frames_beyond(self) -> int:
        """In how many frames points lie beyond an edge of their projection, where marks say so."""
        clouds = iter([panel for panel in self.stage.panels if isinstance(panel, CloudPanel)])
        beyond = [row.beyond(list(islice(clouds, len(row)))) for row in self._rows]
        return int(np.any(beyond, axis=0).sum())

    @property
    def shown(self) -> str:
        """The first and the last step, in words."""
        return self._clock.shown

    @property
    def figures(self) -> dict[str, Any]:
        """What its transform was fitted to, as plain values; nothing of latents as they are."""
        return dict(self._rows[0].shown.fitted.figures)

    @property
    def pacing(self) -> str:
        """How fast the film goes, in words."""
        return self._clock.pacing

    def frame_words(self, n_done: int) -> str:
        """The content of the last of so many frames, in words."""
        frame, covered = self.frames[n_done - 1], self.covered(n_done - 1)
        where = "" if covered is None else f"step {covered[1]}, "
        return f"{where}{counted(frame.stride + frame.after, 'sub-frame')}"

    def covered(self, frame: int) -> tuple[int, int] | None:
        """The first and the last step of a frame; None where runs are at different ones."""
        return self._clock.covered(frame)
