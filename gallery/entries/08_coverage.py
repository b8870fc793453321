"""How few labels still shape a latent space?

144 trainings of the same autoencoder, at twelve label coverages with twelve seeds each; at coverage
1, 0.15 % of the samples carry a label. A run *works* if pure hues go round the plane of the first
two dimensions in order, red lies less than 30° from its anchor, and vibrant colors lie less than
0.5 off the plane (rms). Half of the runs work at a fifth of that coverage. Fewer labels let red
stray and the hues leave their plane; more labels cost reconstruction.

The first command trains the sweep, which takes some minutes. This page is drawn from the table that
it gave, `gallery/label-coverage/outcomes.csv`.

    python -m trainers label-coverage -o runs/coverage
    python -m trainers coverage runs/coverage -o coverage-dark.png
    python -m trainers coverage runs/coverage -o coverage-light.png --theme light
"""

from trainers.coverage import plot_coverage

for theme in ("dark", "light"):
    picture = plot_coverage("runs/coverage", theme=theme)
    picture.save(f"coverage-{theme}.png")

print(picture.data["answer"])
