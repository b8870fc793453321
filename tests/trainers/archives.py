"""What is in an archive, whatever the clock had to say to it."""

from pathlib import Path

import numpy as np

from latentviz.archive import schema
from latentviz.archive.schema import parse_name


def contents(path: Path) -> dict[str, np.ndarray]:
    """Every recorded array, its chunks end to end: where chunks end depends on the clock."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    names = {member: parse_name(member) for member in arrays}
    n_chunks = sum(name.group == schema.STEPS for name in names.values())
    found = {}
    for member, (group, _, rest) in names.items():
        if group in (schema.HEADER, schema.PROBE, schema.FINAL):
            found[member] = arrays[member]
        elif group in (schema.STATES, schema.BATCHES, schema.LOSSES, schema.PARAMS):
            pieces = [_part(arrays, group, chunk, rest) for chunk in range(n_chunks)]
            found[f"{group}/{rest}"] = np.concatenate(pieces)
    return found


def _part(arrays: dict[str, np.ndarray], group: str, chunk: int, name: str) -> np.ndarray:
    array = arrays.get(schema.chunk_member(group, chunk, name))
    if array is None:
        # A curve that has no value in a whole chunk is missing from it.
        return np.full(len(arrays[schema.steps_member(chunk)]), np.nan)
    # Offsets count from the chunk's first sample; the sizes of the batches do not.
    return np.diff(array) if name == schema.OFFSETS else array


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Whether two archives hold the same, bit for bit."""
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() for name in a)
