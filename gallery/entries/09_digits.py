"""Handwritten digits find their places.

Nothing here is about colors: a small classifier learns scikit-learn's images of digits, and says
which is which by the direction of three numbers. So its latents lie on the unit sphere, seen here
from three sides; each dot is an image, and each color one of the ten digits.
"""

import torch
from sklearn.datasets import load_digits
from torch import nn

import latentviz

images, labels = load_digits(return_X_y=True)
x, y = torch.tensor(images, dtype=torch.float32) / 16, torch.tensor(labels)


class Direction(nn.Module):
    """Puts vectors onto the unit sphere."""

    def forward(self, vectors):
        """Scales each row to length 1."""
        return nn.functional.normalize(vectors)


torch.manual_seed(0)
encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 3), Direction())
model = nn.Sequential(encoder, nn.Linear(3, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=0.002)

with latentviz.Recorder("digits.npz", model, layer="0", probe=x[:800], colors=y[:800]) as recorder:
    for _ in range(1500):
        batch = torch.randint(len(x), (128,))
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        recorder.step(batch=x[batch], labels={"digit": y[batch]}, losses={"cross-entropy": loss})
        optimizer.step()

look = {"dims": [(0, 1), (2, 1), (0, 2)], "dot_radius": 0.06}
latentviz.render("digits.npz", "film.mp4", frames=600, size=(1280, 720), **look)
latentviz.view("digits.npz", "viewer.html", **look)
