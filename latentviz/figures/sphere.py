"""Latents in space, before the unit sphere: a picture of several views, or one that turns."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..color import rgb_grid
from ..errors import ArchiveError, OptionError
from ..files import expanded
from ..raster.layout import check_size
from ..raster.lettering import Sprite, blend_sprite_once, fitted_text, font, text_sprite
from ..raster.spheres import SphereRenderer, Spheres, View
from ..run import Run, takes_path
from ..text import printable
from ..theme import Theme, rgb_bytes, theme_named
from ..video.formats import VideoSettings, codec_for, parse_fps
from ..video.place import check_video_path
from ..video.writer import VideoWriter, packer
from ..views import point_colors
from .axes import HUES, LABEL_PX, LEAST_TEXT_PX, TICK_PX, TITLE_PX, check_picture_size
from .picture import Picture

SIZE = (1800, 700)
ORBIT_SIZE = (720, 720)
DEFAULT_DIMS = ((1, 0, 2), (1, 2, 0), (3, 2, 0))
DEFAULT_PROBE = "rgb:20"
MAX_GRID = 64

LEAST_LIMIT = 1.25
LIMIT_STEP = 0.25
# A sphere's radius as a share of the limit, for N points: such that the clouds of few points and of
# many are about equally dense, and those of the films' 512 are drawn as large as there.
RADIUS_SHARE = 0.672  # / N^(1/3)
LEAST_SHARE, MOST_SHARE = 0.016, 0.084

# Sizes on a picture of the default size, which has so much room for each view.
COLUMN_PX = 600.0
ROW_PX = 640.0
MARGIN_PX = 24.0
HEADING_PX = 60.0
BASELINE_PX = 42.0
NAME_PX = 32.0  # the row above each view
GAP_PX = 12.0  # the least there is around each view
LEAST_SIDE = 32  # of a view
LEAST_SCALE = 0.45  # below, there would be no room for text that can be read
LINE_SHARE = 0.35  # of the way from the disc's colour to that of muted text

ORBIT_SECONDS = 6.0
MAX_SECONDS = 600.0

Triple = tuple[int, int, int]


@takes_path
def plot_sphere(
    run: Run,
    *,
    step: int | None = None,
    dims: Sequence[Triple] | None = None,
    probe: str | None = None,
    layer: str | None = None,
    size: tuple[int, int] = SIZE,
    theme: str = "dark",
) -> Picture:
    """Latents as spheres in space, in front of the unit sphere, one view a triple of dimensions.

    A view (i, j, k) shows i to the right and j up, seen from the side of +k, without perspective.
    Each sphere is filled with its point's true color; its rim has the color that the model makes of
    it. All views show -1.25..1.25, or more in steps of 0.25 if a sphere would not fit in.

    Args:
        run: A run, or its archive's path.
        step: A recorded step; by default the state after the last update (the last recorded one,
            of a recording that was cut off or a run from arrays).
        dims: Triples of latent dimensions; default (1,0,2), (1,2,0), (3,2,0), as far as there are
            these dimensions.
        probe: ``rgb:N`` evaluates the model on the RGB cube, N colors a side; ``run`` shows the
            run's own points. By default ``rgb:20`` if the run's own are colors, else ``run``.
        layer: The layer whose output is the latent; by default the one that was recorded.
        size: (width, height) in pixels.
        theme: ``dark`` or ``light``.

    Raises:
        OptionError: The step was not recorded, or another option is out of range or does not fit
            the run.
        ModelError: The run's model cannot be made, or cannot be run on the probe.
        ArchiveError: The latents are not finite, or the run has no states to evaluate.
        GraphicsError: PyVista is not installed, or finds nothing to draw with.
    """
    check_picture_size(size)
    look = theme_named(theme)
    with SphereRenderer() as renderer:
        cloud = _cloud(run, step, probe, layer, look)
        triples = _triples(dims, cloud.latents.shape[1])
        reach = max(float(np.abs(cloud.latents[:, t[:2]]).max()) for t in triples)
        limit = _limit(reach, cloud.share)
        page = _page(size, len(triples), look)
        scenes = [cloud.spheres(triple, limit) for triple in triples]
        pictures = renderer.draw(page.view(limit), scenes)
        pixels = page.compose(pictures, page.text(cloud, triples))
    alt = f"{cloud.words} {_views_in_words(triples)} {cloud.places(triples[0])}".rstrip()
    data = cloud.data | {"dims": [list(triple) for triple in triples], "limit": limit}
    return Picture(cloud.title, alt, data, pixels)


@takes_path
def render_orbit(
    run: Run,
    path: str | os.PathLike[str],
    *,
    step: int | None = None,
    dims: Triple | None = None,
    probe: str | None = None,
    layer: str | None = None,
    size: tuple[int, int] = ORBIT_SIZE,
    theme: str = "dark",
    seconds: float = ORBIT_SECONDS,
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
        size: (width, height) in pixels, both even.
        theme: ``dark`` or ``light``.
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
    with SphereRenderer() as renderer:
        cloud = _cloud(run, step, probe, layer, look)
        (triple,) = _triples([dims] if dims else None, cloud.latents.shape[1])[:1]
        right, up, near = cloud.latents[:, triple].astype(np.float64).T
        limit = _limit(max(np.abs(up).max(), np.hypot(right, near).max()), cloud.share)
        page = _page(size, 1, look)
        still = cloud.spheres(triple, limit)
        ahead = codec.ahead(n_frames)
        scenes = [replace(still, turn=k / n_frames) for k in [*ahead, *range(n_frames)]]
        pictures = renderer.draw(page.view(limit), scenes)
        sprites = page.text(cloud, [triple])
        first: NDArray[np.uint8] | None = None
        pack, frame = packer(codec.pixel_format), np.empty(settings.frame_bytes, np.uint8)
        with VideoWriter(path, settings, overwrite=overwrite) as writer:
            for done, picture in enumerate(pictures, start=1 - len(ahead)):
                pixels = page.compose([picture], sprites)
                pack(np.ascontiguousarray(pixels.transpose(2, 0, 1)), frame)
                writer.write(frame)
                first = pixels if first is None else first
                if progress is not None and done > 0:
                    progress(done, n_frames)
    assert first is not None  # there is at least one frame
    alt = (
        f"{cloud.words} {_views_in_words([triple])} It turns once around dimension {triple[1]}, in "
        f"{n_frames / float(rate):.3g} seconds. {cloud.places(triple)}"
    ).rstrip()
    data = {"dims": list(triple), "limit": limit, "frames": n_frames, "fps": float(rate)}
    return Picture(f"{cloud.title}, turning", alt, cloud.data | data, first)


def parse_triple(text: str) -> Triple:
    """Three dimensions as the command line spells them, ``I,J,K``.

    Raises:
        OptionError: They are not three whole numbers of 0 or more.
    """
    try:
        i, j, k = (int(part) for part in text.split(","))
    except ValueError:
        i = j = k = -1
    if min(i, j, k) < 0:
        raise OptionError(f"dims must be three dimensions such as 1,0,2, got {text!r}")
    return i, j, k


@dataclass(frozen=True, eq=False)
class _Cloud:
    """The points to show."""

    latents: NDArray[np.float32]  # (N, D)
    fill: NDArray[np.uint8]  # (N, 3)
    rim: NDArray[np.uint8] | None  # (N, 3), where the model makes colors of the points
    side: int | None  # of the grid of colors, if they are one
    title: str
    words: str
    data: dict[str, Any]

    @property
    def share(self) -> float:
        """A sphere's radius as a share of the limit."""
        share = RADIUS_SHARE / len(self.latents) ** (1 / 3)
        return float(np.clip(share, LEAST_SHARE, MOST_SHARE))

    def spheres(self, triple: Triple, limit: float) -> Spheres:
        points = np.ascontiguousarray(self.latents[:, triple])
        rim = self.fill if self.rim is None else self.rim
        return Spheres(points, self.fill, rim, self.share * limit)

    def places(self, triple: Triple) -> str:
        """Where a view shows the pure hues, in words."""
        if self.side is None:
            return ""
        last = self.side - 1
        corners = {"red": (1, 0, 0), "yellow": (1, 1, 0), "green": (0, 1, 0), "cyan": (0, 1, 1),
                   "blue": (0, 0, 1), "magenta": (1, 0, 1)}  # fmt: skip
        places = []
        for hue in HUES:
            r, g, b = corners[hue]
            index = last * ((r * self.side + g) * self.side + b)
            x, y = self.latents[index, triple[:2]]
            places.append(f"{hue} {_place(float(x), float(y))}")
        return f"{_named(triple)} shows {', '.join(places)}."


