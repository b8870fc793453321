"""Where it errs.

The mean squared error of 552,960 colors: along hue, saturation and value through the full colors,
in lines of the colors themselves, and as images of the cube. Errors peak at the pure hues, where
the circle of full colors has its corners.

    python -m trainers sparse-labels -o runs/sparse-labels.npz
    latentviz errors runs/sparse-labels.npz -o errors-dark.png
    latentviz errors runs/sparse-labels.npz -o errors-light.png --theme light
"""

import latentviz

for theme in ("dark", "light"):
    picture = latentviz.plot_errors("runs/sparse-labels.npz", theme=theme)
    picture.save(f"errors-{theme}.png")

print(f"largest {picture.data['error_max']:.3g}, median {picture.data['error_median']:.3g}")
