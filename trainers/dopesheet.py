"""Dopesheets: what happens when in a training run, written down as a CSV.

The animator's exposure sheet has one row a step and one column a thing that moves::

    STEP,PHASE,ACTION,lr:log,reg-norm
    0,Warm-up,,1e-8,0.01
    +10,Train,,0.01,
    +0.5,,snapshot,,0.2
    5000,,,0.005,

STEP is an absolute step (``5000``), an offset from the absolute step above (``+10``) or before the
one below (``-10``), or, with a decimal point, a fraction of the way between the two (``+0.5``;
``-0.25`` counts back from the one below). PHASE names the phase that starts there; the one that
runs already starts anew. ACTION holds names separated by commas, and every other column is a
property: ``name:space:easing``, where space is ``linear`` (default) or ``log``, and easing
``minjerk`` (default), ``linear`` or ``step-end`` (alias ``step``). A blank cell is no keyframe.

A sheet is only read here; :mod:`trainers.timeline` plays it.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from latentviz.errors import LatentvizError

Space = Literal["linear", "log"]
Easing = Literal["minjerk", "linear", "step-end"]

SPACES: Mapping[str, Space] = {"linear": "linear", "log": "log"}
EASINGS: Mapping[str, Easing] = {
    "minjerk": "minjerk",
    "linear": "linear",
    "step-end": "step-end",
    "step": "step-end",
}

# The experiments, whose schedules lie beside this module.
SHIPPED = ("sparse-labels", "label-coverage")

STEP, PHASE, ACTION = "STEP", "PHASE", "ACTION"

# Nine digits are far more steps than anyone trains for, and keep a slip of the hand from becoming
# an integer that takes minutes to parse.
_ABSOLUTE = re.compile(r"[0-9]{1,9}")
_OFFSET = re.compile(r"[+-][0-9]{1,9}")
_FRACTION = re.compile(r"[+-](?:[0-9]{1,9}\.[0-9]{0,9}|\.[0-9]{1,9})")
# Narrower than float(): no underscores, no digits of other scripts. "nan" and "inf" pass, so that
# they can be refused for what they are.
_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|nan|inf|infinity)", re.IGNORECASE
)


class DopesheetError(LatentvizError):
    """The dopesheet is missing or malformed; the message names the row and the column.

    Rows count as a spreadsheet counts them: the header is row 1.
    """


@dataclass(frozen=True)
class Property:
    """A column that moves: its name, the space it moves in, and how."""

    name: str
    space: Space = "linear"
    easing: Easing = "minjerk"


@dataclass(frozen=True)
class Keyframes:
    """One row of the sheet with its step worked out.

    Attributes:
        step: Absolute step, 0 or later.
        phase: The phase that starts here, or None where the phase goes on.
        actions: Names of the actions due at this step, in the order written.
        values: Property name to the value keyed here.
    """

    step: int
    phase: str | None
    actions: tuple[str, ...]
    values: Mapping[str, float]


@dataclass(frozen=True)
class Dopesheet:
    """A sheet that was read and found whole.

    Attributes:
        properties: The property columns, left to right; each is keyed at least once.
        rows: At least one, in strictly increasing order of step.
        source: The name of the file, for messages; blank if there is none.
    """

    properties: tuple[Property, ...]
    rows: tuple[Keyframes, ...]
    source: str = field(default="", compare=False, repr=False)

    def require_known(self, names: Collection[str]) -> None:
        """Refuse a column that nothing listens to: it is a typo, and would go unnoticed.

        Raises:
            DopesheetError: A property is not among ``names``.
        """
        for prop in self.properties:
            if prop.name not in names:
                error = _error(
                    1,
                    prop.name,
                    f"expected one of {', '.join(names)}, {STEP}, "
                    f"{PHASE} or {ACTION}, got {prop.name!r}; rename or remove the column",
                )
                raise DopesheetError(f"{self.source}: {error}") if self.source else error


def read_dopesheet(path: Path) -> Dopesheet:
    """Read a dopesheet from a UTF-8 CSV file.

    Raises:
        DopesheetError: The file cannot be read, or the sheet is malformed.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DopesheetError(
            f"expected a dopesheet at {str(path)!r}, got: {error.strerror}; "
            f"give the path of a readable CSV file"
        ) from error
    except UnicodeDecodeError as error:
        raise DopesheetError(
            f"{path.name}: expected UTF-8 text, got byte {error.object[error.start]:#04x} at "
            f"offset {error.start}; save the sheet as CSV in UTF-8"
        ) from error
    try:
        return replace(parse_dopesheet(text), source=path.name)
    except DopesheetError as error:
        raise DopesheetError(f"{path.name}: {error}") from error


