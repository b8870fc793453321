"""A training whose recording is followed."""

import time

import torch
from torch import nn

from latentviz import Recorder
from latentviz.archive.limits import ChunkLimits

N = 12


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(3, 4)
        self.decoder = nn.Linear(4, 3)

    def forward(self, x):
        return self.decoder(torch.tanh(self.encoder(x)))


class Training:
    """A training that goes on when it is told to; each chunk has `per_chunk` steps."""

    def __init__(self, path, *, per_chunk=10, **options):
        torch.manual_seed(0)
        self.net = Net()
        self.points = torch.rand(N, 3)
        self.step = 0
        self.recorder = Recorder(
            path, self.net, layer="encoder", probe=self.points, latents=True,
            chunk_limits=ChunkLimits(steps=per_chunk, seconds=1e9), **options,
        )  # fmt: skip
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)

    def go_on(self, n):
        for _ in range(n):
            loss = ((self.net(self.points) - self.points) ** 2).mean()
            self.optimizer.zero_grad()
            loss.backward()
            given = {"loss": loss.item()}
            if self.step % 7 == 0:
                given["rare"] = loss.item() / 2
            self.recorder.step(losses=given, params={"lr": 0.1 + self.step})
            self.optimizer.step()
            self.step += 1

    def flushed(self, growing, n_steps):
        """Wait until so many steps are whole."""
        for _ in range(500):
            growing.look()
            if growing.n_steps >= n_steps:
                return
            time.sleep(0.01)
        raise AssertionError(f"{growing.n_steps} of {n_steps} steps are there")
