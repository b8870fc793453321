import csv
import fcntl
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from archives import contents, same
from click.testing import CliRunner
from rich.console import Console

from latentviz import open_run
from latentviz.errors import ArchiveError
from trainers import sweep as sweeping
from trainers.cli import main
from trainers.dopesheet import parse_dopesheet
from trainers.experiment import record
from trainers.label_counts import label_counter
from trainers.label_coverage import experiment, shipped_dopesheet
from trainers.outcomes import EpochLabels, Outcome
from trainers.progress import runs_bar
from trainers.sweep import Found, Setting, compare, obtain, parse_coverages, parse_seeds
from trainers.tables import read_table
from trainers.timeline import Timeline

SHORT = "STEP,PHASE,ACTION,lr,reg-planar\n0,Train,,1e-3,0.1\n17,,,,0.2\n"
SETTINGS = [Setting(coverage, seed) for coverage in (0.0, 2.5) for seed in (0, 7)]


def invoke(*args: object):
    return CliRunner().invoke(main, ["label-coverage", *map(str, args)])


@pytest.fixture(scope="module")
def sheet(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sheet") / "short.csv"
    path.write_text(SHORT)
    return path


@pytest.fixture(scope="module")
def options(sheet) -> list[object]:
    return ["--coverage", "2.5,0", "--seeds", "0,7", "--dopesheet", sheet]


@pytest.fixture(scope="module")
def swept(tmp_path_factory, options) -> Path:
    """A sweep of two coverages and two seeds, in two processes."""
    folder = tmp_path_factory.mktemp("swept") / "new" / "folder"
    result = invoke("-o", folder, *options, "--jobs", 2)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    summed_up, heading, none, some, verdict = result.stdout.splitlines()
    assert summed_up == (
        f"4 runs of 263 trainable parameters, 4 of them trained now; table in "
        f"{folder / 'outcomes.csv'}"
    )
    assert heading.split("  ")[0] == "coverage"
    assert none.split() == ["0", "0", "of", "2", *["0", "(0)"] * 3]
    rows = read_table(folder / "outcomes.csv", Outcome)
    shares = np.array([[o.red_share, o.vibrant_share, o.any_share] for o in rows[2:]])
    red, vibrant, any_ = (f"{100 * share:.3g}" for share in shares.mean(0))
    # 2.5 times 0.0449 %, 0.1080 % and (but for what overlaps) 0.1525 %.
    expected = f"2.5 0 of 2 {red} (0.112) {vibrant} (0.27) {any_} (0.379)"
    assert some.split() == expected.split()
    assert verdict == "No run works at label coverage 2.5 and below; where all work was not tried."
    return folder


def test_the_shipped_schedule_is_the_published_one():
    timeline = experiment(coverage=1).timeline(shipped_dopesheet())
    assert len(timeline) == 1501
    assert timeline.phases == ((0, "Train"),)
    # Half way to 750; nine tenths from there to 1500.
    assert timeline.keyframes == {
        "lr": (0, 10, 750, 1425, 1500),
        "reg-separate": (0, 375, 750, 1425, 1500),
        "reg-anchor": (0, 750, 1425),
        "reg-planar": (0, 750, 1425, 1500),
        "reg-anti-anchor": (0, 750, 1425),
        "reg-unit": (0, 750, 1425, 1500),
    }
    for name, step, value in [
        ("lr", 0, 1e-8),
        ("lr", 10, 0.01),
        ("lr", 380, 0.105),
        ("lr", 750, 0.2),
        ("lr", 1425, 0.1),
        ("lr", 1500, 0.05),
        ("reg-separate", 0, 0.01),
        ("reg-separate", 375, 0.01),
        ("reg-separate", 750, 0.015),
        ("reg-anchor", 0, 0.02),
        ("reg-anchor", 375, 0.11),
        ("reg-anchor", 750, 0.2),
        ("reg-planar", 0, 0.01),
        ("reg-planar", 750, 0.2),
        ("reg-anti-anchor", 750, 0.01),
        ("reg-unit", 750, 0.1),
    ]:
        assert timeline[step].values[name] == pytest.approx(value, rel=1e-12), (name, step)
    for name in ("reg-anchor", "reg-separate", "reg-planar"):
        weights = [state.values[name] for state in timeline]
        assert min(weights[:1425]) > 0
        assert weights[1425:] == [0.0] * 76


def test_columns_that_nothing_reads_are_declared_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(sweeping, "run_in_processes", lambda *_, **__: None)
    line = (
        "reg-anti-anchor and reg-unit are in the schedule, and no regularizer of this experiment "
        "reads them\n"
    )
    assert invoke("-o", tmp_path / "out").stdout.startswith(line)
    one = parse_dopesheet("STEP,PHASE,ACTION,lr,reg-unit\n0,,,1,1\n")
    assert experiment(coverage=1).unread(one) == (
        "reg-unit is in the schedule, and no regularizer of this experiment reads it"
    )
    assert experiment(coverage=1).unread(parse_dopesheet(SHORT)) is None


def test_a_run_at_the_base_setting_reproduces_the_published_figures(tmp_path):
    result = obtain(
        Setting(1.0, 0), folder=tmp_path, dopesheet=shipped_dopesheet(), overwrite=False
    )
    outcome = result.outcome
    assert result.trained
    assert outcome.steps == 1501
    assert outcome.samples == 89_064
    # The published run's were 1.5e-3 and 4.3e-5; this is the range of its other seeds.
    assert 1.0e-3 < outcome.error_max < 2.3e-3
    assert 2.8e-5 < outcome.error_median < 7.6e-5
    assert outcome.cyclic
    assert outcome.works
    with open_run(tmp_path / "coverage-1-seed-0.npz") as run:
        assert (run.model_name, run.layer, run.n_points) == ("cn-color-mlp", "bottleneck", 512)
        for name in ("val-recon", "val-reg-anchor", "val-reg-planar"):
            (steps,) = np.isfinite(run.losses[name]).nonzero()
            assert steps.tolist() == list(range(0, 1501, 160)), name
            assert run.losses[name][0] > 5 * run.losses[name][1440]
        assert "val-reg-separate" not in run.losses
        latents = run.latents([0, 1500])
    assert np.linalg.norm(latents, axis=-1) == pytest.approx(np.ones((2, 512)), abs=1e-5)


def test_a_sweep_leaves_an_archive_a_run_and_two_tables(swept):
    assert {path.name for path in swept.iterdir()} == {
        "coverage-0-seed-0.npz",
        "coverage-0-seed-7.npz",
        "coverage-2.5-seed-0.npz",
        "coverage-2.5-seed-7.npz",
        "labels.csv",
        "outcomes.csv",
    }
    with open(swept / "outcomes.csv", newline="") as file:
        assert next(csv.reader(file)) == [field.name for field in fields(Outcome)]
    outcomes = read_table(swept / "outcomes.csv", Outcome)
    assert [Setting(o.coverage, o.seed) for o in outcomes] == SETTINGS
    assert [o.steps for o in outcomes] == [18] * 4
    # 15·64 + 40 + 2·64
    assert [o.samples for o in outcomes] == [1128] * 4
    assert [o.any_expected for o in outcomes] == pytest.approx([0, 0, 0.0038, 0.0038], abs=1e-5)
    assert len({o.schedule for o in outcomes}) == 1
    assert outcomes[0].any_share == 0 < outcomes[2].any_share


def test_label_counts_are_those_of_the_recorded_batches(swept):
    outcomes = {Setting(o.coverage, o.seed): o for o in read_table(swept / "outcomes.csv", Outcome)}
    epochs = read_table(swept / "labels.csv", EpochLabels)
    for setting in SETTINGS:
        with open_run(setting.archive(swept)) as run:
            batches = [run.batch(step).labels for step in range(18)]
        red, vibrant = (
            [batch[name].astype(bool) for batch in batches] for name in ("red", "vibrant")
        )
        of_run = [row for row in epochs if Setting(row.coverage, row.seed) == setting]
        assert [(row.epoch, row.samples) for row in of_run] == [(0, 1000), (1, 128)]
        for row, part in zip(of_run, (slice(16), slice(16, None)), strict=True):
            r, v = np.concatenate(red[part]), np.concatenate(vibrant[part])
            assert (row.red, row.vibrant, row.any) == (r.sum(), v.sum(), (r | v).sum())
        outcome = outcomes[setting]
        for name in ("red", "vibrant", "any"):
            share = sum(getattr(row, name) for row in of_run) / 1128
            assert getattr(outcome, f"{name}_share") == share


def tables(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.csv")}


def test_finished_runs_are_not_trained_again_and_one_process_gives_the_same(
    swept, options, tmp_path
):
    # Another folder, begun with one of the runs, and with what a killed sweep leaves of another.
    kept = SETTINGS[2].archive(tmp_path)
    kept.write_bytes(SETTINGS[2].archive(swept).read_bytes())
    before = kept.stat().st_mtime_ns
    SETTINGS[1].archive(tmp_path).with_suffix(".npz.part").write_bytes(b"cut off")
    result = invoke("-o", tmp_path, *options, "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("4 runs of 263 trainable parameters, 3 of them trained now;")
    assert kept.stat().st_mtime_ns == before
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in swept.iterdir()}
    assert tables(tmp_path) == tables(swept)
    for setting in SETTINGS:
        assert same(contents(setting.archive(tmp_path)), contents(setting.archive(swept)))


def test_a_second_sweep_trains_nothing(swept, options):
    before = {path.name: path.stat().st_mtime_ns for path in swept.glob("*.npz")}
    tables_before = tables(swept)
    result = invoke("-o", swept, *options)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("4 runs of 263 trainable parameters, 0 of them trained now;")
    assert {path.name: path.stat().st_mtime_ns for path in swept.glob("*.npz")} == before
    assert tables(swept) == tables_before


def steady(steps: int) -> Timeline:
    return Timeline(parse_dopesheet(f"STEP,PHASE,ACTION,lr\n0,Train,,1e-3\n{steps - 1},,,\n"))


def test_what_is_found_of_a_run(tmp_path):
    path, setting = tmp_path / "run.npz", experiment(coverage=100)
    record(setting, path, timeline=steady(20), seed=3, overwrite=False)

    def found(*, other=setting, timeline=None, seed=3):
        counter = label_counter(other)
        with open_run(path) as run:
            found = compare(run, other, timeline or steady(20), seed=seed, counter=counter)
        # All of an epoch but what is left of the second one's.
        assert found is not Found.WHOLE or counter.total.samples == 1000 + 4 * 64
        return found

    assert found() is Found.WHOLE
    assert found(timeline=steady(21)) is Found.BEGINNING
    assert found(timeline=steady(19)) is Found.ANOTHER
    assert found(seed=4) is Found.ANOTHER
    assert found(other=experiment(coverage=50)) is Found.ANOTHER
    other_rate = "STEP,PHASE,ACTION,lr\n0,Train,,1e-3\n18,,,1e-3\n19,,,2e-3\n"
    assert found(timeline=Timeline(parse_dopesheet(other_rate))) is Found.ANOTHER
    more = "STEP,PHASE,ACTION,lr,reg-planar\n0,Train,,1e-3,1\n19,,,,\n"
    assert found(timeline=Timeline(parse_dopesheet(more))) is Found.ANOTHER
    assert found(other=replace(setting, model_name="color-mlp")) is Found.ANOTHER


def test_the_beginning_of_a_run_is_trained_again_and_another_run_is_left_alone(tmp_path):
    short, long = (
        parse_dopesheet(f"STEP,PHASE,ACTION,lr\n0,Train,,1e-3\n{last},,,\n") for last in (3, 5)
    )
    setting = Setting(1.0, 0)
    path = setting.archive(tmp_path)
    assert obtain(setting, folder=tmp_path, dopesheet=short, overwrite=False).trained
    assert obtain(setting, folder=tmp_path, dopesheet=long, overwrite=False).trained
    with open_run(path) as run:
        assert len(run) == 6
    with pytest.raises(ArchiveError, match="is of another run than coverage 1, seed 0 by this"):
        obtain(setting, folder=tmp_path, dopesheet=short, overwrite=False)
    with open_run(path) as run:
        assert len(run) == 6
    assert obtain(setting, folder=tmp_path, dopesheet=short, overwrite=True).trained
    with open_run(path) as run:
        assert len(run) == 4
    path.write_bytes(b"precious")
    with pytest.raises(ArchiveError, match="is not a readable run archive"):
        obtain(setting, folder=tmp_path, dopesheet=short, overwrite=False)
    assert path.read_bytes() == b"precious"


def in_this_process(task, jobs, *, done, **_):
    for job in jobs:
        done(job, task(job))


def test_overwrite_trains_anew_and_drops_what_another_schedule_gave(tmp_path, monkeypatch):
    monkeypatch.setattr(sweeping, "run_in_processes", in_this_process)
    monkeypatch.chdir(tmp_path)
    Path("one.csv").write_text(SHORT)
    Path("other.csv").write_text(SHORT.replace("17", "18"))

    def run(sheet: str, seeds: str, *more: str):
        return invoke("-o", "out", "--coverage", 1, "--seeds", seeds, "--dopesheet", sheet, *more)

    def rows():
        return [(o.seed, o.steps) for o in read_table(Path("out/outcomes.csv"), Outcome)]

    assert run("one.csv", "0,1").exit_code == 0
    assert ", 1 of them trained now;" in run("one.csv", "2,").stdout
    assert rows() == [(0, 18), (1, 18), (2, 18)]
    result = run("other.csv", "3,")
    assert result.exit_code == 2
    assert "out/outcomes.csv has outcomes of another schedule; choose another" in result.stderr
    assert rows() == [(0, 18), (1, 18), (2, 18)]
    assert ", 1 of them trained now;" in run("one.csv", "1,", "--overwrite").stdout
    assert rows() == [(0, 18), (1, 18), (2, 18)]
    assert run("other.csv", "1,", "--overwrite").exit_code == 0
    assert rows() == [(1, 19)]
    assert {row.seed for row in read_table(Path("out/labels.csv"), EpochLabels)} == {1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--coverage", "some"], "--coverage must be numbers with commas between them"),
        (["--coverage", "0.1,,1"], "--coverage must be numbers with commas between them"),
        (["--coverage", "0.1,-1"], "must be a finite number, 0 or more, got -1.0"),
        (["--coverage", "nan"], "must be a finite number, 0 or more, got nan"),
        (["--seeds", "0"], "--seeds must be 1 to 10000 seeds, got 0"),
        (["--seeds", "-3"], "--seeds must be how many, such as 5, or which"),
        (["--seeds", "1,two"], "--seeds must be how many, such as 5, or which"),
        (["--jobs", "0"], "0 is not in the range"),
        (["--job", "x"], "No such option"),
        (["--dopesheet", "none.csv"], "expected a dopesheet at 'none.csv', got"),
        (
            ["--dopesheet", "typo.csv"],
            "row 1, column reg-planer: expected one of lr, reg-anchor",
        ),
        (["-o", "typo.csv"], "typo.csv is a file; name a folder"),
        (["-o", "typo.csv/out"], "cannot make the folder typo.csv/out: Not a directory"),
        (["-o", "strange"], "strange/outcomes.csv: expected a table with the columns coverage,"),
    ],
)
def test_an_error_is_one_line_and_comes_before_training(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sweeping, "run_in_processes", None)
    Path("typo.csv").write_text("STEP,PHASE,ACTION,lr,reg-planer\n0,,,1,1\n")
    Path("strange").mkdir()
    Path("strange/outcomes.csv").write_text("a,b\n")
    before = sorted(Path().rglob("*"))
    result = invoke(*([] if "-o" in options else ["-o", "out"]), *options)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert sorted(Path().rglob("*")) == before


def test_a_folder_has_one_sweep_at_a_time(tmp_path):
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        result = invoke("-o", tmp_path)
    finally:
        os.close(handle)
    assert result.exit_code == 2
    assert f"another sweep is at work in {tmp_path}; wait" in result.stderr


def test_coverages():
    assert parse_coverages("1, 0.1,-0,1.0,1e-3") == (0, 0.001, 0.1, 1)
    names = [Setting(c, 0).archive(Path()).name for c in parse_coverages("1,-0,0.1,1e-5")]
    assert names == [f"coverage-{c}-seed-0.npz" for c in ("0", "1e-05", "0.1", "1")]


def test_seeds():
    assert parse_seeds("3") == (0, 1, 2)
    assert parse_seeds("7, 2,7") == (2, 7)
    assert parse_seeds("3,") == (3,)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_shows_the_runs_on_a_terminal_only(is_terminal):
    shown = io.StringIO()
    with runs_bar(2, Console(file=shown, force_terminal=is_terminal, width=80)) as advance:
        advance("coverage 1, seed 0")
    if is_terminal:
        assert "coverage 1, seed 0" in shown.getvalue()
        assert "1/2" in shown.getvalue()
        assert " elapsed, " in shown.getvalue()
    else:
        assert shown.getvalue() == ""


def processes_that_name(text: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            environ = entry.read_bytes()
        except OSError:
            continue
        if text.encode() in environ:
            found.append(entry.parent.name)
    return found


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="looks for processes in /proc"
)


@contextmanager
def sweep_at_work(folder: Path) -> Iterator[tuple[subprocess.Popen, Path]]:
    """A sweep of 500 runs that has finished two at least, and its folder."""
    (folder / "sheet.csv").write_text(SHORT.replace("17", "150"))
    out = folder / "out"
    command = ["label-coverage", "-o", out, "--coverage", "1", "--seeds", "500", "--jobs", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "trainers", *command, "--dopesheet", folder / "sheet.csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "MARK": str(out)},
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while len(list(out.glob("*.npz"))) < 2 or not list(out.glob("*.npz.part")):
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield process, out
        finally:
            process.kill()


def outcomes_kept(out: Path) -> list[Outcome]:
    """The outcomes in a sweep's folder, once it has ended and left nothing half-done."""
    outcomes = read_table(out / "outcomes.csv", Outcome)
    assert list(out.glob("*.part")) == []
    # A run may have been finished, and not measured yet.
    archives = sorted(out.glob("*.npz"))
    assert len(outcomes) <= len(archives) <= len(outcomes) + 2
    for path in archives:
        with open_run(path) as run:
            assert len(run) == 151
    assert processes_that_name(str(out)) == []
    return outcomes


@needs_proc
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_workers_and_keeps_the_finished_runs(tmp_path, signum):
    with sweep_at_work(tmp_path) as (process, out):
        os.killpg(process.pid, signum)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + signum
    assert (stdout, stderr) == (
        "",
        f"Interrupted: {len(outcomes_kept(out))} of 500 runs are finished in {out}; the same "
        "command goes on with the rest\n",
    )


@needs_proc
def test_a_worker_that_dies_is_an_error_that_names_its_run_and_keeps_the_finished_ones(tmp_path):
    with sweep_at_work(tmp_path) as (process, out):
        workers = [
            pid
            for pid in processes_that_name(str(out))
            if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        assert len(workers) == 3
        os.kill(int(max(workers, key=int)), signal.SIGKILL)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 2
    assert re.fullmatch(
        r"Error: coverage 1, seed \d+: its worker died with SIGKILL\(-9\); try again, with fewer "
        r"--jobs if memory ran out\n",
        stderr,
    )
    assert stdout == ""
    assert outcomes_kept(out)


def test_help_is_complete_and_needs_no_torch():
    code = (
        "import sys; from trainers.cli import main\n"
        "try: main(['label-coverage', '--help'])\n"
        "finally: assert 'torch' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for option in ("--output", "--coverage", "--seeds", "--jobs", "--dopesheet", "--overwrite"):
        assert option in result.stdout
