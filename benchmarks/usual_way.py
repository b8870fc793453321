"""The same film drawn the usual way: matplotlib's FuncAnimation, every sub-step, every artist.

``python -m benchmarks.usual_way RUN OUT`` draws evenly sampled frames and prints how long the
whole film would take, in seconds.
"""

from __future__ import annotations

import sys
import time

START = time.perf_counter()

import matplotlib as mpl  # noqa: E402 - the clock starts before the imports

mpl.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402 - as above
import numpy as np  # noqa: E402 - as above
from matplotlib.animation import FFMpegWriter, FuncAnimation  # noqa: E402 - as above
from matplotlib.artist import Artist  # noqa: E402 - as above
from matplotlib.patches import Circle  # noqa: E402 - as above
from numpy.typing import NDArray  # noqa: E402 - as above

from benchmarks.film import sampled  # noqa: E402 - as above
from latentviz import Film, open_run  # noqa: E402 - as above
from latentviz.palette import role_color  # noqa: E402 - as above
from latentviz.scene import CurvesPanel  # noqa: E402 - as above
from latentviz.theme import THEMES  # noqa: E402 - as above
from latentviz.video.ffmpeg import ffmpeg_path  # noqa: E402 - as above
from latentviz.views import shown_of  # noqa: E402 - as above
from latentviz.views.clouds import substep_alpha  # noqa: E402 - as above


def main(path: str, output: str) -> None:
    """Draw, time, extrapolate."""
    run = open_run(path)
    film, indices = sampled(run)
    latents_of = {i: run.latents(_steps(film, i)) for i in indices}
    colors = np.asarray(run.colors)
    charts = [panel.chart for panel in film.stage.panels if isinstance(panel, CurvesPanel)]

    figure = plt.figure(figsize=(19.2, 10.8), dpi=100, facecolor=THEMES["dark"].background)
    grid = figure.add_gridspec(2, 6, height_ratios=[5, 1])
    scatters = []
    for p, projection in enumerate(shown_of(run).projections):
        axes = figure.add_subplot(grid[0, 2 * p : 2 * p + 2])
        axes.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal", title=projection.title)
        axes.axis("off")
        axes.add_patch(Circle((0, 0), 1, color=THEMES["dark"].disc))
        scatters.append((axes.scatter([], [], clip_on=False, linewidths=0), projection))
    cursors = []
    for p, chart in enumerate(charts):
        axes = figure.add_subplot(grid[1, 3 * p : 3 * p + 3])
        for curve in chart.curves:
            color = role_color(curve.role, THEMES["dark"])
            axes.plot(chart.steps, curve.values, color=color, label=curve.name)
        axes.set_yscale("log" if chart.log else "linear")
        axes.legend(ncols=7)
        cursors.append(axes.axvline(0, color="w"))

    def update(i: int) -> list[Artist]:
        z = latents_of[i]
        n = len(z)
        alpha = substep_alpha(0.9, n)
        for scatter, projection in scatters:
            # Point by point, and within a point step by step.
            xy = z[:, :, [projection.i, projection.j]].transpose(1, 0, 2).reshape(-1, 2)
            rgba = np.column_stack([np.repeat(colors, n, 0), np.full(len(xy), alpha)])
            scatter.set_offsets(xy)
            scatter.set_facecolor(rgba)  # type: ignore[arg-type]  # arrays will do
            scatter.set_sizes([(2 * 27 * 72 / figure.dpi) ** 2])
        for cursor in cursors:
            cursor.set_xdata([_steps(film, i)[-1]] * 2)
        figure.suptitle(f"step {_steps(film, i)[-1]} ▸▸{n}x", color="w")
        return [*(scatter for scatter, _ in scatters), *cursors]

    mpl.rcParams["animation.ffmpeg_path"] = ffmpeg_path()
    writer = FFMpegWriter(
        fps=30,
        codec="libx264",
        extra_args=["-preset", "medium", "-crf", "23", "-pix_fmt", "yuv420p", "-threads", "4"],
    )
    animation = FuncAnimation(
        figure, update, frames=indices, init_func=lambda: [], blit=False, cache_frame_data=False
    )
    begun = time.perf_counter()
    animation.save(output, writer=writer)
    per_frame = (time.perf_counter() - begun) / len(indices)
    print(begun - START + per_frame * len(film))


def _steps(film: Film, i: int) -> NDArray[np.int64]:
    frame = film.frames[i]
    return film.run.steps[frame.start : frame.stop]


if __name__ == "__main__":
    main(*sys.argv[1:])
