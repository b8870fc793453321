"""Imports that were cut off, and gone on with."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from checkpoints import LINEAR, assert_same_members, linear, write
from torch import nn

from latentviz import LatentvizWarning, Recorder, import_run, open_run
from latentviz.archive import ArchiveReader, ArchiveWriter
from latentviz.errors import ArchiveError, ModelError, OptionError
from latentviz.recording.states import States

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def test_an_import_that_failed_is_gone_on_with(current_folder, monkeypatch):
    monkeypatch.setattr("latentviz.importing.growing.READ_BYTES", 1)  # a chunk a checkpoint
    for step in range(6):
        write(f"{step}.pt", step)
    import_run("?.pt", "undisturbed.npz", model=linear(), **LINEAR)
    good = (current_folder / "4.pt").read_bytes()
    (current_folder / "4.pt").write_bytes(good[:-50])
    with pytest.raises(ArchiveError, match=r"4.pt is cut short.*; what was imported before is in"):
        import_run("?.pt", "run.npz", model=linear(), **LINEAR)
    assert not (current_folder / "run.npz").exists()
    (current_folder / "4.pt").write_bytes(good)
    with pytest.raises(ArchiveError, match=r"run.npz.part holds 4 steps of an import .* --resume"):
        import_run("?.pt", "run.npz", model=linear(), **LINEAR)

    steps = []
    model = linear()
    model.register_load_state_dict_pre_hook(lambda *a: steps.append(float(a[1]["0.weight"][0, 0])))
    done = import_run("?.pt", "run.npz", resume=True, model=model, **LINEAR)
    assert (list(done.steps), done.n_new) == ([0, 1, 2, 3, 4, 5], 2)
    assert steps == [4, 5]  # the model was given no other
    assert_same_members("run.npz", "undisturbed.npz")
    assert not (current_folder / "run.npz.part").exists()


def test_a_finished_import_takes_more_checkpoints(current_folder):
    for step in range(4):
        write(f"{step}.pt", step)
    import_run(["0.pt", "2.pt"], "run.npz", model=linear(), **LINEAR)
    before = (current_folder / "run.npz").read_bytes()
    done = import_run(["0.pt", "2.pt"], "run.npz", resume=True, model=linear(), **LINEAR)
    assert (done.n_new, (current_folder / "run.npz").read_bytes()) == (0, before)
    with pytest.raises(OptionError, match=r"step 1 comes before 2, the last in run.npz"):
        import_run("?.pt", "run.npz", resume=True, model=linear(), **LINEAR)
    for other, words in (
        ({"probe": 2 * LINEAR["probe"]}, "its probe/inputs differs"),
        ({"states": "0.bias"}, "its states differs"),
    ):
        with pytest.raises(OptionError, match=f"was imported otherwise: {words}"):
            import_run(["3.pt"], "run.npz", resume=True, model=linear(), **LINEAR | other)
    assert (current_folder / "run.npz").read_bytes() == before
    (current_folder / "0.pt").unlink()  # what is in the archive need not be there any more
    done = import_run(["2.pt", "3.pt"], "run.npz", resume=True, model=linear(), **LINEAR)
    assert (list(done.steps), done.n_new) == ([0, 2, 3], 1)
    with open_run("run.npz") as run:
        assert [run.state(step)["0.weight"][0, 0] for step in (0, 2, 3)] == [0, 2, 3]


def test_a_recording_is_not_gone_on_with(current_folder):
    model = linear()
    with Recorder("run.npz", model, **LINEAR) as recorder:
        recorder.step()
    write("1.pt", 1)
    with pytest.raises(OptionError, match="was recorded while training"):
        import_run("1.pt", "run.npz", resume=True, model=linear(), **LINEAR)


KILLED = """
import sys, time
import numpy as np, torch
from torch import nn
import latentviz, latentviz.importing.growing as growing
growing.READ_S = 0.0
def slowly(done, n):
    print(done, flush=True)
    time.sleep(0.1)
latentviz.import_run("?.pt", "run.npz", model=nn.Sequential(nn.Linear(2, 2)), layer="0",
    probe=np.eye(2, dtype=np.float32), resume=True, progress=slowly)
"""


def test_an_import_that_was_killed_is_gone_on_with(current_folder, monkeypatch):
    monkeypatch.setattr("latentviz.importing.growing.READ_S", 0.0)
    for step in range(6):
        write(f"{step}.pt", step)
    import_run("?.pt", "undisturbed.npz", model=linear(), **LINEAR)
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=-1, text=True) as process:
        while process.stdout.readline().strip() != "3":
            assert process.poll() is None
        time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not (current_folder / "run.npz").exists()
    done = import_run("?.pt", "run.npz", resume=True, model=linear(), **LINEAR)
    assert (len(done.steps), done.n_new) == (6, 3)
    assert_same_members("run.npz", "undisturbed.npz")


NETS = """
from torch import nn
def make():
    return nn.Sequential(nn.Linear(2, 2))
