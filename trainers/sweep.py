"""Runs of "label coverage" at many coverages and seeds, in parallel, each of them only once."""

from __future__ import annotations

import enum
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console

from latentviz import Run, __version__, open_run
from latentviz.errors import ArchiveError, OptionError
from latentviz.tasks import check_on_workers, cluster_at, run_in_processes, run_on_cluster

from . import label_coverage
from .data import check_coverage, coverage_color_data, expected_shares
from .dopesheet import Dopesheet
from .events import Events
from .experiment import Experiment, record
from .interrupted import Interrupted
from .label_counts import LabelCounter, label_counter
from .outcomes import (
    OFF_PLANE_LIMIT,
    OUTCOMES,
    RED_ANGLE_LIMIT_DEG,
    EpochLabels,
    Outcome,
    measure,
    tallies,
    verdict,
)
from .progress import runs_bar
from .reproducible import reproducible
from .tables import read_table, write_table
from .timeline import Timeline

# The base setting, a decade above it and two below it, and close together where runs begin to work.
# Twelve seeds each tell half of them from nearly all, and the fit over all coverages the rest.
COVERAGES = (0.01, 0.03, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.7, 3.0, 10.0)

LABELS = "labels.csv"  # beside the table of outcomes

R = TypeVar("R")


@dataclass(frozen=True, order=True)
class Setting:
    """What tells one run of a sweep from another.

    Attributes:
        coverage: The label coverage.
        seed: The seed.
    """

    coverage: float
    seed: int

    def __str__(self) -> str:
        return f"coverage {_plain(self.coverage)}, seed {self.seed}"

    def archive(self, folder: Path) -> Path:
        """Where the run lies, ``coverage-0.1-seed-3.npz``."""
        return folder / f"coverage-{_plain(self.coverage)}-seed-{self.seed}.npz"


@dataclass(frozen=True)
class Result:
    """What a run comes to.

    Attributes:
        outcome: Its row of the outcomes.
        labels: Its label counts, epoch by epoch.
        trained: Whether it was trained now, or had been before.
    """

    outcome: Outcome
    labels: tuple[EpochLabels, ...]
    trained: bool


