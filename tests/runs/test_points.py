"""Points that are rows or columns of a tensor: read, marked, refused, and drawn."""

import json
import warnings

import numpy as np
import pytest
import torch
from graphics import needs_graphics
from torch import nn

from latentviz import (
    ArchiveError,
    ChunkLimits,
    Film,
    FilmSpec,
    OptionError,
    Recorder,
    RecordingWarning,
    Run,
    open_run,
    plot_history,
    plot_sphere,
    render_frame,
)
from latentviz.archive import ArchiveReader
from latentviz.points import Points

WORDS, WIDTH, STEPS = 12, 6, 30
NAMES = [f"word {n}" for n in range(WORDS)]
SMALL = {"dims": [(0, 1)], "size": (160, 120)}


class Language(nn.Module):
    """A tiny transformer over tokens."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(WORDS, WIDTH)
        self.block = nn.TransformerEncoderLayer(WIDTH, 2, 8, dropout=0.0, batch_first=True)
        self.head = nn.Linear(WIDTH, WORDS)
        self.register_buffer("counts", torch.zeros(WORDS, dtype=torch.int64))
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, tokens):
        return self.head(self.block(self.embed(tokens)).mean(1) * self.scale)


def recorded(path, *, steps=STEPS, chunk=8, model=None, **options):
    """A language model that learns to name the last of three tokens."""
    torch.manual_seed(0)
    model = Language() if model is None else model
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    limits = ChunkLimits(steps=chunk, seconds=1e9)
    with Recorder(path, model, chunk_limits=limits, overwrite=True, **options) as recorder:
        for _ in range(steps):
            tokens = torch.randint(0, WORDS, (16, 3))
            loss = nn.functional.cross_entropy(model(tokens), tokens[:, -1])
            optimizer.zero_grad()
            loss.backward()
            recorder.step(losses={"loss": loss})
            optimizer.step()
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A run without a probe."""
    return recorded(
        tmp_path_factory.mktemp("language") / "run.npz",
        points="rows:embed.weight",
        classes=np.arange(WORDS) % 3,
        class_names=["a", "b", "c"],
        point_names=NAMES,
    )


@pytest.fixture
def run(path):
    with open_run(path) as run:
        yield run


def test_rows_and_columns_are_those_of_the_states(run):
    for name in ("embed.weight", "block.self_attn.in_proj_weight", "head.bias"):
        states = [run.state(step)[name].reshape(len(run.state(step)[name]), -1) for step in (0, 17)]
        rows, columns = run.at_points(f"rows:{name}"), run.at_points(f"columns:{name}")
        assert (rows.n_points, columns.n_points) == states[0].shape
        np.testing.assert_array_equal(rows.latents([0, 17]), states)
        np.testing.assert_array_equal(columns.latents([0, 17]), np.swapaxes(states, 1, 2))
        final = run.state()[name].reshape(states[0].shape)
        np.testing.assert_array_equal(rows.final_latents(), final)
        np.testing.assert_array_equal(columns.final_latents(), final.T)


def test_a_tensor_of_more_axes_is_flattened_after_the_first(tmp_path):
    path = recorded_steps(tmp_path / "run.npz", nn.Conv1d(2, 5, 3))
    with open_run(path) as run:
        kernels = run.state(1)["weight"]
        np.testing.assert_array_equal(
            run.at_points("rows:weight").latents(1), kernels.reshape(5, 6)
        )
        columns = run.at_points("columns:weight")
        np.testing.assert_array_equal(columns.latents(1), kernels.reshape(5, 6).T)


def recorded_steps(path, model, steps=3, **options):
    with Recorder(path, model, **options) as recorder:
        for _ in range(steps):
            recorder.step()
            with torch.no_grad():
                for tensor in model.parameters():
                    tensor += 1
    return path


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_floats_are_read_as_float32(tmp_path, dtype):
    model = nn.Embedding(4, 3, dtype=dtype)
    before = model.weight.detach().clone()
    path = recorded_steps(tmp_path / "run.npz", model, points="rows:weight")
    with open_run(path) as run:
        assert run.latents(0).dtype == np.float32
        np.testing.assert_array_equal(run.latents(0), before.float().numpy())
        np.testing.assert_array_equal(run.final_latents(), model.weight.detach().float().numpy())


