"""The cookbook: each recipe is played by the plugin, and sounds where the page says it does."""

import math
import os
import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hosted import ROOT, TARGET, bundle, host, level, read_wav

sys.path.insert(0, str(ROOT / "docs/site"))
import recipes
import render

ALL = recipes.recipes()
RATE = 48_000
BAR = int(render.BAR * RATE)
HOP = RATE // 200
"""Frames of 5 ms, by which onsets are looked for."""


class Sound:
    """What is heard of a recipe, by bars."""

    def __init__(self, wav: Path) -> None:
        rate, channels = read_wav(wav)
        assert rate == RATE and len(channels) == 2
        self.mono = [(left + right) / 2 for left, right in zip(*channels, strict=True)]
        self.bars = len(self.mono) / BAR

    def between(self, begin: float, end: float) -> list[float]:
        return self.mono[int(begin * BAR) : int(end * BAR)]

    def db(self, begin: float, end: float) -> float:
        return 20 * math.log10(max(1e-9, level(self.between(begin, end))))

    def brightness(self, begin: float, end: float) -> float:
        """Return the mean frequency in Hz by power: how steep the samples are against how large."""
        piece = self.between(begin, end)
        steep = level([after - before for before, after in pairwise(piece)])
        return steep / max(1e-9, level(piece)) * RATE / math.tau

    def onsets(self) -> list[float]:
        """Return in bars where more begins to sound within 10 ms than sounded in the 20 ms before."""
        # High tones are what begins: a slope weighs them.
        slope = [0.0, *(after - before for before, after in pairwise(self.mono))]
        loud = [level(slope[at : at + HOP]) for at in range(0, len(slope) - HOP + 1, HOP)]
        floor = max(loud) / 60
        found: list[int] = []
        for at, each in enumerate(loud):
            before = max(loud[max(0, at - 4) : at], default=0.0)
            if each > 2.5 * before + floor and (not found or at - found[-1] > 6):
                found.append(at)
        return [at * HOP / BAR for at in found]


@pytest.fixture(scope="module")
def sounds() -> dict[str, Sound]:
    os.environ |= {"KRACH_HOST": host(), "KRACH_CLAP": bundle()}
    wavs = render.render(ALL, TARGET / "docs-wavs")
    return {recipe.name: Sound(wav) for recipe, wav in zip(ALL, wavs, strict=True)}


def test_there_are_thirty_one_each_of_its_own_name() -> None:
    assert len(ALL) == 31 == len({each.name for each in ALL})
    # The site is so many characters wide.
    wide = [line for each in ALL for line in each.code.splitlines() if len(line) > 84]
    assert not wide, wide


@pytest.mark.parametrize("recipe", ALL, ids=[each.name for each in ALL])
def test_a_recipe_sounds_and_is_not_too_loud(sounds: dict[str, Sound], recipe: recipes.Recipe) -> None:
    sound = sounds[recipe.name]
    assert sound.bars == recipe.bars
    peak = max(map(abs, sound.mono))
    assert 0.05 < peak < 0.95, peak
    for bar in range(recipe.bars):
        assert sound.db(bar, bar + 1) > -60, bar


