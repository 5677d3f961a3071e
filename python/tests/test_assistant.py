"""`krach mcp`: a client of the official SDK at the session of the real plugin, a second client beside it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from assistants import Assistant, said
from hosted import ROOT, Served
from test_session import SRC

import krach
from krach import Session, krp
from krach.assistant.desk import written
from krach.assistant.expression import MAX_TEXT, is_expression, read
from krach.assistant.page import PAGE
from krach.assistant.tools import TOOLS

# The tools that the older program had.
SEEDS = {
    *("start", "node", "play", "set_control", "gain", "connect", "hush", "stop", "fade", "mute", "unmute", "status"),
    *("list_controls", "set_tempo", "set_meter", "remove", "disconnect", "save", "recall", "export_session"),
    *("load_session", "mod", "capture", "export_module", "load_module"),
}


@pytest.fixture(scope="module")
def server(served: Served) -> Iterator[Assistant]:
    with Assistant("--instance", served.instance.id, "mcp") as assistant:
        yield assistant


@pytest.fixture
def assistant(server: Assistant, kr: Session) -> Assistant:
    """The assistant at the empty session of ``kr``."""
    return server


# What clients are told


def test_tools_have_names_units_ranges_and_a_dry_run(server: Assistant) -> None:
    listed = {each.name: each for each in server.wait(server.client.list_tools()).tools}
    assert len(SEEDS) == 25 and set(listed) >= SEEDS and len(listed) <= 32, list(listed)
    for name, each in listed.items():
        fields: dict[str, Any] = each.input_schema["properties"]
        assert len(each.description or "") > 20, name
        assert each.input_schema["additionalProperties"] is False, name
        for field, schema in fields.items():
            assert len(schema.get("description", "")) > 10, (name, field)
            kinds = [schema, *schema.get("anyOf", ())]
            if any(kind.get("type") in ("number", "integer") for kind in kinds) and field != "at":
                says = any("minimum" in kind or "exclusiveMinimum" in kind for kind in kinds)
                assert says or "unit of the control" in schema["description"] or "Value of" in schema["description"], (
                    name,
                    field,
                )
        assert each.annotations is not None
        assert ("dry_run" in fields) == (not each.annotations.read_only_hint and name != "start"), name


def test_the_page_of_patterns_says_what_can_be_played(server: Assistant, kr: Session) -> None:
    resources = [str(each.uri) for each in server.wait(server.client.list_resources()).resources]
    assert resources == ["krach://session", "krach://patterns", "krach://sounds"]
    page = server.wait(server.client.read_resource("krach://patterns")).contents[0].text
    assert page == PAGE
    rows = [each for each in page.splitlines() if each.startswith("| `")]
    examples = [text for row in rows for text in re.findall(r"`([^`]+)`", row[: row.rindex(" | ")])]
    assert len(examples) > 40
    bass = kr.node("bass", "faust:bass", count=4)
    for text in examples:
        done = server.answer("play", target="bass", pattern=text, dry_run=True)
        assert not done.is_error, (text, said(done))
    assert not bass.playing
    methods = page.split("Methods beside these: ")[1].split(".\n")[0].split()
    assert set(methods) <= set(dir(krp.Pattern))


def test_the_sounds_are_told_with_their_controls(server: Assistant, kr: Session) -> None:
    text = server.wait(server.client.read_resource("krach://sounds")).contents[0].text
    for each in kr.types():
        assert each.origin == "builtin" or f"## {each.type} (" in text, each.type
    bass = text.split("## faust:bass")[1].split("\n## ")[0]
    assert "cutoff 30…12000 Hz (220)" in bass and "Pattern: A1 . A1 A2" in bass
    assert "## faust:reverb (effect, factory)" in text
    assert said(server.answer("list_controls", node="sounds")) == text


# What changes


PATCH = """nodes:
  tone: {module: SineOscillator}
  out: {module: AudioOut}
cables:
  - {from: tone, output: out, to: out, input: left}
