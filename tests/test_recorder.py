import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import warnings
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from latentviz import ChunkLimits, Recorder, RecordingWarning, open_run
from latentviz.archive import ArchiveReader
from latentviz.errors import ArchiveError, ModelError, OptionError
from latentviz.recording.background import Background
from trainers.models import ColorMLP

RGB = np.random.default_rng(0).random((7, 3), np.float32)


def mlp():
    return nn.Sequential(
        nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2)
    )


def conv():
    return nn.Sequential(nn.Conv2d(3, 2, 3, bias=False), nn.Flatten(), nn.Linear(8, 1))


def copied(model):
    return {name: tensor.detach().clone().numpy() for name, tensor in model.state_dict().items()}


def update(model, batch):
    """One step of gradient descent."""
    model(batch).square().mean().backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 0.1 * parameter.grad
            parameter.grad = None


def record(path, n_steps=3, **options):
    """A run of a ColorMLP that is changed a little after every step."""
    model = ColorMLP()
    with Recorder(path, model, layer="encoder", probe=RGB, **options) as recorder:
        for step in range(n_steps):
            recorder.step(losses={"loss": step})
            with torch.no_grad():
                model.encoder[0].bias += 1
    return model


pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(autouse=True)
def _no_clock(monkeypatch):
    # A chunk must not end because the machine is slow.
    limits = ChunkLimits(steps=64, seconds=1e9)
    monkeypatch.setattr("latentviz.recording.recorder.LIMITS", limits)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


@pytest.mark.parametrize("replace", [False, True], ids=["in place", "storage replaced"])
@pytest.mark.parametrize(
    ("make", "layer", "shape"), [(mlp, "4", (3,)), (mlp, "0", (3,)), (conv, "0", (3, 4, 4))]
)
def test_every_state_is_the_one_before_the_update(path, make, layer, shape, replace):
    torch.manual_seed(0)
    model, probe = make(), torch.rand(5, *shape)
    states, latents = [], []
    with Recorder(path, model, layer=layer, probe=probe) as recorder:
        for step in range(70):
            if replace and step % 3 == 1:
                for parameter in model.parameters():
                    parameter.data = parameter.data.clone()
            batch = torch.rand(4, *shape)
            states.append(copied(model))
            recorder.step(batch=batch)
            model.eval()
            with torch.no_grad():
                latents.append(model[: int(layer) + 1](probe).flatten(1).numpy())
            model.train()
            update(model, batch)
        assert recorder.n_steps == 70
    with open_run(path) as run:
        assert run.steps.tolist() == list(range(70))
        for step, state in enumerate(states):
            recorded = run.state(step)
            assert recorded.keys() == state.keys()
            assert all(np.array_equal(recorded[name], state[name]) for name in state)
        final = copied(model)
        assert all(np.array_equal(array, final[name]) for name, array in run.state().items())
        # It is not registered, so its latents must be there, without the model.
        assert run.model_name is None
        np.testing.assert_allclose(run.latents(), latents, atol=1e-6)


def test_recording_changes_nothing(path):
    def trained(recorder):
        torch.manual_seed(1)
        model = mlp()
        model[1].eval()
        with recorder(model) as recording:
            for _ in range(5):
                if recording is not None:
                    recording.step()
                    modes = [module.training for module in model]
                    assert modes == [True, False, True, True, True]
                update(model, torch.rand(4, 3))
        return copied(model), torch.get_rng_state()

    plain, state = trained(lambda model: nullcontext())
    recorded, recorded_state = trained(lambda model: Recorder(path, model, layer="0", probe=RGB))
    assert all(np.array_equal(plain[name], recorded[name]) for name in plain)
    assert torch.equal(state, recorded_state)


def test_ragged_batches_labels_and_gaps(path):
    sizes = [4, 1, 0, 3]
    batches = [RGB[:size] + step for step, size in enumerate(sizes)]
    labels = [np.arange(size) % 2 == 0 for size in sizes]
    losses = [{"loss": 1.0}, {"loss": torch.tensor(2.0), "reg": 5}, {"loss": 3}, {}]
    with Recorder(path, ColorMLP(), layer="encoder") as recorder:
        for batch, red, loss in zip(batches, labels, losses, strict=True):
            recorder.step(batch=batch, labels={"red": red}, losses=loss, params={"lr": 0.1})
    with open_run(path) as run:
        for step in range(4):
            batch = run.batch(step)
            np.testing.assert_array_equal(batch.inputs, batches[step])
            np.testing.assert_array_equal(batch.labels["red"], labels[step])
        np.testing.assert_array_equal(run.losses["loss"], [1, 2, 3, np.nan])
        np.testing.assert_array_equal(run.losses["reg"], [np.nan, 5, np.nan, np.nan])
        np.testing.assert_array_equal(run.params["lr"], [0.1] * 4)


