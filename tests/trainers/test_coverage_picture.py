import json
import math
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.text import Text

import latentviz
from latentviz import ArchiveError, LatentvizError, fit_logistic
from latentviz.theme import rgb_bytes, theme_named
from trainers.cli import main
from trainers.coverage import plot_coverage
from trainers.coverage_axes import DoseAxis, axis_range, log_ticks, thinned
from trainers.coverage_table import in_columns, read_outcomes
from trainers.outcomes import Outcome, tallies
from trainers.tables import TableError, write_table

SWEEP = Path(__file__).parents[2] / "gallery/label-coverage"
COVERAGES = (0, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
N_SEEDS = 5
HEADER = ",".join(field.name for field in fields(Outcome)) + "\n"


def outcome(coverage, seed):
    """The made-up outcome of a run: it works from 0.3 on, and once at 0.1."""
    works = coverage >= 0.3 or (coverage, seed) == (0.1, 2)
    return {
        "coverage": coverage,
        "seed": seed,
        "schedule": "",
        "steps": 1,
        "samples": 1,
        "red_share": 0.0004 * coverage,
        "vibrant_share": 0.0011 * coverage,
        "any_share": 0.0015 * coverage,
        "any_expected": 0.0015 * coverage,
        "cyclic": int(coverage > 0.01 or seed > 1),
        "works": int(works),
        "red_angle_deg": 80 / (1 + 30 * coverage) + seed,
        "off_plane_rms": 0.4 / (1 + 10 * coverage) + seed / 100,
        "red_angle_limit_deg": 30.0,
        "off_plane_limit": 0.5,
        "off_plane_max": 0.5,
        "error_median": 5e-5 * (1 + seed / 10),
        "error_max": 2e-3 * (1 + seed / 10),
    }


def run_command(*arguments, status=0):
    """A command of the trainers', in this process."""
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    assert done.exit_code == status, done.output
    return done


def write_outcomes(folder, rows):
    write_table(folder / "outcomes.csv", Outcome, [Outcome(**row) for row in rows])


@pytest.fixture
def sweep(tmp_path):
    rows = [outcome(c, s) for s in range(N_SEEDS) for c in COVERAGES]
    write_outcomes(tmp_path, rows)
    return tmp_path


def test_the_table_is_read_in_order(sweep):
    outcomes = read_outcomes(sweep)
    order = [(o.coverage, o.seed) for o in outcomes]
    assert order == [(c, s) for c in COVERAGES for s in range(N_SEEDS)]
    assert read_outcomes(sweep / "outcomes.csv") == outcomes
    rows = in_columns(outcomes)
    assert rows["coverage"].tolist() == [c for c, _ in order]
    assert rows["works"].sum() == 21


def test_the_answer(sweep):
    successes = tallies(read_outcomes(sweep))
    assert [(s.coverage, s.working) for s in successes] == [
        *((c, 0) for c in COVERAGES[:3]), (0.1, 1), *((c, 5) for c in COVERAGES[4:]),
    ]  # fmt: skip
    assert successes[-1].interval == pytest.approx((5 / (5 + 3.8415), 1), abs=1e-4)
    picture = plot_coverage(sweep)
    # Only at 0.1 do some work: no curve is the best one.
    assert picture.data["answer"] == (
        "All runs work at label coverage 0.3 and above, none at 0.03 and below: half of them work "
        "somewhere between. Coverage 0 has no logarithm, and no part in the fit."
    )
    assert picture.data["fit"] is None
    (span,) = picture.drawn.axes[0].patches
    places = DoseAxis(COVERAGES)
    assert (span.get_x(), span.get_x() + span.get_width()) == pytest.approx(
        (places.place(0.03), places.place(0.3))
    )


def made_up(tmp_path, worked, **changed):
    """A sweep with so many of twelve seeds working at each coverage, and one run changed."""
    rows = [outcome(c, s) | {"works": int(s < n)} for c, n in worked.items() for s in range(12)]
    rows[3] |= changed
    write_outcomes(tmp_path, rows)
    return tmp_path


def test_the_curve_and_where_half_and_95_percent_of_the_runs_work(tmp_path):
    worked = {0.1: 1, 0.2: 5, 0.4: 9, 0.8: 12}
    picture = plot_coverage(made_up(tmp_path, worked))
    fit = fit_logistic(list(worked), list(worked.values()), [12] * 4)
    assert picture.data["answer"] == fit.in_words("label coverage")
    half, most = picture.data["fit"]["thresholds"]
    for told, share in ((half, 0.5), (most, 0.95)):
        estimate = fit.estimate(share)
        expected = {
            "share": share, "coverage": estimate.dose, "low": estimate.low, "high": estimate.high,
        }  # fmt: skip
        assert told == expected
    axes, axis = picture.drawn.axes[0], DoseAxis(list(worked))
    curve = max(axes.lines, key=lambda line: len(line.get_xdata()))
    where = axis.coverage(curve.get_xdata())
    np.testing.assert_allclose(curve.get_ydata(), 100 * fit.share(where))
    diamonds = {line.get_ydata()[0]: line for line in axes.lines if line.get_marker() == "D"}
    for share in (0.5, 0.95):
        place = axis.place(fit.estimate(share).dose)
        assert diamonds[100 * share].get_xdata() == pytest.approx([place])
    shares = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert shares == pytest.approx([100 * n / 12 for n in worked.values()])


def test_a_share_that_the_curve_misses_is_named(tmp_path):
    worked = {0.01: 12, 0.1: 0, 0.3: 3, 1: 11, 3: 12}
    answer = plot_coverage(made_up(tmp_path, worked)).data["answer"]
    assert answer.endswith("The curve misses what was seen at 0.01, 0.1: trust the points.")


def test_a_log_axis_with_a_place_for_zero():
    axis = DoseAxis([0, 0.01, 0.1, 0.3, 1])
    steps = np.array([1, math.log10(3), 1 - math.log10(3)]) / math.log10(3)
    assert np.diff(axis.places)[0] == 1.5
    assert np.diff(axis.places)[1:] == pytest.approx(steps, rel=0.1)
    assert np.diff(axis.places).min() >= 1
    assert axis.coverage(axis.places[1:]) == pytest.approx([0.01, 0.1, 0.3, 1])
    assert DoseAxis([0.5]).places.tolist() == [math.log10(0.5)]
    assert DoseAxis([0]).places.tolist() == [0]


def test_an_axis_leaves_out_a_few_that_lie_far_beyond_the_others():
    values = np.arange(1.0, 41)
    assert axis_range(values, log=False) == (0, 40)
    assert axis_range(np.append(values, 60), log=False) == (0, 60)
    assert axis_range(np.append(values, 400), log=False) == (0, 40)
    # As many as these are no outliers.
    assert axis_range(np.append(values, [400] * 5), log=False) == (0, 400)
    assert axis_range(np.append(values, [1e9, 1e-9]), log=True) == (1, 40)
    assert axis_range(np.append(values, [np.nan, np.inf, 0]), log=True) == (1, 40)
    # Of few, all are shown.
    assert axis_range(np.array([1.0, 2, 400]), log=False) == (0, 400)
    assert axis_range(np.array([np.nan]), log=False) == (0, 1)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (4e-5, 9e-5, [2e-5, 5e-5, 1e-4]),
        (1, 10, [1, 2, 5, 10]),
        (2, 2, [1, 2, 5]),
        (0.3, 700, [0.1, 1, 10, 100, 1000]),
        (1e-9, 1, [1e-9, 1e-7, 1e-5, 1e-3, 1e-1]),
    ],
)
def test_log_ticks_hold_the_range_between_them(low, high, expected):
    assert log_ticks(low, high) == pytest.approx(expected)


