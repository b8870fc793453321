"""The points that a picture in space shows: where they are, their two colors, and the words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..color import rgb_grid
from ..errors import ArchiveError, OptionError
from ..raster.spheres import Spheres
from ..runs.run import Run
from ..scene import Categories, Labels, Ramp
from ..theme import Theme, rgb_bytes
from ..transforms import Center, Component, widest
from ..views import FADED_SHARE, FEW_DIMS, coloring, fitted_of
from .axes import HUES
from .marked import Marked, key_in_words, marked_points
from .moment import check_finite, moment_of
from .triples import Triple, named, triples_of

DEFAULT_PROBE = "rgb:20"
MAX_GRID = 64

LEAST_LIMIT = 1.25
LIMIT_STEP = 0.25
# A sphere's radius as a share of the limit, for N points: such that the clouds of few points and of
# many are about equally dense, and those of the films' 512 are drawn as large as there.
RADIUS_SHARE = 0.672  # / N^(1/3)
LEAST_SHARE, MOST_SHARE = 0.016, 0.084
MIDDLE = 0.25  # how far around the origin that reaches, in data units


@dataclass(frozen=True, eq=False)
class Cloud:
    """The points to show. Made by `cloud_of`."""

    latents: NDArray[np.float32]  # (N, k), as a transform gives them, if there is one
    fill: NDArray[np.uint8]  # (N, 3)
    rim: NDArray[np.uint8] | None  # (N, 3), where the model makes colors of the points
    side: int | None  # of the grid of colors, if they are one
    title: str
    words: str
    data: dict[str, Any]
    components: tuple[Component, ...] | None = None  # of a transform
    widest: Callable[[], Sequence[int]] | None = None  # the three dimensions to show, of many
    key: Categories | Ramp | None = None  # what the fills mean
    marked: Marked | None = None  # of the run's own points

    @property
    def names(self) -> list[str] | None:
        """The components' names; None of the latents' own dimensions."""
        return None if self.components is None else [part.name for part in self.components]

    def triples(self, dims: Sequence[Triple] | None) -> list[Triple]:
        """The views to show, as `triples_of` gives them."""
        what = "latents have" if self.components is None else "transform gives"
        return triples_of(dims, self.latents.shape[1], widest=self.widest, what=what)

    def title_of(self, triple: Triple) -> str:
        """A view's name, such as ``[1,0,2]`` or ``PC1 43 % · PC2 21 % · PC3 9 %``."""
        if self.components is None:
            return named(triple)
        return " · ".join(self.components[k].title for k in triple)

    @property
    def share(self) -> float:
        """A sphere's radius as a share of the limit."""
        share = RADIUS_SHARE / len(self.latents) ** (1 / 3)
        return float(np.clip(share, LEAST_SHARE, MOST_SHARE))

    def spheres(self, triple: Triple, limit: float) -> Spheres:
        """The spheres of a view of -limit..limit."""
        points = np.ascontiguousarray(self.latents[:, triple])
        rim = self.fill if self.rim is None else self.rim
        front = None if self.marked is None else self.marked.highlighted
        return Spheres(points, self.fill, rim, self.share * limit, front=front)

    def labels(self, triple: Triple) -> Labels | None:
        """The names in a view; None where none were asked for."""
        return None if self.marked is None else self.marked.labels(self.latents[:, triple[:2]])

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
            places.append(f"{hue} {place_in_words(float(x), float(y))}")
        return f"{self.title_of(triple)} shows {', '.join(places)}."


def place_in_words(x: float, y: float) -> str:
    """Where a point of a view lies, such as ``at the upper right``."""
    if math.hypot(x, y) < MIDDLE:
        return "in the middle"
    sides = (
        "at the right", "at the upper right", "at the top", "at the upper left", "at the left",
        "at the lower left", "at the bottom", "at the lower right",
    )  # fmt: skip
    return sides[round(math.atan2(y, x) / (math.pi / 4)) % 8]


