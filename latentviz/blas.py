"""Products and decompositions whose bits do not depend on how many threads BLAS has."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.RLock()


@contextmanager
def one_thread(*, user_api: str | None = "blas") -> Iterator[None]:
    """Have one thread of BLAS, which splits a product, and rounds, by how many it has.

    For as long as this lasts, that holds for the whole process: BLAS knows no other way. It should
    be short. One caller at a time is in here; the number of threads is restored after.

    Args:
        user_api: Which libraries' threads: of BLAS, or, for None, of OpenMP too.
    """
    from threadpoolctl import ThreadpoolController

    with _LOCK:
        pools = ThreadpoolController()
        if user_api is not None:
            pools = pools.select(user_api=user_api)
        with pools.limit(limits=1):
            yield
