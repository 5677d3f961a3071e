"""dawdreamer: a JUCE host with a tempo and a transport that plays."""

import gc
import json
import shutil
from pathlib import Path

import dawdreamer
import numpy as np
import pytest
from krach_session import GATE, Arrivals, atom, chunk_in, clicks, gone, onsets, opens, song, vst3_preset

RATE = 48_000


class Guest:
    """An instance in an engine of its own, and a connection to it."""

    def __init__(self, plugin: str, registry, buffer_size: int = 256) -> None:
        arrivals = Arrivals(registry)
        self.engine = dawdreamer.RenderEngine(RATE, buffer_size)
        self.plugin = self.engine.make_plugin_processor("krach", plugin)
        self.client = arrivals.client()
        self.engine.load_graph([(self.plugin, [])])

    def play(self, seconds: float) -> np.ndarray:
        self.engine.render(seconds)
        return self.engine.get_audio()

    def settle(self, step: float, tempo: float) -> None:
        """Has what was sent adopted, and ends between two clicks that are `step` quarter notes apart.

        Every render starts at the song's start again.
        """
        self.play(0.75 * step * 60 / tempo)

    def index(self, name: str) -> int:
        described = self.plugin.get_parameters_description()
        return next(entry["index"] for entry in described if entry["name"] == name)


@pytest.fixture
def guest(plugin, registry):
    there = Guest(plugin, registry)
    yield there
    there.client.close()


@pytest.mark.parametrize("buffer_size", [64, 256, 1024])
def test_a_click_per_beat_at_137_bpm_lands_on_its_sample(plugin, registry, buffer_size):
    there = Guest(plugin, registry, buffer_size)
    there.client.tell(clicks(4))
    there.engine.set_bpm(137.0)
    there.settle(1.0, 137.0)
    heard = there.play(8.0)
    assert opens(heard[0]) == onsets(137.0, RATE, heard.shape[1])
    assert np.array_equal(heard[0], heard[1])
    there.client.close()


def test_a_tempo_that_is_set_anew_is_followed(guest):
    guest.client.tell(clicks(8))
    for tempo in (60.0, 97.3, 174.0):
        guest.engine.set_bpm(tempo)
        guest.settle(0.5, tempo)
        heard = guest.play(4.0)
        assert opens(heard[0]) == onsets(tempo, RATE, heard.shape[1], step=0.5), tempo


def test_tempo_automation_loses_and_repeats_no_onset(guest):
    guest.client.tell(clicks(16))
    guest.settle(0.25, 120.0)
    ppqn = 960
    # A bar at 120, then a bar at 90, in steps of the host's own resolution.
    tempo = np.concatenate([np.full(4 * ppqn, 120.0), np.full(8 * ppqn, 90.0)]).astype(np.float32)
    guest.engine.set_bpm(tempo, ppqn=ppqn)
    heard = guest.play(2.0 + 4 * 60 / 90)
    found = opens(heard[0])
    exact = [6_000 * n for n in range(16)] + [96_000 + 8_000 * n for n in range(16)]
    # The host tells a tempo once per block: up to one block late where it changes.
    assert len(found) == len(exact)
    assert max(abs(a - b) for a, b in zip(found, exact)) <= 256


def test_a_parameter_is_automated_by_the_host(guest):
    guest.client.tell([GATE, {"cmd": "SetPattern", "slot": "x", "pattern": atom("x/gate", 0.5)}])
    guest.play(0.25)
    curve = np.full(RATE * 2, 0.875, dtype=np.float32)
    curve[RATE:] = 0.0
    guest.plugin.set_automation(guest.index("Master"), curve)
    heard = guest.play(2.0)[0]
    assert heard[RATE - 1_000] == pytest.approx(0.5, rel=1e-3)
    assert not heard[RATE + 2_000 :].any()


def test_a_state_comes_back_in_another_instance(guest, plugin, registry, tmp_path):
    guest.client.tell(clicks(12))
    guest.engine.set_bpm(120.0)
    guest.settle(1 / 3, 120.0)
    heard = guest.play(4.0)
    assert len(opens(heard[0])) == 24
    saved, preset = tmp_path / "krach.state", tmp_path / "krach.vstpreset"
    guest.plugin.save_state(str(saved))
    # Its own way to load that opens the plugin's window, for which there may be no screen.
    preset.write_bytes(vst3_preset(chunk_in(saved.read_bytes())))
    other = Guest(plugin, registry)
    assert other.plugin.load_vst3_preset(str(preset))
    other.engine.set_bpm(120.0)
    other.settle(1 / 3, 120.0)
    assert opens(other.play(4.0)[0]) == opens(heard[0])
    other.client.close()


