"""A stage as plain values, which JSON can hold; ``viewer/document.js`` has their types."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..palette import role_color
from ..raster.chart import chart_axes
from ..raster.clouds import CloudPainter
from ..raster.keys import end_labels, key_text_px
from ..raster.layout import dots_bottom, page_scale, window_of
from ..raster.ticks import Ticks
from ..scene import (
    Box,
    CaptionPanel,
    Categories,
    Chart,
    CloudPanel,
    Coloring,
    Curve,
    CurvesPanel,
    KeyPanel,
    Ramp,
    Stage,
)
from ..text import printable
from ..theme import THEMES, Role, Theme

Plain = dict[str, Any]
RAMP_STOPS = 32


class Arrays(Protocol):
    """Where arrays go; each is then a plain value that says where it is."""

    def add(self, array: NDArray[Any], *, delta: bool = False) -> Plain:
        """Put an array there."""
        ...


def plain_themes() -> Plain:
    """The colors of each theme that are no role's."""
    names = ("background", "disc", "text", "muted", "grid", "cursor")
    return {key: {name: getattr(theme, name) for name in names} for key, theme in THEMES.items()}


def plain_layout(stage: Stage, *, rows: Sequence[int], key_rows: Sequence[int]) -> Plain:
    """Where all panels of a page stand.

    Args:
        stage: The page.
        rows: How many clouds each row of them has.
        key_rows: Of which row each key is.
    """
    scale = page_scale(stage.size)
    assert stage.heading is not None  # whoever plans a page of ours sees to it
    clouds = iter([(row, k) for row, n in enumerate(rows) for k in range(n)])
    keys, charts = iter(key_rows), iter(range(len(stage.panels)))
    panels: list[Plain] = []
    below = []
    for panel in stage.panels:
        match panel:
            case CloudPanel():
                plain = _plain_cloud(panel, *next(clouds))
                panels.append({**plain, "sides": _sides(panel, stage.size, scale)})
            case KeyPanel():
                panels.append(
                    {
                        "kind": "key",
                        "body": plain_box(panel.cell.body),
                        "row": next(keys),
                        "text_px": key_text_px(panel.key, panel.cell.body.width, scale),
                    }
                )
            case CurvesPanel():
                panels.append(_plain_curves(panel, next(charts), scale))
                below.append(panel.cell)
            case CaptionPanel():
                panels.append({"kind": "caption", "body": plain_box(panel.cell.body)})
                below.append(panel.cell)
    width, _ = stage.size
    return {
        "size": list(stage.size),
        "scale": scale,
        "heading": plain_box(stage.heading),
        "dots": plain_box(Box(0, 0, width, dots_bottom(stage.size, below))),
        "panels": panels,
    }


def _plain_cloud(panel: CloudPanel, row: int, projection: int) -> Plain:
    window = window_of(panel)
    return {
        "kind": "cloud",
        "head": plain_box(panel.cell.head),
        "body": plain_box(panel.cell.body),
        "row": row,
        "projection": projection,
        "center": list(panel.center),
        "limits": panel.limits,
        "edges": list(window.edges),
        "px_per_unit": window.px_per_unit,
        "dot_radius": panel.dot_radius,
        "row_name": printable(panel.row_name),
        "named_beside": panel.named_beside,
    }


def _sides(panel: CloudPanel, size: tuple[int, int], scale: float) -> list[list[int]]:
    """On which side of its point each name stands: -1, 0 or 1, right and down."""
    if panel.labels is None:
        return []
    names = CloudPainter(panel, THEMES["dark"], size, scale).names
    assert names is not None  # as there are labels
    middles = names.offsets_px + names.sizes_px / 2
    # A name at a dot's side is level with it to the pixel.
    signs = np.where(np.abs(middles) < 1, 0, np.sign(middles)).astype(int)
    known = dict(zip(names.points.tolist(), signs.tolist(), strict=True))
    # One that others hide in all frames of the film may be seen after all where axes change.
    return [known.get(point, [1, 0]) for point in panel.labels.points.tolist()]


def _plain_curves(panel: CurvesPanel, chart: int, scale: float) -> Plain:
    body = panel.cell.body
    axes = chart_axes(panel.chart, (body.width, body.height), scale)
    return {
        "kind": "chart",
        "head": plain_box(panel.cell.head),
        "body": plain_box(body),
        "chart": chart,
        "limits": list(axes.heights.limits),
        "ticks": _plain_ticks(axes.values),
        "steps": _plain_ticks(axes.steps),
    }


def plain_chart(chart: Chart, arrays: Arrays) -> Plain:
    """Curves, as they are; their axis depends on the page."""
    return {
        "label": chart.label,
        "note": chart.note,
        "quantity": chart.quantity,
        "log": chart.log,
        "parts": chart.parts,
        "steps": arrays.add(chart.steps.astype(np.float64)),
        "curves": [_plain_curve(curve, arrays) for curve in chart.curves],
    }


def _plain_curve(curve: Curve, arrays: Arrays) -> Plain:
    raw, final = curve.raw, curve.final
    return {
        "name": printable(curve.name),
        "color": by_theme(lambda theme: role_color(curve.role, theme)),
        "values": arrays.add(_single(curve.values)),
        "raw": None if raw is None else arrays.add(_single(raw)),
        "keyed": curve.keyed.tolist(),
        "measured": curve.measured.tolist(),
        "broken": curve.broken.tolist(),
        "final": final if final is not None and math.isfinite(final) else None,
    }


def _single(values: NDArray[np.float64]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # beyond float32's range nothing is drawn
        return values.astype(np.float32)


def plain_coloring(
    colorings: Mapping[str, Coloring], arrays: Arrays, *, classes: NDArray[np.uint16] | None
) -> tuple[Plain, Plain | None]:
    """Points' colors in each theme, and their key.

    Args:
        colorings: By the theme's name.
        arrays: Where the colors go.
        classes: (N,) each point's place among the names of the key, where it is of classes.
    """
    rgb = {
        name: arrays.add(np.rint(coloring.rgb * 255).astype(np.uint8))
        for name, coloring in colorings.items()
    }
    match next(iter(colorings.values())).key:
        case Categories(names, roles):
            assert classes is not None  # the points have some
            return rgb, {
                "kind": "categories",
                "names": [printable(name) for name in names],
                "colors": by_theme(lambda theme: _colors(roles, theme)),
                "classes": arrays.add(classes),
            }
        case Ramp(low, high, colormap):
            first, last = end_labels(low, high)
            return rgb, {
                "kind": "ramp",
                "low": first,
                "high": last,
                "stops": _stops(colormap),
            }
        case None:
            return rgb, None


def _colors(roles: Sequence[Role], theme: Theme) -> list[str]:
    return [role_color(role, theme) for role in roles]


def _stops(colormap: str) -> list[str]:
    """Colors of a colormap from its one end to the other, evenly spaced."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(color) for color in colormaps[colormap](np.linspace(0, 1, RAMP_STOPS))]


def by_theme(value: Callable[[Theme], Any]) -> Plain:
    """What a function gives for each theme."""
    return {name: value(theme) for name, theme in THEMES.items()}


def plain_box(box: Box) -> Plain:
    """A rectangle in pixels."""
    return {"x": box.x, "y": box.y, "width": box.width, "height": box.height}


def _plain_ticks(ticks: Ticks) -> Plain:
    return {
        "values": list(ticks.values),
        "labels": list(ticks.labels),
        "minor": list(ticks.minor),
    }
