from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from latentviz.errors import LatentvizError
from trainers.dopesheet import (
    Dopesheet,
    DopesheetError,
    Property,
    parse_dopesheet,
    read_dopesheet,
)


def sheet(*rows: str) -> Dopesheet:
    return parse_dopesheet("\n".join(rows) + "\n")


def steps(*cells: str) -> list[int]:
    """The absolute steps of a sheet whose STEP cells are given."""
    rows = [f"{cell},,,{index}" for index, cell in enumerate(cells)]
    return [row.step for row in sheet("STEP,PHASE,ACTION,x", *rows).rows]


def test_steps_are_absolute_offsets_or_fractions():
    # 0 + 10; 0 + 0.1·5000; 5000 - 0.25·5000; 5000 - 10; 5000 + 10 has no absolute step below.
    assert steps("0", "+10", "+0.1", "-0.25", "-10", "5000", "+10") == [
        *(0, 10, 500, 3750, 4990, 5000, 5010)
    ]


def test_offsets_count_from_absolute_steps_not_from_the_row_above():
    assert steps("100", "+10", "+20", "-20", "-10", "200") == [100, 110, 120, 180, 190, 200]


def test_fractions_are_exact_and_halves_go_up():
    # 0.5·5 = 2.5 and 0.5·7 = 3.5; 0.29·100 is 28.999999999999996 in binary.
    assert steps("0", "+0.5", "5") == [0, 3, 5]
    assert steps("0", "+.5", "7") == [0, 4, 7]
    assert steps("0", "+0.29", "100") == [0, 29, 100]


@given(
    start=st.integers(0, 10**6),
    length=st.integers(2, 10**6),
    percent=st.integers(1, 99),
)
def test_a_fraction_lies_between_its_neighbours_whatever_end_it_counts_from(start, length, percent):
    end = start + length
    # In hundredths of a step; halves go up.
    expected = (100 * start + length * percent + 50) // 100
    assume(start < expected < end)
    ahead = steps(str(start), f"+{percent / 100:.2f}", str(end))[1]
    back = steps(str(start), f"-{(100 - percent) / 100:.2f}", str(end))[1]
    assert ahead == back == expected


def test_a_row_holds_phase_actions_and_the_values_that_are_not_blank():
    parsed = sheet(
        "PHASE,STEP,lr,ACTION,reg",
        'Warm-up,0,1e-8,"save, plot,",',
        ",",
        ",10,,,0.5",
    )
    first, second = parsed.rows
    assert (first.step, first.phase, first.actions) == (0, "Warm-up", ("save", "plot"))
    assert first.values == {"lr": 1e-8}
    assert (second.step, second.phase, second.actions) == (10, None, ())
    assert second.values == {"reg": 0.5}


def test_heads_say_how_a_property_moves():
    assert sheet(
        "STEP,PHASE,ACTION,a,b:log,c:log:linear,d:linear:step-end,e::step, f : log : minjerk ",
        "0,,,1,1,1,1,1,1",
    ).properties == (
        Property("a", "linear", "minjerk"),
        Property("b", "log", "minjerk"),
        Property("c", "log", "linear"),
        Property("d", "linear", "step-end"),
        Property("e", "linear", "step-end"),
        Property("f", "log", "minjerk"),
    )


HEAD = "STEP,PHASE,ACTION,lr"