def test_of_labels_that_would_touch_the_plainest_numbers_are_kept():
    labels = ["0", "0.01", "0.1", "0.15", "0.2", "0.3", "1"]
    shown = thinned(labels, [0, 30, 60, 66, 72, 78, 100], [10] * 7, gap_px=5)
    assert shown == ["0", "0.01", "0.1", "", "", "0.3", "1"]
    assert thinned(labels, range(0, 700, 100), [10] * 7, gap_px=5) == labels


@pytest.mark.parametrize("size", [(1600, 1000), (800, 500)])
def test_no_tick_labels_touch_in_a_sweep_of_twelve_coverages(size):
    picture = plot_coverage(SWEEP, size=size)
    picture.drawn.canvas.draw()
    for axes in picture.drawn.axes:
        for axis in (axes.xaxis, axes.yaxis):
            boxes = [
                label.get_window_extent() for label in axis.get_ticklabels() if label.get_text()
            ]
            assert len(boxes) >= 3
            assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])


@pytest.mark.parametrize("size", [(1600, 1000), (900, 1600), (800, 2400)])
def test_no_arrow_to_a_run_far_beyond_touches_a_title(size):
    picture = plot_coverage(SWEEP, size=size)
    picture.drawn.canvas.draw()
    arrows = 0
    for axes in picture.drawn.axes:
        words = axes.get_title(loc="left")
        (title,) = (t for t in axes.get_children() if isinstance(t, Text) and t.get_text() == words)
        for arrow in axes.texts:
            if arrow.arrow_patch is not None:
                arrows += 1
                assert arrow.arrow_patch.get_window_extent().y1 < title.get_window_extent().y0
    assert arrows == 2


@pytest.mark.parametrize("value", [0.2, math.nan, math.inf])
def test_a_run_far_beyond_stands_at_the_edge_and_squeezes_no_panel(tmp_path, value):
    worked = {0.1: 1, 0.2: 5, 0.4: 9, 0.8: 12}
    ordinary = plot_coverage(made_up(tmp_path, worked)).drawn.axes[4].get_ylim()
    picture = plot_coverage(made_up(tmp_path, worked, error_max=value))
    (beyond,) = picture.data["beyond"]
    told = value if math.isfinite(value) else None
    assert beyond == {"column": "error_max", "coverage": 0.1, "seed": 3, "value": told}
    low, high = picture.drawn.axes[4].get_ylim()
    assert high / low < 1.5 * ordinary[1] / ordinary[0]
    (arrow,) = picture.drawn.axes[4].texts
    assert arrow.xyann[1] < 1 < arrow.xy[1]
    words = "no number" if math.isnan(value) else f"{value:.2g}"
    assert f"reconstruction, largest: {words} at 0.1." in picture.alt
    assert f"Arrow: beyond the axis, at {words}." in [t.get_text() for t in picture.drawn.texts]
    json.dumps(picture.data, allow_nan=False)


