"""When something begins in a sound: where its spectrum grows, and within that where its level rises."""

from __future__ import annotations

from typing import Any

import numpy as np

from .rendering import RATE, Sound

_WINDOW = 1024
_HOP = 240
_APART = 0.04
"""Seconds that two onsets are apart at least."""

_SILENT = 10 ** (-60 / 20)
_SHARE = 0.12
"""What grows by less than this share of the largest growth is no onset."""

_AROUND = 0.1
_LOOK = 0.03
_RISE = 0.1


def onsets(sound: Sound) -> list[float]:
    """Return the times in seconds at which something begins.

    >>> import numpy as np
    >>> hits = np.zeros((48000, 2))
    >>> for begin in (4800, 24000):
    ...     hits[begin : begin + 4800] += np.sin(np.arange(4800) / 10)[:, None] * np.geomspace(1, 0.01, 4800)[:, None]
    >>> [round(each, 2) for each in krach.assistant.onsets.onsets(hits)]
    [0.1, 0.5]
    """
    mono: Any = np.sqrt(np.square(sound).sum(axis=1)) * np.sign(sound.sum(axis=1))
    if np.max(np.abs(mono), initial=0.0) < _SILENT:
        return []
    flux = _flux(mono)
    largest = float(flux.max(initial=0.0))
    if largest <= 0:
        return []
    reach = round(_AROUND * RATE / _HOP)
    padded = np.pad(flux, reach, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    threshold = np.median(around, axis=1) + _SHARE * largest
    near = round(_APART * RATE / _HOP)
    found: list[float] = []
    for at in range(len(flux)):
        is_top = flux[at] >= flux[max(0, at - near) : at + near + 1].max()
        if not is_top or flux[at] <= threshold[at]:
            continue
        time = _begin(mono, at * _HOP)
        if not found or time - found[-1] >= _APART:
            found.append(time)
    return found


def _flux(mono: Any) -> Any:
    """Return by how much the spectrum grows at each hop, on a scale of levels as ears have it."""
    # The first frame ends where the sound begins, so that what begins at once grows, too.
    padded = np.concatenate([np.zeros(_WINDOW), mono, np.zeros(_WINDOW)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1))
    levels = np.log1p(1000 * spectrum / max(float(spectrum.max()), 1e-12))
    grown = np.maximum(np.diff(levels, axis=0), 0).sum(axis=1)
    # A window is as if at its middle.
    return grown[_WINDOW // 2 // _HOP :]


def _begin(mono: Any, at: int) -> float:
    """Return where the level rises, near a frame."""
    step = RATE // 1000
    begin = max(0, at - round(_LOOK * RATE))
    piece = mono[begin : at + round(_LOOK * RATE)]
    levels = np.sqrt(np.square(piece[: len(piece) // step * step]).reshape(-1, step).mean(axis=1))
    if not len(levels):
        return at / RATE
    top = int(levels.argmax())
    low = float(levels[: top + 1].min())
    rises = np.nonzero(levels[: top + 1] > low + _RISE * (float(levels[top]) - low))[0]
    # The last rise from the lowest place on.
    bottom = int(levels[: top + 1].argmin())
    later = rises[rises >= bottom]
    return (begin + step * int(later[0] if len(later) else top)) / RATE
