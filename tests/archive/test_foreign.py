"""Files that are no runs, given to commands that take one."""

import numpy as np
import pytest

from latentviz import ArchiveError, OptionError, plot_history, render_frame
from latentviz.archive.reader import ArchiveReader

RECORD = "; record a training with latentviz.Recorder"
ARRAYS = f"{RECORD}, or draw arrays (T, N, D) from Python with latentviz.Run.from_arrays(latents)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import torch

    folder = tmp_path_factory.mktemp("foreign")
    latents = np.zeros((3, 4, 2))
    np.save(folder / "latents.npy", latents)
    np.savez(folder / "arrays.npz", latents=latents)
    np.savez_compressed(folder / "packed.npz", latents=latents, header=latents)
    torch.save({"w": torch.zeros(2)}, folder / "model.pt")
    torch.save({"w": torch.zeros(2)}, folder / "old.pt", _use_new_zipfile_serialization=False)
    torch.save({"w": torch.zeros(2)}, folder / "named.npz")
    (folder / "model.safetensors").write_bytes(b"\x02" + bytes(7) + b"{}")
    (folder / "sheet.csv").write_text("\ufeffSTEP,PHASE,ACTION,lr\n0,Train,,1e-3\n")
    (folder / "text.npz").write_text("not a run, and longer than an end record")
    return folder


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("latents.npy", f"it is an array of NumPy's{ARRAYS}"),
        ("arrays.npz", f"it has no manifest, so it holds other arrays{ARRAYS}"),
        ("packed.npz", f"it has no manifest, so it holds other arrays{ARRAYS}"),
        ("model.pt", f"it is a file of torch.save{RECORD}"),
        ("named.npz", f"it is a file of torch.save{RECORD}"),
        ("old.pt", f"it is a pickle, as of an older torch.save{RECORD}"),
        ("model.safetensors", f"it holds the tensors of one state{RECORD}"),
        ("text.npz", f"it does not end in a ZIP directory{RECORD}"),
    ],
)
def test_what_is_no_run_is_called_what_it_is(folder, tmp_path, invoke, name, message):
    path = folder / name
    for command in ("timeline", "history", "info"):
        output = [] if command == "info" else ["-o", tmp_path / "a.png"]
        done = invoke(command, path, *output, status=2)
        assert done.stderr == f"Error: {path} is not a readable run archive: {message}\n"


def test_a_dopesheet_is_drawn_by_another_command(folder, tmp_path, invoke):
    sheet = folder / "sheet.csv"
    done = invoke("render", sheet, "-o", tmp_path / "a.mp4", status=2)
    assert done.stderr == (
        f"Error: {sheet} is not a readable run archive: it is a dopesheet; draw it with: python -m "
        f"trainers timeline {sheet} -o timeline.png\n"
    )


def test_what_is_left_of_a_run_is_one(short_run, tmp_path):
    whole = short_run.read_bytes()
    for size in (0, 10, 33, 100, len(whole) // 2, len(whole) - 1):
        path = tmp_path / "cut.npz"
        path.write_bytes(whole[:size])
        with pytest.raises(ArchiveError, match="is not a readable run archive: it") as caught:
            ArchiveReader(path)
        assert "Recorder" not in str(caught.value)


def test_names_in_one_string_are_refused(short_run):
    for draw in (render_frame, plot_history):
        with pytest.raises(OptionError, match=r"a list of names such as \['a', 'b'\], got 'a, b'"):
            draw(short_run, names="a, b")
