"""RGB to yuv420p, BT.709, limited range: what players expect of HD video."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

_i, _u = np.int32, np.uint16
_BYTE = _u(255)

# BT.709's luma weights (ITU-R BT.709-6, 3.2), times 219/255 and, in 16 fractional bits, whole
# numbers; each row of chroma sums to 0, so that greys have none.
_YR, _YG, _YB = _i(11966), _i(40254), _i(4064)
_UR, _UG, _UB = _i(-6596), _i(-22188), _i(28784)
_VR, _VG, _VB = _i(28784), _i(-26145), _i(-2639)
_Y0 = _i((16 << 16) + (1 << 15))  # black level, and half for rounding
_C0 = _i((128 << 18) + (1 << 17))  # chroma is summed over 2x2 pixels: two more fractional bits


@compiled
def yuv420_from_rgb(rgb: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Convert (3, H, W) to the bytes (H·W·3/2,) of a yuv420p frame: Y, then U, then V."""
    height, width = rgb.shape[1], rgb.shape[2]
    half = width // 2
    y_out = out[: height * width].reshape(height, width)
    u_out = out[height * width : height * width * 5 // 4].reshape(height // 2, half)
    v_out = out[height * width * 5 // 4 :].reshape(height // 2, half)
    four = np.empty((3, half), np.int32)  # each channel, summed over 2x2 pixels
    for row in range(height // 2):
        for k in range(2):
            j = 2 * row + k
            r, g, b, y = rgb[0, j], rgb[1, j], rgb[2, j], y_out[j]
            for i in range(width):
                y[i] = np.uint8((_YR * _i(r[i]) + _YG * _i(g[i]) + _YB * _i(b[i]) + _Y0) >> _i(16))
        for channel in range(3):
            # Two pixels are the two bytes of a number: so LLVM makes vectors of the loop.
            above, below = rgb[channel, 2 * row].view(_u), rgb[channel, 2 * row + 1].view(_u)
            sums = four[channel]
            for i in range(half):
                up, low = above[i], below[i]
                sums[i] = _i(up & _BYTE) + _i(up >> _u(8)) + _i(low & _BYTE) + _i(low >> _u(8))
        red, green, blue = four[0], four[1], four[2]
        u, v = u_out[row], v_out[row]
        for i in range(half):
            u[i] = np.uint8((_UR * red[i] + _UG * green[i] + _UB * blue[i] + _C0) >> _i(18))
        for i in range(half):
            v[i] = np.uint8((_VR * red[i] + _VG * green[i] + _VB * blue[i] + _C0) >> _i(18))
