"""Hostile mutants of small archives, each of which must be refused or read, quickly and in bounds.

    python tests/archive/fuzz.py --mutants 100000 --seed 0 --jobs 2

A mutant is made of its subject, the seed and its number alone; ``--only N`` makes one again.
``--draw`` draws a tiny frame of each run that can be opened, too, which takes some ten times as
long.

Two rules say what may come of it:

- SAME: its members' contents are untouched, or no longer match the manifest. Whatever is read is
  what the original holds; all else is a `LatentvizError`. Of a recording that was cut off, whole
  chunks from its beginning.
- LEGAL: contents were changed and every checksum made anew, so it may be another archive.
  Whatever is read is read, and all else is a `LatentvizError`.

Under both, what `recover` makes of a recording holds what the recording does, an `ArchiveError` is
one printable line, no mutant takes more than a second of the processor's time (and its picture no
more than five), and none more than 1 GiB of memory.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import faulthandler
import json
import multiprocessing
import random
import resource
import signal
import struct
import sys
import tempfile
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np

from latentviz import (
    ArchiveError,
    ChunkLimits,
    IncompleteRunWarning,
    LatentvizError,
    Recorder,
    open_run,
    recover,
    render_frame,
)
from latentviz.archive import ArchiveReader, ArchiveWriter, schema
from latentviz.archive import format as f
from latentviz.archive.deflate import crc32, deflate

SAME, LEGAL = "same", "legal"
K, CHUNKS, N = 3, 3, 5
MEMORY_BYTES = 1 << 30
SECONDS = 1.0
DRAWING_SECONDS = 5.0
SIZE = (240, 120)
JSON_GROUPS = (schema.HEADER, schema.LISTS, schema.MANIFEST)
LIMITS = {"LIMIT16": 30, "LIMIT32": 2000}  # so that a small file needs ZIP64's fields
NUMBERS = [
    0, 1, 2, 7, 8, 255, 256, 2000, 4096, 0x7FFF, 0xFFFF, 0x10000, 1 << 31, 0xFFFFFFFF, 1 << 32,
    1 << 40, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1,
]  # fmt: skip
ODD_JSON = [
    None, True, False, 0, -1, 1, 10**30, -(10**30), 1.5, 1e300, float("nan"), float("inf"), "",
    "x" * 5000, "\x1b[2J\n$x^2$", "_x", "\u202e\ud800", "../../etc/passwd", "os:system", [], {},
    ["encoder.0.bias"], ["near.bias"], ["far"], ["far", "far"], ["far", "near", ""],
    [[]], [None], {"a": None}, [[0, "x"]], [["x", 0]], {"lr": [10**30]}, {"lr": "012"},
    {"name": "cn-color-mlp", "args": {"k_codec": 1 << 20, "n_nonlinear": 1 << 30}},
    {"name": "cn-color-mlp", "args": {"k_codec": 1 << 62}},
    {"name": "trainers.models:X", "args": {}},
    {"name": "color-mlp", "args": {"\x1b": 1}}, {"name": "color-mlp", "args": []},
]  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A member as it is to be packed; ``local`` and ``central`` are what each header says instead.

    The keys are the places of the structs' fields; "name" and "extra" are what follows them.
    """

    name: str
    data: bytes
    packed: bytes
    method: int
    local: dict = field(default_factory=dict)
    central: dict = field(default_factory=dict)
    before: bytes = b""

    @classmethod
    def of(cls, name: str, data: bytes) -> Entry:
        packed = deflate(data)
        stored = len(packed) >= len(data)
        return cls(name, data, data if stored else packed, f.STORED if stored else f.DEFLATED)


def pack(entries: list[Entry], end: dict | None = None, *, part: bool = False) -> bytes:
    """A file of these members, all in order but for what they and ``end`` say instead."""
    out, directory = bytearray(), bytearray()
    for e in entries:
        out += e.before
        offset = len(out)
        crc, size, packed = crc32(e.data), len(e.data), len(e.packed)
        name = f.stored_name(e.name).encode("ascii") + b".npy"
        large = max(size, packed) >= f.LIMIT32
        sizes = (f.LIMIT32, f.LIMIT32) if large else (packed, size)
        extra = f.ZIP64_SIZES.pack(1, 16, size, packed) if large else b""
        head = [b"PK\3\4", 45 if large else 20, 0, e.method, 0, f.DOS_DATE, crc, *sizes]
        out += _head(f.LOCAL_HEADER, [*head, len(name), len(extra)], name, extra, e.local)
        out += e.packed
        large = max(size, packed, offset) >= f.LIMIT32
        sizes = (f.LIMIT32, f.LIMIT32) if large else (packed, size)
        extra = f.ZIP64_OFFSET.pack(1, 24, size, packed, offset) if large else b""
        version = 45 if large else 20
        head = [b"PK\1\2", version, version, 0, e.method, 0, f.DOS_DATE, crc, *sizes]
        head += [len(name), len(extra), 0, 0, 0, 0, f.LIMIT32 if large else offset]
        directory += _head(f.CENTRAL_HEADER, head, name, extra, e.central)
    if part:
        return bytes(out)
    count, size, start = len(entries), len(directory), len(out)
    large = count >= f.LIMIT16 or max(size, start) >= f.LIMIT32
    given = end or {}
    tail = bytearray()
    if large:
        record = [b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start]
        tail += _head(f.ZIP64_END, record, b"", b"", given.get("record", {}))
        locator = [b"PK\6\7", 0, start + size, 1]
        tail += _head(f.ZIP64_LOCATOR, locator, b"", b"", given.get("locator", {}))
    last = [b"PK\5\6", 0, 0, *[f.LIMIT16 if large else count] * 2]
    last += [f.LIMIT32, f.LIMIT32] if large else [size, start]
    tail += _head(f.END, [*last, 0], b"", given.get("comment", b""), given.get("end", {}))
    return bytes(out + directory + tail)


