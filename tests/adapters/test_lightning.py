"""A real Lightning ``Trainer``'s training, recorded: what is read back is what it had."""

import signal
import sys
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn

from latentviz import RecordingWarning, open_run
from latentviz.adapters.recording import is_metric
from latentviz.archive import ArchiveReader
from latentviz.archive.schema import final_member
from latentviz.errors import ArchiveError, ModelError, OptionError

pytestmark = [
    pytest.mark.skipif(
        find_spec("lightning") is None,
        reason='Lightning is not installed: pip install ".[lightning]"',
    ),
    pytest.mark.usefixtures("one_torch_thread"),
    # Of Lightning's own code, with recent PyTorch.
    pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec.. is deprecated"),
    # What Lightning advises, at the sight of data as small as these.
    pytest.mark.filterwarnings("ignore:The '(train|val)_dataloader' does not have many workers"),
]

X = torch.rand(30, 2, generator=torch.Generator().manual_seed(0))
INSIDE = (X.norm(dim=1) < 0.7).long()


@pytest.fixture(scope="module")
def lightning():
    import lightning.pytorch

    return lightning.pytorch


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


@pytest.fixture
def fit(lightning, path):
    """Train a module for real, on the CPU, and record it."""

    def run(module, *, data=(X, INSIDE), batch_size=5, recorder=None, n_epochs=1, **options):
        from latentviz.adapters.lightning import RecorderCallback

        if not isinstance(recorder, RecorderCallback):
            recorder = {"layer": "encoder", "probe": X, "colors": INSIDE} | (recorder or {})
            recorder = RecorderCallback(path, **recorder)
        quiet = ("logger", "enable_progress_bar", "enable_model_summary", "enable_checkpointing")
        trainer = lightning.Trainer(
            callbacks=[*options.pop("callbacks", []), recorder],
            max_epochs=n_epochs,
            accelerator="cpu",
            default_root_dir=path.parent,
            **(dict.fromkeys(quiet, False) | options),
        )
        rows = torch.utils.data.TensorDataset(*data) if isinstance(data, tuple) else data
        loader = torch.utils.data.DataLoader(rows, batch_size=batch_size)
        trainer.fit(module, loader)
        return trainer

    return run


def copied(model):
    return {
        name: tensor.detach().float().clone().numpy() for name, tensor in model.state_dict().items()
    }


@pytest.fixture
def small(lightning):
    """A class of modules which keep what each of their updates was made from."""

    class Small(lightning.LightningModule):
        def __init__(self, fails_at=None, error=None):
            super().__init__()
            torch.manual_seed(0)
            self.encoder = nn.Linear(2, 3)
            self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(3, 2))
            self.fails_at, self.error = fails_at, error
            self.states, self.rates, self.losses, self.batches = [], [], [], []

        def forward(self, x):
            return self.head(self.encoder(x))

        def loss(self, batch):
            x, target = batch
            return nn.functional.cross_entropy(self(x), target)

        def training_step(self, batch, batch_idx):
            if batch_idx == self.fails_at:
                raise self.error
            self.batches.append(batch)
            loss = self.loss(batch)
            self.losses.append(loss.item())
            self.log_what(loss, batch_idx)
            return loss

        def log_what(self, loss, batch_idx):
            self.log("train/loss", loss)
            if batch_idx % 3 == 0:
                self.log("rare", 2 * loss)

        def configure_optimizers(self):
            optimizer = torch.optim.SGD(self.parameters(), 0.1, momentum=0.9)
            schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
            return [optimizer], [{"scheduler": schedule, "interval": "step"}]

        def optimizer_step(self, epoch, batch_idx, optimizer, closure):
            self.states.append(copied(self))
            self.rates.append(optimizer.param_groups[0]["lr"])
            super().optimizer_step(epoch, batch_idx, optimizer, closure)

    return Small


