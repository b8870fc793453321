"""Thirty-two latents, in the components that carry most.

An autoencoder squeezes scikit-learn's images of digits, 8 pixels a side, through 32 numbers. No
pair of them says much by itself; their principal components, learned once from the whole run, show
how the digits part. The key names the classes, and each title says which share of the variance it
shows. Each step is centered on its own mean, so that the cloud does not wander off as a whole.

    latentviz render digits.npz -o film.mp4 --project pca --center step
    latentviz view digits.npz -o viewer.html --project pca --center step
    latentviz info digits.npz --project pca --center step
"""

import torch
from sklearn.datasets import load_digits
from torch import nn

import latentviz

images, labels = load_digits(return_X_y=True)
x = torch.tensor(images, dtype=torch.float32) / 16

torch.manual_seed(0)
encoder = nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 32))
decoder = nn.Sequential(nn.Linear(32, 128), nn.GELU(), nn.Linear(128, 64))
model = nn.Sequential(encoder, decoder)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

with latentviz.Recorder(
    "digits.npz",
    model,
    layer="0",
    probe=x[:1000],
    classes=labels[:1000],
    class_names=[str(digit) for digit in range(10)],
    states="none",
) as recorder:
    for _ in range(600):
        batch = x[torch.randint(len(x), (256,))]
        loss = nn.functional.mse_loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        recorder.step(losses={"reconstruction": loss})
        optimizer.step()

look = {"project": "pca", "center": "step"}
latentviz.render("digits.npz", "film.mp4", frames=400, size=(1280, 720), **look)
latentviz.view("digits.npz", "viewer.html", **look)
