"""The header of what the user says of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..archive.format import whole_text
from ..archive.schema import Header
from ..archive.values import (
    checked_args,
    checked_keyframes,
    checked_moments,
    checked_seed,
    checked_tokens,
    whole_texts,
)
from ..points import Points


def checked_header(
    *,
    layers: Sequence[str],
    model_name: str | None = None,
    model_args: Mapping[str, Any] | None = None,
    seed: object = None,
    keyframes: object = None,
    phases: object = None,
    actions: object = None,
    states: Sequence[str] | None = None,
    bfloat16: Sequence[str] = (),
    versions: Mapping[str, str] | None = None,
    tokens: object = None,
    class_names: Sequence[str] | None = None,
    points: Points | None = None,
) -> Header:
    """A header of what a user gave, such that reading what is written of it gives the same.

    Whole numbers of any kind (NumPy's, torch's, a float without a fraction) become Python's own,
    and tuples among a model's arguments lists.

    Args:
        layers: The first is the one to draw; none, if only states are recorded.
        model_name: The model's registered name, if it has one.
        model_args: The arguments that go with that.
        seed: The run's seed.
        keyframes: Each property's keyed steps.
        phases: (first step, name) of each.
        actions: (step, name) of each.
        states: The patterns of the tensors recorded, if not all are.
        bfloat16: The tensors whose bits are stored.
        versions: Of what the run was recorded with.
        tokens: How tokens become points, if somebody said.
        class_names: The names that the colors count, if they are classes.
        points: Those to draw, if they are not the first layer's.

    Raises:
        OptionError: Something cannot be converted to what a header holds.
    """
    return Header(
        model_name=None if model_name is None else whole_text(model_name),
        model_args={} if model_name is None else checked_args(model_args or {}),
        layers=whole_texts(layers),
        layer=whole_text(layers[0]) if layers else None,
        seed=checked_seed(seed),
        keyframes=checked_keyframes(keyframes),
        phases=checked_moments("phases", phases),
        actions=checked_moments("actions", actions),
        states=None if states is None else whole_texts(states),
        bfloat16=whole_texts(bfloat16),
        versions=dict(versions or {}),
        tokens=checked_tokens(tokens),
        class_names=None if class_names is None else whole_texts(class_names),
        points=points,
    )