EIGHTHS = "x.x.x.x.x.x.x.x."
QUARTERS = "x...x...x...x..."
# Sixteenths of each bar on which something begins, and nowhere else.
BEGINS = {
    "four-on-the-floor": [EIGHTHS] * 2,
    "hits-spread-evenly": ["x..x.xxxx.x.x.x."] * 2,
    "accents": [EIGHTHS] * 2,
    "a-fill-in-every-fourth-bar": [QUARTERS] * 3 + ["x...x...x...xxxx"],
    "a-tune-in-a-scale": [EIGHTHS] * 4,
    "an-arpeggio": [EIGHTHS] * 2,
    "a-second-voice": [EIGHTHS] * 2,
    "back-to-front": ["x.x.x.x.........", "........x.x.x.x."] * 2,
    "five-against-four": [
        "x...........x...",
        "x...x...........",
        "x.......x.......",
        "x...x.......x...",
        "x.......x.......",
    ],
    "a-reverb": ["....x..........."] * 2,
    "a-drum-bus": [EIGHTHS] * 2,
    "a-kit-as-a-module": [EIGHTHS] * 2,
    "a-kick-of-your-own": [QUARTERS],
    "a-hat-of-noise": [EIGHTHS],
    "faust-text": [QUARTERS] * 2,
    "a-value-for-each-step": [QUARTERS] * 2,
}
# The same, where the sound itself moves so much that more may be taken for a beginning.
BEGINS_AMONG_OTHERS = {
    "a-bass-line": ["x...x.x...x.x.x."] * 2,
    "a-bass-of-your-own": ["x...x.x...x.x.x."] * 2,
    "an-echo": ["x..x..x..x......"] * 2,
    "a-filter-that-opens": [EIGHTHS] * 4,
    "verse-and-chorus": ["x.......x...x..."] * 2 + [EIGHTHS] * 2,
}


def sixteenths(bars: list[str]) -> list[float]:
    return [float(at) for at, each in enumerate("".join(bars)) if each == "x"]


def missing(these: list[float], among: list[float]) -> list[float]:
    """Return those that are not there within 20 ms."""
    return [each for each in these if all(abs(each - other) > 0.16 for other in among)]


@pytest.mark.parametrize("name", [*BEGINS, *BEGINS_AMONG_OTHERS])
def test_what_is_heard_begins_where_the_page_says(sounds: dict[str, Sound], name: str) -> None:
    heard = [16 * each for each in sounds[name].onsets()]
    wanted = sixteenths((BEGINS | BEGINS_AMONG_OTHERS)[name])
    assert not missing(wanted, heard), (missing(wanted, heard), heard)
    if name in BEGINS:
        assert not missing(heard, wanted), (missing(heard, wanted), heard)


def test_a_swung_hat_is_late_by_what_the_page_says(sounds: dict[str, Sound]) -> None:
    heard = [16 * each for each in sounds["swing"].onsets()]
    wanted = [4.0 * pair + late for pair in range(8) for late in (0, 4 * 0.64)]
    assert len(heard) == len(wanted) and not missing(wanted, heard), heard


