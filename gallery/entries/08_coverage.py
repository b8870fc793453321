"""How few labels still shape a latent space?

Forty trainings of the same autoencoder, at eight label coverages with five seeds each; at coverage
1, 0.15 % of the samples carry a label. A run *works* if pure hues go round the plane of the first
two dimensions in order, red lies less than 30° from its anchor, and vibrant colours lie less than
0.5 off the plane (rms). Fewer labels let red stray and the hues leave their plane; more labels cost
reconstruction.

    python -m trainers label-coverage -o runs/coverage
    latentviz coverage runs/coverage -o coverage-dark.png
    latentviz coverage runs/coverage -o coverage-light.png --theme light
"""

import latentviz

for theme in ("dark", "light"):
    picture = latentviz.plot_coverage("runs/coverage", theme=theme)
    picture.save(f"coverage-{theme}.png")

print(picture.data["answer"])
