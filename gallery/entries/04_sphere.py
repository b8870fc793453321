"""Eight thousand colors in space.

The RGB cube, 20 colors a side, sent through the trained model and drawn in front of the unit
sphere, in three views. Each sphere is filled with its true color; its rim has the color that the
model makes of it.

    python -m trainers sparse-labels -o runs/sparse-labels.npz
    latentviz sphere runs/sparse-labels.npz -o sphere-dark.png --size 1800x720
    latentviz sphere runs/sparse-labels.npz -o sphere-light.png --size 1800x720 --theme light
"""

import latentviz

for theme in ("dark", "light"):
    picture = latentviz.plot_sphere("runs/sparse-labels.npz", size=(1800, 720), theme=theme)
    picture.save(f"sphere-{theme}.png")
