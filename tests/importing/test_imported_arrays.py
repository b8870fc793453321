"""Imports of latents that lie in NumPy's files."""

import os

import numpy as np
import pytest
from checkpoints import Coded

from latentviz import import_run, open_run
from latentviz.errors import ArchiveError, OptionError
from latentviz.importing.tables import labels_from, names_from, probe_from

LATENTS = np.random.default_rng(0).normal(size=(6, 4, 3)).astype(np.float32)


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "f8", "f2", "i4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_file_of_latents(current_folder, dtype, order):
    array = np.asarray(10 * LATENTS, dtype=dtype, order=order)
    np.save("latents.npy", array)
    done = import_run("latents.npy", "run.npz", every=2, steps=[0, 1, 5, 6, 9, 10])
    assert list(done.steps) == [0, 5, 9]
    with open_run("run.npz") as run:
        np.testing.assert_array_equal(run.latents(), array[::2].astype(np.float32))
    assert sorted(path.name for path in current_folder.iterdir()) == ["latents.npy", "run.npz"]


def test_latents_with_all_that_goes_with_them(current_folder, invoke):
    curves = {"losses/loss": np.arange(6.0), "params/lr": np.ones(6), "metrics/top": np.zeros(6)}
    np.savez(
        "in.npz", latents=LATENTS, steps=np.arange(6) * 10, classes=np.array([1, 0, 1, 0]),
        class_names=np.array(["cat", "dog"]), names=np.array(list("abcd")), **curves,
    )  # fmt: skip
    done = invoke("import", "in.npz", "-o", "run.npz")
    assert done.stdout == "run.npz: 6 steps, 0 to 50\n"
    with open_run("run.npz") as run:
        np.testing.assert_array_equal(run.latents(), LATENTS)
        assert list(run.losses["loss"]) == [0, 1, 2, 3, 4, 5]
        assert (set(run.params), set(run.metrics)) == ({"lr"}, {"top"})
        assert run.class_names == ("cat", "dog")
        assert list(run.classes) == [1, 0, 1, 0]
        assert run.point_names == ("a", "b", "c", "d")
    with open("classes.txt", "w") as file:
        file.write("dog\ndog\nbird\ndog\n")
    np.save("latents.npy", LATENTS)
    invoke("import", "latents.npy", "-o", "other.npz", "--classes", "classes.txt", "--every", "5")
    with open_run("other.npz") as run:
        assert (list(run.steps), run.class_names) == ([0, 5], ("bird", "dog"))
        assert list(run.classes) == [1, 1, 0, 1]


def test_what_is_no_latents_is_one_line(current_folder, invoke):
    np.save("flat.npy", LATENTS[0])
    np.save("text.npy", np.array([["a"]]))
    np.save("coded.npy", np.array([Coded(current_folder / "pwned")], dtype=object))
    np.savez("names.npz", latents=LATENTS, names=np.array(["a", None], dtype=object))
    np.savez("odd.npz", latents=LATENTS, lr=np.ones(6))
    np.savez("none.npz", x=LATENTS)
    np.savez("run.npz", header=np.ones(1), manifest=np.ones(1))
    np.save("good.npy", LATENTS)
    os.mkfifo("pipe.npy")
    (current_folder / "cut.npy").write_bytes((current_folder / "good.npy").read_bytes()[:200])
    (current_folder / "cut.npz").write_bytes((current_folder / "odd.npz").read_bytes()[:200])
    for arguments, words in (
        (["flat.npy"], "flat.npy: latents must be (T, N, D), got (4, 3); add a time axis"),
        (["text.npy"], "text.npy: latents must be numbers"),
        (["coded.npy"], "coded.npy is not loaded: it holds Python objects"),
        (["names.npz"], "names.npz is not loaded: it holds Python objects"),
        (["odd.npz"], "odd.npz holds an array 'lr', which is not known"),
        (["none.npz"], "none.npz must hold an array 'latents', (T, N, D); its arrays: x"),
        (["run.npz"], "run.npz is a run already"),
        (["cut.npy"], "cut.npy is cut short or damaged"),
        (["cut.npz"], "cut.npz is cut short or damaged"),
        (["pipe.npy"], "cannot read pipe.npy: it is no regular file"),
        (["gone.npy"], "gone.npy does not exist"),
        (["good.npy", "--resume"], "resume is for checkpoints"),
        (["good.npy", "--key", "model"], "key is for checkpoints"),
    ):
        done = invoke("import", *arguments, "-o", "out.npz", status=2)
        assert words in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1
    assert not (current_folder / "out.npz").exists()
    assert not (current_folder / "pwned").exists()


def test_tables(current_folder):
    for text, values in (
        ("1\n0\n1\n", [1, 0, 1]),
        ("0.5\n1\n", [0.5, 1]),
        ("cat\n dog \n", ["cat", "dog"]),
        ("0 0.5 1\n1,1,1\n", [[0, 0.5, 1], [1, 1, 1]]),
        ("a b c\nd e f\n", ["a b c", "d e f"]),
    ):
        (current_folder / "t.txt").write_text(text)
        found = labels_from("t.txt")
        assert np.array(found).tolist() == values
    (current_folder / "t.txt").write_text("0\n 1 \n")
    assert names_from("t.txt") == ["0", " 1 "]
    (current_folder / "t.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ArchiveError, match="is no text in UTF-8"):
        names_from("t.txt")
    np.savez("one.npz", LATENTS)
    np.savez("two.npz", a=LATENTS, b=LATENTS)
    assert probe_from("one.npz").shape == (6, 4, 3)
    assert list(probe_from("two.npz")) == ["a", "b"]
    with pytest.raises(OptionError, match=r"must end in .npy, .npz or .pt, got t.txt"):
        probe_from("t.txt")
