"""From scripts to a site: shared runs, what the scripts make of them, and the pages about it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import latentviz
from trainers.coverage import plot_coverage

from .entry import ENTRIES, Entry, SharedRun, find_entries
from .errors import GalleryError
from .media import media_in, viewer_in
from .pages import GENERATOR, REFERENCE, Page, write_site
from .work import OUTPUT, Job, content_digest, make_all

HERE = Path(__file__).parent
# Sweeps that take minutes to train: of these the gallery keeps the table, and draws from that.
KEPT = {"coverage": HERE / "label-coverage"}
REFERENCE_TEMPLATES = HERE / "templates" / "reference"

Say = Callable[[str], object]


def build(
    site: Path,
    *,
    runs: Path,
    cache: Path,
    processes: int,
    only: Sequence[str] = (),
    scripts: Path = ENTRIES,
    say: Say = print,
) -> None:
    """Build the gallery, whole or not at all.

    Args:
        site: The folder to make, or a gallery's to replace.
        runs: The folder of shared runs; those that are missing are made, unless the gallery keeps
            their tables.
        cache: Where the outputs of the scripts are kept for the next time.
        processes: How many scripts to run at a time.
        only: Names of the entries wanted; by default all, and the reference.
        scripts: The folder of entries.
        say: Told what has been done, in a line.

    Raises:
        GalleryError: An entry is not as it must be, a script failed, or ``site`` is something else.
    """
    _check_replaceable(site)
    entries = find_entries(scripts, only)
    made = _make(entries, runs, cache, processes, say, reference=not only)
    pages = [
        Page(
            entry=entry,
            media=media_in(made[entry.name]),
            printed=(made[entry.name] / OUTPUT).read_text(encoding="utf-8").rstrip(),
            viewer=viewer_in(made[entry.name]),
        )
        for entry in entries
    ]
    site.parent.mkdir(parents=True, exist_ok=True)
    # Beside it, so that it can be moved there in one go.
    part = Path(tempfile.mkdtemp(dir=site.parent, prefix=f".{site.name}-"))
    try:
        part.chmod(0o755)
        write_site(part, pages, reference=made.get(REFERENCE))
        # A site that is as it was keeps its times, so that nobody need check it anew.
        if not site.exists():
            part.rename(site)
        elif content_digest(part) != content_digest(site):
            before = site.rename(part.with_suffix(".before"))
            part.rename(site)
            shutil.rmtree(before)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    say(f"{site / 'index.html'}: {len(pages)} entries")


def renew_readme_pictures(folder: Path, *, runs: Path, say: Say = print) -> None:
    """Draw the README's pictures: what the gallery shows, smaller.

    Args:
        folder: Where they go.
        runs: As for `build`.
        say: As for `build`.

    Raises:
        GalleryError: A run could not be made.
    """
    _make_shared(find_entries(only=["film"]), runs, say)
    run = runs / "sparse-labels.npz"
    latentviz.plot_sphere(run, size=(1200, 480)).save(folder / "sphere.png")
    picture = plot_coverage(KEPT["coverage"], size=(1200, 750), theme="light")
    picture.save(folder / "label-coverage.png")
    # All steps in ten seconds.
    latentviz.render(
        run,
        folder / "sparse-labels.webp",
        size=(720, 406),
        fps=12,
        frames=120,
        quality=60,
        names=["hue"],
    )
    # Every step, within half a pixel: small enough to lie in the repository.
    latentviz.view(run, folder / "sparse-labels.html", names=["hue"], max_size="1600kB")
    say(f"renewed the README's pictures in {folder}")


def _make(
    entries: Sequence[Entry], runs: Path, cache: Path, processes: int, say: Say, *, reference: bool
) -> dict[str, Path]:
    """The folders of what the entries made, by name."""
    shared = _make_shared(entries, runs, say)
    digests = {run: content_digest(_place(run, runs)) for run in shared}
    # Films take longest.
    in_turn = sorted(entries, key=lambda entry: ".mp4" not in entry.code)
    jobs = [_job(entry, runs, digests) for entry in in_turn]
    if reference:
        sources = {p.name: content_digest(p) for p in (HERE / "reference.py", REFERENCE_TEMPLATES)}
        jobs.append(Job(REFERENCE, ["-m", "gallery.reference", "."], sources))

    def done(job: Job, seconds: float | None) -> None:
        say(f"{job.name}: {'as before' if seconds is None else f'{seconds:.1f} s'}")

    return make_all(jobs, cache, processes=processes, done=done)


def _job(entry: Entry, runs: Path, digests: Mapping[SharedRun, str]) -> Job:
    script = f"{entry.name}.py"
    return Job(
        name=entry.name,
        command=[script],
        inputs={script: content_digest(entry.path)}
        | {str(run.path): digests[run] for run in entry.shared_runs},
        links={script: entry.path}
        | {str(run.path): _place(run, runs) for run in entry.shared_runs},
    )


def _place(run: SharedRun, runs: Path) -> Path:
    """Where a run, or what is kept of it, lies."""
    return KEPT.get(run.path.name, runs / run.path.name)


def _make_shared(entries: Sequence[Entry], runs: Path, say: Say) -> list[SharedRun]:
    """Make the runs that entries share, if they are missing."""
    shared = list(dict.fromkeys(run for entry in entries for run in entry.shared_runs))
    for run in shared:
        _make_run(run, runs, say)
    return shared


def _make_run(run: SharedRun, runs: Path, say: Say) -> None:
    path = _place(run, runs)
    if path.exists():
        return
    say(f"{path}: {shlex.join(run.command)}")
    runs.mkdir(parents=True, exist_ok=True)
    # Elsewhere first: what is cut off can be read, too, and a sweep goes on where it was.
    unfinished = runs / f"unfinished-{path.name}"
    if unfinished.is_file():
        unfinished.unlink()
    options = [str(unfinished) if word == str(run.path) else word for word in run.command[1:]]
    # Its output names a place where the run does not stay.
    made = subprocess.run([sys.executable, *options], cwd=HERE.parent, stdout=subprocess.DEVNULL)
    if made.returncode != 0:
        raise GalleryError(f"{shlex.join(run.command)} failed; see above")
    unfinished.rename(path)


def _check_replaceable(site: Path) -> None:
    """Find out before anything is made that a folder holds something else than a gallery.

    Raises:
        GalleryError: It does.
    """
    index = site / "index.html"
    if site.is_dir() and not any(site.iterdir()):
        return
    if site.exists() and not (index.is_file() and GENERATOR in index.read_text(encoding="utf-8")):
        raise GalleryError(f"{site} is not a gallery that could be replaced; name another folder")
