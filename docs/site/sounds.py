"""Sound and picture of each recipe, as the site shows them."""

import struct
import zlib
from pathlib import Path

import numpy as np
import render
import soundfile
from numpy.typing import NDArray
from recipes import Recipe

WIDTH, WAVE, GAP, SPECTRUM = 1520, 120, 12, 248
# Hz at the lower and the upper edge of the spectrogram, and how many dB below its loudest point it shows.
LOWEST, HIGHEST, RANGE = 40.0, 16_000.0, 66.0
WINDOW = 2048
# Hues that can be read on white and on black; how strong a thing is, its opacity says.
WAVE_HUE, SPECTRUM_HUE, BAR_HUE = (56, 128, 240), (240, 110, 40), (128, 128, 128)


def make(found: list[Recipe], wavs: Path, to: Path) -> None:
    """Write `NAME.ogg` and `NAME.png` of each recipe."""
    to.mkdir(parents=True, exist_ok=True)
    for recipe, wav in zip(found, render.render(found, wavs), strict=True):
        samples, rate = soundfile.read(wav, dtype="float32", always_2d=True)
        write_ogg(to / f"{recipe.name}.ogg", samples, rate)
        bar = round(render.BAR * rate)
        (to / f"{recipe.name}.png").write_bytes(png(picture(samples.mean(axis=1), rate, bar)))


def write_ogg(path: Path, samples: NDArray[np.float32], rate: int) -> None:
    """Write Ogg Vorbis."""
    with soundfile.SoundFile(path, "w", rate, samples.shape[1], format="OGG", subtype="VORBIS") as out:
        # The encoder's stack holds no file at once.
        for begin in range(0, len(samples), rate):
            out.write(samples[begin : begin + rate])


def picture(mono: NDArray[np.float32], rate: int, bar: int) -> NDArray[np.uint8]:
    """Return a picture with opacity: the waveform, below it the spectrogram, and a line at each bar."""
    image = np.zeros((WAVE + GAP + SPECTRUM, WIDTH, 4), np.uint8)
    for at in range(0, len(mono), bar):
        x = min(WIDTH - 2, at * WIDTH // len(mono))
        image[:, x : x + 2] = (*BAR_HUE, 200)
    edges = np.linspace(0, len(mono), WIDTH + 1).astype(int)
    top = max(1e-6, float(np.abs(mono).max()))
    middle = WAVE // 2
    for x in range(WIDTH):
        piece = mono[edges[x] : max(edges[x] + 1, edges[x + 1])] / top * (middle - 1)
        image[middle - round(float(piece.max())) : middle - round(float(piece.min())) + 1, x] = (*WAVE_HUE, 255)
    strength = spectrum(mono, rate)
    image[WAVE + GAP :, :, :3] = np.where(strength[..., None] > 0.02, SPECTRUM_HUE, image[WAVE + GAP :, :, :3])
    image[WAVE + GAP :, :, 3] = np.maximum(image[WAVE + GAP :, :, 3], (strength * 255).astype(np.uint8))
    return image


def spectrum(mono: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """Return how strong each pitch is at each time, 0 to 1, high pitches first."""
    padded = np.pad(mono, WINDOW // 2)
    centres = (np.arange(WIDTH) + 0.5) * len(mono) / WIDTH
    frames = np.stack([padded[int(at) : int(at) + WINDOW] for at in centres]) * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    frequencies = np.geomspace(HIGHEST, LOWEST, SPECTRUM)
    place = np.clip(frequencies * WINDOW / rate, 0, power.shape[1] - 1.001)
    below = place.astype(int)
    share = place - below
    strength = power[:, below] * (1 - share) + power[:, below + 1] * share
    # High bands are wide: they would vanish beside the low ones.
    loud = 10 * np.log10(np.maximum(strength, 1e-20) * frequencies / 1000)
    return np.clip(1 + (loud - loud.max()) / RANGE, 0, 1).T


def png(image: NDArray[np.uint8]) -> bytes:
    """Return a PNG of a picture with red, green, blue and opacity."""
    height, width, _ = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in image)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
