"""The document of a page: all that it shows, as plain values, and the bytes of its arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from .. import __version__
from ..errors import OptionError
from ..film.clouds import FilmClouds
from ..film.command import option_words
from ..film.planning import FilmPage
from ..film.spec import FilmSpec
from ..packing.arrays import ArrayTable
from ..runs.run import Run
from ..scene import CloudPanel, CurvesPanel, Stage
from ..text import printable
from ..views import PARTS
from ..views.clock import is_dense
from ..web.page import page_html
from ..web.plain import plain_chart, plain_layout, plain_themes
from .clock import Span, all_of, frame_starts, longest_blur
from .places import Packing, with_places
from .rows import plain_row, px_per_unit
from .spec import MEGABYTE, NOT_OF_PAGES, PageSpec
from .thinning import thinned

# A page is laid out for a window that is wide, and for one that is upright.
WIDE, UPRIGHT = (1920, 1080), (420, 740)
FPS = 30
BASE64 = 3 / 4  # bytes that a character stands for
SPARE_BYTES = 4096  # for the numbers that are not known before places are packed

PageAt = Callable[[tuple[int, int]], FilmPage]
Progress = Callable[[int, int], None]


def document_of(
    page_at: PageAt,
    spec: FilmSpec,
    page_spec: PageSpec,
    *,
    names: Sequence[str],
    appendable: bool = False,
    progress: Progress | None = None,
) -> tuple[dict[str, Any], bytes, tuple[Packing, ...]]:
    """A page's document, its bytes, and what became of its points.

    Args:
        page_at: The page of a size.
        spec: How the film looks.
        page_spec: What the page holds.
        names: The runs'.
        appendable: Whether steps are to follow, as of a run that is still recorded.
        progress: Called with how many steps are done, and of all.

    Raises:
        OptionError: The page would be too large, or points are not finite.
        ArchiveError: A run is damaged.
    """
    pages = [page_at(size) for size in (WIDE, UPRIGHT)]
    stages = [page.stage for page in pages]
    page, stage = pages[0], stages[0]
    plans = list(dict.fromkeys(row.plan for row in page.rows))
    table = ArrayTable()
    spans = [Span(plan, all_of(plan)) for plan in plans]
    starts = frame_starts(spans)
    n_moments = len(np.unique(np.concatenate([span.steps for span in spans]))) + 1
    longest = longest_blur(starts, n_moments)
    rows = [
        plain_row(row, panels, table, run=plans.index(row.plan), longest=longest)
        for row, panels in zip(page.rows, _by_row(page.rows, stage), strict=True)
    ]
    charts = [panel.chart for panel in stage.panels if isinstance(panel, CurvesPanel)]
    document = {
        "version": __version__,
        "title": stage.title or " · ".join(names),
        "quiet_title": stage.quiet_title,
        "theme": spec.theme,
        "themes": plain_themes(),
        "rows": rows,
        "charts": [plain_chart(thinned(chart), table) for chart in charts],
        "layouts": [
            plain_layout(stage, rows=[len(row) for row in page.rows], key_rows=_key_rows(at_size))
            for at_size, stage in zip(pages, stages, strict=True)
        ],
        "parts": PARTS if plans[0].clock.in_shares else None,
        "fps": FPS,
        "trail": spec.trail,
        "captions": [
            {"first": first, "stop": stop, "text": printable(text)}
            for (first, stop), text in spec.captions
        ],
        "command": command([plan.run for plan in plans], spec),
        "note": ", ".join(filter(None, dict.fromkeys(r.shown.fitted.note for r in page.rows))),
        "live": None,
    }
    scales = [
        px_per_unit(row, plain["components"], [panel for part in of_row for panel in part])
        for row, plain, of_row in zip(
            page.rows, rows, zip(*(_by_row(page.rows, s) for s in stages), strict=True), strict=True
        )
    ]
    budget = _budget(document, table, page_spec.max_size, n_rows=len(rows))
    packing, spans = with_places(
        rows, page.rows, scales, spans, table, budget, progress, appendable=appendable
    )
    document["runs"] = [
        {
            "name": name,
            "steps": table.add(span.steps.astype(np.float64)),
            "after": span.has_after,
            "end": span.end,
            "dense": is_dense(span.plan.run.steps),
            "left_out": span.n_left_out,
        }
        for name, span in zip(names, spans, strict=True)
    ]
    document["frames"] = table.add(frame_starts(spans))
    return document, table.data, packing


def command(runs: Sequence[Run], spec: FilmSpec) -> list[str]:
    """The words of the command that renders the runs' film, but for projections and theme."""
    without = ("dims", "theme", *NOT_OF_PAGES)
    sources = ["run.npz" if run.path is None else str(run.path) for run in runs]
    words = option_words(spec, without=without)
    return ["latentviz", "render", *sources, "-o", "film.mp4", *words]


def _by_row(rows: Sequence[FilmClouds], stage: Stage) -> list[list[CloudPanel]]:
    """The panels of each row."""
    clouds: Iterator[CloudPanel] = (p for p in stage.panels if isinstance(p, CloudPanel))
    return [list(islice(clouds, len(row))) for row in rows]


def _key_rows(page: FilmPage) -> list[int]:
    """Of which row each key is."""
    return [k for k, key in enumerate(page.keys.by_row) if key is not None]


def _budget(document: dict[str, Any], table: ArrayTable, max_size: int, *, n_rows: int) -> int:
    """So many bytes may the places of a row have.

    Raises:
        OptionError: There is no room for any.
    """
    fixed = len(page_html({**document, "runs": [], "frames": None}, table.data).encode())
    budget = int((max_size - fixed - SPARE_BYTES * n_rows) * BASE64 / n_rows)
    if budget <= 0:
        raise OptionError(
            f"the page has {fixed / MEGABYTE:.2f} MB before any point is in it; max_size must be "
            "greater than that"
        )
    return budget
