"""RGB to yuv420p, BT.709, limited range: what players expect of HD video."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

_i = np.int32

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
    red = np.empty(width, np.int32)
    green = np.empty(width, np.int32)
    blue = np.empty(width, np.int32)
    for row in range(height // 2):
        for k in range(2):
            j = 2 * row + k
            r, g, b, y = rgb[0, j], rgb[1, j], rgb[2, j], y_out[j]
            for i in range(width):
                y[i] = np.uint8((_YR * _i(r[i]) + _YG * _i(g[i]) + _YB * _i(b[i]) + _Y0) >> _i(16))
        r0, r1 = rgb[0, 2 * row], rgb[0, 2 * row + 1]
        g0, g1 = rgb[1, 2 * row], rgb[1, 2 * row + 1]
        b0, b1 = rgb[2, 2 * row], rgb[2, 2 * row + 1]
        for i in range(width):
            red[i] = _i(r0[i]) + _i(r1[i])
            green[i] = _i(g0[i]) + _i(g1[i])
            blue[i] = _i(b0[i]) + _i(b1[i])
        u, v = u_out[row], v_out[row]
        for i in range(half):
            r4 = red[2 * i] + red[2 * i + 1]
            g4 = green[2 * i] + green[2 * i + 1]
            b4 = blue[2 * i] + blue[2 * i + 1]
            u[i] = np.uint8((_UR * r4 + _UG * g4 + _UB * b4 + _C0) >> _i(18))
            v[i] = np.uint8((_VR * r4 + _VG * g4 + _VB * b4 + _C0) >> _i(18))
