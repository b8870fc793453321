"""What is in a run, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .text import counted, printable

MOST_LISTED = 100


def summary(about: Mapping[str, Any]) -> dict[str, str]:
    """What `Run.describe` says, in a line each; what comes from a file is made printable."""
    rows = {
        "steps": f"{about['steps']} ({about['first_step']} to {about['last_step']})",
        "layer": _listed(_shown(about["layers"])),
        "points": "none" if about["points"] is None else str(about["points"]),
        "params": _listed(_shown(about["params"])),
        "metrics": _listed(_shown(about["metrics"])),
        "phases": _listed([f"{printable(p['name'])} from {p['step']}" for p in about["phases"]]),
    }
    if about["actions"]:
        rows["actions"] = _listed(
            [f"{printable(a['name'])} at {a['step']}" for a in about["actions"]]
        )
    if "path" not in about:  # a run from arrays
        return rows
    recorded = " (latents are recorded)" if about["latents_recorded"] else ""
    return {
        "steps": rows["steps"],
        "model": printable(about["model"] or "not registered"),
        "layer": rows["layer"] + recorded,
        "state": f"{counted(len(about['tensors']), 'tensor')}, {about['values']} values a step",
        "probe": _probe(about["probe_shape"]),
        "params": rows["params"],
        "metrics": rows["metrics"],
        "labels": _listed(_shown(about["labels"])),
        "phases": rows["phases"],
        **({"actions": rows["actions"]} if "actions" in rows else {}),
        "seed": "not recorded" if about["seed"] is None else printable(str(about["seed"])),
        "size": f"{about['bytes'] / 1e6:.3g} MB in {counted(about['chunks'], 'chunk')}",
        "written by": _listed([printable(f"{k} {v}") for k, v in about["versions"].items()]),
    }


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return (", ".join(names[:MOST_LISTED]) or "none") + more


def _shown(names: Sequence[str]) -> list[str]:
    return [printable(name) for name in names]


def _probe(shape: list[int] | dict[str, list[int]] | None) -> str:
    if isinstance(shape, dict):
        return _listed([f"{printable(name)} {_probe(one)}" for name, one in shape.items()])
    return "none" if shape is None else " x ".join(map(str, shape))
