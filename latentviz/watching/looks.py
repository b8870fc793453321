"""A page as it was made at some moment, and all that came since, for whoever has it open."""

from __future__ import annotations

import json
import secrets
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..archive.deflate import zlib_stream
from ..errors import OptionError
from ..film.clouds import FilmClouds
from ..film.spec import FilmSpec
from ..packing.arrays import ArrayTable, array_at, code
from ..runs.run import Run
from ..text import printable
from ..transforms.umap import KeyPlaces
from ..viewing.document import WIDE, document_of
from ..viewing.spec import PageSpec
from ..viewing.viewer import Pages
from ..views.clock import is_dense
from ..views.curves import smoothing_width
from ..web.page import page_html
from .curves import CurveKind, GrowingChart, GrowingShares, GrownCurve
from .growing import Growing
from .places import GrowingRow

EVERY_MS = 1000  # a page asks
MOST_CHUNK_BYTES = 4 << 20  # of the places in one answer, as 32-bit numbers
# After so much of places, steps are left out: every second, then every fourth. So a page holds an
# hour of short steps.
MOST_EVERY_STEP_BYTES = 32 << 20
MOST_KEPT_BYTES = 128 << 20  # of answers, for pages that are opened later

# The charts of a film by their labels, and what of a run is in them.
GROUPS = {"schedule": "params", "losses": "losses", "metrics": "metrics"}
EXPLAINED = "share"
_HEAD = struct.Struct("<I")  # how many bytes of JSON follow; then come those of the arrays

Plain = dict[str, Any]
AnyChart = GrowingChart | GrowingShares


@dataclass(frozen=True)
class _Answer:
    start: int  # how many steps a page has that gets it
    body: bytes


