"""Tables: frozen dataclasses as the rows of a CSV, a field a column."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from latentviz.errors import LatentvizError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Row = TypeVar("Row", bound=DataclassInstance)


class TableError(LatentvizError):
    """The table cannot be read or written; the message names the row and the column.

    Rows count as a spreadsheet counts them: the header is row 1.
    """


def write_table(path: Path, kind: type[Row], rows: Iterable[Row]) -> None:
    """Write rows under a header, all or nothing: no reader sees half a table.

    Floats are written so that reading gives the same ones, booleans as 1 and 0.

    Args:
        path: The CSV; what is there is replaced.
        kind: The rows' class, whose fields are of int, float, bool and str.
        rows: In the order in which they are to stand.

    Raises:
        TableError: The file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(kind))
    writer.writerows(map(_cell, astuple(row)) for row in rows)
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "w", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise TableError(f"cannot write {path}: {error.strerror}") from error


def read_table(path: Path, kind: type[Row]) -> list[Row]:
    """Read what :func:`write_table` wrote; a table that does not exist yet has no rows.

    Raises:
        TableError: It cannot be read, or is another table.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")  # as spreadsheets save it
        table = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"cannot read the table {path}: {error}; move it away") from error
    columns = [field.name for field in fields(kind)]
    if not table or table[0] != columns:
        got = ", ".join(table[0]) if table else "an empty file"
        raise TableError(
            f"{path}: expected a table with the columns {', '.join(columns)}, got {got}; "
            "move it away"
        )
    types = get_type_hints(kind)
    rows = []
    for number, cells in enumerate(table[1:], 2):
        if len(cells) != len(columns):
            raise TableError(
                f"{path}: row {number}: expected {len(columns)} cells, got {len(cells)}; "
                "move the table away"
            )
        values = {}
        for name, cell in zip(columns, cells, strict=True):
            try:
                values[name] = _READ[types[name]](cell)
            except (ValueError, KeyError):
                raise TableError(
                    f"{path}: row {number}, column {name}: expected {types[name].__name__}, got "
                    f"{cell!r}; move the table away"
                ) from None
        rows.append(kind(**values))
    return rows


def _cell(value: float | bool | str) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


# A KeyError is a cell that is neither.
_READ: Mapping[type, Callable[[str], Any]] = {
    int: int,
    float: float,
    bool: {"1": True, "0": False}.__getitem__,
    str: str,
}
