import csv
import json
import math

import numpy as np
import pytest

from latentviz import ArchiveError, plot_coverage
from latentviz.figures.coverage import COLUMNS, Success, axis_places, in_words, read_outcomes, tally

COVERAGES = (0, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
N_SEEDS = 5


def outcome(coverage, seed):
    """The made-up outcome of a run: it works from 0.3 on, and once at 0.1."""
    works = coverage >= 0.3 or (coverage, seed) == (0.1, 2)
    return {
        "coverage": coverage,
        "seed": seed,
        "any_share": 0.0015 * coverage,
        "cyclic": int(coverage > 0.01 or seed > 1),
        "works": int(works),
        "red_angle_deg": 80 / (1 + 30 * coverage) + seed,
        "off_plane_rms": 0.4 / (1 + 10 * coverage) + seed / 100,
        "red_angle_limit_deg": 30.0,
        "off_plane_limit": 0.5,
        "error_median": 5e-5 * (1 + seed / 10),
        "error_max": 2e-3 * (1 + seed / 10),
    }


def write_table(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def sweep(tmp_path):
    rows = [outcome(c, s) for s in range(N_SEEDS) for c in COVERAGES]
    write_table(tmp_path / "outcomes.csv", rows)
    return tmp_path


def test_wilson_s_interval_by_hand():
    # Of 5 of 5: 1 / (1 + z²/n), with z² = 3.8416.
    low, high = Success(1, 5, 5, 0).interval
    assert (low, high) == (pytest.approx(5 / (5 + 3.8416)), pytest.approx(1))
    low, high = Success(1, 0, 5, 0).interval
    assert (low, high) == (pytest.approx(0, abs=1e-12), pytest.approx(3.8416 / (5 + 3.8416)))
    low, high = Success(1, 5, 10, 0).interval
    half = 1.96 * math.sqrt(0.25 / 10 + 3.8416 / 400) / (1 + 0.38416)
    assert (low, high) == (pytest.approx(0.5 - half), pytest.approx(0.5 + half))


def test_the_table_is_read_in_order(sweep):
    rows = read_outcomes(sweep)
    assert rows.keys() == set(COLUMNS)
    assert rows["coverage"].tolist() == sorted(c for c in COVERAGES for _ in range(N_SEEDS))
    assert rows["seed"][:N_SEEDS].tolist() == list(range(N_SEEDS))
    assert read_outcomes(sweep / "outcomes.csv")["works"].sum() == 21


def test_the_answer(sweep):
    successes = tally(read_outcomes(sweep))
    assert [(s.coverage, s.worked) for s in successes] == [
        *((c, 0) for c in COVERAGES[:3]), (0.1, 1), *((c, 5) for c in COVERAGES[4:]),
    ]  # fmt: skip
    assert in_words(successes) == (
        "The least coverage that works with every seed is 0.3 (0.045 % of the samples carry a "
        "label); at 0.1, 1 of 5 work. With 5 of 5, the rate of success lies above 57 % with 95 % "
        "confidence."
    )
    assert in_words(successes[:4]) == (
        "The greatest coverage that was tried does not work with every seed."
    )
    # One that works below others that do not is luck.
    assert "every seed is 3 (" in in_words([successes[4], successes[3], *successes[6:]])
    assert ", the least that was tried. With 5 of 5" in in_words(successes[4:])


def test_a_log_axis_with_a_place_for_zero():
    places = axis_places([0, 0.01, 0.1, 0.3, 1])
    assert np.diff(places)[1:] == pytest.approx(
        np.array([1, math.log10(3), 1 - math.log10(3)]) / math.log10(3), rel=0.1
    )
    assert np.diff(places).min() >= 1
    assert axis_places([0.5]).tolist() == [math.log10(0.5)]
    assert axis_places([0]).tolist() == [0]


def test_every_run_is_a_point(sweep):
    picture = plot_coverage(sweep)
    rows = read_outcomes(sweep)
    for axes, column in zip(
        picture.drawn.axes,
        ("red_angle_deg", "off_plane_rms", "error_median", "error_max"),
        strict=True,
    ):
        points = [line for line in axes.lines if line.get_marker() in "o^"]
        values = np.concatenate([line.get_ydata() for line in points])
        np.testing.assert_allclose(np.sort(values), np.sort(rows[column]))
        filled = [p for p in points if p.get_markerfacecolor() == p.get_markeredgecolor()]
        assert sum(len(p.get_xdata()) for p in filled) == 21
        triangles = [p for p in points if p.get_marker() == "^"]
        assert sum(len(p.get_xdata()) for p in triangles) == 4
        medians, *limits = (line for line in axes.lines if line.get_marker() == "None")
        assert len(medians.get_xdata()) == len(COVERAGES) - 1
        expected = {"red_angle_deg": [30.0], "off_plane_rms": [0.5]}.get(column, [])
        assert [line.get_ydata()[0] for line in limits] == expected
    assert "Runs that worked: 0 of 5 at 0, " in picture.alt
    assert picture.data["answer"] in picture.alt
    assert picture.data["coverages"][3]["worked"] == 1


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_coverage(sweep, latentviz_snapshot, theme):
    latentviz_snapshot(plot_coverage(sweep, size=(800, 500), theme=theme))


def test_the_command(sweep, tmp_path, invoke):
    path = tmp_path / "coverage.svg"
    done = invoke("coverage", sweep, "-o", path, "--size", "800x500", "--theme", "light")
    assert "The least coverage that works with every seed is 0.3" in done.stdout
    assert b"Outcomes of 40 runs" in path.read_bytes()
    about = json.loads(invoke("coverage", sweep / "outcomes.csv", "-o", path, "--json").stdout)
    assert about["coverages"][-1] == {
        "coverage": 10.0, "worked": 5, "seeds": 5, "labelled_share": pytest.approx(0.015),
        "interval_95": [pytest.approx(0.5655, abs=1e-3), pytest.approx(1)],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "outcomes.csv does not exist; make it with python -m trainers label-coverage -o"),
        ("", "holds no runs"),
        ("a,b\n1,2\n", "lacks the column 'coverage'; it is no sweep's table"),
        (",".join(COLUMNS) + "\n" + "x," * 10 + "1\n", "column 'coverage' must hold numbers"),
        (",".join(COLUMNS) + "\n-1" + ",1" * 10 + "\n", "must hold numbers of 0 or more"),
        (",".join(COLUMNS) + "\n1,2\n", "column 'any_share' must hold numbers"),
    ],
)
def test_a_table_that_is_none(tmp_path, invoke, text, message):
    if text is not None:
        (tmp_path / "outcomes.csv").write_text(text)
    with pytest.raises(ArchiveError, match=message):
        read_outcomes(tmp_path)
    done = invoke("coverage", tmp_path, "-o", tmp_path / "c.png", status=2)
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "c.png").exists()


def test_a_table_that_is_no_text(tmp_path):
    (tmp_path / "outcomes.csv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ArchiveError, match="is no sweep's table; give the folder of a sweep"):
        read_outcomes(tmp_path)
