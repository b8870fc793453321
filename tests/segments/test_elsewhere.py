"""Films that are made in several processes, on a cluster, and on several evenings."""

import os
import random
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
from films import LOOK, N_SEGMENTS, OPTIONS, command, save_walk, sha256

import latentviz
from latentviz import OptionError, WorkSpec, open_run, render
from latentviz.film.job import unfit
from latentviz.fingerprint import differences, fingerprint
from latentviz.text import counted

N_INTERRUPTIONS = int(os.environ.get("LATENTVIZ_INTERRUPTIONS", "2"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return save_walk(tmp_path_factory.mktemp("walk") / "run.npz")


@pytest.fixture(scope="module")
def expected(run):
    """The digest of its film, and the hashes of its frames."""
    film, hashes = run.with_name("film.mp4"), run.with_name("hashes.txt")
    render(run, film, frame_hashes=hashes, jobs=1, **LOOK)
    assert len(hashes.read_text().split()) == 500
    return sha256(film), hashes.read_text()


def kept(film):
    """The numbers of the segments that are kept for a film."""
    folder = film.with_name(film.name + ".parts")
    return sorted(int(path.name.split("-")[1]) for path in folder.glob("[!.]*.mp4"))


@pytest.mark.parametrize("jobs", [2, 5])
def test_the_bytes_do_not_depend_on_the_processes(run, expected, tmp_path, jobs, invoke):
    film, hashes = tmp_path / "film.mp4", tmp_path / "hashes.txt"
    options = ["--jobs", jobs, "--frame-hashes", hashes]
    invoke("render", run, "-o", film, *OPTIONS, *options)
    assert (sha256(film), hashes.read_text()) == expected
    assert sorted(tmp_path.iterdir()) == [film, hashes]


def test_interrupted_and_resumed_it_is_the_same(run, expected, tmp_path):
    film, rng = tmp_path / "film.mp4", random.Random(0)
    resume, n_kept = command(run, film, "--resume"), 0
    for k in range(N_INTERRUPTIONS):
        process = subprocess.Popen(resume, stderr=subprocess.PIPE, text=True)
        time.sleep(rng.uniform(0.5, 4.0))
        process.send_signal(signal.SIGTERM if k % 2 else signal.SIGINT)
        _, said = process.communicate(timeout=60)
        if film.exists():  # it was done before, or ended when it was
            assert sha256(film) == expected[0]
            film.unlink()
            n_kept = len(kept(film))
            continue
        assert process.returncode in (130, -signal.SIGINT, -signal.SIGTERM), said
        if "segments are kept" in said:
            assert len(kept(film)) == int(re.search(r"(\d+) of 5 segments are kept", said)[1])
        assert len(kept(film)) >= n_kept
        n_kept = len(kept(film))
    done = subprocess.run(resume, capture_output=True, text=True, check=True)
    if n_kept:
        assert done.stdout.startswith(f"{n_kept} of 5 segments were there already\n")
    assert sha256(film) == expected[0]
    assert list(tmp_path.iterdir()) == [film]


def test_an_interrupt_while_they_are_joined_says_what_is_kept(
    run, expected, tmp_path, monkeypatch, invoke
):
    film = tmp_path / "film.mp4"

    def interrupted(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("latentviz.film.production.join_segments", interrupted)
        said = invoke("render", run, "-o", film, *OPTIONS, "--resume", status=130).stderr
    assert "5 of 5 segments are kept" in said
    assert not film.exists()
    assert invoke("render", run, "-o", film, *OPTIONS, "--resume").stdout.startswith("5 of 5 ")
    assert sha256(film) == expected[0]


def test_killed_outright_nothing_that_was_finished_is_lost(run, expected, tmp_path):
    film = tmp_path / "film.mp4"
    process = subprocess.Popen(command(run, film, "--resume"))
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("film.mp4.parts/[!.]*.mp4")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not film.exists()
    n_kept = len(kept(film))
    done = subprocess.run(
        command(run, film, "--resume"), capture_output=True, text=True, check=True
    )
    assert f"{n_kept} of 5 segments were there already" in done.stdout
    assert sha256(film) == expected[0]
    # What the dead process had begun is gone with the rest.
    assert list(tmp_path.iterdir()) == [film]


def test_kept_parts_are_used_again_where_they_fit(run, expected, tmp_path, invoke):
    film, hashes = tmp_path / "film.mp4", tmp_path / "hashes.txt"
    first = invoke("render", run, "-o", film, *OPTIONS, "--keep-parts", "--frame-hashes", hashes)
    assert "already" not in first.stdout
    assert kept(film) == list(range(N_SEGMENTS))
    folder = tmp_path / "film.mp4.parts"
    next(folder.glob("*-000002-*.mp4")).write_bytes(b"damaged")
    again = invoke("render", run, "-o", film, *OPTIONS, "--resume", "--frame-hashes", hashes)
    assert again.stdout.startswith("4 of 5 segments were there already\n")
    assert (sha256(film), hashes.read_text()) == expected
    assert not folder.exists()


@pytest.mark.filterwarnings("always::latentviz.LatentvizWarning")
def test_parts_of_another_film_are_left_out(run, tmp_path, invoke):
    film, other = tmp_path / "film.mp4", save_walk(tmp_path / "other.npz", 501)
    invoke("render", run, "-o", film, *OPTIONS, "--keep-parts")
    for source, options in (
        (run, [*OPTIONS, "--theme", "light", "--segments", "0:1"]),
        (run, [*OPTIONS, "--crf", "30", "--segments", "0:1"]),
        (run, [*OPTIONS, "--hold", "1", "--segments", "0:1"]),
        (other, [*OPTIONS, "--segments", "0:1"]),
    ):
        done = invoke("render", source, "-o", film, *options)
        assert "1 segment made, 0 found, of 5" in done.stdout
        assert "of a film with other options or versions" in done.stderr
    # What was made for one film is not lost to another.
    assert "5 of 5" in invoke("render", run, "-o", film, *OPTIONS, "--resume").stdout
    assert len(kept(film)) == 4


def test_a_batch_systems_tasks_make_some_segments_each(run, expected, tmp_path, invoke):
    film = tmp_path / "film.mp4"
    for segments, made in (("0:2", 2), ("3:", 2), ("1:4", 1)):
        said = invoke("render", run, "-o", film, *OPTIONS, "--segments", segments).stdout
        assert f"{made} segment" in said
        assert "of 5; --resume joins them when all are there" in said
        assert not film.exists()
    assert invoke("render", run, "-o", film, *OPTIONS, "--resume").stdout.startswith("5 of 5 ")
    assert sha256(film) == expected[0]


def test_a_folder_that_is_not_ours_stays(run, tmp_path, invoke):
    film, folder = tmp_path / "film.mp4", tmp_path / "film.mp4.parts"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    invoke("render", run, "-o", film, *OPTIONS, "--resume")
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    shutil.rmtree(folder)
    folder.write_text("a file")
    done = invoke("render", run, "-o", film, *OPTIONS, "--resume", status=2)
    assert "cannot make the folder" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--jobs", "0"], "jobs must lie within 1 to 1024, got 0"),
        (["--jobs", "2", "--dask", "local:2"], "jobs is for this machine, and dask for a cluster"),
        (["--segments", "3:3"], "segments are those from the first up to"),
        (["--segments", "x"], "segments must be A:B, whole numbers"),
        (["--segments", "0:1", "--resume"], "segments leaves a part of the film"),
        (["--segments", "0:1", "--frame-hashes", "h"], "frame_hashes are of a whole film"),
        (["--dask", "nowhere"], "dask takes a scheduler's address"),
        (["--dask", "local:0"], "dask local:N takes 1 worker or more"),
    ],
)
def test_bad_options_are_told_in_a_line(run, tmp_path, invoke, options, message):
    done = invoke("render", run, "-o", tmp_path / "f.mp4", *OPTIONS, *options, status=2)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "f.mp4").exists()


