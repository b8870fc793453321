"""What is recorded, as the arguments of a recorder say it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ..archive import format as f
from ..archive import schema as s
from ..archive.values import checked_tokens
from ..errors import LatentvizError, ModelError, OptionError, RecordingWarning
from ..modules.apart import apart
from ..modules.layers import plain_model
from .cost import CHEAP_BYTES, latent_bytes, states_cost, states_left_out
from .header import checked_header, versions
from .latents import Latents, check_runs_layers, layer_names
from .probe import checked_colors, copied_probe, probe_parts
from .rebuilt import is_rebuilt, usable_name
from .states import ALL, States, state_patterns
from .tensors import Forms, in_brief, to_numpy

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .tensors import Array, Arrays


@dataclass(frozen=True)
class Recorded:
    """What is recorded of a model."""

    states: States
    latents: Latents | None
    """None if they are not recorded."""
    first: Mapping[str, NDArray[Any]]
    """The members that come before all steps: the header and the probe."""

    def final_members(self) -> dict[str, NDArray[Any]]:
        """What the last update made, if it is still the model that was recorded."""
        try:
            self.states.find_anew()
            latents = {} if self.latents is None else self.latents.now()
        except LatentvizError:  # the steps so far are worth keeping without
            return {}
        states = {s.final_member(s.STATES, n): array for n, array in self.states.now().items()}
        return states | {s.final_member(s.LATENTS, n): array for n, array in latents.items()}


def recorded_of(
    model: nn.Module,
    *,
    layer: str | Sequence[str],
    probe: Arrays | None,
    colors: Array | Sequence[str] | None,
    tokens: str | None,
    states: str | Sequence[str],
    latents: bool | str,
    model_name: str | None,
    model_args: Mapping[str, Any] | None,
    **about: object,
) -> Recorded:
    """Check the arguments of `Recorder`, which explains each, and make of them what it records.

    ``about`` are those that only go to the header: seed, keyframes, phases and actions.

    Raises:
        ArchiveError: A name is not one that an archive may hold.
        ModelError: There is no such layer, or the registered model is another one.
        OptionError: The probe and the colors do not fit, a tensor cannot be recorded, or another
            option is out of range.
    """
    _check_types(model, latents, model_name, model_args)
    plain = plain_model(model)
    layers = layer_names(model, plain, layer)
    check_runs_layers(plain, layers)
    checked_tokens(tokens)
    forms = Forms()
    is_auto = states == "auto"
    chosen = States(plain, ALL if is_auto else state_patterns(states), forms)
    points = None if probe is None else copied_probe(probe)
    made = None if points is None else Latents(plain, layers, points, forms, tokens)
    model_args, given_name = dict(model_args or {}), model_name
    with apart():  # whatever a factory draws or seeds
        found = None if made is None else made.first_look()
        model_name = usable_name(plain, given_name, model_args)
        if (
            model_name is not None
            and found is not None
            and not is_rebuilt(plain, model_name, model_args, layers, points, found, tokens)
        ):
            if given_name is not None:
                raise ModelError(
                    f"the model registered as {model_name!r} gives other outputs than the one to "
                    "record; give the model_args= that make it"
                )
            model_name = None
    if is_auto and (state_bytes := chosen.n_bytes) >= CHEAP_BYTES:
        if model_name is None and made is not None and latents is not False:
            warned = states_left_out(state_bytes, latent_bytes(found))
            chosen = States(plain, [], forms)
        else:
            warned = states_cost(state_bytes)
        warnings.warn(warned, RecordingWarning, stacklevel=3)
    # Without the model, or all of its state, nobody can evaluate: then latents are recorded.
    needed = model_name is None or not chosen.are_whole
    if latents is True and made is None:
        raise OptionError("latents=True needs points to record them of; give probe= too")
    of_probe, class_names = _probe_members(points, made, colors, tokens)
    header = checked_header(
        layers=layers,
        model_name=model_name,
        model_args=model_args,
        states=None if chosen.are_whole else chosen.patterns,
        bfloat16=chosen.bfloat16,
        versions=versions(),
        tokens=tokens,
        class_names=class_names,
        **about,
    )
    return Recorded(
        states=chosen,
        latents=made if (needed if latents == "auto" else latents) else None,
        first={s.HEADER: f.json_array(header.to_json())} | of_probe,
    )


def _probe_members(
    points: torch.Tensor | dict[str, torch.Tensor] | None,
    made: Latents | None,
    colors: Array | Sequence[str] | None,
    tokens: str | None,
) -> tuple[dict[str, NDArray[Any]], tuple[str, ...] | None]:
    """The probe's members, and the names of the classes that its colors count.

    Raises:
        OptionError: The colors are not the probe's, or there is no probe to have any.
    """
    if points is None or made is None:
        if colors is not None:
            raise OptionError("colors= are the colors of the probe; give probe= too")
        if tokens is not None:
            raise OptionError("tokens= are those of the probe; give probe= too")
        return {}, None
    inputs = {name: to_numpy(tensor) for name, tensor in probe_parts(points)}
    members = {s.probe_member(name): array for name, array in inputs.items()}
    stored, class_names = checked_colors(inputs, colors, made.token_points)
    if stored is not None:
        members[s.PROBE_COLORS] = stored
    return members, class_names


def _check_types(model: object, latents: object, model_name: object, model_args: object) -> None:
    """Refuse what is of another kind than it must be.

    Raises:
        OptionError: Something is.
    """
    from torch import nn

    if not isinstance(model, nn.Module):
        what = f"the class {model.__name__}" if isinstance(model, type) else in_brief(model)
        raise OptionError(f"model must be an nn.Module, made already, got {what}")
    if latents != "auto" and not isinstance(latents, bool):
        raise OptionError(f'latents must be True, False or "auto", got {in_brief(latents)}')
    if model_name is not None and not isinstance(model_name, str):
        raise OptionError(f"model_name must be a registered name, got {in_brief(model_name)}")
    if model_args is not None and not isinstance(model_args, Mapping):
        raise OptionError(
            "model_args must be arguments by name, such as {'width': 16}, "
            f"got {in_brief(model_args)}"
        )