def parse_coverages(text: str) -> tuple[float, ...]:
    """Coverages, ascending, of a list such as ``0,0.1,1``.

    Raises:
        OptionError: It is no such list.
    """
    try:
        coverages = [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(
            f"--coverage must be numbers with commas between them, such as 0,0.1,1; got {text!r}"
        ) from None
    for coverage in coverages:
        check_coverage(coverage)
    # abs() for -0, which would be another archive's name.
    return tuple(sorted({abs(coverage) for coverage in coverages}))


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds, ascending: ``5`` stands for 0 to 4, ``2,7`` for those two, ``5,`` for 5 alone.

    Raises:
        OptionError: It is neither a number nor such a list.
    """
    parts = [part.strip() for part in text.removesuffix(",").split(",")]
    if not all(part.isascii() and part.isdecimal() and len(part) <= 18 for part in parts):
        raise OptionError(
            "--seeds must be how many, such as 5, or which, with commas between them, such as "
            f"0,1,7; got {text!r}"
        )
    seeds = tuple(sorted({int(part) for part in parts}))
    if "," in text:
        return seeds
    (count,) = seeds
    if not 1 <= count <= 10_000:
        raise OptionError(f"--seeds must be 1 to 10000 seeds, got {count}; for one seed give N,")
    return tuple(range(count))


def schedule_digest(dopesheet: Dopesheet) -> str:
    """Tells schedules apart, in 8 characters."""
    return hashlib.sha256(repr(dopesheet).encode()).hexdigest()[:8]


def sweep(
    folder: Path,
    *,
    coverages: Sequence[float],
    seeds: Sequence[int],
    dopesheet: Dopesheet,
    processes: int,
    dask: str | None = None,
    overwrite: bool,
    console: Console,
    say: Callable[[str], object],
) -> str:
    """Train, record and measure a run at each coverage with each seed.

    The archives and two tables, ``outcomes.csv`` and ``labels.csv``, go into ``folder``. A run that
    is there already, and finished, is only measured. Each run is in the tables as soon as it is
    finished; rows of other coverages and seeds stay.

    Args:
        folder: Made if it does not exist.
        coverages: Without repetition.
        seeds: Without repetition.
        dopesheet: The schedule.
        processes: How many runs to train at a time. The outcomes do not depend on it.
        dask: Train them on the workers of a Dask cluster instead, which see ``folder`` under the
            same path: a scheduler's address, or ``local:N``.
        overwrite: Train all anew, in place of what is there.
        console: Where to show progress, if it is a terminal.
        say: Told before the training what is to be known of the schedule, in a line.

    Returns:
        What came of it, in some lines.

    Raises:
        OptionError: The folder is none, or is in use, or has runs of another schedule.
        DopesheetError: The schedule has a property that the experiment does not know.
        ArchiveError: An archive cannot be written, or is of another run.
        TableError: A table cannot be read or written.
        WorkerError: A process died, or the cluster cannot do it.
        Interrupted: Ctrl-C; the runs that are finished are kept.
    """
    experiment = label_coverage.experiment(coverage=1)
    experiment.timeline(dopesheet)
    settings = [Setting(coverage, seed) for coverage in coverages for seed in seeds]
    _make(folder)
    n_done = n_trained = 0
    with _sole_use(folder), runs_bar(len(settings), console) as advance:
        tables = _Tables.read(folder)
        if not overwrite:
            tables.require_schedule(schedule_digest(dopesheet))
        unread = experiment.unread(dopesheet)
        if unread is not None:
            say(unread)

        def done(setting: Setting, result: Result) -> None:
            nonlocal n_done, n_trained
            tables.add(setting, result)
            n_done += 1
            n_trained += result.trained
            tables.write()
            advance(str(setting))

        task = partial(obtain, folder=folder.absolute(), dopesheet=dopesheet, overwrite=overwrite)
        try:
            if dask is not None:
                with cluster_at(dask) as client:
                    check_on_workers(client, unfit, folder.absolute(), __version__)
                    run_on_cluster(client, task, settings, done=done)
            else:
                run_in_processes(
                    task,
                    settings,
                    processes=processes,
                    done=done,
                    cut_off=lambda setting: _part(setting.archive(folder)).unlink(missing_ok=True),
                )
        except KeyboardInterrupt as interrupt:
            if n_done:
                tables.write()  # again: the interrupt may have come in its midst
            how = "without --overwrite " if overwrite else ""
            raise Interrupted(
                f"{n_done} of {len(settings)} runs are finished in {folder}; the same command "
                f"{how}goes on with the rest"
            ) from interrupt
    outcomes = tables.outcomes.values()
    return (
        f"{n_done} runs of {experiment.trainable_parameters} trainable parameters, {n_trained} of "
        f"them trained now; table in {folder / OUTCOMES}\n{in_figures(outcomes)}\n"
        f"{verdict(outcomes)}"
    )


def unfit(folder: Path, version: str) -> str | None:
    """Why a worker cannot train runs into a folder, in words; None if it can."""
    if version != __version__:
        return f"has latentviz {__version__} and not {version}; install the same version"
    if not folder.is_dir():
        return f"does not see {folder}; it must be a folder that all of them share"
    return None


def in_figures(outcomes: Iterable[Outcome]) -> str:
    """How many runs work at each coverage, and how often its labels were seen, as a table."""
    lines = ["coverage   work       % red (expected)    % vibrant (expected)  % any (expected)"]
    for tally in tallies(outcomes):
        expected = expected_shares(coverage_color_data(tally.coverage))
        shares = (
            f"{f'{100 * tally.seen[name]:.3g} ({100 * p:.3g})':22}" for name, p in expected.items()
        )
        work = f"{tally.working} of {tally.tried}"
        lines.append(f"{_plain(tally.coverage):11}{work:11}{''.join(shares)}".rstrip())
    return "\n".join(lines)


def obtain(setting: Setting, *, folder: Path, dopesheet: Dopesheet, overwrite: bool) -> Result:
    """Find a run, or train it, and measure it.

    Args:
        setting: Which run.
        folder: Where it lies, or is to lie.
        dopesheet: The schedule.
        overwrite: Train it even if it is there.

    Raises:
        ArchiveError: The archive cannot be written, or is of another run.
    """
    experiment = label_coverage.experiment(coverage=setting.coverage)
    timeline = experiment.timeline(dopesheet)
    counter = label_counter(experiment)
    path = setting.archive(folder)
    found = Found.NOTHING
    if path.exists() and not overwrite:
        with open_run(path) as run:
            found = compare(run, experiment, timeline, seed=setting.seed, counter=counter)
    if found is Found.ANOTHER:
        raise ArchiveError(
            f"{path} is of another run than {setting} by this schedule; move it away, choose "
            "another folder, or replace it with --overwrite"
        )
    if found is not Found.WHOLE:
        events = Events()
        counter = label_counter(experiment)
        counter.listen(events)
        label_coverage.validate(experiment, events)
        # Over the beginning of a run, or of an archive: of either there is nothing to keep.
        record(
            experiment, path, timeline=timeline, seed=setting.seed, overwrite=True, events=events
        )
    with open_run(path) as run:
        quality = measure(run, red_anchor=label_coverage.RED_ANCHOR)
    total = counter.total
    return Result(
        outcome=Outcome(
            coverage=setting.coverage,
            seed=setting.seed,
            schedule=schedule_digest(dopesheet),
            steps=len(timeline),
            samples=total.samples,
            red_share=total.share("red"),
            vibrant_share=total.share("vibrant"),
            any_share=total.share("any"),
            any_expected=expected_shares(experiment.data)["any"],
            red_angle_limit_deg=RED_ANGLE_LIMIT_DEG,
            off_plane_limit=OFF_PLANE_LIMIT,
            works=quality.works,
            **asdict(quality),
        ),
        labels=tuple(
            EpochLabels(
                setting.coverage,
                setting.seed,
                epoch,
                counts.samples,
                # Whole numbers: the labels are drawn.
                **{name: round(number) for name, number in counts.labelled.items()},
            )
            for epoch, counts in counter.epochs()
        ),
        trained=found is not Found.WHOLE,
    )


class Found(enum.Enum):
    """What there is of a run before it is trained."""

    NOTHING = enum.auto()
    BEGINNING = enum.auto()
    WHOLE = enum.auto()
    ANOTHER = enum.auto()


def compare(
    run: Run, experiment: Experiment, timeline: Timeline, *, seed: int, counter: LabelCounter
) -> Found:
    """Whether a recorded run is the one that training would give.

    A run follows from its model, its seed, its schedule and its batches; the batches are drawn here
    once more, as that takes a hundredth of the training. So nothing but the archive itself says
    what it is of, and neither a changed schedule nor changed data goes unnoticed.

    Args:
        run: The run.
        experiment: What would be trained.
        timeline: The schedule that it would follow.
        seed: Its seed.
        counter: Counts the labels, if it is that run.

    Raises:
        ArchiveError: The archive is damaged.
    """
    same = (
        (run.model_name, run.layer, run.seed) == (experiment.model_name, experiment.layer, seed)
        and len(run) <= len(timeline)
        and np.array_equal(run.steps, np.arange(len(run)))
        and run.params.keys() == timeline.keyframes.keys()
    )
    if not same:
        return Found.ANOTHER
    with reproducible(seed) as generator:
        for k, batch in zip(range(len(run)), experiment.batches(generator), strict=False):
            state, recorded = timeline[k], run.batch(k)
            if (
                any(run.params[name][k] != value for name, value in state.values.items())
                or not np.array_equal(recorded.inputs, batch.inputs)
                or recorded.labels.keys() != batch.labels.keys()
                or any(
                    not np.array_equal(recorded.labels[name], label)
                    for name, label in batch.labels.items()
                )
            ):
                return Found.ANOTHER
            counter.add(state, batch.labels)
    return Found.WHOLE if len(run) == len(timeline) else Found.BEGINNING


@dataclass
class _Tables:
    """The tables of a folder, by setting."""

    folder: Path
    outcomes: dict[Setting, Outcome]
    labels: dict[Setting, tuple[EpochLabels, ...]]

    @classmethod
    def read(cls, folder: Path) -> _Tables:
        tables = cls(folder, {}, {})
        for outcome in read_table(folder / OUTCOMES, Outcome):
            tables.outcomes[Setting(outcome.coverage, outcome.seed)] = outcome
        for row in read_table(folder / LABELS, EpochLabels):
            setting = Setting(row.coverage, row.seed)
            tables.labels[setting] = (*tables.labels.get(setting, ()), row)
        return tables

    def require_schedule(self, digest: str) -> None:
        if any(outcome.schedule != digest for outcome in self.outcomes.values()):
            raise OptionError(
                f"{self.folder / OUTCOMES} has outcomes of another schedule; choose another "
                "folder, or train them anew with --overwrite"
            )

    def add(self, setting: Setting, result: Result) -> None:
        self.outcomes[setting], self.labels[setting] = result.outcome, result.labels
        # What has been trained by another schedule cannot stand beside this one's.
        for other in [o for o in self.outcomes.values() if o.schedule != result.outcome.schedule]:
            del self.outcomes[Setting(other.coverage, other.seed)]
            self.labels.pop(Setting(other.coverage, other.seed), None)

    def write(self) -> None:
        write_table(self.folder / OUTCOMES, Outcome, _ascending(self.outcomes))
        rows = [row for rows in _ascending(self.labels) for row in rows]
        write_table(self.folder / LABELS, EpochLabels, rows)


def _ascending(by_setting: Mapping[Setting, R]) -> list[R]:
    return [by_setting[setting] for setting in sorted(by_setting)]


def _plain(coverage: float) -> str:
    """The shortest number that reads the same, without a needless ``.0``."""
    return repr(coverage).removesuffix(".0")


def _part(archive: Path) -> Path:
    """Where an archive lies while it is being written."""
    return archive.with_name(archive.name + ".part")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise OptionError(f"{folder} is a file; name a folder for the sweep's runs") from None
    except OSError as error:
        raise OptionError(f"cannot make the folder {folder}: {error.strerror}") from error


@contextmanager
def _sole_use(folder: Path) -> Iterator[None]:
    """Keep a second sweep out of a folder: they would write to the same files.

    The lock is the system's, and goes with this process however that ends.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OptionError(
                f"another sweep is at work in {folder}; wait for it, or choose another folder"
            ) from None
        yield
    finally:
        os.close(handle)
