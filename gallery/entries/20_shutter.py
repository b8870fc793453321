"""Stacked steps, and an open shutter.

The first twenty frames of a film that shows thirty steps in each, at a third of the speed. In the
film `stack` the steps of a frame lie over each other, the later ones on top: each is seen, and the
last is clear. The film `shutter` is what a camera would have seen: each step whole, and the light
of all averaged. A point that rests looks the same in both.

    python -m trainers sparse-labels -o runs/sparse-labels.npz
    latentviz render runs/sparse-labels.npz -o stack.mp4 --pace linear:30
    latentviz render runs/sparse-labels.npz -o shutter.mp4 --pace linear:30 --blur shutter
"""

import latentviz

look = {
    "dims": [(1, 0)],
    "pace": "linear:30",
    "steps": (None, 600),
    "size": (640, 720),
    "charts": "off",
    "fps": 10,
}
latentviz.render("runs/sparse-labels.npz", "stack.mp4", title="stacked", **look)
latentviz.render("runs/sparse-labels.npz", "shutter.mp4", title="shutter", blur="shutter", **look)
