"""A whole song by the tools of `krach mcp`, and what `listen` says against another measurement."""

import base64
import json
import math
import struct
import subprocess
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from assistants import Assistant, said
from hosted import ROOT, Served, bundle, host, read_wav

import krach
from krach import Session, krp

SESSIONS = ROOT / "dsp/sessions"
WITH_KRACH = sorted(each.name.removesuffix(".krach.json") for each in SESSIONS.glob("*.krach.json"))


@pytest.fixture(scope="module")
def server(served: Served) -> Iterator[Assistant]:
    with Assistant("--instance", served.instance.id, "mcp") as assistant:
        yield assistant


@pytest.fixture
def assistant(server: Assistant, kr: Session) -> Assistant:
    """The assistant at the empty session of ``kr``."""
    return server


BLIP = """import("stdfaust.lib");
freq = hslider("freq[unit:Hz]", 440, 20, 8000, 0.1);
gate = button("gate");
bright = hslider("bright[unit:Hz]", 2000, 100, 12000, 1);
process = os.sawtooth(freq) * en.adsr(0.002, 0.1, 0.2, 0.1, gate) : fi.lowpass(2, bright) * 0.3;
"""

HUM = """nodes:
  low: {module: SineOscillator, params: {frequency: 55.0}}
  quiet: {module: Vca}
  out: {module: AudioOut}
cables:
  - {from: low, output: out, to: quiet, input: in}
  - {from: low, output: out, to: quiet, input: cv, scale: 0.1}
  - {from: quiet, output: out, to: out, input: left}
  - {from: quiet, output: out, to: out, input: right}
"""


def sounds(assistant: Assistant, kr: Session) -> None:
    """Add the factory's sounds, one of FAUST, one of modules; a mistake in between changes nothing."""
    call = assistant.call
    call("node", name="drums/kick", source="faust:kick", gain=3.5, controls={"tune": 48, "click": 0.6})
    call("node", name="drums/hat", source="faust:hat", gain=0.2)
    call("node", name="bass", source="faust:bass", gain=0.4)
    call("node", name="verb", source="faust:reverb", gain=0.5)
    broken = assistant.refused("define_sound", name="blip", text=BLIP.replace("os.sawtooth", "os.sawtoth"))
    assert broken["line"] == 5 and "sawtoth" in broken["message"]
    assert call("define_sound", name="blip", text=BLIP)["type"] == "faust:blip"
    assert call("define_patch", name="hum", text=HUM)["type"] == "patch:hum"
    call("node", name="lead", source="faust:blip", gain=0.3, count=3)
    call("node", name="hum", source="patch:hum", gain=0.3)
    assert list(kr.nodes) == ["drums/kick", "drums/hat", "bass", "verb", "lead", "hum"]
    assert kr["drums/kick/tune"] == 48 and kr["lead"].error is None


def patterns(assistant: Assistant, kr: Session) -> None:
    """Play, modulate, route."""
    call = assistant.call
    call("connect", source="lead", target="verb", level=0.4)
    call("play", target="drums/kick", pattern="x*4")
    call("play", target="drums/hat", pattern="[. x]*4", swing=0.6)
    call("play", target="bass", pattern='seq("A1", None, "A2", "C2").over(2).every(4, lambda p: p.fast(2))')
    call("play", target="bass/cutoff", pattern="<300 600 1200>")
    call("play", target="lead", pattern='values("0 2 <4 7>").scale("A4:minor").control("note")')
    call("mod", path="lead/bright", shape="tri", lo=800, hi=6000, bars=8)
    call("macro", number=1, path="lead/bright", lo=500, hi=8000, name="Bright")
    call("set_tempo", bpm=126, clock="internal")
    assert kr.routing == [("lead", "verb", "send", 0.4, None)] and kr.tempo == 126
    assert [name for name, plays in kr.slots.items() if plays] == [
        *("bass", "bass/cutoff", "drums/hat", "drums/kick", "lead")
    ]
    tree = krp.values("0 2 <4 7>").scale("A4:minor").control("note").to_dict()
    assert next(each.pattern.to_dict() for each in kr.capture().patterns if each.target == "lead") == tree
    assert kr.macros[0]["title"] == "Bright" and kr["lead"].controls[0].moved_by == {"automation": "lead/bright"}


