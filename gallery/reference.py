"""The reference of the public names, from their docstrings: ``python -m gallery.reference``."""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path
from typing import Any

import latentviz

# Each has a page of its own, which leads to the others.
MODULES = ("latentviz", "latentviz.figures")
TEMPLATES = Path(__file__).with_name("templates") / "reference"
# What NumPy's shorthands for types stand for, where they are looked up.
NDARRAY = re.compile(r"numpy\.ndarray\[tuple\[(?:typing\.)?Any, \.\.\.\], numpy\.dtype\[(.*?)\]\]")


def write_reference(folder: Path) -> None:
    """Write the reference, a static page for each module: ``latentviz.html`` and so on.

    For a process of its own: it changes how types are spelled.
    """
    import pdoc
    import pdoc.render

    # They are imported when first used; pdoc looks only for those that are there.
    for name in latentviz.__all__:
        setattr(latentviz, name, getattr(latentviz, name))
    _spell_types_as_in_source()
    _have_members_of_bases_without_a_page()
    pdoc.render.configure(
        docformat="google", search=False, show_source=False, template_directory=TEMPLATES
    )
    with warnings.catch_warnings():
        # Of a type that cannot be looked up where a method has its name: it stays as it is.
        warnings.filterwarnings("ignore", "Error parsing type annotation")
        pdoc.pdoc(*MODULES, output_directory=folder)
    (folder / "index.html").unlink()  # it does no more than lead to the pages
    for page in folder.rglob("*.html"):
        # Every docstring has headings of the same names, which so would lead to the first.
        html = re.sub(r'(<h[1-6]) id="[^"]*"', r"\1", page.read_text(encoding="utf-8"))
        # A colon announces an example to those who read docstrings as they are; two do in Sphinx.
        html = html.replace("::</p>", ":</p>")
        page.write_text(html, encoding="utf-8")


def _spell_types_as_in_source() -> None:
    import inspect

    import pdoc.doc
    from numpy.typing import ArrayLike

    original = inspect.formatannotation
    array_like = original(ArrayLike)

    def spelled(annotation: object, *args: Any, **options: Any) -> str:
        if isinstance(annotation, str):
            return annotation
        text = original(annotation, *args, **options).replace(array_like, "ArrayLike")
        return NDARRAY.sub(r"NDArray[\1]", text)

    for module in (inspect, pdoc.doc):
        setattr(module, original.__name__, spelled)


def _have_members_of_bases_without_a_page() -> None:
    """Show what a class has from a base of latentviz's that is no public name as its own."""
    from pdoc.doc import Class, Doc

    def is_hidden(origin: tuple[str, str]) -> bool:
        module, name = origin
        return module.startswith("latentviz.") and name not in latentviz.__all__

    origins = Class._members_by_origin
    assert origins.func is not None

    def by_origin(of: Class) -> dict[tuple[str, str], list[Doc[Any]]]:
        found: dict[tuple[str, str], list[Doc[Any]]] = {}
        for origin, members in origins.func(of).items():
            own = of.taken_from if is_hidden(origin) else origin
            found.setdefault(own, []).extend(members)
        return found

    name = "_members_by_origin"
    made = type(origins)(by_origin)
    made.__set_name__(Class, name)
    setattr(Class, name, made)


if __name__ == "__main__":
    write_reference(Path(sys.argv[1]))
