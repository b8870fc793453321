import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from latentviz import ChunkLimits, Recorder, Run, Schedule, open_run, recover, render_frame
from latentviz.archive import ArchiveReader, ArchiveWriter
from latentviz.archive import format as f
from latentviz.errors import ArchiveError, LatentvizError, ModelError, OptionError
from latentviz.runs.evaluate import evaluate_latents
from latentviz.runs.run import archived_run
from trainers.models import ColorMLP

T, CHUNKS = 150, (64, 64, 22)


@pytest.fixture(scope="module")
def path(short_run):
    return short_run


@pytest.fixture
def run(path):
    with open_run(path) as run:
        yield run


@pytest.fixture(scope="module")
def stock(path):
    """Every member, as NumPy reads it."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


@pytest.fixture(scope="module")
def expected(stock):
    """Latents (T, N, D), by a loop that loads every state."""
    model, probe = ColorMLP(), torch.tensor(stock["probe/inputs"])
    latents = []
    for step in range(T):
        model.load_state_dict(state_at(stock, step))
        with torch.no_grad():
            latents.append(model.encoder(probe).numpy())
    return np.stack(latents)


def end_to_end(stock, group, name):
    return np.concatenate([stock[f"{group}/{c:06d}/{name}"] for c in range(len(CHUNKS))])


def state_at(stock, step):
    c, k = divmod(step, 64)
    prefix = f"states/{c:06d}/"
    return {
        name.removeprefix(prefix): torch.tensor(array[k])
        for name, array in stock.items()
        if name.startswith(prefix)
    }


def rewritten(path, target, *, change=None, drop=(), header=None, manifest=None):
    """The archive with other members, its directory and checksums in order."""
    change = dict(change or {})
    with ArchiveReader(path) as reader, ArchiveWriter(target, overwrite=True) as writer:
        members = {name: reader.read(name) for name in reader.members if name not in drop}
        contents = json.loads(members.pop("manifest").tobytes())
        if header is not None:
            about = json.loads(members["header"].tobytes()) | header
            change["header"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
        crcs = {name: writer.add(name, change.get(name, old)) for name, old in members.items()}
        for entry in [*contents["chunks"], contents]:
            entry["members"] = {name: crcs[name] for name in entry["members"] if name in crcs}
        if manifest is not None:
            manifest(contents)
        writer.add("manifest", np.frombuffer(json.dumps(contents).encode(), np.uint8))
    return target


def test_steps_curves_states_and_batches(run, stock):
    assert len(run) == T
    assert run.steps.tolist() == list(range(T))
    assert list(run.params) == ["lr", "reg-norm"]
    for group, curves in (("params", run.params), ("losses", run.losses)):
        for name, curve in curves.items():
            present = [f"{group}/{c:06d}/{name}" in stock for c in range(len(CHUNKS))]
            if all(present):
                np.testing.assert_array_equal(curve, end_to_end(stock, group, name))
            assert curve.shape == (T,)
    assert {"loss", "recon", "reg-norm"} <= run.losses.keys()
    assert (run.seed, run.layer, run.model_name) == (0, "encoder", "color-mlp")
    assert (run.name, run.n_points, run.probe.shape) == ("run", 512, (512, 3))
    assert run.keyframes["reg-norm"] == [0, 149]
    assert run.phases == [(0, "Train")]
    for step in (0, 63, 64, 149):
        state = run.state(step)
        for name, tensor in state_at(stock, step).items():
            np.testing.assert_array_equal(state[name], tensor)
    for name, array in run.state().items():
        np.testing.assert_array_equal(array, stock[f"final/states/{name}"])


@pytest.mark.parametrize("step", [0, 1, 63, 64, 149])
def test_a_recorded_loss_is_that_of_its_state_and_batch(run, step):
    batch = run.batch(step)
    assert batch.inputs.shape == (64, 3)
    assert {name: label.shape for name, label in batch.labels.items()} == {
        "red": (64,),
        "vibrant": (64,),
    }
    outputs = run.evaluate(batch.inputs, step).outputs
    assert run.losses["recon"][step] == pytest.approx(np.mean((outputs - batch.inputs) ** 2))
    norm = np.linalg.norm(run.evaluate(batch.inputs, step).latents, axis=1)
    assert run.losses["reg-norm"][step] == pytest.approx(np.mean((norm - 1) ** 2), rel=1e-5)


def test_latents_are_those_of_the_states(run, expected):
    assert run.latents().dtype == np.float32
    np.testing.assert_allclose(run.latents(), expected, atol=1e-6)


@pytest.mark.parametrize(
    "steps",
    [[0], [149], [0, 64, 149], [3, 1, 2, 1, 149, 3], range(60, 70), np.arange(149, -1, -7)],
)
def test_however_steps_are_asked_for_the_bits_are_the_same(path, run, steps):
    whole = run.latents()
    with open_run(path) as fresh:
        np.testing.assert_array_equal(fresh.latents(steps), whole[np.asarray(steps)])
    with open_run(path) as fresh:
        for step in steps:
            np.testing.assert_array_equal(fresh.latents(step), whole[step])
            assert fresh.latents(np.int64(step)).shape == (512, 4)


def test_threads_get_the_same_bits(path, run):
    whole = run.latents()
    steps = np.random.default_rng(0).permutation(T)[:60]
    with open_run(path) as fresh, ThreadPoolExecutor(6) as pool:
        for step, latents in zip(steps, pool.map(fresh.latents, steps), strict=True):
            np.testing.assert_array_equal(latents, whole[step])


def test_threads_may_evaluate(run):
    expected = [run.evaluate(run.probe, step).outputs for step in range(4)]
    steps = list(range(4)) * 50
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda step: run.evaluate(run.probe, step).outputs, steps)
        for step, outputs in zip(steps, answers, strict=True):
            np.testing.assert_array_equal(outputs, expected[step])


def test_only_what_is_asked_for_is_read(path, monkeypatch):
    reads = Counter()
    read = ArchiveReader.read

    def counted(self, name):
        reads[name] += 1
        return read(self, name)

    monkeypatch.setattr(ArchiveReader, "read", counted)
    with open_run(path) as run:
        groups = {name.partition("/")[0] for name in reads}
        assert groups == {
            *("manifest", "header", "steps", "losses", "params", "gaps", "probe"),
        }
        reads.clear()
        run.latents(70)
        run.latents(71)
        # The first chunk tells the size of a state.
        chunks = {name.split("/")[1] for name in reads if name != "probe/inputs"}
        assert chunks == {"000000", "000001"}
        assert all(name.startswith(("states/", "probe/")) for name in reads)
        assert max(reads.values()) == 1
        reads.clear()
        run.batch(70)
        assert all(name.startswith("batches/000001/") for name in reads)


class BranchyMLP(ColorMLP):
    """Refused by vmap: what it does depends on the data."""

    def forward(self, rgb):
        return super().forward(rgb) if self.encoder[0].bias.sum() > -1e9 else rgb


def test_a_model_that_vmap_refuses_is_looped_over(path, expected):
    model = BranchyMLP()
    states = {
        name: tensor.numpy()[None].repeat(2, 0) for name, tensor in model.state_dict().items()
    }
    with pytest.raises(RuntimeError, match="data-dependent"):
        torch.func.vmap(
            lambda state: torch.func.functional_call(model, state, (torch.zeros(1, 3),))
        )({name: torch.tensor(array) for name, array in states.items()})
    with open_run(path, model=model) as run:
        np.testing.assert_allclose(run.latents([0, 70, 149]), expected[[0, 70, 149]], atol=1e-6)


def test_evaluate(run, stock):
    model = ColorMLP()
    inputs = np.random.default_rng(1).random((5, 3), np.float32)
    for step, state in ((100, state_at(stock, 100)), (None, None)):
        if state is None:
            state = {name: torch.tensor(array) for name, array in run.state().items()}
        model.load_state_dict(state)
        answer = run.evaluate(inputs, step)
        with torch.no_grad():
            x = torch.tensor(inputs)
            np.testing.assert_allclose(answer.outputs, model(x), atol=1e-6)
            np.testing.assert_allclose(answer.latents, model.encoder(x), atol=1e-6)
    with pytest.raises(ModelError, match="the model cannot be run on these inputs"):
        run.evaluate(np.zeros((5, 4), np.float32))


def test_evaluate_another_layer(run, stock):
    model = ColorMLP()
    model.load_state_dict(state_at(stock, 100))
    inputs = np.random.default_rng(1).random((5, 3), np.float32)
    answer = run.evaluate(inputs, 100, layer="encoder.0")
    with torch.no_grad():
        x = torch.tensor(inputs)
        np.testing.assert_allclose(answer.latents, model.encoder[0](x), atol=1e-6)
        np.testing.assert_allclose(answer.outputs, model(x), atol=1e-6)
    with pytest.raises(ModelError, match="the model has no layer 'nosuch'; its layers are: enc"):
        run.evaluate(inputs, 100, layer="nosuch")


def test_whether_a_run_can_be_evaluated(path, tmp_path):
    assert not Run.from_arrays(np.zeros((1, 2, 3))).can_evaluate
    stranger = rewritten(path, tmp_path / "x.npz", header={"model": None})
    for source, model, can in (
        (path, None, True),
        (stranger, None, False),
        (stranger, ColorMLP(), True),
    ):
        with open_run(source, model=model) as run:
            assert run.can_evaluate == can
            if can:
                run.evaluate(np.zeros((1, 3), np.float32))


@pytest.mark.parametrize("step", [-1, 150, 10**20])
def test_a_step_that_was_not_recorded(run, step):
    message = f"step {step} was not recorded; the run has 150 steps, 0 to 149"
    for ask in (run.index_of, run.state, run.batch, run.latents):
        with pytest.raises(OptionError) as caught:
            ask(step)
        assert str(caught.value) == message
    with pytest.raises(OptionError) as caught:
        run.evaluate(run.probe, step)
    assert str(caught.value) == message


def test_a_step_that_is_no_whole_number(run):
    with pytest.raises(OptionError, match="a step is a whole number, got '2'"):
        run.index_of("2")


def test_a_closed_run_says_so(path):
    with open_run(path) as run:
        pass
    with pytest.raises(ArchiveError, match=r"\.npz was closed; open the run anew to read it"):
        run.latents()


def test_what_is_no_path():
    with pytest.raises(OptionError, match="a run is a Run or the path of its archive, got NoneTy"):
        open_run(None)


def test_a_model_s_name_is_checked_even_where_latents_are_recorded(tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(3, 2))
    with Recorder(tmp_path / "run.npz", model, layer="0", probe=torch.rand(6, 3)) as recording:
        recording.step()
    with pytest.raises(ModelError, match=r"must be package\.module:factory, got 'foo'"):
        open_run(tmp_path / "run.npz", model="foo")


def test_a_list_with_a_step_that_was_not_recorded(run):
    with pytest.raises(OptionError, match="step 150 was not recorded"):
        run.latents([0, 150, 151])
    with pytest.raises(OptionError, match="no steps were asked for"):
        run.latents([])


def test_describe_is_plain_and_true(run, path):
    about = json.loads(json.dumps(run.describe()))
    assert about.pop("versions").keys() >= {"latentviz", "numpy", "python", "torch"}
    assert about.pop("tensors")["encoder.0.weight"] == [16, 3]
    by_group = about.pop("bytes_a_step")
    assert 0 < T * sum(by_group.values()) < path.stat().st_size
    assert 0 < by_group["losses"] < by_group["batches"] < by_group["states"] < 263 * 4
    assert about == {
        "name": "run",
        "path": str(path),
        "bytes": path.stat().st_size,
        "format": 3,
        "steps": T,
        "first_step": 0,
        "last_step": 149,
        "layer": "encoder",
        "layers": ["encoder"],
        "states": "all",
        "model": "color-mlp",
        "model_args": {},
        "seed": 0,
        "source": "layer:encoder",
        "points": 512,
        "classes": None,
        "point_names": None,
        "matrices": {
            "encoder.0.weight": [16, 3],
            "encoder.2.weight": [4, 16],
            "decoder.0.weight": [16, 4],
            "decoder.2.weight": [3, 16],
        },
        "probe_shape": [512, 3],
        "latents_recorded": False,
        "values": 263,
        "params": ["lr", "reg-norm"],
        "losses": list(run.losses),
        "metrics": [],
        "final_losses": {},
        "final_metrics": {},
        "labels": ["red", "vibrant"],
        "phases": [{"step": 0, "name": "Train"}],
        "actions": [],
        "chunks": 3,
    }


@pytest.mark.parametrize("model", ["trainers.models:ColorMLP", ColorMLP()], ids=["path", "module"])
def test_a_model_that_the_user_names(path, tmp_path, expected, model):
    stranger = rewritten(path, tmp_path / "x.npz", header={"model": None})
    before = {} if isinstance(model, str) else {k: v.clone() for k, v in model.state_dict().items()}
    with open_run(stranger, model=model) as run:
        np.testing.assert_allclose(run.latents(149), expected[149], atol=1e-6)
        run.evaluate(run.probe, 3)
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in before.items())


@pytest.mark.parametrize(
    ("header", "model", "message"),
    [
        ({"model": None}, None, "does not name its model; name its factory with --model"),
        (
            {"model": {"name": "trainers.models:ColorMLP", "args": {}}},
            None,
            r"is not registered \(registered: .*color-mlp\); .* --model package.module:factory",
        ),
        ({"model": {"name": "color-mlp", "args": {"k": 1}}}, None, "cannot be built from {'k': 1}"),
        ({"layer": "nosuch"}, None, "no layer 'nosuch'; its layers are: encoder"),
        ({}, torch.nn.Linear(3, 4), "no layer 'encoder'"),
        ({}, torch.nn.Sequential(), "no layer 'encoder'; its layers are: none"),
        ({}, "nosuch:X", "--model nosuch:X: No module named 'nosuch'"),
        ({}, "os:nosuch", "--model os:nosuch: module 'os' has no attribute 'nosuch'"),
        ({}, "os:path", "--model os:path is not callable"),
        ({}, "os:getpid", "gave a int, not an nn.Module"),
        ({}, "torch.nn:ReLU()", "must be package.module:factory, got"),
        pytest.param(*({}, ".os:x", "--model")),
    ],
)
def test_a_model_that_cannot_be_made(path, tmp_path, header, model, message):
    stranger = rewritten(path, tmp_path / "x.npz", header=header)
    with pytest.raises(ModelError, match=message), open_run(stranger, model=model) as run:
        run.latents(0)


def test_states_that_do_not_fit_the_model(path):
    model = ColorMLP()
    model.encoder[2] = torch.nn.Linear(16, 5)
    with (
        open_run(path, model=model) as run,
        pytest.raises(ModelError, match=r"'encoder.2.bias' is \(4,\) in the run and \(5,\) in the"),
    ):
        run.latents(0)


def test_a_layer_that_is_not_reached():
    class Idle(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.idle = torch.nn.Linear(1, 1)

        def forward(self, x):
            return x

    model = Idle()
    states = {name: tensor[None].numpy() for name, tensor in model.state_dict().items()}
    with pytest.raises(ModelError, match="the latent layer 'idle' is not used"):
        evaluate_latents(model, ["idle"], states, np.zeros((2, 1), np.float32))


def test_a_run_without_probe_or_states(path, tmp_path):
    with open_run(rewritten(path, tmp_path / "x.npz", drop={"probe/inputs"})) as run:
        assert run.describe()["points"] is None
        with pytest.raises(ArchiveError, match=r"without a probe; give Recorder\(probe="):
            run.latents(0)
    with ArchiveReader(path) as reader:
        states = {name for name in reader.members if "states/" in name}
    with open_run(rewritten(path, tmp_path / "x.npz", drop=states)) as run:
        with pytest.raises(ArchiveError, match="neither latents nor all of the states: it was"):
            run.latents(0)
        with pytest.raises(ArchiveError, match="without states"):
            run.state()


def whole(run):
    run.describe()
    run.latents()
    run.batch(60)
    run.evaluate(run.probe)


def in_chunk(**change):
    return {"manifest": lambda manifest: manifest["chunks"][0].update(change)}


def instead(name, array):
    return {"change": {name: array}}


INF = float("inf")
STEPS = 64
HOSTILE = {
    "members of a list": {"header": {"model": []}},
    "seed nan": {"header": {"seed": float("nan")}},
    "versions list": {"header": {"versions": []}},
    "header no JSON": instead("header", np.zeros(4, np.uint8)),
    "header missing": {"drop": {"header"}},
    "a count of true": in_chunk(count=True),
    "a count of 1e30": in_chunk(count=1e30),
    "a count of -1": in_chunk(count=-1),
    "steps missing": {"drop": {"steps/000001"}},
    "steps not increasing": instead("steps/000001", np.zeros(STEPS, np.int64)),
    "steps too few": instead("steps/000000", np.arange(3)),
    "a loss of no steps": instead("losses/000000/loss", np.zeros(())),
    "a loss of few steps": instead("losses/000000/loss", np.zeros(3)),
    "a state missing": {"drop": {"states/000001/encoder.0.bias"}},
    "a state of another shape": instead("states/000001/encoder.0.bias", np.zeros((STEPS, 3), "f4")),
    "a state of no steps": instead("states/000000/encoder.0.bias", np.zeros((), "f4")),
    "a probe of another shape": instead("probe/inputs", np.zeros((5, 7), "f4")),
    "batches missing": {"drop": {"batches/000000/inputs"}},
    "a final state missing": {"drop": {"final/states/encoder.0.bias"}},
    "a final state of another shape": instead("final/states/encoder.0.bias", np.zeros(2, "f4")),
}
RAW_ERROR = {
    "a count of '64'": in_chunk(count="64"),
    "a count of 64.0": in_chunk(count=64.0),
    "a count of infinity": in_chunk(count=INF),
    "an infinite seed": {"header": {"seed": INF}},
    "an infinite keyframe": {"header": {"keyframes": {"lr": [INF]}}},
    "an infinite phase": {"header": {"phases": [[INF, "x"]]}},
    "a loss of two dimensions": instead("losses/000000/loss", np.zeros((STEPS, 5))),
    "steps of two dimensions": instead("steps/000000", np.zeros((STEPS, 2), np.int64)),
    "steps of NaN": instead("steps/000000", np.full(STEPS, np.nan)),
    "a probe of no dimensions": instead("probe/inputs", np.zeros((), "f4")),
    "batches of no dimensions": instead("batches/000000/inputs", np.zeros(())),
    "too few offsets": instead("batches/000000/offsets", np.zeros(3, np.int64)),
    "fractional offsets": instead("batches/000000/offsets", np.zeros(STEPS + 1)),
}


@pytest.mark.parametrize(
    "changes",
    [pytest.param(changes, id=name) for name, changes in HOSTILE.items()]
    + [pytest.param(*(changes,), id=name) for name, changes in RAW_ERROR.items()],
)
def test_a_hostile_archive_whose_checksums_are_right(path, tmp_path, changes):
    def read_it_all():
        with ArchiveReader(rewritten(path, tmp_path / "x.npz", **changes)) as reader:
            whole(archived_run(reader))

    with pytest.raises(LatentvizError):
        read_it_all()


def test_a_run_that_cannot_be_opened_is_closed(path, tmp_path, monkeypatch):
    files = []

    def opened(*args, **kwargs):
        files.append(open(*args, **kwargs))  # noqa: SIM115 - whether it is closed is the question
        return files[-1]

    monkeypatch.setattr("latentviz.archive.reader.open", opened, raising=False)
    bad = rewritten(path, tmp_path / "x.npz", header={"versions": []})
    with pytest.raises(ArchiveError, match="header is malformed"):
        open_run(bad)
    still_open = [file for file in files if not file.closed]
    for file in still_open:
        file.close()
    assert not still_open


def test_the_untouched_archive_passes_where_hostile_ones_fail(path, tmp_path):
    with open_run(rewritten(path, tmp_path / "x.npz")) as run:
        whole(run)


def test_a_missing_archive(tmp_path):
    with pytest.raises(ArchiveError, match="does not exist; name a run archive"):
        open_run(tmp_path / "none.npz")


def test_an_archive_without_steps(tmp_path):
    with ArchiveWriter(tmp_path / "run.npz") as writer:
        header = {
            **{"model": None, "layer": "x", "seed": None, "keyframes": {}},
            **{"phases": [], "versions": {}},
        }
        crcs = {"header": writer.add("header", f.json_array(header))}
        writer.add(
            "manifest", f.json_array({"format": 1, "steps": 0, "chunks": [], "members": crcs})
        )
    with (
        ArchiveReader(tmp_path / "run.npz") as reader,
        pytest.raises(ArchiveError, match="holds no steps"),
    ):
        archived_run(reader)


FORMAT_1 = Path(__file__).parent / "archive" / "format-1.npz"  # written when that was the newest
FORMAT_2 = FORMAT_1.with_name("format-2.npz")  # alike


def test_format_1_is_read_as_it_was(tmp_path):
    with open_run(FORMAT_1) as run:
        assert (run.describe()["format"], len(run), run.n_points) == (1, 12, 8)
        assert (run.phases, run.actions) == ([(0, "Train")], [])
        np.testing.assert_array_equal(run.losses["loss"], 2.0 ** -np.arange(12))
        late = [*[np.nan] * 4, 1, 1, np.nan, 1, np.inf, 1, 1, 1]
        np.testing.assert_array_equal(run.losses["late"], late)
        np.testing.assert_array_equal(
            run.losses["sometimes"], [k if k % 3 == 0 else np.nan for k in range(12)]
        )
        np.testing.assert_array_equal(run.params["lr"], [*[0.5] * 5, np.nan, *[0.5] * 6])
        # It did not tell the NaN that was given at step 6 from a gap.
        assert np.flatnonzero(run.loss_gaps["late"]).tolist() == [0, 1, 2, 3, 6]
        assert np.flatnonzero(run.loss_gaps["sometimes"] == 0).tolist() == [0, 3, 6, 9]
        assert np.flatnonzero(run.param_gaps["lr"]).tolist() == [5]
        # The encoder's first bias alone was trained.
        assert (run.state(0)["encoder.0.weight"] == run.state()["encoder.0.weight"]).all()
        shift = run.state()["encoder.0.bias"] - run.state(0)["encoder.0.bias"]
        assert 0.01 < np.abs(shift).max() < 10
        latents = run.latents()
        assert latents.shape == (12, 8, 4)
        np.testing.assert_allclose(latents[0], run.evaluate(run.probe, 0).latents, atol=1e-6)
        frame = render_frame(run, step=11, size=(320, 180))
        assert (frame != render_frame(run, step=0, size=(320, 180))).any()
    with np.load(FORMAT_1, allow_pickle=False) as members:
        assert json.loads(members["header"].tobytes())["format"] == 1
        end = FORMAT_1.read_bytes().index(b"final/states")
    part = tmp_path / "run.npz.part"
    part.write_bytes(FORMAT_1.read_bytes()[: end - 30])
    with open_run(recover(part).path) as run:
        assert run.describe()["format"] == 1
        assert run.loss_gaps["late"][6]


def test_format_2_is_read_as_it_was(tmp_path):
    nan = np.nan
    with np.load(FORMAT_2, allow_pickle=False) as members:
        assert json.loads(members["header"].tobytes())["format"] == 2
        assert {name.partition("/")[0] for name in members} >= {"metrics", "params", "gaps"}
    # As after a power cut: no final state, and no directory.
    part = tmp_path / "run.npz.part"
    part.write_bytes(FORMAT_2.read_bytes().partition(b"PK\1\2")[0])
    recovered = recover(part).path
    for path in (FORMAT_2, recovered):
        with open_run(path) as run:
            assert (run.describe()["format"], len(run), run.n_points) == (2, 12, 8)
            assert (run.phases, run.actions) == ([(0, "Train")], [(6, "late begins")])
            np.testing.assert_array_equal(run.losses["loss"], 2.0 ** -np.arange(12))
            # What was given at step 9 is no gap.
            np.testing.assert_array_equal(
                run.losses["late"], [nan, nan, nan, nan, 5, 6, nan, 8, 9, nan, 11, 12]
            )
            assert np.flatnonzero(run.loss_gaps["late"]).tolist() == [0, 1, 2, 3, 6]
            assert np.flatnonzero(~run.loss_gaps["sometimes"]).tolist() == [0, 3, 6, 9]
            assert run.params["lr"].tolist() == [0.05] * 12
            assert run.latents().shape == (12, 8, 4)
            assert run.batch(11).labels["red"].shape == (2,)
            assert run.has_final == (path == FORMAT_2)
    with np.load(FORMAT_2, allow_pickle=False) as before, np.load(recovered) as after:
        assert [n for n in before if not n.startswith("final/")] == list(after)


def test_gaps_are_told_from_nan_that_was_given(tmp_path):
    nan, inf = float("nan"), float("inf")
    odd = [1.0, nan, np.float32(nan), torch.tensor(nan), inf, torch.tensor(-inf), None, 2.0]
    model = torch.nn.Sequential(torch.nn.Linear(1, 1))
    limits = ChunkLimits(steps=3)
    with Recorder(tmp_path / "run.npz", model, layer="0", chunk_limits=limits) as recording:
        for k, value in enumerate(odd):
            losses = {"whole": 1.0} | ({} if value is None else {"odd": value})
            recording.step(losses=losses, params={"late": nan} if k > 6 else None)
    with open_run(tmp_path / "run.npz") as run:
        np.testing.assert_array_equal(run.losses["odd"], [1, *[nan] * 3, inf, -inf, nan, 2])
        assert np.flatnonzero(run.loss_gaps["odd"]).tolist() == [6]
        assert not run.loss_gaps["whole"].any()
        assert np.flatnonzero(~run.param_gaps["late"]).tolist() == [7]
        np.testing.assert_array_equal(run.schedule.gaps_of("late"), run.param_gaps["late"])
    with np.load(tmp_path / "run.npz", allow_pickle=False) as members:
        gaps = {name: members[name].tolist() for name in members if name.startswith("gaps/")}
        assert gaps == {
            "gaps/000002/losses/odd": [True, False],
            "gaps/000002/params/late": [True, False],
        }
        # Stock NumPy shows plain NaN.
        assert members["losses/000002/odd"].tobytes() == np.array([nan, 2.0]).tobytes()


def test_gaps_of_arrays():
    values = [1, np.nan, 3, np.inf]
    masked = np.ma.masked_array(values, [False, False, True, False])
    run = Run.from_arrays(
        np.zeros((4, 1, 2)), losses={"plain": values, "masked": masked, "none": np.ma.ones(4)}
    )
    assert run.loss_gaps["plain"].tolist() == [False, True, False, False]
    assert run.loss_gaps["masked"].tolist() == [False, False, True, False]
    assert run.loss_gaps["none"].tolist() == [False] * 4
    np.testing.assert_array_equal(run.losses["masked"], [1, np.nan, np.nan, np.inf])
    run = Run.from_arrays(np.zeros((3, 1, 2)), params={"lr": np.ma.masked_equal([1, 2, 3], 2)})
    np.testing.assert_array_equal(run.params["lr"], [1, np.nan, 3])
    assert run.param_gaps["lr"].tolist() == [False, True, False]


def test_recorded_latents_need_no_model(tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(3, 2))
    probe = torch.rand(6, 3)
    with Recorder(tmp_path / "run.npz", model, layer="0", probe=probe) as recording:
        for _ in range(70):
            recording.step()
            with torch.no_grad():
                model[0].bias += 1
    with open_run(tmp_path / "run.npz") as run:
        latents = run.latents()
        assert run.describe()["latents_recorded"]
        assert latents.shape == (70, 6, 2)
        np.testing.assert_allclose(latents[5:] - latents[:-5], 5, atol=1e-4)
        np.testing.assert_array_equal(run.latents([69, 0]), latents[[69, 0]])
        with pytest.raises(ModelError, match="does not name its model"):
            run.evaluate(probe)
    with open_run(tmp_path / "run.npz", model=model) as run:
        np.testing.assert_allclose(
            run.evaluate(probe).outputs, model(probe).detach().numpy(), atol=1e-6
        )


def test_from_arrays():
    latents = np.random.default_rng(0).random((4, 6, 2))
    run = Run.from_arrays(
        latents,
        colors=range(6),
        steps=[0, 5, 10, 99],
        params={"lr": [1, 2, 3, 4]},
        losses={"loss": [1, None, 3, 4]},
        keyframes={"lr": [0]},
        phases=[(0, "Train")],
        actions=[(5, "freeze")],
        name="mine",
    )
    assert run.describe()["actions"] == [{"step": 5, "name": "freeze"}]
    schedule = run.schedule
    assert (schedule.name, schedule.keyframes, schedule.phases, schedule.actions) == (
        *("mine", {"lr": [0]}),
        *([(0, "Train")], [(5, "freeze")]),
    )
    assert schedule.steps.tolist() == [0, 5, 10, 99]
    assert schedule.params["lr"].tolist() == [1, 2, 3, 4]
    assert (len(run), run.n_points, run.name, run.is_archive) == (4, 6, "mine", False)
    assert run.index_of(99) == 3
    np.testing.assert_array_equal(run.latents([99, 0]), latents[[3, 0]].astype(np.float32))
    np.testing.assert_array_equal(run.latents(5), latents[1].astype(np.float32))
    np.testing.assert_array_equal(run.losses["loss"], [1, np.nan, 3, 4])
    assert json.loads(json.dumps(run.describe()))["last_step"] == 99
    for ask in (run.state, lambda: run.batch(0), lambda: run.probe, lambda: run.evaluate([[0.0]])):
        with pytest.raises(ArchiveError, match="made from arrays and has no states"):
            ask()
    run.close()


@pytest.mark.parametrize(
    ("latents", "options", "message"),
    [
        (
            np.zeros((64, 3)),
            {},
            "latents must be (T, N, D), got (64, 3); add a time axis with latents[None]",
        ),
        (np.zeros(3), {}, "latents must be (T, N, D), got (3,)"),
        (np.zeros((2, 0, 3)), {}, "latents must be (T, N, D), got (2, 0, 3)"),
        (
            np.zeros((2, 5, 3)),
            {"steps": [0, 1, 2]},
            "steps must be (2,) increasing whole numbers, got shape (3,)",
        ),
        (
            np.zeros((2, 5, 3)),
            {"steps": [1, 1]},
            "steps must be (2,) increasing whole numbers, got 1 before 1",
        ),
        (
            np.zeros((2, 5, 3)),
            {"params": {"lr": [1, 2, 3]}},
            "curve 'lr' must be (2,), one value a step, got (3,)",
        ),
        (
            np.zeros((2, 5, 3)),
            {"losses": {"loss": 1}},
            "curve 'loss' must be (2,), one value a step, got ()",
        ),
    ],
)
def test_from_arrays_says_what_is_wrong(latents, options, message):
    with pytest.raises(OptionError) as caught:
        Run.from_arrays(latents, **options)
    assert str(caught.value) == message


def test_nothing_is_imported_by_a_name_in_the_archive(path, tmp_path, monkeypatch):
    package = Path(tmp_path, "evil.py")
    package.write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    model = {"name": "evil:Model", "args": {}}
    with open_run(rewritten(path, tmp_path / "x.npz", header={"model": model})) as run:
        run.describe()
        with pytest.raises(ModelError, match="not registered"):
            run.latents(0)


def test_what_is_masked_of_a_schedule_has_no_value():
    values = np.ma.masked_less(np.arange(6.0), 2)
    schedule = Schedule("s", np.arange(6), {"a": values, "b": np.arange(6.0)})
    assert schedule.gaps_of("a").tolist() == [True, True, False, False, False, False]
    assert np.isnan(schedule.params["a"]).sum() == 2
    assert not schedule.gaps_of("b").any()
