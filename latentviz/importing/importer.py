"""Makes an archive of checkpoints, or of arrays."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..archive import ArchiveReader, check_destination
from ..archive.destination import part_path
from ..errors import ArchiveError, LatentvizError, LatentvizWarning, OptionError
from ..runs.tensors import ways_to_draw
from ..text import bytes_in_words, counted
from .arrays import import_arrays, is_arrays
from .finding import Checkpoint, find_checkpoints, others_named
from .fitting import Forms, digest, hold, holder_of, load
from .growing import Earlier, Growing, earlier_import
from .reading import DamagedError, import_torch, read_tensors
from .tables import labels_from, names_from, probe_from

if TYPE_CHECKING:
    from torch import nn

    from ..recording.arguments import Recorded
    from ..recording.tensors import Array, Arrays
    from .fitting import Tensors

Source = str | PathLike[str]
LARGE_BYTES = 1_000_000_000  # an archive of which it is said beforehand how large it gets
MOST_SAME = 3  # how many checkpoints that are the same are named


@dataclass(frozen=True)
class Imported:
    """What `import_run` made."""

    path: Path
    steps: Sequence[int]
    """Those that the archive holds, increasing."""
    n_new: int
    """How many of them this import has added."""
    same: Sequence[Sequence[Path]]
    """Checkpoints whose tensors are the same, byte for byte, in groups."""
    to_draw: str | None = None
    """Where states alone were kept, and no points named: how to draw some, in words."""


def import_run(
    sources: Source | Sequence[Source],
    output: Source,
    *,
    steps: Sequence[int] | None = None,
    every: int = 1,
    key: str | None = None,
    model: str | nn.Module | None = None,
    layer: str | Sequence[str] | None = None,
    probe: Arrays | Source | None = None,
    tokens: Literal["flatten", "mean", "first", "last", "each"] | None = None,
    states: str | Sequence[str] = "auto",
    points: str | None = None,
    colors: Array | Sequence[str] | Source | None = None,
    classes: Array | Sequence[str] | Source | None = None,
    class_names: Sequence[str] | None = None,
    point_names: Sequence[str] | Source | None = None,
    resume: bool = False,
    overwrite: bool = False,
    skip_damaged: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Make a run's archive of checkpoints that a training saved, or of arrays.

    Checkpoints are read one at a time, and no code that they hold is run (``weights_only=True``).
    A checkpoint of step n is the state before the update of that number, as `Recorder` counts. The
    archive is what a recorder would have made of the model at these steps, without a state after
    the last update.

    Example::

        import torch

        model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 2))
        for step in (0, 100, 200):
            torch.save(model.state_dict(), f"step_{step}.pt")
            with torch.no_grad():
                model[0].weight += 0.1
        latentviz.import_run(
            "step_*.pt", "imported.npz", model=model, layer="0", probe=torch.rand(50, 2)
        )

    Args:
        sources: Checkpoints: files of ``torch.save`` (``.pt``, ``.pth``, ``.ckpt``, ``.bin``) or
            ``.safetensors``; Hugging Face folders, such as ``checkpoint-500``; folders of such
            files or folders; or patterns of their names. Or one file of arrays: ``.npy``, latents
            (T, N, D), mapped from the disk; or ``.npz``, with ``latents``, and perhaps ``steps``,
            ``colors``, ``classes``, ``class_names``, ``names`` (of the points), and curves
            ``params/NAME``, ``losses/NAME``, ``metrics/NAME``.
        output: Where the run shall lie, ``NAME.npz``.
        steps: The steps of the checkpoints, in the order of the sources; by default the last
            number in each name.
        every: Take every so many-th checkpoint, by step, from the first on.
        key: The item that holds the state in what was saved; by default ``state_dict``,
            ``model_state_dict``, ``model`` or ``module`` if there is one of them, else all of it.
        model: The model, which is given each state in turn, or ``"package.module:factory"``.
            Without it only states are stored.
        layer: The layer, or layers, as of `Recorder`.
        probe: The probe, as of `Recorder`; or its file, ``.npy``, ``.npz`` (several inputs by name)
            or ``.pt``.
        tokens: As of `Recorder`.
        states: As of `Recorder`; ``"auto"`` is ``"all"`` where there is no model.
        points: As of `Recorder`, such as ``"rows:embed.weight"``: the points to draw, and those to
            which colors, classes and names belong where there is no probe.
        colors: As of `Recorder`; or a file, ``.npy``, or text of a line each.
        classes: As of `Recorder`, or a file, likewise.
        class_names: As of `Recorder`.
        point_names: As of `Recorder`; or a text file of a line each.
        resume: Go on with an import that was cut off (``NAME.npz.part``), or with a ``NAME.npz`` of
            fewer checkpoints: the steps that are there are not made again. The options and the
            tensors must be the same.
        overwrite: Replace an archive that exists.
        skip_damaged: Leave out checkpoints that are damaged, with a warning for each, and go on.
        progress: Called with the number of checkpoints done, and of all.

    Raises:
        ArchiveError: A file is missing or damaged, or would run code; or the archive cannot be
            written, or exists. What was done so far is left in ``NAME.npz.part``, to be resumed.
        ModelError: There is no such model or layer, or a checkpoint is not of that model.
        OptionError: An option does not fit, or a checkpoint is not like the first.

    Warns:
        LatentvizWarning: Checkpoints are the same; files of a folder, or damaged ones, are left
            out; or the archive will be large.
    """
    paths = [sources] if isinstance(sources, str | PathLike) else list(sources)
    out = Path(os.path.expanduser(output))
    if not paths:
        raise OptionError("there is nothing to import; name checkpoints, or a file of arrays")
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise OptionError(f"every must be 1 or more, got {every!r}")
    if resume and overwrite:
        raise OptionError("resume goes on with an archive, and overwrite replaces it; give one")
    check_destination(out, overwrite=overwrite or resume)
    marks: dict[str, Any] = {
        "colors": labels_from(colors),
        "classes": labels_from(classes),
        "class_names": class_names,
        "point_names": names_from(point_names),
    }
    if any(is_arrays(Path(path)) for path in paths):
        _check_arrays_alone(
            paths, key=key, model=model, layer=layer, probe=probe, tokens=tokens, resume=resume,
            states=None if states == "auto" else states, points=points, skip_damaged=skip_damaged,
        )  # fmt: skip
        found = import_arrays(
            Path(os.path.expanduser(paths[0])), out, steps=steps, every=every, overwrite=overwrite,
            **marks,
        )  # fmt: skip
        return Imported(out, [int(step) for step in found], len(found), [])
    if model is None and (layer is not None or probe is not None or tokens is not None):
        raise OptionError("layer, probe and tokens are those of a model; give model too")
    import_torch()
    checkpoints, left_out = _found(paths, steps, every)
    if left_out is not None:
        warnings.warn(left_out, LatentvizWarning, stacklevel=2)
    options = {
        "layer": layer,
        "probe": probe_from(probe),
        "tokens": tokens,
        "states": "all" if states == "auto" and model is None else states,
        "latents": "auto",
        "model_name": None,
        "model_args": None,
        "points": points,
        **marks,
    }
    job = _Job(out, checkpoints, key, _model(model), options, skip_damaged=skip_damaged)
    return job.run(resume=resume, overwrite=overwrite, progress=progress)


