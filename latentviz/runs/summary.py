"""What is in a run, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..text import bytes_in_words, counted, listed, printable

if TYPE_CHECKING:
    from .run import Run

MOST_LISTED = 100


def own_words(run: Run) -> dict[str, Any]:
    """What can be said of a run without reading anything, as plain values that JSON can hold."""
    return {
        "name": run.name,
        "steps": len(run),
        "first_step": int(run.steps[0]),
        "last_step": int(run.steps[-1]),
        "layer": run.layer,
        "layers": list(run.layers),
        "seed": run.seed,
        "points": None,
        "params": list(run.params),
        "losses": list(run.losses),
        "metrics": list(run.metrics),
        "final_losses": _for_json(run.final_losses),
        "final_metrics": _for_json(run.final_metrics),
        "phases": [{"step": step, "name": name} for step, name in run.phases],
        "actions": [{"step": step, "name": name} for step, name in run.actions],
    }


def summary(about: Mapping[str, Any]) -> dict[str, str]:
    """What `Run.describe` says, in a line each; what comes from a file is made printable."""
    rows = {
        "steps": f"{about['steps']} ({about['first_step']} to {about['last_step']})",
        "layer": _listed(_shown(about["layers"])),
        "points": "none" if about["points"] is None else str(about["points"]),
        "params": _listed(_shown(about["params"])),
        "losses": _listed(_shown(about["losses"])),
        "metrics": _listed(_shown(about["metrics"])),
        "phases": _listed([f"{printable(p['name'])} from {p['step']}" for p in about["phases"]]),
    }
    if about["actions"]:
        rows["actions"] = _listed(
            [f"{printable(a['name'])} at {a['step']}" for a in about["actions"]]
        )
    if final := [*about["final_losses"].items(), *about["final_metrics"].items()]:
        rows["final"] = _listed([f"{printable(n)} {float(v):.4g}" for n, v in final])
    if "path" not in about:  # a run from arrays
        return rows
    recorded = " (latents are recorded)" if about["latents_recorded"] else ""
    return {
        "steps": rows["steps"],
        "model": printable(about["model"] or "not registered"),
        "layer": rows["layer"] + recorded,
        "state": _state(about["tensors"], about["values"]),
        "probe": _probe(about["probe_shape"]),
        **({"tokens": _tokens(about["tokens"], about["points"])} if "tokens" in about else {}),
        "params": rows["params"],
        "losses": rows["losses"],
        "metrics": rows["metrics"],
        **({"final": rows["final"]} if "final" in rows else {}),
        "labels": _listed(_shown(about["labels"])),
        "phases": rows["phases"],
        **({"actions": rows["actions"]} if "actions" in rows else {}),
        "seed": "not recorded" if about["seed"] is None else printable(str(about["seed"])),
        "size": f"{bytes_in_words(about['bytes'])} in {counted(about['chunks'], 'chunk')}",
        "a step": _bytes_a_step(about["bytes_a_step"]),
        "written by": _listed([printable(f"{k} {v}") for k, v in about["versions"].items()]),
    }


def _listed(names: Sequence[str]) -> str:
    return listed(names, MOST_LISTED) or "none"


def _state(tensors: Mapping[str, object], n_values: int) -> str:
    if not tensors:
        return "not recorded"
    return f"{counted(len(tensors), 'tensor')}, {n_values} values a step"


def _bytes_a_step(by_group: Mapping[str, float]) -> str:
    """What a step takes, in all and of its largest parts."""
    total = sum(by_group.values())
    large = [(n, group) for group, n in by_group.items() if n >= total / 100]
    parts = [f"{group} {bytes_in_words(n)}" for n, group in sorted(large, reverse=True)]
    return f"{bytes_in_words(total)}: {_listed(_shown(parts))}"


def _shown(names: Sequence[str]) -> list[str]:
    return [printable(name) for name in names]


def _tokens(how: str, n_points: int | None) -> str:
    return how if how != "each" or n_points is None else f"each ({n_points} points)"


def _probe(shape: list[int] | dict[str, list[int]] | None) -> str:
    if isinstance(shape, dict):
        return _listed([f"{printable(name)} {_probe(one)}" for name, one in shape.items()])
    return "none" if shape is None else " x ".join(map(str, shape))


def _for_json(values: Mapping[str, float]) -> dict[str, float | str]:
    """Numbers by name; JSON has none that is not finite, so such are text."""
    return {name: v if math.isfinite(v) else str(v) for name, v in values.items()}
