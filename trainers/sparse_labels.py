"""Experiment "sparse labels": a few weak, noisy labels shape a whole latent space."""

from __future__ import annotations

from . import dopesheet
from .data import LabelKind, sparse_color_data
from .dopesheet import Dopesheet
from .experiment import Experiment
from .models import ColorMLP
from .regularizers import Anchor, Planar, Regularizer, Separate, Unitarity

LAYER = "encoder"

REGULARIZERS = (
    Regularizer("reg-polar", Anchor((1.0, 0.0, 0.0, 0.0)), {"red": 1.0}),
    Regularizer("reg-separate", Separate(power=10, shift=False)),
    Regularizer("reg-planar", Planar(), {"vibrant": 1.0}),
    Regularizer("reg-norm-v", Unitarity(), {"vibrant": 1.0}),
    Regularizer("reg-norm", Unitarity()),
)


def shipped_dopesheet() -> Dopesheet:
    """The experiment's own schedule, 10,001 steps."""
    return dopesheet.shipped_dopesheet("sparse-labels")


def experiment(*, labels: LabelKind) -> Experiment:
    """The experiment, its labels probabilities or drawn."""
    return Experiment(
        model=ColorMLP,
        model_name="color-mlp",
        layer=LAYER,
        data=sparse_color_data(),
        labels=labels,
        regularizers=REGULARIZERS,
    )
