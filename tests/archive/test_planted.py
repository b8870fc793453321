"""Files that somebody else has put where an archive is written first."""

import os
from pathlib import Path

import numpy as np
import pytest

from latentviz import Recorder, open_run
from latentviz.archive import ArchiveWriter, check_destination
from latentviz.archive.recovery import recover
from latentviz.errors import ArchiveError


@pytest.fixture
def part(short_run, tmp_path):
    """A recording that was cut off."""
    path = tmp_path / "run.npz.part"
    path.write_bytes(short_run.read_bytes()[:-100])
    return path


def planted(path, precious):
    """Puts what is none of ours at a path, each in its turn; gives what is said of it."""
    for put, message in (
        (lambda: path.symlink_to(precious), "is a link, and is not written to; move it away"),
        (lambda: path.symlink_to(precious.parent / "none"), "is a link"),
        (lambda: path.hardlink_to(precious), "has another name, too, as a hard link"),
        (lambda: os.mkfifo(path), "is no regular file"),
    ):
        put()
        yield message
        path.unlink()


def test_recover_writes_through_nothing(part, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    for message in planted(tmp_path / ".run.npz.recovered", precious):
        with pytest.raises(ArchiveError, match=message):
            recover(part, overwrite=True)
        assert precious.read_text() == "precious"
        assert not (tmp_path / "run.npz").exists()
        assert not (tmp_path / "none").exists()
    recover(part)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "precious", "run.npz", "run.npz.part"
    ]  # fmt: skip


def test_a_recorder_writes_through_nothing(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    for message in planted(tmp_path / "run.npz.part", precious):
        for overwrite in (False, True):
            with pytest.raises(ArchiveError, match=message):
                ArchiveWriter(tmp_path / "run.npz", overwrite=overwrite)
        assert precious.read_text() == "precious"


def test_another_user_s_file_is_not_written_to(tmp_path, monkeypatch):
    (tmp_path / "run.npz.part").touch()
    uid = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    with pytest.raises(ArchiveError, match="belongs to another user, and is not written to"):
        ArchiveWriter(tmp_path / "run.npz", overwrite=True)


def test_a_pipe_is_not_replaced(part, tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "null.npz").symlink_to("/dev/null")
    for name in ("pipe.npz", "null.npz"):
        with pytest.raises(ArchiveError, match="is a device or a pipe, which is not replaced"):
            check_destination(tmp_path / name, overwrite=True)
        with pytest.raises(ArchiveError, match="is a device or a pipe"):
            recover(part, tmp_path / name, overwrite=True)


def test_a_link_s_target_is_written_and_the_users_folder_is_found(part, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "there").mkdir()
    (tmp_path / "latest.npz").symlink_to("there/run.npz")
    recover("~/run.npz.part", "~/latest.npz")
    assert (tmp_path / "latest.npz").is_symlink()
    with open_run("~/there/run.npz") as run:
        assert len(run) == 150
    (tmp_path / "away.npz").symlink_to("none/run.npz")
    with pytest.raises(ArchiveError, match=r"the folder .*none, to which .* leads, does not exist"):
        recover(part, "~/away.npz")


def test_a_recorder_finds_the_users_folder(tmp_path, monkeypatch):
    from torch import nn

    monkeypatch.setenv("HOME", str(tmp_path))
    model = nn.Sequential(nn.Linear(2, 2))
    with Recorder("~/run.npz", model, layer="0", probe=np.eye(2, dtype=np.float32)) as recorder:
        recorder.step()
    with open_run(Path("~/run.npz")) as run:
        assert len(run) == 1
