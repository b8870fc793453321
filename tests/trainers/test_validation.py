import pytest
import torch

from trainers.data import Batch
from trainers.dopesheet import parse_dopesheet
from trainers.events import Events, StepMetrics, Validation
from trainers.loop import train
from trainers.models import CNColorMLP
from trainers.regularizers import Planar, Regularizer
from trainers.timeline import Timeline
from trainers.validation import Validator

POINTS = torch.tensor([[0.0, 0.5, 1.0], [1.0, 0.0, 0.0], [0.25, 0.5, 0.75]])
REGULARIZERS = (
    Regularizer("planar", Planar(), {"vibrant": 1.0}, validated=True),
    Regularizer("red", Planar(), {"red": 1.0}, validated=True),
    Regularizer("all", Planar()),
)


def validations(labels):
    torch.manual_seed(0)
    model = CNColorMLP()
    events = Events()
    seen: list[Validation | StepMetrics] = []
    events.on(Validation, seen.append)
    events.on(StepMetrics, seen.append)
    Validator(
        events,
        layer="bottleneck",
        points=Batch(POINTS, labels),
        regularizers=REGULARIZERS,
        every=2,
    )
    batch = Batch(torch.rand(4, 3), {"vibrant": torch.zeros(4)})
    train(
        model,
        layer="bottleneck",
        timeline=Timeline(parse_dopesheet("STEP,PHASE,ACTION,lr,planar\n0,,,0.01,0\n4,,,,")),
        batches=iter([batch] * 5),
        regularizers=REGULARIZERS,
        validation=POINTS,
        events=events,
    )
    return seen


def test_validation_is_on_every_nth_step_of_the_state_before_its_update():
    labels = {"vibrant": torch.tensor([0.0, 1.0, 0.0])}
    seen = validations(labels)
    order = [(type(event).__name__, event.state.step) for event in seen]
    assert order == [
        ("Validation", 0),
        ("StepMetrics", 0),
        ("StepMetrics", 1),
        ("Validation", 2),
        ("StepMetrics", 2),
        ("StepMetrics", 3),
        ("Validation", 4),
        ("StepMetrics", 4),
    ]
    torch.manual_seed(0)
    model = CNColorMLP().eval()
    z = model.bottleneck(model.encoder(POINTS))
    # By the marked regularizers alone, whatever their weight; "red" matches none of the points.
    assert seen[0].losses == pytest.approx(
        {
            "val-recon": (model(POINTS) - POINTS).square().mean().item(),
            "val-planar": z[1, 2:].square().sum().item(),
        }
    )
    assert seen[3].losses != seen[0].losses


def test_validating_leaves_the_training_as_it_is():
    def losses(seen):
        return [event.losses for event in seen if isinstance(event, StepMetrics)]

    one = losses(validations({"vibrant": torch.ones(3)}))
    assert one == losses(validations({}))