def check_states(run, module):
    assert len(run) == len(module.states)
    for step, state in enumerate([*module.states, copied(module)]):
        read = run.state(step if step < len(run) else None)
        assert read.keys() == state.keys()
        for name, array in state.items():
            np.testing.assert_array_equal(read[name], array, strict=True)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_step_is_what_an_update_was_made_from(fit, small, path, invoke, accumulate):
    class Validated(small):
        def val_dataloader(self):
            return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, INSIDE))

        def validation_step(self, batch, batch_idx):
            self.log("validation", self.loss(batch))

    module = Validated()
    trainer = fit(module, n_epochs=2, accumulate_grad_batches=accumulate)
    assert trainer.sanity_checking is False
    with open_run(path) as run:
        assert (
            run.steps.tolist() == list(range(trainer.global_step)) == list(range(12 // accumulate))
        )
        check_states(run, module)
        np.testing.assert_array_equal(run.params["lr"], module.rates)
        assert run.params.keys() == {"lr"}
        losses = np.reshape(module.losses, (-1, accumulate))
        np.testing.assert_allclose(run.losses["train/loss"], losses.mean(1), rtol=1e-6)
        # What was not logged in a step is a gap, not the last value.
        logged = np.reshape(np.arange(12) % 6 % 3 == 0, (-1, accumulate)).any(1)
        assert np.isfinite(run.losses["rare"]).tolist() == logged.tolist()
        assert run.losses.keys() == {"train/loss", "rare"}
        for step in range(len(run)):
            parts = module.batches[step * accumulate : (step + 1) * accumulate]
            inputs, targets = (torch.cat(tensors).numpy() for tensors in zip(*parts, strict=True))
            np.testing.assert_array_equal(run.batch(step).inputs, inputs)
            np.testing.assert_array_equal(run.batch(step).labels["target"], targets)
        weight, bias = (run.state(5)[f"encoder.{name}"] for name in ("weight", "bias"))
        np.testing.assert_allclose(run.latents(5), X.numpy() @ weight.T + bias, atol=1e-6)
    invoke("frame", path, "-o", path.with_suffix(".png"), "--dims", "0,1", "--size", "320x180")
    assert path.with_suffix(".png").stat().st_size > 1000


def test_training_and_checkpoints_are_none_the_wiser(fit, small, path, lightning):
    class Watching(lightning.Callback):
        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            if batch_idx == 3:
                trainer.save_checkpoint(path.with_name("middle.ckpt"))

    plain, recorded = small(), small()
    before = set(vars(recorded))
    lightning.seed_everything(1, verbose=False)
    fit(plain, recorder={"states": "none"})
    path.unlink()
    lightning.seed_everything(1, verbose=False)
    fit(recorded, callbacks=[Watching()], recorder={"latents": True})
    assert set(vars(recorded)) - before <= set(vars(plain))
    for name, array in copied(plain).items():
        np.testing.assert_array_equal(copied(recorded)[name], array)
    saved = torch.load(path.with_name("middle.ckpt"), weights_only=False)
    assert not [key for key in saved["callbacks"] if "Recorder" in key]
    assert not recorded._forward_hooks


@pytest.mark.parametrize(("on_step", "name"), [(False, "loss"), (True, "loss_step")])
def test_what_is_logged_for_epochs_only_is_no_step_s_loss(fit, small, path, on_step, name):
    class Epochs(small):
        def log_what(self, loss, batch_idx):
            self.log("loss", 3 * loss, on_step=on_step, on_epoch=True)

    module = Epochs()
    fit(module, n_epochs=2, accumulate_grad_batches=2)
    with open_run(path) as run:
        assert run.losses.keys() == {name}
        means = np.reshape(module.losses, (-1, 2)).mean(1)
        expected = 3 * means if on_step else means
        np.testing.assert_allclose(run.losses[name], expected, rtol=1e-6)


@pytest.mark.parametrize("every", [1, 4])
def test_what_is_logged_for_an_epoch_stands_at_the_next_step(fit, small, path, lightning, every):
    class Epochs(small):
        def log_what(self, loss, batch_idx):
            self.log("train_loss", loss)
            self.log("train_acc", batch_idx / 10, on_step=False, on_epoch=True)
            self.log("kl", 2 * loss, on_step=False, on_epoch=True)
            self.log("both", loss, on_step=True, on_epoch=True)

        def on_train_batch_end(self, outputs, batch, batch_idx):
            self.log("of steps only", 1.0)

        def val_dataloader(self):
            return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, INSIDE), 30)

        def validation_step(self, batch, batch_idx):
            self.log("val_acc", 0.5)

        def on_train_epoch_end(self):
            # This hook runs after those of callbacks, so what it logs is not there yet in them.
            self.log("macro_f1", self.current_epoch + 1.0)
            self.log("train_loss", 7.0)  # steps have it

    class Watching(lightning.Callback):
        def on_train_epoch_start(self, trainer, module):
            self.log("begun", 1.0)

        def on_train_epoch_end(self, trainer, module):
            self.log("watched_acc", trainer.logged_metrics["train_acc"])

    checkpoint = lightning.callbacks.ModelCheckpoint(path.with_name("best"), monitor="macro_f1")
    stop = lightning.callbacks.EarlyStopping("train_acc", patience=9)
    module = Epochs()
    fit(
        module, n_epochs=3, recorder={"every": every}, enable_checkpointing=True,
        callbacks=[Watching(), stop, checkpoint],
    )  # fmt: skip
    at = [6, 12] if every == 1 else [8, 12]
    kl = 2 * np.reshape(module.losses, (3, 6)).mean(1)
    expected = {"train_acc": [0.25] * 3, "watched_acc": [0.25] * 3, "macro_f1": [1, 2, 3]}
    with open_run(path) as run, ArchiveReader(path) as reader:
        # `both` for an epoch is not recorded, as steps have it.
        assert run.losses.keys() == {"train_loss", "both_step", "kl", "begun"}
        assert run.metrics.keys() == {*expected, "val_acc"}
        assert np.isfinite(run.losses["train_loss"]).all()
        curves = {("metrics", name): run.metrics[name] for name in expected}
        values = {("metrics", name): each for name, each in expected.items()}
        curves["losses", "kl"], values["losses", "kl"] = run.losses["kl"], kl
        for name, curve in curves.items():
            assert run.steps[np.isfinite(curve)].tolist() == at
            np.testing.assert_allclose(curve[np.isfinite(curve)], values[name][:2], rtol=1e-6)
            final = reader.read(final_member(*name))
            np.testing.assert_allclose(final, values[name][2], rtol=1e-6)
        assert "final/losses/train_loss" not in reader
        assert "final/losses/of steps only" not in reader