@pytest.mark.parametrize(("given", "made"), [("9:", 0), ("4:99", 1)])
def test_the_last_task_of_an_array_may_have_less_to_do(run, tmp_path, invoke, given, made):
    done = invoke("render", run, "-o", tmp_path / "f.mp4", *OPTIONS, "--segments", given)
    assert f"{counted(made, 'segment')} made, 0 found, of 5" in done.stdout
    assert len(list((tmp_path / "f.mp4.parts").glob("*.mp4"))) == made


@pytest.mark.parametrize("option", ["--resume", "--keep-parts", "--jobs=2", "--segments=0:1"])
@pytest.mark.parametrize("name", ["f.gif", "f.webp", "frames/%05d.png"])
def test_what_has_no_segments_says_so(run, tmp_path, invoke, name, option):
    done = invoke("render", run, "-o", tmp_path / name, "--size", "320x180", option, status=2)
    assert "is for films of segments, which are .mp4, .mov, .mkv, .webm" in done.stderr


def test_a_run_of_arrays_is_made_here(tmp_path):
    arrays = latentviz.Run.from_arrays(np.zeros((300, 4, 2), np.float32))
    render(arrays, tmp_path / "f.mp4", **LOOK)
    for options in ({"jobs": 2}, {"resume": True}):
        with pytest.raises(OptionError, match="is in this process alone; save it first"):
            render(arrays, tmp_path / "f.mp4", **options, **LOOK)