def _head(kind: struct.Struct, values: list, name: bytes, extra: bytes, changes: dict) -> bytes:
    values = list(values)
    sizes = [struct.calcsize("<" + code) for code in _codes(kind)]
    for at, value in changes.items():
        if isinstance(at, int) and at < len(values):
            fits = isinstance(value, bytes)
            values[at] = value if fits else int(value) & ((1 << 8 * sizes[at]) - 1)
    return kind.pack(*values) + changes.get("name", name) + changes.get("extra", extra)


def _codes(kind: struct.Struct) -> list[str]:
    codes, count = [], ""
    for c in kind.format.lstrip("<"):
        if c.isdigit():
            count += c
        else:
            codes += [count + c] if c == "s" else [c] * int(count or 1)
            count = ""
    return codes


# --- the originals


@dataclass(frozen=True)
class Subject:
    """An archive to make mutants of, and what is to be read of it."""

    name: str
    small_limits: bool
    part: bool
    model: str | None  # what the user gives where the archive names none
    entries: tuple[Entry, ...]
    read: dict = field(default_factory=dict)


@contextlib.contextmanager
def limits(small: bool):
    """ZIP64 from 2000 bytes on, for reader and writer alike."""
    with setting(f, **LIMITS if small else {}):
        yield


@contextlib.contextmanager
def setting(module: ModuleType, **values: object):
    """A module's constants, changed inside."""
    old = {name: getattr(module, name) for name in values}
    try:
        vars(module).update(values)
        yield
    finally:
        vars(module).update(old)


def members(*, registered: bool, version: int = f.FORMAT) -> dict[str, np.ndarray]:
    """A run of nine steps in three chunks, as a recorder writes it, or wrote it in format 1."""
    import torch

    from trainers.models import ColorMLP

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    states = [ColorMLP().state_dict() for _ in range(K * CHUNKS)]
    header = {
        "format": version, "model": {"name": "color-mlp", "args": {}} if registered else None,
        "layer": "encoder", "seed": 7, "keyframes": {"lr": [0, 5]}, "phases": [[0, "Train"]],
        "versions": {"python": "3.12"}, "layers": ["encoder"], "states": None, "bfloat16": [],
    }  # fmt: skip
    if version > 1:
        header |= {"tokens": "each" if not registered else "mean", "class_names": list("abcde")}
    out = {
        schema.HEADER: f.json_array(header),
        schema.probe_member(): rng.random((N, 3)).astype("f4"),
        schema.PROBE_COLORS: np.arange(N),
    }
    losses = schema.curve_groups(version)[schema.LOSSES]
    chunks, of_chunks = [], {}
    for c in range(CHUNKS):
        rows = range(c * K, (c + 1) * K)
        batch, curve = partial(schema.batch_member, c), schema.curve_member
        chunk = {schema.steps_member(c): np.array(rows)}
        for name in states[0]:
            array = np.stack([states[k][name].numpy() for k in rows])
            chunk[schema.state_member(c, name)] = array
        chunk[batch(schema.OFFSETS)] = np.array([0, 2, 2, 5])
        chunk[batch(schema.inputs_part())] = rng.random((5, 3)).astype("f4")
        chunk[batch(schema.labels_part("red"))] = rng.random(5) < 0.5
        if c and version > 1:
            chunk[batch(schema.shapes_part(schema.inputs_part()))] = np.array([[3], [1], [2]])
        chunk[curve(losses, c, "loss")] = rng.random(K)
        if c:
            chunk[curve(losses, c, "late")] = np.array([np.nan, np.nan, rng.random()])
        if version > 2:
            chunk[curve(schema.METRICS, c, "accuracy")] = rng.random(K)
        chunk[curve(schema.PARAMS, c, "lr")] = rng.random(K)
        if c and version > 1:
            chunk[schema.gaps_member(losses, c, "late")] = np.array([True, False, False])
        if not registered:
            chunk[schema.latents_member(c, "encoder")] = rng.random((K, N, 4)).astype("f4")
        entry = schema.ChunkEntry.of(np.array(rows), crcs(chunk))
        own = {schema.list_member(c): f.json_array(entry.to_json())}
        chunks.append(entry.with_list(c, *crcs(own).values()))
        of_chunks |= chunk | own
    after = {schema.final_member(schema.STATES, n): t.numpy() for n, t in states[0].items()}
    if version > 2:
        after[schema.final_member(schema.LOSSES, "loss")] = np.array(0.25)
        after[schema.final_member(schema.METRICS, "accuracy")] = np.array(np.nan)
    manifest = schema.Manifest(version, chunks, crcs(out | after))
    return out | of_chunks | after | {schema.MANIFEST: f.json_array(manifest.to_json())}