@pytest.mark.parametrize("value", ["inf", "nan", "1e308", "-inf"])
@pytest.mark.parametrize("n_runs", [1, 40])
def test_a_sweep_of_which_nothing_is_finite_is_drawn_and_says_so(tmp_path, value, n_runs):
    columns = ("error_median", "error_max", "red_angle_deg", "off_plane_rms")
    rows = [outcome(COVERAGES[n % 8], n) | dict.fromkeys(columns, value) for n in range(n_runs)]
    write_outcomes(tmp_path, rows)
    picture = plot_coverage(tmp_path)
    assert len(picture.data["beyond"]) == 4 * n_runs
    for axes in picture.drawn.axes[1:]:
        assert sum(arrow.arrow_patch is not None for arrow in axes.texts) == n_runs
    color = rgb_bytes(theme_named("dark").curves[2])  # of the arrows and of what they start at
    lower = picture.pixels[picture.pixels.shape[0] // 2 :]
    assert (lower == color).all(-1).any()


@pytest.mark.parametrize("limit", ["red_angle_limit_deg", "off_plane_limit"])
@pytest.mark.parametrize("value", ["inf", "nan", "1e300"])
def test_a_limit_that_no_axis_reaches_is_refused(tmp_path, limit, value):
    write_outcomes(tmp_path, [outcome(0.3, 1) | {limit: value}])
    with pytest.raises(ArchiveError, match=f"column '{limit}' must hold finite numbers"):
        plot_coverage(tmp_path)


def test_every_run_is_a_point(sweep):
    picture = plot_coverage(sweep)
    rows = in_columns(read_outcomes(sweep))
    for axes, column in zip(
        picture.drawn.axes[1:],
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
def test_coverage(latentviz_snapshot, theme):
    latentviz_snapshot(plot_coverage(SWEEP, size=(800, 500), theme=theme))


def test_the_command(sweep, tmp_path):
    path = tmp_path / "coverage.svg"
    done = run_command("coverage", sweep, "-o", path, "--size", "800x500", "--theme", "light")
    assert "All runs work at label coverage 0.3 and above, none at 0.03 and below" in done.stdout
    assert b"Outcomes of 40 runs" in path.read_bytes()
    about = json.loads(run_command("coverage", sweep / "outcomes.csv", "-o", path, "--json").stdout)
    assert about["coverages"][-1] == {
        "coverage": 10.0, "worked": 5, "seeds": 5, "labelled_share": pytest.approx(0.015),
        "interval_95": [pytest.approx(0.5655, abs=1e-3), pytest.approx(1)],
    }  # fmt: skip


def test_where_it_was_says_where_it_is(tmp_path, invoke):
    line = "Error: coverage is a command of the trainers now: python -m trainers coverage"
    done = invoke("coverage", "a b", "-o", tmp_path / "c.png", "--json", status=2)
    assert done.stderr == f"{line} 'a b' -o {tmp_path / 'c.png'} --json\n"
    assert invoke("coverage", "--help", status=2).stderr == f"{line} --help\n"
    assert invoke("coverage", status=2).stderr == f"{line} ...\n"
    assert "coverage" not in invoke("--help").stdout
    with pytest.warns(DeprecationWarning, match=r"is trainers\.coverage\.plot_coverage now"):
        assert latentviz.plot_coverage is plot_coverage


def test_drawing_it_needs_no_torch():
    code = "import sys, trainers.coverage; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=SWEEP.parents[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "outcomes.csv does not exist; make it with python -m trainers label-coverage -o"),
        ("", "expected a table with the columns coverage, seed, .*, got an empty file; move it"),
        ("a,b\n1,2\n", "expected a table with the columns coverage, seed, .*, got a, b; move it"),
        (HEADER, "holds no runs"),
        (HEADER + "x" + ",1" * 17 + "\n", "row 2, column coverage: expected float, got 'x'"),
        (HEADER + "-1" + ",1" * 17 + "\n", "column 'coverage' must hold numbers of 0 or more"),
        (HEADER + "nan" + ",1" * 17 + "\n", "column 'coverage' must hold numbers of 0 or more"),
        (HEADER + "1,2\n", "row 2: expected 18 cells, got 2"),
    ],
)
def test_a_table_that_is_none(tmp_path, text, message):
    if text is not None:
        (tmp_path / "outcomes.csv").write_text(text)
    with pytest.raises(LatentvizError, match=message):
        read_outcomes(tmp_path)
    done = run_command("coverage", tmp_path, "-o", tmp_path / "c.png", status=2)
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "c.png").exists()


def test_a_table_that_is_no_text(tmp_path):
    (tmp_path / "outcomes.csv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(TableError, match=r"cannot read the table .*; move it away"):
        read_outcomes(tmp_path)