def test_actions_are_recorded_with_their_steps(path, invoke):
    actions = [(0, "begin"), (np.int64(2), "freeze"), (2, "save")]
    with Recorder(path, ColorMLP(), layer="encoder", actions=actions) as recorder:
        for _ in range(3):
            recorder.step()
    with open_run(path) as run:
        assert run.actions == [(0, "begin"), (2, "freeze"), (2, "save")]
        assert run.describe()["actions"][1] == {"step": 2, "name": "freeze"}
    assert re.search(r"actions: +begin at 0, freeze at 2, save at 2", invoke("info", path).stdout)


def test_what_the_caller_overwrites_later_is_not_what_was_recorded(path):
    batch, label, loss = torch.zeros(2, 3), np.zeros(2), torch.zeros(())
    colors, probe = RGB.copy(), RGB.copy()
    model = nn.Sequential(nn.Linear(3, 2))
    expected = model(torch.tensor(RGB)).detach().numpy()
    with Recorder(path, model, layer="0", probe=probe, colors=colors) as recorder:
        colors += 9
        recorder.step(batch=batch, labels={"red": label}, losses={"loss": loss})
        batch += 9
        label += 9
        loss += 9
        with torch.no_grad():
            model[0].weight += 9
    with open_run(path) as run:
        assert (run.batch(0).inputs == 0).all()
        assert (run.batch(0).labels["red"] == 0).all()
        assert run.losses["loss"].tolist() == [0.0]
        np.testing.assert_array_equal(run.colors, RGB)
        np.testing.assert_allclose(run.latents(0), expected, atol=1e-6)


def test_a_probe_that_is_overwritten_later(path):
    probe, model = RGB.copy(), nn.Sequential(nn.Linear(3, 2))
    with Recorder(path, model, layer="0", probe=probe) as recorder:
        probe += 9
        recorder.step()
    with open_run(path, model=model) as run:
        np.testing.assert_allclose(run.latents(0), run.evaluate(RGB).latents, atol=1e-6)


@pytest.mark.parametrize(
    ("limits", "counts"),
    [
        ({"steps": 50}, [50, 50, 30]),
        ({"seconds": 0.0}, [1] * 130),
        ({"bytes": 0}, [1] * 130),
        ({"bytes": 263 * 4 * 50}, [50, 50, 30]),
    ],
)
def test_a_chunk_ends_at_the_first_of_its_limits(path, limits, counts):
    record(path, 130, chunk_limits=ChunkLimits(**{"steps": 64, "seconds": 1e9} | limits))
    with ArchiveReader(path) as reader:
        chunks = reader.manifest.chunks
    assert [chunk.count for chunk in chunks] == counts
    ends = np.cumsum(counts)
    assert [chunk.steps for chunk in chunks] == [
        (end - count, end - 1) for end, count in zip(ends, counts, strict=True)
    ]
    with open_run(path) as run:
        assert run.losses["loss"].tolist() == list(range(130))


def test_it_is_a_part_while_open(path, tmp_path):
    with Recorder(path, ColorMLP(), layer="encoder") as recorder:
        recorder.step()
        assert [p.name for p in tmp_path.iterdir()] == ["run.npz.part"]
        with pytest.raises(
            ArchiveError, match=r"another recorder is writing .*run\.npz\.part; close\(\) it if"
        ):
            Recorder(path, ColorMLP(), layer="encoder")
        with pytest.raises(ArchiveError, match=r"run\.npz\.part does: its recording was cut off"):
            open_run(path)
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]
    recorder.close()
    with pytest.raises(OptionError, match="the recorder is closed"):
        recorder.step()


