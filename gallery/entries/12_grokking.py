"""Numbers arrange themselves on circles when a transformer groks.

A transformer of one layer learns to add modulo 59. It soon knows by heart the half of all sums
that it is shown, and none of the others; a thousand steps later it suddenly knows them all. Each
dot is a row of its embedding, labeled with its number, in the principal components of the whole
run: a cloud without order turns into circles, on which numbers stand a constant stride apart. After
Power et al. (https://arxiv.org/abs/2201.02177) and Nanda et al. (https://arxiv.org/abs/2301.05217).

    latentviz render grokking.npz -o film.mp4 --project pca --label all
    latentviz view grokking.npz -o viewer.html --project pca --label all
"""

import torch
from torch import nn

import latentviz

P, D = 59, 64


class Adder(nn.Module):
    """A transformer of one layer without normalization, of pairs of numbers."""

    def __init__(self):
        """Make its parts."""
        super().__init__()
        self.numbers = nn.Embedding(P, D)
        nn.init.normal_(self.numbers.weight, std=D**-0.5)
        self.position = nn.Parameter(torch.randn(2, D) * D**-0.5)
        self.attention = nn.MultiheadAttention(D, 4, bias=False, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(D, 4 * D), nn.ReLU(), nn.Linear(4 * D, D))
        self.readout = nn.Linear(D, P, bias=False)

    def forward(self, pairs):
        """(B, 2) numbers to (B, P) logits of their sum."""
        x = self.numbers(pairs) + self.position
        last = x[:, -1:]
        last = last + self.attention(last, x, x, need_weights=False)[0]
        last = last + self.mlp(last)
        return self.readout(last[:, 0])


def accuracy(logits, target):
    """The share that is right."""
    return (logits.argmax(1) == target).float().mean()


torch.manual_seed(0)
pairs = torch.cartesian_prod(torch.arange(P), torch.arange(P))
sums = pairs.sum(1) % P
train, test = torch.randperm(len(pairs)).chunk(2)
model = Adder()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1.0, betas=(0.9, 0.98))

with latentviz.Recorder(
    "grokking.npz",
    model,
    points="rows:numbers.weight",
    states="numbers.weight",
    colors=torch.arange(P) / P,
    point_names=[str(n) for n in range(P)],
) as recorder:
    for step in range(1500):
        logits = model(pairs[train])
        loss = nn.functional.cross_entropy(logits, sums[train])
        optimizer.zero_grad()
        loss.backward()
        metrics = {"train accuracy": accuracy(logits, sums[train])}
        if step % 20 == 0:
            with torch.no_grad():
                metrics["test accuracy"] = accuracy(model(pairs[test]), sums[test])
        recorder.step(losses={"loss": loss}, metrics=metrics)
        optimizer.step()

look = {"project": "pca", "label": "all", "colormap": "twilight"}
latentviz.render("grokking.npz", "film.mp4", frames=600, size=(1280, 720), **look)
latentviz.view("grokking.npz", "viewer.html", **look)
