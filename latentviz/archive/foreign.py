"""What a file is that is no run, as far as its beginning tells."""

from __future__ import annotations

import struct
from pathlib import Path

HEAD_BYTES = 4096
RECORD = "record a training with latentviz.Recorder"
FROM_ARRAYS = (
    f"{RECORD}, or draw arrays (T, N, D) from Python with latentviz.Run.from_arrays(latents)"
)
CUT_OFF = "it may have been cut off: `latentviz recover` saves what is whole of it"


def is_no_run(path: Path, head: bytes) -> str | None:
    """Say what a file is that is plainly no run, and what to do.

    Args:
        path: Where it lies.
        head: Its first `HEAD_BYTES` bytes.

    Returns:
        None of what could be a run, or what is left of one.
    """
    if head.startswith(b"\x93NUMPY"):
        return f"it is an array of NumPy's; {FROM_ARRAYS}"
    if head.startswith(b"PK\3\4") and _first_member(head).endswith("/data.pkl"):
        return f"it is a file of torch.save; {RECORD}"
    if head[:1] == b"\x80":
        return f"it is a pickle, as of an older torch.save; {RECORD}"
    if path.suffix.lower() == ".safetensors":
        return f"it holds the tensors of one state; {RECORD}"
    columns = [column.strip() for column in _first_line(head).split(",")]
    if columns[0].upper() == "STEP" and len(columns) > 1:
        return (
            f"it is a dopesheet; draw it with: python -m trainers timeline {path} -o timeline.png"
        )
    return None


def way_out(head: bytes) -> str:
    """What to do about a file that does not end as a run does."""
    return CUT_OFF if head.startswith(b"PK") or not head else RECORD


def _first_line(head: bytes) -> str:
    lines = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").splitlines()
    return lines[0] if lines else ""


def _first_member(head: bytes) -> str:
    """The name of the first member of a ZIP file, of which too little may be there."""
    if len(head) < 30:
        return ""
    (length,) = struct.unpack_from("<H", head, 26)
    return head[30 : 30 + length].decode("ascii", "replace")
