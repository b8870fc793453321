"""What an archive's members are called, and what its JSON says; see `format` for the whole.

Each name, the lists of members, and the header are written and read here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError
from ..points import Points
from ..text import printable
from . import format as f
from .values import (
    checked_tokens,
    read_args,
    read_moments,
    read_seed,
    read_step,
    read_text,
    read_texts,
)

# --- names

HEADER, MANIFEST = "header", "manifest"
PROBE, FINAL = "probe", "final"  # groups of members outside of chunks
STEPS, STATES, BATCHES, LATENTS, GAPS = "steps", "states", "batches", "latents", "gaps"
LISTS = "chunks"  # each chunk's list of its members
PARAMS, LOSSES, METRICS = "params", "losses", "metrics"
CURVES = (PARAMS, LOSSES, METRICS)
OF_CHUNKS = frozenset({STEPS, STATES, BATCHES, LATENTS, *CURVES, GAPS, LISTS})

# The parts of a batch, which have no name of their own.
OFFSETS = "offsets"
INPUTS, LABELS, SHAPES = "inputs", "labels", "shapes"
PROBE_COLORS = f"{PROBE}/colors"
PROBE_CLASSES = f"{PROBE}/classes"
PROBE_CLASS_NAMES = f"{PROBE}/class_names"
PROBE_POINT_NAMES = f"{PROBE}/point_names"


class Name(NamedTuple):  # there may be a million, and a dataclass takes longer to be made
    """A member's name, taken apart; `str` puts it together again."""

    group: str
    """What is in it, such as ``states``."""
    chunk: int | None
    """The number of its chunk; None outside of chunks."""
    rest: str
    """What follows; nothing in ``steps/C``."""

    def __str__(self) -> str:
        if self.chunk is not None:
            return chunk_member(self.group, self.chunk, self.rest)
        return f"{self.group}/{self.rest}" if self.rest else self.group

    @property
    def kind(self) -> str:
        """Of a part of a batch, of the probe, of gaps and of final values: which it is."""
        return self.rest.partition("/")[0]

    @property
    def name(self) -> str:
        """The name that follows the `kind`; nothing where there is none."""
        return self.rest.partition("/")[2]


def parse_name(member: str) -> Name:
    """Take a member's name apart: any name, for another program may have made it up.

    Two names are never taken apart alike.
    """
    group, slash, rest = member.partition("/")
    if group in OF_CHUNKS:
        number, inner_slash, inner = rest.partition("/")
        # As `chunk_id` writes it, and not otherwise.
        if (
            (inner or not inner_slash)
            and (len(number) == 6 or (len(number) > 6 and number[0] != "0"))
            and number.isdecimal()
            and number.isascii()
        ):
            return Name(group, int(number), inner)
    return Name(group, None, rest) if rest or not slash else Name(member, None, "")


def chunk_id(chunk: int) -> str:
    """The number of a chunk as its members' names spell it."""
    return f"{chunk:06d}"


def chunk_member(group: str, chunk: int, rest: str = "") -> str:
    """A member of a chunk, by its group and by what follows the chunk's number."""
    return f"{group}/{chunk:06d}/{rest}" if rest else f"{group}/{chunk:06d}"


def steps_member(chunk: int) -> str:
    """The numbers of a chunk's steps."""
    return chunk_member(STEPS, chunk)


def state_member(chunk: int, tensor: str) -> str:
    """A tensor of the state, in a chunk."""
    return chunk_member(STATES, chunk, tensor)


def latents_member(chunk: int, layer: str) -> str:
    """A layer's latents, in a chunk."""
    return chunk_member(LATENTS, chunk, layer)


def curve_member(group: str, chunk: int, name: str) -> str:
    """A loss, a metric or a param, in a chunk; ``group`` is one of `CURVES`."""
    return chunk_member(group, chunk, name)


def gaps_member(group: str, chunk: int, name: str) -> str:
    """Where the curve of that group and name has gaps, in a chunk."""
    return chunk_member(GAPS, chunk, f"{group}/{name}")


def batch_member(chunk: int, part: str) -> str:
    """Part of a chunk's batches: `OFFSETS`, or as the three functions below give it."""
    return chunk_member(BATCHES, chunk, part)


