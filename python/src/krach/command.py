"""The command ``krach``."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from pathlib import Path

import krach

from . import places, run, sounding
from .client import folders, instances
from .error import KrachError, NothingPlays

_HOSTS = """Bitwig Studio finds it by itself: add krach (the CLAP) as an instrument to a track.
Reaper: Preferences > Plug-ins > CLAP (or VST) > Re-scan, then insert "CLAPi: krach" on a track."""


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line.

    >>> krach.command.parser().parse_args(["run", "song.py", "8"]).arguments
    ['8']
    """
    top = argparse.ArgumentParser(prog="krach", description="Live-code the plugin. Without a command: the prompt.")
    top.add_argument("--instance", metavar="NAME", help="name, id or socket path; else $KRACH_INSTANCE or the only one")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("instances", help="list the instances")
    commands.add_parser("attach", help="the prompt, on this instance").add_argument("name")
    one = commands.add_parser("run", help="run a file (- is standard input); an error ends with code 1")
    one.add_argument("file")
    one.add_argument("arguments", nargs=argparse.REMAINDER)
    commands.add_parser("watch", help="run a file at each save, as one change").add_argument("file")
    send = commands.add_parser("send", help="evaluate a block from standard input in the running prompt")
    send.add_argument("--file", default="<sent>", help="where the block is from")
    send.add_argument("--line", type=int, default=1, help="its first line there")
    commands.add_parser("serve", help="an instance without a DAW", add_help=False)
    offline = commands.add_parser("render", help="run a file and write what plays, offline")
    offline.add_argument("file")
    offline.add_argument("-o", "--out", default="out.wav")
    offline.add_argument("--bars", type=float, default=16)
    offline.add_argument("--bpm", type=float, default=120)
    offline.add_argument(
        "--stems", metavar="DIR", help="write each stem into this folder; the WAV has the main output alone"
    )
    offline.add_argument("arguments", nargs="*")
    model = commands.add_parser("mcp", help="let an assistant at the session, over standard input and output (MCP)")
    model.add_argument("--folder", action="append", default=[], help="a folder beside ~/.krach that it may use")
    commands.add_parser("doctor", help="say what is where, and try a round trip")
    commands.add_parser("install", help="put the plugin where hosts look")
    commands.add_parser("uninstall", help="take it away again")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status.

    >>> krach.command.main(["--instance", kr.id, "run", "/nowhere.py"])
    1
    """
    options, rest = parser().parse_known_args(arguments)
    if options.command == "render" and not any(each.startswith("-") for each in rest):
        # The file's arguments may stand behind the options, too.
        options.arguments += rest
        rest = []
    if rest and options.command != "serve":
        parser().error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        status = _do(options, rest)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Who reads has enough, as `head`; what is left is written to nobody when the program ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except SystemExit:
        raise
    except Exception as error:
        print(run.told(error, getattr(options, "file", None), plays=options.command != "render"), file=sys.stderr)
        return 1


def _do(options: argparse.Namespace, rest: list[str]) -> int:
    match options.command:
        case "instances":
            print(run.listed())
        case "run":
            session = _session(options.instance, wait=True)
            run.run_file(session, options.file, options.arguments)
        case "watch":
            run.watch(_session(options.instance, wait=True), options.file)
        case "send":
            from .repl.sending import send  # noqa: PLC0415

            done, text = send(sys.stdin.read(), options.file, options.line)
            print(text, end="", file=sys.stdout if done else sys.stderr)
            return 0 if done else 1
        case "serve":
            run.serve(rest)
        case "render":
            run.render(options.file, options.out, options.bars, options.bpm, options.arguments, options.stems)
        case "mcp":
            _assistant(options.instance, options.folder)
        case "doctor":
            return doctor()
        case "install" | "uninstall" as what:
            done = places.install() if what == "install" else places.uninstall() or ["nothing was there"]
            print(*done, *([_HOSTS] if what == "install" else []), sep="\n")
        case _:
            return _prompt(getattr(options, "name", None) or options.instance)
    return 0


def _session(name: str | None, wait: bool | None = None) -> krach.Session:
    """Attach the session that ``from krach import kr`` gives, too."""
    if name is not None:
        os.environ["KRACH_INSTANCE"] = name
    krach.kr.wait(wait)
    return krach.kr


def _assistant(name: str | None, folders: list[str]) -> None:
    try:
        from .assistant.server import serve  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "krach":
            raise
        hint = "pip install 'krach-plugin[mcp]'"
        raise NothingPlays(f"`krach mcp` needs {error.name}", hint=hint) from None
    serve(name, folders)


def _prompt(name: str | None) -> int:
    if name is None and len(instances()) > 1 and sys.stdin.isatty():
        live = instances()
        for number, each in enumerate(live, 1):
            print(f"{number}  {each}")
        answer = input("which? ").strip()
        name = live[int(answer) - 1].id if answer.isdecimal() and 0 < int(answer) <= len(live) else answer
    try:
        from .repl.prompt import start  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "IPython":
            raise
        raise NothingPlays("the prompt needs IPython", hint="pip install 'krach-plugin[repl]'") from None
    session = _session(name, wait=False)
    session.attach(name)
    start(session)
    return 0


def doctor() -> int:
    """Say what is where, and try a round trip; return 0 if all is well.

    >>> krach.command.doctor()  # doctest: +ELLIPSIS
    python ...
    0
    """
    good = True

    def say(what: str, text: object, is_good: bool = True) -> None:
        nonlocal good
        good = good and is_good
        print(f"{what:<12}{str(text).replace(chr(10), chr(10) + 12 * ' ')}{'' if is_good else '   <- here'}")

    say("python", f"{platform.python_version()} ({sys.executable})")
    import importlib.metadata  # noqa: PLC0415 - it takes long, and only this needs it

    try:
        other = importlib.metadata.version("krach")
        say("package", f"krach {other}, an older program of this name: pip uninstall krach", False)
    except importlib.metadata.PackageNotFoundError:
        say("package", places.PACKAGED.parent)
    for what, find in (("krach-host", places.host), *((each, _bundle(each)) for each in places.FORMATS)):
        try:
            say(what, find())
        except KrachError as error:
            say(what, error)
    for kind in places.FORMATS:
        there = places.plugin_folder(kind) / f"krach.{kind}"
        say("installed", there if there.exists() else f"{there} is not there (krach install)")
    own = "krach's own: FAUST's are not there, and few texts need them (Debian: apt install faust-common)"
    say("libraries", sounding.libraries() or own)
    for folder in folders():
        say("registry", folder if folder.is_dir() else f"{folder} is not there")
    for each in instances():
        begin = time.perf_counter()
        session = krach.Session(each.socket)
        tempo = session.tempo
        say("instance", f"{each}: answers in {(time.perf_counter() - begin) * 1000:.1f} ms, tempo {tempo:g}")
        sounds = Path(session.connection.greeting["dsp_dir"] or "")
        say(
            "",
            f"sounds of your own: {sounds}{'' if sounds.is_dir() else ' (not there yet: for .dsp files)'}",
        )
        for line in (*sounding.sounding(session), *session.problems):
            say("", line)
        session.close()
    if not instances():
        say("instance", run.listed().replace("\n", "; "), False)
    return 0 if good else 1


def _bundle(kind: str):
    return lambda: places.bundle(kind)