def test_what_torchmetrics_measure_in_an_epoch(fit, small, path):
    from torchmetrics.classification import BinaryAccuracy

    class Measured(small):
        def __init__(self):
            super().__init__()
            self.accuracy, self.right = BinaryAccuracy(), []

        def training_step(self, batch, batch_idx):
            said = self(batch[0]).argmax(1)
            self.right.append((said == batch[1]).float().mean().item())
            self.accuracy(said, batch[1])
            self.log("train_acc", self.accuracy, on_step=False, on_epoch=True)
            return self.loss(batch)

    module = Measured()
    fit(module, n_epochs=2)
    with open_run(path) as run, ArchiveReader(path) as reader:
        means = np.reshape(module.right, (2, 6)).mean(1)
        accuracy = run.metrics["train_acc"]
        assert run.steps[np.isfinite(accuracy)].tolist() == [6]
        np.testing.assert_allclose(accuracy[6], means[0], rtol=1e-6)
        np.testing.assert_allclose(reader.read("final/metrics/train_acc"), means[1], rtol=1e-6)
        assert run.losses.keys() == {"loss"}


def test_an_exception_keeps_the_last_epoch(fit, small, path):
    class Failing(small):
        def log_what(self, loss, batch_idx):
            self.log("train_acc", 0.5, on_step=False, on_epoch=True)

        def on_train_epoch_start(self):
            if self.current_epoch:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(Failing(), n_epochs=2)
    with ArchiveReader(path) as reader:
        assert reader.read("final/metrics/train_acc") == 0.5