"""
OPTIONS = ["--model", "nets:make", "--layer", "0", "--probe", "probe.npy", "-o", "run.npz"]


@pytest.fixture
def nets(current_folder):
    """A folder with a model's file, its probe, and four checkpoints."""
    (current_folder / "nets.py").write_text(NETS)
    np.save("probe.npy", np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32))
    for step in range(4):
        write(f"{step}.pt", step + 1)
    return current_folder


def test_an_interrupted_import_keeps_what_was_read(nets, invoke, monkeypatch):
    invoke("import", "?.pt", *OPTIONS[:-1], "undisturbed.npz")
    real = torch.load

    def interrupted(path, **more):
        if path.name == "2.pt":
            raise KeyboardInterrupt
        return real(path, **more)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "load", interrupted)
        done = invoke("import", "?.pt", *OPTIONS, status=130)
    assert done.stderr == (
        "Interrupted; run.npz.part holds what was imported: go on with --resume\n"
    )
    assert not (nets / "run.npz").exists()
    done = invoke("import", "?.pt", *OPTIONS, status=2)
    assert done.stderr.startswith("Error: run.npz.part holds 2 steps of an import")
    assert done.stderr.count("\n") == 1
    done = invoke("import", "?.pt", *OPTIONS, "--resume")
    assert done.stdout == "run.npz: 4 steps, 0 to 3 (2 of them were there)\n"
    with open_run("run.npz") as run, open_run("undisturbed.npz") as whole:
        assert list(run.steps) == list(whole.steps) == [0, 1, 2, 3]
        np.testing.assert_array_equal(run.latents(), whole.latents())
        for step in range(4):
            for name, array in whole.state(step).items():
                np.testing.assert_array_equal(run.state(step)[name], array)
    small = ["--size", "320x180", "--frames", "3", "--dims", "0,1"]
    films = []
    for name in ("run", "undisturbed"):
        os.replace(f"{name}.npz", "film.npz")  # pages show the run's name
        (nets / name).mkdir()
        invoke("render", "film.npz", "-o", f"{name}/%03d.png", *small)
        films.append(sorted((nets / name).iterdir()))
    ours, theirs = films
    assert len(ours) >= 3
    assert [f.read_bytes() for f in ours] == [f.read_bytes() for f in theirs]


def test_an_import_that_is_interrupted_at_once_leaves_nothing(nets, invoke, monkeypatch):
    def interrupted(path, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "load", interrupted)
    done = invoke("import", "?.pt", *OPTIONS, status=130)
    assert done.stderr == "Interrupted; nothing is left half-written.\n"
    assert not list(nets.glob("run.npz*"))


def test_a_chunk_that_is_interrupted_is_written_whole(nets, monkeypatch):
    monkeypatch.setattr("latentviz.importing.growing.READ_BYTES", 1)
    real = ArchiveWriter.add

    def add(self, name, array):
        crc = real(self, name, array)
        if name.startswith("steps/"):
            signal.raise_signal(signal.SIGINT)
        return crc

    with monkeypatch.context() as patch:
        patch.setattr(ArchiveWriter, "add", add)
        with pytest.raises(KeyboardInterrupt):
            import_run("?.pt", "run.npz")
    assert import_run("?.pt", "run.npz", resume=True).n_new == 3


def interrupted_at_row(count):
    """What stands in for `States.add`, and is interrupted when it was called so many times."""
    real, rows = States.add, []

    def add(self, chunk, k):
        real(self, chunk, k)
        rows.append(k)
        if len(rows) == count:
            raise KeyboardInterrupt

    return add


