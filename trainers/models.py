"""The experiments' models: tiny autoencoders of RGB colours."""

from __future__ import annotations

from torch import Tensor, nn


class ColorMLP(nn.Module):
    """Squeezes a colour through four numbers; 263 parameters.

    The latent is the output of the submodule ``encoder``, (B, 4).
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(3, 16), nn.GELU(), nn.Linear(16, 4))
        self.decoder = nn.Sequential(nn.Linear(4, 16), nn.GELU(), nn.Linear(16, 3), nn.Sigmoid())

    def forward(self, rgb: Tensor) -> Tensor:
        """The reconstruction, (B, 3) in 0..1, of colours ``rgb``, (B, 3) in 0..1."""
        reconstruction: Tensor = self.decoder(self.encoder(rgb))
        return reconstruction