def inputs_part(name: str | None = None) -> str:
    """The inputs of a batch, or of the probe; one of several by its name."""
    return INPUTS if name is None else INPUTS + "/" + name


def labels_part(name: str) -> str:
    """The labels of that name, of a batch."""
    return LABELS + "/" + name


def shapes_part(part: str) -> str:
    """The shapes of inputs or labels that differ within a chunk."""
    return f"{SHAPES}/{part}"


def list_member(chunk: int) -> str:
    """The list of a chunk's members, with which it ends."""
    return chunk_member(LISTS, chunk)


def probe_member(name: str | None = None) -> str:
    """The probe's inputs; one of several by its name."""
    return f"{PROBE}/{inputs_part(name)}"


def final_member(group: str, name: str) -> str:
    """A tensor, a layer's latents, a loss or a metric after the last update."""
    return f"{FINAL}/{group}/{name}"


def check_name(name: str, member: str) -> str:
    """The name itself, if an archive may hold what is called by it.

    Args:
        name: The name that was given.
        member: The member's of which it becomes part.

    Raises:
        ArchiveError: It may not.
    """
    f.stored_name(member if name else "")
    return name


def curve_groups(version: int) -> dict[str, str]:
    """In which groups an archive of that format has params, losses and, from 3 on, metrics."""
    if version < 3:
        return {PARAMS: PARAMS, LOSSES: METRICS}
    return dict(zip(CURVES, CURVES, strict=True))


# --- lists of members


@dataclass(frozen=True)
class ChunkEntry:
    """What ``chunks/C`` says of its chunk, and the manifest of each."""

    steps: tuple[int, int]
    """The first and the last step's numbers."""
    count: int
    """How many steps it has, K."""
    members: Mapping[str, int]
    """Its members' names and CRC-32; ``chunks/C`` itself is among them in the manifest alone."""

    @classmethod
    def of(cls, steps: NDArray[np.int64], members: Mapping[str, int]) -> ChunkEntry:
        """The entry of a chunk with such steps, (K,), and members."""
        return cls((int(steps[0]), int(steps[-1])), len(steps), members)

    def to_json(self) -> dict[str, Any]:
        """What `parse` reads, in plain values."""
        return {"steps": list(self.steps), "count": self.count, "members": dict(self.members)}

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> ChunkEntry:
        """The entry that `to_json` gave, or that somebody else wrote.

        Raises:
            KeyError: Something is missing.
            TypeError: It is no object, or its members are none.
            ValueError: Its steps or their count are no such numbers.
        """
        members, count, steps = raw["members"], raw["count"], raw.get("steps")
        if not isinstance(members, dict):
            raise TypeError("members must be CRCs by name")
        # A bool is an int too.
        if type(count) is not int or not 0 < count <= f.MAX_STEP:
            raise ValueError("count must be a number of steps")
        if not isinstance(steps, list) or [type(step) for step in steps] != [int, int]:
            raise ValueError("steps must be the first and the last")
        return cls((steps[0], steps[1]), count, members)

    def with_list(self, chunk: int, crc: int) -> ChunkEntry:
        """The manifest's entry: the chunk's own list is a member too."""
        return replace(self, members={**self.members, list_member(chunk): crc})


@dataclass(frozen=True)
class Manifest:
    """What an archive consists of: its last member."""

    format: int
    """The version of the format."""
    chunks: Sequence[ChunkEntry]
    members: Mapping[str, int]
    """Names and CRC-32 of the members outside of chunks, but for the manifest."""

    @property
    def n_steps(self) -> int:
        """How many steps there are, T."""
        return sum(chunk.count for chunk in self.chunks)

    def listed(self) -> dict[str, int]:
        """Names and CRC-32 of all members but the manifest."""
        found: dict[str, int] = {}
        for chunk in self.chunks:
            found.update(chunk.members)
        found.update(self.members)
        return found

    def without_names(self) -> Manifest:
        """The same without the members, whose names are large in a long run."""
        return replace(self, chunks=[replace(c, members={}) for c in self.chunks], members={})

    def to_json(self) -> dict[str, Any]:
        """What `parse` reads, in plain values."""
        return {
            "format": self.format,
            "steps": self.n_steps,
            "chunks": [chunk.to_json() for chunk in self.chunks],
            "members": dict(self.members),
        }

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Manifest:
        """The manifest that `to_json` gave, or that somebody else wrote.

        Raises:
            ArchiveError: It is malformed, or of a format that this version cannot read.
        """
        version = f.check_format(raw.get("format"))
        try:
            chunks = [ChunkEntry.parse(chunk) for chunk in raw["chunks"]]
            n_steps, members = raw["steps"], raw["members"]
            manifest = cls(version, chunks, members)
            if not isinstance(members, dict):
                raise TypeError("members must be CRCs by name")
            if n_steps != manifest.n_steps:
                raise ValueError("steps must be the sum of the chunks'")
        except ValueError:
            raise ArchiveError("its manifest disagrees with its directory") from None
        except (KeyError, TypeError, AttributeError):
            raise ArchiveError("its manifest is malformed") from None
        return manifest