def crcs(arrays: dict[str, np.ndarray]) -> dict[str, int]:
    return {name: crc32(npy(array)) for name, array in arrays.items()}


def two_inputs():
    """A model that takes two inputs by name, part of it in bfloat16."""
    import torch
    from torch import nn

    class TwoInputs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(9, 4, dtype=torch.bfloat16)
            self.near = nn.Linear(4, 3)
            self.far = nn.Linear(3, 2)
            self.add_module("größe->", nn.Linear(1, 1))

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            words = (self.embed(ids).float() * mask[..., None]).sum(1)
            return self.far(self.near(words).tanh())

    return TwoInputs()


def recorded(folder: Path, *, states: str, **others: object) -> dict[str, np.ndarray]:
    """A run of every other step of such a model, with two layers, as a recorder writes it."""
    import torch

    torch.manual_seed(1)
    model = two_inputs()

    def batch(size: int, length: int = 6) -> dict[str, torch.Tensor]:
        return {"ids": torch.randint(9, (size, length)), "mask": torch.rand(size, length) < 0.7}

    options = {
        "layer": ["near", "far"], "probe": batch(N), "colors": torch.linspace(0, 1, N),
        "states": states, "every": 2, "keyframes": {"lr": [0, 4]},
        "phases": [(0, "Warm up"), (8, "Train")], "actions": [(4, "freeze")], "overwrite": True,
        "chunk_limits": ChunkLimits(steps=K, seconds=1e9),
    } | others  # fmt: skip
    with Recorder(folder / "run.npz", model, **options) as run:
        for step in range(2 * K * CHUNKS - 1):
            given = batch(step % 4, 6 - step % 3)
            labels = {"länger": given["mask"].sum(1), "odd": given["ids"][:, 0] % 2 == 1}
            losses = {"loss": torch.rand(()), **({"損失 %": 1.0} if step > 9 else {})}
            run.step(
                batch=given, labels=labels, losses=losses, params={"lr": 0.1 / (1 + step)},
                metrics={"accuracy": step / 20} if step % 4 == 0 else None,
            )  # fmt: skip
            with torch.no_grad():
                for tensor in model.parameters():
                    tensor += torch.randn_like(tensor) / 10
    with ArchiveReader(folder / "run.npz") as reader:
        return {name: reader.read(name).copy() for name in reader.members}


def npy(array: np.ndarray) -> bytes:
    return f.npy_header(array.dtype, array.shape) + array.tobytes()


def originals(folder: Path) -> list[tuple[str, str | None, dict[str, np.ndarray]]]:
    """Runs to make mutants of: a name, the model that the user gives, and the members."""
    given = "trainers.models:ColorMLP"
    marks = {"classes": np.arange(N) % 2, "class_names": ["rød", "b", "c"]}
    marks["point_names"] = list("vwxyz")
    return [
        ("states", None, members(registered=True)),
        ("latents", given, members(registered=False, version=1)),
        ("inputs", "fuzz:two_inputs", recorded(folder, states="all", latents=False)),
        ("layers", None, recorded(folder, states="*.bias", latents=True, **marks)),
        (
            "rows",
            None,
            recorded(
                folder,
                states="near.*",
                layer=None,
                probe=None,
                colors=None,
                points="columns:near.weight",
                point_names=["a", "", "µ", "b\n"],
            ),
        ),
    ]


def subjects(folder: Path, *, draw: bool = False) -> list[Subject]:
    """With states that are evaluated and with latents; with and without ZIP64; cut off or whole."""
    found = []
    for name, model, arrays in originals(folder):
        entries = tuple(Entry.of(name, npy(array)) for name, array in arrays.items())
        for small in (False, True):
            with limits(small), ArchiveWriter(folder / "run.npz", overwrite=True) as writer:
                for member, array in arrays.items():
                    writer.add(member, array)
            with limits(small):
                assert pack(list(entries)) == (folder / "run.npz").read_bytes()
            for part in (False, True):
                kept = [e for e in entries if not part or not e.name.startswith(("final", "man"))]
                called = name + "-zip64" * small + "-part" * part
                subject = Subject(called, small, part, model, tuple(kept))
                with limits(small):
                    path = written(folder, subject, pack(kept, part=part))
                    read = everything(path, model) | (drawn(path, model) if draw else {})
                refused = {key[0] for key, value in read.items() if isinstance(value, Exception)}
                # One has not all of its states, and one no layer.
                expected = {"layers": {"evaluate"}, "rows": {"evaluate", "probe"}}
                assert refused == expected.get(name, set()), refused
                found.append(replace(subject, read=read))
    return found


