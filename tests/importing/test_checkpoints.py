"""Imports of checkpoints: the archive is the recorder's, whatever they were saved as."""

import os
import shutil

import numpy as np
import pytest
import torch
from checkpoints import (
    KINDS,
    LINEAR,
    RGB,
    STEPS,
    Coded,
    Stranger,
    assert_same_members,
    linear,
    recorded,
    save,
    states,
    write,
)  # fmt: skip
from torch import nn

from latentviz import LatentvizWarning, RecordingWarning, import_run, open_run, render
from latentviz.errors import ArchiveError, ModelError, OptionError
from trainers.models import ColorMLP

MODELS = {"registered": ColorMLP, "stranger": Stranger}
AS_RECORDED = {"layer": "encoder", "probe": RGB}

pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder of 40 checkpoints for each model and kind, and the recorder's run."""
    root = tmp_path_factory.mktemp("saved")
    for name, make in MODELS.items():
        for kind in KINDS:
            (root / f"{name}-{kind}").mkdir()
        for step, (_, state) in zip(STEPS, states(make), strict=True):
            for kind in KINDS:
                save(root / f"{name}-{kind}", kind, step, state)
        recorded(root / f"{name}.npz", make)
    return root


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MODELS)
def test_an_import_is_what_a_recorder_makes(saved, tmp_path, name, kind):
    out = tmp_path / "run.npz"
    done = import_run(saved / f"{name}-{kind}", out, model=MODELS[name](), **AS_RECORDED)
    assert (list(done.steps), done.n_new, done.same) == (STEPS, 40, [])
    assert_same_members(out, saved / f"{name}.npz")


def test_its_film_is_the_recorded_runs(saved, tmp_path):
    import_run(saved / "stranger-bare", tmp_path / "run.npz", model=Stranger(), **AS_RECORDED)
    small = {"size": (320, 180), "frames": 4, "dims": [(0, 1)]}
    for name, path in (("a.png", tmp_path / "run.npz"), ("b.png", saved / "stranger.npz")):
        (tmp_path / name).mkdir()
        render(path, tmp_path / name / "%03d.png", **small)
    a, b = (sorted((tmp_path / name).iterdir()) for name in ("a.png", "b.png"))
    assert len(a) >= 4
    assert [f.read_bytes() for f in a] == [f.read_bytes() for f in b]


def test_some_of_the_tensors_and_of_the_checkpoints(saved, tmp_path):
    out = tmp_path / "run.npz"
    import_run(
        str(saved / "stranger-bare" / "step_*.pt"), out, every=13, model=Stranger(),
        states="head.*", **AS_RECORDED,
    )  # fmt: skip
    with open_run(out) as run, open_run(saved / "stranger.npz") as whole:
        assert list(run.steps) == STEPS[::13]
        assert set(run.state(1300)) == {"head.weight", "head.bias"}
        np.testing.assert_array_equal(run.latents(), whole.latents(STEPS[::13]))
        assert not run.has_final


@pytest.mark.parametrize("kind", ["bare", "safetensors"])
def test_states_alone_need_no_model(saved, tmp_path, kind):
    out = tmp_path / "run.npz"
    import_run(saved / f"stranger-{kind}", out, states=["encoder.*"])
    with open_run(out) as run, open_run(saved / "stranger.npz") as whole:
        for step in STEPS:
            state, other = run.state(step), whole.state(step)
            assert set(state) == {name for name in other if name.startswith("encoder.")}
            for name, array in state.items():
                np.testing.assert_array_equal(array, other[name])


def test_rows_have_classes_and_names(current_folder, invoke):
    for step in range(3):
        write(f"{step}.pt", step)
    (current_folder / "names.txt").write_text("up\ndown\n")
    (current_folder / "classes.txt").write_text("1\n0\n")
    marks = ["--class-names", "no,yes", "--classes", "classes.txt", "--point-names", "names.txt"]
    done = invoke("import", "?.pt", "-o", "run.npz", "--points", "rows:0.weight", *marks)
    assert done.stdout == "run.npz: 3 steps, 0 to 2\n"
    with open_run("run.npz") as run:
        assert (run.points, run.class_names) == ("rows:0.weight", ("no", "yes"))
        assert (list(run.classes), run.point_names) == ([1, 0], ("up", "down"))
        np.testing.assert_array_equal(run.latents()[:, 0, 0], [0, 1, 2])
    invoke("frame", "run.npz", "-o", "f.png", "--size", "320x180", "--dims", "0,1")


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bfloat16])
def test_checkpoints_that_are_the_same_are_named(current_folder, dtype):
    class Holding(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)
            self.register_buffer("table", torch.zeros(3, dtype=dtype))

        def forward(self, x):
            return self.layer(x)

    model = Holding()
    for step, value in enumerate([0, 1, 0, 2]):
        model.table.fill_(value)
        torch.save(model.state_dict(), f"{step}.pt")
    with pytest.warns(LatentvizWarning, match=r"byte for byte: 0.pt and 2.pt; was one"):
        done = import_run(
            "./?.pt", "run.npz", model=Holding(), layer="layer", probe=np.eye(2, dtype=np.float32)
        )
    assert [[path.name for path in group] for group in done.same] == [["0.pt", "2.pt"]]


