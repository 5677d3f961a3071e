"""What is accepted and reaches nothing is noted, with the nearest name; names of other programs have ours."""

import time
from pathlib import Path

import pytest
from test_session import until

import krach
from krach import Session, elsewhere, krp, krs
from krach.client import Refusal


def test_what_a_pattern_names_and_nothing_has_is_noted(kr: Session, capsys: pytest.CaptureFixture[str]) -> None:
    bass, room = kr.node("bass", "faust:bass"), kr.node("room", "faust:reverb")
    kick = kr.node("kick", "faust:kick")
    bass >> (room, 0.3)
    kr.instantiate(krach.ModuleIr(nodes=(krach.Node("hat", "faust:hat"),)), "kit")
    line = krp.p("A1*4")
    no_cutof = "there is no bass/cutof now: did you mean bass/cutoff?"
    no_pan = (
        'there is no bass/pan now: sounds that come with krach have none; "Left and right" in the cookbook makes one'
    )
    for call, noted in (
        (lambda: bass @ line.controls(cutof="200 400"), no_cutof),
        (lambda: kr.play("bass/cutof", krp.values("200 400")), no_cutof),
        (lambda: bass @ krp.sine("cutof", 200, 400), no_cutof),
        (lambda: bass @ krp.values("200 400").control("cutof"), no_cutof),
        (lambda: kick @ line.controls(cutof=1), "there is no kick/cutof now"),
        (lambda: bass @ krp.hit("kik/gate"), "there is no kik/gate now: did you mean kick/gate?"),
        (lambda: kr.play("kit", krp.hit("hat/gat")), "there is no hat/gat now: did you mean kit/hat/gate?"),
        (lambda: bass @ line.jux(lambda p: p.rev()), no_pan),
        (lambda: kr.midi_route("bas"), "there is no bas now: did you mean bass?"),
        # What is there.
        (lambda: bass @ line.controls(cutoff="200 400", vel=1, legato=1), ""),
        (lambda: kick @ line, ""),  # A drum has no pitch, and is played all the same.
        (lambda: bass @ krp.hit("kick/gate"), ""),
        (lambda: kr.play("bass/cutoff", krp.values("200 400")), ""),
        (lambda: kr.play("bass/@gain", krp.values("0.1 0.4")), ""),
        (lambda: kr.play("bass/@send/room", krp.values("0.1 0.4")), ""),
        (lambda: bass @ krp.values("0.1 0.4").control("@gain"), ""),
        (lambda: kr.play("kit", krp.hit("hat/gate")), ""),
        (lambda: kr.midi_route("kit/hat"), ""),
        (lambda: kr.midi_route(None), ""),
    ):
        call()
        said = capsys.readouterr().err.strip()
        # What is left of what played before may be named again.
        assert said == noted, (said, noted)


def test_what_a_batch_names_is_noted_when_the_batch_is_made(kr: Session, capsys: pytest.CaptureFixture[str]) -> None:
    with kr.batch():
        kr.node("bass", "faust:bass") @ krp.p("A1").controls(cutoff=300, cutof=200)
        kr.midi_route("bas")
        assert capsys.readouterr().err == ""
    assert capsys.readouterr().err.splitlines() == [
        "there is no bass/cutof now: did you mean bass/cutoff?",
        "there is no bas now: did you mean bass?",
    ]


def test_what_is_not_there_yet_is_noted_when_it_is(kr: Session, capsys: pytest.CaptureFixture[str]) -> None:
    until(lambda: kr.position.running)
    begin = int(kr.position.cycles) + 2
    with kr.at(begin):
        late = kr.node("late", "faust:bass")
        kr.play("late", krp.p("A1").controls(cutof=200))
    assert capsys.readouterr().err == ""
    until(lambda: kr.position.cycles > begin)
    kr.node("other", "faust:kick")
    assert capsys.readouterr().err.strip() == "there is no late/cutof now: did you mean late/cutoff?"
    assert late.playing
    # A sound that is being compiled, of a text that no cache has.
    kr.wait(False)
    now = time.time_ns()
    own = kr.node("own", lambda: krs.control("amount", 0, 0, 1) * (now % 1_000_003))
    own @ krp.p("x").controls(amount=1, amont=1)
    kr.compiled()
    kr.note_what_was_awaited()
    assert capsys.readouterr().err.splitlines()[-1] == "there is no own/amont now: did you mean own/amount?"
    kr.note_what_was_awaited()
    assert capsys.readouterr().err == ""


