"""Checks of a site that need no browser: descriptions, links, and where they lead."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# The attributes from which a browser fetches files by itself, by element.
RESOURCES = {
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "script": ("src",),
    "link": ("href",),
    "iframe": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "track": ("src",),
    "use": ("href", "xlink:href"),
}
CSS_URL = re.compile(r"""(?:url\(\s*|@import\s+)(["']?)(.*?)\1\s*[);]""")


@dataclass
class Document(HTMLParser):
    """The elements of a page.

    Attributes:
        tags: Every element's name and attributes.
        css: The text of its style elements.
        title: The text of its title.
    """

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    css: str = ""
    title: str = ""
    _within: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._within = tag

    def handle_endtag(self, tag: str) -> None:
        """An element ends."""
        self._within = ""

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._within == "style":
            self.css += data
        elif self._within == "title":
            self.title += data

    @property
    def ids(self) -> list[str]:
        """Where links into the page may lead."""
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    @property
    def resources(self) -> Iterator[str]:
        """The files that a browser fetches to show it."""
        for tag, attributes in self.tags:
            for name in RESOURCES.get(tag, ()):
                value = attributes.get(name)
                if value is not None and name == "srcset":
                    yield from (part.split()[0] for part in value.split(",") if part.strip())
                elif value is not None:
                    yield value
            yield from css_resources(attributes.get("style", ""))
        yield from css_resources(self.css)


def css_resources(css: str) -> Iterator[str]:
    """The files that a browser fetches because a style sheet says so."""
    return (url for _, url in CSS_URL.findall(css))


def read_document(path: Path) -> Document:
    """Read a page."""
    document = Document()
    document.feed(path.read_text(encoding="utf-8"))
    document.close()
    return document


def check_structure(site: Path) -> list[str]:
    """The faults of a site, a line each.

    Pictures must be described, films must have a poster and controls; nothing may come from
    elsewhere, and links within the site must lead somewhere.
    """
    pages = {path.resolve(): read_document(path) for path in sorted(site.rglob("*.html"))}
    problems = [] if site.joinpath("index.html").is_file() else [f"{site} has no index.html"]
    for path, page in pages.items():
        found = [*_check_elements(page), *_check_resources(path.parent, page.resources)]
        found += _check_links(path, page, pages)
        problems += [f"{path.relative_to(site.resolve())}: {problem}" for problem in found]
    for path in sorted(site.rglob("*.css")):
        css = css_resources(path.read_text(encoding="utf-8"))
        problems += [f"{path.name}: {problem}" for problem in _check_resources(path.parent, css)]
    return problems


def _check_elements(page: Document) -> Iterator[str]:
    if not page.title.strip():
        yield "no title"
    for name, times in Counter(page.ids).items():
        if times > 1:
            yield f"{times} elements have the id {name!r}"
    for tag, attributes in page.tags:
        shown = attributes.get("src") or attributes.get("aria-label") or tag
        if tag == "html" and not attributes.get("lang"):
            yield "no language"
        if tag == "img" and "alt" not in attributes:
            yield f"{shown[:60]} has no alt text"
        if tag == "video":
            for name in ("poster", "controls", "aria-label"):
                if name not in attributes:
                    yield f"the film {shown!r} has no {name}"


def _check_resources(folder: Path, urls: Iterable[str]) -> Iterator[str]:
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme == "data":
            continue
        if parts.scheme or parts.netloc:
            yield f"{url} would be fetched from elsewhere"
        elif not (folder / unquote(parts.path)).is_file():
            yield f"{url} is missing"


def _check_links(path: Path, page: Document, pages: dict[Path, Document]) -> Iterator[str]:
    for tag, attributes in page.tags:
        url = attributes.get("href")
        parts = urlsplit(url or "")
        if tag != "a" or url is None or parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.is_file():
            yield f"the link to {url} leads nowhere"
        elif parts.fragment and unquote(parts.fragment) not in pages[target].ids:
            yield f"the link to {url} leads to no part of that page"
