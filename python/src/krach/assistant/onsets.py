"""When something begins in a sound: where its spectrum grows, and within that where its level rises."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .rendering import RATE, Sound

_WINDOW = 2048
_HOP = 240
_LAG = 2
"""Hops between the two frames that are compared."""

_BANDS = 138
"""Bands from 30 Hz to 17 kHz, 15 an octave: what beats or moves within its neighbours is no onset."""

_SILENT = 10 ** (-60 / 20)
_APART = 0.035
"""Seconds that two onsets are apart at least."""

_SHARE = 0.2
"""What grows by less than this share of the largest growth is no onset."""

_AROUND = 0.1
_LOOK = 0.03
_RISE = 0.1


def onsets(sound: Sound, lead: int = 0) -> list[float]:
    """Return the times in seconds at which something begins; ``lead`` frames are of before, and time 0 is behind them.

    >>> import numpy as np
    >>> hits = np.zeros((48000, 2))
    >>> for begin in (0, 24000):
    ...     hits[begin : begin + 4800] += np.sin(np.arange(4800) / 10)[:, None] * np.geomspace(1, 0.01, 4800)[:, None]
    >>> [round(each, 2) for each in krach.assistant.onsets.onsets(hits)]
    [0.0, 0.5]
    """
    mono: Any = sound[:, 0] + sound[:, 1]
    if np.max(np.abs(sound), initial=0.0) < _SILENT:
        return []
    flux = _flux(mono)
    largest = float(flux.max(initial=0.0))
    if largest <= 0:
        return []
    reach = round(_AROUND * RATE / _HOP)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(flux, reach), 2 * reach + 1)
    threshold = around.mean(axis=1) + _SHARE * largest
    near = round(_APART * RATE / _HOP)
    found: list[float] = []
    for at in range(len(flux)):
        is_top = flux[at] >= flux[max(0, at - near) : at + near + 1].max()
        if not is_top or flux[at] <= threshold[at]:
            continue
        # A frame is as if at its middle, and growth between two frames.
        time = _begin(mono, max(0, at * _HOP + (_LAG * _HOP - _WINDOW) // 2))
        if not found or time - found[-1] >= _APART:
            found.append(time)
    first = lead / RATE
    return [max(0.0, each - first) for each in found if each >= first - 0.01]


@functools.cache
def _bands() -> Any:
    """Return the weights of triangular bands, even on a log scale."""
    edges = np.geomspace(30.0, 17000.0, _BANDS + 2) * _WINDOW / RATE
    places = np.arange(_WINDOW // 2 + 1)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    # At least one line of the spectrum wide.
    low, high = np.minimum(low, middle - 1), np.maximum(high, middle + 1)
    return np.maximum(0.0, np.minimum((places - low) / (middle - low), (high - places) / (high - middle)))


def _flux(mono: Any) -> Any:
    """Return by how much the spectrum grows at each hop: each band against it and its neighbours a little before.

    Böck, Widmer: Maximum filter vibrato suppression for onset detection, DAFx 2013.
    """
    padded = np.concatenate([np.zeros(_WINDOW), mono, np.zeros(_WINDOW)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1)) @ _bands()
    levels = np.log10(1 + 300 * spectrum / max(float(spectrum.max()), 1e-12))
    wide = np.pad(levels, ((0, 0), (1, 1)), mode="edge")
    widest = np.maximum(np.maximum(wide[:, :-2], wide[:, 1:-1]), wide[:, 2:])
    return np.maximum(levels[_LAG:] - widest[:-_LAG], 0).sum(axis=1)


def _begin(mono: Any, at: int) -> float:
    """Return where the level rises, near a frame."""
    step = RATE // 1000
    begin = max(0, at - round(_LOOK * RATE))
    piece = mono[begin : at + round(_LOOK * RATE)]
    levels = np.sqrt(np.square(piece[: len(piece) // step * step]).reshape(-1, step).mean(axis=1))
    if not len(levels):
        return at / RATE
    top = int(levels.argmax())
    bottom = int(levels[: top + 1].argmin())
    low = float(levels[bottom])
    rises = np.nonzero(levels[bottom : top + 1] > low + _RISE * (float(levels[top]) - low))[0]
    return (begin + step * (bottom + int(rises[0]) if len(rises) else top)) / RATE
