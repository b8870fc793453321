"""The pages of ``docs/`` on the site: Markdown that GitHub shows as well, links included."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
FOLDER = "docs"  # on the site
# Where the site has another page in the place of a file or a folder.
ELSEWHERE = {
    ROOT / "README.md": "../index.html",
    ROOT / "gallery" / "entries": "../index.html",
}
COMMENT = re.compile(r"<!--.*?-->\s*", re.DOTALL)
LANGUAGES = {"python": "Python", "sh": "Shell", "toml": "TOML"}

Highlight = Callable[[str, str, str], str]


@dataclass(frozen=True)
class Heading:
    """A heading, and where a link to it leads."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Doc:
    """A page.

    Attributes:
        source: The Markdown file.
        name: The file of its page on the site, in `FOLDER`.
        title: Its first heading.
        headings: All of them, in order.
    """

    source: Path
    name: str
    title: str
    headings: Sequence[Heading]


def find_docs() -> list[Doc]:
    """All pages: the index, and those that it links to, in the order of its links."""
    sources = [INDEX]
    for link in links_of(INDEX):
        path = (DOCS / link.split("#")[0]).resolve()
        if path.suffix == ".md" and path not in (*sources, *ELSEWHERE):
            sources.append(path)
    return [_doc(source) for source in sources]


def links_of(source: Path) -> list[str]:
    """Where a page's links and pictures lead, as they are written."""
    tokens = _markdown().parse(_text(source))
    return [str(t.attrs[a]) for t, a in _linking(tokens)]


def headings_of(source: Path) -> list[Heading]:
    """A page's headings, with the anchors that GitHub gives them."""
    tokens = _markdown().parse(_text(source))
    seen: Counter[str] = Counter()
    found = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            parts = [t.content for t in inline.children or () if t.type in ("text", "code_inline")]
            text = "".join(parts)
            anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            times = seen[anchor]
            seen[anchor] += 1
            anchor += f"-{times}" if times else ""
            found.append(Heading(int(opening.tag[1]), text, anchor))
    return found


def write_docs(
    folder: Path, highlight: Highlight, render: Callable[[Mapping[str, object]], str]
) -> None:
    """Write the pages.

    Args:
        folder: The site's; `FOLDER` is made in it.
        highlight: Gives the HTML of code, its language and its attributes; or nothing.
        render: Makes a whole page of what its template needs.
    """
    here = folder / FOLDER
    here.mkdir()
    docs = find_docs()
    names = {doc.source: doc.name for doc in docs}
    for before, doc, after in zip([None, *docs], docs, [*docs[1:], None], strict=False):
        html = _html(doc, names, here, highlight)
        page = {"doc": doc, "docs": docs, "html": html, "before": before, "after": after}
        (here / doc.name).write_text(render(page), encoding="utf-8")


def _doc(source: Path) -> Doc:
    headings = headings_of(source)
    name = "index" if source == INDEX else source.stem.lower()
    return Doc(source, f"{name}.html", headings[0].text, headings)


def _html(doc: Doc, names: Mapping[Path, str], here: Path, highlight: Highlight) -> str:
    markdown = _markdown(highlight)
    tokens = markdown.parse(_text(doc.source))
    openings = (t for t in tokens if t.type == "heading_open")
    for opening, heading in zip(openings, doc.headings, strict=True):
        opening.attrSet("id", heading.anchor)
    for token, attribute in _linking(tokens):
        token.attrSet(attribute, _address(str(token.attrs[attribute]), doc.source, names, here))
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def _address(url: str, source: Path, names: Mapping[Path, str], here: Path) -> str:
    """Where a link leads on the site; a file that is no page is copied beside the pages."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc or not parts.path:
        return url
    target = Path(os.path.normpath(source.parent / unquote(parts.path)))
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    if target in names:
        return names[target] + fragment
    if target in ELSEWHERE:
        return ELSEWHERE[target]
    shutil.copyfile(target, here / target.name)
    return target.name


def _text(source: Path) -> str:
    return COMMENT.sub("", source.read_text(encoding="utf-8"))


def _linking(tokens: Sequence[Token]) -> Iterator[tuple[Token, str]]:
    """Links and pictures, and which attribute says where each leads."""
    for token in tokens:
        if token.type == "link_open":
            yield token, "href"
        elif token.type == "image":
            yield token, "src"
        yield from _linking(token.children or ())


def _markdown(highlight: Highlight | None = None) -> MarkdownIt:
    """As GitHub has it: tables, no HTML. What may be wider than a phone scrolls, by keys too."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False, "highlight": highlight}).enable("table")
    count: Counter[str] = Counter()

    def label(kind: str) -> str:
        count[kind] += 1
        return f'role="region" aria-label="{kind} {count[kind]}" tabindex="0"'

    def fence(tokens: Sequence[Token], i: int, *_: object) -> str:
        token = tokens[i]
        language = LANGUAGES.get(token.info, "Text")
        code = (highlight and highlight(token.content, token.info, "")) or _escaped(token.content)
        return f"<pre {label(language)}><code>{code}</code></pre>\n"

    rules = markdown.renderer.rules
    rules["fence"] = rules["code_block"] = fence
    rules["table_open"] = lambda *_: f'<div class="wide" {label("Table")}><table>\n'
    rules["table_close"] = lambda *_: "</table></div>\n"
    return markdown


def _escaped(text: str) -> str:
    from html import escape

    return escape(text, quote=False)
