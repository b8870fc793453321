"""Five seeds, side by side.

The same training five times, from five initializations: 1,501 steps with so few labels that they
do not always suffice. All share one clock and one basis, the latents' own. A run works if red comes
to within 30 degrees of its pole, the top, and vibrant hues to a circle: here seeds 2, 3 and 4 do;
0 misses the pole by 14 degrees, and 1 by a third of one. They are apart from the first step on.
The curves at the right say how far the points of each are from seed 0's: after step 1,200 all have
settled, and stay apart. `outcomes.csv`, beside the runs, has what became of each.

    python -m trainers label-coverage -o runs/seeds --coverage 0.3 --seeds 5
    latentviz render runs/seeds/*.npz -o film.mp4 --dims 1,0 --run-names "0,1,2,3,4"
    latentviz history runs/seeds/*.npz -o history.png --dims 1,0 --run-names "0,1,2,3,4"
"""

import latentviz

runs = [f"runs/seeds/coverage-0.3-seed-{seed}.npz" for seed in range(5)]
look = {"dims": [(1, 0)], "run_names": [f"seed {seed}" for seed in range(5)]}
latentviz.render(runs, "film.mp4", size=(1280, 720), frames=500, **look)
latentviz.plot_histories(runs, **look).save("history.png")
