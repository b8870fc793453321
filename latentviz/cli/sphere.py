"""Latents in space: `sphere`, a still picture or one that turns."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from ..errors import OptionError
from ..raster.layout import parse_size
from .group import examples, main
from .options import given, mark_options, opened, progress, project_options, run_options
from .pictures import json_option, points_option, step_option, tell, theme_option, write


@main.command(
    epilog=examples(
        "latentviz sphere run.npz -o sphere.png --dims 0,1,2",
        "latentviz sphere run.npz -o orbit.mp4 --orbit --seconds 8",
    )
)
@run_options
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The picture to write: .png; with --orbit .mp4, .mov, .mkv, .webm, .gif, .webp, or its "
    "frames, such as frames/%05d.png.",
)
@step_option
@click.option(
    "--dims",
    multiple=True,
    metavar="I,J,K",
    help="Show dimension I to the right and J up, seen from +K; repeat for more views side by "
    "side. Default: 1,0,2 and 1,2,0 and 3,2,0; with --orbit 1,0,2; with --project the first "
    "components, and of more than four dimensions those of largest spread.",
)
@project_options
@click.option(
    "--probe",
    metavar="PROBE",
    help="The points to show: rgb:N, the RGB cube with N colors a side, or run, the run's own "
    "points. Default: rgb:20 if the run's own are colors, else run.",
)
@click.option(
    "--layer",
    metavar="NAME",
    help="The layer whose output is the latent, short for --points layer:NAME; lstm:1 is the "
    "second item of the output of lstm.",
)
@points_option
@mark_options
@click.option(
    "--size",
    metavar="WxH",
    help="Size in pixels, from 160x160 on. Default: 1800x700; with --orbit 720x720.",
)
@theme_option
@click.option(
    "--orbit",
    is_flag=True,
    help="Render one view that turns once around its upright axis, as a video or a GIF that can "
    "be looped.",
)
@click.option("--seconds", type=float, help="How long --orbit takes for the turn. Default: 6.")
@click.option(
    "--fps",
    metavar="RATE",
    help="Frames a second of --orbit, e.g. 30 or 30000/1001. Default: 30; 20 in a GIF.",
)
@click.option("--overwrite", is_flag=True, help="Replace the frames of an earlier --orbit.")
@json_option
def sphere(
    dims: tuple[str, ...],
    orbit: bool,
    seconds: float | None,
    fps: str | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Draw RUN's latents as spheres in space, in front of the unit sphere.

    Each sphere is filled with the true color of its point, and its rim has the color that the model
    makes of it. Needs PyVista: pip install "latentviz[sphere]".
    """
    from ..figures.sphere import plot_sphere
    from ..figures.triples import parse_triple
    from ..video.formats import names_video

    triples = [parse_triple(triple) for triple in dims]
    if orbit:
        if len(triples) > 1:
            raise OptionError(f"an orbit shows one view, got {len(triples)} --dims")
        if options.pop("label"):
            raise OptionError("--label is for still pictures; an orbit has no names beside points")
        _write_orbit(
            dims=triples[0] if triples else None,
            seconds=seconds,
            fps=fps,
            overwrite=overwrite,
            **options,
        )
        return
    if seconds is not None or fps is not None or overwrite:
        raise OptionError("--seconds, --fps and --overwrite are for --orbit")
    if names_video(options["output"]):
        raise OptionError(f"for {options['output'].name} add --orbit; a still picture is a .png")
    write(plot_sphere, vector=False, summary=_summary, dims=triples or None, **options)


def _write_orbit(
    *,
    run: Path,
    model: str | None,
    max_bytes: int | None,
    output: Path,
    size: str | None,
    overwrite: bool,
    as_json: bool,
    **options: Any,
) -> None:
    from ..figures.orbit import render_orbit
    from ..video.formats import VideoSettings, codec_for
    from ..video.place import check_video_path

    check_video_path(output, overwrite=overwrite)
    options["size"] = None if size is None else parse_size(size)
    with opened(run, model, max_bytes) as source, progress("Rendering") as advance:
        picture = render_orbit(
            source, output, overwrite=overwrite, progress=advance, **given(**options)
        )
    data = dict(picture.data)
    height, width = picture.pixels.shape[:2]
    settings = VideoSettings((width, height), Fraction(data["fps"]), codec_for(output))
    words = f"{settings.in_words(data['frames'])}, {picture.title}; {_summary(data)}"
    tell(picture, output, words, as_json=as_json)


def _summary(data: dict[str, Any]) -> str:
    text = f"{data['points']} points"
    if "error_max" in data:
        text += f", error max {data['error_max']:.3g}, median {data['error_median']:.3g}"
    return text
