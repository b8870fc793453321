import math
from dataclasses import dataclass

import pytest

from trainers.tables import TableError, read_table, write_table


@dataclass(frozen=True)
class Row:
    name: str
    number: int
    value: float
    good: bool


ROWS = [Row("a, b", 3, 0.1, True), Row("", -1, 1e-300, False), Row('"', 0, math.inf, True)]


def test_a_table_reads_as_it_was_written(tmp_path):
    path = tmp_path / "table.csv"
    write_table(path, Row, ROWS)
    assert path.read_text().splitlines()[:2] == ["name,number,value,good", '"a, b",3,0.1,1']
    assert read_table(path, Row) == ROWS
    write_table(path, Row, [Row("nan", 0, math.nan, True)])
    assert math.isnan(read_table(path, Row)[0].value)
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_a_table_that_does_not_exist_yet_has_no_rows(tmp_path):
    assert read_table(tmp_path / "none.csv", Row) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a table with the columns name, number, value, good, got an empty file"),
        ("name,value\n", "expected a table with the columns .*, got name, value; move it away"),
        ("name,number,value,good\na,1,2\n", "row 2: expected 4 cells, got 3; move the table away"),
        ("name,number,value,good\na,1,2,1\na,x,2,1\n", "row 3, column number: expected int, got"),
        ("name,number,value,good\na,1,2,yes\n", "row 2, column good: expected bool, got 'yes'"),
        ('"', "unexpected end of data; move it away"),
        ("\ud800", "cannot read the table .*table.csv: 'utf-8' codec"),
    ],
)
def test_another_table_is_refused(tmp_path, text, message):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(TableError, match=message):
        read_table(path, Row)


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "table.csv"
    write_table(path, Row, ROWS)
    (tmp_path / "table.csv.part").mkdir()
    with pytest.raises(TableError, match=r"cannot write .*table\.csv: Is a directory"):
        write_table(path, Row, [])
    assert read_table(path, Row) == ROWS
