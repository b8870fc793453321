"""Reads the tensors of a checkpoint; runs no code that a file holds."""

from __future__ import annotations

import json
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from ..errors import ArchiveError, OptionError
from ..modules.twin import plain_name
from ..text import listed, printable

if TYPE_CHECKING:
    import torch

# Under which a state lies in what trainers save.
STATE_KEYS = ("state_dict", "model_state_dict", "model", "module")
INDEX = ".index.json"
MOST_NAMED = 8
MAX_INDEX_BYTES = 64 << 20
EXTRA = "_extra_state"  # of a module's own, which is no tensor
_REFUSED = re.compile(r"(?:GLOBAL|class|function) ([\w.]+)")


class DamagedError(ArchiveError):
    """A checkpoint is not whole."""


def read_tensors(path: Path, *, key: str | None = None) -> dict[str, torch.Tensor]:
    """The tensors of a file, or of the files that a list names, on the CPU.

    They are mapped from the file where it allows that, and read when they are used.

    Args:
        path: The file, or a list of them (``NAME.index.json``).
        key: Under which the state lies in what the file holds: an item, or items within each
            other, ``"ema.state_dict"``.

    Raises:
        ArchiveError: A file is missing, or would run code.
        DamagedError: A file is damaged, or a part of the checkpoint is missing.
        OptionError: There is no state in it.
    """
    if not path.name.endswith(INDEX):
        return _of_file(path, key)
    tensors: dict[str, torch.Tensor] = {}
    for name in _shards(path):
        shard = path.parent / name
        if not shard.is_file():
            raise DamagedError(f"{path} lists {printable(name)}, which is not there")
        tensors |= _of_file(shard, key)
    return tensors