"""

DRY: list[tuple[str, dict[str, Any]]] = [
    ("node", {"name": "kick", "source": "faust:kick"}),
    ("gain", {"node": "bass", "gain": 0.1}),
    ("connect", {"source": "bass", "target": "verb", "level": 0.2}),
    ("disconnect", {"source": "lead", "target": "verb"}),
    ("remove", {"node": "bass"}),
    ("mute", {"node": "bass"}),
    ("unmute", {"node": "lead"}),
    ("play", {"target": "bass", "pattern": "A1*4"}),
    ("hush", {"target": "bass"}),
    ("stop", {}),
    ("set_control", {"path": "bass/cutoff", "value": 900}),
    ("fade", {"path": "bass/cutoff", "value": 900, "bars": 4000}),
    ("mod", {"path": "bass/cutoff", "shape": "tri", "lo": 200, "hi": 900}),
    ("mod", {"path": "lead/cutoff", "shape": "none"}),
    ("macro", {"number": 1, "path": "bass/cutoff"}),
    ("define_sound", {"name": "tick", "text": "process = 1;"}),
    ("define_patch", {"name": "tock", "text": PATCH}),
    ("set_tempo", {"bpm": 90}),
    ("set_meter", {"beats": 3}),
    ("undo", {}),
    ("save", {"name": "verse"}),
    ("recall", {"name": "kept"}),
    ("export_session", {"file": "dry"}),
    ("export_session", {"file": "dry", "kind": "script"}),
    ("export_module", {"file": "dry"}),
    ("load_session", {"file": "wet"}),
    ("load_module", {"file": "wet", "prefix": "more"}),
]


def test_each_change_can_be_tried_then_made_and_is_seen_beside_it(assistant: Assistant, kr: Session) -> None:
    def begin() -> None:
        kr.clear()
        kr.node("bass", "faust:bass") @ "A1 A2"
        kr.node("verb", "faust:reverb")
        kr.node("lead", "faust:lead") >> "verb"
        kr.mute("lead")
        kr.mod("lead/cutoff", "sine", 200, 400)
        kr.save("kept")
        kr.transport(tempo=120, meter=4)
        kr.gain("bass", 0.3)

    begin()
    assistant.call("export_session", file="wet", overwrite=True)
    assistant.call("export_module", file="wet", nodes=["bass"], overwrite=True)
    assert {name for name, _ in DRY} == {name for name, each in TOOLS.items() if each.changes and name != "start"}
    folder = Path(os.environ["HOME"]) / ".krach"
    writes = {"export_session", "export_module"}
    for name, arguments in DRY:
        begin()
        before, files = kr.capture(), sorted(folder.rglob("*.*"))
        tried = assistant.call(name, **arguments, dry_run=True)
        assert tried["dry_run"] is True and "playing" in tried, name
        assert kr.capture() == before and sorted(folder.rglob("*.*")) == files, name
        made = assistant.call(name, **arguments)
        assert "playing" in made and "dry_run" not in made, name
        assert (kr.capture() == before) == (name in writes), name
        assert (sorted(folder.rglob("*.*")) == files) == (not name.startswith("export")), name
    kr.define("tick", None)
    kr.define("patch:tock", None)


def test_an_answer_says_what_was_and_what_is(assistant: Assistant, kr: Session) -> None:
    kr.node("bass", "faust:bass", gain=0.5) @ "A1 A2"
    answer = assistant.answer("gain", node="bass", gain=0.8)
    assert said(answer).splitlines()[0] == "gain: bass 0.5 -> 0.8"
    assert said(answer).splitlines()[1].startswith("now: bass plays; time runs at cycle ")
    answer = assistant.answer("set_control", path="bass/cutoff", value=900)
    assert said(answer).startswith("bass/cutoff 220 -> 900 Hz\n")
    made = assistant.call("play", target="bass", pattern="x(3,8)", from_zero=True)
    assert list(made["onsets_of_this_cycle"].values()) == [["x"], ["x"], ["x"]]
    made = assistant.call("play", target="bass", pattern="[A2, C3] . 60.5 ~")
    assert list(made["onsets_of_this_cycle"].values()) == [["A2", "C3"], ["60.5Hz"]]
    made = assistant.call("play", target="bass/cutoff", pattern="400 800")
    assert list(made["onsets_of_this_cycle"].values()) == [["cutoff=400"], ["cutoff=800"]]
    assistant.call("hush", target="bass/cutoff")
    assistant.call("play", target="bass", pattern="x(3,8)", from_zero=True)
    assert assistant.call("status")["patterns"]["bass"] == "hit().spread(3, 8)"
    kr.mute("bass")
    assert "bass (silenced) plays" in said(assistant.answer("gain", node="bass", gain=0.7))


def test_what_a_status_says_of_a_pattern_can_be_played() -> None:
    count = 0
    for file in sorted((ROOT / "dsp/sessions").glob("*.krach.json")):
        for entry in krach.ModuleIr.from_dict(krach.session.documents.document_of(file)).patterns:
            tree = entry.pattern.to_dict()
            text = written(tree)
            assert len(text) > MAX_TEXT or read(text) == krp.Pattern.from_dict(tree), text
            count += len(text) <= MAX_TEXT
    assert count > 40, count


# What is refused


def test_an_error_says_line_column_and_hint(assistant: Assistant, kr: Session) -> None:
    kr.node("bass", "faust:bass", gain=0.5) @ "A1 A2"
    before = kr.capture()
    for tool, arguments, line, column, hint in (
        ("play", {"target": "bass", "pattern": "A2 D3\n ~ [H2 x]"}, 2, 5, "a note A2"),
        ("play", {"target": "bass", "pattern": 'hit() |\n p("x [H2")'}, 2, 8, "a note A2"),
        ("play", {"target": "bass", "pattern": "hit().fsat(2)"}, 1, 1, "did you mean fast?"),
        ("define_sound", {"name": "t", "text": "x = 1;\nprocess = x + foo;"}, 2, 15, None),
        ("node", {"name": "t", "source": "x = 1;\nprocess = x + foo;"}, 2, 15, None),
        ("define_patch", {"name": "t", "text": "nodes:\n  a: {module: Foo}\n"}, 2, 15, None),
        ("gain", {"node": "bas", "gain": 1}, None, None, "did you mean bass?"),
        ("gain", {"node": "bass", "gian": 1}, None, None, "did you mean gain?"),
        ("gain", {"node": "bass", "gain": 99}, None, None, "parameters: node, gain"),
        ("set_control", {"path": "bass/cutoff", "value": 99999}, None, None, "30 to 12000 Hz"),
        ("set_control", {"path": "bass/cutof", "value": 99}, None, None, "controls of bass: gate, freq"),
        ("mod", {"path": "bass/cutoff", "shape": "tri"}, None, None, "30 to 12000 Hz"),
        ("mod", {"path": "bass/cutoff", "shape": "tri", "lo": 0, "hi": 100}, None, None, "30 to 12000 Hz"),
        ("fade", {"path": "bass/gain", "value": 17}, None, None, "0 to 16"),
        ("node", {"name": "v", "source": "faust:reverb", "controls": {"size": 3}}, None, None, "decay, damping"),
        ("node", {"name": "bass", "controls": {"cutoff": 1}}, None, None, "30 to 12000 Hz"),
        ("node", {"name": "t", "source": "x = 1;\nprocess = x;", "controls": {"size": 3}}, None, None, "none"),
        ("list_controls", {"node": "faust:bas"}, None, None, "did you mean faust:bass?"),
        ("recall", {"name": "verse"}, None, None, "scenes: none"),
        ("node", {"name": "new", "source": "faust:kik"}, None, None, "faust:kick"),
        ("nod", {}, None, None, "did you mean node?"),
    ):
        answer = assistant.answer(tool, **arguments)
        assert answer.is_error, (tool, arguments)
        error = answer.structured_content["error"]
        assert (error.get("line"), error.get("column")) == (line, column), (arguments, error)
        assert hint is None or hint in (error["hint"] or said(answer)), (arguments, error, said(answer))
        assert "nothing has changed, and what played plays on" in said(answer)
    assert kr.capture() == before


HOSTILE = (
    '__import__("os").system("id")',
    "().__class__.__bases__[0].__subclasses__()",
    'hit().__class__.__init__.__globals__["os"]',
    "hit().__dict__",
    "hit().node",
    "hit().to_json()",
    "hit().__or__(hit())",
    "hit()._with(hit())",
    "hit().from_json('{}')",
    'krp.serialize.json.loads("1")',
    "kr.node('x', 'faust:kick')",
    "kr.load('/etc/passwd')",
    'open("/etc/passwd").read()',
    'eval("1")',
    'exec("import os")',
    'getattr(hit(), "fast")',
    "import os",
    "from os import system",
    "(lambda: 1)()",
    "(lambda f: f(f))(lambda f: f(f))",
    "hit().every(4, lambda p: p.__class__)",
    "hit().every(4, lambda p, q=open: q('/etc/passwd'))",
    "hit().every(4, lambda *p: p)",
    "hit().every(4, eval)",
    "hit() * 10 ** 9",
    "hit() * 1000000000",
    "hit() * 256 * 256 * 256 * 256",
    "1000000000 * hit()",
    "hit().chunk(60000, lambda p: p)",
    "hit().iter(1000000000)",
    "hit().echo(1000000000, 1 / 8, 0.5)",
    "irand(1000000000)",
    'p("x!60000") * 200',
    'p("[[[[x!200]!200]!200]!200]!200")',
    "x!1000000000",
    "x*1000000000",
    "[[[[x!200]!200]!200]!200]!200",
    "[" * 500 + "x" + "]" * 500,
    "(" * 5000 + "hit()" + ")" * 5000,
    "-" * 4000 + "1",
    "-" * 1500 + "1",
    "hit()" + ".fast(2)" * 300,
    "hit()" + ".fast(2)" * 500,
    "hit()" + ".every(2, lambda p: p" * 90 + ")" * 90,
    "hit()" + ".superimpose(lambda p: p.fast(2))" * 60,
    "\uff48it()",  # A fullwidth h, which Python reads as h.
    "h\u0456t().fast(2)",  # A Cyrillic i.
    'hit("\u202e").f\u0430st(2)',
    "hit\u200b().fast(2)",
    'f"{hit()}"',
    "[hit() for _ in range(10**9)]",
    "hit() if 1 else hit()",
    "(x := hit())",
    "hit(**{'label': 'gate'})",
    "hit(*['gate'])",
    "hit(__class__=1)",
    "'%s' % hit()",
    "hit(9" + "9" * 5000 + ")",
    "sine('cutoff', 1e400, 1)",
    "hit() and hit()",
    "hit()[0]",
    "hit();hit()",
    "hit()\nhit()",
    "# hit()",
    "\0hit()",
    "seq('A2'",
    "",
    "note('H9')",
    "late(1)",
    "hit().late('x')",
)


def test_hostile_patterns_are_refused_with_a_hint(assistant: Assistant, kr: Session) -> None:
    assert len(HOSTILE) >= 50 and len(set(HOSTILE)) == len(HOSTILE)
    kr.node("bass", "faust:bass") @ "A1 A2"
    before = kr.capture()
    for text in HOSTILE:
        for target in ("bass", "bass/cutoff"):
            error = assistant.refused("play", target=target, pattern=text)
            assert len(error["hint"] or "") > 5, (text, error)
            assert len(error["message"]) < 400, error
    assert kr.capture() == before


def test_what_is_refused_is_refused_before_it_is_made() -> None:
    for text in HOSTILE:
        if is_expression(text):
            with pytest.raises(krp.PatternError):
                read(text).query(0, 1)
    # A million times as much as is allowed costs no more.
    with pytest.raises(krp.PatternError, match="65536 copies"):
        krp.hit().chunk(60000, lambda p: p)


HOSTILE_PATHS = (
    "../song",
    "../../../etc/passwd",
    "a/../../song",
    "/etc/passwd",
    "/tmp/song",
    "~/song",
    "~root/song",
    "",
    ".",
    "..",
    "/",
    "a//b",
    "song/",
    ".hidden",
    "-rf",
    "song\0",
    "song\nother",
    "C:\\Windows\\song",
    "\\\\server\\share\\song",
    "..\\song",
    "file:///etc/passwd",
    "$HOME/song",
    "%2e%2e/song",
    "CON",
    "nul.x",
    "x" * 300,
    "song.",
    "\u2215etc\u2215passwd",
    "\uff0e\uff0e/song",
    "s\u202egnp",
    "\ufb01le",
    "nowhere/song",
    "link",
    "linked/song",
    "folder",
    "pipe",
)


def test_a_session_that_comes_with_krach_is_loaded_by_its_name(assistant: Assistant, kr: Session) -> None:
    assert assistant.call("load_session", file="factory:house", dry_run=True)["dry_run"] and not kr.nodes
    assert "kick" in assistant.call("load_session", file="factory:house")["playing"]["nodes"] and "kick" in kr.nodes
    for name in ("factory:huose", "factory:../song", "factory:/etc/passwd", "factory:"):
        assert "factory:house" in assistant.refused("load_session", file=name)["hint"]


@pytest.mark.skipif(os.name == "nt", reason="links and pipes are others there")
def test_hostile_paths_are_refused_with_a_hint(assistant: Assistant, kr: Session, tmp_path: Path) -> None:
    kr.node("bass", "faust:bass") @ "A1 A2"
    outside = tmp_path / "outside.krach.json"
    outside.write_text("{}")
    for kind in ("sessions", "modules"):
        folder = Path(os.environ["HOME"]) / ".krach" / kind
        folder.mkdir(parents=True, exist_ok=True)
        for name, to in (("link.krach.json", outside), ("linked", tmp_path), ("dangling.krach.json", "/nowhere")):
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(to)
        (folder / "folder.krach.json").mkdir(exist_ok=True)
        (folder / "pipe.krach.json").unlink(missing_ok=True)
        os.mkfifo(folder / "pipe.krach.json")
    before, home = kr.capture(), Path(os.environ["HOME"])
    files = {each for each in home.rglob("*") if ".krach" in str(each)}
    for path in (*HOSTILE_PATHS, "dangling", str(home / ".krach/sessions/../../song")):
        for tool, more in (
            ("export_session", {"overwrite": True}),
            ("export_session", {"kind": "script"}),
            ("load_session", {}),
            ("export_module", {"overwrite": True}),
            ("load_module", {"prefix": "m"}),
        ):
            if more.get("kind") and path in ("link", "folder", "pipe", "dangling"):
                continue  # The script is another file.
            error = assistant.refused(tool, file=path, **more)
            assert len(error["hint"] or "") > 10, (path, tool, error)
            if path in ("link", "linked/song", "dangling"):
                assert "is a link" in error["message"], (path, error)
            if ".." in path.split("/") and not path.startswith("/"):
                assert 'a name cannot be ".."' in error["message"], (path, error)
    assert kr.capture() == before and outside.read_text() == "{}"
    assert {each for each in home.rglob("*") if ".krach" in str(each)} == files
    for kind in ("sessions", "modules"):
        folder = home / ".krach" / kind
        for name in ("link.krach.json", "linked", "dangling.krach.json", "pipe.krach.json"):
            (folder / name).unlink()
        (folder / "folder.krach.json").rmdir()


def test_a_folder_that_was_stated_may_be_used_and_no_other(served: Served, kr: Session, tmp_path: Path) -> None:
    stated, other = tmp_path / "songs", tmp_path / "other"
    stated.mkdir()
    other.mkdir()
    kr.node("bass", "faust:bass", gain=0.25)
    with Assistant("--instance", served.instance.id, "mcp", "--folder", str(stated)) as assistant:
        assert assistant.call("export_session", file=str(stated / "a"))["file"] == str(stated / "a.krach.json")
        kr.clear()
        assistant.call("load_session", file=str(stated / "a"))
        assert kr["bass"].gain_now == 0.25
        assert "overwrite" in assistant.refused("export_session", file=str(stated / "a"))["hint"]
        assert str(stated) in assistant.refused("export_session", file=str(other / "a"))["hint"]
        (stated / "b.krach.json").write_text("[1]")
        assert assistant.refused("load_module", file=str(stated / "b"), prefix="m")["hint"]
        assert assistant.refused("load_session", file=str(stated / "b"))["place"]


def test_with_two_instances_one_is_chosen_by_start(served: Served) -> None:
    with Served() as second, Assistant("mcp") as assistant:
        for tool in ("status", "start"):
            error = assistant.refused(tool)
            assert error["message"] == "2 instances are there: say which" and second.instance.id in error["hint"]
        assert f'start takes one: instance="{served.instance.id}"' in assistant.refused("stop")["hint"]
        assert assistant.call("start", instance=second.instance.id)["instance"] == second.instance.id
        assert assistant.call("status")["nodes"] == {}
        assert second.instance.id in assistant.refused("start", instance="nobody")["hint"]
        assert assistant.refused("start", instance="/tmp/x.sock")["hint"]
        assert assistant.call("start", instance=served.instance.id)["instance"] == served.instance.id


def test_without_the_extra_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "mcp_types.py").write_text("raise ModuleNotFoundError('gone', name='mcp_types')\n")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{SRC}"}
    line = [sys.executable, "-m", "krach", "mcp"]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60, check=False, input="")
    assert done.returncode == 1 and "pip install 'krach-plugin[mcp]'" in done.stderr, done.stderr
    assert "needs mcp_types" in done.stderr and "Traceback" not in done.stderr


def test_without_a_plugin_the_server_says_how_to_get_one(tmp_path: Path) -> None:
    nowhere = {each: str(tmp_path) for each in ("XDG_RUNTIME_DIR", "HOME", "TMPDIR")}
    with Assistant("mcp", **nowhere) as assistant:
        for tool in ("start", "status", "stop"):
            assert "krach serve" in assistant.refused(tool)["hint"]
