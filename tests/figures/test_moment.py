import numpy as np
import pytest
import torch

from latentviz import ArchiveError, OptionError, Recorder, Run, open_run
from latentviz.figures.moment import check_finite, finite_points, moment_of

LATENTS = np.arange(3 * 4 * 2, dtype=np.float32).reshape(3, 4, 2)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A run of two layers, of which the first one's bias grows by 1 at each update."""
    path = tmp_path_factory.mktemp("moment") / "run.npz"
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 3))
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.zero_()
    with Recorder(path, model, layer=["0", "1"], probe=torch.rand(5, 2)) as recorder:
        for _ in range(3):
            recorder.step()
            with torch.no_grad():
                model[0].bias += 1
    with open_run(path) as run:
        yield run


def test_by_default_it_is_after_the_last_update(recorded):
    moment = moment_of(recorded, None)
    assert (moment.step, moment.when, moment.of_layer) == (None, "after the last update", "")
    assert moment.n_before == 3
    np.testing.assert_array_equal(moment.latents(), np.full((5, 2), 3))


def test_a_step_and_a_layer(recorded):
    moment = moment_of(recorded, 1, "1")
    assert (moment.step, moment.when, moment.of_layer) == (1, "at step 1", " of layer 1")
    assert (moment.n_before, moment.run.layer) == (1, "1")
    assert moment.latents().shape == (5, 3)
    own = moment_of(recorded, 1, "0")
    assert own.of_layer == ""
    np.testing.assert_array_equal(own.latents(), np.full((5, 2), 1))


def test_of_arrays_it_is_the_last_step():
    moment = moment_of(Run.from_arrays(LATENTS, steps=[3, 5, 7]), None)
    assert (moment.step, moment.when, moment.n_before) == (7, "at step 7", 2)
    np.testing.assert_array_equal(moment.latents(), LATENTS[2])


def test_what_was_not_recorded(recorded):
    with pytest.raises(OptionError, match="step 3 was not recorded"):
        moment_of(recorded, 3)
    with pytest.raises(OptionError, match="no layer 'nosuch' was recorded"):
        moment_of(recorded, None, "nosuch")


def test_what_is_evaluated_is_of_the_step(short_run):
    colors = np.eye(3, dtype=np.float32)
    with open_run(short_run) as run:
        for step in (3, None):
            answer = moment_of(run, step).evaluate(colors)
            np.testing.assert_array_equal(answer.outputs, run.evaluate(colors, step).outputs)


def test_points_that_are_not_finite():
    values = LATENTS.copy()
    values[0, 1, 0], values[2, 3, 1] = np.nan, np.inf
    finite = finite_points(values)
    assert np.argwhere(~finite).tolist() == [[0, 1], [2, 3]]
    check_finite("latents at step 5", values[1])
    with pytest.raises(ArchiveError) as caught:
        check_finite("latents at step 3", values[0])
    assert str(caught.value) == (
        "the latents at step 3 are not finite at 1 of 4 points; show a step before it with --step"
    )
