"""Checkpoints of tiny models, and the runs that a recorder makes at the same steps."""

import json

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from latentviz import ChunkLimits, Recorder, recover
from latentviz.archive import ArchiveReader

RGB = np.random.default_rng(0).random((9, 3), np.float32)
N = 40
STEPS = [100 * n for n in range(N)]


class Stranger(nn.Module):
    """A model that is not registered."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.BatchNorm1d(5))
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        return self.head(self.encoder(x))


class Coded:
    """A pickle of it makes a file when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def states(make, n=N):
    """A model's states, each different from the one before."""
    torch.manual_seed(0)
    model = make()
    for _ in range(n):
        yield model, {name: tensor.clone() for name, tensor in model.state_dict().items()}
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.01)
            for buffer in model.buffers():
                buffer += 1


def save(folder, kind, step, state):
    """Save a state as others do."""
    if kind == "bare":
        torch.save(state, folder / f"step_{step:05d}.pt")
    elif kind == "dictionary":
        torch.save({"epoch": 3, "model": state, "optimizer": {}}, folder / f"net-{step}.pth")
    elif kind == "lightning":
        named = {f"net.{name}": tensor for name, tensor in state.items()}
        saved = {"state_dict": named, "callbacks": {"kept": {"best": torch.tensor(1.0)}}}
        torch.save(saved, folder / f"epoch={step // 300}-step={step}.ckpt")
    elif kind == "compiled":
        named = {f"module._orig_mod.{name}": tensor for name, tensor in state.items()}
        torch.save(named, folder / f"{step}.bin")
    elif kind == "safetensors":
        save_file(state, folder / f"step{step}.safetensors")
    else:
        inner = folder / f"checkpoint-{step}"
        inner.mkdir()
        torch.save({"optimizer": 1}, inner / "optimizer.pt")  # which is none
        if kind == "folders":
            save_file(state, inner / "model.safetensors")
        elif kind == "bins":
            torch.save(state, inner / "pytorch_model.bin")
        elif kind == "shards":
            names = sorted(state)
            halves = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
            for name, half in halves.items():
                save_file({tensor: state[tensor] for tensor in half}, inner / name)
            listed = {tensor: name for name, half in halves.items() for tensor in half}
            index = inner / "model.safetensors.index.json"
            index.write_text(json.dumps({"weight_map": listed}))


KINDS = [
    *("bare", "dictionary", "lightning", "compiled", "safetensors"),
    *("folders", "bins", "shards"),
]


def recorded(path, make, n=N, **options):
    """The run that a recorder makes at these steps, without a state after the last."""
    whole = path.with_name(f"whole-{path.name}")
    options = {"layer": "encoder", "probe": RGB, "chunk_limits": ChunkLimits(seconds=1e9)} | options
    model = None
    for step, (now, _) in zip(STEPS, states(make, n), strict=False):
        if model is None:
            model = now
            recorder = Recorder(whole, model, **options)
        recorder.step(step=step)
    recorder.close()
    # Cut off behind its last chunk, it has none.
    data = whole.read_bytes()
    cut = path.with_name(f"cut-{path.name}.part")
    cut.write_bytes(data[: data.index(b"final/")])
    recover(cut, path)
    return path


def members(path):
    """All that an archive holds."""
    with ArchiveReader(path) as reader:
        return {name: reader.read(name) for name in reader.members}


def assert_same_members(path, other):
    a, b = members(path), members(other)
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


LINEAR = {"layer": "0", "probe": np.eye(2, dtype=np.float32)}


def linear():
    return nn.Sequential(nn.Linear(2, 2))


def write(path, scale, **more):
    weights = {"0.weight": torch.full((2, 2), float(scale)), "0.bias": torch.zeros(2)}
    torch.save(weights | more, path)
