"""Recording models of every kind: what is recorded of them, how often, and what can be drawn."""

import json
from importlib.metadata import EntryPoint
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from dots import dot_pixels, topmost_color
from torch import nn

import latentviz
from latentviz import ChunkLimits, Recorder, Run, open_run, recover
from latentviz.archive import ArchiveReader
from latentviz.errors import ArchiveError, ModelError, OptionError
from latentviz.modules import registry
from latentviz.pacing import LinearPace, frames
from latentviz.views import film_charts, steps_covered
from trainers.models import ColorMLP

RGB = np.random.default_rng(0).random((7, 3), np.float32)
SMALL = {"size": (320, 180), "frames": 4}


pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(autouse=True)
def _no_clock(monkeypatch):
    # A chunk must not end because the machine is slow.
    limits = ChunkLimits(steps=8, seconds=1e9)
    monkeypatch.setattr("latentviz.recording.recorder.LIMITS", limits)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


def copied(model):
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def nudge(model):
    """Change every parameter a little, as an optimizer does."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.01)


def recorded(path, model, n_steps=20, *, batch=None, **options):
    """Record a model that is changed at every step; its states and latents as they really were."""
    options = {"layer": "encoder", "probe": RGB} | options
    torch.manual_seed(0)
    states, latents = [], []
    with Recorder(path, model, **options) as recorder:
        for step in range(n_steps):
            states.append(copied(model))
            with torch.no_grad():
                latents.append(model.encoder(torch.tensor(RGB)).numpy())
            recorder.step(batch=batch, losses={"loss": step}, params={"lr": step})
            nudge(model)
    return states, np.stack(latents)


def stock(path):
    """Every member, as NumPy reads it."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def draw(path, tmp_path, **options):
    """A film of a few frames and a picture of the history; both show dots. The last frame."""
    latentviz.render(path, tmp_path / "film.mp4", **SMALL, **options)
    frame = latentviz.render_frame(path, **SMALL, **options)
    with open_run(path) as run:
        history = latentviz.plot_history(run, dims=options.get("dims"), size=(800, 450))
        color = topmost_color(run)
    # A dot's radius is 4 pixels on the film, and 9 on the picture, at least.
    assert dot_pixels(frame, color) >= 20
    assert dot_pixels(history.pixels, color) >= 150
    return frame


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        ("none", []),
        ("encoder.0.*", ["encoder.0.weight", "encoder.0.bias"]),
        (["*.bias", "encoder.0.weight"], ["encoder.0.weight", "encoder.0.bias", "encoder.2.bias"]),
    ],
)
def test_a_part_of_the_state(path, tmp_path, states, kept):
    expected, latents = recorded(path, ColorMLP(), states=states)
    with open_run(path) as run:
        assert not run.can_evaluate
        if kept:
            state, final = run.state(9), run.state()
            assert dict.fromkeys(kept, True).items() <= dict.fromkeys(state, True).items()
            assert all(torch.equal(torch.tensor(a), expected[9][n]) for n, a in state.items())
            assert final.keys() == state.keys()
        else:
            with pytest.raises(ArchiveError, match="without states"):
                run.state(0)
        # The model is registered, and yet its latents are there.
        np.testing.assert_allclose(run.latents(), latents, atol=1e-6)
        patterns = [states] if isinstance(states, str) else states
        said = "without states" if states == "none" else rf"only {patterns[0][:1]}?.* was recorded"
        with pytest.raises(ArchiveError, match=rf"cannot be evaluated: .*{said}.*states=\"all\""):
            run.evaluate(RGB)
        with pytest.raises(OptionError, match=r"layer 'decoder' .* \(those of encoder were\), nor"):
            run.latents(layer="decoder")
        assert run.describe()["states"] == ([] if states == "none" else patterns)
    draw(path, tmp_path)


@pytest.mark.parametrize("states", ["all", "*", ["encoder.*", "decoder.*"]])
def test_patterns_that_leave_nothing_out_are_all(path, states):
    _, latents = recorded(path, ColorMLP(), states=states)
    assert not [name for name in stock(path) if "latents" in name]
    with open_run(path) as run:
        assert run.can_evaluate
        assert run.describe()["states"] == "all"
        np.testing.assert_allclose(run.latents(), latents, atol=1e-6)


