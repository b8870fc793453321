"""Five features share two dimensions.

A toy model of superposition: five features that are rarely there at once are squeezed into two
numbers, and read out again with the same matrix. Each dot is a column of that matrix, the direction
of a feature, and its color says how important the feature is. For a while four of them share the
plane as a square, and one has no place; then it pushes in, and all five end as a pentagon, in which
they disturb each other the least. After Elhage et al.
(https://transformer-circuits.pub/2022/toy_model/).

    latentviz render superposition.npz -o film.mp4 --dims 0,1 --label all --highlight all --trail 60
    latentviz view superposition.npz -o viewer.html --dims 0,1 --label all --highlight all
"""

import torch
from torch import nn

import latentviz

FEATURES, PRESENT = 5, 0.03


class Squeezed(nn.Module):
    """Features through two dimensions and back."""

    def __init__(self):
        """Begin with small directions."""
        super().__init__()
        self.directions = nn.Parameter(torch.randn(2, FEATURES) * 0.1)
        self.bias = nn.Parameter(torch.zeros(FEATURES))

    def forward(self, features):
        """(B, FEATURES) features as they are read out again."""
        return torch.relu(features @ self.directions.T @ self.directions + self.bias)


torch.manual_seed(1)
model = Squeezed()
importance = 0.9 ** torch.arange(FEATURES)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

with latentviz.Recorder(
    "superposition.npz",
    model,
    points="columns:directions",
    colors=importance,
    point_names=[f"feature {n + 1}" for n in range(FEATURES)],
) as recorder:
    for _ in range(3000):
        features = torch.rand(1024, FEATURES) * (torch.rand(1024, FEATURES) < PRESENT)
        loss = (importance * (model(features) - features) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        recorder.step(losses={"loss": loss})
        optimizer.step()

look = {"dims": [(0, 1)], "label": "all", "highlight": "all", "trail": 60}
latentviz.render("superposition.npz", "film.mp4", frames=600, size=(1280, 720), **look)
latentviz.view("superposition.npz", "viewer.html", **look)
