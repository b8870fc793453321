"""A film over checkpoints that were saved anyway.

Nothing was recorded while this model was trained: it saved a checkpoint now and then, as trainings
do. `latentviz import` makes a run of them, with the latents of the points that you name; a film
then has a frame for each. From a shell, the function `make` below would stand in a file spirals.py.

    latentviz import checkpoints -o run.npz --model spirals:make --layer 2 --probe points.npy
    latentviz render run.npz -o film.mp4 --pace linear:1 --dims 0,1 --dims 0,2
    latentviz view run.npz -o viewer.html --pace linear:1 --dims 0,1 --dims 0,2
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

import latentviz


def make():
    """The model: what the checkpoints are loaded into."""
    return nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 3), nn.Linear(3, 3))


torch.manual_seed(0)
arm = torch.arange(600) % 3
turn = torch.linspace(0.1, 1, 600)
angle = 4 * turn + 2 * np.pi / 3 * arm + 0.1 * torch.randn(600)
points = torch.stack([turn * angle.cos(), turn * angle.sin()], 1)
model = make()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

folder = Path("checkpoints")
folder.mkdir()
for step in range(2001):
    if step % 20 == 0:
        torch.save(model.state_dict(), folder / f"step-{step:05d}.pt")
    loss = nn.functional.cross_entropy(model(points), arm)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

latentviz.import_run(
    [folder],
    "run.npz",
    model=make(),
    layer="2",
    probe=points,
    classes=arm,
    class_names=["first arm", "second arm", "third arm"],
)
look = {"pace": "linear:1", "dims": [(0, 1), (0, 2)]}
latentviz.render("run.npz", "film.mp4", size=(1280, 720), **look)
latentviz.view("run.npz", "viewer.html", **look)