def _place(x: float, y: float) -> str:
    if math.hypot(x, y) < 0.25:
        return "in the middle"
    sides = (
        "at the right", "at the upper right", "at the top", "at the upper left", "at the left",
        "at the lower left", "at the bottom", "at the lower right",
    )  # fmt: skip
    return sides[round(math.atan2(y, x) / (math.pi / 4)) % 8]


def _cloud(
    run: Run, step: int | None, probe: str | None, layer: str | None, theme: Theme
) -> _Cloud:
    """The points to show, where the model puts them and what it makes of them."""
    side = _grid_side(run, probe)
    of_layer = "" if layer in (None, run.layer) else f" of layer {printable(str(layer))}"
    run = run if layer is None else run.at_layer(layer)
    step, when = run.moment(step)
    if side is None and not run.can_evaluate:
        latents, outputs = run.final_latents() if step is None else run.latents(step), None
        fill = point_colors(run.colors, len(latents), theme)
    elif side is None:
        answer = run.evaluate(run.probe, step)
        latents = answer.latents
        fill = point_colors(run.colors, len(latents), theme)
        # A reconstruction is compared with a color, and with nothing else.
        outputs = answer.outputs if _are_colors(run) else None
    else:
        _check_colors_fit(run, side)
        fill = rgb_grid(side).astype(np.float32)
        answer = run.evaluate(fill, step)
        latents, outputs = answer.latents, answer.outputs
    if outputs is not None and outputs.shape != fill.shape:
        outputs = None
    _check_finite(f"latents {when}", latents)
    radii = np.linalg.norm(latents.astype(np.float64), axis=1)
    name = f"atents{of_layer} {when}"
    words = (
        f"The l{name} of {len(latents)} {'points' if side is None else 'colors of the RGB cube'}, "
        "as spheres in front of the unit sphere; their distances from the origin have the median "
        f"{np.median(radii):.2g} and reach {radii.max():.2g}."
    )
    data: dict[str, Any] = {
        "step": step,
        "layer": run.layer,
        "probe": "run" if side is None else f"rgb:{side}",
        "points": len(latents),
        "distance_max": float(radii.max()),
        "distance_median": float(np.median(radii)),
    }
    rim = None
    if outputs is not None:
        _check_finite(f"outputs {when}", outputs)
        rim = _bytes(outputs)
        error = np.square(outputs.astype(np.float64) - fill).mean(-1)
        data |= {"error_max": float(error.max()), "error_median": float(np.median(error))}
        words += (
            " Each is filled with its true color, and its rim has the reconstructed one; mean "
            f"squared error: median {np.median(error):.2g}, largest {error.max():.2g}."
        )
    return _Cloud(latents, _bytes(fill), rim, side, f"L{name}", words, data)


