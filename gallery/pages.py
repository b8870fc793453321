"""The site: an index of cards, and a page for each entry. Static, and sufficient to itself."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

import latentviz

from .docs import FOLDER as DOCS
from .docs import write_docs
from .entry import Entry
from .media import Film, Still, all_files, poster_of, write_thumbnail

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")
GENERATOR = "latentviz gallery"
REFERENCE = "reference"


@dataclass(frozen=True, eq=False)
class Page:
    """An entry, and what it made.

    Attributes:
        entry: The entry.
        media: Its films and pictures.
        printed: The output of its script.
        viewer: Its page in which every step can be looked at, if it made one.
    """

    entry: Entry
    media: Sequence[Film | Still]
    printed: str
    viewer: Path | None = None


def write_site(folder: Path, pages: Sequence[Page], *, reference: Path | None) -> None:
    """Write the site.

    Args:
        folder: An empty folder.
        pages: In the order in which they are shown.
        reference: The reference's pages, if the site is to have them, and the documentation.
    """
    templates = _environment()
    sections = {"Gallery": "index.html"}
    if reference is not None:
        sections |= {"Docs": f"{DOCS}/index.html", "Reference": f"{REFERENCE}/latentviz.html"}
    common = {
        "generator": GENERATOR,
        "version": latentviz.__version__,
        "sections": sections,
        "root": "",
        "here": "",
    }
    for name in ("style.css", "icon.svg"):
        shutil.copyfile(TEMPLATES / name, folder / name)
    if reference is not None:
        shutil.copytree(reference, folder / REFERENCE, copy_function=shutil.copyfile)
        (folder / REFERENCE).chmod(0o755)  # what is made is its maker's alone, until it is shown
        of_docs = common | {"root": "../", "here": sections["Docs"]}
        template = templates.get_template("docs.html.jinja2")
        write_docs(folder, highlighted, lambda page: template.render(of_docs | page))
    for page in pages:
        _write_files(folder / page.entry.name, page)
    index = templates.get_template("index.html.jinja2").render(
        common | {"pages": pages, "here": sections["Gallery"]}
    )
    (folder / "index.html").write_text(index, encoding="utf-8")
    viewers = viewers_of(pages)
    for before, page, after in zip([None, *pages], pages, [*pages[1:], None], strict=False):
        text = templates.get_template("entry.html.jinja2").render(
            page=page,
            entry=page.entry,
            viewer=viewers.get(page.entry.name),
            before=before,
            after=after,
            **common,
        )
        (folder / f"{page.entry.name}.html").write_text(text, encoding="utf-8")


def viewers_of(pages: Sequence[Page]) -> dict[str, str]:
    """By entry, where the viewer of its run is: its own, or that of another of the same run."""
    own = {page: f"{page.entry.name}/{page.viewer.name}" for page in pages if page.viewer}
    of_runs = {run: file for page, file in own.items() for run in page.entry.shared_runs}
    found = {}
    for page in pages:
        others = [of_runs[run] for run in page.entry.shared_runs if run in of_runs]
        if files := [own[page]] if page in own else others:
            found[page.entry.name] = files[0]
    return found


def _write_files(folder: Path, page: Page) -> None:
    folder.mkdir()
    for file in [*all_files(page.media), *([page.viewer] if page.viewer else [])]:
        shutil.copyfile(file, folder / file.name)
    shutil.copyfile(page.entry.path, folder / f"{page.entry.name}.py")
    first = page.media[0]
    for medium in page.media:
        if isinstance(medium, Film):
            poster = poster_of(medium)
            poster.save(folder / f"{medium.file.stem}.webp", quality=85)
            if medium is first:
                write_thumbnail(poster, folder / "card-dark.webp")
    if isinstance(first, Still):
        for file, theme in zip(first.files, ("dark", "light"), strict=True):
            with Image.open(file) as picture:
                write_thumbnail(picture, folder / f"card-{theme}.webp")


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    markdown = MarkdownIt("commonmark", {"html": False, "highlight": highlighted})
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "markdown": lambda text: Markup(markdown.render(text)),
        "highlighted": lambda code: Markup(highlighted(code)),
        "first_sentence": first_sentence,
    }
    environment.tests["film"] = lambda medium: isinstance(medium, Film)
    return environment


def highlighted(code: str, language: str = "python", *_: object) -> str:
    """The HTML of code; nothing of a language without colors, which is shown as it is."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    if language not in ("python", ""):
        return ""
    return str(highlight(code, PythonLexer(), HtmlFormatter(nowrap=True)))


def first_sentence(text: str) -> str:
    """The first sentence of a text: up to a full stop, or the like, before a capital letter."""
    return re.split(r"(?<=[.?!:])\s+(?=[A-Z])", text, maxsplit=1)[0]
