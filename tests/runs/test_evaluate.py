"""Several layers of one forward pass."""

import numpy as np
import pytest
from torch import nn

from latentviz.errors import ModelError
from latentviz.runs.evaluate import evaluate, evaluate_latents

pytestmark = pytest.mark.usefixtures("one_torch_thread")

X = np.random.default_rng(0).random((6, 3), np.float32)
LAYERS = ["first", "second"]


class Two(nn.Module):
    passes = 0

    def __init__(self):
        super().__init__()
        self.first, self.second, self.idle = nn.Linear(3, 5), nn.Linear(5, 2), nn.Linear(1, 1)

    def forward(self, x):
        type(self).passes += 1
        return self.second(self.first(x).relu_())


class Refusing(Two):
    """Between its layers it depends on the data, which vmap refuses."""

    def __init__(self):
        super().__init__()
        # Whose last bits are others in a loop over the states.
        self.first = nn.Sequential(nn.Linear(3, 65), nn.LayerNorm(65))
        self.second = nn.Linear(65, 2)

    def forward(self, x):
        hidden = self.first(x)
        return self.second(hidden if hidden.sum() > -1e9 else -hidden)


def states_of(kind):
    rng = np.random.default_rng(1)
    tensors = kind().state_dict().items()
    return {name: rng.normal(size=(40, *t.shape)).astype(np.float32) for name, t in tensors}


@pytest.mark.parametrize("kind", [Two, Refusing])
@pytest.mark.parametrize("n_points", [1, 6])
def test_each_layer_has_the_latents_that_it_has_alone(kind, n_points):
    states, x = states_of(kind), X[:n_points]
    together = evaluate_latents(kind(), LAYERS, states, x)
    assert list(together) == LAYERS
    for layer in LAYERS:
        alone = evaluate_latents(kind(), [layer], states, x)[layer]
        np.testing.assert_array_equal(together[layer], alone, strict=True)


def test_outputs_and_several_layers_under_one_state():
    states = states_of(Two)
    expected = evaluate_latents(Two(), LAYERS, states, X)
    outputs, latents = evaluate(Two(), LAYERS, {n: t[3] for n, t in states.items()}, X)
    for layer in LAYERS:
        np.testing.assert_allclose(latents[layer], expected[layer][3], atol=1e-5)
    np.testing.assert_array_equal(outputs, latents["second"])
    assert (latents["first"] < 0).any()  # what follows in place has not written over it


def test_there_is_one_forward_pass():
    states = states_of(Two)
    Two.passes = 0
    evaluate_latents(Two(), LAYERS, states, X)
    assert Two.passes == 1


def test_a_layer_that_is_not_reached_is_named():
    states = states_of(Two)
    for run in (evaluate_latents, evaluate):
        given = states if run is evaluate_latents else {n: t[0] for n, t in states.items()}
        with pytest.raises(ModelError, match="the latent layer 'idle' is not used"):
            run(Two(), ["first", "idle"], given, X)
