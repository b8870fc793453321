"""Work that is done in folders of its own, in parallel, and only if it has not been done before."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import latentviz
import trainers

from .errors import GalleryError

OUTPUT, ERRORS = "output.txt", "errors.txt"
# Libraries that a picture may depend on beside our own code.
LIBRARIES = (
    "imageio-ffmpeg", "matplotlib", "numba", "numpy", "pdoc", "pillow", "pyvista", "scikit-learn",
    "torch", "vtk",
)  # fmt: skip
# With more threads a small model's would mostly wait for each other, and not always add alike.
ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"}
KEY_LENGTH = 16
LAST_LINES = 12  # of a script's complaint
POLL_S = 0.05


@dataclass(frozen=True)
class Job:
    """Something to make.

    Attributes:
        name: Its name; one folder of each name is kept.
        command: The arguments of Python.
        inputs: The files that it depends on beside the code of latentviz: a digest by name.
        links: Files and folders that it finds in its folder while it runs, by their paths there.
    """

    name: str
    command: Sequence[str]
    inputs: Mapping[str, str]
    links: Mapping[str, Path] = field(default_factory=dict)

    def folder(self, cache: Path) -> Path:
        """Where what it makes lies: another folder if anything that it depends on changes."""
        depends = json.dumps([code_digest(), *self.command, dict(self.inputs)])
        return cache / f"{self.name}-{hashlib.sha256(depends.encode()).hexdigest()[:KEY_LENGTH]}"


def make_all(
    jobs: Sequence[Job], cache: Path, *, processes: int, done: Callable[[Job, float | None], object]
) -> dict[str, Path]:
    """Do what has not been done before, each job in a process and a folder of its own.

    Whatever stops it, its processes are ended and no folder is left half-made.

    Args:
        jobs: They are begun in this order; their names differ.
        cache: Where the folders lie; folders of the same names that are out of date are removed.
        processes: How many jobs at a time.
        done: Called with each job, and how many seconds it took, or None if it had been done.

    Returns:
        Each job's folder, by its name. It holds the output of the job in ``output.txt``.

    Raises:
        GalleryError: A job failed.
    """
    cache.mkdir(parents=True, exist_ok=True)
    waiting = deque(jobs)
    # Not the sweep's workers: they cannot wait for a script that is killed with them, and it would
    # write on into a folder that is being removed.
    running: list[_Running] = []
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                job = waiting.popleft()
                if job.folder(cache).is_dir():
                    done(job, None)
                else:
                    running.append(_start(job, cache))
            for each in [r for r in running if r.process.poll() is not None]:
                _finish(each, cache)
                running.remove(each)
                done(each.job, time.monotonic() - each.began_s)
            if running:
                time.sleep(POLL_S)
    finally:
        for each in running:
            each.process.kill()
            each.process.wait()
            shutil.rmtree(each.part)
    return {job.name: job.folder(cache) for job in jobs}


@dataclass(frozen=True)
class _Running:
    job: Job
    process: subprocess.Popen[bytes]
    part: Path  # its folder while it runs
    began_s: float


def _start(job: Job, cache: Path) -> _Running:
    began_s = time.monotonic()
    part = Path(tempfile.mkdtemp(dir=cache, prefix=f".{job.name}-"))
    for name, target in job.links.items():
        (part / name).parent.mkdir(exist_ok=True)
        (part / name).symlink_to(target.resolve())
    with (part / OUTPUT).open("wb") as output, (part / ERRORS).open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, *job.command],
            cwd=part,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env=os.environ | ENVIRONMENT,
        )
    return _Running(job, process, part, began_s)


def _finish(running: _Running, cache: Path) -> None:
    job, part, status = running.job, running.part, running.process.returncode
    if status != 0:
        said = (part / ERRORS).read_text(errors="replace").strip().splitlines()
        last = "\n".join(said[-LAST_LINES:])
        raise GalleryError(f"{job.name} failed with status {status}:\n{last}")
    (part / ERRORS).unlink()
    for name in job.links:
        (part / name).unlink()
    for old in cache.glob(f"{job.name}-{'[0-9a-f]' * KEY_LENGTH}"):
        shutil.rmtree(old)
    part.rename(job.folder(cache))


@functools.cache
def code_digest() -> str:
    """Tells apart whatever code draws: of latentviz, of the trainers, and of libraries.

    A version alone would not do: code changes between versions.
    """
    digest = hashlib.sha256(latentviz.__version__.encode())
    for package in (latentviz, trainers):
        assert package.__file__ is not None
        root = Path(package.__file__).parent
        for path in sorted(p for p in root.rglob("*") if p.suffix in (".py", ".csv")):
            digest.update(f"{path.relative_to(root)}\n".encode())
            digest.update(path.read_bytes())
    digest.update("\n".join([sys.version, *map(_version, LIBRARIES)]).encode())
    return digest.hexdigest()


def _version(library: str) -> str:
    try:
        return f"{library} {version(library)}"
    except PackageNotFoundError:
        return f"{library} none"


def content_digest(path: Path) -> str:
    """Tells apart what a file holds, or all files of a folder."""
    digest = hashlib.sha256()
    for file in _files(path):
        digest.update(f"{file.relative_to(path)} {file.stat().st_size}\n".encode())
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


def _files(path: Path) -> Iterable[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