def scenes(assistant: Assistant, kr: Session) -> None:
    """Keep two scenes; what somebody else does is seen here, and taken back here."""
    call = assistant.call
    call("save", name="verse")
    call("mute", node="drums")
    call("play", target="bass", pattern="A1*8")
    call("save", name="break")
    call("recall", name="verse")
    assert kr.scenes == ["verse", "break"] and not kr.is_muted("drums/kick")
    # What somebody else does is seen here, and taken back here.
    kr.gain("bass", 0.123)
    assert call("status")["nodes"]["bass"]["gain"] == 0.123
    assert "gain" in call("undo")["undone"] and kr["bass"].gain_now == 0.4


def heard(assistant: Assistant, kr: Session) -> None:
    """Listen: the kick is too loud. It is corrected, and heard again."""
    call = assistant.call
    first = call("listen", bars=2, begin=0)
    assert first["peak_dbfs"] > 0 and any("clips" in each for each in first["remarks"]), first["remarks"]
    assert first["nodes"]["drums/kick"]["onsets_heard"] == pytest.approx([each / 4 for each in range(8)], abs=0.003)
    assert first["nodes"]["drums/kick"]["pattern_begins"] == [each / 4 for each in range(8)]
    assert call("gain", node="drums/kick", gain=0.5)["before"] == {"drums/kick": 3.5}
    answer = assistant.answer("listen", bars=2, begin=0)
    second = answer.structured_content
    assert second["peak_dbfs"] < 0 and second["loudness_lufs"] < first["loudness_lufs"] and not second["remarks"]
    assert second["nodes"]["drums/hat"] == first["nodes"]["drums/hat"]
    assert "drums/kick: peak" in said(answer)
    [picture] = [each for each in answer.content if each.type == "image"]
    width, height, pixels = read_png(base64.b64decode(picture.data))
    assert (width, height) == (768, 256) and len(set(pixels)) > 100


def files(assistant: Assistant, kr: Session) -> None:
    """Write the session, a script and a module; load them where nothing is left."""
    call = assistant.call
    call("save", name="verse")
    song = kr.capture()
    file = Path(call("export_session", file="song", overwrite=True)["file"])
    script = Path(call("export_session", file="song", kind="script", overwrite=True)["file"])
    call("export_module", file="kit", nodes=["drums"], overwrite=True)
    kr.clear()
    assert call("status")["nodes"] == {}
    call("load_session", file="song")
    assert kr.capture() == song and json.loads(file.read_text("utf-8"))["nodes"]
    names: dict[str, Any] = {"__name__": "song"}
    exec(compile(script.read_text("utf-8"), str(script), "exec"), names)
    assert [each.name for each in names["session"].nodes] == [each.name for each in song.nodes]
    made = call("load_module", file="kit", prefix="more")
    assert made["nodes"] == ["more/drums/hat", "more/drums/kick"] and kr["more/drums/kick"].playing
    assert "more" in call("undo")["undone"] and kr.capture() == song
    steps = call("history", last=1000)["steps"]
    assert steps == kr.history() and len(steps) > 20


def test_a_song_is_made_heard_corrected_saved_and_loaded(assistant: Assistant, kr: Session) -> None:
    assert assistant.call("start")["instance"] == kr.id
    for part in (sounds, patterns, scenes, heard, files):
        part(assistant, kr)
    assistant.call("stop")
    assert not any(kr.slots.values())
    for scene in kr.scenes:
        kr.delete_scene(scene)
    kr.clear()
    kr.define("blip", None)
    kr.define("patch:hum", None)


