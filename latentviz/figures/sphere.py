"""Latents in space, before the unit sphere, seen from several sides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..raster.spheres import SphereRenderer
from ..runs.opening import takes_path
from ..runs.run import Run
from ..theme import theme_named
from ..transforms import Center
from .axes import check_picture_size
from .cloud import cloud_of, limit_of
from .marked import tell_of_left_out
from .picture import Picture
from .sphere_page import page_of
from .triples import Triple, views_in_words

SIZE = (1800, 700)


@takes_path
def plot_sphere(
    run: Run,
    *,
    step: int | None = None,
    dims: Sequence[Triple] | None = None,
    probe: str | None = None,
    layer: str | None = None,
    points: str | None = None,
    project: object = None,
    center: Center | None = None,
    size: tuple[int, int] = SIZE,
    theme: str = "dark",
    label: Sequence[str] = (),
    highlight: Sequence[str] = (),
) -> Picture:
    """Latents as spheres in space, in front of the unit sphere, one view a triple of dimensions.

    A view (i, j, k) shows i to the right and j up, seen from the side of +k, without perspective.
    Each sphere is filled with its point's true color; its rim has the color that the model makes of
    it. All views show -1.25..1.25, or more in steps of 0.25 if a sphere would not fit in. A key
    tells what the colors of points mean that are classes or scalars.

    Args:
        run: A run, or its archive's path.
        step: A recorded step; by default the state after the last update (the last recorded one,
            of a recording that was cut off or a run from arrays).
        dims: Triples of latent dimensions; default (1,0,2), (1,2,0), (3,2,0), as far as there are
            these dimensions; three views of the widest three, of more than four dimensions.
        probe: ``rgb:N`` evaluates the model on the RGB cube, N colors a side; ``run`` shows the
            run's own points. By default ``rgb:20`` if the run's own are colors, else ``run``.
        layer: The layer whose output is the latent; short for points ``layer:NAME``.
        points: The points, such as ``rows:embed.weight`` (`Run.at_points`); by default
            `Run.points`.
        project: A transform, as for `render`, fitted to the run's own points; ``dims`` then counts
            its components.
        center: ``run`` or ``step``: what a transform's points are taken from.
        size: (width, height) in pixels.
        theme: ``dark`` or ``light``.
        label: The run's own points that have their names beside them: numbers or names, separated
            by commas, a class, or ``all``. Names that would cover others are left out, and a
            warning counts them.
        highlight: The points that stand out, as for ``label``; all others fade.

    Raises:
        OptionError: The step was not recorded, a text names no point, or another option is out of
            range or does not fit the run.
        ModelError: The run's model cannot be made, or cannot be run on the probe.
        ArchiveError: The latents are not finite, or the run has no states to evaluate.
        GraphicsError: PyVista is not installed, or finds nothing to draw with.

    Example::

        picture = latentviz.plot_sphere("run.npz", dims=[(0, 1, 2)])
        picture.save("sphere.png")
        print(picture.data["limit"])
    """
    check_picture_size(size)
    look = theme_named(theme)
    with SphereRenderer() as renderer:
        cloud = cloud_of(
            run, step, probe, layer, points, look, project, center, label=label, highlight=highlight
        )
        triples = cloud.triples(dims)
        reach = max(float(np.abs(cloud.latents[:, t[:2]]).max()) for t in triples)
        limit = limit_of(reach, cloud.share)
        page = page_of(size, len(triples), look, key=cloud.key)
        scenes = [cloud.spheres(triple, limit) for triple in triples]
        pictures = renderer.draw(page.view(limit), scenes)
        text = page.text(
            cloud.title,
            [cloud.title_of(triple) for triple in triples],
            with_rims=cloud.rim is not None,
        )
        names, n_left_out = page.names(
            [cloud.labels(triple) for triple in triples], limit, cloud.share
        )
        pixels = page.compose(pictures, [*names, *text])
    tell_of_left_out(n_left_out)
    alt = (
        f"{cloud.words} {views_in_words(triples, cloud.names)} {cloud.places(triples[0])}".rstrip()
    )
    data = cloud.data | {"dims": [list(triple) for triple in triples], "limit": limit}
    return Picture(cloud.title, alt, data, pixels)
