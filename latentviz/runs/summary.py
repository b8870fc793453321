"""What is in a run, in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..text import bytes_in_words, counted, listed, printable

if TYPE_CHECKING:
    from .run import Run

MOST_LISTED = 100
MOST_NAMES = 20  # of points
LONGEST = 40  # characters of a name, of which there are many in a line


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
        "source": run.points,
        "points": None,
        "classes": _classes(run),
        "point_names": None if run.point_names is None else list(run.point_names),
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
        "points": _points(about["points"], about["source"], about["layer"]),
        **_marks(about),
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
        **({"matrices": _matrices(about["matrices"])} if about["matrices"] else {}),
        "probe": _probe(about["probe_shape"]),
        # Of a layer they are the probe's, which says how many they are.
        **({} if about["layer"] and about["probe_shape"] else {"points": rows["points"]}),
        **_marks(about),
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


def _points(n_points: int | None, source: str | None, layer: str | None) -> str:
    """How many there are; and of which tensor, if it is not a layer that gives them."""
    of = "" if layer is not None or source is None else f"{printable(source)}"
    count = "none" if n_points is None else str(n_points)
    return f"{of}, {count} points" if of else count


def _classes(run: Run) -> list[dict[str, Any]] | None:
    """Each class that points are of: its number, its name, and how many they are."""
    if run.classes is None:
        return None
    names = run.class_names
    return [
        {"class": n, "name": str(n) if names is None else names[n], "points": count}
        for n, count in sorted(Counter(run.classes.tolist()).items())
    ]


def _marks(about: Mapping[str, Any]) -> dict[str, str]:
    """The points' classes and names, if they have any."""
    rows = {}
    if about["classes"] is not None:
        named = [f"{printable(c['name'], LONGEST)} ({c['points']})" for c in about["classes"]]
        rows["classes"] = _listed(named)
    if about["point_names"] is not None:
        rows["names"] = listed([printable(n, LONGEST) for n in about["point_names"]], MOST_NAMES)
    return rows


def _matrices(shapes: Mapping[str, Sequence[int]]) -> str:
    """Those whose rows or columns can be drawn."""
    return _listed([f"{printable(name)} {' x '.join(map(str, s))}" for name, s in shapes.items()])


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
