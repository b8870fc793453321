"""Classes and names of points: given to a recorder or with arrays, kept, and read back."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from latentviz import ArchiveError, OptionError, Recorder, Run, open_run, render_frame
from latentviz.archive import ArchiveReader, ArchiveWriter

N = 6
X = torch.arange(2.0 * N).reshape(N, 2)
NUMBERS = [2, 0, 1, 1, 0, 2]
TEXTS = ["c", "a", "b", "b", "a", "c"]
NAMES = [f"p{n}" for n in range(N)]
RGB = np.linspace(0, 1, 3 * N, dtype=np.float32).reshape(N, 3)


def of_archive(folder, **options):
    path = folder / "run.npz"
    model = nn.Sequential(nn.Linear(2, 3))
    with Recorder(path, model, layer="0", probe=X, overwrite=True, **options) as recorder:
        recorder.step()
    return open_run(path)


def of_arrays(folder, **options):
    return Run.from_arrays(np.zeros((2, N, 3), np.float32), **options)


@pytest.fixture(params=[of_archive, of_arrays])
def made(request, tmp_path):
    runs = []

    def make(**options):
        runs.append(request.param(tmp_path, **options))
        return runs[-1]

    yield make
    for run in runs:
        run.close()


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor, lambda c: np.array(c, np.uint8)])
def test_classes_that_are_numbers(made, kind):
    run = made(classes=kind(NUMBERS), class_names=["x", "y", "z"])
    assert run.classes.dtype == np.int64
    assert run.classes.tolist() == NUMBERS
    assert run.class_names == ("x", "y", "z")
    assert run.colors is run.classes  # they are colored by class


def test_classes_that_are_names(made):
    run = made(classes=TEXTS)
    assert (run.classes.tolist(), run.class_names) == (NUMBERS, ("a", "b", "c"))
    run = made(classes=TEXTS, class_names=["c", "b", "a", "d"])
    assert run.classes.tolist() == [0, 2, 1, 1, 2, 0]
    assert run.class_names == ("c", "b", "a", "d")


def test_classes_without_names_are_any_whole_numbers(made):
    run = made(classes=[-7, 0, 10**12, 0, 0, 0])
    assert (run.classes[:3].tolist(), run.class_names) == ([-7, 0, 10**12], None)


@pytest.mark.parametrize("colors", [RGB, np.linspace(0, 1, N)])
def test_colors_of_points_with_classes_stay(made, colors):
    run = made(colors=colors, classes=NUMBERS, class_names=["x", "y", "z"])
    np.testing.assert_array_equal(run.colors, colors)
    assert (run.classes.tolist(), run.class_names) == (NUMBERS, ("x", "y", "z"))


def test_colors_that_are_labels_are_classes(made):
    run = made(colors=np.array(NUMBERS))
    assert (run.classes.tolist(), run.class_names) == (NUMBERS, None)
    run = made(colors=np.array(NUMBERS), class_names=["x", "y", "z"])
    assert (run.classes.tolist(), run.class_names) == (NUMBERS, ("x", "y", "z"))
    run = made(colors=TEXTS)
    assert (run.classes.tolist(), run.class_names) == (NUMBERS, ("a", "b", "c"))
    assert made(colors=np.linspace(0, 1, N)).classes is None
    assert made(colors=RGB).classes is None


def test_points_have_names(made):
    long = "a sentence of some words " * 20
    names = ["", "naïve\n", "日本", "😀", "\ud83d\ude00", long]
    run = made(point_names=names)
    assert run.point_names == (*names[:4], "😀", long)
    assert made().point_names is None
    assert made(point_names=np.array(NAMES)).point_names == tuple(NAMES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_names": ["a"]}, "class_names= name the classes .* give classes= too"),
        ({"class_names": ["a"], "colors": RGB}, "class_names= name the classes"),
        (
            {"classes": NUMBERS, "class_names": ["a", "b"]},
            "number the 2 class_names, 0 to 1, got 2",
        ),
        ({"classes": [-1] * N, "class_names": ["a"]}, "0 to 0, got -1"),
        ({"colors": np.array(NUMBERS), "class_names": ["a", "b"]}, "colors must number the 2"),
        ({"classes": TEXTS, "class_names": ["a", "b"]}, "name 'c', which is not among the 2"),
        ({"classes": NUMBERS, "colors": np.array(NUMBERS)}, "give one of them"),
        ({"classes": NUMBERS, "colors": TEXTS}, "give one of them"),
        ({"classes": [0.5] * N}, "classes must be whole numbers or names, got float64"),
        ({"classes": [0]}, r"classes must be \(6,\), one of each point, got \(1,\)"),
        ({"classes": np.zeros((N, 2), int)}, r"classes must be \(6,\), .* got \(6, 2\)"),
        ({"classes": [[t] * 3 for t in TEXTS]}, r"classes must be \(6,\), .* got \(6, 3\)"),
        ({"colors": [[t] * 3 for t in TEXTS]}, r"names must be \(N,\)"),
        ({"classes": ["a", 1, 2, 3, 4, 5]}, "all names or all numbers, got 1 among names"),
        (
            {"class_names": "abc", "classes": NUMBERS},
            "class_names must be a list of names, got 'abc'",
        ),
        (
            {"class_names": [1, 2, 3], "classes": NUMBERS},
            "class_names must be names, .* got 1 among",
        ),
        ({"point_names": ["a"]}, r"point_names must be \(6,\)"),
        ({"point_names": "abcdef"}, "point_names must be a list of names"),
        ({"point_names": [1] * N}, "point_names must be names"),
        ({"point_names": ["x" * 1001] * N}, "up to 1000 characters, got one of 1001 characters"),
    ],
)
def test_marks_that_do_not_fit(made, tmp_path, options, message):
    with pytest.raises(OptionError, match=message) as caught:
        made(**options)
    assert str(caught.value).isprintable()
    assert list(tmp_path.iterdir()) == []


def test_classes_are_drawn_as_labels_are(made):
    look = {"dims": [(0, 1)], "size": (160, 120)}
    options = {"classes": NUMBERS, "class_names": ["x", "y", "z"]}
    torch.manual_seed(0)
    by_class = render_frame(made(**options), **look)
    torch.manual_seed(0)
    by_color = render_frame(made(colors=np.array(NUMBERS)), **look)
    np.testing.assert_array_equal(by_class, by_color)


def test_numpy_reads_them(tmp_path):
    of_archive(tmp_path, classes=NUMBERS, class_names=["ä", "y", "z"], point_names=NAMES).close()
    with np.load(tmp_path / "run.npz", allow_pickle=False) as archive:
        assert archive["probe/classes"].dtype == np.int64
        assert archive["probe/classes"].tolist() == NUMBERS
        assert json.loads(archive["probe/class_names"].tobytes()) == ["ä", "y", "z"]
        assert json.loads(archive["probe/point_names"].tobytes()) == NAMES
        header = json.loads(archive["header"].tobytes())
    # An earlier version of latentviz refuses names of classes that are not the colors.
    assert "class_names" not in header
    assert header["format"] == 3


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(9, 4)

    def forward(self, ids, attention_mask):
        return self.words(ids)


@pytest.mark.parametrize("each", [False, True])
def test_tokens_have_their_rows_classes_and_names_or_their_own(tmp_path, each):
    probe = {
        "ids": torch.arange(6).reshape(2, 3),
        "attention_mask": torch.tensor([[1] * 3, [1, 1, 0]]),
    }
    classes, names = ["x", "y"], ["first", "second"]
    expected = [0, 0, 0, 1, 1], ["first"] * 3 + ["second"] * 2
    if each:
        classes = np.array([["x", "y", "x"], ["y", "y", "x"]])
        names = [f"{n}" for n in range(6)]
        expected = [0, 1, 0, 1, 1], names[:5]
    path = tmp_path / "run.npz"
    with Recorder(
        path,
        Tokens(),
        layer="words",
        probe=probe,
        tokens="each",
        classes=classes,
        point_names=names,
    ) as recorder:
        recorder.step()
    with open_run(path) as run:
        assert run.n_points == 5
        assert (run.classes.tolist(), list(run.point_names)) == expected
        assert run.class_names == ("x", "y")
    for wrong in ({"classes": [0] * 4}, {"point_names": ["a"] * 5}):
        with pytest.raises(OptionError, match=r"must be \(2,\), one of each point, or of each of"):
            Recorder(
                tmp_path / "x.npz", Tokens(), layer="words", probe=probe, tokens="each", **wrong
            )


def json_bytes(value):
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"probe/classes": np.zeros(N)}, r"should be \(N,\) int64, got float64"),
        ({"probe/classes": np.zeros((N, 1), np.int64)}, r"should be \(N,\) int64"),
        ({"probe/classes": np.zeros(N, np.int32)}, r"should be \(N,\) int64, got int32"),
        ({"probe/classes": np.arange(N - 1)}, "of as many points, got 5, 6"),
        ({"probe/point_names": json_bytes(["a"])}, "of as many points, got 1, 6"),
        ({"probe/point_names": json_bytes({"a": 1})}, "should be a JSON list of texts"),
        ({"probe/point_names": json_bytes([1] * N)}, "should be a JSON list of texts"),
        ({"probe/point_names": json_bytes(["x" * 1001] * N)}, "of up to 1000 characters each"),
        ({"probe/point_names": np.zeros(4, np.int16)}, "should be a JSON list of texts"),
        ({"probe/point_names": np.frombuffer(b"[" * 100_000, np.uint8)}, "a JSON list of texts"),
        ({"probe/point_names": np.zeros(17 << 20, np.uint8)}, "too long, with 17825792 bytes"),
        ({"probe/class_names": json_bytes(["a"])}, r"numbers of the 1 that are named"),
        (
            {"probe/class_names": json_bytes(["a"]), "probe/classes": np.arange(N)},
            "numbers of the 1 that are named",
        ),
        (
            {"probe/classes": np.arange(N), "probe/colors": np.arange(N)},
            "its colors are classes, and it has others",
        ),
    ],
)
def test_marks_in_a_hostile_archive(tmp_path, members, message):
    of_archive(tmp_path, colors=RGB).close()
    with ArchiveReader(tmp_path / "run.npz") as reader:
        before = {name: reader.read(name).copy() for name in reader.members}
    before |= members
    with ArchiveWriter(tmp_path / "bad.npz") as writer:
        chunk = {n: a for n, a in before.items() if "/000000" in n}
        for name, array in before.items():
            if name not in chunk and name != "manifest":
                writer.add(name, array)
        steps = chunk.pop("steps/000000")
        chunk.pop("chunks/000000")
        writer.add_chunk(steps, chunk.items())
        writer.add_manifest()
    with pytest.raises(ArchiveError, match=message) as caught:
        open_run(tmp_path / "bad.npz")
    assert len(str(caught.value)) < 1000


def test_info_prints_hostile_names_safely(tmp_path, invoke):
    names = ["\x1b[31mred", "a\nb", *NAMES[2:]]
    of_archive(tmp_path, classes=NUMBERS, class_names=names[:3], point_names=names).close()
    output = invoke("info", tmp_path / "run.npz").output
    assert "\x1b" not in output
    assert "classes:     [31mred (2), a b (2), p2 (2)" in output
