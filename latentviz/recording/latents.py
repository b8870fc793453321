"""The probe's latents, as each step's model gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ..archive import format as f
from ..copying import COMPILED
from ..errors import ModelError, OptionError
from ..evaluate import named_layer, twin_outputs
from ..twin import Twin, apart, plain_name
from .probe import probe_parts
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
    ) -> None:
        """Run nothing yet.

        Args:
            model: The plain model.
            layers: Those of interest, as it calls them.
            probe: Its inputs.
            forms: What the recorder's things are like.
        """
        self._layers, self._probe, self._forms = layers, probe, forms
        self._twin = Twin(model)

    def now(self) -> dict[str, NDArray[Any]]:
        """Each layer's (N, D), of the model as it is now.

        Raises:
            ModelError: It cannot be run, or a layer gives other than one row a point.
            OptionError: D or the dtype is another than before.
        """
        with apart():
            found = twin_outputs(self._twin.renewed(), self._layers, self._probe)
            latents = {name: to_numpy(out) for name, out in zip(self._layers, found, strict=True)}
        for name, array in latents.items():
            self._forms.check(f"the output of layer {name!r}", array.shape, str(array.dtype))
        self._check_rows(latents)
        return latents

    def first_look(self) -> list[torch.Tensor] | None:
        """The layers' outputs before the training; None where it cannot be run as yet.

        Raises:
            ModelError: A layer gives other than one row a point.
        """
        try:
            found = twin_outputs(self._twin.renewed(), self._layers, self._probe)
        except ModelError:
            return None
        self._check_rows(dict(zip(self._layers, found, strict=True)))
        return found

    def _check_rows(self, latents: Mapping[str, torch.Tensor | NDArray[Any]]) -> None:
        N = len(next(tensor for _, tensor in probe_parts(self._probe)))
        for name, array in latents.items():
            if len(array) != N:
                raise ModelError(
                    f"the output of layer {name!r} must have a row for each of the probe's {N} "
                    f"points, got {len(array)} rows; where time comes first, make it "
                    "batch_first=True, or name a layer whose output has the points first"
                )


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
        names = [name if name in own.values() else outer.get(name) or name for name in names]
    for name in names:
        named_layer(model, name)
        f.check_name(plain_name(name), f"latents/{f.chunk_id(0)}/")
    return list(dict.fromkeys(plain_name(name) for name in names))


def check_runs_layers(model: nn.Module, layers: Sequence[str]) -> None:
    """Refuse a model that is no longer made of the layers that it names.

    Raises:
        ModelError: It was scripted, traced or exported.
    """
    import torch

    instead = "record the model that it was made of"
    for layer in layers:
        outer: Any = model
        for part in layer.split("."):
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
            outer = outer._modules.get(part) or outer._modules[COMPILED]._modules[part]