@pytest.mark.parametrize(
    ("name", "grid", "fewest", "most"),
    [("now-and-then-left-out", 1, 28, 56), ("another-throw", 2, 18, 30), ("drawn-notes", 2, 12, 32)],
)
def test_what_chance_leaves_is_on_the_grid(
    sounds: dict[str, Sound], name: str, grid: int, fewest: int, most: int
) -> None:
    heard = [16 * each for each in sounds[name].onsets()]
    assert fewest <= len(heard) <= most and not missing(heard, [float(each) for each in range(0, 64, grid)]), heard
    bars = [[round(each) % 16 for each in heard if each // 16 == bar] for bar in range(4)]
    assert name == "drawn-notes" or len({tuple(each) for each in bars}) > 1, bars


def test_loud_hats_are_loud(sounds: dict[str, Sound]) -> None:
    sound = sounds["accents"]
    loud, *soft = [sound.db(at / 8, at / 8 + 1 / 16) for at in range(4)]
    assert all(loud > each + 6 for each in soft), (loud, soft)


def test_what_moves_on_the_page_moves(sounds: dict[str, Sound]) -> None:
    opens = [sounds["a-filter-that-opens"].brightness(bar / 2, bar / 2 + 0.5) for bar in range(8)]
    assert max(opens) == max(opens[3:5]) > 1.8 * max(opens[0], opens[-1]), opens
    dark, bright, *_ = [sounds["a-value-for-each-step"].brightness(at / 4, at / 4 + 0.1) for at in range(4)]
    assert bright > 1.5 * dark, (dark, bright)
    fade = [sounds["a-fade"].db(bar, bar + 0.5) for bar in range(4)]
    assert all(after > before + 1.5 for before, after in pairwise(fade)) and fade[3] > fade[0] + 20, fade
    wobble = [sounds["wobble"].brightness(at / 24, (at + 1) / 24) for at in range(24)]
    for period in range(6):
        piece = wobble[4 * period : 4 * period + 4]
        assert max(piece) > 1.5 * min(piece), wobble
    # Between the kick's noise and the next kick the pad comes up.
    pump = [sounds["pumping"].db(beat / 4 + 0.20, beat / 4 + 0.24) for beat in range(8)]
    down = [sounds["pumping"].brightness(beat / 4 + 0.08, beat / 4 + 0.10) for beat in range(8)]
    up = [sounds["pumping"].brightness(beat / 4 + 0.22, beat / 4 + 0.24) for beat in range(8)]
    assert min(pump) > -40 and all(late > 1.5 * early for early, late in zip(down, up, strict=True)), (pump, down, up)


def test_a_room_rings_an_echo_falls_and_a_chorus_is_there_on_its_first_sample(sounds: dict[str, Sound]) -> None:
    room = sounds["a-reverb"]
    assert room.db(0, 0.2) < -80 and room.db(0.75, 0.95) > -65, (room.db(0, 0.2), room.db(0.75, 0.95))
    echo = [sounds["an-echo"].db(at * 3 / 16, at * 3 / 16 + 0.1) for at in range(5)]
    assert all(before > after + 3 for before, after in pairwise(echo)), echo
    song = sounds["verse-and-chorus"]
    assert song.db(2, 2.05) > song.db(1, 1.05) + 6 and song.db(2, 2.05) > song.db(3, 3.05) - 1


def test_a_held_chord_is_held_and_the_next_bar_has_another(sounds: dict[str, Sound]) -> None:
    chords = sounds["chords"]
    for bar in range(4):
        assert chords.db(bar + 0.7, bar + 0.9) > chords.db(bar + 0.2, bar + 0.4) - 6, bar
        assert chords.db(bar + 0.2, bar + 0.9) > -30, bar
    # A chord that came again would be what it was, but for the slow filter.
    heard = [chords.brightness(bar + 0.3, bar + 0.8) for bar in range(4)]
    assert max(heard) > 1.1 * min(heard), heard


def test_drums_of_an_own_make_have_the_pitch_of_their_text(sounds: dict[str, Sound]) -> None:
    assert sounds["a-hat-of-noise"].brightness(0, 0.05) > 4000
    assert 40 < sounds["a-kick-of-your-own"].brightness(0.1, 0.2) < 120


def test_a_recipe_is_found_by_its_heading_and_its_sound_stands_behind_it() -> None:
    page = "# P\n\n## One & only\n\ntext\n\n```python recipe bars=3\nx = 1\n```\n\n## Two\n\n```python\ny\n```\n"
    [one] = recipes.of_text(page, "p")
    assert (one.title, one.name, one.page, one.bars, one.code) == ("One & only", "one-only", "p", 3, "x = 1\n")
    shown = recipes.with_sounds(page)
    assert shown.count("<figure") == 1 and shown.index("x = 1") < shown.index('src="sounds/one-only.ogg"')
    assert shown.index('src="sounds/one-only.png"') < shown.index("## Two")
    assert re.sub(r"\n\n<figure.*?</figure>\n", "", shown) == page
    later = (
        '# P\n\n## One\n\n```python recipe bars=3\nx = 1\n```\n\n```python next bar=2\nkr.recall("a", at="bar")\n```\n'
    )
    [one] = recipes.of_text(later, "p")
    assert one.code == 'x = 1\nkr.recall("a", at=2)\n' and recipes.with_sounds(later).count("<figure") == 1


def test_left_and_right_differ(sounds: dict[str, Sound]) -> None:
    _, (left, right) = read_wav(TARGET / "docs-wavs" / "left-and-right.wav")
    sixteenth = BAR // 16
    for at, (loud, soft) in {0: (left, right), 10: (right, left)}.items():
        piece = slice(at * sixteenth, (at + 1) * sixteenth)
        assert level(loud[piece]) > 20 * level(soft[piece]), at
