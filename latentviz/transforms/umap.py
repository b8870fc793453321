"""UMAP: a map of points at a few key steps, between which they move on straight lines."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..blas import one_thread
from ..errors import OptionError
from ..projection import Pairs
from ..runs.run import Run
from .fitted import Component, title_of
from .moments import whole_points
from .pca import principal
from .states import all_states, read_states, states_in_figures
from .transform import Center, refuse_center

KEY_STEPS = 12
OFFSET = 10.0  # tames the first strides between key steps
SEED = 0
N_NEIGHBORS = 15
LEAST_POINTS = 4
START_SPAN = 10.0  # of the places that UMAP starts from, as it has it itself


@dataclass(frozen=True)
class UMAP:
    """One map of the points at all key steps together (umap-learn)."""

    name: ClassVar[str] = "umap"
    text: ClassVar[str] = "umap"

    @classmethod
    def parse(cls, rest: str) -> UMAP:
        """Of nothing.

        Raises:
            OptionError: There is more.
        """
        if rest:
            raise OptionError(f"nothing follows umap, got {cls.name + rest!r}")
        return cls()

    def fit(self, runs: Sequence[Run], center: Center | None) -> KeyPlaces:
        """Place the points of the run's key steps: twelve, closer together where it begins.

        The seed is fixed, and the map is made on one thread (`one_thread`, for as long as that
        takes), so that it can be made again. Points that coincide are placed once.

        Args:
            runs: One.
            center: None.

        Raises:
            OptionError: There are several runs, too few points, or a center; or umap-learn is not
                installed.
            ArchiveError: The run is damaged.
        """
        refuse_center(self.name, center)
        if len(runs) > 1:
            raise OptionError("umap takes one run; take pca for several")
        (run,) = runs
        indices = key_indices(run)
        latents = np.concatenate([states for _, states in read_states(run, indices)])
        whole = whole_points(latents)
        rows, which = np.unique(latents[whole], axis=0, return_inverse=True)
        if len(rows) < LEAST_POINTS:
            raise OptionError(
                f"umap needs {LEAST_POINTS} points or more that differ, got {len(rows)}"
            )
        places = np.full((*latents.shape[:2], 2), np.nan, np.float32)
        places[whole] = _embedded(rows)[which.reshape(-1)]
        figures = {
            "project": self.text,
            "fitted_to": [states_in_figures(run, indices)],
            "seed": SEED,
            "points_left_out": int((~whole).sum()),
        }
        return KeyPlaces(indices, places, (Component("UMAP1"), Component("UMAP2")), figures)


@dataclass(frozen=True)
class KeyPlaces:
    """Where points are at key steps, and on straight lines between: a `Fitted`."""

    indices: NDArray[np.int64] = field(compare=False)
    """(S,) of the key steps."""
    places: NDArray[np.float32] = field(compare=False)
    """(S, N, k), NaN where a point is not finite."""
    components: tuple[Component, ...]
    figures: Mapping[str, Any] = field(default_factory=dict, compare=False)
    digest: str = field(init=False)

    matrix = None

    def __post_init__(self) -> None:
        content = hashlib.sha256(self.indices.tobytes())
        content.update(np.ascontiguousarray(self.places).tobytes())
        object.__setattr__(self, "digest", content.hexdigest())

    def __call__(
        self, latents: NDArray[np.float32], indices: NDArray[np.int64], /
    ) -> NDArray[np.float32]:
        """(n, N, k), of which steps says all; points that are not those it knows are refused.

        Raises:
            OptionError: There are more points, or fewer.
        """
        if latents.shape[1] != self.places.shape[1]:
            raise OptionError(
                f"umap places the run's own {self.places.shape[1]} points alone, got "
                f"{latents.shape[1]} others"
            )
        after = np.clip(np.searchsorted(self.indices, indices), 1, max(1, len(self.indices) - 1))
        after = np.minimum(after, len(self.indices) - 1)
        before = np.maximum(after - 1, 0)
        first, last = self.indices[before], self.indices[after]
        share = (indices - first) / np.maximum(last - first, 1)
        share = share.astype(np.float32)[:, None, None]
        start, way = self.places[before], self.places[after] - self.places[before]
        # The end itself, bit for bit, where a step is one.
        return np.where(share == 1, self.places[after], start + share * way)

    @property
    def note(self) -> str:
        """How many key steps there are."""
        if len(self.indices) == 1:
            return "all at one key step"
        return f"between {len(self.indices)} key steps on straight lines"

    @property
    def default_dims(self) -> Pairs:
        """The one plane that there is."""
        return ((0, 1),)

    def title(self, *shown: int) -> str:
        """Such as ``UMAP1 · UMAP2``."""
        return title_of(self.components, *shown)

    def take(self, dims: tuple[int, ...]) -> KeyPlaces:
        """Some of them."""
        components = tuple(self.components[dim] for dim in dims)
        return replace(self, places=self.places[..., list(dims)], components=components)


def key_indices(run: Run) -> NDArray[np.int64]:
    """The key steps: the first state, the last, and some between, in geometric spacing, (S,)."""
    last = len(all_states(run)) - 1
    ends = np.geomspace(OFFSET, last + OFFSET, KEY_STEPS) - OFFSET
    return np.unique(np.rint(ends).astype(np.int64))


def _embedded(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The places (n, 2) of distinct points (n, D), around the origin."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that umap-learn finds or misses
        try:
            import umap
        except ImportError:
            raise OptionError('umap needs umap-learn: pip install "latentviz[umap]"') from None
        with one_thread(user_api=None):
            reducer = umap.UMAP(
                n_neighbors=min(N_NEIGHBORS, len(rows) - 1),
                init=_start(rows),
                random_state=SEED,
                n_jobs=1,
            )
            places = np.asarray(reducer.fit_transform(rows), np.float64)
    return np.asarray(places - places.mean(0), np.float32)


def _start(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where UMAP starts from: the first two principal components, ours, as they repeat."""
    apart = rows.astype(np.float64)
    apart -= apart.mean(0)
    with one_thread():
        _, directions = principal(apart.T @ apart / len(rows))
        start = apart @ directions[:2].T
    if start.shape[1] < 2:
        start = np.concatenate([start, np.zeros((len(start), 1))], axis=1)
    noise = np.random.default_rng(SEED).normal(scale=1e-4, size=start.shape)
    span = max(float(np.abs(start).max()), 1e-30)
    return (START_SPAN * start / span + noise).astype(np.float32)
