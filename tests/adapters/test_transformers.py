"""A real Hugging Face ``Trainer``'s training, recorded: what is read back is what it had."""

import copy
import gc
import pickle
import sys
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn

from latentviz import RecordingWarning, open_run
from latentviz.archive import ArchiveReader
from latentviz.archive import schema as s
from latentviz.errors import ArchiveError, OptionError

pytestmark = [
    pytest.mark.skipif(
        find_spec("transformers") is None or find_spec("accelerate") is None,
        reason='Transformers or Accelerate is not installed: pip install ".[transformers]"',
    ),
    pytest.mark.usefixtures("one_torch_thread"),
]

WORDS, LENGTH = 12, 6
IDS = torch.randint(0, WORDS, (24, LENGTH), generator=torch.Generator().manual_seed(0))
MASK = (torch.arange(LENGTH) < 2 + torch.arange(24)[:, None] % 5).long()
LABELS = (IDS[:, 0] < WORDS / 2).long()
ROWS = [
    {"input_ids": ids, "attention_mask": mask, "labels": label}
    for ids, mask, label in zip(IDS, MASK, LABELS, strict=True)
]
PROBE = {"input_ids": IDS, "attention_mask": MASK}


@pytest.fixture(scope="module")
def hf():
    import transformers

    return transformers


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


@pytest.fixture
def bert(hf):
    """A BERT of a few hundred weights, as good as any other."""
    torch.manual_seed(0)
    config = hf.BertConfig(
        vocab_size=WORDS, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=LENGTH,
    )  # fmt: skip
    return hf.BertForSequenceClassification(config)