def test_no_states_and_no_probe_leave_curves_and_batches(path):
    recorded(path, ColorMLP(), states="none", probe=None, batch=RGB)
    with open_run(path) as run:
        assert run.losses["loss"].tolist() == list(range(20))
        np.testing.assert_array_equal(run.batch(3).inputs, RGB)
        with pytest.raises(ArchiveError, match=r"without a probe; give Recorder\(probe="):
            run.latents()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"states": "nosuch.*"}, r"no tensor matches 'nosuch\.\*'; the model's are: encoder.0.wei"),
        ({"states": []}, "states must be"),
        ({"states": [1]}, "states must be"),
        ({"every": 0}, "every must be 1 or more, got 0"),
        ({"every": 2.5}, "every must be 1 or more, got 2.5"),
        ({"every": True}, "every must be 1 or more, got True"),
        ({"latents": True}, "give probe= too"),
        ({"layer": []}, "layer must name one layer or more"),
        ({"layer": 2}, "layer must be the name of a submodule, .* got 2$"),
        ({"layer": None, "probe": RGB}, "layer must name the layer whose latents of the probe"),
        ({"layer": ["encoder", 2]}, r"layer must be the name .* got \['encoder', 2\]$"),
        ({"layer": ColorMLP().encoder}, r"layer must be the name .* got Sequential\(  "),
        ({"states": None}, "states must be .* got None$"),
        ({"states": False}, "states must be .* got False$"),
        ({"model": ColorMLP}, "model must be an nn.Module, made already, got the class ColorMLP$"),
        ({"model": copied}, "model must be an nn.Module, made already, got <function copied"),
        ({"model_args": [1]}, r"model_args must be arguments by name, .* got \[1\]$"),
        ({"model_name": 1}, "model_name must be a registered name, got 1$"),
        ({"latents": "yes"}, "latents must be True, False or \"auto\", got 'yes'$"),
        ({"probe": [torch.zeros(2, 3)] * 2}, "got a list of them; give several inputs by name"),
    ],
)
def test_options_that_do_not_fit(path, tmp_path, options, message):
    with pytest.raises(OptionError, match=message):
        Recorder(path, **({"model": ColorMLP(), "layer": "encoder"} | options))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("every", [1, 3, 20, 50])
def test_every_nth_step(path, every):
    expected, latents = recorded(path, ColorMLP(), 20, every=every)
    steps = list(range(0, 20, every))
    with open_run(path) as run:
        assert run.steps.tolist() == steps
        assert run.losses["loss"].tolist() == steps
        np.testing.assert_allclose(run.latents(), latents[steps], atol=1e-6)
        for step in steps:
            assert torch.equal(
                torch.tensor(run.state(step)["encoder.0.bias"]), expected[step]["encoder.0.bias"]
            )
        assert not np.array_equal(
            run.state()["encoder.0.bias"], run.state(steps[-1])["encoder.0.bias"]
        )
        if every > 1:
            with pytest.raises(OptionError, match="step 1 was not recorded"):
                run.state(1)


def test_a_film_of_steps_far_apart(path, tmp_path, invoke):
    recorded(path, ColorMLP(), 100, every=10, keyframes={"lr": [0, 55, 99]})
    with open_run(path) as run:
        film = frames(LinearPace(4), len(run), 100)
        # As the heading has it: steps of training, not recorded ones.
        assert [steps_covered(run.steps, frame) for frame in film] == [40, 40, 20]
        (schedule, _) = film_charts(run, 0, len(run))
        assert schedule.curves[0].keyed.tolist() == [0, 6]
    draw(path, tmp_path, pace="linear:4")
    assert "steps:      10 (0 to 90)" in invoke("info", path).output
    assert "steps 0 to 90" in invoke("render", path, "-o", tmp_path / "x.mp4", "--draft").output


def test_calls_between_recorded_steps_look_at_nothing(path):
    class Untouchable:
        def __getattribute__(self, name):
            raise AssertionError(name)

    with Recorder(path, ColorMLP(), layer="encoder", every=2) as recorder:
        for _ in range(3):
            recorder.step(batch=RGB)
            recorder.step(batch=Untouchable(), losses=Untouchable())
        assert recorder.n_steps == 3
    with open_run(path) as run:
        assert run.steps.tolist() == [0, 2, 4]