class _Job:
    """The import of some checkpoints."""

    def __init__(
        self,
        output: Path,
        checkpoints: Sequence[Checkpoint],
        key: str | None,
        model: nn.Module | None,
        options: Mapping[str, Any],
        *,
        skip_damaged: bool,
    ) -> None:
        self._output, self._checkpoints, self._key = output, checkpoints, key
        self._is_held = model is None
        self._model = holder_of() if model is None else model
        self._options, self._skip_damaged = options, skip_damaged
        self._forms = Forms()
        self._seen: dict[bytes, list[Checkpoint]] = {}

    def run(
        self, *, resume: bool, overwrite: bool, progress: Callable[[int, int], None] | None
    ) -> Imported:
        """All of it; see `import_run`."""
        earlier = earlier_import(self._output) if resume else None
        try:
            there = [] if earlier is None else earlier.steps
            known = set(there)
            new = [c for c in self._checkpoints if c.step not in known]
            self._check_order(earlier, new)
            if not resume and not overwrite:
                self._check_part()
            is_unfinished = earlier is not None and not earlier.is_finished
            growing: Growing | None = None
            recorded: Recorded | None = None
            added: list[int] = []
            try:
                for done, checkpoint in enumerate(self._in_turn(new)):
                    is_new = checkpoint.step not in known
                    if (tensors := self._read(checkpoint)) is not None:
                        self._look(checkpoint, tensors)
                        if is_new or recorded is None:
                            self._give(checkpoint, tensors)
                        if recorded is None:
                            recorded = self._recorded(len(new))
                            if earlier is not None:
                                earlier.check(recorded)
                        if growing is None and (is_new or is_unfinished):
                            growing = Growing(self._output, recorded, earlier, overwrite=overwrite)
                        if growing is not None and is_new:
                            growing.add(checkpoint.step, sum(t.nbytes for t in tensors.values()))
                            added.append(checkpoint.step)
                    if progress is not None:
                        progress(done + 1, len(self._checkpoints))
                if recorded is None:
                    raise ArchiveError("every checkpoint is damaged; there is nothing to import")
                if growing is not None:
                    growing.finish()
            except BaseException as error:
                left = growing.abandon() if growing is not None else False
                raise self._explained(error, left=left) from None
        finally:
            if earlier is not None:
                earlier.close()
        if same := self._same():
            warnings.warn(_same_in_words(same), LatentvizWarning, stacklevel=3)
        return Imported(self._output, [*there, *added], len(added), same, self._to_draw(recorded))

    def _in_turn(self, new: Sequence[Checkpoint]) -> list[Checkpoint]:
        """All checkpoints, first a new one: if the options do not fit, it is known at once."""
        return [*new[:1], *(c for c in self._checkpoints if c not in new[:1])]

    def _read(self, checkpoint: Checkpoint) -> Tensors | None:
        """Its tensors; None if it is damaged and to be left out."""
        try:
            tensors = read_tensors(checkpoint.weights, key=self._key)
        except DamagedError as error:
            if self._skip_damaged:
                warnings.warn(f"left out: {error}", LatentvizWarning, stacklevel=4)
                return None
            if len(self._checkpoints) == 1:
                raise
            raise DamagedError(
                f"{error}; to go without it, name the others, or give skip_damaged=True (or "
                "--skip-damaged)"
            ) from None
        self._forms.check(checkpoint.path, tensors)
        return tensors

    def _look(self, checkpoint: Checkpoint, tensors: Tensors) -> None:
        """Remember a checkpoint's tensors by their hash; without a model, of those to be kept."""
        kept = tensors
        if self._is_held:
            from ..recording.states import is_called, state_patterns

            patterns = state_patterns(self._options["states"])
            kept = {name: tensor for name, tensor in tensors.items() if is_called(name, patterns)}
        self._seen.setdefault(digest(kept), []).append(checkpoint)

    def _same(self) -> list[list[Path]]:
        """Those that are the same, in groups, as they come by step."""
        groups = [sorted(group, key=lambda c: c.step) for group in self._seen.values()]
        groups.sort(key=lambda group: group[0].step)
        return [[c.path for c in group] for group in groups if len(group) > 1]

    def _give(self, checkpoint: Checkpoint, tensors: Tensors) -> None:
        if self._is_held:
            hold(self._model, tensors)
        else:
            load(self._model, tensors, checkpoint.path)

    def _recorded(self, n_new: int) -> Recorded:
        from ..recording.arguments import recorded_of

        recorded = recorded_of(
            self._model, seed=None, keyframes=None, phases=None, actions=None, **self._options
        )
        if (n_bytes := n_new * recorded.states.n_bytes) >= LARGE_BYTES:
            warnings.warn(
                f"the archive will be up to {bytes_in_words(n_bytes)} large, "
                f"{bytes_in_words(recorded.states.n_bytes)} a checkpoint; name the tensors to keep "
                "by states, or take fewer by every",
                LatentvizWarning,
                stacklevel=4,
            )
        return recorded

    def _to_draw(self, recorded: Recorded) -> str | None:
        """How to draw points, in words, if it was told of none."""
        if self._options["probe"] is not None or self._options["points"] is not None:
            return None
        rows = ways_to_draw(recorded.states.forms)
        anew = "import with --model, --layer and --probe"
        return f"{rows}, or {anew}" if rows else anew

    def _check_order(self, earlier: Earlier | None, new: Sequence[Checkpoint]) -> None:
        """Refuse to put checkpoints before others that are there.

        Raises:
            OptionError: Some would be.
        """
        if earlier is not None and earlier.steps and new and new[0].step < earlier.steps[-1]:
            raise OptionError(
                f"step {new[0].step} comes before {earlier.steps[-1]}, the last in {earlier.path}; "
                "import all anew with overwrite"
            )

    def _check_part(self) -> None:
        """Refuse to begin anew where an import was cut off that has come some way.

        Raises:
            ArchiveError: There is such a one.
        """
        part, n_steps, n_more = part_path(self._output), 0, 0
        if part.exists():
            # What is no archive is in the way of its own writer, who says so.
            with contextlib.suppress(ArchiveError), ArchiveReader(part) as reader:
                n_steps = reader.manifest.n_steps
                n_more = reader.salvaged.n_dropped_bytes if reader.salvaged else 0
        if n_steps or n_more:
            raise ArchiveError(
                f"{part} holds {counted(n_steps, 'step')} of an import or a recording that was "
                "cut off; go on with resume (or --resume), or replace it with overwrite=True (or "
                "--overwrite)"
            )

    def _explained(self, error: BaseException, *, left: bool) -> BaseException:
        """The error to show, which says what is left."""
        if isinstance(error, OSError):
            what = error.strerror or str(error)
            error = ArchiveError(f"cannot write {part_path(self._output)}: {what}")
        if not left or not isinstance(error, LatentvizError):
            return error
        return type(error)(
            f"{error}; what was imported before is in {part_path(self._output)}, and resume (or "
            "--resume) goes on with it"
        )


