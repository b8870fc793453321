"""One seed, one run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def reproducible(seed: int) -> Iterator[torch.Generator]:
    """Make all that torch does inside depend on the seed only, and leave no trace after.

    PyTorch is the experiments' only source of chance. The models are so small that more than one
    thread only costs time, and the order of a sum must not depend on how many there are.

    Args:
        seed: 0 to 2⁶³ - 1.

    Yields:
        A generator of its own for the data, so that the model's initialisation does not shift it.
    """
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield torch.Generator().manual_seed(seed)
        finally:
            torch.set_num_threads(threads)