def test_a_module_is_known_to_one_process(short_run, tmp_path):
    from trainers.models import ColorMLP

    with (
        open_run(short_run, model=ColorMLP()) as run,
        pytest.raises(OptionError, match="opened with a module, which another process"),
    ):
        render(run, tmp_path / "f.mp4", jobs=2, **LOOK)


def test_on_many_cores_a_film_that_only_we_can_make_is_made_here(short_run, tmp_path, monkeypatch):
    from trainers.models import ColorMLP

    monkeypatch.setattr("latentviz.film.work.n_cores", lambda: 16)
    assert WorkSpec().n_jobs(5) == 2
    film = tmp_path / "f.mp4"
    with open_run(short_run, model=ColorMLP()) as run:
        render(run, film, hold=12, **LOOK)
    assert film.exists()
    render(
        short_run, film, hold=12, **{**LOOK, "pace": lambda n_steps, n_frames: np.arange(n_steps)}
    )


def test_on_many_cores_several_processes_make_it(run, expected, tmp_path, monkeypatch):
    monkeypatch.setattr("latentviz.film.work.n_cores", lambda: 16)
    seen = []
    render(run, tmp_path / "f.mp4", progress=lambda done, total: seen.append(done), **LOOK)
    assert sha256(tmp_path / "f.mp4") == expected[0]
    assert len(seen) == N_SEGMENTS  # and not a frame at a time
    assert seen[-1] == 500


def test_latents_that_are_evaluated_elsewhere_are_the_same(short_run, tmp_path):
    films = [tmp_path / f"{jobs}.mp4" for jobs in (1, 2)]
    for jobs, film in enumerate(films, 1):
        with open_run(short_run, model="trainers.models:ColorMLP") as run:
            render(run, film, jobs=jobs, hold=4, **LOOK)
    assert films[0].read_bytes() == films[1].read_bytes()


def test_a_worker_that_is_not_as_we_are_is_refused(run, tmp_path):
    ours = fingerprint()
    assert differences(ours) == ""
    assert differences({**ours, "numpy": "0.1"}) == f"numpy {ours['numpy']} and not 0.1"
    with open_run(run) as opened:
        reopening = opened.reopening
    assert unfit([reopening], ours) is None
    other = f"has ffmpeg {ours['ffmpeg']} and not x, as asked for here"
    assert unfit([reopening], {**ours, "ffmpeg": "x"}).startswith(other)
    gone = save_walk(tmp_path / "gone.npz", 10)
    with open_run(gone) as opened:
        elsewhere = opened.reopening
    gone.unlink()
    save_walk(gone, 11)
    assert "is another archive than it was" in unfit([elsewhere], ours)
    gone.unlink()
    assert "it must see the same archive under the same path" in unfit([elsewhere], ours)


def test_on_a_cluster_a_lost_workers_segments_are_made_elsewhere(run, expected, tmp_path):
    distributed = pytest.importorskip("distributed")
    film = tmp_path / "film.mp4"
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs="CRITICAL"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        killed = []

        def kill_one(done, total):
            if not killed:
                workers = client.run(os.getpid)
                killed.append(min(workers.values()))
                os.kill(killed[0], signal.SIGKILL)

        render(run, film, dask=cluster.scheduler_address, progress=kill_one, **LOOK)
    assert killed
    assert sha256(film) == expected[0]
    assert list(tmp_path.iterdir()) == [film]


def test_the_command_makes_a_cluster_of_its_own(run, expected, tmp_path):
    pytest.importorskip("distributed")
    film = tmp_path / "film.mp4"
    done = subprocess.run(command(run, film, "--dask", "local:1"), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert sha256(film) == expected[0]


def test_work_is_plain_data():
    work = WorkSpec(jobs=2, resume=True, segments=None)
    assert WorkSpec.from_dict(work.to_dict()) == work
    assert WorkSpec(jobs=7).n_jobs(3) == 3
    assert WorkSpec().n_jobs(1) == 1
