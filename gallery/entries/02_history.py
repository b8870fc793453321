"""How it came to be.

The latent space after the last update, in three projections, over earlier moments of the same
training. The thumbnails stand in geometric spacing, as most happens early, and have limits of their
own.

    python -m trainers sparse-labels -o runs/sparse-labels.npz
    latentviz history runs/sparse-labels.npz -o history-dark.png
    latentviz history runs/sparse-labels.npz -o history-light.png --theme light
"""

import latentviz

for theme in ("dark", "light"):
    picture = latentviz.plot_history("runs/sparse-labels.npz", theme=theme)
    picture.save(f"history-{theme}.png")
