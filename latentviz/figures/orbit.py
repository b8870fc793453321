"""Latents in space, turning once around their upright axis: a film that can be looped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..files import expanded
from ..interruption import orderly
from ..raster.layout import check_size
from ..raster.spheres import SphereRenderer
from ..runs.opening import takes_path
from ..runs.run import Run
from ..theme import theme_named
from ..transforms import Center
from ..video.formats import VideoSettings, codec_for, parse_fps
from ..video.place import check_video_path
from ..video.segments import write_video
from ..video.writer import packer
from .axes import check_picture_size
from .cloud import cloud_of, limit_of
from .picture import Picture
from .sphere_page import page_of
from .triples import Triple, views_in_words

SIZE = (720, 720)
SECONDS = 6.0
MAX_SECONDS = 600.0


@takes_path
def render_orbit(
    run: Run,
    path: str | os.PathLike[str],
    *,
    step: int | None = None,
    dims: Triple | None = None,
    probe: str | None = None,
    layer: str | None = None,
    points: str | None = None,
    project: object = None,
    center: Center | None = None,
    size: tuple[int, int] = SIZE,
    theme: str = "dark",
    highlight: Sequence[str] = (),
    seconds: float = SECONDS,
    fps: float | str | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Picture:
    """Render a view of `plot_sphere` that turns once around its upright axis, and so can be looped.

    Args:
        run: A run, or its archive's path.
        path: Where it shall lie, as for `render`; a GIF or a WebP plays for ever.
        step: As for `plot_sphere`.
        dims: The triple of dimensions (right, up, towards the viewer) with which the turn begins;
            default (1,0,2).
        probe: As for `plot_sphere`.
        layer: As for `plot_sphere`.
        points: As for `plot_sphere`.
        project: As for `plot_sphere`.
        center: As for `plot_sphere`.
        size: (width, height) in pixels, both even.
        theme: ``dark`` or ``light``.
        highlight: As for `plot_sphere`.
        seconds: How long a turn takes.
        fps: Frames a second; by default 30, and 20 in a GIF.
        overwrite: Replace the frames of an earlier film. A video is always replaced.
        progress: Called with the number of frames done, and of all.

    Returns:
        The first frame, with the words that belong to the whole.

    Raises:
        OptionError: As `plot_sphere`; or the path, the size, the seconds or the rate will not do.
        ModelError: As `plot_sphere`.
        ArchiveError: As `plot_sphere`.
        GraphicsError: As `plot_sphere`.
        EncodeError: ffmpeg failed. Nothing is written then, nor in any other case.
    """
    path = expanded(path)
    check_video_path(path, overwrite=overwrite)
    check_picture_size(size)
    check_size(size)
    codec = codec_for(path)
    rate = parse_fps(str(codec.fps if fps is None else fps))
    settings = VideoSettings(size, rate, codec)
    if not 0 < seconds <= MAX_SECONDS:
        raise OptionError(f"seconds must be above 0 and at most {MAX_SECONDS:g}, got {seconds:g}")
    n_frames = max(1, round(seconds * rate))
    look = theme_named(theme)
    with orderly(), SphereRenderer() as renderer:
        cloud = cloud_of(
            run, step, probe, layer, points, look, project, center, highlight=highlight
        )
        triple = cloud.triples([dims] if dims else None)[0]
        right, up, near = cloud.latents[:, triple].astype(np.float64).T
        limit = limit_of(max(np.abs(up).max(), np.hypot(right, near).max()), cloud.share)
        page = page_of(size, 1, look, key=cloud.key)
        still = cloud.spheres(triple, limit)
        sprites = page.text(cloud.title, [cloud.title_of(triple)], with_rims=cloud.rim is not None)
        pack, frame = packer(codec.pixel_format), np.empty(settings.frame_bytes, np.uint8)
        first: list[NDArray[np.uint8]] = []

        def drawn(order: Sequence[int]) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
            scenes = [replace(still, turn=k / n_frames) for k in order]
            for picture in renderer.draw(page.view(limit), scenes):
                pixels = page.compose([picture], sprites)
                pack(np.ascontiguousarray(pixels.transpose(2, 0, 1)), frame)
                yield frame, pixels

        def keep_first(pixels: NDArray[np.uint8]) -> None:
            if not first:
                first.append(pixels)

        write_video(
            path,
            settings,
            n_frames,
            drawn,
            overwrite=overwrite,
            progress=progress,
            written=keep_first,
        )
    axis = f"dimension {triple[1]}" if cloud.names is None else cloud.names[triple[1]]
    alt = (
        f"{cloud.words} {views_in_words([triple], cloud.names)} It turns once around {axis}, in "
        f"{n_frames / float(rate):.3g} seconds. {cloud.places(triple)}"
    ).rstrip()
    data = {"dims": list(triple), "limit": limit, "frames": n_frames, "fps": float(rate)}
    return Picture(f"{cloud.title}, turning", alt, cloud.data | data, first[0])
