"""Recording models of every kind: what is recorded of them, how often, and what can be drawn."""

import json

import numpy as np
import pytest
import torch

import latentviz
from latentviz import Recorder, Run, open_run
from latentviz import recorder as recorder_module
from latentviz.archive import ArchiveReader
from latentviz.errors import ArchiveError, ModelError, OptionError
from latentviz.pacing import LinearPace, frames
from latentviz.theme import theme_named
from latentviz.views import curve_panels, steps_covered
from trainers.models import ColorMLP

RGB = np.random.default_rng(0).random((7, 3), np.float32)
SMALL = {"size": (320, 180), "frames": 4}


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    # Torch's threads wait for each other in a busy loop, at length where cores are few.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _no_clock(monkeypatch):
    # A chunk must not end because the machine is slow.
    monkeypatch.setattr(recorder_module, "CHUNK_SECONDS", 1e9)
    monkeypatch.setattr(recorder_module, "CHUNK_STEPS", 8)


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
    """A film of a few frames and a picture of the history; the last frame's pixels."""
    latentviz.render(path, tmp_path / "film.mp4", **SMALL, **options)
    with open_run(path) as run:
        dims = options.get("dims")
        assert latentviz.plot_history(run, dims=dims, size=(480, 320)).pixels.std() > 1
    return latentviz.render_frame(path, **SMALL, **options)


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
    assert draw(path, tmp_path).std() > 1


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
        assert run.metrics["loss"].tolist() == list(range(20))
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
    ],
)
def test_options_that_do_not_fit(path, tmp_path, options, message):
    with pytest.raises(OptionError, match=message):
        Recorder(path, ColorMLP(), **({"layer": "encoder"} | options))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("every", [1, 3, 20, 50])
def test_every_nth_step(path, every):
    expected, latents = recorded(path, ColorMLP(), 20, every=every)
    steps = list(range(0, 20, every))
    with open_run(path) as run:
        assert run.steps.tolist() == steps
        assert run.metrics["loss"].tolist() == steps
        np.testing.assert_allclose(run.latents(), latents[steps], atol=1e-6)
        for step in steps:
            assert torch.equal(
                torch.tensor(run.state(step)["encoder.0.bias"]), expected[step]["encoder.0.bias"]
            )
        assert not np.array_equal(run.state()["encoder.0.bias"], run.state(steps[-1]))
        if every > 1:
            with pytest.raises(OptionError, match="step 1 was not recorded"):
                run.state(1)


def test_a_film_of_steps_far_apart(path, tmp_path, invoke):
    recorded(path, ColorMLP(), 100, every=10, keyframes={"lr": [0, 55, 99]})
    with open_run(path) as run:
        film = frames(LinearPace(4), len(run), 100)
        # As the heading has it: steps of training, not recorded ones.
        assert [steps_covered(run, frame) for frame in film] == [40, 40, 20]
        (schedule, _) = curve_panels(run, 0, len(run), theme_named("dark"))
        assert schedule.curves[0].keyed.tolist() == [0, 6]
    assert draw(path, tmp_path, pace="linear:4").std() > 1
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
