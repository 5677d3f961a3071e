"""A spectrogram as PNG."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from .rendering import RATE, Rendered

_WIDTH, _HEIGHT = 768, 256
_WINDOW = 4096
LOWEST, HIGHEST = 30.0, 16000.0
"""Frequencies at the bottom and at the top, in Hz."""

_RANGE = 80.0
_COLOURS = np.array(
    [
        (0, 0, 4),
        (40, 11, 84),
        (101, 21, 110),
        (159, 42, 99),
        (212, 72, 66),
        (245, 125, 21),
        (250, 193, 39),
        (252, 255, 164),
    ]
)


def spectrogram(rendered: Rendered) -> bytes:
    """Return the picture of what was rendered: time from left to right, frequency upwards on a log scale.

    White ticks at the top are the beginnings of cycles, those at the left 100, 1000 and 10000 Hz.
    """
    mono = rendered.main.mean(axis=1)
    centres = np.linspace(0, len(mono), _WIDTH, endpoint=False).astype(int)
    padded = np.concatenate([np.zeros(_WINDOW // 2), mono, np.zeros(_WINDOW)])
    frames = padded[centres[:, None] + np.arange(_WINDOW)[None, :]] * np.hanning(_WINDOW)
    spectrum = np.abs(np.fft.rfft(frames, axis=1)) * 4 / _WINDOW
    edges = np.geomspace(LOWEST, HIGHEST, _HEIGHT + 1) * _WINDOW / RATE
    levels = np.empty((_HEIGHT, _WIDTH))
    for row in range(_HEIGHT):
        low = int(edges[row])
        levels[row] = spectrum[:, low : max(low + 1, int(edges[row + 1]))].max(axis=1)
    shades = np.clip(20 * np.log10(np.maximum(levels, 1e-9)) / _RANGE + 1, 0, 1) * (len(_COLOURS) - 1)
    below = np.minimum(shades.astype(int), len(_COLOURS) - 2)
    part = (shades - below)[..., None]
    pixels = (_COLOURS[below] * (1 - part) + _COLOURS[below + 1] * part).astype(np.uint8)[::-1]
    for cycle in np.arange(np.ceil(rendered.begin), rendered.begin + rendered.cycles):
        pixels[:10, int((cycle - rendered.begin) / rendered.cycles * _WIDTH)] = 255
    for frequency in (100.0, 1000.0, 10000.0):
        row = int(np.log(frequency / LOWEST) / np.log(HIGHEST / LOWEST) * _HEIGHT)
        pixels[_HEIGHT - 1 - row, :10] = 255
    return png(pixels)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture of red, green and blue as PNG.

    >>> import numpy as np
    >>> krach.assistant.picture.png(np.zeros((2, 3, 3), np.uint8))[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, width * 3)], axis=1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(rows.tobytes(), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