def test_what_differs_from_the_first_is_named(current_folder):
    write("1.pt", 1)
    for more, words in (
        (
            {"0.bias": torch.zeros(3)},
            r"2.pt: tensor '0.bias' is \(3,\) float32, and \(2,\) float32",
        ),
        ({"0.bias": torch.zeros(2).half()}, r"2.pt: tensor '0.bias' is \(2,\) float16, and"),
        ({"1.bias": torch.zeros(3)}, r"2.pt: tensor '1.bias' is \(3,\) float32, and missing in 1"),
    ):
        write("2.pt", 2, **more)
        with pytest.raises(OptionError, match=words):
            import_run(["1.pt", "2.pt"], "run.npz", model=linear(), **LINEAR)
        assert sorted(os.listdir()) == ["1.pt", "2.pt", "run.npz.part"]
        os.unlink("run.npz.part")


def test_what_does_not_fit_the_model_is_named(current_folder):
    write("1.pt", 1)
    wide = nn.Sequential(nn.Linear(3, 2))
    for model, words in (
        (wide, r"1.pt does not fit the model: tensor '0.weight' is \(2, 2\), and \(2, 3\) in"),
        (nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), "it lacks tensor '1.weight' and 1 more"),
        (nn.Sequential(nn.Linear(2, 2, bias=False)), "the model lacks, tensor '0.bias'"),
    ):
        with pytest.raises(ModelError, match=words):
            import_run("1.pt", "run.npz", model=model, **LINEAR)


def test_a_tensor_that_is_tied_may_be_saved_once(current_folder):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    state = {name: t for name, t in model.state_dict().items() if name != "1.weight"}
    torch.save(state, "1.pt")
    other = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    other[1].weight = other[0].weight
    import_run("1.pt", "run.npz", model=other, **LINEAR)
    with open_run("run.npz") as run:
        np.testing.assert_array_equal(run.state(1)["1.weight"], state["0.weight"].numpy())


@pytest.mark.parametrize("suffix", ["pt", "ckpt"])
@pytest.mark.parametrize("is_zip", [True, False])
def test_a_pickle_that_would_run_code_is_refused(current_folder, invoke, suffix, is_zip):
    torch.save(
        {"state_dict": {}, "hyper": Coded(current_folder / "pwned")}, f"1.{suffix}",
        _use_new_zipfile_serialization=is_zip,
    )  # fmt: skip
    done = invoke("import", f"1.{suffix}", "-o", "run.npz", status=2)
    assert done.stderr.startswith(f"Error: 1.{suffix} is not loaded: it is a pickle that calls for")
    assert "io.open" in done.stderr
    assert "torch.save(model.state_dict()" in done.stderr
    assert done.stderr.count("\n") == 1
    assert os.listdir() == [f"1.{suffix}"]


def test_a_probe_that_would_run_code_is_refused(current_folder):
    write("1.pt", 1)
    torch.save(Coded(current_folder / "pwned"), "probe.pt")
    np.save("probe.npy", np.array([Coded(current_folder / "pwned")], dtype=object))
    for name in ("probe.pt", "probe.npy"):
        with pytest.raises(ArchiveError, match=f"{name} is not loaded: it"):
            import_run("1.pt", "run.npz", model=linear(), layer="0", probe=name)
    assert sorted(os.listdir()) == ["1.pt", "probe.npy", "probe.pt"]


def test_the_item_that_is_the_state(current_folder):
    weights = {"0.weight": torch.ones(2, 2), "0.bias": torch.zeros(2)}
    torch.save({"model": {}, "module": {}, "ema": {"net.work": weights}}, "1.pt")
    with pytest.raises(OptionError, match="holds model and module; say by key"):
        import_run("1.pt", "run.npz", model=linear(), **LINEAR)
    with pytest.raises(OptionError, match="no item 'emma'; it has model, module, ema"):
        import_run("1.pt", "run.npz", key="emma", model=linear(), **LINEAR)
    import_run("1.pt", "run.npz", key="ema.net.work", model=linear(), **LINEAR)
    torch.save({"net": weights, "epoch": 1}, "2.pt")
    with pytest.raises(OptionError, match=r"item 'net' is a dict, and no tensor; name .* by key"):
        import_run("2.pt", "other.npz", model=linear(), **LINEAR)