def _grid_side(run: Run, probe: str | None) -> int | None:
    """How many colors a side the probe has; None if the run's own points are to be shown."""
    if probe is None:
        probe = DEFAULT_PROBE if run.can_evaluate and _are_colors(run) else "run"
    if probe == "run":
        return None
    kind, _, number = probe.partition(":")
    side = int(number) if kind == "rgb" and number.isascii() and number.isdigit() else 0
    if not 2 <= side <= MAX_GRID:
        raise OptionError(
            f"probe must be rgb:N, N colors a side, 2 to {MAX_GRID}, or run, the run's own points; "
            f"got {probe!r}"
        )
    return side


def _are_colors(run: Run) -> bool:
    """Whether the run's points are colors themselves."""
    if run.tokens == "each":  # which are several of a color
        return False
    return run.colors is not None and run.colors.ndim == 2 and _probe_shape(run) == (3,)


def _probe_shape(run: Run) -> tuple[int, ...] | None:
    """The shape of one of the run's points, as the model takes them; None if it has none."""
    try:
        probe = run.probe
    except ArchiveError:
        return None
    return None if isinstance(probe, Mapping) else probe.shape[1:]


def _check_colors_fit(run: Run, side: int) -> None:
    """Find out that the model takes no colors.

    Raises:
        OptionError: It was recorded with inputs of another shape.
    """
    shape = _probe_shape(run)
    if run.tokens == "each":
        raise OptionError(
            f"probe rgb:{side} is a color a point, but this run has a point for each token; use "
            "run, the run's own points"
        )
    if shape not in (None, (3,)):
        raise OptionError(
            f"probe rgb:{side} is colors (N, 3), but the model's inputs are "
            f"({', '.join(['N', *map(str, shape)])}); use run, the run's own points"
        )