def test_the_latents_of_a_registered_model_are_not_recorded(path):
    model = record(path, seed=3, keyframes={"lr": (0, 2)}, phases=[(0, "Train")])
    with ArchiveReader(path) as reader:
        assert not [name for name in reader.members if "latents" in name]
        assert json.loads(reader.read("header").tobytes())["model"] == {
            "name": "color-mlp",
            "args": {},
        }
    with open_run(path) as run:
        assert (run.seed, run.keyframes, run.phases) == (3, {"lr": [0, 2]}, [(0, "Train")])
        np.testing.assert_array_equal(run.colors, RGB)
        expected = model.encoder(torch.tensor(RGB)).detach().numpy()
        np.testing.assert_allclose(run.evaluate(RGB).latents, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("colors", "stored"),
    [
        (None, RGB),
        (RGB[[1, 0, 2, 3, 4, 5, 6]], RGB[[1, 0, 2, 3, 4, 5, 6]]),
        pytest.param(*(RGB[::-1], RGB[::-1])),
        (np.arange(7), np.arange(7)),
        ([0.5] * 7, [0.5] * 7),
    ],
)
def test_colors(path, colors, stored):
    record(path, 1, colors=colors)
    with open_run(path) as run:
        np.testing.assert_array_equal(run.colors, stored)


def test_a_probe_that_is_no_color_has_none(path):
    with Recorder(path, mlp(), layer="0", probe=RGB * 2) as recorder:
        recorder.step()
    with open_run(path) as run:
        assert run.colors is None


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"layer": "nosuch"}, ModelError, "no layer 'nosuch'; its layers are: encoder, encoder.0"),
        ({"layer": ""}, ModelError, "no layer ''"),
        ({"model_name": "nosuch"}, ModelError, r"'nosuch' is not registered \(registered: cn-"),
        ({"model_name": "color-mlp", "model_args": {"k": 1}}, ModelError, "cannot be built from"),
        ({"model": mlp(), "layer": "0", "model_name": "color-mlp"}, ModelError, "other tensors"),
        ({"probe": RGB, "colors": RGB[:3]}, OptionError, r"must be \(7, 3\) RGB or \(7,\).*\(3, 3"),
        ({"probe": RGB, "colors": RGB * 255}, OptionError, "divide bytes by 255"),
        ({"probe": RGB, "colors": RGB * np.nan}, OptionError, "must be finite"),
        ({"colors": RGB}, OptionError, "give probe= too"),
        ({"path": "run.zip"}, ArchiveError, r"must end in \.npz, got"),
        ({"path": "none/run.npz"}, ArchiveError, "none does not exist; create it first"),
    ],
)
def test_a_recorder_that_cannot_be_leaves_nothing(tmp_path, options, error, message):
    options = {"model": ColorMLP(), "layer": "encoder", "path": "run.npz"} | options
    target = tmp_path / options.pop("path")
    with pytest.raises(error, match=message):
        Recorder(target, **options)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_run_is_replaced_only_if_told(path):
    record(path, 1)
    before = path.read_bytes()
    with pytest.raises(ArchiveError, match="exists; overwrite it with overwrite=True"):
        Recorder(path, ColorMLP(), layer="encoder")
    assert path.read_bytes() == before
    record(path, 2, overwrite=True)
    with open_run(path) as run:
        assert len(run) == 2


class Interrupting:
    def __float__(self):
        raise KeyboardInterrupt


BAD_STEPS = {
    "name of a loss": (
        {"losses": {"損" * 21: 1}},
        ArchiveError,
        r"^'損+' cannot name a loss, a metric or a param; use text of up to 180 bytes",
    ),
    "name of a param": ({"params": {"": 1}}, ArchiveError, r"^'' cannot name a loss, a metric or"),
    "name that is no text": ({"params": {5: 1}}, ArchiveError, r"^5 cannot name a loss, a metric"),
    "loss that is no scalar": (
        {"losses": {"loss": torch.zeros(3)}},
        OptionError,
        r"'loss' must be one number, got an array of shape \(3,\)",
    ),
    "param that is no number": (
        {"params": {"lr": "x"}},
        OptionError,
        "'lr' must be one number, got 'x'",
    ),
    "losses that are a tensor": (
        {"losses": torch.zeros(())},
        OptionError,
        "must be numbers by name, .* got Tensor",
    ),
    "Ctrl-C": ({"losses": {"loss": Interrupting()}}, KeyboardInterrupt, None),
}