def test_no_other_tensor_is_read(path, monkeypatch):
    with open_run(path) as run:
        run = run.at_points("columns:head.weight")
        read = []
        real = ArchiveReader.read
        monkeypatch.setattr(
            ArchiveReader, "read", lambda r, name: read.append(name) or real(r, name)
        )
        run.latents()
        run.final_latents()
    assert {name.split("/")[-1] for name in read} == {"head.weight"}
    assert len(read) == STEPS // 8 + 1 + 1  # each chunk once, and the final state


def test_the_steps_bits_do_not_depend_on_the_chunks(tmp_path, run):
    other = recorded(tmp_path / "run.npz", chunk=3, points="rows:embed.weight")
    with open_run(other) as apart:
        np.testing.assert_array_equal(apart.latents(), run.latents())


def test_what_a_run_without_a_probe_is(run):
    assert (run.points, run.layer, run.layers) == ("rows:embed.weight", None, ())
    assert run.n_points == WORDS
    assert run.has_final
    assert not run.can_evaluate
    assert repr(run) == f"Run('run', {STEPS} steps, 0 to {STEPS - 1}, 'rows:embed.weight')"
    with pytest.raises(OptionError, match=r"without a layer; give layer="):
        run.evaluate(np.zeros((1, 3), int))
    with pytest.raises(ArchiveError, match="recorded without a probe; give Recorder"):
        _ = run.probe


def test_marks_go_with_as_many_points(run):
    assert run.classes.tolist() == [n % 3 for n in range(WORDS)]
    assert (run.class_names, run.point_names) == (("a", "b", "c"), tuple(NAMES))
    assert run.colors is run.classes
    head = run.at_points("rows:head.weight")
    assert head.point_names == run.point_names
    columns = run.at_points("columns:head.weight")
    assert (columns.n_points, columns.colors, columns.classes) == (WIDTH, None, None)
    assert (columns.class_names, columns.point_names) == (None, None)
    assert columns.at_points("rows:embed.weight").point_names == tuple(NAMES)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ("rows:embd.weight", "no tensor 'embd.weight'; the run has embed.weight, head.weight, "),
        ("rows:counts", r"holds floats, \(R, ...\), got int64 \(12,\)"),
        ("columns:scale", r"holds floats, \(R, ...\), got float32 \(\)"),
        ("embed.weight", "layer:NAME, rows:TENSOR or columns:TENSOR, .* is layer:embed.weight"),
        ("rows:", "points must be layer:NAME"),
        (7, "points must be layer:NAME"),
    ],
)
def test_points_that_there_are_not(run, points, message):
    with pytest.raises(OptionError, match=message):
        run.at_points(points)


def test_arrays_have_no_tensors():
    run = Run.from_arrays(np.zeros((2, 3, 2)))
    assert run.points == "layer:latents"
    assert run.at_points("layer:latents").n_points == 3
    with pytest.raises(OptionError, match="its points are layer:latents"):
        run.at_points("rows:weight")


def test_a_run_that_names_no_points_says_which_it_has(tmp_path, invoke):
    path = recorded(tmp_path / "run.npz", steps=2)
    with open_run(path) as run:
        assert (run.points, run.layer, run.has_final) == (None, None, False)
        assert repr(run).endswith("no points)")
    words = invoke("info", path).output
    assert "layer:      none" in words
    assert "points:     none" in words
    assert "embed.weight 12 x 6" in words
    for command in ("frame", "history"):
        failed = invoke(command, path, "-o", tmp_path / "x.png", status=2).output
        assert "recorded without a layer and a probe; give Recorder(probe=...), or draw " in failed
        assert "--points rows:embed.weight (or of block.self_attn.in_proj_weight, " in failed
    invoke("frame", path, "-o", tmp_path / "x.png", "--points", "rows:embed.weight", "--draft")


def test_a_layer_without_a_probe_says_what_can_be_drawn(tmp_path):
    path = recorded(tmp_path / "run.npz", steps=2, layer="head")
    with open_run(path) as run:
        with pytest.raises(ArchiveError, match=r"without a probe; .* --points rows:embed.weight"):
            run.latents(0)
        assert run.at_points("rows:embed.weight").latents(0).shape == (WORDS, WIDTH)


