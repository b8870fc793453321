"""The kept table of the sweep over label coverage: it is the shipped experiment's, it is as good as
the published run, and docs/ and the gallery say what it says.
"""

import re
from pathlib import Path
from statistics import median

import pytest

from gallery.build import KEPT, build
from gallery.entry import find_entries
from latentviz import fit_logistic
from trainers.coverage import plot_coverage
from trainers.data import coverage_color_data, expected_shares
from trainers.label_coverage import experiment, shipped_dopesheet
from trainers.outcomes import OUTCOMES, Outcome, tallies, verdict
from trainers.sweep import COVERAGES, parse_seeds, schedule_digest
from trainers.tables import read_table

ROOT = Path(__file__).parents[1]
SEEDS = parse_seeds("12")


@pytest.fixture(scope="module")
def outcomes():
    return read_table(KEPT["coverage"] / OUTCOMES, Outcome)


@pytest.fixture(scope="module")
def page():
    """The section of docs/, on one line."""
    text = (ROOT / "docs" / "experiments.md").read_text()
    (section,) = re.findall(r"## Label coverage\n.*", text, re.DOTALL)
    return " ".join(section.split())


def test_the_table_is_of_the_shipped_schedule_and_the_default_settings(outcomes):
    assert [(o.coverage, o.seed) for o in outcomes] == [(c, s) for c in COVERAGES for s in SEEDS]
    assert {o.schedule for o in outcomes} == {schedule_digest(shipped_dopesheet())}
    steps = len(experiment(coverage=1).timeline(shipped_dopesheet()))
    assert {(o.steps, o.samples) for o in outcomes} == {(steps, 89_064)}
    for o in outcomes:
        expected = expected_shares(coverage_color_data(o.coverage))["any"]
        assert o.any_expected == pytest.approx(expected)


def test_the_sweep_is_where_it_is_told_to_be_dense():
    assert len(COVERAGES) == 12
    assert (min(COVERAGES), max(COVERAGES)) == (0.01, 10)
    assert sum(0.1 <= coverage <= 3 for coverage in COVERAGES) == 9


def test_eight_seeds_reach_the_published_errors(outcomes):
    base = [o for o in outcomes if o.coverage == 1][:8]
    for o in base:
        assert 1.0e-3 <= o.error_max <= 2.3e-3, o.seed
        assert 2.8e-5 <= o.error_median <= 7.6e-5, o.seed


def test_the_page_and_the_picture_give_the_table_s_answer(outcomes, page):
    answer = verdict(outcomes)
    assert plot_coverage(KEPT["coverage"]).data["answer"] == answer
    assert answer.removesuffix(".") in page


def test_the_page_s_figures_are_the_table_s(outcomes, page):
    groups = tallies(outcomes)
    fit = fit_logistic(
        [t.coverage for t in groups], [t.working for t in groups], [t.tried for t in groups]
    )
    labelled = [
        expected_shares(coverage_color_data(estimate.dose))["any"] for estimate in fit.thresholds
    ]
    half, most = labelled
    assert (
        f"There, {89_064 * half:.0f} and {89_064 * most:.0f} of a run's 89,064 samples carry a "
        f"label ({100 * half:.2g} % and {100 * most:.2g} %)."
    ) in page
    few = [o.works for o in outcomes if o.coverage <= 0.1]
    assert f"Up to 0.1, {sum(few)} of {len(few)} runs works;" in page
    many = [o.works for o in outcomes if o.coverage >= 0.5]
    assert f"from 0.5 on, {sum(many)} of {len(many)} do." in page

    def errors(column, coverage):
        return f"{median(getattr(o, column) for o in outcomes if o.coverage == coverage):.2g}"

    largest, middle = (
        [errors(column, c) for c in (0.01, 1, 10)] for column in ("error_max", "error_median")
    )
    assert (
        f"largest errors is {largest[0]} at coverage 0.01, {largest[1]} at 1 and {largest[2]} at "
        f"10, that of their median errors {middle[0]}, {middle[1]} and {middle[2]}."
    ) in page


def test_the_gallery_draws_it_without_training(outcomes, tmp_path):
    (entry,) = find_entries(only=["coverage"])
    assert entry.commands[0] == "python -m trainers label-coverage -o runs/coverage"
    build(
        tmp_path / "site", runs=tmp_path / "runs", cache=tmp_path / "cache", processes=1,
        only=["coverage"], say=lambda _: None,
    )  # fmt: skip
    assert not (tmp_path / "runs").exists()
    assert verdict(outcomes) in (tmp_path / "site" / "coverage.html").read_text()
