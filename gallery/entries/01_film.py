"""A latent space that folds, tangles and settles.

Every training step of an autoencoder with 263 parameters, which squeezes colors through four
numbers. Each dot is one of 512 colors; the three discs show the same four-dimensional latent space
from three sides. A regularizer and a few noisy labels pull vibrant hues onto a circle, and red to
its pole. Below runs the schedule of the regularizers, and the losses; the heading says how many
steps a frame covers, all of which are drawn.

    python -m trainers sparse-labels -o runs/sparse-labels.npz
    latentviz render runs/sparse-labels.npz -o film.mp4 --size 1280x720 --names hue
    latentviz view runs/sparse-labels.npz -o viewer.html --names hue
"""

import latentviz

latentviz.render("runs/sparse-labels.npz", "film.mp4", size=(1280, 720), names=["hue"])
latentviz.view("runs/sparse-labels.npz", "viewer.html", names=["hue"])