@pytest.mark.parametrize("name", BAD_STEPS)
def test_a_step_that_is_refused_leaves_the_others_whole(path, name):
    given, error, message = BAD_STEPS[name]

    def train():
        with Recorder(path, mlp(), layer="0", probe=RGB) as recorder:
            recorder.step(
                batch=RGB, labels={"red": [1] * 7}, losses={"loss": 7.0}, params={"lr": 1}
            )
            recorder.step(**given)

    with pytest.raises(error, match=message):
        train()
    with open_run(path) as run:
        assert len(run) == 1
        assert run.losses["loss"].tolist() == [7.0]
        assert run.latents().shape == (1, 7, 8)
        np.testing.assert_array_equal(run.batch(0).inputs, RGB)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_after_the_first_step_keeps_what_was_recorded(path, tmp_path, error):
    def train(model):
        with Recorder(path, model, layer="encoder", probe=RGB) as recorder:
            for step in range(70):
                recorder.step(losses={"loss": step})
            raise error

    model = ColorMLP()
    with pytest.raises(error):
        train(model)
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]
    with open_run(path) as run:
        assert run.losses["loss"].tolist() == list(range(70))
        final = copied(model)
        assert all(np.array_equal(array, final[name]) for name, array in run.state().items())


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_before_the_first_step_leaves_nothing(path, tmp_path, error):
    recorder = Recorder(path, ColorMLP(), layer="encoder")
    with pytest.raises(error), recorder:
        raise error
    assert list(tmp_path.iterdir()) == []


def test_no_steps_are_no_run(path, tmp_path):
    recorder = Recorder(path, ColorMLP(), layer="encoder")
    with pytest.raises(ArchiveError, match=r"no step was recorded.*call recorder\.step"):
        recorder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_tensor_transposed_within_its_storage(path):
    model = nn.Sequential(nn.Linear(3, 3))
    with Recorder(path, model, layer="0") as recorder:
        recorder.step()
        model[0].weight.data = model[0].weight.data.t()
        recorder.step()
    with open_run(path) as run:
        np.testing.assert_array_equal(run.state(1)["0.weight"], copied(model)["0.weight"])


@pytest.mark.parametrize(
    "at_step",
    [1, pytest.param(64)],
)
def test_a_tensor_that_changes_its_shape_is_refused_by_name(path, at_step):
    model = nn.Sequential(nn.Linear(3, 3))
    with Recorder(path, model, layer="0") as recorder:
        for _ in range(at_step):
            recorder.step()
        model[0].weight.data = torch.zeros(5, 3)
        with pytest.raises(
            OptionError, match=r"'0.weight' was \(3, 3\) float32 and is now \(5, 3\)"
        ):
            recorder.step()


def test_a_module_replaced_by_one_alike_is_recorded_from_then_on(path):
    model = mlp()
    with Recorder(path, model, layer="4", probe=RGB) as recorder:
        recorder.step()
        model[4] = nn.Linear(8, 2)
        recorder.step()
        model[4].weight = nn.Parameter(torch.ones(2, 8))
        recorder.step()
    with open_run(path) as run:
        states = [run.state(step)["4.weight"] for step in (0, 1, 2, None)]
    assert not np.array_equal(states[0], states[1])
    assert (states[2] == 1).all()
    assert (states[3] == 1).all()


def replaced(model):
    model[4] = nn.Linear(8, 3)


def extended(model):
    model.append(nn.Linear(2, 2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replaced, r"'4.weight' was \(2, 8\) float32 and is now \(3, 8\)"),
        (extended, r"tensor '5\.bias', tensor '5\.weight' added; close\(\) this"),
        (
            lambda model: prune.random_unstructured(model[4], "weight", 0.5),
            r"tensor '4\.weight' removed; tensor '4\.weight_mask', tensor '4.weight_orig' added",
        ),
        (
            lambda model: nn.utils.parametrizations.weight_norm(model[4]),
            r"tensor '4\.weight' removed; tensor '4\.parametrizations\.weight.original0', ",
        ),
        (lambda model: setattr(model[4], "bias", None), r"tensor '4.bias' removed; "),
    ],
)
@pytest.mark.parametrize("probe", [None, RGB])
def test_a_model_that_becomes_another_ends_its_recording(path, change, message, probe):
    model = mlp()
    recorder = Recorder(path, model, layer="4", probe=probe)
    recorder.step(losses={"loss": 1})
    change(model)
    for _ in range(2):
        with pytest.raises(OptionError, match=message):
            recorder.step(losses={"loss": 2})
    recorder.close()
    with open_run(path) as run:
        assert run.losses["loss"].tolist() == [1]
        assert run.state().keys() == run.state(0).keys() == copied(mlp()).keys()
        assert all(
            np.array_equal(a, b)
            for a, b in zip(run.state().values(), run.state(0).values(), strict=True)
        )
        if probe is not None:
            assert run.latents().shape == (1, 7, 2)