def test_the_command_line_draws_rows(path, tmp_path, invoke):
    invoke("frame", path, "-o", tmp_path / "a.png", "--size", "160x120")
    invoke(
        "frame", path, "-o", tmp_path / "b.png", "--size", "160x120",
        "--points", "rows:embed.weight",
    )  # fmt: skip
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    invoke("history", path, "-o", tmp_path / "c.png", "--points", "columns:head.weight")
    failed = invoke(
        "frame", path, "-o", tmp_path / "d.png", "--points", "rows:embd.weight", status=2
    )
    assert "Error: 'rows:embd.weight': there is no tensor 'embd.weight'" in failed.output


def test_info_tells_of_classes_and_names(path, invoke):
    words = invoke("info", path).output
    assert "points:     rows:embed.weight, 12 points" in words
    assert "classes:    a (4), b (4), c (4)" in words
    assert "names:      word 0, word 1, " in words
    about = json.loads(invoke("info", path, "--json").output)
    assert (about["source"], about["points"]) == ("rows:embed.weight", WORDS)
    assert about["classes"][1] == {"class": 1, "name": "b", "points": 4}
    assert about["point_names"] == NAMES
    assert about["matrices"]["head.weight"] == [WORDS, WIDTH]


def test_layer_and_points_are_two_answers(path):
    with pytest.raises(OptionError, match="layer is short for points layer:head, and points are"):
        FilmSpec(layer="head", points=["rows:embed.weight"])
    with pytest.raises(OptionError, match="layer is short for points layer:head"):
        plot_history(path, layer="head", points="rows:embed.weight")
    assert FilmSpec(layer="head").sources == ("layer:head",)
    assert FilmSpec(points="rows:embed.weight").points == ("rows:embed.weight",)
    with pytest.raises(OptionError, match="points must differ"):
        FilmSpec(points=["rows:a", "rows:a"])


def test_a_film_has_a_row_for_each(run):
    alone = [
        Film(run, FilmSpec(points=p, **SMALL)) for p in ("rows:embed.weight", "rows:head.weight")
    ]
    film = Film(run, FilmSpec(points=["rows:embed.weight", "rows:head.weight"], **SMALL))
    titles = [(panel.row_name, panel.title) for panel in film.stage.panels]
    assert titles == [("rows:embed.weight", "[0,1]"), ("rows:head.weight", "[0,1]")]
    for frame in (0, len(film) - 1):
        parts = film.scene(frame).parts
        for part, other in zip(parts, alone, strict=True):
            (expected,) = other.scene(frame).parts
            np.testing.assert_array_equal(part.xy, expected.xy)
    assert film.frames[-1].after
    assert "rows:head.weight" in film.alt


def test_layers_in_rows_come_from_one_forward_pass(tmp_path):
    passes = []

    class Counted(nn.Sequential):
        def forward(self, x):
            passes.append(1)
            return super().forward(x)

    def model():
        torch.manual_seed(0)
        return Counted(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2))

    path = recorded_steps(
        tmp_path / "run.npz", model(), layer=["0", "2"], probe=torch.rand(4, 3), latents=False
    )
    counts = {}
    for points in (["layer:0"], ["layer:0", "layer:2", "rows:0.weight"]):
        with open_run(path, model=model()) as run:
            film = Film(run, FilmSpec(points=points, **SMALL))
            passes.clear()
            for frame in range(len(film)):
                film.scene(frame)
            counts[len(points)] = len(passes)
    assert counts[3] == counts[1] > 0


def test_a_probe_and_points_of_a_tensor(tmp_path):
    path = recorded_steps(
        tmp_path / "run.npz", nn.Sequential(nn.Linear(3, 2)), layer="0", probe=torch.rand(2, 3),
        points="columns:0.weight", classes=["x", "y"],
    )  # fmt: skip
    with open_run(path) as run:
        assert (run.points, run.n_points) == ("columns:0.weight", 3)
        assert (run.classes, run.colors) == (None, None)
        # As many points, but they are not the probe's.
        assert run.at_points("rows:0.weight").classes is None
        layer = run.at_layer("0")
        assert (layer.points, layer.classes.tolist()) == ("layer:0", [0, 1])
        assert layer.class_names == ("x", "y")
        np.testing.assert_array_equal(run.latents(0, layer="0"), layer.latents(0))


