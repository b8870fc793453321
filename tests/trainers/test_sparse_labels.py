import io
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from archives import contents, same
from click.testing import CliRunner
from rich.console import Console

from latentviz import open_run
from trainers import experiment, sparse_labels
from trainers.cli import main
from trainers.dopesheet import DopesheetError, parse_dopesheet
from trainers.experiment import record
from trainers.regularizers import Regularizer
from trainers.sparse_labels import shipped_dopesheet
from trainers.timeline import Timeline

SHORT = "STEP,PHASE,ACTION,lr,reg-norm\n0,Train,,1e-3,0.1\n6,,,,0.2\n"


@pytest.fixture
def short(tmp_path: Path) -> Path:
    path = tmp_path / "short.csv"
    path.write_text(SHORT)
    return path


def invoke(*args: object):
    return CliRunner().invoke(main, ["sparse-labels", *map(str, args)])


def record_short(path: Path, console: Console) -> None:
    sparse = sparse_labels.experiment(labels="hard")
    timeline = sparse.timeline(parse_dopesheet(SHORT))
    record(sparse, path, timeline=timeline, seed=1, overwrite=False, console=console)


def test_the_shipped_schedule():
    timeline = Timeline(shipped_dopesheet())
    assert len(timeline) == 10_001
    assert timeline.phases == ((0, "Train"),)
    # +10; +0.1 and +0.5 of 0..5000; half way from 5000 to 10000.
    assert timeline.keyframes == {
        "lr": (0, 10, 5000, 10_000),
        "reg-separate": (0, 500, 2500, 5000),
        "reg-planar": (0, 2500, 5000),
        "reg-norm": (0, 5000),
        "reg-norm-v": (0,),
        "reg-polar": (5000, 7500),
    }
    quarter = 0.103515625  # minimum jerk at a quarter: 10/64 - 15/256 + 6/1024
    for name, step, value in [
        ("lr", 0, 1e-8),
        ("lr", 5, (1e-8 + 0.01) / 2),
        ("lr", 10, 0.01),
        ("lr", 3000, 0.01),
        ("lr", 7500, 0.0075),
        ("lr", 10_000, 0.005),
        ("reg-separate", 125, 0.001 + 0.019 * quarter),
        ("reg-separate", 1500, 0.015),
        ("reg-separate", 10_000, 0.001),
        ("reg-planar", 1250, 0.05),
        ("reg-planar", 3125, 0.08 - 0.06 * quarter),
        ("reg-norm", 2500, 0.105),
        ("reg-norm-v", 9999, 0.02),
        ("reg-polar", 0, 6e-3),
        ("reg-polar", 6250, 3.1e-3),
        ("reg-polar", 10_000, 2e-4),
    ]:
        assert timeline[step].values[name] == pytest.approx(value, rel=1e-12), (name, step)


def test_a_short_run_is_recorded_and_summed_up(tmp_path: Path, short: Path):
    path = tmp_path / "run.npz"
    result = invoke("-o", path, "--dopesheet", short)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    labels, summed_up = result.stdout.splitlines()
    assert summed_up.startswith("7 steps of 263 trainable parameters; loss 3")
    assert summed_up.endswith(f" kB a step, recorded in {path}")

    arrays = contents(path)
    assert arrays["params/lr"].tolist() == [1e-3] * 7
    assert arrays["params/reg-norm"][[0, 3, 6]] == pytest.approx([0.1, 0.15, 0.2])
    assert arrays["batches/inputs"].shape == (7 * 64, 3)
    assert arrays["batches/labels/red"].shape == (7 * 64,)
    red, vibrant = (arrays[f"batches/labels/{name}"] for name in ("red", "vibrant"))
    for name, carried in (("red", red), ("vibrant", vibrant), ("any", np.maximum(red, vibrant))):
        assert f"{name} {100 * carried.mean():.3g} % (" in labels
    assert labels.startswith("labels seen on 448 samples (and expected): red ")
    assert arrays["probe/inputs"].shape == arrays["probe/colors"].shape == (512, 3)
    # The total is the reconstruction and every regularizer by its weight: 1 but for reg-norm.
    total = arrays["losses/recon"] + arrays["params/reg-norm"] * arrays["losses/reg-norm"]
    for name in ("reg-polar", "reg-separate", "reg-planar", "reg-norm-v"):
        total += np.nan_to_num(arrays.get(f"losses/{name}", 0.0))
    assert arrays["losses/loss"] == pytest.approx(total, rel=1e-5)


