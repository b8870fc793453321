"""HTML for notebooks, whole in itself: what is shown stays in the notebook's file."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape

FRAME_HEIGHT_PX = 720


def table_html(caption: str, rows: Mapping[str, str]) -> str:
    """A table of facts: names on the left."""
    cells = "".join(
        f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in rows.items()
    )
    head = f'<caption style="text-align:left"><b>{escape(caption)}</b></caption>'
    return f"<table>{head}<tbody>{cells}</tbody></table>"


def image_html(source: str, alt: str, *, width: int | None = None) -> str:
    """A picture, from an address such as `data_uri` gives."""
    return (
        f'<img src="{escape(source)}" alt="{escape(alt)}" title="{escape(alt)}"'
        f' style="{_width(width)}">'
    )


def video_html(
    source: str, alt: str, *, poster: str | None = None, width: int | None = None
) -> str:
    """A video with controls, which waits to be started, and a still picture until then."""
    still = "" if poster is None else f' poster="{escape(poster)}"'
    return (
        f'<video controls loop muted playsinline preload="metadata" src="{escape(source)}"{still}'
        f' aria-label="{escape(alt)}" style="{_width(width)}"></video>'
    )


def frame_html(
    page: str, title: str, *, width: int | None = None, height: int | None = None
) -> str:
    """A whole page within another one.

    Args:
        page: Its HTML.
        title: What it is, for those who cannot see it.
        width: In pixels; by default that of the page around it.
        height: In pixels; by default a little more than a wide film would have.
    """
    wide = "100%" if width is None else f"{width}px"
    high = f"{FRAME_HEIGHT_PX}px" if height is None else f"{height}px"
    return (
        f'<iframe srcdoc="{escape(page)}" title="{escape(title)}" allow="fullscreen; '
        f'clipboard-write" style="width:{wide};max-width:100%;height:{high};border:0"></iframe>'
    )


def progress_html(done: int, total: int, what: str) -> str:
    """A bar, and in words what it says."""
    return (
        f'<progress value="{done}" max="{total}" aria-label="{escape(what)}"></progress> '
        f"{escape(what)}"
    )


def data_uri(data: bytes, media_type: str) -> str:
    """An address that holds the data itself."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def _width(width: int | None) -> str:
    limit = "max-width:100%"
    return limit if width is None else f"width:{width}px;{limit}"
