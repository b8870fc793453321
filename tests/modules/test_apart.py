"""What is the whole process's is afterwards what it was, whichever threads changed it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from latentviz import Recorder, open_run
from latentviz.modules.apart import apart


def n_threads():
    """Torch's number of threads, as a thread finds it that has not set any."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("three_threads")
def test_threads_wait_for_each_other():
    def inside(k):
        with apart(one_thread=k % 2 == 0):
            torch.rand(k % 7)
            return torch.get_num_threads(), torch.initial_seed()

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    for _ in range(20):
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(inside, range(20))) == {(1, 0), (3, 0)}
        assert n_threads() == 3
    assert torch.equal(torch.rand(3), expected)


class Sum(nn.Module):
    """A sum that threads would share out, which changes its last bits."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(300_000))
        self.latent = nn.Identity()

    def forward(self, x):
        return self.latent((x * self.weight).sum(1, keepdim=True))


@pytest.mark.usefixtures("three_threads")
def test_two_runs_that_are_evaluated_at_once_have_the_bits_that_they_have_alone(tmp_path):
    torch.manual_seed(0)
    model, probe, path = Sum(), torch.rand(1, 300_000), tmp_path / "run.npz"
    with Recorder(path, model, layer="latent", probe=probe, states="all") as recorder:
        recorder.step()
    torch.set_num_threads(1)
    expected = {model(probe).item()}
    torch.set_num_threads(3)

    def answers(n_times):
        with open_run(path, model=model) as run:
            return {run.evaluate(run.probe, 0).latents.item() for _ in range(n_times)}

    for _ in range(20):
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(answers, [3, 3])) == [expected] * 2
        assert n_threads() == 3
