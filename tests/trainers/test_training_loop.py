import weakref
from collections import OrderedDict
from itertools import repeat

import pytest
import torch
from torch import nn

from latentviz.errors import OptionError
from trainers.data import Batch
from trainers.dopesheet import parse_dopesheet
from trainers.events import (
    Action,
    Events,
    PhaseEnd,
    PhaseStart,
    StepMetrics,
    StepStart,
    TermLeftOut,
)
from trainers.loop import infer, latent_tap, train
from trainers.models import ColorMLP
from trainers.regularizers import Planar, Regularizer, Unitarity
from trainers.timeline import Timeline

STEADY = ("STEP,PHASE,ACTION,lr", "0,Train,,0.01", "5,,,")
INPUTS = torch.linspace(0, 1, 12).reshape(4, 3)
LABELS = {"red": torch.tensor([0.0, 1.0, 0.0, 0.0])}


def run(
    *rows: str,
    regularizers=(),
    events=None,
    model=None,
    inputs=INPUTS,
    labels=LABELS,
    layer="encoder",
):
    """Train for as many steps as the sheet has; the model and the metrics of every step."""
    torch.manual_seed(0)
    model = model or ColorMLP()
    events = events or Events()
    metrics: list[StepMetrics] = []
    events.on(StepMetrics, metrics.append)
    last = train(
        model,
        layer=layer,
        timeline=Timeline(parse_dopesheet("\n".join(rows))),
        batches=repeat(Batch(inputs, labels)),
        regularizers=regularizers,
        validation=inputs[:2],
        events=events,
    )
    assert last == metrics[-1].losses
    return model, metrics