def shipped_dopesheet(name: str) -> Dopesheet:
    """The schedule of one of the experiments, by its name, one of ``SHIPPED``."""
    return read_dopesheet(Path(__file__).with_name(f"{name}.csv"))


def parse_dopesheet(text: str) -> Dopesheet:
    """Parse the text of a dopesheet.

    Args:
        text: The CSV; the first row is the header.

    Raises:
        DopesheetError: The sheet is malformed.
    """
    table = _table(text)
    header = _header(table[0][1] if table else [])
    properties = tuple(prop for prop in header if isinstance(prop, Property))
    names = [prop.name if isinstance(prop, Property) else prop for prop in header]
    records = [_record(number, cells, names) for number, cells in table[1:] if any(cells)]
    if not records:
        raise _error(2, STEP, "expected at least one row with a step, got none")

    steps = _resolve(records)
    rows = tuple(
        Keyframes(
            step=step,
            phase=record.cells[PHASE] or None,
            actions=tuple(filter(None, map(str.strip, record.cells[ACTION].split(",")))),
            values={
                prop.name: _number(record, prop) for prop in properties if record.cells[prop.name]
            },
        )
        for step, record in zip(steps, records, strict=True)
    )
    for prop in properties:
        if not any(prop.name in row.values for row in rows):
            raise _error(
                1,
                prop.name,
                "expected at least one keyed value below, got only blank "
                "cells; key it or remove the column",
            )
    return Dopesheet(properties, rows)


@dataclass(frozen=True)
class _Record:
    """A row as it was written: its number in the spreadsheet, and its cells by column."""

    number: int
    cells: Mapping[str, str]


def _error(row: int, column: str | int, what: str) -> DopesheetError:
    return DopesheetError(f"row {row}, column {column}: {what}")