@pytest.mark.parametrize(("name", "recorded"), [("late_loss", "late_loss"), ("loss", "loss_")])
def test_whether_the_loss_is_the_back_propagated_one_is_decided_once(
    fit, small, path, name, recorded
):
    class Late(small):
        def log_what(self, loss, batch_idx):
            if batch_idx % 5 == 4:
                self.log(name, 2 * loss)

    class Early(small):
        def log_what(self, loss, batch_idx):
            if batch_idx % 5 == 0:
                self.log(name, 2 * loss)

    module = Late()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecordingWarning)  # that `loss` is taken
        fit(module)
    with open_run(path) as run:
        assert run.losses.keys() == {"loss", recorded}
        np.testing.assert_allclose(run.losses["loss"], module.losses, rtol=1e-6)
        assert np.flatnonzero(np.isfinite(run.losses[recorded])).tolist() == [4]
    fit(Early(), recorder={"overwrite": True})
    with open_run(path) as run:
        assert run.losses.keys() == {name}
        assert np.flatnonzero(np.isfinite(run.losses[name])).tolist() == [0, 5]


def test_names_of_any_kind_are_recorded_as_they_are(fit, small, path):
    names = {"top-1 (%)", "top-1 (#)", "β·KL", "損失"}

    class Named(small):
        def log_what(self, loss, batch_idx):
            for name in names:
                self.log(name, loss)

    with warnings.catch_warnings():
        warnings.simplefilter("error", RecordingWarning)
        fit(Named())
    with open_run(path) as run:
        assert run.losses.keys() == names


def test_names_that_a_run_cannot_hold(fit, small, path):
    class Named(small):
        def log_what(self, loss, batch_idx):
            for end in "abc":
                self.log("x" * 200 + end, loss)

    with pytest.warns(RecordingWarning) as caught:
        fit(Named())
    said = [str(w.message) for w in caught if w.category is RecordingWarning]
    kept = ["x" * 180, "x" * 179 + "_", "x" * 178 + "__"]
    assert len(said) == 3
    assert f"'{'x' * 200}a' cannot name one in a run, so it is recorded as {kept[0]!r}" in said
    with open_run(path) as run:
        assert list(run.losses) == kept


@pytest.mark.parametrize("every", [1, 3])
def test_each_of_several_optimizers_updates_is_a_step(fit, small, path, every):
    class Adversaries(small):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False

        def configure_optimizers(self):
            return torch.optim.SGD(self.encoder.parameters(), 0.1), torch.optim.SGD(
                [{"params": [weight]} for weight in self.head.parameters()], 0.2
            )

        def training_step(self, batch, batch_idx):
            for sign, optimizer in zip((1, -1), self.optimizers(), strict=True):
                self.batches.append(batch)
                loss = sign * self.loss(batch)
                optimizer.zero_grad()
                self.manual_backward(loss)
                self.losses.append(loss.item())
                self.states.append(copied(self))
                optimizer.step()
            self.log("too late", loss)

    module = Adversaries()
    fit(module, recorder={"every": every})
    with open_run(path) as run:
        assert run.steps.tolist() == list(range(0, 12, every))
        for step in run.steps:
            np.testing.assert_array_equal(
                run.state(step)["encoder.bias"], module.states[step]["encoder.bias"]
            )
            np.testing.assert_array_equal(run.batch(step).inputs, module.batches[step][0])
        losses = np.stack([run.losses["loss"], run.losses["loss-1"]], 1)
        assert run.losses.keys() == {"loss", "loss-1"}
        for row, step in zip(losses, run.steps, strict=True):
            np.testing.assert_allclose(row[step % 2], module.losses[step], rtol=1e-6)
            assert np.isnan(row[1 - step % 2])
        # The first optimizer's rate, and those of both groups of the second, which differ from it.
        assert {name: set(rates) for name, rates in run.params.items()} == {
            "lr": {0.1}, "lr-1": {0.2}, "lr-2": {0.2}
        }  # fmt: skip


@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed", "bf16-true"])
def test_other_precisions(fit, small, path, lightning, precision):
    class Silent(small):
        def log_what(self, loss, batch_idx):
            pass

    options = {"precision": precision}
    if precision == "16-mixed":
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        plugin = lightning.plugins.MixedPrecision("16-mixed", "cpu", scaler=scaler)
        options = {"plugins": [plugin]}
    module = Silent()
    fit(module, **options)
    with open_run(path) as run:
        np.testing.assert_allclose(run.losses["loss"], module.losses, rtol=1e-3)
        assert len(run) == 6
        assert run.state(0)["encoder.weight"].dtype == np.float32
        assert run.batch(5).inputs.dtype == np.float32