def _triples(dims: Sequence[Triple] | None, n_dims: int) -> list[Triple]:
    """The triples to show of latents with ``n_dims`` dimensions.

    Raises:
        OptionError: There is none, or one is out of range.
    """
    if dims is None:
        if n_dims < 3:
            raise OptionError(f"the latents have {n_dims} dimensions, and a sphere needs three")
        return [triple for triple in DEFAULT_DIMS if max(triple) < n_dims]
    if len(dims) == 0:
        raise OptionError("dims must name at least one triple, got none")
    for triple in dims:
        if len(triple) != 3 or not all(0 <= d < n_dims for d in triple):
            raise OptionError(
                f"dims {','.join(map(str, triple))} are out of range: the latents have {n_dims} "
                f"dimensions, 0 to {n_dims - 1}, of which a triple names three"
            )
    return list(dims)


def _limit(reach: float, share: float) -> float:
    """What a view shows to each side, such that a sphere as far out as ``reach`` fits in."""
    return max(LEAST_LIMIT, LIMIT_STEP * math.ceil(reach / (1 - share) / LIMIT_STEP))


def _check_finite(what: str, values: NDArray[Any]) -> None:
    finite = np.isfinite(values).all(-1)
    if not finite.all():
        raise ArchiveError(
            f"the {what} are not finite at {int((~finite).sum())} of {len(values)} points; show "
            "a step before it with --step"
        )


def _bytes(rgb: NDArray[Any]) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
    return levels


def _views_in_words(triples: Sequence[Triple]) -> str:
    views = "; ".join(
        f"dimension {i} to the right, {j} up, {k} toward the viewer" for i, j, k in triples
    )
    return f"{'Views' if len(triples) > 1 else 'The view'}: {views}."