def cloud_of(
    run: Run,
    step: int | None,
    probe: str | None,
    layer: str | None,
    points: str | None,
    theme: Theme,
    project: object = None,
    center: Center | None = None,
    *,
    label: Sequence[str] = (),
    highlight: Sequence[str] = (),
) -> Cloud:
    """The points to show, where the model puts them and what it makes of them.

    Args:
        run: A run.
        step: A recorded step; None for the state after the last update.
        probe: ``rgb:N``, ``run``, or None for what fits the run.
        layer: The layer whose output is the latent; short for points ``layer:NAME``.
        points: The points to show; None for `Run.points`.
        theme: Where colors come from, of points that have none themselves.
        project: A transform, fitted to the run's own points.
        center: What its points are taken from.
        label: The run's own points that have their names beside them, as `selected_points` takes
            them.
        highlight: Those that stand out; the colors of all others fade toward the ground.

    Raises:
        OptionError: The step or the layer was not recorded, a text names no point, or the probe
            does not fit the run.
        ModelError: The run's model cannot be made, or cannot be run on the probe.
        ArchiveError: Something is not finite, or the run has no states to evaluate.
    """
    moment = moment_of(run, step, layer, points)
    run, when = moment.run, moment.when
    side = _grid_side(run, probe)
    key, marked = None, None
    if side is None:
        colors = coloring(run.colors, run.n_points, theme, class_names=run.class_names)
        fill, key = colors.rgb, colors.key
        marked = marked_points(run, label, highlight)
    elif label or highlight:
        raise OptionError(
            f"label and highlight are of the run's own points, and the probe is rgb:{side}; give "
            "probe run too"
        )
    if side is None and not run.can_evaluate:
        latents, outputs = moment.latents(), None
    elif side is None:
        answer = moment.evaluate(run.probe)
        latents = answer.latents
        # A reconstruction is compared with a color, and with nothing else.
        outputs = answer.outputs if _are_colors(run) else None
    else:
        _check_colors_fit(run, side)
        fill = rgb_grid(side).astype(np.float32)
        answer = moment.evaluate(fill)
        latents, outputs = answer.latents, answer.outputs
    if outputs is not None and outputs.shape != fill.shape:
        outputs = None
    check_finite(f"latents {when}", latents)
    radii = np.linalg.norm(latents.astype(np.float64), axis=1)
    name = f"atents{moment.of_layer} {when}"
    words = (
        f"The l{name} of {len(latents)} {'points' if side is None else 'colors of the RGB cube'}, "
        "as spheres in front of the unit sphere; their distances from the origin have the median "
        f"{np.median(radii):.2g} and reach {radii.max():.2g}."
    )
    data: dict[str, Any] = {
        "step": moment.step,
        "layer": run.layer,
        "source": run.points,
        "probe": "run" if side is None else f"rgb:{side}",
        "points": len(latents),
        "distance_max": float(radii.max()),
        "distance_median": float(np.median(radii)),
    }
    rim = None
    if outputs is not None:
        check_finite(f"outputs {when}", outputs)
        rim = _bytes(outputs)
        error = np.square(outputs.astype(np.float64) - fill).mean(-1)
        data |= {"error_max": float(error.max()), "error_median": float(np.median(error))}
        words += (
            " Each is filled with its true color, and its rim has the reconstructed one; mean "
            f"squared error: median {np.median(error):.2g}, largest {error.max():.2g}."
        )
    components, choose = None, None
    fitted = fitted_of([run], project, center)
    if project is not None:
        components = fitted.components
        latents = fitted(latents[None], np.array([moment.n_before]))[0]
        check_finite(f"latents {when}, projected,", latents)
        data |= fitted.figures

        def choose() -> Sequence[int]:
            return range(3)
    elif latents.shape[1] > FEW_DIMS:

        def choose() -> Sequence[int]:
            return widest(run, 3)

    words += key_in_words(key)
    fill_bytes = _bytes(fill)
    if marked is not None:
        words += marked.words
        if marked.highlighted is not None:
            fill_bytes = _faded(fill_bytes, marked.highlighted, theme)
            rim = None if rim is None else _faded(rim, marked.highlighted, theme)
    return Cloud(
        latents, fill_bytes, rim, side, f"L{name}", words, data, components, choose, key, marked
    )


def _faded(
    colors: NDArray[np.uint8], highlighted: NDArray[np.bool_], theme: Theme
) -> NDArray[np.uint8]:
    """Colors (N, 3), near the ground's but for the points (N,) that stand out."""
    ground = np.array(rgb_bytes(theme.disc), np.float64)
    faded = np.rint(ground + FADED_SHARE * (colors - ground)).astype(np.uint8)
    return np.where(highlighted[:, None], colors, faded)


def _grid_side(run: Run, probe: str | None) -> int | None:
    """How many colors a side the probe has; None if the run's own points are to be shown."""
    if probe is None:
        probe = DEFAULT_PROBE if run.can_evaluate and _are_colors(run) else "run"
    if probe == "run":
        return None
    if run.layer is None:
        raise OptionError(
            f"probe {probe!r} is for the output of a layer; of a tensor's rows use run, the points "
            "themselves"
        )
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


def limit_of(reach: float, share: float) -> float:
    """The limit of a view in which a sphere as far out as ``reach`` fits."""
    return max(LEAST_LIMIT, LIMIT_STEP * math.ceil(reach / (1 - share) / LIMIT_STEP))


def _bytes(rgb: NDArray[Any]) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
    return levels
