"""What a recording costs, said before it is spent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..text import bytes_in_words

if TYPE_CHECKING:
    import torch

# States of fewer bytes a step are recorded, whether or not a model can be made for them.
CHEAP_BYTES = 256_000


def latent_bytes(outputs: Sequence[torch.Tensor] | None) -> int | None:
    """What the latents of a step take; None where the model could not be run as yet."""
    return None if outputs is None else sum(output.nbytes for output in outputs)


def states_left_out(state_bytes: int, latents: int | None, kept: Sequence[str] = ()) -> str:
    """That states are left out, why, and how to have them.

    Args:
        state_bytes: What a step's would take.
        latents: What a step's latents take, if that is known.
        kept: The tensors that are recorded even so.
    """
    but = f" but for {', '.join(kept)}" if kept else ""
    cost = "" if latents is None else f" ({bytes_in_words(latents)} a step)"
    return (
        f"states are not recorded{but} ({bytes_in_words(state_bytes)} a step, of a model that is "
        f"not registered); the probe's latents are{cost}. "
        'states="all" records both, states="none" '
        "does without this line; of a model that is registered (entry-point group "
        "latentviz.models) states are recorded, and no latents"
    )


def states_cost(state_bytes: int) -> str:
    """What states take that are recorded though they are large, and how to record less."""
    return (
        f"states are {bytes_in_words(state_bytes)} a step, {bytes_in_words(1000 * state_bytes)} in "
        "1,000 steps before compression; every= records fewer steps, states= fewer tensors; "
        'states="all" is what is done now, without this line'
    )