class Look:
    """A page, fitted to what was recorded when it was made, and what came since.

    What came since is placed by the same transform, in the same units: nothing that the page shows
    moves. It is packed once, for all who have the page open.

    Attributes:
        name: By which the page says that it is this one.
        page: The page, HTML as UTF-8.
        n_steps: How many steps it had.
    """

    def __init__(self, growing: Growing, spec: FilmSpec, page_spec: PageSpec) -> None:
        """Make the page of all chunks that are whole.

        Raises:
            LatentvizError: An option does not fit the run, or it is damaged.
        """
        check_options(spec)
        self.name = secrets.token_urlsafe(6)
        self._growing = growing
        self._n_chunks = growing.n_chunks
        self._n_recorded = growing.n_steps
        self._has_ended = growing.ends_at(self._n_chunks)
        self._lock = threading.Lock()
        self._answers: list[_Answer] = []
        self._n_kept = 0
        self._has_dropped = False  # answers, which are not kept any more
        with growing.run(0, self._n_chunks, whole=self._has_ended) as run:
            pages = Pages([run], spec, page_spec)
            clouds = pages.at_size(WIDE).rows
            document, data, _ = document_of(
                pages.at_size, spec, page_spec, names=pages.names, appendable=True
            )
            document["live"] = {"address": f"steps?look={self.name}", "every_ms": EVERY_MS}
            self.page = page_html(document, data, connects=True).encode()
            self.rows = [
                _growing_row(row, plain, data)
                for row, plain in zip(clouds, document["rows"], strict=True)
            ]
            self._charts = [
                _growing_chart(plain, data, self.rows, run) for plain in document["charts"]
            ]
            self._last_step, self._is_dense = int(run.steps[-1]), is_dense(run.steps)
        n_values = sum(int(np.prod(plain["places"]["shape"][1:])) for plain in document["rows"])
        self._most_steps = max(1, MOST_CHUNK_BYTES // (4 * n_values))
        self._most_every_step = max(1, MOST_EVERY_STEP_BYTES // (4 * n_values))
        self.n_steps = self._stop = array_at(data, document["runs"][0]["steps"]).size
        self._n_left_out = int(document["runs"][0]["left_out"])
        self._n_seen = 0  # steps that came since, whether they are in the page or left out

    @property
    def is_fresh(self) -> bool:
        """Whether a page that is opened now may be this one, and be brought up to date."""
        # By what is recorded: nobody may have asked for it yet.
        return not self._has_dropped and self._growing.n_steps < 2 * self._n_recorded

    def growth(self, start: int, *, may_read: bool) -> bytes | None:
        """What came since a page had so many steps.

        Args:
            start: The number of its steps.
            may_read: Whether there is time to read what was recorded.

        Returns:
            As ``viewer/growth.js`` has it; None if a page cannot have so many.

        Raises:
            LatentvizError: The recording is damaged or gone.
        """
        with self._lock:
            for answer in self._answers:
                if answer.start == start:
                    return answer.body
            if start != self._stop:
                return None
            if may_read and self._is_behind():
                answer = self._read_on()
                self._keep(answer)
                return answer.body
        return without_steps(self._growing)

    def _is_behind(self) -> bool:
        stop = self._growing.n_chunks
        return stop > self._n_chunks or (self._growing.ends_at(stop) and not self._has_ended)

    def _read_on(self) -> _Answer:
        growing, first, stop = self._growing, self._n_chunks, self._growing.n_chunks
        ends = growing.ends_at(stop)
        n_new = sum(growing.counts(first, stop))
        kept = self._kept(n_new, ends=ends)
        # What followed the last update is read with a chunk, of which the page may have the steps.
        with growing.run(min(first, stop - 1), stop, whole=ends) as run:
            after = ends and all(row.of(run).run.has_final for row in self.rows)
            body = self._packed(run, kept, after=after, ends=ends)
        start, self._n_chunks = self._stop, stop
        self._stop += int(kept.sum())
        self._n_seen += n_new
        self._has_ended = ends
        return _Answer(start, body)

    def _kept(self, n_new: int, *, ends: bool) -> NDArray[np.bool_]:
        """Which of the new steps the page gets, (n_new,)."""
        stride = 1 << ((self._stop - self.n_steps) // self._most_every_step)
        while n_new > stride * self._most_steps:
            stride *= 2
        kept: NDArray[np.bool_] = (self._n_seen + np.arange(n_new)) % stride == 0
        if ends and n_new:
            kept[-1] = True
        return kept

    def _packed(self, run: Run, kept: NDArray[np.bool_], *, after: bool, ends: bool) -> bytes:
        table = ArrayTable()
        at = np.flatnonzero(kept)
        if len(kept):
            ends_at = [self._last_step, *run.steps[-2:].tolist()][-2:]
            self._is_dense = ends_at[1] - ends_at[0] == 1
            self._last_step = ends_at[1]
        rows = [row.grow(run, at, after=after) for row in self.rows] if len(at) or after else []
        plain: Plain = {
            **_words(self._growing),
            "from": self._stop,
            "steps": _added(table, run.steps[at].astype(np.float64), delta=True),
            "last": ends,
            "after": after,
            "dense": self._is_dense,
            "left_out": self._n_left_out + int((~kept).sum()),
            "held": max((row.n_held for row in rows), default=0),
            "places": [
                _added(table, row.units.reshape(len(row.units), -1), delta=True) for row in rows
            ],
            "charts": [_plain_chart(chart, run, kept, ends, table) for chart in self._charts],
        }
        self._n_left_out = plain["left_out"]
        return _body(plain, table.data)

    def _keep(self, answer: _Answer) -> None:
        self._answers.append(answer)
        self._n_kept += len(answer.body)
        while self._n_kept > MOST_KEPT_BYTES and len(self._answers) > 1:
            self._n_kept -= len(self._answers.pop(0).body)
            self._has_dropped = True


def check_options(spec: FilmSpec) -> None:
    """See that a run that grows can be shown so.

    Raises:
        OptionError: It cannot.
    """
    if spec.steps[1] is not None:
        raise OptionError("a recording is followed to its end; give --steps FIRST: without an end")


def without_steps(growing: Growing) -> bytes:
    """An answer when there are no new steps."""
    return _body({**_words(growing), "steps": None}, b"")


def in_words(state: str) -> bytes:
    """An answer to a page that cannot go on."""
    return _body({"state": state, "step": None, "steps": None}, b"")


def _words(growing: Growing) -> Plain:
    return {"state": growing.state.value, "step": growing.last_step}


def _body(plain: Plain, data: bytes) -> bytes:
    text = json.dumps(plain, allow_nan=False, separators=(",", ":")).encode()
    return _HEAD.pack(len(text)) + text + data


def _growing_row(row: FilmClouds, plain: Plain, data: bytes) -> GrowingRow:
    """A row of the page, in the units of its places there.

    Raises:
        OptionError: Its transform knows the steps alone to which it was fitted.
    """
    if isinstance(row.shown.fitted, KeyPlaces):
        raise OptionError(
            "umap places no steps but those that it was fitted to; watch with another transform, "
            "such as --project pca"
        )
    places = plain["places"]
    return GrowingRow(row.shown, array_at(data, places["scale"]), array_at(data, places["origin"]))


def _growing_chart(plain: Plain, data: bytes, rows: Sequence[GrowingRow], run: Run) -> AnyChart:
    """A chart of the page."""
    if plain["label"] == EXPLAINED:
        return GrowingShares(plain["steps"]["shape"][0], rows)
    group = GROUPS[plain["label"]]
    given = {"params": run.params, "losses": run.losses, "metrics": run.metrics}[group]
    names = {printable(name): name for name in given}
    width = smoothing_width(len(run))
    kinds = [
        CurveKind(
            names.get(curve["name"], curve["name"]),
            1 if curve["raw"] is None else width,
            bool(curve["measured"]),
        )
        for curve in plain["curves"]
    ]
    steps = array_at(data, plain["steps"]).astype(np.int64)
    return GrowingChart(group, kinds, steps, run)


def _plain_chart(
    chart: AnyChart, run: Run, kept: NDArray[np.bool_], ends: bool, table: ArrayTable
) -> Plain:
    """What a chart goes on with."""
    steps = run.steps[: len(kept)][kept]
    start = chart.n_steps
    final = chart.final(run) if ends else None
    grown = chart.grow(run, kept) if len(kept) else []
    return {
        "from": start,
        "steps": _added(table, steps.astype(np.float64), delta=True),
        "curves": [_plain_curve(curve, table) for curve in grown],
        "final": final,
    }


def _plain_curve(curve: GrownCurve, table: ArrayTable) -> Plain:
    return {
        "from": curve.start,
        "values": _added(table, _single(curve.values)),
        "raw": None if curve.raw is None else _added(table, _single(curve.raw)),
        "keyed": curve.keyed,
        "measured": curve.measured,
        "broken": curve.broken,
    }


def _added(table: ArrayTable, array: NDArray[Any], *, delta: bool = False) -> Plain:
    """An array in an answer, packed as fast as can be."""
    return table.put(code(array, delta=delta, compress=zlib_stream))


def _single(values: NDArray[np.float64]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # beyond float32's range nothing is drawn
        return values.astype(np.float32)