# --- the header


@dataclass(frozen=True, kw_only=True)
class Header:
    """What an archive says of its run beside what was recorded at each step."""

    model_name: str | None
    model_args: Mapping[str, Any]
    layers: Sequence[str]
    layer: str | None
    """The one to draw; the first of `layers`, or None if there are none."""
    seed: int | None
    keyframes: Mapping[str, Sequence[int]]
    """A property's keyed steps."""
    phases: Sequence[tuple[int, str]]
    """(first step, name)."""
    actions: Sequence[tuple[int, str]]
    """(step, name)."""
    states: Sequence[str] | None
    """The patterns of the tensors recorded; None if all are."""
    bfloat16: Sequence[str]
    """The tensors whose bits are stored as uint16."""
    versions: Mapping[str, str]
    tokens: str | None = None
    """One of `values.TOKENS`; None, as in all archives of old, if nobody said."""
    class_names: Sequence[str] | None = None
    """The classes that the colors count, if they were given by names."""
    points: Points | None = None
    """The points to draw; None for those of `layer`."""

    def to_json(self) -> dict[str, Any]:
        """What `parse` reads, in plain values."""
        name = self.model_name
        raw: dict[str, Any] = {
            "format": f.FORMAT,
            "model": None if name is None else {"name": name, "args": dict(self.model_args)},
            "layer": self.layer or "",
            "seed": self.seed,
            "keyframes": {name: list(steps) for name, steps in self.keyframes.items()},
            "phases": [list(phase) for phase in self.phases],
            "versions": dict(self.versions),
        }
        if list(self.layers) not in ([], [self.layer]):
            raw["layers"] = list(self.layers)
        if self.actions:
            raw["actions"] = [list(action) for action in self.actions]
        if self.states is not None:
            raw["states"] = list(self.states)
        if self.bfloat16:
            raw["bfloat16"] = list(self.bfloat16)
        if self.tokens is not None:
            raw["tokens"] = self.tokens
        if self.class_names is not None:
            raw["class_names"] = list(self.class_names)
        if self.points is not None:
            raw["points"] = self.points.text
        return raw


def parse_header(raw: Mapping[str, Any]) -> Header:
    """The header that `Header.to_json` gave, or that somebody else wrote.

    Raises:
        ArchiveError: It is malformed.
    """
    try:
        model = raw["model"] or {"name": None, "args": {}}
        # A run without a layer has an empty name: earlier versions of latentviz expect a text.
        layer = read_text(raw["layer"]) or None
        layers = read_texts(raw.get("layers", [] if layer is None else [layer]))
        return Header(
            model_name=None if model["name"] is None else read_text(model["name"]),
            model_args=read_args(model["args"]),
            layers=layers,
            layer=layer,
            seed=read_seed(raw["seed"]),
            keyframes={k: [read_step(s) for s in v] for k, v in raw["keyframes"].items()},
            phases=read_moments(raw["phases"]),
            actions=read_moments(raw.get("actions", [])),
            states=None if raw.get("states") is None else read_texts(raw["states"]),
            bfloat16=read_texts(raw.get("bfloat16", [])),
            versions={k: read_text(v) for k, v in raw["versions"].items()},
            tokens=checked_tokens(raw.get("tokens")),
            class_names=None if raw.get("class_names") is None else read_texts(raw["class_names"]),
            points=None if raw.get("points") is None else Points.parse(raw["points"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArchiveError(f"the archive's header is malformed: {printable(repr(error))}") from None
