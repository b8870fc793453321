"""A dopesheet is drawn before anything is trained by it."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from latentviz import open_run
from trainers.cli import main

SHEET = """STEP,PHASE,ACTION,lr,reg-norm
0,Warm-up,,1e-3,0.1
4,Train,"freeze,save",,
6,Train,,,0.2
"""


def invoke(*args: object):
    return CliRunner().invoke(main, list(map(str, args)))


@pytest.fixture
def sheet(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("sheet.csv").write_text(SHEET)
    return Path("sheet.csv")


def test_a_sheet_is_drawn(sheet):
    Path("sheet.png").write_bytes(b"an earlier picture")
    result = invoke("timeline", sheet, "-o", "sheet.png", "--size", "1000x600", "--theme", "light")
    assert result.exit_code == 0, result.output
    assert result.stdout == "sheet.png: Schedule of sheet.csv\n"
    with Image.open("sheet.png") as picture:
        assert picture.size == (1000, 600)
        assert picture.info["Description"].endswith(
            "Phases: Warm-up from step 0, Train from step 4, Train from step 6. Actions: freeze at "
            "step 4, save at step 4."
        )
        assert "lr from 0.001 to 0.001" in picture.info["Description"]
        assert picture.convert("L").getpixel((1, 1)) > 200


def test_names_that_are_left_out_are_told_of_in_a_line(sheet):
    sheet.write_text("STEP,PHASE,ACTION,lr\n0,Warm-up,,0\n1,Train,,1\n100,,,0\n")
    result = invoke("timeline", sheet, "-o", "sheet.png")
    assert result.exit_code == 0
    assert result.stderr == (
        "Warning: names of phases and actions are left out of the picture where they would lie on "
        "others, 1 of 2; a wider one has room for more\n"
    )


@pytest.mark.parametrize("name", ["sparse-labels", "label-coverage"])
def test_the_experiments_sheets_go_by_name(name, tmp_path):
    result = invoke("timeline", name, "-o", tmp_path / "sheet.svg")
    assert result.stdout == f"{tmp_path / 'sheet.svg'}: Schedule of {name}\n"
    assert f"Schedule of {name}" in (tmp_path / "sheet.svg").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["none.csv", "-o", "a.png"], "expected a dopesheet at 'none.csv', got: No such file"),
        (["bad.csv", "-o", "a.png"], "bad.csv: row 2, column STEP: expected a step such as"),
        (["empty.csv", "-o", "a.png"], "empty.csv has no property to draw"),
        (["sheet.csv", "-o", "a.gif"], "the picture's extension must be .png or .svg or .pdf"),
        (["sheet.csv", "-o", "none/a.png"], "none"),
        (["sheet.csv", "-o", "a.png", "--size", "1600"], "--size must be WxH, such as 1600x900"),
        (["sheet.csv", "-o", "a.png", "--size", "90x50"], "a picture's sides must lie within"),
        (["sheet.csv", "-o", "a.png", "--theme", "grey"], "'grey' is not one of"),
    ],
)
@pytest.mark.usefixtures("sheet")
def test_an_error_is_one_line_and_leaves_nothing(options, message):
    Path("bad.csv").write_text("STEP,PHASE,ACTION,lr\nsoon,,,1\n")
    Path("empty.csv").write_text("STEP,PHASE,ACTION\n0,,\n")
    before = sorted(Path().iterdir())
    result = invoke("timeline", *options)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert sorted(Path().iterdir()) == before


def test_what_is_recorded_has_the_actions_and_every_start_of_a_phase(sheet):
    result = invoke("sparse-labels", "-o", "run.npz", "--dopesheet", sheet)
    assert result.exit_code == 0, result.output
    with open_run("run.npz") as run:
        assert [tuple(action) for action in run.actions] == [(4, "freeze"), (4, "save")]
        starts = [(0, "Warm-up"), (4, "Train"), (6, "Train")]
        assert [tuple(phase) for phase in run.phases] == starts


@pytest.mark.usefixtures("sheet")
def test_drawing_needs_no_torch():
    code = (
        "import sys; from trainers.cli import main\n"
        "try: main(['timeline', 'sheet.csv', '-o', 'sheet.png'])\n"
        "finally: assert 'torch' not in sys.modules"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert Path("sheet.png").exists()