class Own(nn.Module):
    """A model of one's own, which takes no other arguments, and answers in a tuple."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(WORDS, 8)
        self.pooled = nn.Linear(8, 3)
        self.output = nn.Linear(3, 2)

    def forward(self, input_ids, attention_mask, labels=None):
        x = self.embedding(input_ids) * attention_mask[:, :, None]
        logits = self.output(self.pooled(x.sum(1) / attention_mask.sum(1, keepdim=True)))
        if labels is None:
            return (logits,)
        return nn.functional.cross_entropy(logits, labels), logits


def copied(model):
    return {name: tensor.detach().clone().numpy() for name, tensor in model.state_dict().items()}


@pytest.fixture
def trained(hf, path):
    """A `Trainer` which keeps what each of its updates was made from, and records it."""
    from latentviz.adapters.transformers import RecorderCallback

    class Witness(hf.TrainerCallback):
        def __init__(self):
            self.states, self.rates, self.losses, self.batches = [], [], [[]], [[]]

        def on_pre_optimizer_step(self, args, state, control, **kwargs):
            self.states.append(copied(kwargs["model"]))
            self.rates.append([group["lr"] for group in kwargs["optimizer"].param_groups])
            self.losses.append([])
            self.batches.append([])

    class Watched(hf.Trainer):
        def training_step(self, model, inputs, *args):
            self.witness.batches[-1].append(dict(inputs))
            loss = super().training_step(model, inputs, *args)
            self.witness.losses[-1].append(loss.item())
            return loss

    def make(model, *, rows=ROWS, recorder=None, callbacks=(), trainer=None, **arguments):
        layer = "bert.pooler" if hasattr(model, "bert") else "pooled"
        recorder = {"layer": layer, "probe": PROBE, "colors": LABELS} | (recorder or {})
        arguments = {"max_steps": 6, "per_device_train_batch_size": 4} | arguments
        quiet = {"report_to": "none", "save_strategy": "no", "disable_tqdm": True}
        recording = RecorderCallback(path, **recorder)
        made = Watched(
            model,
            hf.TrainingArguments(path.parent / "out", use_cpu=True, **(quiet | arguments)),
            train_dataset=rows,
            eval_dataset=rows,
            callbacks=[*callbacks, recording, witness := Witness()],
            **(trainer or {}),
        )
        made.recorder, made.witness = recording, witness
        return made

    return make


@pytest.fixture(autouse=True)
def _quiet(hf, monkeypatch):
    monkeypatch.setattr(hf.trainer_callback.PrinterCallback, "on_log", lambda *_, **__: None)


def check_states(run, witness, model):
    assert len(run) == len(witness.states)
    for step, state in enumerate([*witness.states, copied(model)]):
        read = run.state(step if step < len(run) else None)
        assert read.keys() == state.keys()
        for name, array in state.items():
            np.testing.assert_array_equal(read[name], array, strict=True)


@pytest.mark.parametrize("accumulate", [1, 4])
@pytest.mark.parametrize("kind", ["bert", "own"])
def test_a_step_is_what_an_update_was_made_from(trained, bert, path, invoke, kind, accumulate):
    model = bert if kind == "bert" else Own()
    trainer = trained(
        model, gradient_accumulation_steps=accumulate, eval_strategy="steps", eval_steps=2
    )
    trainer.train()
    witness = trainer.witness
    with open_run(path) as run:
        assert run.steps.tolist() == list(range(6))
        check_states(run, witness, model)
        np.testing.assert_array_equal(run.params["lr"], [rates[0] for rates in witness.rates])
        assert run.params.keys() == {"lr"}
        assert len(set(run.params["lr"])) == 6
        losses = [sum(losses) for losses in witness.losses[:-1]]
        np.testing.assert_allclose(run.losses["loss"], losses, rtol=1e-6)
        for step in range(6):
            parts = witness.batches[step]
            # An epoch has six micro-batches, and the last update is made of what is left.
            assert len(parts) == (1 if accumulate == 1 else [4, 2][step % 2])
            batch = run.batch(step)
            assert batch.labels.keys() == {"labels"}
            read = {**batch.inputs, **batch.labels}
            assert read.keys() == ROWS[0].keys()
            for name, array in read.items():
                np.testing.assert_array_equal(array, torch.cat([part[name] for part in parts]))
    invoke("frame", path, "-o", path.with_suffix(".png"), "--dims", "0,1", "--size", "320x180")
    assert path.with_suffix(".png").stat().st_size > 1000


def test_training_and_copies_are_none_the_wiser(trained, hf, bert, path):
    class Copying(hf.TrainerCallback):
        """As one that averages weights does, or one that saves the whole model."""

        def on_step_end(self, args, state, control, model, **kwargs):
            if state.global_step == 2:
                self.copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
            elif state.global_step == 3:
                with torch.random.fork_rng():
                    for each in self.copies:  # what is done with them is not recorded
                        each.train()(**PROBE, labels=LABELS)

    copying = Copying()
    other = copy.deepcopy(bert)
    before = set(vars(bert))
    trained(bert, callbacks=[copying]).train()
    assert not bert._forward_hooks
    with open_run(path) as run:
        assert [len(run.batch(step).inputs["input_ids"]) for step in range(6)] == [4] * 6
    plain = trained(other, recorder={"overwrite": True})
    plain.pop_callback(plain.recorder)
    plain.train()
    assert set(vars(bert)) - before == set(vars(other)) - before
    for name, array in copied(other).items():
        np.testing.assert_array_equal(copied(bert)[name], array)


def test_every_nth_update_and_rates_that_part(trained, path):
    model = Own()
    optimizer = torch.optim.SGD(
        [{"params": model.pooled.parameters()}, {"params": model.output.parameters()}], 0.1
    )
    # Alike at first, as in a warm-up.
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, [lambda n: 1.0, lambda n: 1.0 if n in (0, 1, 4) else 0.5]
    )
    trainer = trained(model, recorder={"every": 2}, trainer={"optimizers": (optimizer, schedule)})
    trainer.train()
    with open_run(path) as run:
        assert run.steps.tolist() == [0, 2, 4]
        np.testing.assert_array_equal(run.params["lr"], [0.1] * 3)
        np.testing.assert_array_equal(run.params["lr-1"], [np.nan, 0.05, 0.1])
        losses = [losses for (losses,) in trainer.witness.losses[:-1]]
        np.testing.assert_allclose(run.losses["loss"], losses[::2], rtol=1e-6)
        for step in run.steps:
            (part,) = trainer.witness.batches[step]
            np.testing.assert_array_equal(run.batch(step).inputs["input_ids"], part["input_ids"])


def test_mixed_precision(trained, bert, path):
    trainer = trained(bert, bf16=True)
    trainer.train()
    with open_run(path) as run:
        check_states(run, trainer.witness, bert)
        losses = [losses for (losses,) in trainer.witness.losses[:-1]]
        np.testing.assert_allclose(run.losses["loss"], losses, rtol=1e-6)


def test_a_model_that_is_called_by_position(trained, path):
    model = Own()
    trainer = trained(
        model, trainer={"compute_loss_func": lambda outputs, labels, **_: outputs[0].mean()}
    )
    compute = trainer.compute_loss

    def by_position(model, inputs, **kwargs):
        return compute(lambda **named: model(*named.values()), inputs, **kwargs)

    trainer.compute_loss = by_position
    trainer.train()
    with open_run(path) as run:
        assert run.batch(0).inputs.keys() == {"input_ids", "attention_mask"}
        assert run.batch(0).labels.keys() == {"labels"}
        losses = [losses for (losses,) in trainer.witness.losses[:-1]]
        np.testing.assert_allclose(run.losses["loss"], losses, rtol=1e-6)


def test_the_last_state_is_not_the_best_one(trained, path):
    model = Own()
    trainer = trained(
        model,
        metric_for_best_model="eval_loss", greater_is_better=True,  # so the first is the best
        save_strategy="steps", eval_strategy="steps", save_steps=2, eval_steps=2,
        load_best_model_at_end=True, learning_rate=0.1,
    )  # fmt: skip
    trainer.train()
    with open_run(path) as run:
        assert not np.array_equal(run.state()["output.bias"], copied(model)["output.bias"])
        assert not np.array_equal(run.state()["output.bias"], run.state(5)["output.bias"])


def interrupted(trained, hf, model, **options):
    class Fails(hf.TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 4:
                raise KeyboardInterrupt

    trainer = trained(model, callbacks=[Fails()], **options)
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    return trainer


def test_an_interrupted_training_is_closed_by_hand(trained, hf, path):
    model = Own()
    trainer = interrupted(trained, hf, model)
    assert not path.exists()
    assert "training_step" in vars(trainer)
    trainer.recorder.close()
    trainer.recorder.close()
    assert not model._forward_hooks
    assert "training_step" not in vars(trainer)
    with open_run(path) as run:
        check_states(run, trainer.witness, model)


def test_an_interrupted_training_is_closed_when_its_callback_is_gone(trained, hf, path):
    model = Own()
    witness = interrupted(trained, hf, model).witness
    gc.collect()
    assert not model._forward_hooks
    with open_run(path) as run:
        check_states(run, witness, model)


def test_an_interrupted_training_is_closed_by_the_next(trained, hf, path):
    trainer = interrupted(trained, hf, Own())
    with pytest.raises(ArchiveError, match=r"run.npz exists; overwrite it with overwrite=True"):
        trainer.train()
    with open_run(path) as run:
        assert len(run) == 4


def test_a_second_training_and_a_resumed_one_start_at_step_0(trained, path):
    model = Own()
    first = trained(model, save_strategy="steps", save_steps=4)
    first.train()
    second = trained(model, recorder={"overwrite": True})
    second.train(resume_from_checkpoint=str(path.parent / "out" / "checkpoint-4"))
    with open_run(path) as run:
        assert run.steps.tolist() == [0, 1]
        check_states(run, second.witness, model)
        np.testing.assert_array_equal(
            run.state(0)["output.bias"], first.witness.states[4]["output.bias"]
        )
    path.unlink()
    third = trained(model)
    with pytest.warns(RecordingWarning, match=r"no update, so .*run.npz was not recorded"):
        third.train(resume_from_checkpoint=str(path.parent / "out" / "checkpoint-6"))
    assert not list(path.parent.glob("run*"))


def measured(answers):
    """Metrics as a user computes them; what is no number is left out."""
    right = answers.predictions.argmax(1) == answers.label_ids
    return {"accuracy": right.mean(), "kappa": np.float32(right.sum()), "notes": "fine"}


@pytest.mark.parametrize("every", [1, 4])
def test_evaluations_stand_at_the_state_that_they_evaluated(trained, hf, path, invoke, every):
    class Keeping(hf.TrainerCallback):
        def on_evaluate(self, args, state, control, metrics, **kwargs):
            kept[state.global_step] = metrics

    kept = {}
    trainer = trained(
        Own(), callbacks=[Keeping()], recorder={"every": every},
        trainer={"compute_metrics": measured}, eval_strategy="steps", eval_steps=3,
        eval_on_start=True, label_names=["labels"],
    )  # fmt: skip
    trainer.train()
    trainer.evaluate()  # which is after the training
    assert kept.keys() == {0, 3, 6}
    # The last is of the state after the last update.
    at = {0: 0, 3: 3 if every == 1 else 4}
    with open_run(path) as run:
        assert run.losses.keys() == {"loss", "eval_loss"}
        assert run.metrics.keys() == {"eval_accuracy", "eval_kappa"}
        for name, curve in {**run.losses, **run.metrics}.items():
            if name == "loss":
                continue
            assert set(run.steps[np.isfinite(curve)]) == set(at.values())
            for step, recorded in at.items():
                assert curve[run.index_of(recorded)] == kept[step][name]
        if every == 1:
            for k, state in ((3, run.state(3)), (6, run.state())):
                model = Own().eval()
                model.load_state_dict({n: torch.tensor(array) for n, array in state.items()})
                with torch.no_grad():
                    losses = [model(**torch.utils.data.default_collate(ROWS))[0].item()]
                np.testing.assert_allclose(kept[k]["eval_loss"], losses[0], rtol=1e-5)
    with ArchiveReader(path) as reader:
        names = {n: s.parse_name(n) for n in reader.members}
        final = {n: reader.read(n).item() for n, name in names.items()
                 if name.group == s.FINAL and name.kind in s.CURVES}  # fmt: skip
    assert final == {
        "final/losses/eval_loss": kept[6]["eval_loss"],
        "final/metrics/eval_accuracy": kept[6]["eval_accuracy"],
        "final/metrics/eval_kappa": kept[6]["eval_kappa"],
    }
    assert "eval_accuracy" in invoke("info", path).output
    invoke("frame", path, "-o", path.with_suffix(".png"), "--dims", "0,1", "--size", "640x360")


def by_length(rows):
    """A batch of rows, padded to the longest of its own, as a text collator does."""
    length = max(int(row["attention_mask"].sum()) for row in rows)
    stacked = torch.utils.data.default_collate(rows)
    return {k: v if k == "labels" else v[:, :length] for k, v in stacked.items()}


@pytest.mark.parametrize("accumulate", [1, 3])
def test_sequences_padded_to_the_longest_of_their_batch(trained, path, invoke, accumulate):
    rows = sorted(ROWS, key=lambda row: int(row["attention_mask"].sum()))
    trainer = trained(
        Own(), rows=rows, trainer={"data_collator": by_length},
        gradient_accumulation_steps=accumulate,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error", RecordingWarning)
        trainer.train()
    witness = trainer.witness
    with open_run(path) as run:
        check_states(run, witness, trainer.model)
        losses = [sum(losses) for losses in witness.losses[:-1]]
        np.testing.assert_allclose(run.losses["loss"], losses, rtol=1e-6)
        lengths = set()
        for step, parts in enumerate(witness.batches[:-1]):
            longest = max(part["input_ids"].shape[1] for part in parts)
            for name in ("input_ids", "attention_mask"):
                padded = [
                    nn.functional.pad(part[name], (0, longest - part[name].shape[1]))
                    for part in parts
                ]
                np.testing.assert_array_equal(run.batch(step).inputs[name], torch.cat(padded))
            lengths |= {part["input_ids"].shape[1] for part in parts}
        assert len(lengths) > 1
    assert "steps:      6 (0 to 5)" in invoke("info", path).output
    invoke("frame", path, "-o", path.with_suffix(".png"), "--dims", "0,1", "--size", "320x180")


def test_without_batches(trained, path):
    trainer = trained(Own(), recorder={"batches": False})
    trainer.train()
    with open_run(path) as run:
        check_states(run, trainer.witness, trainer.model)
        assert run.losses.keys() == {"loss"}
        with pytest.raises(ArchiveError, match="step 0 has no batch"):
            run.batch(0)


def weighted(outputs, labels, num_items_in_batch=None):
    return nn.functional.cross_entropy(outputs["logits"], labels, torch.tensor([1.0, 3.0])) * 7


@pytest.mark.parametrize("accumulate", [1, 4])
@pytest.mark.parametrize("kind", ["smoothed", "of one's own"])
def test_a_loss_that_the_trainer_computes(trained, bert, path, kind, accumulate):
    computed = []

    def keep(model, inputs, return_outputs=False, **kwargs):
        loss, outputs = compute(model, inputs, return_outputs=True, **kwargs)
        if model.training:
            computed.append(loss.item())
        return (loss, outputs) if return_outputs else loss

    smoothed = kind == "smoothed"
    trainer = trained(
        bert, max_steps=4, gradient_accumulation_steps=accumulate,
        label_smoothing_factor=0.2 if smoothed else 0.0,
        trainer={} if smoothed else {"compute_loss_func": weighted},
    )  # fmt: skip
    compute, trainer.compute_loss = trainer.compute_loss, keep
    trainer.train()
    witness = trainer.witness
    losses = [sum(losses) for losses in witness.losses[:-1]]
    if accumulate == 1:  # else it averages some over micro-batches, and adds up others
        np.testing.assert_allclose(losses, computed, rtol=1e-6)
    with open_run(path) as run:
        np.testing.assert_allclose(run.losses["loss"], losses, rtol=1e-6)
        check_states(run, witness, bert)
        for step, parts in enumerate(witness.batches[:-1]):
            labels = torch.cat([part["labels"] for part in parts])
            np.testing.assert_array_equal(run.batch(step).labels["labels"], labels)
    assert "training_step" not in vars(trainer)


def test_a_training_step_of_one_s_own_is_put_back(trained, path):
    trainer = trained(Own())
    step = trainer.training_step

    def doubled(*args):
        return 2 * step(*args)

    trainer.training_step = doubled
    trainer.train()
    assert trainer.training_step is doubled
    with open_run(path) as run:
        losses = [losses for (losses,) in trainer.witness.losses[:-1]]
        np.testing.assert_allclose(run.losses["loss"], 2 * np.array(losses), rtol=1e-6)


def test_a_callback_that_no_trainer_calls(hf, path):
    from latentviz.adapters.transformers import RecorderCallback

    recording = RecorderCallback(path, layer="pooled")
    arguments = hf.TrainingArguments(path.parent / "out", use_cpu=True)
    state = hf.TrainerState()
    state.is_world_process_zero = True
    with pytest.raises(OptionError, match="must be called by a Transformers Trainer"):
        recording.on_train_begin(arguments, state, hf.TrainerControl(), model=Own())
    assert not list(path.parent.glob("run*"))


def test_a_process_with_several_gpus_is_refused(trained, path):
    trainer = trained(Own())
    trainer.args._n_gpu = 2
    with pytest.raises(OptionError, match=r"one process trains on 2 GPUs .* torchrun"):
        trainer.train()
    assert not list(path.parent.glob("run*"))


def test_a_sharded_model_is_refused(trained, path):
    from torch import distributed as dist
    from torch.distributed.fsdp import fully_shard

    model = Own()
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        fully_shard(model.pooled, mesh=dist.init_device_mesh("cpu", (1,)))
        with pytest.raises(OptionError, match=r"parameters are sharded .* under DDP"):
            trained(model).train()
    finally:
        dist.destroy_process_group()
    assert not list(path.parent.glob("run*"))


def test_only_the_first_process_records(trained, hf, path, monkeypatch):
    monkeypatch.setattr(hf.Trainer, "is_world_process_zero", lambda _: False)
    trained(Own()).train()
    assert not list(path.parent.glob("run*"))


def test_without_transformers(monkeypatch):
    monkeypatch.delitem(sys.modules, "latentviz.adapters.transformers", raising=False)
    monkeypatch.setitem(sys.modules, "transformers", None)
    said = r'needs Transformers .*pip install "latentviz\[transformers\]"'
    with pytest.raises(ImportError, match=said):
        import latentviz.adapters.transformers  # noqa: F401 - it is the import that must fail


def test_the_models_own_labels_name_the_classes(trained, bert, path):
    bert.config.id2label = {0: "absent", 1: "there"}
    names = [f"sentence {n}" for n in range(len(PROBE["input_ids"]))]
    options = {"colors": None, "classes": LABELS, "point_names": names}
    trained(bert, recorder=options, max_steps=2).train()
    with open_run(path) as run:
        assert run.class_names == ("absent", "there")
        assert run.classes.tolist() == LABELS.tolist()
        assert run.point_names == tuple(names)


@pytest.mark.parametrize(
    ("labels", "given", "expected"),
    [
        ({0: "LABEL_0", 1: "LABEL_1"}, {"classes": LABELS}, None),  # which the library makes up
        ({0: "a", 2: "b"}, {"classes": LABELS}, None),
        ({0: "a", 1: "b"}, {"classes": LABELS + 5}, None),
        ({0: "a", 1: "b"}, {"classes": LABELS, "class_names": ["x", "y"]}, ("x", "y")),
        ({0: "a", 1: "b"}, {"classes": ["p", *"q" * (len(LABELS) - 1)]}, ("p", "q")),
        ({0: "a", 1: "b"}, {}, None),
    ],
)
def test_labels_that_do_not_name_the_classes(trained, bert, path, labels, given, expected):
    bert.config.id2label = labels
    trained(bert, recorder={"colors": None} | given, max_steps=1).train()
    with open_run(path) as run:
        assert run.class_names == expected


def test_rows_of_an_embedding_without_a_layer(trained, bert, path):
    rows = "rows:bert.embeddings.word_embeddings.weight"
    options = {"layer": None, "probe": None, "colors": None, "points": rows, "states": "*word*"}
    trained(bert, recorder=options, max_steps=2).train()
    with open_run(path) as run:
        assert (run.points, run.layers, run.n_points) == (rows, (), WORDS)
        assert run.final_latents().shape == (WORDS, 8)
