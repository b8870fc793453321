"""Once around the dome.

The same colors, turning once around their upright axis. The last frame leads into the first, so
the film can be looped.

    python -m trainers sparse-labels -o runs/sparse-labels.npz
    latentviz sphere runs/sparse-labels.npz -o orbit.mp4 --orbit
"""

import latentviz

latentviz.render_orbit("runs/sparse-labels.npz", "orbit.mp4")