def written(folder: Path, subject: Subject, data: bytes) -> Path:
    path = folder / ("run.npz.part" if subject.part else "run.npz")
    path.write_bytes(data)
    return path


# --- reading


def everything(path: Path, model: str | None) -> dict[tuple, object]:
    """All that the public interface says of an archive; an error in place of what it refuses."""
    out: dict[tuple, object] = {}
    ask = partial(_ask, out)
    with _strict():
        try:
            run = open_run(path, model=model)
        except LatentvizError as error:
            refusal = error
            ask(("open",), lambda: _raise(refusal))
            return out
        with run:
            for k, step in enumerate(run.steps[:40].tolist()):
                out["step", k] = step
                for group, gaps in (
                    ("params", run.param_gaps), ("losses", run.loss_gaps),
                    ("metrics", run.metric_gaps),
                ):  # fmt: skip
                    for name, curve in getattr(run, group).items():
                        out[group, name, k] = _frozen([curve[k], gaps[name][k]])
                ask(("state", k), lambda step=step: run.state(step))
                ask(("batch", k), lambda step=step: vars(run.batch(step)))
            about = ("layer", "layers", "seed", "colors", "keyframes", "phases", "actions")
            about += ("points", "classes", "class_names", "point_names")
            out["about",] = _frozen([getattr(run, name) for name in about])
            for kind in ("final_losses", "final_metrics"):
                out[kind,] = {n: _frozen(np.float64(v)) for n, v in getattr(run, kind).items()}
            ask(("probe",), lambda: run.probe)
            ask(("describe",), lambda: _without_place(run.describe()))
            repr(run)
            for layer in run.layers[:5]:
                ask(("latents", layer), partial(run.latents, run.steps[:40], layer=layer))
            last = int(run.steps[min(len(run), 40) - 1])
            ask(("latents", last), lambda: run.latents(last))
            ask(("final",), run.state)
            ask(("evaluate", "first"), lambda: vars(run.evaluate(run.probe, int(run.steps[0]))))
            ask(("evaluate", "final"), lambda: vars(run.evaluate(run.probe)))
    return out


def drawn(path: Path, model: str | None) -> dict[tuple, object]:
    """A frame of a run that shows its first steps, or the error in its place."""

    def picture() -> dict[str, object]:
        with open_run(path, model=model) as run:
            pixels = render_frame(run, frame=0, pace="linear:64", size=SIZE)
            return {"curves": [*run.params, *run.losses, *run.metrics], "pixels": pixels}

    out: dict[tuple, object] = {}
    with _strict():
        _ask(out, ("draw",), picture)
    return out


def recovered(path: Path, model: str | None) -> dict[tuple, object]:
    """All that is said of the archive that a recording is made into."""
    try:
        recovery = recover(path, overwrite=True)
    except LatentvizError as error:
        return {("open",): error}
    return everything(recovery.path, model)


