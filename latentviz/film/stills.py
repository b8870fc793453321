"""One frame of a film alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..beside import Beside
from ..errors import OptionError
from ..figures.picture import Picture
from ..raster.page import interleaved
from ..runs.opening import RunsLike, opened_runs
from ..runs.run import Run
from ..scene import Scene
from .film import Film
from .spec import FilmSpec, film_spec


def render_frame(
    run: RunsLike,
    *,
    frame: int | None = None,
    step: int | None = None,
    spec: FilmSpec | None = None,
    **options: Any,
) -> NDArray[np.uint8]:
    """Draw one frame of a run's film, the same pixels as in the film.

    Args:
        run: A run, or the path of its archive; or up to six of them, side by side.
        frame: The frame's number; or
        step: a recorded step that it shows. The last frame if neither is given.
        spec: How the film looks; or give the fields of `FilmSpec` as keywords.
        **options: Fields of `FilmSpec`.

    Returns:
        (H, W, 3) uint8; (H, W, 4), red, green, blue and alpha, where the ground is transparent.

    Raises:
        LatentvizError: The run or an option is bad.

    Example::

        pixels = latentviz.render_frame("run.npz", step=250, dims=[(0, 1)])
        height, width, _ = pixels.shape
        last = latentviz.render_frame("run.npz", dims=[(0, 1)], theme="light")
    """
    return plot_frame(run, frame=frame, step=step, spec=spec, **options).pixels


def plot_frame(
    run: RunsLike,
    *,
    frame: int | None = None,
    step: int | None = None,
    spec: FilmSpec | None = None,
    **options: Any,
) -> Picture:
    """Draw one frame of a run's film as a picture, which can be saved as PNG, SVG and PDF.

    The PNG has the film's own pixels. In SVG and PDF curves and frames are lines, dots are circles
    (an image, where they are more than 50,000), and text is text in a PDF, and outlines in an SVG.

    Args:
        run: A run, or the path of its archive; or up to six of them, side by side.
        frame: The frame's number; or
        step: a recorded step that it shows. The last frame if neither is given.
        spec: How the film looks; or give the fields of `FilmSpec` as keywords.
        **options: Fields of `FilmSpec`.

    Raises:
        LatentvizError: The run or an option is bad.

    Example::

        picture = latentviz.plot_frame(
            "run.npz", step=250, dims=[(0, 1)], size=(720, 720), ground="white", heading="off",
            charts="off",
        )
        picture.save("frame.pdf")
    """
    with opened_runs(run) as opened:
        return frame_picture(opened, frame=frame, step=step, spec=film_spec(spec, options))


def frame_picture(
    runs: Sequence[Run],
    *,
    frame: int | None,
    step: int | None,
    spec: FilmSpec,
    beside: Beside | None = None,
) -> Picture:
    """`plot_frame` of runs that are open.

    Args:
        runs: The runs.
        frame: See `plot_frame`.
        step: See `plot_frame`.
        spec: How the film looks.
        beside: Draws it (`paint`), while this process evaluates latents.

    Raises:
        LatentvizError: The run or an option is bad.
    """
    if frame is not None and step is not None:
        raise OptionError("give a frame or a step, not both")
    film = Film(runs, spec)
    if frame is None:
        frame = len(film) - 1 if step is None else film.frame_at(step)
    scene, drawn = _scene_drawn(film, frame, beside)
    covered = film.covered(frame)
    when = "" if covered is None else f", at steps {covered[0]} to {covered[1]} of training"
    return Picture(
        title=f"{film.names}, frame {frame}",
        alt=(
            f"The latents of {film.run.n_points} points in the projections {film.titles}{when}, "
            "later ones over earlier ones."
        ),
        data={
            "frame": frame,
            "steps": None if covered is None else list(covered),
            **film.figures,
        },
        drawn=interleaved(drawn),
        # Light that was averaged is pixels alone.
        as_lines=None if spec.shutter_deg else lambda: film.page.figure(scene),
    )


def _scene_drawn(film: Film, frame: int, beside: Beside | None) -> tuple[Scene, NDArray[np.uint8]]:
    # Names that cannot be seen are told of by the page that is drawn here.
    if beside is not None and not film.spec.label:
        beside.tell((film.stage, film.theme, film.has_ground))
        scene = film.scene(frame)
        beside.tell((scene, ()))
        drawn = beside.answer()
        if drawn is not None:
            return scene, drawn
    return film.scene(frame), film.draw(frame)
