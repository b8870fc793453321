"""Sources of a run's points: which bits they give, how often they read, and how much they keep."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn

from latentviz import ChunkLimits, Recorder, Run, open_run
from latentviz.archive import ArchiveReader
from latentviz.archive.schema import LATENTS, parse_name
from latentviz.runs.archived import ArchiveStore
from latentviz.runs.blocks import Blocks, View
from latentviz.runs.run import source_of, sources_of
from latentviz.transforms import Axes

pytestmark = pytest.mark.usefixtures("one_torch_thread")

MIB = 1 << 20


class MadeUp:
    """Latents of any size, made when they are read: those of a step are its number."""

    def __init__(self, n_steps, n_points, n_dims, *, length=1):
        self.shape = n_points, n_dims
        self.begins = np.arange(0, n_steps, length)
        self.reads = []

    def starts(self, layer):
        return self.begins

    def read(self, layers, start, stop):
        self.reads.append((*layers, start))
        numbers = np.arange(start, stop, dtype=np.float32)[:, None, None]
        return {layer: np.tile(numbers, (1, *self.shape)) for layer in layers}

    def has_final(self, layer):
        return layer != "cut off"

    def read_final(self, layers):
        self.reads.append((*layers, None))
        return {layer: np.full(self.shape, -1, np.float32) for layer in layers}


def test_layers_that_are_asked_for_together_are_read_together():
    store = MadeUp(10, 2, 3, length=4)
    views = [View("a", None), View("b", Axes((1,), 4)), View("a", Axes((2, 0), 4))]
    sources = Blocks(store, 10).sources(views)
    for source, n_dims in zip(sources, (3, 1, 2), strict=True):
        found = source.positions(np.array([9, 0, 3, 9]))
        np.testing.assert_array_equal(
            found, np.array([9, 0, 3, 9])[:, None, None] + np.zeros((2, n_dims))
        )
        assert source.final().tolist() == [[-1] * n_dims] * 2
    assert {(*sorted(read[:-1]), read[-1]) for read in store.reads} == {
        ("a", "b", 0), ("a", "b", 8), ("a", "b", None),
    }  # fmt: skip
    assert len(store.reads) == 3


def test_a_layer_without_final_latents_does_not_keep_the_others_from_theirs():
    store = MadeUp(3, 2, 3)
    _, whole = Blocks(store, 3).sources([View("cut off", None), View("a", None)])
    assert whole.final().tolist() == [[-1] * 3] * 2


def test_what_is_given_is_the_caller_s_own():
    source = source_of(Run.from_arrays(np.zeros((3, 2, 3))), Axes((0,), 4))
    source.positions(np.array([1]))[:] = 7
    assert source.positions(np.array([1])).max() == 0
    (source,) = Blocks(MadeUp(3, 2, 3), 3).sources([View("a", None)])
    source.final()[:] = 7
    assert source.final().max() == -1


@pytest.mark.parametrize(("fitted", "most"), [(Axes((5, 0), 4), 18), (None, 34)])
def test_what_is_kept_is_bounded_however_large_the_latents(fitted, most):
    store = MadeUp(30, 1000, 2000)  # 8 MB a step
    (source,) = Blocks(store, 30).sources([View("a", fitted)])
    tracemalloc.start()
    for k in [*range(30)] * 2:
        assert source.positions(np.array([k]))[0, 0, 0] == k
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < most * MIB
    # The second time, all points are at hand where they take so little.
    assert len(store.reads) == (60 if fitted is None else 30)


def test_a_step_that_is_larger_than_all_that_may_be_kept_is_kept_alone():
    store = MadeUp(3, 1000, 13_000)  # 50 MiB a step
    (source,) = Blocks(store, 3).sources([View("a", None)])
    tracemalloc.start()
    for k in [0, 0, 1, 1, 2, 2]:
        source.positions(np.array([k]))
    current = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert current < 60 * MIB
    assert len(store.reads) == 3


class Narrow(nn.Module):
    """What it gives of a single point has other last bits in batches of other lengths."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(33, 65), nn.LayerNorm(65))
        self.latent = nn.Linear(65, 1)

    def forward(self, x):
        return self.latent(self.encoder(x))


def recorded(path, model, n_steps, *, n_points=1, chunk=16, **options):
    torch.manual_seed(0)
    limits = ChunkLimits(steps=chunk, seconds=1e9)
    probe = torch.rand(n_points, 33)
    with Recorder(path, model, probe=probe, chunk_limits=limits, **options) as recorder:
        for _ in range(n_steps):
            recorder.step()
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return path


def test_a_step_has_the_same_bits_whoever_asks_for_it(tmp_path):
    model = Narrow()
    path = recorded(tmp_path / "run.npz", model, 100, layer="latent", states="all", latents=False)

    def ask(read):
        with open_run(path, model=model) as run:
            return read(run)

    steps = np.arange(100)
    latents, hidden = ask(lambda run: (run.latents(), run.latents(layer="encoder")))
    for order in (steps[::-1], np.random.default_rng(0).permutation(100)):
        one_by_one = ask(lambda run, order=order: [run.latents(k) for k in order])
        np.testing.assert_array_equal(np.stack(one_by_one), latents[order])
    few = ask(lambda run: run.latents([63, 64, 99]))
    np.testing.assert_array_equal(few, latents[[63, 64, 99]])
    views = [View("latent", Axes((0, 0), 4)), View("encoder", None)]
    some, other = ask(lambda run: [s.positions(steps[::7]) for s in sources_of(run, views)])
    np.testing.assert_array_equal(some, latents[::7][:, :, [0, 0]])
    np.testing.assert_array_equal(other, hidden[::7])
    final = ask(lambda run: (run.final_latents(), *(s.final() for s in sources_of(run, views))))
    np.testing.assert_array_equal(final[0][:, [0, 0]], final[1])
    assert final[2].shape == (1, 65)


def test_a_chunk_of_recorded_latents_is_read_once(tmp_path, monkeypatch):
    model = nn.Sequential(nn.Linear(33, 4))
    path = recorded(tmp_path / "run.npz", model, 130, layer="0", n_points=5, chunk=100)
    with open_run(path) as run:
        whole = run.latents()
    reads = Counter()
    read = ArchiveReader.read

    def counted(self, name):
        reads[name] += parse_name(name).group == LATENTS
        return read(self, name)

    monkeypatch.setattr(ArchiveReader, "read", counted)
    with open_run(path) as run:
        source = source_of(run, Axes((1, 2), 4))
        found = np.concatenate([source.positions(np.array([k])) for k in range(130)])
    np.testing.assert_array_equal(found, whole[:, :, 1:3])
    assert sum(reads.values()) == 2


@pytest.mark.parametrize(
    ("chunk", "begins"), [(1, [0, 64, 128]), (40, [0, 40, 80]), (100, [0, 100])]
)
def test_small_chunks_are_read_together(tmp_path, chunk, begins):
    model = nn.Sequential(nn.Linear(33, 4))
    path = recorded(tmp_path / "run.npz", model, 130, layer="0", n_points=5, chunk=chunk)
    with ArchiveReader(path) as reader:
        assert ArchiveStore(reader, None).starts("0").tolist() == begins