def test_one_of_several_layers_is_drawn_by_default(tmp_path):
    path = recorded_steps(
        tmp_path / "run.npz", nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 4)), layer=["0", "1"],
        probe=torch.rand(5, 3), points="layer:1", classes=np.arange(5),
    )  # fmt: skip
    with open_run(path) as run:
        assert (run.points, run.layer, run.layers) == ("layer:1", "1", ("0", "1"))
        assert run.latents(0).shape == (5, 4)
        assert run.classes.tolist() == run.at_layer("0").classes.tolist() == [0, 1, 2, 3, 4]


def test_rows_in_space(path):
    needs_graphics()
    picture = plot_sphere(path, points="rows:head.weight", size=(600, 240))
    assert picture.title == "Latents of rows:head.weight after the last update"
    assert (picture.data["points"], picture.data["source"]) == (WORDS, "rows:head.weight")
    with pytest.raises(OptionError, match=r"'rgb:4' is for the output of a layer"):
        plot_sphere(path, probe="rgb:4")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points": "rows:embd.weight"}, "recorded have embed.weight, "),
        ({"points": "rows:counts"}, "holds floats"),
        ({"points": "layer:head"}, "names a layer that is not recorded: no layer= is given"),
        ({"points": "rows:head.weight", "states": "embed.*"}, "recorded have embed.weight$"),
        ({"points": "rows:embed.weight", "classes": [0, 1]}, r"classes must be \(12,\)"),
        ({"points": "rows:embed.weight", "point_names": ["a"]}, r"point_names must be \(12,\)"),
        ({"classes": [0] * WORDS}, "classes= are those of the probe, or of the rows"),
        ({"points": "rows:embed.weight", "tokens": "mean"}, "tokens= are those of the probe"),
        ({"probe": torch.zeros(3, 3, dtype=torch.int64)}, "layer must name the layer whose"),
    ],
)
def test_what_a_recorder_refuses(tmp_path, options, message):
    with pytest.raises(OptionError, match=message):
        Recorder(tmp_path / "run.npz", Language(), **options)
    assert list(tmp_path.iterdir()) == []


def test_the_tensor_to_be_drawn_is_kept_where_large_states_are_left_out(tmp_path):
    model = nn.Sequential(nn.Linear(300, 300), nn.Linear(300, 2))
    with pytest.warns(RecordingWarning, match="states are not recorded but for 1.weight"):
        recorded_steps(
            tmp_path / "run.npz", model, layer="1", probe=torch.rand(4, 300), points="rows:1.weight"
        )
    with open_run(tmp_path / "run.npz") as run:
        assert list(run.state(0)) == ["1.weight"]
        assert run.latents(0).shape == (2, 300)


def test_a_film_of_a_run_that_was_cut_off(path, tmp_path):
    part = tmp_path / "run.npz.part"
    part.write_bytes(path.read_bytes()[:-20_000])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cut = open_run(part)
    with cut, open_run(path) as whole:
        assert not cut.has_final
        assert 0 < len(cut) < len(whole)
        np.testing.assert_array_equal(cut.latents(), whole.latents(cut.steps))
        assert cut.point_names == tuple(NAMES)
        render_frame(cut, **SMALL)


def test_points_are_written_as_they_are_read():
    for text in ("layer:lstm:1:0", "rows:a:b", "columns:größe"):
        assert Points.parse(text).text == text
    assert Points.parse("layer:lstm:1").words == "lstm:1"
    assert Points.parse("rows:a\n").words == "rows:a "


def test_a_picture_shows_one_of_the_points(path, invoke):
    several = ["--points", "rows:embed.weight", "--points", "rows:head.weight"]
    for command in ("history", "sphere"):
        done = invoke(command, path, "-o", "x.png", *several, status=2)
        assert "a picture shows one of these points; give --points once" in done.output