@pytest.mark.parametrize("error", [ZeroDivisionError("a fault"), KeyboardInterrupt()])
def test_a_training_that_ends_early_leaves_a_whole_archive(fit, small, path, error):
    before = signal.getsignal(signal.SIGINT)
    module = small(fails_at=4, error=error)
    try:
        # Lightning ends the program when it is interrupted.
        with pytest.raises(type(error) if isinstance(error, Exception) else SystemExit):
            fit(module)
    finally:
        signal.signal(signal.SIGINT, before)
    module.states.pop()  # before that update, there was the error
    with open_run(path) as run:
        check_states(run, module)
    assert [file.name for file in path.parent.iterdir()] == ["run.npz"]


def test_what_a_failed_training_had_begun_is_not_the_next_one_s(fit, small, path):
    from latentviz.adapters.lightning import RecorderCallback

    recording = RecorderCallback(path, layer="encoder", probe=X, overwrite=True)
    with pytest.raises(ZeroDivisionError):
        fit(small(3, ZeroDivisionError()), recorder=recording, accumulate_grad_batches=2)
    module = small()
    fit(module, recorder=recording, accumulate_grad_batches=2)
    with open_run(path) as run:
        assert [len(run.batch(step).inputs) for step in range(3)] == [10] * 3
        means = np.reshape(module.losses, (-1, 2)).mean(1)
        np.testing.assert_allclose(run.losses["train/loss"], means, rtol=1e-6)


def test_a_training_that_fails_at_once_leaves_nothing(fit, small, path):
    with pytest.raises(ZeroDivisionError):
        fit(small(fails_at=0, error=ZeroDivisionError()))
    assert list(path.parent.iterdir()) == []


def test_a_second_training_needs_another_path(fit, small, path):
    fit(small())
    first = path.read_bytes()
    with pytest.raises(ArchiveError, match=r"run.npz exists; overwrite it with overwrite=True"):
        fit(small())
    assert path.read_bytes() == first
    module = small()
    fit(module, recorder={"overwrite": True}, n_epochs=2)
    with open_run(path) as run:
        assert len(run) == 12
        check_states(run, module)


def test_a_resumed_training_starts_at_step_0(fit, small, path):
    checkpoint = path.with_name("all.ckpt")
    fit(small()).save_checkpoint(checkpoint)
    module = small()
    trainer = fit(module, recorder={"overwrite": True}, n_epochs=1)
    trainer.fit_loop.max_epochs = 2
    module.states.clear()
    trainer.fit(module, trainer.train_dataloader, ckpt_path=checkpoint)
    assert trainer.global_step == 12
    with open_run(path) as run:
        assert run.steps.tolist() == list(range(6))
        check_states(run, module)


