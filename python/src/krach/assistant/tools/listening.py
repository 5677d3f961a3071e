"""What it sounds like."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from krach.assistant.desk import Desk
from krach.assistant.loudness import loudness, peak
from krach.assistant.onsets import onsets
from krach.assistant.picture import spectrogram
from krach.assistant.registry import Answer, Tool, tool
from krach.assistant.rendering import MOST_NODES, Rendered, rendered

TOOLS: dict[str, Tool] = {}

_TOO_LOUD = 0.0


@tool(TOOLS, changes=False, slow=True)
def listen(
    desk: Desk,
    *,
    bars: Annotated[float, Field(gt=0, le=64, description="So many cycles; 120 seconds at most.")] = 4,
    begin: Annotated[
        float | None,
        Field(ge=0, le=1e6, description="Position of the first one, in cycles; left out: the present one."),
    ] = None,
    picture: Annotated[bool, Field(description="With a spectrogram as PNG.")] = True,
) -> Answer:
    """Hear what plays now: it is rendered offline, and nothing of what plays is touched.

    Of the whole and of each node: sample peak (dBFS), loudness (LUFS, ITU-R BS.1770), onsets that are heard, and of the
    pattern those that it begins. Silent nodes and clipping are named. The spectrogram has time to the right and 30 Hz
    to 16 kHz upwards. Music for streaming lies near -14 LUFS; before mastering -20 is fine.
    """
    made = rendered(desk, bars, begin)
    meant = _begins(desk, made)
    nodes: dict[str, Any] = {}
    for name, sound in made.nodes.items():
        heard = [made.begin + each / made.seconds_per_cycle for each in onsets(sound, made.lead)]
        own = sound[made.lead :]
        nodes[name] = {"peak_dbfs": peak(own), "loudness_lufs": loudness(own)}
        nodes[name]["onsets_heard"] = [round(each, 3) for each in heard]
        if name in meant:
            nodes[name]["pattern_begins"] = meant[name]
    data: dict[str, Any] = {
        "begin_cycles": made.begin,
        "cycles": made.cycles,
        "seconds": round(made.cycles * made.seconds_per_cycle, 3),
        "peak_dbfs": peak(made.main),
        "loudness_lufs": loudness(made.main),
        "nodes": nodes,
    }
    remarks = _remarks(data)
    data["remarks"] = remarks
    images = [spectrogram(made)] if picture else []
    return Answer("\n".join([*_lines(data), *remarks]), data, images)


def _begins(desk: Desk, made: Rendered) -> dict[str, list[float]]:
    """Return when the patterns begin notes and hits on nodes, in cycles."""
    found: dict[str, set[Fraction]] = {}
    end = made.begin + made.cycles
    for slot, plays in desk.session.slots.items():
        if not plays:
            continue
        origin = desk.session.query(slot, 0, 0).get("origin") or 0.0
        events = desk.session.query(slot, made.begin - origin, end - origin).events
        for each in events:
            value: dict[str, Any] = each["value"]
            label = str(value.get("label", ""))
            if not each["onset"] or label.rpartition("/")[2] != "gate" or not value.get("value"):
                continue
            node = label.rpartition("/")[0] or slot
            found.setdefault(node, set()).add(Fraction(*each["whole"][0]) + Fraction(origin))
    return {node: [round(float(each), 3) for each in sorted(times)] for node, times in found.items()}


def _remarks(data: dict[str, Any]) -> list[str]:
    found: list[str] = []
    if data["peak_dbfs"] is None:
        found.append("nothing is heard: does a pattern play, are nodes muted, is a fader at 0?")
    elif data["peak_dbfs"] > _TOO_LOUD:
        found.append(f"the whole clips, {data['peak_dbfs']:g} dBFS: turn faders down")
    for name, node in data["nodes"].items():
        begins = node.get("pattern_begins")
        if begins and node["peak_dbfs"] is None:
            found.append(f"{name} is silent, though its pattern begins {len(begins)} notes")
    if len(data["nodes"]) == MOST_NODES:
        found.append(f"only the first {MOST_NODES} nodes were listened to one by one")
    return found


def _lines(data: dict[str, Any]) -> list[str]:
    end = data["begin_cycles"] + data["cycles"]
    lines = [f"cycles {data['begin_cycles']:g} to {end:g}, {data['seconds']:g} s: {_levels(data)}"]
    for name, node in data["nodes"].items():
        heard = node["onsets_heard"]
        line = f"{name}: {_levels(node)}; {len(heard)} onsets heard"
        if "pattern_begins" in node:
            line += f", the pattern begins {len(node['pattern_begins'])}"
        shown = " ".join(f"{each:g}" for each in heard[:32])
        lines.append(f"{line}{': ' + shown if shown else ''}{' …' if len(heard) > 32 else ''}")
    return lines


def _levels(data: dict[str, Any]) -> str:
    if data["peak_dbfs"] is None:
        return "silent"
    loud = (
        "too short or soft to have a loudness" if data["loudness_lufs"] is None else f"{data['loudness_lufs']:g} LUFS"
    )
    return f"peak {data['peak_dbfs']:g} dBFS, {loud}"
