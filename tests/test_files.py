import os
import stat
from pathlib import Path

import pytest

from latentviz.errors import OptionError
from latentviz.files import Part, atomic, check_folder, open_regular, replace_all


def write(path, text="new"):
    with atomic(path) as part:
        part.write_text(text)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_link_is_followed_and_stays(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "film", tmp_path / "latest"
    link.symlink_to("there/film")
    for text in ("made", "replaced"):  # a link that leads nowhere yet, then one that does
        write(link, text)
        assert (link.is_symlink(), target.read_text()) == (True, text)
    assert names(tmp_path / "there") == ["film"]
    link.unlink()
    link.symlink_to("none/film")
    with pytest.raises(OptionError, match="none does not exist; create it first"):
        write(link)


def test_the_users_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(Path("~/film"))
    assert names(tmp_path) == ["film"]


def odd_files(folder):
    """What is no plain file, by what is said of it."""
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to("loop")
    for name in ("pipe", "folder"):
        (folder / f"to-{name}").symlink_to(name)
    (folder / "to-null").symlink_to("/dev/null")
    return {
        folder / "pipe": "is a device or a pipe, which is not replaced; name a file",
        folder / "to-pipe": "is a device or a pipe",
        folder / "to-null": "is a device or a pipe",
        Path("/dev/null"): "is a device or a pipe",
        folder / "folder": "is a folder; name a file",
        folder / "to-folder": "is a folder; name a file",
        folder / "loop": "cannot follow the link .*: Too many levels",
    }


def test_what_is_no_plain_file_is_neither_replaced_nor_read(tmp_path):
    for path, message in odd_files(tmp_path).items():
        with pytest.raises(OptionError, match=message):
            check_folder(path)
        with pytest.raises(OptionError, match=message):
            write(path)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    for name in ("pipe", "to-pipe", "to-null"):
        with pytest.raises(OptionError, match="it is no regular file"):
            open_regular(tmp_path / name)


def test_what_a_dead_process_has_left_is_removed_and_what_is_in_work_is_not(tmp_path):
    film = tmp_path / "film.mp4"
    living = Part(film)
    living.make()
    dead = living.path.with_name(f".film.mp4.{'0' * 12}.unfinished")
    others = [f".other.mp4.{'0' * 12}.unfinished", ".film.mp4.unfinished", ".film.mp4.0.unfinished"]
    for name in [dead.name, *others]:
        (tmp_path / name).touch()
    (tmp_path / f".film.mp4.{'1' * 12}.unfinished").mkdir()  # a folder is none of these files
    (tmp_path / f".film.mp4.{'2' * 12}.unfinished").symlink_to(film)
    write(film)
    left = {living.path.name, *others, *(f".film.mp4.{n * 12}.unfinished" for n in "12")}
    assert set(names(tmp_path)) == {"film.mp4", *left}
    living.remove()
    assert not living.path.exists()


def test_a_dead_process_s_frames_are_removed_unless_they_are_all_there_is(tmp_path):
    part = Part(tmp_path / "frames", is_folder=True)
    for digit in "01":
        (tmp_path / f".frames.{digit * 12}.unfinished").mkdir()
    # It died while the old film made room for the new one.
    (tmp_path / f".frames.{'1' * 12}.unfinished" / "replaced").mkdir()
    part.make()
    assert names(tmp_path) == sorted([part.path.name, f".frames.{'1' * 12}.unfinished"])


def test_a_planted_file_is_not_written_to(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    part = Part(tmp_path / "film")
    part.path.symlink_to(precious)
    with pytest.raises(FileExistsError):
        part.make()
    assert precious.read_text() == "precious"


def test_all_files_are_replaced_or_none(tmp_path):
    folder, spare = tmp_path / "frames", tmp_path / "spare"
    folder.mkdir()
    spare.mkdir()
    old, new = [folder / f"{n}.png" for n in range(3)], [spare / f"{n}.png" for n in range(2)]
    for path in [*old, *new]:
        path.write_text(path.parent.name)
    (folder / "1.png").unlink()
    with pytest.raises(FileNotFoundError):
        replace_all(old, new, folder, spare)
    assert names(folder) == ["0.png", "2.png"]
    (folder / "1.png").mkdir()
    with pytest.raises(FileExistsError):
        replace_all([old[0], old[2]], new, folder, spare)
    assert [path.read_text() for path in (old[0], old[2], *new)] == ["frames"] * 2 + ["spare"] * 2
    (folder / "1.png").rmdir()
    replace_all([old[0], old[2]], new, folder, spare)
    assert [path.read_text() for path in folder.iterdir()] == ["spare", "spare"]
    assert names(folder) == ["0.png", "1.png"]
    assert names(spare) == []
