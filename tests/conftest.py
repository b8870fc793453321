import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes, or its making, says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

if "PYTEST_XDIST_WORKER" in os.environ:
    # As many processes as there are cores: threads of their own would only wait for each other.
    os.environ["OMP_NUM_THREADS"] = "1"

# A shell's background job ignores Ctrl-C, and so would the commands that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
# And what nohup runs, a terminal that is closed.
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# What is kept for the next time is not the user's own.
os.environ["LATENTVIZ_CACHE"] = "off"

pytest_plugins = ["pytester"]

DOPESHEET = "STEP,PHASE,ACTION,lr,reg-norm\n0,Train,,1e-3,0.1\n149,,,,0.2\n"


@pytest.fixture(scope="session")
def short_run(tmp_path_factory):
    """A real run of 150 steps, in chunks of 64, 64 and 22."""
    from click.testing import CliRunner

    from latentviz import ChunkLimits
    from trainers.cli import main

    folder = tmp_path_factory.mktemp("recorded")
    (folder / "short.csv").write_text(DOPESHEET)
    options = ["-o", str(folder / "run.npz"), "--dopesheet", str(folder / "short.csv")]
    with pytest.MonkeyPatch.context() as patch:
        # A chunk must not end because the machine is slow.
        limits = ChunkLimits(steps=64, seconds=1e9)
        patch.setattr("latentviz.recording.recorder.LIMITS", limits)
        done = CliRunner().invoke(main, ["sparse-labels", *options])
    assert done.exit_code == 0, done.output
    return folder / "run.npz"


@pytest.fixture(scope="session")
def drawn_run(short_run, tmp_path_factory):
    """`short_run` with its latents and without states: a process that draws it needs no torch."""
    import latentviz

    path = tmp_path_factory.mktemp("drawn") / "run.npz"
    with latentviz.open_run(short_run) as run:
        run.save(path)
    return path


@pytest.fixture
def invoke():
    """Run a command of latentviz's in this process; it must succeed unless told otherwise."""
    from click.testing import CliRunner

    from latentviz.cli import main

    def run(*arguments, status=0):
        done = CliRunner().invoke(main, [str(a) for a in arguments])
        assert done.exit_code == status, done.output
        return done

    return run


@pytest.fixture(scope="module")
def one_torch_thread():
    """Torch's threads wait for each other in a busy loop, at length where cores are few."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def current_folder(tmp_path, monkeypatch):
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