ERRORS = [
    ([], "row 1, column STEP", "an empty sheet"),
    (["PHASE,ACTION,lr", ",,1"], "row 1, column STEP", "'PHASE', 'ACTION', 'lr'"),
    (["STEP,ACTION,lr", "0,,1"], "row 1, column PHASE", "expected a column headed PHASE"),
    (["STEP,PHASE,lr", "0,,1"], "row 1, column ACTION", "expected a column headed ACTION"),
    ([HEAD], "row 2, column STEP", "at least one row"),
    ([HEAD + ",,x", "0,,,1,1,1"], "row 1, column 5", "expected a property's name, got ''"),
    ([HEAD + ",:log", "0,,,1,1"], "row 1, column 5", "expected a property's name, got ':log'"),
    ([HEAD + ",lr:log", "0,,,1,1"], "row 1, column 5", "'lr' again (it is column 4 too)"),
    (["STEP,PHASE,ACTION,PHASE"], "row 1, column 4", "'PHASE' again"),
    ([HEAD + ":cubic", "0,,,1"], "row 1, column lr", "linear or log, got 'cubic'"),
    (
        [HEAD + ":log:bounce", "0,,,1"],
        "row 1, column lr",
        "minjerk, linear, step-end or step, got 'bounce'",
    ),
    ([HEAD + ":log:step:x", "0,,,1"], "row 1, column lr", "expected name:space:easing"),
    ([HEAD, "0,,,"], "row 1, column lr", "only blank cells"),
    ([HEAD, "0,,,1", "soon,,,2"], "row 3, column STEP", "got 'soon'"),
    ([HEAD, "0.5,,,1"], "row 2, column STEP", "got '0.5'"),
    ([HEAD, "0,,,1", "+1e3,,,1"], "row 3, column STEP", "got '+1e3'"),
    ([HEAD, "-,,,1"], "row 2, column STEP", "got '-'"),
    ([HEAD, "1_000,,,1"], "row 2, column STEP", "got '1_000'"),
    ([HEAD, "٣,,,1"], "row 2, column STEP", "got '٣'"),
    ([HEAD, "9" * 5000 + ",,,1"], "row 2, column STEP", "expected a step such as"),
    ([HEAD, "0,,,1", ",Train,,2"], "row 3, column STEP", "got ''"),
    ([HEAD, "+10,,,1"], "row 2, column STEP", "in a row above for '+10'"),
    ([HEAD, "0,,,1", "-10,,,1"], "row 3, column STEP", "in a row below for '-10'"),
    ([HEAD, "+0.5,,,1", "10,,,1"], "row 2, column STEP", "in a row above for '+0.5'"),
    ([HEAD, "-0.5,,,1", "10,,,1"], "row 2, column STEP", "in a row above for '-0.5'"),
    ([HEAD, "0,,,1", "+0.5,,,1"], "row 3, column STEP", "in a row below for '+0.5'"),
    (
        [HEAD, "0,,,1", "50,,,1", "50,,,1"],
        "row 4, column STEP",
        "after 50, the step of row 3, got '50'",
    ),
    # The absolute steps are checked first: row 3 is in order only if row 4 is wrong.
    ([HEAD, "9,,,1", "+1,,,1", "5,,,1"], "row 4, column STEP", "after 9, the step of row 2"),
    (
        [HEAD, "0,,,1", "+60,,,1", "50,,,1"],
        "row 4, column STEP",
        "after 60, the step of row 3, got '50'",
    ),
    (
        [HEAD, "0,,,1", "+0.5,,,1", "+50,,,1", "100,,,1"],
        "row 4, column STEP",
        "after 50, the step of row 3, got '+50', which is step 50",
    ),
    ([HEAD, "0,,,1", "+0,,,1"], "row 3, column STEP", "got '+0', which is step 0"),
    ([HEAD, "-10,,,1", "5,,,1"], "row 2, column STEP", "step 0 or later, got '-10'"),
    ([HEAD, "0,,,fast"], "row 2, column lr", "expected a number, got 'fast'"),
    ([HEAD, "0,,,1_0"], "row 2, column lr", "expected a number, got '1_0'"),
    ([HEAD, "", "0,,,nan"], "row 3, column lr", "expected a finite number, got 'nan'"),
    ([HEAD, "0,,,-inf"], "row 2, column lr", "expected a finite number, got '-inf'"),
    ([HEAD, "0,,,1e999"], "row 2, column lr", "expected a finite number, got '1e999'"),
    ([HEAD + ":log", "0,,,0"], "row 2, column lr", "a value above 0"),
    ([HEAD + ":log", "0,,,1", "5,,,-1"], "row 3, column lr", "a value above 0"),
    ([HEAD, "0,,,1,2"], "row 2, column 5", "expected 4 cells, as in the header, got 5"),
    ([HEAD, '0,"Train,,1'], "row 2", "expected comma-separated cells"),
]


def test_an_error_names_the_row_and_the_column():
    wrong = []
    for rows, where, expected in ERRORS:
        try:
            said = f"accepted: {sheet(*rows)}"
        except DopesheetError as error:
            said = str(error)
        if not said.startswith(f"{where}:") or expected not in said or "\n" in said:
            wrong.append((rows, said))
    assert wrong == []


def test_rows_count_as_a_spreadsheet_counts_them():
    # Row 2 takes two lines of text, row 3 is blank.
    with pytest.raises(DopesheetError, match=r"^row 4, column lr: expected a number, got 'x'"):
        parse_dopesheet(HEAD + '\r\n0,"War\r\nm-up",,1\r\n\r\n5,,,x\r\n')


def test_a_file_may_carry_a_byte_order_mark_and_is_named_in_errors(tmp_path: Path):
    path = tmp_path / "mine.csv"
    path.write_bytes("\ufeffSTEP,PHASE,ACTION,lr\n0,,,1\n".encode())
    assert read_dopesheet(path).rows[0].values == {"lr": 1.0}

    path.write_text("STEP,PHASE,ACTION,lr\n0,,,x\n")
    with pytest.raises(DopesheetError, match=r"^mine\.csv: row 2, column lr: "):
        read_dopesheet(path)

    path.write_bytes(b"STEP,PHASE,ACTION,lr\n0,Aufw\xe4rmen,,1\n")
    with pytest.raises(DopesheetError, match=r"^mine\.csv: expected UTF-8 text, got byte 0xe4"):
        read_dopesheet(path)


def test_a_missing_file_is_an_error_of_latentviz(tmp_path: Path):
    with pytest.raises(LatentvizError, match=r"expected a dopesheet at .*No such file.*give the"):
        read_dopesheet(tmp_path / "none.csv")


def test_a_property_that_nobody_listens_to_is_refused():
    parsed = sheet("STEP,PHASE,ACTION,lr,reg-seperate", "0,,,1,1")
    parsed.require_known(["lr", "reg-seperate"])
    with pytest.raises(DopesheetError, match=r"^row 1, column reg-seperate: expected one of lr, "):
        parsed.require_known(["lr", "reg-separate"])


def test_an_unknown_column_names_the_file(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("STEP,PHASE,ACTION,lr\n0,,,1\n")
    sheet = read_dopesheet(path)
    with pytest.raises(DopesheetError, match=r"^odd\.csv: row 1, column lr: expected one of"):
        sheet.require_known(["reg-norm"])
    assert sheet == parse_dopesheet(path.read_text())


def test_a_sheet_is_the_same_under_another_name(tmp_path):
    # Sweeps tell schedules apart by this.
    path = tmp_path / "a.csv"
    path.write_text("STEP,PHASE,ACTION,lr\n0,,,1\n")
    assert repr(read_dopesheet(path)) == repr(parse_dopesheet(path.read_text()))