def test_listen_says_what_is_silent_and_touches_nothing(assistant: Assistant, kr: Session) -> None:
    kr.transport(tempo=120, clock="internal")
    kr.node("kick", "faust:kick") @ "<x x*2 x*3 x*5>"
    kr.node("bass", "faust:bass", gain=0.0) @ "A1 A2"
    kr.node("off", "faust:bell") @ "A4"
    kr.mute("off")
    before = kr.capture()
    data = assistant.call("listen", bars=1, begin=3, picture=False)
    assert kr.capture() == before
    assert data["begin_cycles"] == 3 and data["seconds"] == 2
    assert data["nodes"]["kick"]["onsets_heard"] == pytest.approx([3, 3.2, 3.4, 3.6, 3.8], abs=0.003)
    assert {name: each["peak_dbfs"] for name, each in data["nodes"].items() if name != "kick"} == {
        **dict.fromkeys(("bass", "off"))
    }
    assert [each.split(" ")[0] for each in data["remarks"]] == ["bass", "off"]
    kr.stop()
    kr.clear()
    assert "nothing is heard" in assistant.call("listen", bars=1, picture=False)["remarks"][0]
    error = assistant.refused("listen", bars=64.1)
    assert "64" in error["message"]
    kr.transport(tempo=20, clock="internal")
    assert "at most 10 cycles" in assistant.refused("listen", bars=64)["hint"]


def read_png(data: bytes) -> tuple[int, int, list[bytes]]:
    """Return the width, the height and the pixels of a PNG whose rows are not filtered."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, body, size = 8, b"", (0, 0)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        part = data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + part) == struct.unpack_from(">I", data, at + 8 + length)[0]
        if kind == b"IHDR":
            size = struct.unpack_from(">II", part)
        body += part if kind == b"IDAT" else b""
        at += 12 + length
    width, height = size
    rows = zlib.decompress(body)
    assert len(rows) == height * (1 + 3 * width) and not any(rows[:: 1 + 3 * width])
    row = 1 + 3 * width
    return width, height, [rows[y * row + 1 + 3 * x :][:3] for y in range(0, height, 8) for x in range(0, width, 8)]


# Against another measurement


def own_session(name: str) -> dict[str, Any]:
    """Return a session of the tests: hits and notes that begin at times of many kinds."""
    m = krach.ModuleProxy()
    m.tempo = 100 if name == "euclid" else 133
    m.node("kick", "faust:kick", gain=0.6)
    m.node("pluck", "faust:pluck", gain=0.4)
    m.node("hat", "faust:hat", gain=0.2)
    if name == "euclid":
        m.play("kick", "x(5,16)")
        m.play("pluck", krp.seq("A2", "E3", None, "C3").over(2).early(1 / 16))
        m.play("hat", krp.hit().fast(8).chance(0.4))
    else:
        m.play("kick", krp.p("x x*2 . x").swing(0.62))
        m.play("pluck", krp.p("<A2 C3>(3,8)").late(1 / 8))
        m.play("hat", "x*<3 5 7>")
    return m.build().to_dict()


OWN = ("euclid", "swung")
CYCLES = 4


def filtered(samples: list[float], over: tuple[float, ...], under: tuple[float, ...]) -> list[float]:
    """Return samples behind a biquad, one by one."""
    b0, b1, b2 = over
    _, a1, a2 = under
    x1 = x2 = y1 = y2 = 0.0
    out: list[float] = []
    for x in samples:
        y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
        x2, x1, y2, y1 = x1, x, y1, y
        out.append(y)
    return out


def k_filters(rate: int) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """Return the K curve's filters from their analog prototypes: a shelf of 4 dB at 1682 Hz, a high-pass at 38 Hz."""
    turn = math.tan(math.pi * 1681.974450955533 / rate)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    a0 = 1 + turn / q + turn * turn
    shelf = (
        ((high + band * turn / q + turn**2) / a0, 2 * (turn**2 - high) / a0, (high - band * turn / q + turn**2) / a0),
        (1.0, 2 * (turn**2 - 1) / a0, (1 - turn / q + turn**2) / a0),
    )
    turn, q = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    a0 = 1 + turn / q + turn * turn
    return [shelf, ((1.0, -2.0, 1.0), (1.0, 2 * (turn**2 - 1) / a0, (1 - turn / q + turn**2) / a0))]


