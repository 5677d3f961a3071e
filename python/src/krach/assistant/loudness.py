"""Levels: the sample peak, and the loudness of ITU-R BS.1770-5 (annex 1) in LUFS, for two channels at 48 kHz."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .rendering import RATE, Sound

# Tables 1 and 2 of annex 1: the shelf that stands for the head, and the high-pass, at 48 kHz.
_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))

_BLOCK = round(0.4 * RATE)
_STEP = round(0.1 * RATE)
_ABSOLUTE = -70.0
_RELATIVE = -10.0
_TAIL = RATE
"""The filters have rung off after a second, below what a float holds of their beginning."""


def peak(sound: Sound) -> float | None:
    """Return the largest sample in dBFS; ``None`` for silence.

    >>> import numpy as np
    >>> krach.assistant.loudness.peak(np.full((10, 2), 0.5))
    -6.02
    """
    largest = float(np.max(np.abs(sound), initial=0.0))
    return round(20 * math.log10(largest), 2) if largest > 1e-9 else None


def loudness(sound: Sound) -> float | None:
    """Return the gated loudness in LUFS; ``None`` for what is silent, or shorter than 0.4 s.

    A sine of 997 Hz at full scale on one channel has -3.01 LUFS, as the recommendation says.

    >>> import numpy as np
    >>> sine = np.sin(2 * np.pi * 997 * np.arange(96000) / 48000)
    >>> krach.assistant.loudness.loudness(np.stack([sine, 0 * sine], axis=1))
    -3.01

    What is softer by more than 10 LU does not count, as in case 3 of EBU Tech 3341, here shorter.

    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(1440000) / 48000)
    >>> tone *= 10 ** (np.repeat([-36, -23, -36], [240000, 960000, 240000]) / 20)
    >>> round(krach.assistant.loudness.loudness(np.stack([tone, tone], axis=1)), 1)
    -23.1
    """
    if len(sound) < _BLOCK:
        return None
    power = np.square(_weighted(sound)).sum(axis=1)
    sums = np.concatenate([[0.0], np.cumsum(power)])
    begins = np.arange(0, len(sound) - _BLOCK + 1, _STEP)
    blocks: NDArray[np.float64] = (sums[begins + _BLOCK] - sums[begins]) / _BLOCK
    loud = blocks[_lufs(blocks) > _ABSOLUTE]
    if not len(loud):
        return None
    gated = loud[_lufs(loud) > float(_lufs(loud.mean())) + _RELATIVE]
    return round(float(_lufs(gated.mean())), 2)


def _lufs(power: Any) -> Any:
    return -0.691 + 10 * np.log10(np.maximum(power, 1e-20))


def _weighted(sound: Sound) -> Sound:
    """Filter by the K curve: its response at each frequency, with a silence behind in which it rings off."""
    size = len(sound) + _TAIL
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(size))
    response: Any = 1.0
    for above, below in (_SHELF, _HIGH_PASS):
        response = response * np.polyval(above[::-1], turn) / np.polyval(below[::-1], turn)
    spectrum = np.fft.rfft(sound, size, axis=0) * response[:, None]
    return np.fft.irfft(spectrum, size, axis=0)[: len(sound)]