@contextlib.contextmanager
def _strict():
    """A warning is an error, but for the one that is to be expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", IncompleteRunWarning)
        yield


def _ask(out: dict[tuple, object], key: tuple, question: Callable[[], object]) -> None:
    try:
        out[key] = _frozen(question())
    except LatentvizError as error:
        message = str(error)
        if isinstance(error, ArchiveError) and (len(message) > 1000 or not message.isprintable()):
            raise AssertionError(f"an error that cannot be shown: {message!r}") from None
        out[key] = error


def _without_place(about: dict[str, object]) -> dict[str, object]:
    """What is said of a run but for its file, and for the order of what lies in that."""
    kept = {n: v for n, v in about.items() if n not in ("phases", "actions")}
    parts = {n: sorted(v, key=repr) if isinstance(v, list) else v for n, v in kept.items()}
    return {**parts, "path": "", "bytes": 0, "bytes_a_step": 0}


def _raise(error: Exception):
    raise error


def _frozen(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.str, value.shape, zlib.crc32(value.tobytes())
    if isinstance(value, dict):
        return {name: _frozen(part) for name, part in value.items()}
    return [_frozen(part) for part in value] if isinstance(value, list | tuple) else value


# What can be compared of a part of a run: nothing else is of single steps, or in a chunk's list.
OF_STEPS = {"step", "state", "batch", "params", "losses", "metrics"}


def same(subject: Subject, read: dict[tuple, object]) -> str | None:
    """What of a mutant under `SAME` is not as it should be."""
    for key, value in read.items():
        if isinstance(value, Exception) or (subject.part and key[0] not in OF_STEPS):
            continue
        expected = subject.read.get(key)
        if key == ("draw",) and value["curves"] != expected["curves"]:
            continue  # their colors go by the order of what lies in the file
        if expected != value:
            return f"{key} differs: {str(value)[:200]}"
    n_steps = sum(key[0] == "step" for key in read)
    if n_steps % K or not (subject.part or n_steps in (0, K * CHUNKS)):
        return f"{n_steps} steps are no whole chunks"
    return None


def lost(read: dict[tuple, object], recovered: dict[tuple, object]) -> str | None:
    """What of a recording is not as it was once it is recovered."""
    for key in (read.keys() | recovered.keys()) - {("describe",)}:
        before, after = (
            type(value) if isinstance(value, Exception) else value
            for value in (read.get(key), recovered.get(key))
        )
        if before != after:
            return f"{key} is not recovered: {str(before)[:200]} and then {str(after)[:200]}"
    return None


# --- mutations: each takes the generator and the subject, and gives a file and its rule


def flip_bits(rng: random.Random, s: Subject) -> tuple[bytes, str]:
    data = bytearray(pack(list(s.entries), part=s.part))
    for _ in range(rng.choice([1, 1, 2, 8])):
        data[_place(rng, data)] ^= 1 << rng.randrange(8)
    return bytes(data), SAME


def put_number(rng: random.Random, s: Subject) -> tuple[bytes, str]:
    data = bytearray(pack(list(s.entries), part=s.part))
    for _ in range(rng.choice([1, 1, 2])):
        size = rng.choice([1, 2, 4, 8])
        at = min(_place(rng, data), len(data) - size)
        data[at : at + size] = (rng.choice(NUMBERS) % (1 << 8 * size)).to_bytes(size, "little")
    return bytes(data), SAME


def splice(rng: random.Random, s: Subject) -> tuple[bytes, str]:
    data = bytearray(pack(list(s.entries), part=s.part))
    a, b, c = (_place(rng, data) for _ in range(3))
    length = rng.choice([1, 4, 16, 46, 300, 3000])
    piece = bytes(data[a : a + length])
    kind = rng.randrange(4)
    if kind == 0:
        data[b:b] = piece
    elif kind == 1:
        data[b : b + len(piece)] = piece
    elif kind == 2:
        del data[a : a + length]
    else:
        data[min(b, c) : max(b, c)] = rng.randbytes(rng.choice([0, 3, 22]))
    return bytes(data), SAME


def truncate(rng: random.Random, s: Subject) -> tuple[bytes, str]:
    data = pack(list(s.entries), part=s.part)
    return data[: _place(rng, data)] + rng.randbytes(rng.choice([0, 0, 22])), SAME


def headers(rng: random.Random, s: Subject) -> tuple[bytes, str]:
    """Lies in local headers and the directory, about one thing in one or in both."""
    entries = list(s.entries)
    for _ in range(rng.choice([1, 1, 2, 3])):
        i = rng.randrange(len(entries))
        lie = _lie(rng, entries)
        where = rng.choice(["local", "central", "both"])
        changes = {}
        if where != "central":
            changes["local"] = entries[i].local | lie[0]
        if where != "local":
            changes["central"] = entries[i].central | lie[1]
        entries[i] = replace(entries[i], **changes)
    return pack(entries, part=s.part), SAME


def _lie(rng: random.Random, entries: list[Entry]) -> tuple[dict, dict]:
    """A lie as the local header and the directory put it."""
    number = rng.choice([*NUMBERS, rng.choice([2000, 2001, 1999]), rng.randrange(1 << 16)])
    other = rng.choice(entries)
    kind = rng.randrange(9)
    if kind == 0:  # flags: encrypted, a data descriptor, UTF-8 names
        number = rng.choice([1, 8, 0x40, 0x800, 0x2000, number])
        return {2: number}, {3: number}
    if kind == 1:
        number = rng.choice([0, 8, 9, 12, 14, 99])
        return {3: number}, {4: number}
    if kind == 2:
        crc = crc32(other.data)
        return {6: crc}, {7: crc}
    if kind == 3:
        return {7: number}, {8: number}
    if kind == 4:
        return {8: number}, {9: number}
    if kind == 5:
        name = rng.choice(
            [
                *(other.name, "../x", "/x", "a\\b", "x" * 300, "é", "x\0y", "x\n"),
                *("final/states/x", "", "%68eader", "a%2Fb", "%FF", "%C3%A9", "%"),
            ]
        )
        raw = name.encode() + rng.choice([b".npy", b".npy", b"", b".txt"])
        return {"name": raw, 9: len(raw)}, {"name": raw, 10: len(raw)}
    if kind == 6:
        values = [rng.choice([*NUMBERS, len(other.data), len(other.packed)]) for _ in range(4)]
        values = values[: rng.randrange(5)]
        extra = struct.pack(f"<2H{len(values)}Q", rng.choice([1, 1, 2]), 8 * len(values), *values)
        return {"extra": extra, 10: len(extra)}, {"extra": extra, 11: len(extra)}
    if kind == 7:  # what else the directory says: comment, disk, attributes, offset
        at = rng.choice([12, 13, 14, 15, 16, 16])
        number = rng.choice([number, 0o120777 << 16])
        return {rng.randrange(1, 11): number}, {at: number}
    at = rng.randrange(1, 17)
    return {1 + at % 10: number}, {at: number}


def end_records(rng: random.Random, s: Subject) -> tuple[bytes, str]:
    end: dict = {}
    for _ in range(rng.choice([1, 1, 2])):
        record, n = rng.choice([("end", 7), ("record", 10), ("locator", 4)])
        at, number = rng.randrange(1, n + 1), rng.choice([*NUMBERS, 30, 2000, rng.randrange(50000)])
        end[record] = end.get(record, {}) | {at: number}
    if rng.random() < 0.2:
        end["comment"] = rng.randbytes(5)
        end["end"] = {7: 5}
    return pack(list(s.entries), end, part=s.part), SAME


def arrange(rng: random.Random, s: Subject) -> tuple[bytes, str]:
    """Members dropped, doubled, exchanged, moved, in one another's place, or with bytes between."""
    entries = list(s.entries)
    for _ in range(rng.choice([1, 1, 2])):
        i, j = rng.randrange(len(entries)), rng.randrange(len(entries))
        kind = rng.randrange(7)
        if kind == 0:
            del entries[i]
        elif kind == 1:
            entries.insert(j, entries[i])
        elif kind == 2:
            entries[i], entries[j] = entries[j], entries[i]
        elif kind == 3:
            entries[i] = replace(entries[i], before=rng.randbytes(rng.choice([1, 30, 100])))
        elif kind == 4:
            entries[i] = replace(entries[i], data=entries[j].data, packed=entries[j].packed)
            entries[i] = replace(entries[i], method=entries[j].method)
        elif kind == 5:
            entries[i] = replace(entries[i], name=entries[j].name)
        else:
            rng.shuffle(entries)
    return pack(entries, part=s.part), SAME


