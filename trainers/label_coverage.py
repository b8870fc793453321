"""Experiment "label coverage": how few labels still shape a latent space?"""

from __future__ import annotations

from . import dopesheet
from .data import coverage_color_data, exactly_labelled_colors, steps_per_epoch
from .dopesheet import Dopesheet
from .events import Events
from .experiment import Experiment
from .models import CNColorMLP
from .regularizers import AngularAnchor, Planar, Regularizer, Separate
from .validation import Validator

LAYER = "bottleneck"

# Where the labels are to bring pure red, and all vibrant colors: to the first axis, and into the
# plane of the first two.
RED_ANCHOR = (1.0, 0.0, 0.0, 0.0)

# reg-separate is not validated: it looks at no labels, so exact ones tell nothing new of it.
REGULARIZERS = (
    Regularizer("reg-anchor", AngularAnchor(RED_ANCHOR), {"red": 1.0}, validated=True),
    Regularizer("reg-separate", Separate(power=100, shift=True)),
    Regularizer("reg-planar", Planar(), {"vibrant": 1.0}, validated=True),
)

# The published schedule has them, and the published experiment no regularizer of that name.
UNUSED = ("reg-anti-anchor", "reg-unit")

VALIDATION_EPOCHS = 10


def shipped_dopesheet() -> Dopesheet:
    """The schedule as published, 1,501 steps."""
    return dopesheet.shipped_dopesheet("label-coverage")


def experiment(*, coverage: float) -> Experiment:
    """The experiment at one label coverage; 1 is the base setting.

    Raises:
        OptionError: ``coverage`` is negative or not finite.
    """
    return Experiment(
        model=CNColorMLP,
        model_name="cn-color-mlp",
        layer=LAYER,
        data=coverage_color_data(coverage),
        labels="hard",
        regularizers=REGULARIZERS,
        unused=UNUSED,
    )


def validate(experiment: Experiment, events: Events) -> None:
    """Have a run of the experiment validated every ten epochs, the first one at once."""
    Validator(
        events,
        layer=experiment.layer,
        points=exactly_labelled_colors(),
        regularizers=experiment.regularizers,
        every=VALIDATION_EPOCHS * steps_per_epoch(experiment.data),
    )
