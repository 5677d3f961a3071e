"""The calls that make a module, as text: each is made of a proxy while it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, cast

from krach.ir.module import DEFAULT_GAIN, Frozen, ModuleIr, Node, PatternEntry, SubModule
from krach.ir.scenes import scenes_of
from krach.ir.signal import DspGraph
from krach.pattern import Pattern
from krach.pattern.source import source

from .export_names import LINE, Names, literal
from .module_settings import FORMAT, SETTINGS
from .modules import ModuleProxy

_TYPE = "faust:"
_OPTIONS = ("stereo", "stem", "legato", "rest", "settings")


class Calls:
    """Writes modules as functions, those within others first."""

    def __init__(self, names: Names, modules: list[str]) -> None:
        """Take the names of the script, and the list that functions are added to."""
        self.names, self.modules = names, modules
        self.proxy = ModuleProxy()
        self.lines: list[str] = []
        self.krach: Mapping[str, Any] = {}

    def expression(self, ir: ModuleIr, name: str) -> str:
        """Write the function that makes a module; return the expression that is the module."""
        self._write(ir)
        other = _other_fields(ir, self.proxy.build())
        section = other.pop("krach", None)
        if section is not None:
            self._call("krach", [literal(section)], lambda m: m.krach(section))
        function = self.names.new(name, "scene")
        body = "".join(f"    {line}\n" for line in self.lines) or "    pass\n"
        self.modules.append(f"@krach.module\ndef {function}(m):\n{body}")
        if not other:
            return f"{function}()"
        inner = "".join(f"    {field}={text},\n" for field, text in other.items())
        return f"replace(\n    {function}(),\n    # What no call holds.\n{inner})"

    def _within(self, ir: ModuleIr, name: str) -> str:
        return Calls(self.names, self.modules).expression(ir, name).replace("\n", "\n        ")

    def _write(self, ir: ModuleIr) -> None:
        self.krach = {} if ir.krach is None else ir.krach.to_dict()
        for sub in ir.sub_modules:
            inner = self._within(sub.module, sub.prefix)
            self._call("sub", [literal(sub.prefix), inner], lambda m, sub=sub: m.sub(sub.prefix, sub.module))
        for node in ir.nodes:
            self._node(node)
        self._routes(ir)
        for entry in ir.patterns:
            self._play(entry)
        self._hushed()
        self._controls(ir)
        self._heads(ir)
        for scene in scenes_of(ir):
            args = [literal(scene.name), self._within(scene.module, scene.name), f"number={scene.number}"]
            self._call("save", args, lambda m, s=scene: m.save(s.name, s.module, s.number))
        self._from_outside()

    def _hushed(self) -> None:
        for slot, entry in self.krach.get("slots", {}).items():
            if entry.get("hushed"):
                self._call("hush", [literal(slot)], lambda m, slot=slot: m.hush(slot))

    def _controls(self, ir: ModuleIr) -> None:
        for c in ir.controls:
            self._call("set", [literal(c.path), literal(c.value)], lambda m, c=c: m.set(c.path, c.value))
        for a in ir.automations:
            args = [literal(a.path), literal(a.shape), *(f"{n}={literal(getattr(a, n))}" for n in ("lo", "hi", "bars"))]
            self._call("mod", args, lambda m, a=a: m.mod(a.path, a.shape, a.lo, a.hi, a.bars))
        for path, entry in self.krach.get("automations", {}).items():
            self._own_automation(path, entry)
        for muted in ir.muted:
            self._call("mute", [literal(muted.name)], lambda m, muted=muted: m.mute(muted.name))

    def _heads(self, ir: ModuleIr) -> None:
        for name in ("tempo", "meter", "master"):
            value = getattr(ir, name)
            if value is not None:
                setattr(self.proxy, name, value)
                self.lines.append(f"m.{name} = {literal(value)}")
        for name in ("inputs", "outputs"):
            names: tuple[str, ...] | None = getattr(ir, name)
            if names is not None:
                self._call(name, [literal(each) for each in names], lambda m, n=name, s=names: getattr(m, n)(*s))

    def _call(self, name: str, args: list[str], call: Callable[[ModuleProxy], object]) -> None:
        """Write a call, if the proxy takes it: what it refuses is put in as it is."""
        try:
            call(self.proxy)
        except (ValueError, TypeError):
            return
        line = f"m.{name}({', '.join(args)})"
        if len(line) > LINE and not any("\n" in arg for arg in args):
            line = f"m.{name}(\n" + "".join(f"        {arg},\n" for arg in args) + "    )"
        self.lines.append(line)

    def _named(self, name: str, args: list[Any], named: Mapping[str, Any]) -> None:
        """Write a call of plain values."""
        texts = [*map(literal, args), *(f"{key}={literal(value)}" for key, value in named.items())]
        self._call(name, texts, lambda m: getattr(m, name)(*args, **named))

    def _node(self, node: Node) -> None:
        is_function = False
        if isinstance(node.source, DspGraph):
            made, is_function = self.names.graph(node.source, node.source_text, node.name)
        else:
            made = self.names.text(node.source, node.name)
        args = [literal(node.name), made]
        args += [] if node.gain == DEFAULT_GAIN else [f"gain={literal(node.gain)}"]
        args += [] if node.count == 1 else [f"count={node.count}"]
        args += [f"init={literal(dict(node.init))}"] if node.init else []
        more = self.krach.get("nodes", {}).get(node.name, {})
        options: dict[str, Any] = {name: more[name] for name in _OPTIONS if more.get(name) is not None}
        options |= {"to_master": False} if more.get("off_master") else {}
        args += [f"{name}={literal(value)}" for name, value in options.items()]
        if node.source_text and not is_function:
            args.append(f"source_text={self.names.text(node.source_text, f'{node.name}_text')}")

        def call(m: ModuleProxy) -> None:
            m.node(node.name, node.source, node.gain, node.count, dict(node.init), **options)

        self._call("node", args, call)
        if more.get("solo"):
            self._call("solo", [literal(node.name)], lambda m: m.solo(node.name))

    def _routes(self, ir: ModuleIr) -> None:
        for r in ir.routing:
            args = [literal(r.source), literal(r.target), *([] if r.level == 1 else [f"level={literal(r.level)}"])]
            if r.kind == "send":
                self._call("send", args, lambda m, r=r: m.send(r.source, r.target, r.level))
            else:
                args += [f"port={literal(r.port)}"]
                self._call("connect", args, lambda m, r=r: m.connect(r.source, r.target, r.level, r.port))

    def _play(self, entry: PatternEntry) -> None:
        try:
            pattern = Pattern.from_dict(entry.pattern)
            swing = entry.swing if isinstance(entry.swing, int | float | None) else entry.swing.to_dict()
        except ValueError:
            return
        from_zero = bool(self.krach.get("slots", {}).get(entry.target, {}).get("from_zero"))
        args = [literal(entry.target), source(pattern), *(["from_zero=True"] if from_zero else [])]
        args += [] if swing is None else [f"swing={literal(swing)}"]
        self._call("play", args, lambda m: m.play(entry.target, pattern, from_zero, swing))

    def _own_automation(self, path: str, entry: Mapping[str, Any]) -> None:
        """Write an automation that the list of the document does not hold."""
        shape, more = entry.get("shape"), {key: entry[key] for key in ("lo", "hi", "bars") if key in entry}
        more |= {"secs": entry["period_secs"]} if "period_secs" in entry else {}
        match shape:
            case {"pulse": {"duty": duty}}:
                shape, more = "pulse", more | {"duty": duty}
            case {"custom": {"table": table}}:
                shape, more = "custom", more | {"table": table}
            case _:
                pass
        self._named("mod", [path, shape], more | ({"one_shot": True} if entry.get("one_shot") else {}))

    def _from_outside(self) -> None:
        """Write what the host moves and plays, and what belongs to the session as a whole."""
        for macro in self.krach.get("macros", []):
            named = {key: macro[key] for key in ("name", "unit") if macro.get(key)}
            for target in macro.get("targets", []) or [None]:
                args: list[Any] = [macro["number"]]
                if target is not None:
                    args += [target["label"], target["lo"], target["hi"]]
                    named |= {"curve": target["curve"]} if "curve" in target else {}
                self._named("macro", args, named)
                named = {}
        for entry in self.krach.get("midi_maps", []):
            channel = {"channel": entry["channel"]} if entry.get("channel") else {}
            self._named("midi_map", [entry["cc"], entry["label"], entry["lo"], entry["hi"]], channel)
        for route in self.krach.get("note_routes", []):
            self._named("midi_route", [route["node"], *([route["channel"]] if "channel" in route else [])], {})
        for type_id, entry in self.krach.get("sources", {}).items():
            if type_id.startswith(_TYPE):
                self._define(type_id.removeprefix(_TYPE), entry)
        settings = {name: self.krach[name] for name in SETTINGS if name in self.krach}
        if settings:
            self._named("settings", [], settings)

    def _define(self, name: str, entry: Mapping[str, Any]) -> None:
        imports: Mapping[str, str] = entry.get("imports") or {}
        named = {"own": bool(entry.get("own")), "factory": bool(entry.get("factory"))}
        args = [literal(name), self.names.text(entry["text"], name)]
        if imports:
            texts = (f"{literal(file)}: {self.names.text(text, file)}" for file, text in imports.items())
            args.append(f"imports={{{', '.join(texts)}}}")
        args += [] if named["own"] else ["own=False"]
        args += ["factory=True"] if named["factory"] else []
        self._call("define", args, lambda m: m.define(name, entry["text"], imports, **named))


def _other_fields(ir: ModuleIr, made: ModuleIr) -> dict[str, Any]:
    """Return what the calls have not made: fields as texts, and entries of the section ``krach`` as they are."""
    wanted = ir.to_dict()
    other: dict[str, Any] = {}
    for f in fields(ir):
        ours, theirs = _plain(getattr(ir, f.name)), _plain(getattr(made, f.name))
        if ours == theirs:
            continue
        if f.name == "other":
            known = {each.name for each in fields(ir)}
            other["other"] = f"krach.Frozen({literal({k: v for k, v in wanted.items() if k not in known})})"
        elif f.name == "krach":
            section = cast("dict[str, Any]", wanted.get("krach", {}))
            have = cast("dict[str, Any]", theirs or {})
            missing = [key for key in cast("dict[str, Any]", ours or {}) if key not in have or ours[key] != have[key]]
            other["krach"] = {key: section[key] for key in missing if key in section}
            if "scenes" in missing and "scene_texts" in section:
                other["krach"]["scene_texts"] = section["scene_texts"]
        else:
            section = {f.name: wanted[f.name]} if f.name in wanted else {}
            other[f.name] = f"krach.ModuleIr.from_dict({literal(section)}).{f.name}"
    return other


def _plain(value: Any) -> Any:
    """Return a field without what does not sound: texts of functions, and the pieces of text of patterns."""
    match value:
        case ModuleIr():
            return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
        case Node():
            return replace(value, source_text="", num_inputs=0)
        case PatternEntry():
            return (value.target, _pattern(value.pattern), value.swing, value.other)
        case SubModule():
            return (value.prefix, _plain(value.module), value.other)
        case tuple():
            return [_plain(each) for each in cast("tuple[Any, ...]", value)]
        case Frozen():
            return _plain_section(value) if "version" in value or "scenes" in value else value
        case _:
            return value


def _plain_section(krach: Frozen) -> dict[str, Any]:
    """Return the section ``krach``: scenes with their texts, and no entries that say nothing."""
    plain: dict[str, Any] = {"version": FORMAT} | krach.to_dict()
    for section in ("nodes", "slots"):
        plain[section] = {key: entry for key, entry in plain.get(section, {}).items() if entry}
    for section in ("nodes", "slots", "automations", "macros", "midi_maps", "note_routes", "sources"):
        if not plain.get(section):
            plain.pop(section, None)
    plain.pop("scene_texts", None)
    if plain.get("scenes"):
        scenes = scenes_of(ModuleIr(krach=krach))
        plain["scenes"] = [(each.number, each.name, _plain(each.module), each.other) for each in scenes]
    return plain


def _pattern(data: Frozen) -> Any:
    try:
        return Pattern.from_dict(data)
    except ValueError:
        return data