def torch_file(path: Path) -> Any:
    """The tensors and plain values that a file of ``torch.save`` holds.

    Raises:
        ArchiveError: It is missing, or would run code.
        DamagedError: It is damaged.
    """
    torch = import_torch()
    # What is no ZIP file is of an older PyTorch, and cannot be mapped.
    mmap = path.is_file() and zipfile.is_zipfile(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except UnpicklingError as error:
        if (reason := _refusal(str(error))) is not None:
            raise ArchiveError(f"{path} is not loaded: {reason}") from None
        raise DamagedError(f"{path} is damaged, or was not written by torch.save") from None
    except FileNotFoundError:
        raise ArchiveError(f"{path} does not exist") from None
    except Exception as error:  # whatever a damaged file brings about
        if "TorchScript" in str(error):
            raise ArchiveError(
                f"{path} is a scripted or traced module, which holds code, and is not loaded; save "
                "its tensors alone: torch.save(module.state_dict(), ...)"
            ) from None
        raise DamagedError(
            f"{path} is cut short or damaged, or was not written by torch.save"
        ) from None


def import_torch() -> Any:
    """PyTorch, which reads checkpoints.

    Raises:
        OptionError: It is not installed.
    """
    try:
        import torch
    except ImportError:
        raise OptionError(
            'checkpoints are read by PyTorch, which is missing; pip install "latentviz[train]"'
        ) from None
    return torch


def _of_file(path: Path, key: str | None) -> dict[str, torch.Tensor]:
    if path.suffix == ".safetensors":
        if key is not None:
            raise OptionError(f"{path} holds tensors alone, and no item {key!r}; leave key out")
        held: Mapping[Any, Any] = _safetensors(path)
    else:
        held = _state(torch_file(path), path, key)
    tensor_type = import_torch().Tensor
    tensors: dict[str, torch.Tensor] = {}
    for name, value in held.items():
        if str(name).rpartition(".")[2] == EXTRA:
            continue
        if not isinstance(name, str) or not isinstance(value, tensor_type):
            raise OptionError(_no_tensor(path, key, held, name))
        if value.layout is not import_torch().strided or value.is_quantized:
            raise OptionError(
                f"{path}: tensor {printable(name)!r} is sparse or quantized; save a dense one"
            )
        tensors[plain_name(name)] = value.detach()
    if not tensors:
        raise OptionError(f"{path} holds no tensor")
    return tensors


def _safetensors(path: Path) -> dict[str, torch.Tensor]:
    import_torch()
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise OptionError(
            f'{path} needs the package safetensors; pip install "latentviz[safetensors]"'
        ) from None
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
    except FileNotFoundError:
        raise ArchiveError(f"{path} does not exist") from None
    except (SafetensorError, OSError) as error:
        reason = printable(str(error))
        raise DamagedError(f"{path} is no readable .safetensors file: {reason}") from None


def _shards(index: Path) -> list[str]:
    """The files that a list names, each once."""
    try:
        if index.stat().st_size > MAX_INDEX_BYTES:
            raise ValueError
        names = list(dict.fromkeys(json.loads(index.read_bytes())["weight_map"].values()))
        if not names or not all(isinstance(name, str) for name in names):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DamagedError(f"{index} is no list of files, weight_map") from None
    for name in names:
        # A stranger's list names files beside it, and no others.
        if Path(name).name != name or name in (".", ".."):
            raise ArchiveError(f"{index} names {printable(name)!r}, which is not beside it")
    return names


def _state(loaded: Any, path: Path, key: str | None) -> Mapping[Any, Any]:
    """The state in what a file holds.

    Raises:
        OptionError: There is none, or more than one.
    """
    if key is not None:
        loaded = _item(loaded, path, key)
    elif isinstance(loaded, Mapping):
        keys = [name for name in STATE_KEYS if isinstance(loaded.get(name), Mapping)]
        if len(keys) > 1:
            raise OptionError(f"{path} holds {' and '.join(keys)}; say by key which is the state")
        if keys:
            loaded = loaded[keys[0]]
    if not isinstance(loaded, Mapping):
        raise OptionError(
            f"{path} holds a {type(loaded).__name__}, and no tensors by name; save a state_dict()"
        )
    return loaded


def _item(loaded: Any, path: Path, key: str) -> Any:
    """The item of that key, or of keys within each other, with dots between."""
    found, rest = loaded, key
    while isinstance(found, Mapping):
        if rest in found:
            return found[rest]
        # The longest that is there: a key may have dots of its own.
        starts = [name for name in found if isinstance(name, str) and rest.startswith(f"{name}.")]
        if not starts:
            break
        start = max(starts, key=len)
        found, rest = found[start], rest[len(start) + 1 :]
    raise OptionError(f"{path} has no item {key!r}{_items(loaded)}")


def _items(loaded: Any) -> str:
    if not isinstance(loaded, Mapping) or not loaded:
        return ""
    names = listed([printable(str(name), 60) for name in loaded], MOST_NAMED)
    return f"; it has {names}"


def _no_tensor(path: Path, key: str | None, held: Mapping[Any, Any], name: Any) -> str:
    kind = type(held[name]).__name__
    within = "" if key is None else f" in {key!r}"
    return (
        f"{path}:{within} item {printable(str(name), 60)!r} is a {kind}, and no tensor; name the "
        f"item that is the state by key{_items(held)}"
    )


def _refusal(message: str) -> str | None:
    """Why a pickle was refused, and the way out; None if it is none that would run code."""
    if "upported" not in message and "unrecognized" not in message and "Can only" not in message:
        return None
    named = _REFUSED.search(message)
    what = "Python code" if named is None else printable(named[1].rstrip("."))
    return (
        f"it is a pickle that calls for {what}, which would run when it is loaded. Save tensors "
        "and plain values alone: torch.save(model.state_dict(), ...), .safetensors, or Lightning's "
        "ModelCheckpoint(save_weights_only=True). A file of your own you can convert: "
        "torch.save(torch.load(path, weights_only=False)['state_dict'], ...)"
    )