def deflated(rng: random.Random, s: Subject) -> tuple[bytes, str]:
    """A damaged stream, with the size and the CRC of what it now holds, but not in the manifest."""
    entries = list(s.entries)
    i = rng.choice([i for i, e in enumerate(entries) if e.name != "manifest"])
    packed = bytearray(entries[i].packed)
    packed[rng.randrange(len(packed))] ^= 1 << rng.randrange(8)
    method, data = entries[i].method, bytes(packed)
    if method == f.DEFLATED:
        decoder = zlib.decompressobj(-15)
        with contextlib.suppress(zlib.error):
            data = decoder.decompress(bytes(packed), 1 << 20)
    packed += rng.choice([b"", b"", b"\0", bytes(packed)])
    entries[i] = replace(entries[i], packed=bytes(packed), data=data)
    # What no list names may say what it likes.
    is_listed = not s.part or not entries[i].name.startswith(("header", "probe", "chunks"))
    return pack(entries, part=s.part), SAME if is_listed else LEGAL


def npy_headers(rng: random.Random, s: Subject) -> tuple[bytes, str]:
    """Other words in an array's header, all checksums in order."""
    contents = {e.name: e.data for e in s.entries}
    name = rng.choice(list(contents))
    data = contents[name]
    start = 10 + int.from_bytes(data[8:10], "little")
    text, rest = data[10:start], data[start:]
    swaps = [
        (b"'<f4'", b"'%s'"), (b"'<f8'", b"'%s'"), (b"'<i8'", b"'%s'"), (b"'|u1'", b"'%s'"),
    ]  # fmt: skip
    for old, new in swaps:
        codes = [b"|O", b"<f2", b"<f4", b"<f8", b"<i4", b"<u8", b"|b1", b">f4", b"<c8", b"|V8"]
        if rng.random() < 0.5:
            text = text.replace(old, new % rng.choice(codes))
    if rng.random() < 0.6:
        dims = [
            rng.choice([0, 1, 3, N, 1 << 20, 1 << 40, 1 << 62]) for _ in range(rng.randrange(6))
        ]
        dims = dims * rng.choice([1, 1, 1, 20])
        shape = ", ".join(map(str, dims)) + ("," if len(dims) == 1 else "")
        a, b = text.index(b"("), text.index(b")")
        text = text[: a + 1] + shape.encode() + text[b:]
    if rng.random() < 0.2:
        text = text.replace(b"False", rng.choice([b"True", b"0"]))
    if rng.random() < 0.2:
        rest = rest[: rng.randrange(len(rest) + 1)]
    length = len(text) if rng.random() < 0.9 else rng.choice([0, 10, 0xFFFF])
    contents[name] = data[:8] + length.to_bytes(2, "little") + text + rest
    return sealed(contents, s), LEGAL


