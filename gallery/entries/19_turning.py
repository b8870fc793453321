"""A panel that turns, beside flat ones.

Three of the four dimensions, turning about the upright one once in twelve seconds while the
training goes on: what a plane hides comes round to the front. The nearest points lie on top, and
far ones fade; the circle is the outline of the unit sphere.

    python -m trainers sparse-labels -o runs/sparse-labels.npz
    latentviz render runs/sparse-labels.npz -o film.mp4 --dims 1,0 --dims 1,2,0 --dims 3,2
"""

import latentviz

latentviz.render(
    "runs/sparse-labels.npz",
    "film.mp4",
    dims=[(1, 0), (1, 2, 0), (3, 2)],
    size=(1280, 720),
)