def test_what_a_document_names_and_nothing_has_is_noted(
    kr: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    @krach.module
    def song(m: krach.ModuleProxy) -> None:
        m.node("bass", "faust:bass")
        m.node("kick", "faust:kick")
        m.play("bass", krp.p("A1").controls(cutoff=300, cutof=200))
        m.play("kick", "x*4")
        m.play("bass/cutoff", krp.values("<400 800>"))

    document = song().to_dict()
    document["krach"] = {
        "version": 3,
        "midi_maps": [
            {"channel": 0, "cc": 74, "label": "bass/cutoff", "lo": 200, "hi": 4000},
            {"channel": 0, "cc": 75, "label": "kick/tun", "lo": 40, "hi": 80},
        ],
        "macros": [{"number": 1, "name": "", "targets": [{"label": "bas/cutoff", "lo": 200, "hi": 4000}]}],
        "automations": {"open": {"label": "bass/cutof", "shape": "sine", "lo": 200, "hi": 900, "bars": 4}},
    }
    noted = [
        "there is no bass/cutof now: did you mean bass/cutoff?",
        "there is no bas/cutoff now: did you mean bass/cutoff?",
        "there is no kick/tun now: did you mean kick/tune?",
        "there is no bass/cutof now: did you mean bass/cutoff?",  # Once for the pattern, once for the automation.
    ]
    kr.load(document, dry_run=True)
    assert capsys.readouterr().err == ""
    kr.load(document)
    assert capsys.readouterr().err.splitlines() == noted
    kr.node("other", "faust:hat")
    assert capsys.readouterr().err == ""  # Once is enough.
    kr.save_file(tmp_path / "song")
    kr.clear()
    kr.open_file(tmp_path / "song")
    assert capsys.readouterr().err.splitlines() == noted
    with kr.batch():
        kr.load(document)
    assert capsys.readouterr().err.splitlines() == noted
    # What is put beside a session is what is spoken of.
    kr.instantiate(song(), "band")
    assert capsys.readouterr().err.splitlines() == ["there is no band/bass/cutof now: did you mean band/bass/cutoff?"]
    until(lambda: kr.position.running)
    begin = int(kr.position.cycles) + 2
    kr.load(document, at=begin)
    assert capsys.readouterr().err == ""
    until(lambda: kr.position.cycles > begin)
    kr.note_what_was_awaited()
    assert capsys.readouterr().err.splitlines() == noted
    for name in kr.session_files():
        if name.startswith("factory:"):
            kr.open_file(name)
    assert capsys.readouterr().err == ""


def test_a_tempo_that_does_not_count_is_noted_in_a_batch_too(kr: Session, capsys: pytest.CaptureFixture[str]) -> None:
    until(lambda: kr.position.running)
    said = 'the host\'s clock counts: 120 plays; kr.transport(clock="internal") takes 100\n'
    with kr.batch():
        kr.tempo = 100
    assert capsys.readouterr().err == said
    kr.tempo = 120
    with kr.transition(bars=1):
        kr.tempo = 100
    assert capsys.readouterr().err == said
    with kr.at("bar"):
        kr.tempo = 100
    assert capsys.readouterr().err == said
    with kr.batch():
        kr.transport(clock="internal", tempo=100)
    with kr.transition(bars=1):
        kr.tempo = 90
    assert capsys.readouterr().err == ""


def test_a_script_that_is_there_stays_or_is_kept(kr: Session, tmp_path: Path) -> None:
    script = tmp_path / "song.py"
    kr.export(script)
    kr.node("kick", "faust:kick")
    before = script.read_text("utf-8")
    with pytest.raises(krach.KrachError) as refused:
        kr.export(str(script))
    hint = "with overwrite=True it is kept as .bak; or take another name"
    assert str(refused.value) == f"there is a file {script}\n{hint}"
    assert script.read_text("utf-8") == before
    kr.export(script, overwrite=True)
    assert "kick" in script.read_text("utf-8") and (tmp_path / "song.py.bak").read_text("utf-8") == before
    with pytest.raises(krach.KrachError, match="is the folder there"):
        kr.export(tmp_path / "nowhere" / "song.py")
    assert not list(tmp_path.glob(".*"))


def test_a_node_that_is_not_there_is_made(kr: Session) -> None:
    with pytest.raises(Refusal) as refused:
        _ = kr.handle("nobody") @ "x*4"
    assert str(refused.value) == 'there is no node nobody to play\nmake the node first: kr.node("nobody", …)'


def test_a_name_of_another_program_is_refused_with_ours(kr: Session) -> None:
    names = elsewhere.names()
    assert len(names) > 50
    for name, ours in names.items():
        for holder in (krp.p("A2 C3"), krp):
            assert not hasattr(holder, name) or name in krp.__all__, name
        if ours.startswith("."):
            assert krp.Pattern.query(eval(f'krp.p("A2 C3"){ours}'), 0, 4), name
        elif ours.startswith("krp."):
            made = eval(ours)
            # Numbers play nothing by themselves.
            made = made.control("note") if ours.startswith("krp.values") else made
            assert made.query(0, 4) or ours == "krp.rest()", name
    for call, said in (
        (lambda: krp.p("x").degradeBy(0.3), "a pattern has no degradeBy\ndegradeBy is .chance(0.3) here"),
        (lambda: krp.p("x").euclid(3, 8), "a pattern has no euclid\neuclid is .spread(3, 8) here"),
        (lambda: krp.euclid(3, 8), "krp has no euclid\neuclid is .spread(3, 8) here"),
        (lambda: krp.chance(0.3), "krp has no chance\ndid you mean the method chance of patterns?"),
        (lambda: krp.fastcat("x", "x"), 'krp has no fastcat\nfastcat is krp.cat("A2", "C3") here'),
        (lambda: kr.setcps(0.5), f"kr has no setcps\nsetcps is {names['setcps']} here"),
        # A likeness is said where no other program has the name.
        (lambda: krp.p("x").sometimesBy(0.3), "a pattern has no sometimesBy\ndid you mean sometimes_by?"),
    ):
        with pytest.raises(krach.names.NoSuchName) as refused:
            call()
        assert str(refused.value) == said
    # A node that is not there is no name of another program.
    with pytest.raises(krach.KrachError, match=r"^(there is nothing called room$|room is gone: )"):
        _ = kr["room"]


def test_a_scale_without_a_root_is_noted_and_a_wrong_name_has_the_likely_one(
    kr: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    bass = kr.node("bass", "faust:bass")
    line = krp.values("0 2 4")
    _ = bass @ line.scale("minor").control("note")
    said = "the scale minor has no root and begins at key 0, 8 Hz, unless it is transposed: A3:minor\n"
    assert capsys.readouterr().err == said
    _ = bass @ line.scale("A2:minor").control("note")
    _ = bass @ line.scale("minor").control("note").add(57)
    _ = bass @ krp.p("A2 C3")
    assert capsys.readouterr().err == ""
    for pattern, hint in (
        (krp.values("Am").control("chord"), "did you mean A:m? docs/patterns.md lists the names of chords"),
        (line.scale("C major").control("note"), "did you mean C:major? docs/patterns.md lists the names of scales"),
        (
            line.scale("D3:phrigian").control("note"),
            "did you mean D3:phrygian? docs/patterns.md lists the names of scales",
        ),
        (line.scale("D3:hijaz").control("note"), "docs/patterns.md lists the names of scales"),
    ):
        with pytest.raises(Refusal) as refused:
            _ = bass @ pattern
        assert refused.value.hint == hint and str(refused.value).endswith(f"\n{hint}")
