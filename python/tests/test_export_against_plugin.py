"""Sessions that are exported: the script makes the same document and the same samples, and can be run twice."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hosted import level, read_wav
from test_command import EXAMPLES, command, environment
from test_session import plain

from krach import Session

SESSIONS = {
    "routes and mutes": """
bass, verb = kr.node("bass", "faust:bass", gain=0.3), kr.node("verb", "faust:reverb", gain=0.3)
hat = kr.node("hat", "faust:hat")
bass >> (verb, 0.4)
hat >> verb
bass @ kr.seq("A2", "D3", None, "E2").over(2)
hat.play("x*8", swing=0.6)
kr.mute("hat")
kr.master = 0.8
""",
    "a traced function": """
def lead():
    freq, gate = krs.control("freq", 220, 20, 4000), krs.control("gate", 0, 0, 1)
    return krs.saw(freq) * krs.adsr(0.005, 0.1, 0.6, 0.2, gate) * 0.3

kr.node("lead", lead, count=4, gain=0.7) @ "<[A3,C4,E4] [F3,A3,C4]>*2"
""",
    "automations": """
bass = kr.node("bass", "faust:bass", gain=0.5)
bass @ "A1*8"
kr.mod("bass/cutoff", "tri", 200, 2000, bars=1)
kr.mod("bass/drive", "pulse", 0, 1, secs=0.3, duty=0.3)
kr.mod("bass/resonance", "custom", 0, 0.8, bars=2, table=[0, 1, 0.5])
""",
    "FAUST of its own": '''
kr.node("tone", """import("stdfaust.lib");
freq = hslider("freq", 220, 20, 2000, 0.1);
gate = button("gate");
process = os.triangle(freq) * en.adsr(0.01, 0.1, 0.5, 0.1, gate) * 0.4;
""") @ "A3 C4 <E4 G4> ~"
''',
    "a sound that it defines": '''
kr.define("tick", """gate = button("gate");
process = gate * 0.25;
""")
kr.node("tick", "faust:tick") @ "x(3,8)"
''',
    "modules in modules": """
@kr.module
def drums(m, gain=0.8):
    m.node("kick", "faust:kick", gain=gain)
    m.node("hat", "faust:hat", gain=0.3)
    m.play("kick", "x*4")
    m.play("hat", krp.hit().fast(8).chance(0.6, seed=3))
    m.outputs("kick", "hat")

@kr.module
def band(m):
    m.node("bass", "faust:bass", gain=0.5)
    m.play("bass", "A1 . A1 C2")
    m.sub("drums", drums(gain=0.6))

kr.load(band())
kr["drums"].gain(0.4)
""",
    "controls that patterns move": """
bass = kr.node("bass", "faust:bass", gain=0.5, cutoff=500)
bass @ "A1*4"
bass @ ("cutoff", kr.values("<400 800> 1600"))
bass["resonance"] = 0.5
bass["drive"] = 0.6
""",
    "time": """
