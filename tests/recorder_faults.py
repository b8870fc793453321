"""What befalls a recording, provoked for real in a process of its own; see test_recorder.py.

Called with a folder, it prints as JSON what came of each function below.
"""

import gc
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path

import torch
from torch import nn

from latentviz import ArchiveError, ChunkLimits, Recorder, RecordingWarning, open_run
from latentviz.archive.schema import list_member

LIMITS = ChunkLimits(steps=16)
NOBODY = 65534


def new_recorder(folder):
    model = nn.Sequential(nn.Linear(3, 2))
    return Recorder(
        folder / "run.npz", model, layer="0", probe=torch.zeros(4, 3), chunk_limits=LIMITS
    )


def take_steps(recorder, n):
    for _ in range(n):
        recorder.step(losses={"loss": recorder.n_steps})


def wait_for_a_flush(recorder):
    part = recorder.path.with_name(recorder.path.name + ".part")
    while list_member(0).encode() not in part.read_bytes():
        time.sleep(0.01)


def warning_of(recorder):
    """Train on until the recorder warns, and then some."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(30):
            take_steps(recorder, 16)
            time.sleep(0.01)
    assert [w.category for w in caught] == [RecordingWarning], caught
    return str(caught[0].message)


def error_of_close(recorder):
    try:
        recorder.close()
    except ArchiveError as error:
        return str(error)
    raise AssertionError("closed without a word")


def forked_children_neither_write_nor_hang(folder):
    recorder = new_recorder(folder)

    def in_child():
        nonlocal recorder
        take_steps(recorder, 40)
        with recorder:
            take_steps(recorder, 1)
        try:
            with recorder:
                raise KeyError
        except KeyError:
            pass
        recorder.close()
        recorder = None
        gc.collect()

    def fork(*, at_once):
        child = os.fork()
        if child:
            return child
        code = 1
        try:
            in_child()
            code = 0
        except BaseException:
            traceback.print_exc()
        if at_once:
            os._exit(code)
        # Else as a program ends, which writes what its files have buffered.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        threading.excepthook = sys.excepthook = lambda *_: None
        sys.exit(code)

    children = []
    for at_once in (True, False) * 3:
        take_steps(recorder, 40)
        children.append(fork(at_once=at_once))
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    take_steps(recorder, 7)
    assert [p.name for p in folder.iterdir()] == ["run.npz.part"]
    recorder.close()
    with open_run(folder / "run.npz") as run:
        assert run.steps.tolist() == list(range(247))
        assert run.losses["loss"].tolist() == list(range(247))
        run.latents()


def a_data_loaders_workers_leave_the_recording_alone(folder):
    loader = torch.utils.data.DataLoader(
        torch.rand(40, 3), batch_size=4, num_workers=2, multiprocessing_context="fork"
    )
    with new_recorder(folder) as recorder:
        for _ in range(2):
            for batch in loader:
                recorder.step(batch=batch)
    with open_run(folder / "run.npz") as run:
        assert len(run) == 20
        assert run.batch(19).inputs.shape == (4, 3)


def a_folder_that_is_removed_ends_recording_and_not_training(folder):
    recorder = new_recorder(folder)
    take_steps(recorder, 40)
    shutil.rmtree(folder)
    message = warning_of(recorder)
    assert "run.npz.part was removed or replaced; training goes on" in message, message
    message = error_of_close(recorder)
    assert "was removed or replaced; " in message, message
    assert "run.npz.part is gone" in message, message
    assert not folder.exists()


def a_part_that_is_moved_away_is_readable_where_it_is(folder):
    recorder = new_recorder(folder)
    take_steps(recorder, 40)
    wait_for_a_flush(recorder)
    (folder / "run.npz.part").rename(folder / "moved.npz.part")
    assert "was removed or replaced" in warning_of(recorder)
    assert "run.npz.part is gone" in error_of_close(recorder)
    with open_run(folder / "moved.npz.part") as run:
        assert len(run) >= 16
        run.latents()


def ctrl_c_keeps_every_step_so_far(folder):
    for n in range(8):
        (run_folder := folder / str(n)).mkdir()
        reached = 0
        stop = threading.Timer(0.01 + 0.013 * n, os.kill, (os.getpid(), signal.SIGINT))
        try:
            with new_recorder(run_folder) as recorder:
                take_steps(recorder, 1)
                stop.start()
                while True:
                    reached = recorder.n_steps
                    take_steps(recorder, 1)
        except KeyboardInterrupt:
            pass
        with open_run(run_folder / "run.npz") as run:
            assert reached <= len(run) <= reached + 1, (reached, len(run))
            assert run.losses["loss"].tolist() == list(range(len(run)))
            run.latents()


def a_permission_that_is_lost_loses_nothing_that_was_flushed(folder):
    if os.getuid() == 0:  # whom no permission stops
        os.chown(folder, NOBODY, NOBODY)
        os.setuid(NOBODY)
    recorder = new_recorder(folder)
    take_steps(recorder, 40)
    wait_for_a_flush(recorder)
    folder.chmod(0o500)
    take_steps(recorder, 20)
    message = error_of_close(recorder)
    folder.chmod(0o700)
    assert "Permission denied; what was flushed before is in" in message, message
    assert [p.name for p in folder.iterdir()] == ["run.npz.part"]
    with open_run(folder / "run.npz.part") as run:
        assert len(run) >= 48
        run.latents()


# The last one gives up the right to go on.
FAULTS = (
    forked_children_neither_write_nor_hang,
    a_data_loaders_workers_leave_the_recording_alone,
    a_folder_that_is_removed_ends_recording_and_not_training,
    a_part_that_is_moved_away_is_readable_where_it_is,
    ctrl_c_keeps_every_step_so_far,
    a_permission_that_is_lost_loses_nothing_that_was_flushed,
)


def main(folder):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    # A fork of a program with threads, and recordings that were cut off, on purpose.
    warnings.simplefilter("ignore")
    results = {}
    for fault in FAULTS:
        (own := folder / fault.__name__).mkdir()
        try:
            fault(own)
            results[fault.__name__] = "passed"
        except SystemExit:
            raise
        except BaseException:
            results[fault.__name__] = traceback.format_exc()
    print(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
