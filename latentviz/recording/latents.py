"""The probe's latents, as each step's model gives them."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ..archive import schema as s
from ..errors import ModelError, OptionError, RecordingWarning
from ..modules.apart import apart
from ..modules.copying import COMPILED
from ..modules.layers import named_layer, twin_outputs
from ..modules.outputs import (
    POOLED,
    UnfitOutput,
    flattened_unasked,
    latent_rows,
    n_rows,
    present_tokens,
    spelled,
    spellings,
    unused_mask,
)
from ..modules.twin import Twin
from .probe import TokenPoints
from .tensors import Forms, in_brief, to_numpy

if TYPE_CHECKING:
    import torch
    from torch import nn


class Latents:
    """What a model's layers give for the probe, step by step."""

    def __init__(
        self,
        model: nn.Module,
        layers: Sequence[str],
        probe: torch.Tensor | dict[str, torch.Tensor],
        forms: Forms,
        tokens: str | None = None,
    ) -> None:
        """Run nothing yet.

        Args:
            model: The plain model.
            layers: Those of interest, as it calls them.
            probe: Its inputs.
            forms: What the recorder's things are like.
            tokens: How the tokens of an output (N, S, D) become points.
        """
        self._layers, self._probe, self._forms = layers, probe, forms
        self._tokens = tokens
        # The points, where each token is one; known from `first_look` on.
        self.token_points: TokenPoints | None = None
        self._has_looked = False
        self._twin = Twin(model)

    def now(self) -> dict[str, NDArray[Any]]:
        """Each layer's (N, D), of the model as it is now.

        Raises:
            ModelError: It cannot be run, or a layer gives other than one row a point.
            OptionError: D or the dtype is another than before.
        """
        with apart():
            parts = twin_outputs(self._twin.renewed(), self._layers, self._probe)
            if not self._has_looked:  # it could not be run when the recorder opened
                self._look_for_tokens(parts)
            found = self._rows(parts)
            latents = {name: to_numpy(out) for name, out in zip(self._layers, found, strict=True)}
        for name, array in latents.items():
            self._forms.check(f"the output of layer {name!r}", array.shape, str(array.dtype))
        return latents

    def first_look(self) -> list[torch.Tensor] | None:
        """The layers' latents before the training; None where it cannot be run as yet.

        Raises:
            UnfitOutput: A layer gives other than one row a point.
            ModelError: It cannot be run, and each token is to be a point.
            OptionError: No layer has the tokens that are asked for, or each another number of them.
        """
        try:
            parts = twin_outputs(self._twin.renewed(), self._layers, self._probe)
        except UnfitOutput:
            raise
        except ModelError:
            if self._tokens == "each":  # of how many there are, so many are the points
                raise
            return None
        rows = self._rows(parts)
        self._look_for_tokens(parts)
        return rows

    def _rows(self, parts: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        return [
            latent_rows(part, layer, self._tokens, self._probe)
            for layer, part in zip(self._layers, parts, strict=True)
        ]

    def _look_for_tokens(self, parts: Sequence[torch.Tensor]) -> None:
        self._has_looked = True
        if self._tokens is None:
            for layer, part in zip(self._layers, parts, strict=True):
                if (line := flattened_unasked(layer, part)) is not None:
                    warnings.warn(line, RecordingWarning, stacklevel=5)
        if self._tokens not in (*POOLED, "each"):
            return
        counts = {
            layer: part.shape[1]
            for layer, part in zip(self._layers, parts, strict=True)
            if part.ndim == 3
        }
        if not counts:
            raise OptionError(
                f"tokens={self._tokens!r} is for layers whose output is (N, S, D), and that of "
                f"{self._layers[0]!r} is {tuple(parts[0].shape)}; leave tokens= out"
            )
        if self._tokens == "each":
            n_tokens = counts[self._layers[0]]
            if set(counts.values()) != {n_tokens}:
                raise OptionError(
                    'with tokens="each" all layers must have as many tokens, got '
                    f"{', '.join(f'{count} of {layer!r}' for layer, count in counts.items())}; "
                    "record them in runs of their own"
                )
            present = present_tokens(self._probe, n_tokens)
            self.token_points = TokenPoints(
                n_rows(self._probe), n_tokens, None if present is None else to_numpy(present)
            )
        for count in dict.fromkeys(counts.values()):
            if (line := unused_mask(self._probe, count)) is not None:
                warnings.warn(line, RecordingWarning, stacklevel=5)


def layer_names(wrapped: nn.Module, model: nn.Module, layer: str | Sequence[str]) -> list[str]:
    """The layers to record, each once, as the plain model calls them.

    Args:
        wrapped: The model as it was given, perhaps in a wrapper.
        model: The plain model.
        layer: The layers, as the one or the other calls them.

    Raises:
        ModelError: There is no such layer.
        ArchiveError: Its name is not one that can be recorded.
        OptionError: None is given, or something else than names.
    """
    names = [layer] if isinstance(layer, str) else layer
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise OptionError(
            "layer must be the name of a submodule, such as 'encoder', or several, "
            f"got {in_brief(layer)}"
        )
    if not names:
        raise OptionError("layer must name one layer or more, got none")
    if wrapped is not model:
        own = {id(module): name for name, module in model.named_modules() if name}
        outer = {name: own.get(id(module)) for name, module in wrapped.named_modules()}
        names = [_inner_name(name, set(own.values()), outer) for name in names]
    found = [named_layer(model, name) for name in names]
    plain = [spelled(target.name, target.positions) for target in found]
    for name in plain:
        s.check_name(name, s.latents_member(0, name))
    return list(dict.fromkeys(plain))


def _inner_name(name: str, own: Collection[str], outer: Mapping[str, str | None]) -> str:
    """A layer's name in the plain model, which may be given by the wrapper's."""
    for module, positions in spellings(name):
        if module in own:
            return name
        if inner := outer.get(module):
            return spelled(inner, positions)
    return name


def check_runs_layers(model: nn.Module, layers: Sequence[str]) -> None:
    """Refuse a model that is no longer made of the layers that it names.

    Raises:
        ModelError: It was scripted, traced or exported.
    """
    import torch

    instead = "record the model that it was made of"
    for layer in layers:
        outer: Any = model
        for part in named_layer(model, layer).name.split("."):
            if isinstance(outer, torch.jit.ScriptModule):
                raise ModelError(
                    f"layer {layer!r} lies in a scripted or traced module (torch.jit), which shows "
                    f"nothing of what its layers give; {instead}"
                )
            if isinstance(outer, torch.fx.GraphModule) and not any(
                str(node.target).partition(".")[0] == part and node.op == "call_module"
                for node in outer.graph.nodes
            ):
                raise ModelError(
                    f"layer {layer!r} is not called by the graph of its model, in which an export "
                    f"dissolves the layers; {instead}"
                )
            inner = outer._modules.get(part)  # whose truth is its length, if it has one
            outer = outer._modules[COMPILED]._modules[part] if inner is None else inner
