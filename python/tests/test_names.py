"""Every name of the client that scripts rely on is there, with its parameters."""

import importlib
import inspect
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import krach
from krach import ModuleProxy, Session, SubModuleRef, krp, krs
from krach.session.handles import ModuleHandle, NodeHandle
from krach.session.nodes import Control

CALLS: Mapping[str, str] = {
    "node": "name source gain count init stereo to_master stem settings rest legato controls at dry_run",
    "connect": "level port at dry_run",
    "wire": "port at dry_run",
    **dict.fromkeys(
        ["remove", "send", "disconnect", "unsend", "gain", "mute", "unmute", "solo", "unsolo"], "at dry_run"
    ),
    **dict.fromkeys(["is_muted", "node_controls", "describe"], ""),
    "input": "on channel at dry_run",
    "set": "path value at dry_run",
    "fade": "path target bars beats secs at dry_run",
    "mod": "path shape lo hi bars secs duty table one_shot at dry_run",
    "unmod": "path at dry_run",
    **dict.fromkeys(
        ["mod_sine", "mod_tri", "mod_ramp", "mod_ramp_down", "mod_square", "mod_exp"], "path lo hi bars more"
    ),
    "midi_map": "cc path lo hi channel at dry_run",
    "midi_learn": "path",
    "midi_route": "node channel at dry_run",
    "macro": "n path lo hi curve name at dry_run",
    "unmacro": "n at dry_run",
    "play": "target pattern from_zero swing at dry_run",
    "hush": "target at dry_run",
    "stop": "at dry_run",
    "query": "target begin end",
    "load": "ir keep at dry_run",
    "instantiate": "ir prefix at dry_run",
    **dict.fromkeys(["clear", "undo", "redo", "panic"], "at dry_run"),
    **dict.fromkeys(
        [
            "capture",
            "history",
            "sync",
            "rebuild",
            "types",
            "trace",
            "module",
            "instances",
            "replay",
            "sources",
            "effects",
            "pull",
        ],
        "",
    ),
    "export": "path",
    "crossfade": "beats secs at dry_run",
    "limiter": "on at dry_run",
    "save": "name ir number transport at dry_run",
    "recall": "fade groups at dry_run",
    "scene": "",
    **dict.fromkeys(["rename_scene", "delete_scene"], "at dry_run"),
    "source": "type",
    "define": "name text",
    "compile": "text",
    "bounce": "target bars path",
    "open_file": "file at dry_run",
    "save_file": "file overwrite",
    "session_files": "",
    "attach": "name",
    **dict.fromkeys(["voice", "bus", "get_ctrl"], ""),
    "at": "when",
    "batch": "at dry_run",
    "transition": "bars beats at dry_run",
}
PROPERTIES = (
    "tempo meter master free_run seed start nodes slots scenes routing macros position problems name ctrl_values"
)
SIGNALS = """
control sr mem delay feedback rwtable rdtable sine_osc saw square triangle phasor wavetable lowpass
highpass bandpass resonant white_noise pink_noise adsr ar reverb echo chorus drive pan select2 sin
cos tan asin acos atan atan2 exp log log10 sqrt abs_ floor ceil round_ min_ max_ pow_ fmod remainder
clip faust_expr inspect graph render Signal
"""
BUILDERS = """
note hit seq rest cat stack struct p sine tri ramp ramp_down square exp rand midi_note cc osc ctrl
freeze mtof ftom parse_note scale chord arp
"""


@pytest.mark.parametrize("name", CALLS)
def test_a_call_has_its_parameters(name: str) -> None:
    call = getattr(Session, name)
    has = set(inspect.signature(call).parameters) if callable(call) else set[str]()
    assert set(CALLS[name].split()) <= has


def test_what_is_no_call_is_a_property() -> None:
    for name in PROPERTIES.split():
        assert isinstance(getattr(Session, name), property), name


def test_handles_and_proxies_have_their_names() -> None:
    operators = "__rshift__ __matmul__ __setitem__ __getitem__"
    for kind, names in (
        (NodeHandle, f"type controls peak playing error gain mute solo hush fade remove {operators}"),
        (ModuleHandle, f"input output inputs outputs nodes {operators}"),
        (ModuleProxy, "node send connect play set fade mod mute inputs outputs sub build"),
        (SubModuleRef, "input output"),
    ):
        assert [name for name in names.split() if not hasattr(kind, name)] == []
    fields = list(Control.__dataclass_fields__)
    assert fields == ["name", "path", "value", "min", "max", "default", "unit", "scale", "step", "labels", "moved_by"]


def test_sounds_and_patterns_have_their_names() -> None:
    assert [name for name in SIGNALS.split() if not hasattr(krs, name)] == []
    assert list(inspect.signature(krs.control).parameters) == ["name", "init", "lo", "hi", "step", "unit", "scale"]
    for where in (krp, Session):
        assert [name for name in BUILDERS.split() if not hasattr(where, name)] == []
    methods = "over fast slow shift early late reverse every spread thin swing mask sometimes query to_dict from_dict"
    assert [name for name in methods.split() if not hasattr(krp.Pattern, name)] == []


def test_import_paths_of_the_older_program_are_there() -> None:
    for path, names in (
        ("krach.ir.module", "ModuleIr prefix_ir flatten"),
        ("krach.ir.signal", "DspGraph"),
        ("krach.pattern.pattern", "Pattern"),
        ("krach.pattern.serialize", "dict_to_pattern_node pattern_node_to_dict"),
        ("krach.signal", "control"),
    ):
        module = importlib.import_module(path)
        assert [name for name in names.split() if not hasattr(module, name)] == []


def test_a_file_that_plays_nothing_reads_nothing_that_only_others_need() -> None:
    """Each of these takes some milliseconds, and `krach run` is waited for."""
    idle = (
        "krach.signal.library",
        "krach.pattern.lower",
        "krach.pattern.query",
        "krach.export_calls",
        "IPython",
        "mcp",
    )
    code = f"import sys, krach.command, krach.run; print([each for each in {idle} if each in sys.modules])"
    environment = os.environ | {"PYTHONPATH": str(Path(krach.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "[]\n"
    assert "lowpass" in dir(krach.krs) and callable(krach.krs.lowpass)
