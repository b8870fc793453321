"""The page as HTML: its parts, put into one file."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from .modules import joined

ENTRY = "main"
_PLACE = re.compile(r"\{\{(\w+)\}\}")
# What could end a script element, or begin a comment in it, in JSON.
_MARKUP = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def page_html(document: Mapping[str, Any], data: bytes, *, connects: bool = False) -> str:
    """A page that is whole in itself.

    Args:
        document: What it shows, as ``viewer/document.js`` has it.
        data: The bytes that the document's arrays are in.
        connects: Whether it may ask the server that it comes from for more.
    """
    return "".join(page_parts(document, data, connects=connects))


def page_parts(
    document: Mapping[str, Any], data: bytes, *, connects: bool = False
) -> Iterator[str]:
    """`page_html` in parts: the data, which may be large, are one of them."""
    values = {
        "title": escape(str(document["title"])),
        "theme": str(document["theme"]),
        "connect": "'self'" if connects else "'none'",
        "style": viewer_file("style.css"),
        "document": json_text(document),
        "script": viewer_script(),
    }
    end = 0
    template = viewer_file("page.html")
    for place in _PLACE.finditer(template):
        yield template[end : place.start()]
        yield base64.b64encode(data).decode("ascii") if place[1] == "data" else values[place[1]]
        end = place.end()
    yield template[end:]


def json_text(value: object) -> str:
    """JSON that stands within a script element, whatever texts are in it."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029]", lambda found: _MARKUP[found[0]], text)


def viewer_modules() -> dict[str, str]:
    """The page's modules, by name."""
    folder = files(__package__).joinpath("viewer")
    return {
        path.name.removesuffix(".js"): path.read_text("utf-8")
        for path in folder.iterdir()
        if path.name.endswith(".js")
    }


@cache
def viewer_script() -> str:
    """The page's modules as one script."""
    script = joined(viewer_modules(), ENTRY)
    # Else a text of ours would end the element that the script is in.
    if "</script" in script.lower() or "<!--" in script:
        raise ValueError("the page's modules may hold neither the end of a script nor a comment")
    return script


@cache
def viewer_file(name: str) -> str:
    """A file of the page's own, as text."""
    return files(__package__).joinpath("viewer", name).read_text("utf-8")
