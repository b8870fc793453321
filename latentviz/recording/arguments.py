"""What is recorded, as the arguments of a recorder say it."""

from __future__ import annotations

import glob
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ..archive import format as f
from ..archive import schema as s
from ..archive.marks import Marks, checked_marks
from ..archive.values import checked_tokens
from ..archive.versions import versions
from ..errors import LatentvizError, ModelError, OptionError, RecordingWarning
from ..modules.apart import apart
from ..modules.layers import plain_model
from ..points import Points
from .cost import CHEAP_BYTES, latent_bytes, states_cost, states_left_out
from .drawn import drawn_points, drawn_shape
from .header import checked_header
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
    """The members that come before all steps: the header, the probe, and what marks its points."""

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
    layer: str | Sequence[str] | None,
    probe: Arrays | None,
    points: str | None,
    colors: Array | Sequence[str] | None,
    classes: Array | Sequence[str] | None,
    class_names: Sequence[str] | None,
    point_names: Sequence[str] | None,
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
    layers = [] if layer is None else layer_names(model, plain, layer)
    check_runs_layers(plain, layers)
    checked_tokens(tokens)
    forms = Forms()
    is_auto = states == "auto"
    chosen = States(plain, ALL if is_auto else state_patterns(states), forms)
    if probe is not None and not layers:
        raise OptionError("layer must name the layer whose latents of the probe are drawn")
    inputs = None if probe is None else copied_probe(probe)
    made = None if inputs is None else Latents(plain, layers, inputs, forms, tokens)
    shown = None if points is None else drawn_points(points, layers, chosen)
    model_args, given_name = dict(model_args or {}), model_name
    with apart():  # whatever a factory draws or seeds
        found = None if made is None else made.first_look()
        model_name = usable_name(plain, given_name, model_args)
        if (
            model_name is not None
            and found is not None
            and not is_rebuilt(plain, model_name, model_args, layers, inputs, found, tokens)
        ):
            if given_name is not None:
                raise ModelError(
                    f"the model registered as {model_name!r} gives other outputs than the one to "
                    "record; give the model_args= that make it"
                )
            model_name = None
    if is_auto and (state_bytes := chosen.n_bytes) >= CHEAP_BYTES:
        if model_name is None and made is not None and latents is not False:
            kept = [] if shown is None or shown.is_layer else [shown.name]
            warned = states_left_out(state_bytes, latent_bytes(found), kept)
            chosen = States(plain, [*map(glob.escape, kept)], forms)
        else:
            warned = states_cost(state_bytes)
        warnings.warn(warned, RecordingWarning, stacklevel=3)
    # Without the model, or all of its state, nobody can evaluate: then latents are recorded.
    needed = model_name is None or not chosen.are_whole
    if latents is True and made is None:
        raise OptionError("latents=True needs points to record them of; give probe= too")
    marks = _marks(
        inputs, made, shown, chosen, tokens,
        colors=colors, classes=classes, class_names=class_names, point_names=point_names,
    )  # fmt: skip
    header = checked_header(
        layers=layers,
        model_name=model_name,
        model_args=model_args,
        states=None if chosen.are_whole else chosen.patterns,
        bfloat16=chosen.bfloat16,
        versions=versions("latentviz", "torch", "numpy"),
        tokens=tokens,
        class_names=marks.header_names,
        points=shown,
        **about,
    )
    return Recorded(
        states=chosen,
        latents=made if (needed if latents == "auto" else latents) else None,
        first={s.HEADER: f.json_array(header.to_json())} | _inputs(inputs) | marks.members(),
    )


def _inputs(inputs: torch.Tensor | dict[str, torch.Tensor] | None) -> dict[str, NDArray[Any]]:
    """The members that are the probe's inputs."""
    if inputs is None:
        return {}
    return {s.probe_member(name): to_numpy(tensor) for name, tensor in probe_parts(inputs)}


def _marks(
    inputs: torch.Tensor | dict[str, torch.Tensor] | None,
    made: Latents | None,
    shown: Points | None,
    states: States,
    tokens: str | None,
    **given: object,
) -> Marks:
    """The colors, classes and names of the probe's points; without one, of a tensor's.

    Raises:
        OptionError: They are not of so many points, or there are no points to have any.
    """
    if made is not None and inputs is not None:
        arrays = {name: to_numpy(tensor) for name, tensor in probe_parts(inputs)}
        n_points = len(next(iter(arrays.values())))
        if (each := made.token_points) is not None:
            n_points = each.n_points
        looked_at = arrays.get(None)
        spread = None if each is None else each.spread
    else:
        if tokens is not None:
            raise OptionError("tokens= are those of the probe; give probe= too")
        named = [f"{name}=" for name, value in given.items() if value is not None]
        if named and shown is None:
            raise OptionError(
                f"{', '.join(named)} are those of the probe, or of the rows of a tensor; give "
                "probe= too, or points="
            )
        if shown is None:
            return Marks()
        n_points, _ = drawn_shape(shown, states)
        looked_at = each = spread = None
    return checked_marks(
        **given,
        checked_colors=lambda colors: checked_colors(looked_at, colors, n_points, each),
        n_points=n_points,
        spread=spread,
    )


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