@dataclass(frozen=True, eq=False)
class _Page:
    """Where everything stands, in pixels from the upper left corner."""

    size: tuple[int, int]
    theme: Theme
    scale: float
    side: int  # of a view
    corners: list[tuple[int, int]]  # the upper left one of each view

    def view(self, limit: float) -> View:
        """What the views have in common."""
        disc, muted = (rgb_bytes(color) for color in (self.theme.disc, self.theme.muted))
        line = (round(d + LINE_SHARE * (m - d)) for d, m in zip(disc, muted, strict=True))
        return View(
            side_px=self.side,
            limit=limit,
            background=self.theme.background,
            disc=self.theme.disc,
            line="#" + bytes(line).hex(),
        )

    def text(self, cloud: _Cloud, triples: Sequence[Triple]) -> list[Sprite]:
        """The heading, what the views show, and the name of each."""
        k, (width, height) = self.scale, self.size
        text, muted = rgb_bytes(self.theme.text), rgb_bytes(self.theme.muted)
        left, right = MARGIN_PX * k, width - MARGIN_PX * k
        face = font(max(LEAST_TEXT_PX, TITLE_PX * k))
        title = fitted_text(cloud.title, face, right - left)
        sprites = [text_sprite(title, face, left, BASELINE_PX * k, text)]
        start = left + face.getlength(title) + 2 * MARGIN_PX * k
        face = font(max(LEAST_TEXT_PX, TICK_PX * k))
        note = "[right, up, toward the viewer]"
        if cloud.rim is not None:
            note = f"fill: true color, rim: reconstructed   {note}"
        if start + face.getlength(note) <= right:
            sprites.append(text_sprite(note, face, right, BASELINE_PX * k, muted, anchor="rs"))
        elif left + face.getlength(note) <= right:
            sprites.append(text_sprite(note, face, left, height - MARGIN_PX / 2 * k, muted))
        face = font(max(LEAST_TEXT_PX, LABEL_PX * k))
        for (x, y), triple in zip(self.corners, triples, strict=True):
            at = x + self.side / 2, y - NAME_PX * k / 3
            sprites.append(text_sprite(_named(triple), face, *at, text, anchor="ms"))
        return sprites

    def compose(
        self, pictures: Iterable[NDArray[np.uint8]], sprites: Sequence[Sprite]
    ) -> NDArray[np.uint8]:
        """The page, (H, W, 3), with a picture for each view, and text."""
        width, height = self.size
        pixels = np.empty((height, width, 3), np.uint8)
        pixels[:] = rgb_bytes(self.theme.background)
        for (x, y), picture in zip(self.corners, pictures, strict=True):
            pixels[y : y + self.side, x : x + self.side] = picture
        for sprite in sprites:
            blend_sprite_once(pixels, sprite)
        return pixels


def _page(size: tuple[int, int], n_views: int, theme: Theme) -> _Page:
    """Lay out the views in rows, as large as they can be, with equal gaps.

    Raises:
        OptionError: They are too many.
    """
    width, height = size

    def laid_out(columns: int) -> tuple[int, float, int]:
        rows = -(-n_views // columns)
        k = min(width / (columns * COLUMN_PX), height / (HEADING_PX + rows * ROW_PX))
        k = max(k, LEAST_SCALE)
        across = (width - (columns + 1) * GAP_PX * k) / columns
        down = (height - (HEADING_PX + GAP_PX) * k) / rows - (NAME_PX + GAP_PX) * k
        return int(min(across, down)), k, columns

    side, k, columns = max(laid_out(columns) for columns in range(1, n_views + 1))
    if side < LEAST_SIDE:
        raise OptionError(f"{n_views} views do not fit into {width}x{height}; make it larger")
    rows = -(-n_views // columns)
    gap = (width - columns * side) / (columns + 1)
    spare = height - HEADING_PX * k - rows * (side + NAME_PX * k)
    corners = []
    for n in range(n_views):
        row, column = divmod(n, columns)
        x = gap + column * (side + gap)
        y = (
            HEADING_PX * k
            + NAME_PX * k
            + row * (side + NAME_PX * k)
            + (row + 1) * spare / (rows + 1)
        )
        corners.append((round(x), round(y)))
    return _Page(size, theme, k, side, corners)


def _named(triple: Triple) -> str:
    return f"[{','.join(map(str, triple))}]"