def _found(
    paths: Sequence[Source], steps: Sequence[int] | None, every: int
) -> tuple[Sequence[Checkpoint], str | None]:
    found = find_checkpoints(paths, steps=steps, every=every)
    return found.checkpoints, others_named(found.left_out) if found.left_out else None


def _model(model: str | nn.Module | None) -> nn.Module | None:
    """The model itself.

    Raises:
        ModelError: It cannot be made.
    """
    if not isinstance(model, str):
        return model
    from ..modules.registry import build_model, factory_at

    return build_model(factory_at(model), {})


def _check_arrays_alone(paths: Sequence[Source], **others: Any) -> None:
    """Refuse arrays beside checkpoints, or with options that are of those.

    Raises:
        OptionError: There are any.
    """
    if len(paths) > 1:
        raise OptionError(
            f"arrays are imported from one file alone, got {counted(len(paths), 'source')}"
        )
    for name, value in others.items():
        if value is not None and value is not False:
            raise OptionError(
                f"{name} is for checkpoints, and {paths[0]} holds arrays; leave it out"
            )


def _same_in_words(same: Sequence[Sequence[Path]]) -> str:
    groups = [" and ".join(map(str, paths[:MOST_SAME])) for paths in same[:MOST_SAME]]
    counts = [f" and {len(p) - MOST_SAME} more" if len(p) > MOST_SAME else "" for p in same]
    named = "; ".join(f"{group}{count}" for group, count in zip(groups, counts, strict=False))
    more = f"; and {len(same) - MOST_SAME} more groups" if len(same) > MOST_SAME else ""
    return (
        f"checkpoints hold the same tensors, byte for byte: {named}{more}; was one state saved "
        "twice?"
    )