def lufs(rate: int, channels: list[list[float]]) -> float:
    """Return the gated loudness, block by block in time."""
    weighted: list[list[float]] = []
    for samples in channels:
        for over, under in k_filters(rate):
            samples = filtered(samples, over, under)  # noqa: PLW2901
        weighted.append(samples)
    block, step = rate * 4 // 10, rate // 10
    powers = [
        sum(sum(x * x for x in samples[at : at + block]) / block for samples in weighted)
        for at in range(0, len(weighted[0]) - block + 1, step)
    ]

    def level(power: float) -> float:
        return -0.691 + 10 * math.log10(power) if power > 0 else -math.inf

    loud = [each for each in powers if level(each) > -70]
    gate = level(sum(loud) / len(loud)) - 10
    gated = [each for each in loud if level(each) > gate]
    return level(sum(gated) / len(gated))


def written_onsets(entry: Any) -> set[Fraction]:
    """Return when a pattern of a document begins notes, by the language's other implementation."""
    pattern = krp.Pattern.from_dict(entry.pattern.to_dict())
    if entry.swing is not None:
        amount, grid = (
            (entry.swing, 8) if isinstance(entry.swing, float) else (entry.swing["amount"], entry.swing["grid"])
        )
        pattern = pattern.swing(amount, grid)
    return {
        event.whole.begin
        for event in pattern.query(0, CYCLES)
        if event.has_onset and getattr(event.value, "label", "") == "gate" and event.value.value > 0
    }


DRUMS = ("kick", "hat", "clap", "snare", "rim", "shaker", "ghost", "open")


def compared(assistant: Assistant, kr: Session, tmp_path: Path, name: str) -> None:
    """Compare what `listen` says of a session with a render of its file, measured otherwise."""
    if name in OWN:
        file = tmp_path / f"{name}.krach.json"
        file.write_text(json.dumps(own_session(name)))
    else:
        file = SESSIONS / f"{name}.krach.json"
    kr.open_file(file)
    document = kr.capture()
    beats, tempo = document.meter or 4.0, document.tempo
    kr.transport(tempo=tempo, clock="internal")
    data = assistant.call("listen", bars=CYCLES, begin=0, picture=False)
    seconds = CYCLES * beats * 60 / tempo
    assert data["seconds"] == pytest.approx(seconds, abs=0.001)
    wav = tmp_path / "out.wav"
    line = [host(), "render", str(file), str(wav), "--seconds", repr(seconds), "--quiet", "--plugin", bundle()]
    subprocess.run(line, check=True, timeout=300, capture_output=True)
    rate, channels = read_wav(wav)
    peak = max(max(map(abs, samples)) for samples in channels)
    assert data["peak_dbfs"] == pytest.approx(20 * math.log10(peak), abs=0.05), name
    assert data["loudness_lufs"] == pytest.approx(lufs(rate, channels), abs=0.1), name
    per_cycle, wanted, found = seconds / CYCLES, 0, 0
    for entry in document.patterns:
        node = data["nodes"].get(entry.target)
        onsets = sorted(map(float, written_onsets(entry)))
        if node is None or not onsets:
            continue
        assert node["pattern_begins"] == pytest.approx(onsets, abs=0.001), (name, entry.target)
        if node["peak_dbfs"] is None:
            continue  # It fades in, or is let in later.
        heard = node["onsets_heard"]
        is_loud = node["peak_dbfs"] > -40
        if entry.target.rpartition("/")[2] in DRUMS and is_loud:
            assert heard == pytest.approx(onsets, abs=0.01 / per_cycle), (name, entry.target)
        wanted += len(onsets)
        found += sum(any(abs(each - at) * per_cycle < 0.03 for at in heard) for each in onsets)
    # What swells for seconds has no onset that could be heard.
    assert wanted > 0 and found > 0.85 * wanted, (name, found, wanted)


@pytest.mark.parametrize("name", ["house", "swung"])
def test_listen_agrees_with_another_measurement(assistant: Assistant, kr: Session, tmp_path: Path, name: str) -> None:
    compared(assistant, kr, tmp_path, name)


@pytest.mark.soak
@pytest.mark.parametrize("name", [*WITH_KRACH, *OWN])
def test_listen_agrees_with_another_measurement_on_ten_sessions(
    assistant: Assistant, kr: Session, tmp_path: Path, name: str
) -> None:
    compared(assistant, kr, tmp_path, name)