class Rows(torch.utils.data.Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def test_batches_by_name_and_of_several_labels(fit, small, path):
    class Named(small):
        def loss(self, batch):
            return self(batch["x"]).square().mean()

    fit(Named(), data=Rows([{"x": x, "inside": i} for x, i in zip(X, INSIDE, strict=True)]))
    with open_run(path) as run:
        np.testing.assert_array_equal(run.batch(1).inputs["x"], X[5:10])
        np.testing.assert_array_equal(run.batch(1).inputs["inside"], INSIDE[5:10])

    class Three(small):
        def loss(self, batch):
            return self(batch[0]).square().mean()

    fit(Three(), data=(X, INSIDE, X), recorder={"overwrite": True})
    with open_run(path) as run:
        assert run.batch(1).labels.keys() == {"target", "target-1"}
        np.testing.assert_array_equal(run.batch(1).labels["target-1"], X[5:10])

    class Alone(small):
        def loss(self, batch):
            return self(batch).square().mean()

    fit(Alone(), data=Rows(X), recorder={"overwrite": True})
    with open_run(path) as run:
        np.testing.assert_array_equal(run.batch(1).inputs, X[5:10])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [torch.ones(4)] * 5 + [torch.ones(4, 1)] * 5,
            r"on: the batch was 2-dimensional float32 and is now 3-dimensional float32",
        ),
        ([torch.ones(4)] * 5 + [torch.ones(4).int()] * 5, r"float32 and is now 2-.* int32"),
        ([{"x": torch.ones(4), "name": "a"}] * 5, r"input 'name' must be a tensor .* got list"),
        ([((torch.ones(4), torch.ones(4)), 0)] * 5, r"the batch must be a tensor .* got list"),
        (
            [{"x": torch.ones(4)}] * 5 + [{"x": torch.ones(4), "y": torch.ones(4)}] * 5,
            r"input 'y' was missing and is now 2-dimensional float32",
        ),
    ],
)
def test_batches_that_cannot_be_recorded(fit, small, path, rows, said):
    class Any(small):
        def loss(self, batch):
            return self(X).square().mean()

    with pytest.warns(
        RecordingWarning, match=f"{said}.*; all else is, and batches=False"
    ) as caught:
        fit(Any(), data=Rows([*rows, *rows]))
    assert [w.category for w in caught].count(RecordingWarning) == 1
    with open_run(path) as run:
        assert len(run) == 2 * len(rows) // 5
        assert len(run.losses["train/loss"]) == len(run)
    fit(Any(), data=Rows(rows), recorder={"batches": False, "overwrite": True})
    with open_run(path) as run:
        assert len(run) == len(rows) // 5
        with pytest.raises(ArchiveError, match="step 0 has no batch"):
            run.batch(0)


@pytest.mark.parametrize("every", [1, 4])
def test_validations_stand_at_the_state_that_they_validated(fit, small, path, invoke, every):
    class Validated(small):
        def __init__(self):
            super().__init__()
            self.validated = []

        def val_dataloader(self):
            return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, INSIDE), 10)

        def log_what(self, loss, batch_idx):
            self.log("loss", loss)
            self.log("top1_acc", batch_idx / 10)
            self.log("kl", 2 * loss)
            self.log("epochs", loss, on_step=False, on_epoch=True)

        def validation_step(self, batch, batch_idx):
            loss = self.loss(batch)
            self.log("loss", loss)
            self.log("val_acc", loss / 3, on_step=True, on_epoch=True)
            self.validated.append(loss.item())

        def on_validation_epoch_end(self):
            self.log("val/κ", len(self.states))

    module = Validated()
    with pytest.warns(RecordingWarning) as caught:
        fit(module, n_epochs=2, val_check_interval=3, recorder={"every": every})
    said = [str(w.message) for w in caught if w.category is RecordingWarning]
    assert said == ["'loss' names another in this run, so it is recorded as 'loss_'"]
    validated = np.reshape(module.validated[2:], (-1, 3)).mean(1)  # after 2 of a sanity check
    assert len(validated) == 4
    # After updates 3, 6 and 9, and the last after all of them.
    at = [3, 6, 9] if every == 1 else [4, 8]
    which = [0, 1, 2] if every == 1 else [0, 1]
    with open_run(path) as run:
        assert run.losses.keys() == {"loss", "kl", "loss_", "epochs"}
        assert run.metrics.keys() == {"top1_acc", "val_acc", "val/κ"}
        assert np.isfinite(run.losses["kl"]).all()
        for curve, expected in (
            (run.losses["loss_"], validated),
            (run.metrics["val_acc"], validated / 3),
            (run.metrics["val/κ"], [3, 6, 9, 12]),
        ):
            assert run.steps[np.isfinite(curve)].tolist() == at
            np.testing.assert_allclose(
                curve[np.isfinite(curve)], np.array(expected)[which], rtol=1e-6
            )
    with ArchiveReader(path) as reader:
        assert reader.read("final/metrics/val/κ") == 12
        np.testing.assert_allclose(reader.read("final/losses/loss_"), validated[-1], rtol=1e-6)
    assert "val_acc" in invoke("info", path).output
    invoke("frame", path, "-o", path.with_suffix(".png"), "--dims", "0,1", "--size", "640x360")


