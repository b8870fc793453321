"""The page's modules, joined to one script.

A page that is opened from the disk may not import modules from other files. So each becomes a
function that is called once and returns its exports; who imports a name takes it from there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(
    r"^export (?P<declared>(?:async )?(?:function\*?|class|const|let) (?P<name>\w+))", re.MULTILINE
)
_NOTHING = re.compile(r"^export \{\};\n", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)


def joined(sources: Mapping[str, str], entry: str) -> str:
    """One script that does what a module does.

    Args:
        sources: Modules' text by name, without ``.js``.
        entry: The name of the one that is run.

    Raises:
        ValueError: A module imports or exports in a way that is not understood, or a module that is
            not there; or modules import each other in a circle.
    """
    needs: dict[str, list[str]] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name in needs:
            continue
        if name not in sources:
            raise ValueError(f"there is no module {name}.js")
        needs[name] = [found[2] for found in _IMPORT.finditer(sources[name])]
        waiting += needs[name]
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise ValueError(f"modules import each other: {' -> '.join(error.args[1])}") from None
    parts = [_as_function(name, sources[name]) for name in order]
    return '"use strict";\n' + "\n".join(parts)


def _as_function(name: str, source: str) -> str:
    """A module as a constant, the object of its exports."""
    names = [found["name"] for found in _EXPORT.finditer(source)]
    body = _IMPORT.sub(_taken, source)
    body = _EXPORT.sub(lambda found: found["declared"], _NOTHING.sub("", body))
    if (other := _OTHER.search(body)) is not None:
        raise ValueError(f"{name}.js: {other[0]!r} cannot be joined")
    return (
        f"const {_constant(name)} = (() => {{\n{body}\n"
        f"return Object.freeze({{ {', '.join(names)} }});\n}})();"
    )


def _taken(found: re.Match[str]) -> str:
    names = ", ".join(
        name.strip().replace(" as ", ": ") for name in found[1].split(",") if name.strip()
    )
    return f"const {{ {names} }} = {_constant(found[2])};\n"


def _constant(name: str) -> str:
    return "module_" + name.replace("-", "_")