def test_states_are_those_before_the_update(tmp_path: Path, short: Path):
    path = tmp_path / "run.npz"
    assert invoke("-o", path, "--dopesheet", short).exit_code == 0
    arrays = contents(path)
    weight, final = arrays["states/encoder.0.weight"], arrays["final/states/encoder.0.weight"]
    assert weight.shape == (7, 16, 3)
    # Adam's first update moves every weight by the learning rate.
    assert np.abs(weight[1] - weight[0]).max() == pytest.approx(1e-3, rel=1e-3)
    assert not np.array_equal(weight[-1], final)


def test_the_same_seed_gives_the_same_archive_contents(tmp_path: Path, short: Path):
    def run(name: str, *options: object) -> dict[str, np.ndarray]:
        path = tmp_path / name
        assert invoke("-o", path, "--dopesheet", short, *options).exit_code == 0
        return contents(path)

    first = run("a.npz", "--seed", 7)
    assert same(first, run("b.npz", "--seed", 7))
    assert not same(first, run("c.npz", "--seed", 8))
    soft = run("d.npz", "--seed", 7, "--labels", "soft")
    assert set(np.unique(first["batches/labels/red"])) <= {0.0, 1.0}
    assert not set(np.unique(soft["batches/labels/red"])) <= {0.0, 1.0}