def state_of(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_events_come_in_order():
    seen = []
    events = Events()
    events.on(PhaseStart, lambda event: seen.append(f"{event.state.step} start {event.name}"))
    events.on(StepStart, lambda event: seen.append(f"{event.state.step} step"))
    events.on(Action, lambda event: seen.append(f"{event.state.step} {event.name}"))
    events.on(StepMetrics, lambda event: seen.append(f"{event.state.step} metrics"))
    events.on(PhaseEnd, lambda event: seen.append(f"{event.state.step} end {event.name}"))
    run(
        "STEP,PHASE,ACTION,lr",
        "0,Warm-up,,0.01",
        '1,Train,"save,plot",0.01',
        "2,,,",
        events=events,
    )
    assert seen == [
        "0 start Warm-up",
        "0 step",
        "0 metrics",
        "0 end Warm-up",
        "1 start Train",
        "1 step",
        "1 save",
        "1 plot",
        "1 metrics",
        "2 step",
        "2 metrics",
        "2 end Train",
    ]


def test_handlers_can_be_narrowed_down_by_name():
    seen = []
    events = Events()
    events.on(PhaseStart, seen.append, name="Train")
    events.on(PhaseEnd, seen.append, name="Warm-up")
    events.on(Action, seen.append, name="plot")
    run("STEP,PHASE,ACTION,lr", "0,Warm-up,save,0.01", '1,Train,"plot",0.01', events=events)
    assert [(type(event), event.name) for event in seen] == [
        (PhaseEnd, "Warm-up"),
        (PhaseStart, "Train"),
        (Action, "plot"),
    ]


def test_handlers_are_called_in_the_order_in_which_they_came():
    seen = []
    events = Events()
    for name in "abc":
        events.on(StepStart, lambda _, name=name: seen.append(name))
    run("STEP,PHASE,ACTION,lr", "0,,,0.01", events=events)
    assert seen == ["a", "b", "c"]


def test_metrics_come_before_the_update_and_phase_end_after_it():
    states = {}
    events = Events()
    events.on(StepStart, lambda event: states.update(start=state_of(event.model)))
    events.on(StepMetrics, lambda event: states.update(metrics=state_of(event.model)))
    events.on(PhaseEnd, lambda event: states.update(end=state_of(event.model)))
    model, _ = run("STEP,PHASE,ACTION,lr", "0,Train,,0.01", events=events)
    assert same(states["start"], states["metrics"])
    assert not same(states["metrics"], states["end"])
    assert same(states["end"], state_of(model))


def test_the_loss_is_the_sum_of_the_weighted_terms():
    _, metrics = run(
        "STEP,PHASE,ACTION,lr,norm,planar,off",
        "0,Train,,0.01,0.5,2,0",
        regularizers=[
            Regularizer("norm", Unitarity()),
            Regularizer("planar", Planar(), {"red": 1.0}),
            Regularizer("unscheduled", Unitarity(), {"red": 1.0}),
            Regularizer("unmatched", Unitarity(), {"vibrant": 1.0}),
            Regularizer("off", Unitarity()),
        ],
    )
    torch.manual_seed(0)
    model = ColorMLP()
    z = model.encoder(INPUTS)
    recon = (model(INPUTS) - INPUTS).square().mean()
    norm = (z.norm(dim=-1) - 1).square()
    # Only sample 1 is red. The weight is 1 where the schedule has none; "unmatched" has no label
    # and "off" weighs 0, so both are skipped.
    planar = z[1, 2:].square().sum()
    expected = {
        "loss": recon + 0.5 * norm.mean() + 2 * planar + norm[1],
        "recon": recon,
        "norm": norm.mean(),
        "planar": planar,
        "unscheduled": norm[1],
    }
    (event,) = metrics
    assert event.losses == pytest.approx({k: v.item() for k, v in expected.items()}, rel=1e-5)
    assert event.batch is INPUTS
    assert event.labels is LABELS


def test_the_first_update_is_adams():
    # Adam's first step is lr·g/(|g| + 1e-8) in every element.
    model, _ = run("STEP,PHASE,ACTION,lr", "0,,,0.03")
    torch.manual_seed(0)
    before = ColorMLP()
    (before(INPUTS) - INPUTS).square().mean().backward()
    for parameter, other in zip(before.parameters(), model.parameters(), strict=True):
        g = parameter.grad
        torch.testing.assert_close(other, parameter - 0.03 * g / (g.abs() + 1e-8))


def test_the_schedule_sets_the_learning_rate_step_by_step():
    states = []
    events = Events()
    events.on(StepStart, lambda event: states.append(state_of(event.model)))
    run("STEP,PHASE,ACTION,lr::step", "0,,,0", "1,,,0.01", "2,,,", events=events)
    assert same(states[0], states[1])
    assert not same(states[1], states[2])


def test_training_reduces_the_loss():
    _, metrics = run("STEP,PHASE,ACTION,lr", "0,Train,,0.01", "100,,,")
    assert metrics[-1].losses["recon"] < metrics[0].losses["recon"] / 5


def test_phase_end_brings_an_inference_on_the_validation_points():
    ends = []
    events = Events()
    events.on(PhaseEnd, ends.append)
    model, _ = run(*STEADY, events=events)
    (end,) = ends
    validation = end.validation
    assert torch.equal(validation.inputs, INPUTS[:2])
    assert torch.equal(validation.latents, model.encoder(INPUTS[:2]))
    assert torch.equal(validation.outputs, model(INPUTS[:2]))
    assert not validation.latents.requires_grad


def keeps_its_output(layer, inputs):
    """Whether something that hangs on a layer still keeps what it gives."""
    output = weakref.ref(layer(inputs))
    return output() is not None


def test_a_tap_keeps_a_layer_s_output_until_it_is_closed():
    model = ColorMLP()
    with latent_tap(model, "encoder"):
        assert keeps_its_output(model.encoder, INPUTS)
    assert not keeps_its_output(model.encoder, INPUTS)


class Moody(ColorMLP):
    """Answers in training, and only raises an error in evaluation mode."""

    def forward(self, rgb):
        if not self.training:
            raise RuntimeError("not now")
        return super().forward(rgb)


@pytest.mark.parametrize("training", [True, False])
def test_inference_is_in_evaluation_mode_and_leaves_the_model_as_it_was(training):
    model = ColorMLP().train(training)
    assert infer(model, "encoder", INPUTS).outputs.shape == (4, 3)
    assert model.training == training

    model = Moody().train(training)
    with pytest.raises(RuntimeError, match="not now"):
        infer(model, "encoder", INPUTS)
    assert model.training == training
    assert not keeps_its_output(model.encoder, INPUTS)


def test_a_layer_that_is_not_called_is_refused():
    model = ColorMLP()
    model.add_module("spare", nn.Linear(3, 4))
    with pytest.raises(OptionError, match="does not call its latent layer"):
        infer(model, "spare", INPUTS)


def test_latents_come_from_the_named_layer():
    seen = []

    def watch(z):
        seen.append(z)
        return z.square().sum(-1)

    model, _ = run(
        "STEP,PHASE,ACTION,lr",
        "0,,,0",
        regularizers=[Regularizer("r", watch)],
        layer="decoder.0",
    )
    latents = model.encoder(INPUTS)
    assert torch.equal(seen[0], model.decoder[0](latents))
    assert not keeps_its_output(model.decoder[0], latents)


def test_an_unknown_layer_is_refused_with_the_choices():
    message = r"unknown layer 'latent'; this model's are: encoder, encoder\.0, .*decoder"
    with pytest.raises(OptionError, match=message), latent_tap(ColorMLP(), "latent"):
        pass


@pytest.mark.parametrize("name", ["loss", "recon", "twice"])
def test_a_regularizer_needs_a_name_of_its_own(name):
    with pytest.raises(OptionError, match=f"got '{name}' again"):
        run(
            *STEADY,
            regularizers=[Regularizer("twice", Unitarity()), Regularizer(name, Unitarity())],
        )


def not_finite(z):
    """NaN in value and gradient."""
    return (z - z).sum(-1).log() - (z - z).sum(-1).log()


def bad_gradient(z):
    """0 in value; the gradient is infinity times 0."""
    return (z * 0).abs().sum(-1).sqrt()


def overflowing(z):
    """Finite, and its gradient is too large to be squared in float32."""
    return z.sum(-1) * 1e30


@pytest.mark.parametrize("loss", [not_finite, bad_gradient, overflowing])
def test_a_term_that_is_not_finite_is_left_out_and_reported(loss, caplog):
    healthy, expected = run(*STEADY, regularizers=[Regularizer("norm", Unitarity())])
    left_out = []
    events = Events()
    events.on(TermLeftOut, left_out.append)
    model, metrics = run(
        *STEADY,
        regularizers=[Regularizer("bad", loss), Regularizer("norm", Unitarity())],
        events=events,
    )
    assert [(event.name, event.state.step) for event in left_out] == [("bad", k) for k in range(6)]
    # One line for the whole stretch.
    assert caplog.messages == ["bad is not finite at step 0: left out"]
    # As if it had not been there: the records and the weights.
    assert [event.losses for event in metrics] == [event.losses for event in expected]
    assert same(state_of(model), state_of(healthy))
    assert all(tensor.isfinite().all() for tensor in model.state_dict().values())


def test_every_stretch_is_reported(caplog):
    calls = []

    def sometimes(z):
        calls.append(z)
        return z.sum(-1) * (float("nan") if len(calls) in (2, 3, 5) else 0.0)

    _, metrics = run(*STEADY, regularizers=[Regularizer("bad", sometimes)])
    assert caplog.messages == [f"bad is not finite at step {step}: left out" for step in (1, 4)]
    assert ["bad" in event.losses for event in metrics] == [True, False, False, True, False, True]


def test_a_reconstruction_that_is_not_finite_leaves_the_regularizers_to_train_on(caplog):
    model, metrics = run(
        *STEADY,
        regularizers=[Regularizer("norm", Unitarity())],
        # Finite where the encoder looks; NaN comes in after it.
        model=NanDecoder(),
    )
    assert caplog.messages == ["recon is not finite at step 0: left out"]
    assert all(event.losses.keys() == {"loss", "norm"} for event in metrics)
    assert metrics[-1].losses["norm"] < metrics[0].losses["norm"]
    assert all(tensor.isfinite().all() for tensor in model.state_dict().values())


def test_without_any_sound_term_the_weights_stay(caplog):
    model = NanDecoder()
    before = state_of(model)
    _, metrics = run(*STEADY, regularizers=[Regularizer("bad", bad_gradient)], model=model)
    assert same(before, state_of(model))
    assert [event.losses for event in metrics] == [{}] * 6
    assert sorted(caplog.messages) == [
        f"{name} is not finite at step 0: left out" for name in ("bad", "recon")
    ]


class NanDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(3, 4)
        self.decoder = nn.Linear(4, 3)

    def forward(self, rgb):
        return self.decoder(self.encoder(rgb)) * float("nan")


def test_terms_that_only_together_overflow_are_both_left_out():
    # The mean of 1.2e19·(b + ...) has the gradient 1.2e19 for b. Squared that is 1.4e38, below the
    # 3.4e38 that float32 can hold; the square of both terms together, 5.8e38, is above it.
    terms = [Regularizer(name, lambda z: z[:, 0] * 1.2e19) for name in "ab"]
    model = nn.Sequential(OrderedDict(encoder=Bias()))
    before = state_of(model)
    left_out = []
    events = Events()
    events.on(TermLeftOut, left_out.append)
    run("STEP,PHASE,ACTION,lr", "0,,,0.1", regularizers=terms, model=model, events=events)
    # None of them is at fault alone, so the step passes without an update.
    assert {event.name for event in left_out} == {"a", "b", "recon"}
    assert same(before, state_of(model))


class Bias(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, rgb):
        return rgb + self.bias


def test_a_term_that_does_not_depend_on_the_model_is_recorded():
    _, metrics = run(*STEADY, regularizers=[Regularizer("constant", lambda z: torch.ones(len(z)))])
    assert metrics[0].losses["constant"] == 1


def test_frozen_parameters_stay():
    model = ColorMLP()
    model.decoder.requires_grad_(False)
    before = state_of(model)
    run(*STEADY, model=model)
    assert same(before, before | {k: v for k, v in state_of(model).items() if "decoder" in k})
    assert not same(before, state_of(model))
