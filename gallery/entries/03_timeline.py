"""The schedule behind it.

Every property of the schedule over steps, in groups of comparable scale, with keyframes as dots and
phases as dashed lines. Between keyframes a property moves by minimum jerk, as a hand does from one
place to another.

    python -m trainers sparse-labels -o runs/sparse-labels.npz
    latentviz timeline runs/sparse-labels.npz -o timeline-dark.png
    latentviz timeline runs/sparse-labels.npz -o timeline-light.png --theme light
"""

import latentviz

for theme in ("dark", "light"):
    picture = latentviz.plot_timeline("runs/sparse-labels.npz", theme=theme)
    picture.save(f"timeline-{theme}.png")
