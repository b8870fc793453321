"""Random states are what they were, in whichever state they are met."""

import itertools
import random

import numpy as np
import pytest
import torch

from latentviz.modules import randomness
from latentviz.modules.randomness import kept_randomness

# What is kept is the state of the generator of old, which models still draw from.
# ruff: noqa: NPY002


def drawn():
    return [
        *torch.rand(2).tolist(), *np.random.rand(2), *np.random.normal(size=3),
        random.random(), random.gauss(),
    ]  # fmt: skip


def nothing():
    pass


def one_of_a_pair():
    np.random.normal()
    random.gauss()


def other_generator():
    np.random.set_bit_generator(np.random.MT19937(3))
    np.random.normal()


def few_words_left():
    np.random.bytes(4 * 620)


def reseeded():
    for seed in (np.random.seed, random.seed, torch.manual_seed):
        seed(9)


@pytest.fixture(autouse=True)
def put_back():
    generator = np.random.get_bit_generator()
    with kept_randomness():
        yield
    assert np.random.get_bit_generator() is generator


BEFORE = (nothing, one_of_a_pair, other_generator, few_words_left)
WITHIN = (nothing, drawn, one_of_a_pair, other_generator, few_words_left, reseeded)


@pytest.mark.parametrize("by_memory", [True, False])
def test_what_is_drawn_next_is_what_it_were(monkeypatch, by_memory):
    if by_memory:
        assert randomness.twister_memory(np.random.get_bit_generator()) is not None
    else:
        monkeypatch.setattr(randomness, "twister_memory", lambda generator: None)
    for before, within in itertools.product(BEFORE, WITHIN):
        reseeded()
        before()
        expected = drawn()
        reseeded()
        before()
        for _ in range(3):
            with kept_randomness():
                within()
        assert drawn() == expected, (before, within)


@pytest.mark.parametrize("before", [nothing, one_of_a_pair, few_words_left])
def test_within_it_begins_alike(before):
    reseeded()
    reseeded_with_0 = [torch.manual_seed(0), np.random.seed(0), random.seed(0), drawn()][-1]
    for _ in range(2):
        before()
        with kept_randomness():
            assert drawn() == reseeded_with_0


def test_a_generator_of_another_kind_is_left_to_itself():
    np.random.set_bit_generator(np.random.PCG64(1))
    expected = np.random.normal(size=3).tolist()
    np.random.set_bit_generator(np.random.PCG64(1))
    with kept_randomness():
        np.random.normal()
    assert np.random.normal(size=3).tolist() == expected


def test_it_is_put_back_after_an_error():
    reseeded()
    expected = drawn()
    reseeded()
    with pytest.raises(KeyError), kept_randomness():
        {}[drawn()[0]]
    assert drawn() == expected