def test_a_row_that_is_interrupted_does_not_count(nets, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(States, "add", interrupted_at_row(3))
        with pytest.raises(KeyboardInterrupt):
            import_run("?.pt", "run.npz")
    with ArchiveReader("run.npz.part") as reader:
        assert reader.manifest.n_steps == 2
    import_run("?.pt", "run.npz", resume=True)
    with open_run("run.npz") as run:
        assert [run.state(step)["0.weight"][0, 0] for step in range(4)] == [1, 2, 3, 4]


def test_a_finished_import_to_which_nothing_was_added_leaves_no_part(nets, monkeypatch):
    import_run(["0.pt", "1.pt"], "run.npz")
    monkeypatch.setattr(States, "add", interrupted_at_row(2))  # the first is the check's
    with pytest.raises(KeyboardInterrupt):
        import_run("?.pt", "run.npz", resume=True)
    assert [path.name for path in nets.glob("*run.npz*")] == ["run.npz"]


def test_a_part_without_a_whole_step_is_begun_anew(nets):
    (nets / "1.pt").write_bytes(b"")
    with pytest.raises(ArchiveError, match=r"what was imported before is in run.npz.part"):
        import_run("?.pt", "run.npz")
    whole = (nets / "run.npz.part").read_bytes()
    write("1.pt", 2)
    (nets / "run.npz.part").write_bytes(whole[:-30])  # killed while its first chunk was written
    with pytest.raises(ArchiveError, match=r"part holds 0 steps of an import .* --resume"):
        import_run("?.pt", "run.npz")
    done = import_run("?.pt", "run.npz", resume=True)
    assert (done.n_new, os.path.exists("run.npz.part")) == (4, False)


@pytest.mark.parametrize("is_finished", [True, False])
def test_what_is_gone_on_with_has_the_same_options_though_nothing_is_new(nets, is_finished):
    import_run("?.pt", "run.npz", model=linear(), **LINEAR)
    if not is_finished:
        whole = (nets / "run.npz").read_bytes()
        os.unlink("run.npz")
        (nets / "run.npz.part").write_bytes(whole[: whole.index(b"manifest.npy")])
    before = {path.name: path.read_bytes() for path in nets.glob("run.npz*")}
    deep = nn.Sequential(nn.Linear(2, 2), nn.Identity())
    probe = np.ones((3, 2), np.float32)
    for other, words in (
        ({"layer": "1", "model": deep}, "its layer differs"),
        ({"points": "rows:0.weight"}, "its points differs"),
        ({"probe": probe}, "its probe/inputs differs"),
        ({"classes": [0, 1]}, "its probe/c[a-z]* differs"),
        ({"class_names": ["a", "b"], "classes": [0, 1]}, "its probe/class_names differs"),
        ({"point_names": ["a", "b"]}, "its probe/[a-z_]* differs"),
        ({"colors": [0.1, 0.2]}, "its probe/colors differs"),
        ({"states": "0.bias"}, "its states differs"),
        ({"model": None, "layer": None, "probe": None}, "its layer differs"),
    ):
        with pytest.raises(OptionError, match=f"was imported otherwise: {words}; give the same"):
            import_run("?.pt", "run.npz", resume=True, **{"model": linear()} | LINEAR | other)
    assert before == {path.name: path.read_bytes() for path in nets.glob("run.npz*")}
    done = import_run("?.pt", "run.npz", resume=True, model=linear(), **LINEAR)
    assert (done.n_new, [path.name for path in nets.glob("run.npz*")]) == (0, ["run.npz"])


def test_what_is_gone_on_with_has_the_same_tensors(nets):
    import_run("?.pt", "run.npz")
    (nets / "other").mkdir()
    weights = {"0.weight": torch.zeros(2, 2), "0.bias": torch.zeros(2)}
    for more, words in (
        ({"0.bias": torch.zeros(3)}, "the shape or the dtype of tensor '0.bias' differs"),
        ({"1.bias": torch.zeros(3)}, "what it keeps, tensor '1.bias', differs"),
    ):
        for step in range(2):
            torch.save(weights | more, f"other/{step}.pt")
        with pytest.raises(OptionError, match=words):
            import_run("other", "run.npz", resume=True)
    with pytest.raises(ModelError, match="does not fit the model"):
        import_run("other", "run.npz", resume=True, model=linear(), **LINEAR)


@pytest.mark.filterwarnings("default:left out")
def test_what_is_damaged_can_be_left_out(nets, invoke):
    (nets / "1.pt").write_bytes((nets / "1.pt").read_bytes()[:-50])
    done = invoke("import", "?.pt", *OPTIONS, status=2)
    assert "Error: 1.pt is cut short or damaged" in done.stderr
    assert "; to go without it, name the others, or give skip_damaged=True" in done.stderr
    done = invoke("import", "?.pt", *OPTIONS, "--resume", "--skip-damaged")
    assert done.stdout == "run.npz: 3 steps, 0 to 3 (1 of them were there)\n"
    assert done.stderr.startswith("Warning: left out: 1.pt is cut short or damaged")
    assert done.stderr.count("\n") == 1
    (nets / "0.pt").write_bytes(b"")  # the first, by which the others are judged
    with pytest.warns(LatentvizWarning, match=r"left out: [01].pt"):
        done = import_run("?.pt", "other.npz", skip_damaged=True)
    assert (list(done.steps), done.n_new) == ([2, 3], 2)
    with pytest.warns(LatentvizWarning), pytest.raises(ArchiveError, match="every checkpoint is"):
        import_run(["0.pt", "1.pt"], "none.npz", skip_damaged=True)


def test_states_alone_come_with_how_to_draw_them(nets, invoke):
    done = invoke("import", "?.pt", "-o", "run.npz")
    assert done.stdout == (
        "run.npz: 4 steps, 0 to 3; only states were kept: draw the rows of a tensor with --points "
        "rows:0.weight, or import with --model, --layer and --probe\n"
    )
    done = invoke("frame", "run.npz", "-o", "f.png", status=2)
    assert "if the run was imported, import it with --model, --layer and --probe" in done.stderr
    assert import_run("?.pt", "other.npz", points="rows:0.weight").to_draw is None