def test_latents_of_several_layers(path, tmp_path, invoke):
    model = ColorMLP()
    _, latents = recorded(path, model, layer=("encoder", "decoder.0", "encoder"), latents=True)
    members = stock(path)
    assert members["latents/000000/decoder.0"].shape == (8, 7, 16)
    assert members["final/latents/encoder"].shape == (7, 4)
    with open_run(path) as run:
        assert (run.layer, run.layers) == ("encoder", ("encoder", "decoder.0"))
        np.testing.assert_allclose(run.latents(), latents, atol=1e-6)
        hidden = run.latents(layer="decoder.0")
        for step in (0, 7, 8, 19):
            answer = run.evaluate(RGB, step, layer="decoder.0").latents
            np.testing.assert_allclose(hidden[step], answer, atol=1e-6)
        # Not recorded, but to be had from the states.
        assert run.latents(3, layer="encoder.0").shape == (7, 16)
        with pytest.raises(ModelError, match="no layer 'nosuch'"):
            run.latents(3, layer="nosuch")
        other = run.at_layer("decoder.0")
        assert (other.layer, run.layer) == ("decoder.0", "encoder")
        np.testing.assert_array_equal(other.latents(), hidden)
    own, others = (draw(path, tmp_path, layer=layer) for layer in (None, "decoder.0"))
    assert (own != others).any()
    invoke("frame", path, "-o", tmp_path / "a.png", "--layer", "decoder.0", "--draft")
    assert "layer:      encoder, decoder.0 (latents are" in invoke("info", path).output
    assert (
        "no layer 'x'"
        in invoke("frame", path, "-o", tmp_path / "a.png", "--layer", "x", status=2).output
    )


def test_latents_of_a_registered_model_only_where_asked_for(path):
    recorded(path, ColorMLP(), latents=True)
    assert "latents/000002/encoder" in stock(path)


def test_a_stranger_without_latents_needs_its_model(path):
    class Stranger(ColorMLP):
        pass

    _, latents = recorded(path, Stranger(), latents=False)
    with open_run(path) as run, pytest.raises(ModelError, match="does not name its model"):
        run.latents()
    with open_run(path, model=Stranger()) as run:
        np.testing.assert_allclose(run.latents(), latents, atol=1e-6)


