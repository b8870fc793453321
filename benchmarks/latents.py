"""What a step costs whose latents are recorded: those of a model that is not registered."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from benchmarks.measure import Result, paired
from benchmarks.training import one_thread
from latentviz import Recorder

BLOCK_STEPS = 200
TRAINED_STEPS = 400
VAE_POINTS, VAE_WIDTHS = 500, (784, 128, 8)
TRAINED_BATCH = 64
WORDS, N_WORDS, WIDTH = 100, 16, 64


@dataclass(frozen=True)
class Case:
    """A model, and the points whose latents are recorded."""

    what: str
    make: Callable[[], nn.Module]
    points: Callable[[], torch.Tensor]


class DigitsVAE(nn.Module):
    """An autoencoder as in torch's own examples; `latent` is the mean."""

    def __init__(self) -> None:
        super().__init__()
        pixels, hidden, dims = VAE_WIDTHS
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU())
        self.latent, self.spread = nn.Linear(hidden, dims), nn.Linear(hidden, dims)
        self.decoder = nn.Sequential(
            nn.Linear(dims, hidden), nn.ReLU(), nn.Linear(hidden, pixels), nn.Sigmoid()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Reconstructions (N, 784) of pixels (N, 784)."""
        h = self.encoder(x)
        mean, spread = self.latent(h), (self.spread(h) / 2).exp()
        decoded: torch.Tensor = self.decoder(mean + torch.randn_like(mean) * spread)
        return decoded


class Encoder(nn.Module):
    """A body whose output is the mean of what it makes of words, and `latent`."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 2 * WIDTH, batch_first=True)
        self.embedding = nn.Embedding(WORDS, WIDTH)
        self.body = nn.TransformerEncoder(layer, 4)
        self.latent = nn.Linear(WIDTH, 8)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """Latents (N, 8) of words (N, S)."""
        latents: torch.Tensor = self.latent(self.body(self.embedding(words)).mean(1))
        return latents


class Deep(nn.Module):
    """60 modules with 135 parameters and buffers, as small as can be."""

    def __init__(self) -> None:
        super().__init__()
        layers = [m for _ in range(19) for m in (nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Tanh())]
        self.body, self.latent = nn.Sequential(*layers), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Latents (N, 2) of points (N, 4)."""
        latents: torch.Tensor = self.latent(self.body(x))
        return latents


CASES = (
    Case("a digits VAE", DigitsVAE, lambda: torch.rand(VAE_POINTS, VAE_WIDTHS[0])),
    Case("60 small modules", Deep, lambda: torch.randn(10, 4)),
    Case("a transformer of 4 layers", Encoder, lambda: torch.randint(WORDS, (32, N_WORDS))),
)


def recorded_steps(folder: Path, pairs: int) -> Iterator[Result]:
    """`Recorder.step` alone, against the mere forward pass of the points as far as the layer."""
    for case in CASES:
        torch.manual_seed(0)
        yield _recorded_step(folder, case, pairs)


def _recorded_step(folder: Path, case: Case, pairs: int) -> Result:
    model, points = case.make(), case.points()
    latent = model.get_submodule("latent")

    class Reached(Exception):  # noqa: N818 - not an error
        pass

    def stop(*_: object) -> None:
        raise Reached

    def forward() -> float:
        hook = latent.register_forward_hook(stop)
        model.eval()
        begun = time.perf_counter()
        try:
            with torch.no_grad():
                model(points)
        except Reached:
            pass
        seconds = time.perf_counter() - begun
        model.train()
        hook.remove()
        return seconds

    def median_ms(measured: Callable[[], float]) -> float:
        return 1e3 * statistics.median(measured() for _ in range(BLOCK_STEPS))

    with (
        one_thread(),
        Recorder(
            folder / "latents.npz", model, layer="latent", probe=points, states="none",
            overwrite=True,
        ) as recorder,
    ):  # fmt: skip

        def step() -> float:
            begun = time.perf_counter()
            recorder.step(losses={"loss": 0.0})
            return time.perf_counter() - begun

        median_ms(step)
        return paired(
            f"a step with the latents of {case.what}, against the forward pass alone",
            lambda: median_ms(step),
            lambda: median_ms(forward),
            pairs=pairs,
            unit="ms",
            times_faster=False,
        )


def recorded_training(folder: Path, pairs: int) -> Result:
    """The training of the VAE with each step's latents recorded, and without."""
    torch.manual_seed(0)
    batch, points = torch.rand(TRAINED_BATCH, VAE_WIDTHS[0]), CASES[0].points()

    def block(*, recorded: bool) -> float:
        model = DigitsVAE()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        recorder = None
        if recorded:
            recorder = Recorder(
                folder / "vae.npz", model, layer="latent", probe=points, states="none",
                overwrite=True,
            )  # fmt: skip
        begun = time.perf_counter()
        for _ in range(TRAINED_STEPS):
            loss = nn.functional.mse_loss(model(batch), batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # its gap
            if recorder is not None:
                recorder.step(losses={"loss": loss})
            optimizer.step()
        seconds = time.perf_counter() - begun
        if recorder is not None:
            recorder.close()
        return seconds / TRAINED_STEPS * 1e3

    with one_thread():
        block(recorded=True)
        return paired(
            "training step of a digits VAE, with the latents of 500 points against not recorded",
            lambda: block(recorded=True),
            lambda: block(recorded=False),
            pairs=pairs,
            unit="ms",
            times_faster=False,
        )