# --- finding


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist; name a checkpoint"),
        (b"", "is cut short or damaged"),
        (b"hello", "is cut short or damaged"),
        ("half", "is cut short or damaged"),
    ],
)
@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_what_cannot_be_read_is_one_line(current_folder, invoke, content, words, suffix):
    if content == "half":
        save(
            current_folder, "bare" if suffix == "pt" else "safetensors", 1, Stranger().state_dict()
        )
        (path,) = current_folder.iterdir()
        content = path.read_bytes()[: path.stat().st_size // 2]
        path.unlink()
    if content is not None:
        (current_folder / f"1.{suffix}").write_bytes(content)
    done = invoke("import", f"1.{suffix}", "-o", "run.npz", status=2)
    assert done.stderr.startswith(f"Error: 1.{suffix} ")
    assert suffix == "safetensors" or words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (current_folder / "run.npz").exists()


def test_what_is_not_there_or_no_checkpoint_is_said(current_folder, invoke):
    (current_folder / "empty").mkdir()
    (current_folder / "notes.txt").write_text("")
    write("1.pt", 1)
    for arguments, words in (
        (["empty"], "empty has no checkpoints: no file .pt, .pth,"),
        (["none*.pt"], "no file matches none*.pt"),
        (["notes.txt"], "notes.txt is no checkpoint by its name"),
        (["1.pt", "1.pt"], "1.pt and 1.pt are both of step 1"),
        (["1.pt", "--steps", "1,2"], "steps must be as many as the checkpoints, 1, got 2"),
        (["1.pt", "--steps", "a"], "steps must be whole numbers"),
        (["1.pt", "--layer", "0"], "give model too"),
        (["1.pt", "--model", "nothing:here"], "--model nothing:here: No module named 'nothing'"),
        (["1.pt", "x.npy"], "arrays are imported from one file alone"),
    ):
        done = invoke("import", *arguments, "-o", "run.npz", status=2)
        assert words in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1


def test_a_list_of_shards_names_files_beside_it(current_folder):
    save(current_folder, "shards", 5, Stranger().state_dict())
    inner = current_folder / "checkpoint-5"
    index = inner / "model.safetensors.index.json"
    shutil.move(inner / "b.safetensors", current_folder / "b.safetensors")
    with pytest.raises(ArchiveError, match=r"lists b.safetensors, which is not there"):
        import_run(inner, "run.npz", model=Stranger(), **AS_RECORDED)
    index.write_text(index.read_text().replace("b.safetensors", "../b.safetensors"))
    with pytest.raises(ArchiveError, match=r"names '../b.safetensors', which is not beside it"):
        import_run(inner, "run.npz", model=Stranger(), **AS_RECORDED)


def test_a_folders_files_without_a_step_are_left_out(current_folder):
    for name in ("a2.pt", "a10.pt", "last.pt"):
        write(name, len(name))
    write("a10.pt", 3)
    with pytest.warns(LatentvizWarning, match="1 file left out, as the name tells no step: last"):
        done = import_run(current_folder, "run.npz", model=linear(), **LINEAR)
    assert list(done.steps) == [2, 10]
    with pytest.raises(OptionError, match=r"the name of last.pt tells no step"):
        import_run("last.pt", "other.npz", model=linear(), **LINEAR)
    done = import_run(current_folder, "other.npz", steps=[7, 5, 6], model=linear(), **LINEAR)
    assert list(done.steps) == [5, 6, 7]
    with open_run("other.npz") as run:  # as people count: a2, a10, last
        assert [run.state(step)["0.weight"][0, 0] for step in (7, 5, 6)] == [5, 3, 7]


def test_a_large_model_that_is_a_stranger_keeps_its_latents(current_folder):
    model = nn.Sequential(nn.Linear(2, 300), nn.Linear(300, 300))
    torch.save(model.state_dict(), "1.pt")
    with pytest.warns(RecordingWarning, match="states are not recorded"):
        import_run("1.pt", "run.npz", model=model, **LINEAR)
    with open_run("run.npz") as run:
        assert run.latents().shape == (1, 2, 300)