def arrays(rng: random.Random, s: Subject) -> tuple[bytes, str]:
    """Other dtypes, shapes and values, each array whole in itself, all checksums in order."""
    contents = {e.name: e.data for e in s.entries}
    for _ in range(rng.choice([1, 1, 2, 3])):
        name = rng.choice(list(contents))
        contents[name] = npy(_other(rng, f.array_from_npy(s_data(s, name), name)))
    if rng.random() < 0.1:
        other = rng.choice([
            "losses/000000/", "states/000009/w", "x", "latents/000000/encoder", "probe/inputs/x",
            "batches/000000/inputs/x", "batches/000000/labels/x", "latents/000000/x",
            "batches/000000/shapes/inputs", "batches/000001/shapes/labels/red",
            "gaps/000000/losses/loss", "gaps/000001/params/", "gaps/000000/x", "gaps/000000",
            "metrics/000000/", "gaps/000001/metrics/accuracy", "final/losses/", "final/metrics/x",
        ])  # fmt: skip
        contents[f"{other}{'y' if other.endswith('/') else ''}"] = npy(np.zeros(3))
    return sealed(contents, s), LEGAL


def s_data(s: Subject, name: str) -> bytes:
    return next(e.data for e in s.entries if e.name == name)


def _other(rng: random.Random, array: np.ndarray) -> np.ndarray:
    kind = rng.randrange(6)
    if kind == 0:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return array.astype(rng.choice(sorted(f.DTYPES, key=str)))
    if kind == 1:
        shape = [rng.choice([0, 1, 2, K, N, 1 << 12]) for _ in range(rng.randrange(4))]
        if 0 in shape or array.size == 0 or np.prod(shape) > 1 << 22:
            return np.zeros([min(side, 32) for side in shape], array.dtype)
        return np.resize(array, shape)
    if kind == 2:
        shape = [0, *(rng.choice([1, 1 << 12, 1 << 24, 1 << 50]) for _ in range(2))]
        with contextlib.suppress(ValueError):
            return np.zeros(shape, array.dtype)
        return np.atleast_1d(array)[:0]
    if kind == 3:
        return array[: rng.randrange(len(array) + 1)] if array.ndim else array
    if kind == 4:
        return np.zeros((1 << 21,), rng.choice(["u1", "i8", "f4"]))  # a bomb within the limit
    changed = array.copy().ravel()
    if changed.size:
        info = np.finfo if changed.dtype.kind == "f" else np.iinfo
        bounds = (
            [0, 1] if changed.dtype == bool else [info(changed.dtype).min, info(array.dtype).max]
        )
        odd = [*bounds, 0, *([np.nan, np.inf, -np.inf] if changed.dtype.kind == "f" else [])]
        for _ in range(rng.choice([1, 3, 30])):
            changed[rng.randrange(changed.size)] = rng.choice(odd)
    return changed.reshape(array.shape)


def json_documents(rng: random.Random, s: Subject) -> tuple[bytes, str]:
    """Other values somewhere in the header, the manifest, or a chunk's list."""
    contents = {e.name: e.data for e in s.entries}
    documents = [n for n in contents if schema.parse_name(n).group in JSON_GROUPS]
    name = rng.choice([*documents, "header", documents[-1]])
    document = json.loads(f.array_from_npy(contents[name], name).tobytes())
    for _ in range(rng.choice([1, 1, 2])):
        _put(rng, document)
    text = json.dumps(document).encode("ascii")
    odd = rng.random()
    if odd < 0.02:
        text = text.replace(b"7", b"[" * 100_000 + b"]" * 100_000, 1)
    elif odd < 0.04:
        text = text.replace(b"7", b"7" * 100_000, 1)
    elif odd < 0.06:
        text = text.replace(b"7", b"1e999", 1)
    elif odd < 0.08:
        text = text[: rng.randrange(len(text))]
    contents[name] = npy(np.frombuffer(text, np.uint8))
    return sealed(contents, s, keep=name), LEGAL


def _put(rng: random.Random, document: object) -> None:
    """Put an odd value in place of another, at any depth."""
    while isinstance(document, dict | list) and document:
        key = (
            rng.choice(list(document))
            if isinstance(document, dict)
            else rng.randrange(len(document))
        )
        if not isinstance(document[key], dict | list) or not document[key] or rng.random() < 0.3:
            if rng.random() < 0.15:
                del document[key]
            else:
                document[key] = copy.deepcopy(rng.choice(ODD_JSON))  # it may be changed in turn
            return
        document = document[key]