def test_running_leaves_torchs_state_as_it_was(tmp_path: Path):
    import torch

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    record_short(tmp_path / "run.npz", Console(file=io.StringIO()))
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "none/run.npz"], "none does not exist"),
        (["-o", "taken.npz"], "taken.npz exists"),
        (["-o", "run.mp4"], "must end in .npz, got run.mp4"),
        (["-o", "run.npz", "--seed", "-1"], "-1 is not in the range"),
        (["-o", "run.npz", "--sed", "1"], "No such option"),
        (["-o", "run.npz", "--dopesheet", "none.csv"], "expected a dopesheet at 'none.csv', got"),
        (["-o", "run.npz", "--dopesheet", "bad.csv"], "bad.csv: row 2, column STEP: expected"),
        (["-o", "run.npz", "--dopesheet", "typo.csv"], "row 1, column reg-nrom: expected one of"),
    ],
)
def test_an_error_is_one_line_and_comes_before_training(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(experiment, "train", None)
    Path("taken.npz").write_bytes(b"precious")
    Path("bad.csv").write_text("STEP,PHASE,ACTION,lr\nsoon,,,1\n")
    Path("typo.csv").write_text("STEP,PHASE,ACTION,lr,reg-nrom\n0,,,1,1\n")
    result = invoke(*options)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert Path("taken.npz").read_bytes() == b"precious"
    assert {path.name for path in Path().iterdir()} == {"taken.npz", "bad.csv", "typo.csv"}


def test_overwrite(tmp_path: Path, short: Path):
    path = tmp_path / "run.npz"
    path.write_bytes(b"old")
    result = invoke("-o", path, "--dopesheet", short, "--overwrite")
    assert result.exit_code == 0, result.output
    assert len(contents(path)["params/lr"]) == 7


def interrupt_after(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C when batch n is asked for."""
    drawn = experiment.batches

    def interrupted(*args, **kwargs):
        yield from islice(drawn(*args, **kwargs), n)
        raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "batches", interrupted)


def test_ctrl_c_keeps_what_was_trained(tmp_path, short, monkeypatch):
    interrupt_after(5, monkeypatch)
    path = tmp_path / "run.npz"
    result = invoke("-o", path, "--dopesheet", short)
    assert result.exit_code == 130
    assert result.stderr == f"Interrupted: 5 steps are kept in {path}\n"
    arrays = contents(path)
    assert len(arrays["params/lr"]) == 5
    assert "final/states/encoder.0.weight" in arrays


def test_ctrl_c_before_the_first_step_leaves_nothing(tmp_path, short, monkeypatch):
    interrupt_after(0, monkeypatch)
    path = tmp_path / "run.npz"
    result = invoke("-o", path, "--dopesheet", short)
    assert result.exit_code == 130
    assert result.stderr == "Interrupted: no step was recorded\n"
    assert [path.name for path in tmp_path.iterdir()] == ["short.csv"]


def test_a_second_ctrl_c_names_the_unfinished_archive(tmp_path, short, monkeypatch):
    left_open = []

    def close(self):
        left_open.append(self)
        raise KeyboardInterrupt

    interrupt_after(5, monkeypatch)
    path = tmp_path / "run.npz"
    with monkeypatch.context() as patch:
        patch.setattr(experiment.Recorder, "close", close)
        result = invoke("-o", path, "--dopesheet", short)
    assert result.exit_code == 130
    assert result.stderr == f"Interrupted: what was written so far is in {path}.part\n"
    for recorder in left_open:
        recorder.close()


def wait_until(reached, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_signals_end_training_with_every_step_so_far(tmp_path: Path):
    (tmp_path / "long.csv").write_text(SHORT.replace("6", "20000"))
    started = {}
    for signum in (signal.SIGINT, signal.SIGTERM):
        path = tmp_path / f"{signum}.npz"
        command = ["-m", "trainers", "sparse-labels", "-o", path, "--dopesheet"]
        started[signum] = (
            path,
            subprocess.Popen(
                [sys.executable, *command, tmp_path / "long.csv"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ),
        )
    try:
        for path, process in started.values():
            part = path.with_name(f"{path.name}.part")
            # Longer than the header and the probe: a chunk is there.
            wait_until(lambda part=part: part.exists() and part.stat().st_size > 1 << 16, process)
        for signum, (path, process) in started.items():
            process.send_signal(signum)
            stdout, stderr = process.communicate(timeout=60)
            assert process.returncode == 128 + signum, stderr
            assert stderr.endswith(f" steps are kept in {path}\n"), stderr
            n_steps = len(contents(path)["params/lr"])
            assert (stdout, stderr) == ("", f"Interrupted: {n_steps} steps are kept in {path}\n")
    finally:
        for _, process in started.values():
            process.kill()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["15.npz", "2.npz", "long.csv"]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks for libraries in /proc")
def test_a_signal_while_libraries_are_imported_ends_it_at_once(tmp_path: Path, short: Path):
    path = tmp_path / "run.npz"
    with subprocess.Popen(
        [sys.executable, "-m", "trainers", "sparse-labels", "-o", path, "--dopesheet", short],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        # NumPy's, whose import turns an interrupt into other errors.
        maps = Path(f"/proc/{process.pid}/maps")
        wait_until(lambda: "_multiarray_umath" in maps.read_text(), process)
        process.terminate()
        output = process.communicate(timeout=60)
    assert process.returncode == 143, output
    assert output == ("", "Interrupted: no step was recorded\n")
    assert list(tmp_path.iterdir()) == [short]


def test_an_interrupt_in_the_midst_of_code_that_is_a_string_gives_the_same_status(tmp_path: Path):
    """As where a library makes its classes from strings; Python itself would end by SIGINT."""
    (tmp_path / "interrupted.py").write_text(
        "from trainers import cli, interruption\n"
        "@cli.main.command()\n"
        "def here():\n"
        "    with interruption.one_line_when_interrupted(lambda: 'nothing is left'):\n"
        "        exec('raise KeyboardInterrupt')\n"
        "cli.main(['here'])\n"
    )
    command = [sys.executable, "-m", "interrupted"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (130, "Interrupted: nothing is left\n")


def test_help_is_complete_and_needs_no_torch():
    code = (
        "import sys; from trainers.cli import main\n"
        "try: main(['sparse-labels', '--help'])\n"
        "finally: assert 'torch' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for option in ("--output", "--seed", "--dopesheet", "--labels", "--overwrite"):
        assert option in result.stdout
    assert "sparse-labels" in CliRunner().invoke(main, ["--help"]).output


def test_an_unknown_property_is_refused_by_name():
    with pytest.raises(DopesheetError, match="expected one of lr, reg-polar, reg-separate"):
        sparse_labels.experiment(labels="hard").timeline(
            parse_dopesheet("STEP,PHASE,ACTION,lt\n0,,,1\n")
        )


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_shows_phase_rate_and_terms_on_a_terminal_only(tmp_path: Path, is_terminal):
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=is_terminal, width=200)
    record_short(tmp_path / "run.npz", console)
    text = shown.getvalue()
    if is_terminal:
        assert "Train" in text
        assert "7/7" in text
        assert " elapsed, " in text
        assert " left" in text
        assert all(name in text for name in ("lr 0.001", "loss ", "recon ", "reg-norm "))
    else:
        assert text == ""


def test_a_term_that_was_left_out_is_recorded_as_it_was(tmp_path):
    calls = []

    def sometimes(z):
        calls.append(z)
        return z.sum(-1) * (float("inf") if len(calls) in (2, 3) else 0.0)

    steps = sparse_labels.experiment(labels="soft")
    bad = replace(steps, regularizers=(Regularizer("reg-norm", sometimes),))
    timeline = bad.timeline(parse_dopesheet("STEP,PHASE,ACTION,lr\n0,Train,,1e-3\n4,,,\n"))
    record(bad, tmp_path / "run.npz", timeline=timeline, seed=1, overwrite=False)
    with open_run(tmp_path / "run.npz") as run:
        term, total = run.losses["reg-norm"], run.losses["loss"]
        assert not run.loss_gaps["reg-norm"].any()
    assert np.isfinite(term).tolist() == [True, False, False, True, True]
    assert np.isfinite(total).all()