def _table(text: str) -> list[tuple[int, list[str]]]:
    """Numbered rows of stripped cells; the number counts blank rows too, as a spreadsheet does."""
    table: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            table.append((number, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise DopesheetError(
            f"row {len(table) + 1}: expected comma-separated cells, got: {error}"
        ) from error
    return table


def _header(heads: Sequence[str]) -> list[str | Property]:
    """The columns, left to right: a Property, or the name of one of the three fixed columns."""
    for required in (STEP, PHASE, ACTION):
        if required not in heads:
            got = ", ".join(map(repr, heads)) or "an empty sheet"
            raise _error(
                1,
                required,
                f"expected a column headed {required}, got {got}; the header "
                f"starts with {STEP},{PHASE},{ACTION}",
            )
    columns: list[str | Property] = []
    seen: dict[str, int] = {}
    for position, head in enumerate(heads, 1):
        column = head if head in (STEP, PHASE, ACTION) else _property(head, position)
        name = column if isinstance(column, str) else column.name
        if name in seen:
            raise _error(
                1,
                position,
                f"expected every column once, got {name!r} again (it is column {seen[name]} too)",
            )
        seen[name] = position
        columns.append(column)
    return columns


def _property(head: str, position: int) -> Property:
    name, *how = (part.strip() for part in head.split(":"))
    if not name:
        raise _error(
            1,
            position,
            f"expected a property's name, got {head!r}; name or remove the column",
        )
    if len(how) > 2:
        raise _error(1, name, f"expected name:space:easing, got {head!r}")
    space, easing = [*how, "", ""][:2]
    if (space or "linear") not in SPACES:
        raise _error(1, name, f"expected space {_either(SPACES)}, got {space!r}")
    if (easing or "minjerk") not in EASINGS:
        raise _error(1, name, f"expected easing {_either(EASINGS)}, got {easing!r}")
    return Property(name, SPACES[space or "linear"], EASINGS[easing or "minjerk"])


def _either(choices: Collection[str]) -> str:
    *others, last = choices
    return f"{', '.join(others)} or {last}"


def _record(number: int, cells: Sequence[str], names: Sequence[str]) -> _Record:
    if len(cells) > len(names):
        raise _error(
            number,
            len(names) + 1,
            f"expected {len(names)} cells, as in the header, got "
            f"{len(cells)}; quote a cell that holds commas",
        )
    # Spreadsheets and editors drop trailing blank cells; a short row is no mistake.
    padded = [*cells, *[""] * (len(names) - len(cells))]
    return _Record(number, dict(zip(names, padded, strict=True)))


def _number(record: _Record, prop: Property) -> float:
    cell = record.cells[prop.name]
    if not _NUMBER.fullmatch(cell):
        raise _error(record.number, prop.name, f"expected a number, got {cell!r}")
    value = float(cell)
    if not math.isfinite(value):
        raise _error(record.number, prop.name, f"expected a finite number, got {cell!r}")
    if prop.space == "log" and value <= 0:
        raise _error(
            record.number,
            prop.name,
            f"expected a value above 0, as the property moves in log space, got {cell!r}",
        )
    return value


def _resolve(records: Sequence[_Record]) -> list[int]:
    """Absolute steps of all rows, strictly increasing."""
    anchors = list(_anchors(records))
    steps: list[int] = []
    for index, record in enumerate(records):
        step = _step(record, anchors, index)
        cell = record.cells[STEP]
        got = repr(cell) if anchors[index] is not None else f"{cell!r}, which is step {step}"
        if step < 0:
            raise _error(record.number, STEP, f"expected step 0 or later, got {got}")
        if steps and step <= steps[-1]:
            raise _error(
                record.number,
                STEP,
                f"expected a step after {steps[-1]}, the step of row "
                f"{records[index - 1].number}, got {got}",
            )
        steps.append(step)
    return steps


def _anchors(records: Sequence[_Record]) -> Iterator[int | None]:
    """The step of every row that is absolute, else None; the absolute ones increase."""
    last: tuple[int, int] | None = None
    for record in records:
        cell = record.cells[STEP]
        if not _ABSOLUTE.fullmatch(cell):
            yield None
            continue
        step = int(cell)
        if last is not None and step <= last[0]:
            raise _error(
                record.number,
                STEP,
                f"expected a step after {last[0]}, the step of row {last[1]}, got {cell!r}",
            )
        last = step, record.number
        yield step


def _step(record: _Record, anchors: Sequence[int | None], index: int) -> int:
    anchor = anchors[index]
    if anchor is not None:
        return anchor
    cell = record.cells[STEP]
    above = next((step for step in reversed(anchors[:index]) if step is not None), None)
    below = next((step for step in anchors[index:] if step is not None), None)

    def missing(where: str) -> DopesheetError:
        return _error(
            record.number,
            STEP,
            f"expected an absolute step in a row {where} for {cell!r} to count from, got none",
        )

    if _OFFSET.fullmatch(cell):
        start = above if cell[0] == "+" else below
        if start is None:
            raise missing("above" if cell[0] == "+" else "below")
        return start + int(cell)
    if _FRACTION.fullmatch(cell):
        if above is None:
            raise missing("above")
        if below is None:
            raise missing("below")
        start = above if cell[0] == "+" else below
        # Exact, and halves go up: half a step must not depend on whether its neighbour is even.
        return math.floor(start + Fraction(cell) * (below - above) + Fraction(1, 2))
    raise _error(
        record.number,
        STEP,
        "expected a step such as 5000 (absolute), +10 or -10 (offset) "
        f"or +0.5 or -0.25 (fraction), got {cell!r}",
    )
