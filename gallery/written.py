"""The pages of ``docs/`` that are written by code: the commands, and the format of a run."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click

from trainers.cli import main as trainers

ROOT = Path(__file__).parents[1]
RENEW = "make docs"
FORMAT = ROOT / "latentviz" / "archive" / "format.py"

COMMANDS = f"""\
<!-- Written by `{RENEW}` from the commands themselves: edit their help texts instead. -->

# Commands

```sh
latentviz --help         # the commands
latentviz render --help  # the options of one
```

Bad input gives an error of one line, and exit status 2. An option of one command means the same in
all others. [Films](films.md) and [Pictures](pictures.md) say how to read the results.
"""

ARCHIVE = f"""\
<!-- Written by `{RENEW}` from latentviz/archive/format.py: edit that file instead. -->

# The archive

```python
import json

import numpy as np

with np.load("run.npz", allow_pickle=False) as archive:
    header = json.loads(archive["header"].tobytes())
    steps = archive["steps/000000"]  # (K,): the steps of the first chunk
    losses = archive["losses/000000/loss"]  # (K,)
```

[`latentviz.open_run`](python.md) reads all of it for you, and checks it.

"""

NOTES = """
Good to know:

- A chunk ends after 1024 steps, 2 seconds or 8 MiB, whichever comes first.
- The bits of bfloat16 numbers are the upper halves of those of float32 numbers.
- A large run is small per step: [Performance](performance.md#long-runs) has figures. For damaged
  files see [Reliability](reliability.md).
"""


def written_pages() -> dict[str, str]:
    """The text of each page, by the name of its file in ``docs/``."""
    return {"commands.md": commands_page(), "archive.md": archive_page()}


def renew(folder: Path) -> list[str]:
    """Write the pages that are not as they should be; gives their names."""
    stale = stale_pages(folder)
    for name in stale:
        (folder / name).write_text(written_pages()[name], encoding="utf-8")
    return stale


def stale_pages(folder: Path) -> list[str]:
    """Names of the pages that the code would write otherwise."""
    return [
        name
        for name, text in written_pages().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def archive_page() -> str:
    """The docstring of the module that defines the format, as Markdown."""
    docstring = ast.get_docstring(ast.parse(FORMAT.read_text(encoding="utf-8"))) or ""
    return ARCHIVE + docstring.replace("``", "`") + "\n" + NOTES


def commands_page() -> str:
    """Every command, its help, its examples and its options."""
    (program,) = entry_points(group="console_scripts", name="latentviz")
    groups = {"latentviz": program.load(), "python -m trainers": trainers}
    titles = {"latentviz": "latentviz", "python -m trainers": "The experiments"}
    blocks = [COMMANDS]
    for called, group in groups.items():
        blocks += [f"## {titles[called]}\n", _text(group.help), _contents(called, group)]
        for name, command in _shown(group):
            blocks.append("\n".join(_command(f"{called} {name}", command)))
    return "\n".join(blocks)


def _shown(group: click.Group) -> list[tuple[str, click.Command]]:
    return [(name, c) for name, c in sorted(group.commands.items()) if not c.hidden]


def _contents(called: str, group: click.Group) -> str:
    lines = ["| command | purpose |", "|---|---|"]
    for name, command in _shown(group):
        anchor = f"{called} {name}".replace(" ", "-")
        purpose = _text(command.help).split("\n", 1)[0]
        lines.append(f"| [`{name}`](#{anchor}) | {_cell(purpose)} |")
    return "\n".join(lines) + "\n"


def _command(called: str, command: click.Command) -> Iterator[str]:
    arguments = [p.make_metavar(click.Context(command)) for p in _arguments(command)]
    options = [p for p in command.params if isinstance(p, click.Option)]
    options.sort(key=lambda o: not o.required)
    required = [f"{_short(o)} {_value(o)}" for o in options if o.required]
    yield f"### `{called}`\n"
    yield f"`{' '.join([called, *arguments, *required, '[OPTIONS]'])}`\n"
    yield _text(command.help)
    if command.epilog:
        # Its first lines are for click, and say that these are examples.
        examples = command.epilog.splitlines()[2:]
        yield "\n".join(["```sh", *(line.strip() for line in examples), "```\n"])
    if options:
        yield "\n".join(["| option | meaning | default |", "|---|---|---|", *map(_row, options)])
        yield ""


def _arguments(command: click.Command) -> list[click.Argument]:
    return [p for p in command.params if isinstance(p, click.Argument)]


def _row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(option.opts, key=len))
    value = _value(option)
    # A help text ends with the default, unless click adds it.
    meaning, _, default = (option.help or "").partition(" Default: ")
    default = default.removesuffix(".")
    if option.show_default is True:
        default = str(option.default)
    elif option.is_flag:
        default = "off"
    elif option.required:
        default = "required"
    shown = f"{names} `{value}`" if value else names
    return f"| {_cell(shown)} | {_cell(meaning)} | {_cell(default or 'none')} |"


def _short(option: click.Option) -> str:
    return min(option.opts, key=len)


def _value(option: click.Option) -> str:
    """The word for an option's value, whatever click's release."""
    if option.is_flag:
        return ""
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    if isinstance(option.type, click.Path):
        return "PATH"
    return {"integer": "N", "integer range": "N", "float": "X"}.get(option.type.name, "TEXT")


def _text(text: str | None) -> str:
    """A help text as Markdown: each paragraph a line."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(_markup(" ".join(p.split())) for p in paragraphs) + "\n"


def _cell(text: str) -> str:
    return _markup(" ".join(text.split())).replace("|", r"\|")


def _markup(text: str) -> str:
    """Options and values are code; what Markdown would take for markup is text."""
    parts = re.split(r"(`[^`]*`|pip install \"[^\"]*\"|--[a-z][a-z-]*|\S*%\d\S*)", text)
    for i in range(1, len(parts), 2):
        part, stop = parts[i], ""
        if part[-1] in ",.;":
            part, stop = part[:-1], part[-1]
        parts[i] = part + stop if part.startswith("`") else f"`{part}`{stop}"
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"([*_<\[\]])", r"\\\1", parts[i])
    return "".join(parts)