def test_two_instances_with_scenes_and_macros_come_back_and_sound_the_same_bit_for_bit(plugin, registry, tmp_path):
    at = {"macro": RATE // 2, "chorus": RATE, "again": RATE * 3 // 2, "verse": RATE * 2}

    def perform(there: Guest) -> np.ndarray:
        """The host says parameters once per block: in blocks of 64 it does so on the frames of `at`."""
        frames = np.arange(RATE * 5 // 2)
        cutoff = np.select([frames < at["macro"], frames < at["again"]], [0.0, 0.75], 0.5)
        scene = np.select([frames < at["chorus"], frames < at["verse"]], [1, 2], 1) / 127
        for index, curve in ((0, cutoff), (there.index("Scene"), scene)):
            assert there.plugin.set_automation(index, curve.astype(np.float32))
        return there.play(2.5)[0]

    first = [Guest(plugin, registry, 64) for _ in range(2)]
    states, heard = [], []
    for number, (scale, there) in enumerate(zip((1.0, 0.5), first)):
        for line in song(scale):
            if line["method"] == "sync":
                there.play(0.1)
            there.client.tell([line])
        there.play(0.2)
        saved = tmp_path / f"{number}.state"
        there.plugin.save_state(str(saved))
        states.append(chunk_in(saved.read_bytes()))
    for scale, there in zip((1.0, 0.5), first):
        left = perform(there)
        before = lambda name: left[at[name] - 1]
        assert before("macro") == 0.25 * scale and left[at["macro"]] == 0.75 * scale, "the macro moves on its sample"
        assert before("chorus") == 0.75 * scale and left[at["chorus"]] != before("chorus"), "so does the scene"
        assert before("again") == (0.25 + 0.0625) * scale, "with its own values"
        assert left[at["again"]] == (0.5 + 0.0625) * scale
        assert left[-1] == 0.25 * scale
        heard.append(left)
    again = [Guest(plugin, registry, 64) for _ in range(2)]
    for number, (state, there) in enumerate(zip(states, again)):
        preset = tmp_path / f"{number}.vstpreset"
        preset.write_bytes(vst3_preset(state))
        assert there.plugin.load_vst3_preset(str(preset))
        there.play(0.2)
        listed = there.client.ask({"jsonrpc": "2.0", "id": 1, "method": "scenes", "params": {}})["result"]
        assert listed["current"] == "verse" and not listed["changed"]
    for before, there in zip(heard, again):
        assert np.array_equal(perform(there).view(np.uint32), before.view(np.uint32))
    for there in first + again:
        there.client.close()


def test_two_instances_in_one_graph_play_together_and_apart(plugin, registry):
    engine = dawdreamer.RenderEngine(RATE, 512)
    clients = []
    pair = []
    for name, count in (("a", 4), ("b", 12)):
        arrivals = Arrivals(registry)
        pair.append(engine.make_plugin_processor(name, plugin))
        clients.append(arrivals.client())
        clients[-1].tell(clicks(count))
    for processor in pair:
        processor.record = True
    engine.load_graph([(pair[0], []), (pair[1], [])])
    engine.set_bpm(120.0)
    # Between clicks of both.
    engine.render(0.375)
    engine.render(4.0)
    for processor, step in zip(pair, (1.0, 4 / 12)):
        heard = processor.get_audio()
        assert opens(heard[0]) == onsets(120.0, RATE, heard.shape[1], step=step)
    addresses = [client.address for client in clients]
    for client in clients:
        client.close()
    del processor, engine
    pair.clear()
    gc.collect()
    assert all(gone(address) for address in addresses)


def test_the_same_song_renders_to_the_same_samples(guest):
    guest.client.tell(clicks(16))
    guest.engine.set_bpm(133.0)
    guest.settle(0.25, 133.0)
    first, second = guest.play(3.0), guest.play(3.0)
    assert first.any()
    assert np.array_equal(first, second)


@pytest.fixture
def effect(plugin, registry, tmp_path):
    """The effect: this host takes the first plugin that a bundle lists, so here is one that lists no other."""
    bundle = tmp_path / "krach-fx.vst3"
    shutil.copytree(plugin, bundle, copy_function=lambda source, to: Path(to).symlink_to(Path(source).resolve()))
    binary = next(path for path in (bundle / "Contents").rglob("krach*") if path.is_file())
    binary.rename(binary.with_stem("krach-fx"))
    listed = {
        "CID": "4B72616368417564696F456666656374",
        "Category": "Audio Module Class",
        "Name": "krach FX",
        "Vendor": "krach",
        "Version": "1",
        "SDKVersion": "VST 3.7",
        "Sub Categories": ["Fx", "Stereo"],
        "Class Flags": 0,
        "Cardinality": 2147483647,
        "Snapshots": [],
    }
    flags = {"Unicode": True, "Classes Discardable": False, "Component Non Discardable": False}
    info = {
        "Name": "krach",
        "Version": "1",
        "Factory Info": {"Vendor": "krach", "URL": "", "E-Mail": "", "Flags": flags},
        "Compatibility": [],
        "Classes": [listed],
    }
    resources = bundle / "Contents" / "Resources"
    resources.mkdir(exist_ok=True)
    (resources / "moduleinfo.json").write_text(json.dumps(info))
    there = Guest(str(bundle), registry)
    yield there
    there.client.close()


def test_the_effect_lets_its_input_pass_and_a_node_takes_it(effect):
    sound = np.random.default_rng(7).uniform(-0.9, 0.9, (2, 2 * RATE)).astype(np.float32)
    assert effect.plugin.get_num_input_channels() == 2 and effect.plugin.get_latency_samples() == 0
    player = effect.engine.make_playback_processor("sound", sound)
    effect.engine.load_graph([(player, []), (effect.plugin, ["sound"])])
    assert np.array_equal(effect.play(1.0).view(np.uint32), sound[:, :RATE].view(np.uint32))
    node = {"name": "in", "source": "adc_input", "gain": 0.5}
    effect.client.tell([{"jsonrpc": "2.0", "id": 1, "method": "node", "params": node}])
    effect.play(1.0)
    assert np.array_equal(effect.play(1.0), np.float32(0.5) * sound[:, :RATE])