def sealed(contents: dict[str, bytes], s: Subject, keep: str = "") -> bytes:
    """A file of these members whose lists name them with their CRCs, but for the list ``keep``."""
    crcs = {name: crc32(data) for name, data in contents.items()}
    originals = {e.name: e.data for e in s.entries}
    lists = [n for n in contents if schema.parse_name(n).group == schema.LISTS]
    for name in [*lists, schema.MANIFEST]:
        if name not in contents or contents[name] != originals[name] or name == keep:
            continue
        document = json.loads(f.array_from_npy(originals[name], name).tobytes())
        for entry in [*document.get("chunks", []), document]:
            entry["members"] = {n: crcs[n] for n in entry["members"] if n in crcs}
        if name == "manifest":
            listed = {n for entry in document["chunks"] for n in entry["members"]} | {"manifest"}
            document["members"] = {n: crc for n, crc in crcs.items() if n not in listed}
        contents[name] = npy(f.json_array(document))
        crcs[name] = crc32(contents[name])
    return pack([Entry.of(name, data) for name, data in contents.items()], part=s.part)


def _place(rng: random.Random, data: bytes | bytearray) -> int:
    """Anywhere, but more often near what says where things are."""
    if rng.random() < 0.4:
        signatures = [b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"\x93NUMPY"]
        at = data.find(rng.choice(signatures), rng.randrange(len(data)))
        if at >= 0:
            return min(len(data) - 1, at + rng.randrange(64))
    return rng.randrange(len(data))


MUTATIONS = [
    flip_bits, put_number, splice, truncate, headers, headers, end_records, arrange, deflated,
    npy_headers, arrays, arrays, json_documents, json_documents,
]  # fmt: skip


# --- the run


class TooSlow(BaseException):
    """A mutant took longer than it may."""


def _too_slow(signum: int, frame: object) -> None:
    raise TooSlow


def try_mutants(
    numbers: range, seed: int, folder: Path, *, draw: bool = False
) -> tuple[Counter, list[str]]:
    """Make and read mutants; how many came to what, and all that must not be."""
    all_subjects = subjects(folder, draw=draw)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    signal.signal(signal.SIGPROF, _too_slow)
    counts: Counter = Counter()
    findings = []
    for number in numbers:
        rng = random.Random(f"{seed}-{number}")
        subject, mutation = rng.choice(all_subjects), rng.choice(MUTATIONS)
        what = f"mutant {number} of seed {seed} ({subject.name}, {mutation.__name__})"
        if number % 100 == 0:  # for what no signal can stop
            faulthandler.dump_traceback_later(300, exit=True)
        fault = None
        with limits(subject.small_limits):
            data, rule = mutation(rng, subject)
            path = written(folder, subject, data)
            try:
                signal.setitimer(signal.ITIMER_PROF, SECONDS)
                read = everything(path, subject.model)
                if subject.part:
                    signal.setitimer(signal.ITIMER_PROF, SECONDS)
                    fault = lost(read, recovered(path, subject.model))
                if draw and ("open",) not in read:
                    signal.setitimer(signal.ITIMER_PROF, DRAWING_SECONDS)
                    read |= drawn(path, subject.model)
            except (Exception, TooSlow) as error:
                findings.append(f"{what}: {error!r}\n{traceback.format_exc()}")
                counts[mutation.__name__, rule, "WRONG"] += 1
                continue
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
        errors = [value for value in read.values() if isinstance(value, Exception)]
        if rule == SAME:
            fault = fault or same(subject, read)
        if fault is not None:
            findings.append(f"{what}: {fault}")
            result = "WRONG"
        elif ("open",) in read:
            result = "refused"
        elif errors:
            result = "read in part"
        else:
            result = "read"
        counts[mutation.__name__, rule, result] += 1
    faulthandler.cancel_dump_traceback_later()
    return counts, findings


def _job(numbers: range, *, seed: int, draw: bool) -> tuple[Counter, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        return try_mutants(numbers, seed, Path(folder), draw=draw)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mutants", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", type=int, help="make this mutant alone")
    parser.add_argument("--draw", action="store_true", help="draw what can be opened, too")
    options = parser.parse_args()
    numbers = range(options.mutants)
    if options.only is not None:
        numbers = range(options.only, options.only + 1)
    step = max(1, min(10_000, len(numbers) // options.jobs))
    jobs = [numbers[a : a + step] for a in range(0, len(numbers), step)]
    job = partial(_job, seed=options.seed, draw=options.draw)
    counts, findings = Counter(), []
    # Each job in a process of its own, which starts with little in memory. One that ends hard is
    # an error here, and not waited for.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=spawn, max_tasks_per_child=1) as pool:
        for found, wrong in pool.map(job, jobs):
            counts += found
            findings += wrong
    for finding in findings[:20]:
        print(finding)
    results = ["refused", "read in part", "read", "WRONG"]
    print(f"{'mutation':16}{'rule':8}" + "".join(f"{result:>14}" for result in results))
    for name, rule in sorted({key[:2] for key in counts}):
        row = "".join(f"{counts[name, rule, result]:14}" for result in results)
        print(f"{name:16}{rule:8}{row}")
    totals = "".join(
        f"{sum(n for key, n in counts.items() if key[2] == result):14}" for result in results
    )
    print(f"{'all':24}{totals}")
    return 1 if findings or sum(counts.values()) != len(numbers) else 0


if __name__ == "__main__":
    sys.exit(main())
