"""A portrait film for a phone, from a file.

The whole film stands in a file of a few lines: which run, which projections, the size of a phone's
screen, and captions at the steps that they tell of. Panels stand below each other where a page is
upright. Options on the command line win over the file, and `--dump-scene` writes one of what you
gave.

    python -m trainers sparse-labels -o runs/sparse-labels.npz
    latentviz render --scene film.toml
"""

from pathlib import Path

import latentviz

Path("film.toml").write_text("""\
runs = ["runs/sparse-labels.npz"]
output = "film.mp4"
size = "720x1280"
dims = ["1,0", "1,2"]
titles = ["the circle of hues", "from its side"]
frames = 600

[[caption]]
steps = [0, 300]
text = "A crumpled sheet unfolds"

[[caption]]
steps = [300, 2500]
text = "The regularizers flatten it"

[[caption]]
steps = [2500, 5000]
text = "Norms are pulled towards one"

[[caption]]
steps = "5000:"
text = "A wheel of hues, red at its pole"
""")
latentviz.read_scene("film.toml").render()