def test_a_recorder_that_nobody_has_any_more_is_closed(path):
    recorder = Recorder(path, ColorMLP(), layer="encoder")
    recorder.step()
    with pytest.warns(ResourceWarning, match=r"run\.npz was not closed: .*use `with Recorder"):
        del recorder
    with open_run(path) as run:
        assert len(run) == 1
    recorder = Recorder(path, ColorMLP(), layer="encoder", overwrite=True)
    with pytest.warns(RecordingWarning, match="not closed: no step was recorded"):
        del recorder


def test_a_recorder_that_its_own_thread_collects_is_closed(path, monkeypatch):
    recorder = Recorder(path, ColorMLP(), layer="encoder")
    recorder.step()
    monkeypatch.setattr(Background, "is_this_thread", lambda self: True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = set(threading.enumerate())
        del recorder
        for thread in set(threading.enumerate()) - before:
            thread.join()
    assert [w.category for w in caught] == [ResourceWarning]
    with open_run(path) as run:
        assert len(run) == 1


def test_a_program_that_forgets_to_close(path):
    code = """
        import sys
        from torch import nn
        from latentviz import Recorder
        model = nn.Sequential(nn.Linear(3, 2))
        model.recorder = recorder = Recorder(sys.argv[1], model, layer="0")
        for _ in range(5):
            recorder.step()
    """
    command = [sys.executable, "-W", "always", "-c", textwrap.dedent(code), path]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert "ResourceWarning: the recording" in done.stderr
    assert "run.npz was not closed" in done.stderr
    assert "Traceback" not in done.stderr
    with open_run(path) as run:
        assert len(run) == 5


def test_a_program_that_goes_elsewhere_meanwhile(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with Recorder("run.npz", ColorMLP(), layer="encoder") as recorder:
        recorder.step()
        os.chdir("elsewhere")
    with open_run(tmp_path / "run.npz") as run:
        assert len(run) == 1


def test_a_full_disk_ends_recording_and_not_training(tmp_path):
    code = """
        import resource, signal, sys, warnings
        from pathlib import Path
        import numpy as np, torch
        from torch import nn
        from latentviz import ArchiveError, Recorder, RecordingWarning

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
        path = Path(sys.argv[1])
        model = nn.Sequential(nn.Linear(100, 100))
        recorder = Recorder(path, model, layer="0")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            steps = 0
            while not caught and steps < 20_000:
                recorder.step()
                with torch.no_grad():
                    model[0].weight.normal_()
                steps += 1
            for _ in range(100):
                recorder.step()
        assert [w.category for w in caught] == [RecordingWarning], caught
        assert "File too large; training goes on" in str(caught[0].message), caught[0].message
        try:
            recorder.close()
        except ArchiveError as error:
            assert "File too large" in str(error) and f"recover {path}.part`" in str(error), error
        else:
            raise AssertionError("closed without a word")
        assert [p.name for p in path.parent.iterdir()] == ["run.npz.part"]
        assert (path.parent / "run.npz.part").stat().st_size > 2_000_000
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code), tmp_path / "run.npz"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_batches_may_grow_and_be_missing_and_labels_come_in_any_order(path):
    sizes = [2, 0, 3000, None, 5]
    rng = np.random.default_rng(0)
    given = [None if B is None else rng.random((B, 3), np.float32) for B in sizes]
    with Recorder(path, mlp(), layer="0") as recorder:
        for k, inputs in enumerate(given):
            if inputs is None:
                recorder.step()
                continue
            a, b = ("a", inputs[:, 0] > 0.5), ("b", inputs[:, 1])
            recorder.step(batch=inputs, labels=dict([a, b] if k % 2 else [b, a]))
    with open_run(path) as run:
        for step, inputs in enumerate(given):
            batch = run.batch(step)
            inputs = np.empty((0, 3), np.float32) if inputs is None else inputs
            np.testing.assert_array_equal(batch.inputs, inputs)
            np.testing.assert_array_equal(batch.labels["a"], inputs[:, 0] > 0.5)
            np.testing.assert_array_equal(batch.labels["b"], inputs[:, 1])


def test_a_batch_of_a_step_that_was_refused_is_overwritten(path):
    with Recorder(path, mlp(), layer="0") as recorder:
        with pytest.raises(OptionError, match="'odd' must be one number"):
            recorder.step(batch=RGB[:3], losses={"loss": 1.0, "odd": "x"})
        recorder.step(batch=RGB[3:], losses={"recon": 2.0})
    with open_run(path) as run:
        np.testing.assert_array_equal(run.batch(0).inputs, RGB[3:])
        assert np.isnan(run.losses["loss"]).all()
        assert run.losses["recon"].tolist() == [2.0]


@pytest.fixture(scope="module")
def faults():
    """What came of each of `recorder_faults`, run in one process: importing torch takes long."""
    folder = Path(tempfile.mkdtemp())  # not below a folder that is root's alone
    folder.chmod(0o755)
    script = Path(__file__).with_name("recorder_faults.py")
    try:
        command = [sys.executable, "-W", "error", str(script), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and POSIX permissions")
@pytest.mark.parametrize(
    "name",
    [
        "forked_children_neither_write_nor_hang",
        "a_data_loaders_workers_leave_the_recording_alone",
        "a_folder_that_is_removed_ends_recording_and_not_training",
        "a_part_that_is_moved_away_is_readable_where_it_is",
        "ctrl_c_keeps_every_step_so_far",
        "a_permission_that_is_lost_loses_nothing_that_was_flushed",
    ],
)
def test_provoked_for_real(faults, name):
    assert faults.pop(name) == "passed"


def test_interrupts_at_random_moments_leave_nothing():
    n = os.environ.get("LATENTVIZ_INTERRUPTED_STEPS", "40")
    script = Path(__file__).with_name("interrupted_steps.py")
    command = [sys.executable, str(script), "--steps", n, "--closes", str(int(n) // 10)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{n} interrupts of a training" in done.stdout


@pytest.fixture
def behind(monkeypatch):
    """A writer that writes nothing until it is let go; to wait for it is to be interrupted."""
    may_write, write = threading.Event(), Background.write
    may_write.waits = threading.Event()  # set while the writer does

    def held_up(self, chunk):
        may_write.waits.set()
        may_write.wait()
        write(self, chunk)

    def interrupted(seconds):
        if may_write.is_set():
            time.sleep(seconds)
        else:
            raise KeyboardInterrupt

    clock = SimpleNamespace(sleep=interrupted, monotonic=time.monotonic)
    limits = ChunkLimits(steps=2, seconds=1e9)
    monkeypatch.setattr("latentviz.recording.background.time", clock)
    monkeypatch.setattr("latentviz.recording.recorder.LIMITS", limits)
    monkeypatch.setattr(Background, "write", held_up)
    yield may_write
    may_write.set()


def test_interrupts_while_the_writer_is_behind_cost_no_step(path, behind):
    recorder, interrupts = Recorder(path, ColorMLP(), layer="encoder"), 0
    while interrupts < 9:
        try:
            recorder.step(losses={"loss": recorder.n_steps})
        except KeyboardInterrupt:
            interrupts += 1
    behind.set()
    for _ in range(5):
        recorder.step(losses={"loss": recorder.n_steps})
    recorder.close()
    with open_run(path) as run:
        assert run.losses["loss"].tolist() == list(range(recorder.n_steps))


def test_a_close_that_is_interrupted_is_finished_by_the_next(path, behind):
    recorder = Recorder(path, ColorMLP(), layer="encoder")
    for _ in range(2):  # a chunk, which the writer takes
        recorder.step(losses={"loss": recorder.n_steps})
    behind.waits.wait()
    for _ in range(9):  # one more than the queue has room for
        recorder.step(losses={"loss": recorder.n_steps})
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            recorder.close()
    assert not path.exists()
    with pytest.raises(OptionError, match="the recorder is closed"):
        recorder.step()
    behind.set()
    recorder.close()
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    with open_run(path) as run:
        assert run.losses["loss"].tolist() == list(range(recorder.n_steps))
        assert run.has_final
    recorder.close()


def test_a_chunk_that_an_interrupt_had_handed_over_twice_is_written_once(path, monkeypatch):
    put = Background.put

    def interrupted(self, chunk):
        put(self, chunk)
        monkeypatch.setattr(Background, "put", put)
        raise KeyboardInterrupt

    monkeypatch.setattr(Background, "put", interrupted)
    with Recorder(path, ColorMLP(), layer="encoder", probe=RGB) as recorder:
        for step in range(63):
            recorder.step(losses={"loss": step})
        with pytest.raises(KeyboardInterrupt):
            recorder.step(losses={"loss": 63})
        for step in range(64, 140):
            recorder.step(losses={"loss": step})
    with open_run(path) as run:
        assert run.losses["loss"].tolist() == list(range(140))


LAZILY = torch.randn(7, 3, dtype=torch.complex64).conj().imag  # a view that is yet to be negated


@pytest.mark.parametrize(
    "given",
    [RGB.astype(">f4"), RGB.astype(">f8"), RGB[::-1], LAZILY, torch.tensor(RGB).bfloat16(),
     RGB.tolist(), np.ma.masked_less(RGB, -1)],
    ids=["big-endian", "big-endian f8", "reversed", "negated", "bfloat16", "lists", "unmasked"],
)  # fmt: skip
def test_arrays_and_views_of_any_kind_are_recorded_as_what_they_are(path, given):
    expected = (
        given.resolve_neg().float().numpy()
        if isinstance(given, torch.Tensor)
        else np.asarray(given)
    )
    colors = np.arange(7).astype(">i4")
    with Recorder(path, mlp(), layer="0", probe=given, colors=colors) as recorder:
        recorder.step(batch=given, labels={"red": np.arange(7, dtype=">i2")}, losses={"loss": 1})
    with open_run(path) as run:
        np.testing.assert_array_equal(run.probe, expected)
        np.testing.assert_array_equal(run.batch(0).inputs, expected)
        assert run.batch(0).labels["red"].tolist() == run.colors.tolist() == list(range(7))


def test_a_buffer_that_is_yet_to_be_negated_is_recorded_as_it_is_at_each_step(path):
    model, pairs = mlp(), torch.ones(3, dtype=torch.complex64)
    model.register_buffer("phase", pairs.conj().imag)
    with Recorder(path, model, layer="0", probe=RGB) as recorder:
        for step in range(3):
            pairs.imag.fill_(step)
            recorder.step()
    with open_run(path) as run:
        assert [run.state(step)["phase"].tolist() for step in range(3)] == [
            [-step] * 3 for step in range(3)
        ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.empty(7, 3, device="meta"), "is on the meta device, where tensors have no values"),
        (torch.eye(7).to_sparse(), "sparse_coo tensors cannot be recorded; make them dense by to_"),
        (np.ma.masked_less(RGB, 0.5), "some of it is masked; fill it"),
        (RGB + 0j, "must be numbers, got complex"),
        (["a", "b"], "must be numbers, got text"),
    ],
)
def test_what_cannot_be_recorded_is_named(path, given, message):
    with pytest.raises(OptionError, match=message):
        Recorder(path, mlp(), layer="0", probe=given)
    with Recorder(path, mlp(), layer="0", probe=RGB) as recorder:
        with pytest.raises(OptionError, match=message):
            recorder.step(batch=given)
        recorder.step()


def test_a_sparse_buffer_is_named(path):
    model = mlp()
    model.register_buffer("graph", torch.eye(7).to_sparse())
    with pytest.raises(OptionError, match=r"tensor 'graph': sparse_coo .* with states="):
        Recorder(path, model, layer="0", probe=RGB)
    with Recorder(path, model, layer="0", probe=RGB, states="0.*") as recorder:
        recorder.step()


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_a_buffer_that_cannot_be_recorded_is_named(path):
    for buffer, message in (
        (torch.eye(7).to_sparse_csr(), "tensor 'odd': sparse_csr tensors cannot be recorded"),
        (torch.empty(7, device="meta"), "tensor 'odd' is on the meta device"),
    ):
        model = mlp()
        model.register_buffer("odd", buffer)
        with pytest.raises(OptionError, match=message):
            Recorder(path, model, layer="0")
    assert not path.exists()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_folder_in_which_no_file_can_be_made_is_one_line():
    with pytest.raises(ArchiveError, match=r"cannot write /proc/x\.npz\.part: "):
        Recorder("/proc/x.npz", mlp(), layer="0")


def test_a_current_folder_that_was_removed_is_one_line(tmp_path, monkeypatch):
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ArchiveError, match="the current one was removed; change to another"):
        Recorder("x.npz", mlp(), layer="0")
