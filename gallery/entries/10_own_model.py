"""Record your own model.

Any `nn.Module` will do. Name the layer whose output is the latent, give the inputs to watch, and
call `step` between the backward pass and the update. This one learns which points of a square lie
inside a disc: it pulls them apart until a straight cut can tell them.
"""

import torch

import latentviz
from latentviz import Recorder

torch.manual_seed(0)
x = torch.rand(400, 2) * 2 - 1
inside = (x.norm(dim=1) < 0.7).long()
model = torch.nn.Sequential(
    torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3), torch.nn.Linear(3, 2)
)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

with Recorder("run.npz", model, layer="2", probe=x, colors=inside) as recorder:
    for _ in range(500):
        loss = torch.nn.functional.cross_entropy(model(x), inside)
        optimizer.zero_grad()
        loss.backward()
        recorder.step(batch=x, losses={"loss": loss}, params={"lr": 0.01})
        optimizer.step()

look = {"dims": [(0, 1), (0, 2)], "dot_radius": 0.1, "limits": 6}
latentviz.render("run.npz", "film.mp4", frames=300, size=(1280, 720), **look)
latentviz.view("run.npz", "viewer.html", **look)
