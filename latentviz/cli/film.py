"""Films and their frames: `render`, `frame` and `info`."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from ..errors import OptionError
from ..film.encoding import EncodingSpec
from ..film.spec import FilmSpec
from ..film.work import WorkSpec
from ..runs.summary import summary
from ..text import LONGEST_LINE, counted, printable
from .group import examples, main
from .options import (
    all_opened,
    drawing_beside,
    opened,
    progress,
    project_options,
    run_options,
    scene_given,
    scene_options,
    spec_options,
)

_draft = click.option(
    "--draft",
    is_flag=True,
    help="Take a quick look: 1280x720 and the fastest preset, unless you give others.",
)


@main.command(
    epilog=examples(
        "latentviz render run.npz -o film.mp4 --dims 0,1 --dims 0,2",
        "latentviz render run.npz -o loop.gif --dims 0,1 --draft",
        "latentviz render a.npz b.npz -o both.mp4 --project pca --register final",
        "latentviz render run.npz --size 1080x1920 --dump-scene > film.toml",
        "latentviz render --scene film.toml -o film.mp4",
    )
)
@scene_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path),
    help="The video to write: .mp4, .mov, .mkv (H.264), .webm (VP9), .gif or .webp; or its frames, "
    "such as frames/%05d.png.",
)  # fmt: skip
@click.option(
    "--dump-scene",
    is_flag=True,
    help="Print what the given options mean as a scene file, with runs and paths as they are from "
    "this folder, and render nothing.",
)
@spec_options(FilmSpec)
@_draft
@spec_options(EncodingSpec)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace the frames of an earlier film, all or none; a video is always replaced.",
)
@spec_options(WorkSpec)
@click.option(
    "--frame-hashes", type=click.Path(path_type=Path), metavar="FILE",
    help="Write the SHA-256 of each raw RGB frame to this file, one a line. Where latents are "
    "evaluated from the states, the hashes hold for one kind of CPU: another may differ by a level "
    "in a few pixels. Hashes of a run recorded with latents=True hold everywhere. You can also "
    "compare frames with a tolerance (latentviz compare).",
)  # fmt: skip
def render(
    runs: tuple[Path, ...],
    model: str | None,
    max_bytes: int | None,
    scene: Path | None,
    output: Path | None,
    dump_scene: bool,
    draft: bool,
    overwrite: bool,
    frame_hashes: Path | None,
    **options: Any,
) -> None:
    """Render the film of RUN, with every recorded step; or of up to six, side by side.

    Several runs share a clock, a basis and limits. Each has a row of projections.
    """
    from ..film.film import Film
    from ..film.production import parts_folder
    from ..film.render import check_work, held_frames, video_settings, write_film

    asked = scene_given(
        scene, options, runs=runs, model=model, max_bytes=max_bytes, output=output, draft=draft,
        overwrite=overwrite, frame_hashes=frame_hashes,
    )  # fmt: skip
    spec, encoding, work = asked.film, asked.encoding, asked.work
    if dump_scene:
        click.echo(asked.dump(), nl=False)
        return
    if (output := asked.output) is None:
        raise OptionError("no output is named; give -o film.mp4, or --scene with output")
    settings = video_settings(output, spec, encoding)
    check_work(settings.codec, work, hashed=asked.frame_hashes is not None)
    with all_opened(asked.runs, *asked.reading) as sources:
        film = Film(sources, spec, fps=float(settings.fps))
        with progress("Rendering", film.frame_words) as advance:
            made = write_film(
                film, output, encoding, work, overwrite=asked.overwrites,
                frame_hashes=asked.frame_hashes, progress=advance,
            )  # fmt: skip
        if made is not None and not made.is_whole:
            click.echo(
                f"{parts_folder(output)}: {counted(made.n_made, 'segment')} made, {made.n_found} "
                f"found, of {made.n_all}; --resume joins them when all are there"
            )
            return
        beyond = film.frames_beyond
    n_held = held_frames(settings.codec, settings.fps, encoding.hold)
    if made is not None and made.n_found:
        click.echo(f"{made.n_found} of {counted(made.n_all, 'segment')} were there already")
    click.echo(f"{output}: {settings.in_words(len(film), n_held)}, {film.shown}")
    click.echo(f"  {film.pacing}")
    if beyond:
        click.echo(
            f"  in {counted(beyond, 'frame')} points lie beyond the edges, where marks say so; "
            "--limits shows more"
        )


@main.command(
    epilog=examples(
        "latentviz frame run.npz -o frame.png --step 250 --dims 0,1",
        "latentviz frame run.npz -o frame.pdf --dims 0,1 --ground white --heading off",
        "latentviz frame --scene film.toml -o frame.png",
    )
)
@scene_options
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The picture to write: .png, .svg or .pdf.",
)
@click.option("--frame", "frame_index", type=int, help="Number of the frame, from 0.")
@click.option("--step", type=int, help="A recorded step: draw the frame that shows it.")
@spec_options(FilmSpec)
@_draft
def frame(
    runs: tuple[Path, ...],
    model: str | None,
    max_bytes: int | None,
    scene: Path | None,
    output: Path,
    frame_index: int | None,
    step: int | None,
    draft: bool,
    **options: Any,
) -> None:
    """Draw one frame of the film of RUN, or of several: as PNG, with its own pixels, SVG or PDF.

    It is the last frame, unless --frame or --step names another.
    """
    from ..figures.painting import PAINT
    from ..figures.picture import check_picture_path
    from ..film.stills import frame_picture

    asked = scene_given(scene, options, runs=runs, model=model, max_bytes=max_bytes, draft=draft)
    spec = asked.film
    check_picture_path(output, vector=spec.shutter_deg is None)
    with ExitStack() as stack:
        beside = stack.enter_context(drawing_beside(PAINT, output))
        sources = stack.enter_context(all_opened(asked.runs, *asked.reading))
        picture = frame_picture(sources, frame=frame_index, step=step, spec=spec, beside=beside)
    picture.save(output)
    click.echo(f"{output}: {picture.pixels.shape[1]}x{picture.pixels.shape[0]}")


@main.command(
    epilog=examples(
        "latentviz info run.npz",
        "latentviz info run.npz --json",
        "latentviz info run.npz --project pca",
    )
)
@run_options
@project_options
@click.option(
    "--dims",
    multiple=True,
    metavar="I,J",
    help="With --project: say how much the plane of components I and J holds; repeat for more. "
    "Default: those of the first components.",
)
@click.option("--layer", metavar="NAME", help="The layer to look at. Default: the run's own.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
def info(
    run: Path,
    model: str | None,
    max_bytes: int | None,
    project: str | None,
    center: Any,
    dims: tuple[str, ...],
    layer: str | None,
    as_json: bool,
) -> None:
    """Say what is in RUN: steps, model, layer, curves, phases, actions, sizes.

    And, where the latents are recorded or can be evaluated, how far the points spread along each of
    their dimensions; with --project, what the transform learned, and what its planes hold.
    """
    from ..projection import parse_planes
    from ..views.about import about_latents, in_words

    with opened(run, model, max_bytes) as source:
        about = source.describe()
        looked_at = source if layer is None else source.at_layer(layer)
        latents = about_latents(looked_at, project=project, center=center, dims=parse_planes(dims))
    if as_json:
        click.echo(json.dumps(about | latents, indent=2))
        return
    click.echo(printable(about["path"], LONGEST_LINE))
    rows = {**summary(about), **in_words(latents)}
    width = max(10, *map(len, rows)) + 2
    for name, value in rows.items():
        click.echo(f"  {name + ':':{width}}{value}")
