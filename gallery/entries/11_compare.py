"""Has the picture changed?

Two frames, the second with dots a twentieth smaller, and what tells them apart: bright where more
than three times the least difference that an eye sees, darker where it could be seen at all. In
tests it is a fixture of pytest, which keeps references, and renews them with
`pytest --latentviz-renew`:

```python
def test_film(latentviz_snapshot):
    film = latentviz.render("run.npz", "film.mp4", size=(640, 360))
    latentviz_snapshot(film, frames=5)
```

    python -m trainers sparse-labels -o runs/sparse-labels.npz
    latentviz frame runs/sparse-labels.npz -o before.png --step 5000 --size 640x360
    latentviz frame runs/sparse-labels.npz -o after.png --step 5000 --size 640x360 --dot-radius 0.1
    latentviz compare before.png after.png --diff difference.png
"""

import latentviz

look = {"step": 5000, "size": (640, 360)}
before = latentviz.render_frame("runs/sparse-labels.npz", **look)
after = latentviz.render_frame("runs/sparse-labels.npz", **look, dot_radius=0.1)

comparison = latentviz.compare(before, after)
print(comparison)

alt = f"A frame with larger dots, with smaller dots, and their difference: {comparison}."
latentviz.Picture("Difference", alt, {}, comparison.picture()).save("difference.png")
