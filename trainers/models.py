"""The experiments' models: tiny autoencoders of RGB colors."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from latentviz.errors import OptionError


class ColorMLP(nn.Module):
    """Squeezes a color through four numbers; 263 parameters.

    The latent is the output of the submodule ``encoder``, (B, 4).
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(3, 16), nn.GELU(), nn.Linear(16, 4))
        self.decoder = nn.Sequential(nn.Linear(4, 16), nn.GELU(), nn.Linear(16, 3), nn.Sigmoid())

    def forward(self, rgb: Tensor) -> Tensor:
        """The reconstruction, (B, 3) in 0..1, of colors ``rgb``, (B, 3) in 0..1."""
        reconstruction: Tensor = self.decoder(self.encoder(rgb))
        return reconstruction


class UnitLength(nn.Module):
    """Scales every row to length 1; a row of zeros stays."""

    def forward(self, rows: Tensor) -> Tensor:
        """(B, D) to (B, D)."""
        return functional.normalize(rows, dim=-1)


class CNColorMLP(nn.Module):
    """Squeezes a color through a point on the unit sphere.

    The latent is the output of the submodule ``bottleneck``, (B, k_bottleneck), of length 1.

    Args:
        k_bottleneck: The latent's dimensions, D.
        k_codec: Width of the layers before and after it.
        n_nonlinear: How many layers with a GELU there are before it, and as many after it.

    Raises:
        OptionError: An argument is below 1.
    """

    def __init__(self, k_bottleneck: int = 4, k_codec: int = 16, n_nonlinear: int = 1) -> None:
        if min(k_bottleneck, k_codec, n_nonlinear) < 1:
            raise OptionError(
                "k_bottleneck, k_codec and n_nonlinear must be 1 or more, got "
                f"{k_bottleneck}, {k_codec} and {n_nonlinear}"
            )
        super().__init__()
        widths = [3, *[k_codec] * n_nonlinear, k_bottleneck]
        self.encoder = _mlp(widths)
        self.bottleneck = UnitLength()
        self.decoder = _mlp(widths[::-1])

    def forward(self, rgb: Tensor) -> Tensor:
        """The reconstruction, (B, 3), of colors ``rgb``, (B, 3) in 0..1.

        In evaluation it is clamped to 0..1. In training it may lie beyond: clamped, it would have
        no gradient there to come back by.
        """
        reconstruction: Tensor = self.decoder(self.bottleneck(self.encoder(rgb)))
        return reconstruction if self.training else reconstruction.clamp(0, 1)


def trainable_parameters(model: nn.Module) -> int:
    """How many numbers of a model are trained."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _mlp(widths: list[int]) -> nn.Sequential:
    """Linear layers from width to width, with a GELU between any two."""
    layers: list[nn.Module] = []
    for into, out_of in pairwise(widths):
        layers += [nn.Linear(into, out_of), nn.GELU()]
    return nn.Sequential(*layers[:-1])