def test_metrics_alone_leave_the_loss_that_was_back_propagated(fit, small, path):
    class Measured(small):
        def log_what(self, loss, batch_idx):
            self.log("f1", 0.5)

    module = Measured()
    fit(module)
    with open_run(path) as run:
        assert run.metrics["f1"].tolist() == [0.5] * 6
        np.testing.assert_allclose(run.losses["loss"], module.losses, rtol=1e-6)


def test_an_exception_keeps_the_last_validation(fit, small, path):
    class Validated(small):
        def val_dataloader(self):
            return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, INSIDE))

        def validation_step(self, batch, batch_idx):
            self.log("val_loss", 3.0)

    module = Validated(fails_at=3, error=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        fit(module, val_check_interval=3)
    with open_run(path) as run:
        assert len(run) == 3
    with ArchiveReader(path) as reader:
        assert reader.read("final/losses/val_loss") == 3.0


@pytest.mark.parametrize(
    ("name", "in_training", "in_evaluation"),
    [
        ("train_loss", False, False),
        ("score_loss", False, False),
        ("recon", False, True),
        ("β·KL", False, True),
        ("acc", True, True),
        ("valid/Accuracy", True, True),
        ("macro-F1", True, True),
        ("top5_acc1", True, True),
        ("mIoU", True, True),
        ("r2", True, True),
        ("separate", False, True),
        ("accumulated", False, True),
        ("perplexity", False, True),
    ],
)
def test_what_a_metric_is(name, in_training, in_evaluation):
    assert is_metric(name, None, evaluated=False) is in_training
    assert is_metric(name, None, evaluated=True) is in_evaluation
    assert is_metric(name, [name[:2] + "*"], evaluated=False)
    assert is_metric(name, ["other*"], evaluated=False) is in_training
    assert is_metric(name, ["other*"], evaluated=True) is in_evaluation
    assert not is_metric(name, [], evaluated=True)


@pytest.mark.parametrize(
    ("metrics", "found"),
    [("ra*", {"rare", "top1_acc"}), (["train/*", "rare"], {"train/loss", "rare", "top1_acc"}),
     (None, {"top1_acc"}), ([], set())],
)  # fmt: skip
def test_metrics_are_named_by_pattern(fit, small, path, metrics, found):
    class Accurate(small):
        def log_what(self, loss, batch_idx):
            super().log_what(loss, batch_idx)
            self.log("top1_acc", 0.5)

    fit(Accurate(), recorder={"metrics": metrics})
    with open_run(path) as run:
        assert run.metrics.keys() == found
        logged = {"train/loss", "rare", "top1_acc"}
        assert run.losses.keys() - {"loss"} == logged - found


@pytest.mark.parametrize("accumulate", [1, 2])
def test_batches_that_differ_in_shape(fit, small, path, accumulate):
    class Any(small):
        def loss(self, batch):
            self.given.append(batch)
            return self(X).square().mean()

    module = Any()
    module.given = []
    lengths = [5, 3, 3, 7, 2, 2]
    rows = [(torch.rand(n, 2), torch.ones(n)) for n in lengths for _ in range(5)]
    with warnings.catch_warnings():
        warnings.simplefilter("error", RecordingWarning)
        fit(module, data=Rows(rows), accumulate_grad_batches=accumulate)
    with open_run(path) as run:
        assert len(run) == 6 / accumulate
        for step in run.steps:
            parts = module.given[step * accumulate : (step + 1) * accumulate]
            longest = max(x.shape[1] for x, _ in parts)
            batch = run.batch(step)
            for part, read in ((0, batch.inputs), (1, batch.labels["target"])):
                expected = np.zeros((5 * accumulate, longest, 2)[: read.ndim], np.float32)
                for i, given in enumerate(parts):
                    array = given[part].numpy()
                    expected[5 * i : 5 * i + 5, : array.shape[1]] = array
                np.testing.assert_array_equal(read, expected, strict=True)


def test_batches_of_unequal_parts(fit, small):
    class Any(small):
        def loss(self, batch):
            return self(X).square().mean()

    rows = Rows([(torch.ones(5, 4), torch.ones(3))])
    loader_of_one = {"data": rows, "batch_size": None}
    with pytest.warns(RecordingWarning, match="got the batch 5, label 'target' 3; all else is"):
        fit(Any(), **loader_of_one)


def test_what_forward_logs_and_asks_of_the_trainer(fit, small, path):
    class Asking(small):
        def forward(self, x):
            self.log("passes", self.trainer.global_step)
            return super().forward(x) + self.current_epoch

        def log_what(self, loss, batch_idx):
            pass

    module = Asking()
    fit(module, n_epochs=2)
    with open_run(path) as run:
        # The probe's own passes log nothing.
        assert run.losses["passes"].tolist() == list(range(12))
        assert run.latents().shape == (12, 30, 3)


def test_an_update_of_lbfgs_is_one_step(fit, small, path):
    class Evaluating(small):
        def configure_optimizers(self):
            return torch.optim.LBFGS(self.parameters(), lr=0.1, max_iter=4)

        def log_what(self, loss, batch_idx):
            pass

    module = Evaluating()
    trainer = fit(module, n_epochs=2)
    with open_run(path) as run:
        assert len(run) == trainer.global_step == 12
        check_states(run, module)
        assert len(module.losses) > 12
        assert set(run.losses["loss"].astype(np.float32)) <= set(np.float32(module.losses))
        assert run.losses["loss"][0] == pytest.approx(module.losses[0])


def test_only_the_first_process_records(fit, small, path, lightning, monkeypatch):
    monkeypatch.setattr(lightning.Trainer, "is_global_zero", False)
    fit(small())
    assert list(path.parent.iterdir()) == []


def test_a_sharded_model_is_refused(fit, small, path):
    from torch import distributed as dist
    from torch.distributed.fsdp import fully_shard

    module = small()
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        fully_shard(module.encoder, mesh=dist.init_device_mesh("cpu", (1,)))
        with pytest.raises(OptionError, match=r"parameters are sharded .* under DDP"):
            fit(module)
    finally:
        dist.destroy_process_group()
    assert list(path.parent.iterdir()) == []


def test_options_are_the_recorders_own():
    from latentviz.adapters.lightning import RecorderCallback

    with pytest.raises(TypeError, match="'layr'"):
        RecorderCallback("run.npz", layer="encoder", layr="head")


def test_a_layer_that_is_not_there_is_found_before_the_first_step(fit, small, path):
    module = small()
    with pytest.raises(ModelError, match=r"no layer 'code'; its layers are: encoder, head"):
        fit(module, recorder={"layer": "code"})
    assert module.states == []
    assert list(path.parent.iterdir()) == []


def test_a_training_without_an_update(fit, small, path):
    class Idle(small):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False

        def training_step(self, batch, batch_idx):
            pass

    with pytest.warns(RecordingWarning, match=r"no update, so .*run.npz was not recorded"):
        fit(Idle())
    assert list(path.parent.iterdir()) == []


def test_without_lightning(monkeypatch):
    monkeypatch.delitem(sys.modules, "latentviz.adapters.lightning", raising=False)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    with pytest.raises(
        ImportError, match=r'needs Lightning .*pip install "latentviz\[lightning\]"'
    ):
        import latentviz.adapters.lightning  # noqa: F401 - it is the import that must fail


def test_classes_and_names_of_points(fit, small, path):
    names = [f"p{n}" for n in range(len(X))]
    marks = {"colors": None, "classes": INSIDE, "class_names": ["out", "in"], "point_names": names}
    fit(small(), recorder=marks)
    with open_run(path) as run:
        assert run.classes.tolist() == INSIDE.long().tolist()
        assert (run.class_names, run.point_names) == (("out", "in"), tuple(names))


def test_columns_of_a_weight_without_a_layer(fit, small, path):
    none = {"layer": None, "probe": None, "colors": None}
    fit(small(), recorder=none | {"points": "columns:encoder.weight"})
    with open_run(path) as run:
        assert run.points == "columns:encoder.weight"
        np.testing.assert_array_equal(run.latents(0), run.state(0)["encoder.weight"].T)
