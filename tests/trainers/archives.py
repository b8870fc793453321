"""What is in an archive, whatever the clock had to say to it."""

from pathlib import Path

import numpy as np


def contents(path: Path) -> dict[str, np.ndarray]:
    """Every recorded array, its chunks end to end: where chunks end depends on the clock."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    chunks = sorted(name.removeprefix("steps/") for name in arrays if name.startswith("steps/"))
    found = {}
    for member, array in arrays.items():
        group, _, rest = member.partition("/")
        if group in ("header", "probe", "final"):
            found[member] = array
        elif group in ("states", "batches", "losses", "params"):
            name = rest.partition("/")[2]
            found[f"{group}/{name}"] = np.concatenate(
                [_part(arrays, group, chunk, name) for chunk in chunks]
            )
    return found


def _part(arrays: dict[str, np.ndarray], group: str, chunk: str, name: str) -> np.ndarray:
    array = arrays.get(f"{group}/{chunk}/{name}")
    if array is None:
        # A curve that has no value in a whole chunk is missing from it.
        return np.full(len(arrays[f"steps/{chunk}"]), np.nan)
    # Offsets count from the chunk's first sample; the sizes of the batches do not.
    return np.diff(array) if name == "offsets" else array


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Whether two archives hold the same, bit for bit."""
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() for name in a)