class Acting(nn.Module):
    """Its argument changes what it does, and no shape."""

    def __init__(self, act="relu"):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(3, 8),
            nn.ReLU() if act == "relu" else nn.Tanh(),
            nn.Dropout(),
            nn.Linear(8, 2),
        )

    def forward(self, x):
        return self.encoder(x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_registered_model_that_shapes_do_not_tell_apart(path, monkeypatch, dtype):
    point = EntryPoint("acting", f"{__name__}:Acting", registry.GROUP)
    monkeypatch.setattr(registry, "registered_models", lambda: {"acting": point})
    tanh = Acting("tanh").to(dtype)
    with pytest.raises(ModelError, match=r"gives other outputs .* give the model_args= that make"):
        Recorder(path, tanh, layer="encoder", probe=RGB, model_name="acting")
    for args, is_named in (({}, False), ({"act": "tanh"}, True)):
        before = torch.get_rng_state()
        with Recorder(
            path, tanh, layer="encoder", probe=RGB, model_args=args, overwrite=True
        ) as recorder:
            recorder.step()
        assert torch.equal(before, torch.get_rng_state())
        with open_run(path) as run:
            assert (run.model_name == "acting") == is_named
            expected = tanh.eval()(torch.tensor(RGB).to(dtype)).float().detach().numpy()
            np.testing.assert_allclose(run.latents(0), expected, atol=1e-2)


class Awkward(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.flat = nn.GRU(3, 2), nn.Flatten(0)

    def forward(self, x):
        return self.flat(self.rnn(x)[0])


def test_layers_without_latents(path, tmp_path):
    message = r"output of layer 'flat' must be \(N, D\) or \(N, \.\.\.\), got \(14,\); name a"
    with pytest.raises(ModelError, match=message):
        Recorder(path, Awkward(), layer="flat", probe=RGB)
    assert list(tmp_path.iterdir()) == []


def test_a_run_from_arrays_has_one_layer():
    run = Run.from_arrays(np.zeros((2, 5, 3)))
    assert run.layers == ("latents",)
    assert run.latents(layer="latents").shape == (2, 5, 3)
    with pytest.raises(OptionError, match="has one layer, 'latents', not 'encoder'"):
        run.latents(layer="encoder")


def test_a_plain_run_says_nothing_new(path):
    recorded(path, ColorMLP())
    with ArchiveReader(path) as reader:
        header = json.loads(reader.read("header").tobytes())
    assert list(header) == [
        "format", "model", "layer", "seed", "keyframes", "phases", "versions",
    ]  # fmt: skip


class TwoInputs(nn.Module):
    """Takes its inputs by name; one of them may be left out."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(3, 2)

    def forward(self, points, *, weights=None):
        latents = self.encoder(points)
        return latents if weights is None else latents * weights[:, None]


WEIGHTS = np.linspace(0, 1, 7)


def test_batches_and_probes_of_several_inputs(path, tmp_path):
    model = TwoInputs()
    sizes = [4, 1, 0, 3] * 3
    batches = [
        {"points": torch.rand(B, 3), "weights": np.arange(B), "mask": torch.arange(B) > 1}
        for B in sizes
    ]
    probe = {"points": RGB, "weights": WEIGHTS}
    with Recorder(path, model, layer="encoder", probe=probe, colors=np.arange(7)) as recorder:
        for step, batch in enumerate(batches):
            given = batch if step % 2 else dict(reversed(batch.items()))
            recorder.step(batch=given, labels={"red": batch["mask"]})
        recorder.step()
    members = stock(path)
    assert members["batches/000000/inputs/mask"].dtype == bool
    assert members["probe/inputs/points"].shape == (7, 3)
    with open_run(path, model=model) as run:
        for step, batch in enumerate(batches):
            read = run.batch(step)
            assert read.inputs.keys() == batch.keys()
            for name, values in batch.items():
                np.testing.assert_array_equal(read.inputs[name], values)
            np.testing.assert_array_equal(read.labels["red"], batch["mask"])
        assert run.batch(len(sizes)).inputs["points"].shape == (0, 3)
        assert run.probe.keys() == probe.keys()
        assert run.n_points == 7
        assert run.describe()["probe_shape"] == {"points": [7, 3], "weights": [7]}
        answer = run.evaluate(probe, 3)
        expected = model.encoder(torch.tensor(RGB)).detach().numpy()
        np.testing.assert_allclose(answer.latents, expected, atol=1e-6)
        np.testing.assert_allclose(answer.outputs, expected * WEIGHTS[:, None], atol=1e-6)
        np.testing.assert_allclose(run.latents(3), expected, atol=1e-6)
    draw(path, tmp_path, dims=[(0, 1)])


@pytest.mark.parametrize(
    ("probe", "error"),
    [
        (RGB[:0], OptionError),
        (np.float32(1), OptionError),
        ({}, OptionError),
        ({"a": RGB, "b": RGB[:2]}, OptionError),
        ({"a": RGB, "b": np.float32(1)}, OptionError),
        ({"a": RGB[:0], "b": RGB[:0]}, OptionError),
        ({"x" * 200: RGB}, ArchiveError),
    ],
)
def test_probes_that_do_not_fit(path, tmp_path, probe, error):
    with pytest.raises(error):
        Recorder(path, TwoInputs(), layer="encoder", probe=probe)
    assert list(tmp_path.iterdir()) == []


def test_bfloat16_states_are_read_back_exactly(path, tmp_path):
    model = ColorMLP().bfloat16()
    states = []
    with Recorder(path, model, layer="encoder", probe=torch.tensor(RGB)) as recorder:
        for _ in range(20):
            states.append(copied(model))
            recorder.step(batch=torch.tensor(RGB).bfloat16())
            nudge(model)
    members = stock(path)
    assert members["states/000000/encoder.0.weight"].dtype == np.uint16
    assert json.loads(members["header"].tobytes())["bfloat16"] == list(model.state_dict())
    with open_run(path) as run:
        for step in (0, 7, 8, 19):
            for name, array in run.state(step).items():
                assert array.dtype == np.float32
                assert torch.equal(torch.tensor(array), states[step][name].float())
            # Evaluated as bfloat16, not as what NumPy makes of it.
            model.load_state_dict(states[step])
            with torch.no_grad():
                expected = model.encoder(torch.tensor(RGB).bfloat16()).float().numpy()
                outputs = model(torch.tensor(RGB).bfloat16()).float().numpy()
            answer = run.evaluate(RGB, step)
            np.testing.assert_array_equal(answer.latents, expected)
            np.testing.assert_array_equal(answer.outputs, outputs)
            np.testing.assert_allclose(run.latents(step), expected, rtol=0.02, atol=0.02)
        np.testing.assert_array_equal(
            run.batch(0).inputs, torch.tensor(RGB).bfloat16().float().numpy()
        )
    draw(path, tmp_path)


def test_recorded_latents_of_a_bfloat16_model(path):
    model = ColorMLP().bfloat16()
    with Recorder(path, model, layer="encoder", probe=RGB, latents=True) as recorder:
        recorder.step()
    expected = model.encoder(torch.tensor(RGB).bfloat16()).detach().float().numpy()
    with open_run(path) as run:
        np.testing.assert_array_equal(run.latents(0), expected)


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        (torch.float8_e4m3fn, r"'odd': tensors of torch.float8_e4m3fn cannot .* float32 first, or"),
        (torch.complex64, r"'odd': arrays must be .*complex64.* leave it out with states="),
    ],
)
def test_a_tensor_that_cannot_be_recorded_is_refused_at_once(path, tmp_path, dtype, message):
    model = ColorMLP()
    model.register_buffer("odd", torch.zeros(3).to(dtype))
    with pytest.raises(OptionError, match=message):
        Recorder(path, model, layer="encoder")
    assert list(tmp_path.iterdir()) == []
    with Recorder(path, model, layer="encoder", states="*coder*") as recorder:
        recorder.step()


def test_a_tensor_that_becomes_bfloat16_is_refused(path):
    model = ColorMLP()
    with Recorder(path, model, layer="encoder", probe=RGB) as recorder:
        recorder.step()
        model.encoder.bfloat16()
        with pytest.raises(OptionError, match=r"was .* float32 and is now .* bfloat16"):
            recorder.step()
        model.encoder.float()


def test_buffers_of_every_dtype_and_scalars(path):
    class Counted(ColorMLP):
        def __init__(self):
            super().__init__()
            for name in ("bool", "uint8", "int16", "int32", "int64", "float16", "float64"):
                self.register_buffer(name, torch.zeros(2).to(getattr(torch, name)))
            self.register_buffer("scalar", torch.zeros((), dtype=torch.int64))
            self.register_buffer("unsaved", torch.zeros(2), persistent=False)

        def forward(self, x):
            return super().forward(x)

    model = Counted()
    states = []
    with Recorder(path, model, layer="encoder", probe=RGB) as recorder:
        for _ in range(10):
            states.append(copied(model))
            recorder.step()
            for buffer in model.buffers():
                buffer.add_(1) if buffer.dtype != torch.bool else buffer.logical_not_()
    with open_run(path, model=model) as run:
        for step, expected in enumerate(states):
            state = run.state(step)
            assert state.keys() == expected.keys()
            assert "unsaved" not in state
            for name, array in state.items():
                np.testing.assert_array_equal(array, expected[name].numpy(), strict=True)
        assert run.state()["scalar"] == 10
        run.evaluate(RGB, 3)


def rewritten_header(path, target, **change):
    from latentviz.archive import ArchiveWriter
    from latentviz.archive import format as f

    with ArchiveReader(path) as reader, ArchiveWriter(target) as writer:
        members = {name: reader.read(name) for name in reader.members}
    with ArchiveReader(path) as reader, ArchiveWriter(target, overwrite=True) as writer:
        contents = json.loads(members.pop("manifest").tobytes())
        header = json.loads(members["header"].tobytes()) | change
        members["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        crcs = {name: writer.add(name, array) for name, array in members.items()}
        for entry in [*contents["chunks"], contents]:
            entry["members"] = {name: crcs[name] for name in entry["members"]}
        writer.add("manifest", f.json_array(contents))
    return target


@pytest.mark.parametrize(
    "change",
    [
        {"bfloat16": "encoder.0.weight"},
        {"bfloat16": [1]},
        {"bfloat16": None},
        {"bfloat16": {"encoder.0.weight": 1}},
        {"layers": [None]},
        {"layers": "encoder"},
        {"layers": 3},
        {"states": [3]},
        {"states": True},
        {"bfloat16": ["encoder.0.weight"]},  # which is float32 in truth
    ],
)
def test_headers_that_lie(path, tmp_path, change):
    recorded(path, ColorMLP())

    def read():
        with open_run(rewritten_header(path, tmp_path / "x.npz", **change)) as run:
            run.latents()

    with pytest.raises(ArchiveError, match=r"malformed|is said to be bfloat16"):
        read()


def test_a_bfloat16_tensor_that_the_run_lacks_does_not_matter(path, tmp_path):
    _, latents = recorded(path, ColorMLP())
    with open_run(rewritten_header(path, tmp_path / "x.npz", bfloat16=["nosuch"])) as run:
        np.testing.assert_allclose(run.latents(), latents, atol=1e-6)


@pytest.mark.parametrize("replaced", [False, True])
def test_tensors_that_are_not_at_hand_are_copied_before_the_update(path, monkeypatch, replaced):
    # There is no accelerator here: the CPU's own tensors are treated as if they lay on one.
    is_at_hand = mock.Mock(return_value=False)
    monkeypatch.setattr("latentviz.recording.states.is_at_hand", is_at_hand)
    model = ColorMLP()
    expected = []
    with Recorder(path, model, layer="encoder", probe=RGB) as recorder:
        for step in range(20):
            if replaced and step % 3 == 1:
                for parameter in model.parameters():
                    parameter.data = parameter.data.clone()
            expected.append(copied(model))
            recorder.step()
            nudge(model)
        assert is_at_hand.call_count >= 8
    with open_run(path) as run:
        for step, state in enumerate(expected):
            for name, array in run.state(step).items():
                np.testing.assert_array_equal(array, state[name].numpy())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_model_on_cuda(path):  # pragma: no cover
    model = ColorMLP().cuda()
    expected, latents = [], []
    with Recorder(path, model, layer="encoder", probe=RGB, latents=True) as recorder:
        before = torch.cuda.memory_allocated()
        for _ in range(20):
            expected.append({name: tensor.cpu() for name, tensor in copied(model).items()})
            with torch.no_grad():
                latents.append(model.encoder(torch.tensor(RGB).cuda()).cpu().numpy())
            batch = torch.rand(4, 3).cuda()
            recorder.step(batch=batch, losses={"loss": batch.sum()})
            nudge(model)
        assert torch.cuda.memory_allocated() <= before + (1 << 20)
    with open_run(path) as run:
        np.testing.assert_allclose(run.latents(), latents, atol=1e-5)
        for step, state in enumerate(expected):
            for name, array in run.state(step).items():
                np.testing.assert_array_equal(array, state[name].numpy())


def compiled_whole(model):
    return torch.compile(model, backend="eager")


def compiled_in_part(model):
    model.encoder = torch.compile(model.encoder, backend="eager")
    return model


def compiled_in_place(model):
    model.compile(backend="eager")
    return model


@pytest.mark.parametrize(
    "wrap",
    [compiled_whole, compiled_in_part, compiled_in_place, nn.DataParallel],
)
@pytest.mark.parametrize("layer", ["encoder", "encoder.0", "as the wrapper calls it"])
def test_wrapped_models_are_recorded_as_the_plain_ones(path, wrap, layer):
    model = ColorMLP()
    plain = copied(model).keys()
    wrapped = wrap(model)
    given = layer
    if layer == "as the wrapper calls it":
        modules = wrapped.named_modules()
        given = next(name for name, module in modules if module is model.encoder)
        layer = "encoder"
    probe = torch.tensor(RGB)
    latents, hooks = [], []
    with Recorder(path, wrapped, layer=given, probe=RGB, latents=True) as recorder:
        for _ in range(3):
            loss = wrapped(probe).square().mean()
            wrapped.zero_grad()
            loss.backward()
            recorder.step(losses={"loss": loss})
            target = model.encoder
            target = getattr(target, "_orig_mod", target)
            with torch.no_grad():
                latents.append((target if layer == "encoder" else target[0])(probe).numpy())
                for parameter in wrapped.parameters():
                    parameter -= 0.1 * parameter.grad
            hooks.append(len(target._forward_hooks) + len(target[0]._forward_hooks))
    assert hooks == [0, 0, 0]
    with open_run(path) as run:
        assert run.model_name == "color-mlp"
        assert run.layer == layer
        assert run.state(0).keys() == plain
        np.testing.assert_allclose(run.latents(), latents, atol=1e-6)
        answer = run.evaluate(RGB, 2)
        np.testing.assert_allclose(answer.latents, latents[2], atol=1e-6)
    with open_run(path, model=wrapped) as run:
        np.testing.assert_allclose(run.evaluate(RGB, 1).latents, latents[1], atol=1e-6)


class Tied(nn.Module):
    """A bag of words whose output weights are its embedding's."""

    def __init__(self, words=11, width=4):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.pooled = nn.Identity()
        self.output = nn.Linear(width, words, bias=False)
        self.output.weight = self.embedding.weight

    def forward(self, ids):
        return self.output(self.pooled(self.embedding(ids).mean(1)))


@pytest.mark.parametrize("model", [Tied(), "test_any_model:Tied"], ids=["module", "factory"])
def test_tied_weights(path, model, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    trained, probe = Tied(), torch.randint(0, 11, (7, 5))
    expected = []
    with Recorder(path, trained, layer="pooled", probe=probe) as recorder:
        for _ in range(10):
            recorder.step(batch=probe)
            with torch.no_grad():
                expected.append((trained.embedding(probe).mean(1).numpy(), trained(probe).numpy()))
            nudge(trained)
    with open_run(path, model=model) as run:
        for step, (latents, outputs) in enumerate(expected):
            state = run.state(step)
            assert state.keys() == {"embedding.weight", "output.weight"}
            np.testing.assert_array_equal(*state.values())
            np.testing.assert_allclose(run.latents(step), latents, atol=1e-6)
            answer = run.evaluate(run.batch(step).inputs, step)
            np.testing.assert_allclose(answer.outputs, outputs, atol=1e-6)
        twin = Tied()
        twin.load_state_dict({name: torch.tensor(array) for name, array in run.state().items()})
        assert torch.equal(twin.output.weight, trained.output.weight)


@pytest.mark.filterwarnings("ignore:no installed font")  # as may be here
@pytest.mark.parametrize("key", ["<user___rates>", "src#paper", "größe", "x->y", "損失 100 %"])
@pytest.mark.parametrize("states", ["all", ["enc.*"], "none"])
def test_names_of_any_kind_are_read_back_as_they_were(tmp_path, invoke, key, states):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = nn.ModuleDict({key: nn.Linear(3, 3)})
            self.enc = nn.Linear(3, 3)

        def forward(self, x):
            return self.convs[key](self.enc(x))

    model, path = Net(), tmp_path / "run.npz"
    options = {"layer": ["enc", f"convs.{key}"], "probe": torch.rand(5, 3), "states": states}
    with Recorder(path, model, latents=True, **options) as recorder:
        for step in range(3):
            given = {"batch": {key: torch.rand(2, 3)}, "labels": {key: torch.rand(2)}}
            recorder.step(**given, losses={"β·KL": 1.0, key: 2.0}, params={f"/{key}/": float(step)})
    cut = tmp_path / "cut.npz.part"
    cut.write_bytes(path.read_bytes().partition(b"PK\1\2")[0])
    for archive in (path, recover(cut).path):
        with open_run(archive) as run:
            assert list(run.losses) == ["β·KL", key]
            assert run.params[f"/{key}/"].tolist() == [0, 1, 2]
            assert run.layers == ("enc", f"convs.{key}")
            assert run.latents(layer=f"convs.{key}").shape == (3, 5, 3)
            assert run.batch(1).inputs.keys() == run.batch(1).labels.keys() == {key}
            if states == "all":
                assert run.state().keys() == model.state_dict().keys()
    with np.load(path, allow_pickle=False) as stock:
        assert all(name.isascii() and name.isprintable() for name in stock.files)
        assert "losses/000000/%CE%B2%C2%B7KL" in stock
    assert f"losses:     β·KL, {key}" in invoke("info", path).output
    for command in ("timeline", "frame"):
        invoke(command, path, "-o", tmp_path / "x.png", "--size", "800x450")
