"""Each color, and its reconstruction.

The HSV cube cut at four saturations, hue across and value up. Each cell is filled with the
reconstruction of its color, and a small square in its middle shows the true one: where you cannot
see the square, the model errs by less than the eye.

    python -m trainers sparse-labels -o runs/sparse-labels.npz
    latentviz slices runs/sparse-labels.npz -o slices-dark.png
    latentviz slices runs/sparse-labels.npz -o slices-light.png --theme light
"""

import latentviz

for theme in ("dark", "light"):
    picture = latentviz.plot_slices("runs/sparse-labels.npz", theme=theme)
    picture.save(f"slices-{theme}.png")
