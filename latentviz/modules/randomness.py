"""Random states that are afterwards what they were: torch's, NumPy's and Python's."""

from __future__ import annotations

import contextlib
import ctypes
import random
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What the functions of np.random and random draw from is kept and put back.
# ruff: noqa: NPY002

_KEY_WORDS = 624  # of a Mersenne Twister's state; its position follows

_numpys: Any = np.random  # whose types lack the functions that get and set its generator

_PythonState = tuple[Any, ...]


@contextlib.contextmanager
def kept_randomness() -> Iterator[None]:
    """All random states are afterwards what they were, and within begin alike each time."""
    import torch

    on_cuda: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # its gap
    ours = torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if on_cuda else []
    pythons, seeded = random.getstate(), _seeded_python()
    with _kept_numpy():
        try:
            torch.default_generator.manual_seed(0)
            for generator in torch.cuda.default_generators if on_cuda else ():
                generator.manual_seed(0)
            random.setstate(seeded)
            yield
        finally:
            torch.set_rng_state(ours)
            if on_cuda:
                torch.cuda.set_rng_state_all(cuda)
            random.setstate(pythons)


def _kept_numpy() -> contextlib.AbstractContextManager[None]:
    memory = twister_memory(_numpys.get_bit_generator())
    return _kept_whole() if memory is None else _kept_memory(memory)


@contextlib.contextmanager
def _kept_whole() -> Iterator[None]:
    """The slow way, of any generator: a Mersenne Twister's state takes 70 µs to get and set."""
    kept = np.random.get_state(legacy=False)
    try:
        if kept["bit_generator"] == "MT19937":  # no other can be seeded so
            np.random.seed(0)
        yield
    finally:
        np.random.set_state(kept)


@contextlib.contextmanager
def _kept_memory(memory: NDArray[np.uint32]) -> Iterator[None]:
    """The same by the memory of a Mersenne Twister."""
    generator = _numpys.get_bit_generator()
    kept = memory.copy()
    # Normal numbers are drawn in pairs. The second lies where only `get_state` looks, and to draw
    # it tells whether there is one: then nothing is drawn from the generator.
    second = np.random.standard_normal()
    has_second = memory.tobytes() == kept.tobytes()
    try:
        memory[:] = _seeded_numpy()
        _numpys.set_bit_generator(generator)  # which forgets the second of a pair
        yield
    finally:
        _numpys.set_bit_generator(generator)
        memory[:] = kept
        if has_second:
            state: Any = np.random.get_state(legacy=False)
            np.random.set_state({**state, "has_gauss": 1, "gauss": second})


@lru_cache(maxsize=1)
def twister_memory(generator: Any) -> NDArray[np.uint32] | None:
    """A Mersenne Twister's key and position where they lie; None if it is not known where."""
    if type(generator) is not np.random.MT19937:
        return None
    state = generator.state["state"]
    found = _words_at(generator.ctypes.state_address)
    is_it = np.array_equal(found[:-1], state["key"]) and found[-1] == state["pos"]
    return found if is_it else None


def _words_at(address: int) -> NDArray[np.uint32]:
    words: Any = (ctypes.c_uint32 * (_KEY_WORDS + 1)).from_address(address)
    return np.frombuffer(words, dtype=np.uint32)


@lru_cache(maxsize=1)
def _seeded_numpy() -> NDArray[np.uint32]:
    state: Any = np.random.RandomState(0).get_state(legacy=False)
    return np.append(state["state"]["key"], np.uint32(state["state"]["pos"])).astype(np.uint32)


@lru_cache(maxsize=1)
def _seeded_python() -> _PythonState:
    return random.Random(0).getstate()