kr.transport(tempo=97, meter=3, seed=11)
kr.node("pluck", "faust:pluck", count=3) @ krp.irand(8, seed=2).fast(6).scale("D:dorian").control("note")
kr.play("pluck/gain", krp.values("0.3 0.6"))
""",
    "scenes and macros": '''
def lead():
    freq, gate = krs.control("freq", 220, 20, 4000), krs.control("gate", 0, 0, 1)
    return krs.saw(freq) * krs.adsr(0.005, 0.1, 0.6, 0.2, gate) * 0.3

bass, keys = kr.node("bass", "faust:bass", gain=0.5), kr.node("keys", lead, count=3, gain=0.6)
verb = kr.node("verb", "faust:reverb", gain=0.3)
bass >> (verb, 0.3)
bass @ "A1*4"
keys @ "<[A3,C4,E4] [F3,A3,C4]>"
kr.save("verse")
kr.node("tone", """freq = hslider("freq", 220, 20, 2000, 0.1);
gate = button("gate");
process = (+(freq / 48000) ~ \\(x).(x - floor(x))) * gate * 0.2; // a saw
""") @ "A3 C4 <E4 G4> ~"
bass.play("A1 . C2 .", swing=0.6)
kr.mod("bass/cutoff", "tri", 200, 2000, bars=1)
kr.mod("bass/drive", "pulse", 0, 6, secs=0.3, duty=0.3)
kr.tempo = 150
kr.save("chorus ü", number=7, transport=True)
keys.hush()
bass.mute()
kr["tone"].solo()
kr.save("drop")
bass.unmute()
kr["tone"].unsolo()
bass["resonance"] = 0.5
kr.macro(1, "bass/cutoff", 200, 4000, name="Cutoff")
kr.macro(1, "bass/gain", 0.4, 0.2, curve="s")
kr.macro(9, name="spare", unit="dB")
kr.midi_map(74, "bass/cutoff", 200, 4000, channel=2)
kr.midi_route("keys", 3)
kr.transport(programs=4, seed=5)
kr.limiter(False)
kr.crossfade(secs=0.1)
''',
    "the drum kit": (EXAMPLES / "drums.py").read_text("utf-8"),
    "the song": (EXAMPLES / "song.py").read_text("utf-8"),
    "by chance": (EXAMPLES / "generative.py").read_text("utf-8"),
}
SAMPLE = ("a traced function", "scenes and macros")


def rendered(path: Path) -> Any:
    out = path.with_suffix(".wav")
    done = command("render", str(path), "-o", str(out), "--bars", "4")
    assert done.returncode == 0, done.stderr
    return read_wav(out)[1]


@pytest.mark.parametrize(
    "name", [each if each in SAMPLE else pytest.param(each, marks=pytest.mark.soak) for each in SESSIONS]
)
def test_an_export_makes_the_same_document_and_the_same_samples(name: str, kr: Session, tmp_path: Path) -> None:
    song, export = tmp_path / "song.py", tmp_path / "export.py"
    song.write_text("from krach import kr, krp, krs\n" + SESSIONS[name])
    env = environment(NOISE_SOCKET=kr.connection.address)
    subprocess.run([sys.executable, song], check=True, env=env, timeout=60)
    document = kr.capture()
    script = kr.export(export)
    for type_id, entry in (document.krach or {}).get("sources", {}).items():
        # What comes with krach is left out, but for whoever wants it.
        assert (entry["text"].splitlines()[0] in script) is not entry.get("factory", False), type_id
        assert entry["text"].splitlines()[-1] in kr.export(texts=True)
    kr.clear()
    for _ in range(2):
        subprocess.run([sys.executable, export], check=True, env=env, timeout=60)
        assert plain(kr.capture()) == plain(document)
    # Each scene is heard, too, for a bar.
    recalls = "".join(f"\nkr.recall({scene!r}, at={at})" for at, scene in enumerate(kr.scenes, 1))
    for script in (song, export):
        script.write_text(script.read_text() + "\nfrom krach import kr\n" + recalls)
    ours, theirs = rendered(song), rendered(export)
    for bar in range(4):
        span = slice(bar * len(ours[0]) // 4, (bar + 1) * len(ours[0]) // 4)
        assert level(ours[0][span]) > 0.003, bar
    assert ours == theirs


def test_a_fade_at_the_start_is_heard_however_quickly_its_sound_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = 'from krach import kr\nbass = kr.node("bass", "faust:bass", gain=0.5, cutoff=300)\nbass @ "A1*4"\n'
    ways = {"faded": 'kr.fade("bass/cutoff", 4000, bars=2)', "set": 'bass["cutoff"] = 4000'}
    heard: dict[str, list[Any]] = {"faded": [], "set": []}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for turn in range(3):
        # The first has to compile, the others have it at once.
        for way, text in ways.items():
            song = tmp_path / f"{way}{turn}.py"
            song.write_text(start + text)
            heard[way].append(rendered(song))
    assert heard["faded"][0] == heard["faded"][1] == heard["faded"][2]
    assert heard["set"][0] == heard["set"][1] == heard["set"][2]
    faded, at_once = heard["faded"][0], heard["set"][0]
    quarter = len(faded[0]) // 4

    def brightness(samples: list[float]) -> float:
        return level([after - before for before, after in pairwise(samples)])

    first, last = slice(quarter // 2), slice(-quarter // 2, None)
    assert brightness(faded[0][first]) < 0.7 * brightness(at_once[0][first]), "it begins where the control was"
    apart = abs(brightness(faded[0][last]) - brightness(at_once[0][last]))
    assert apart < 0.02 * brightness(at_once[0][last]), "and arrives"
