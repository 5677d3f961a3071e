"""pedalboard: JUCE's VST3 host. Its transport stands still for ever, so krach runs free in it."""

import gc

import numpy as np
import pedalboard
import pytest
from krach_session import GATE, Arrivals, atom, chunk_in, clicks, gone, hits, opens, song

RATE = 48_000


class Guest:
    """An instance in the host, and a connection to it.

    The host waits up to `initialization_timeout` seconds for an instrument to sound; a session of nothing
    never does.
    """

    def __init__(self, plugin: str, registry, name: str = "krach") -> None:
        arrivals = Arrivals(registry)
        self.plugin = pedalboard.load_plugin(plugin, plugin_name=name, initialization_timeout=0.05)
        self.client = arrivals.client()

    def play(self, seconds: float, midi=(), buffer_size: int = 512) -> np.ndarray:
        return self.plugin.process(
            list(midi), duration=seconds, sample_rate=RATE, buffer_size=buffer_size, reset=False
        )

    def run_free(self) -> None:
        """Whatever was sent before it is adopted while time stands still."""
        self.play(0.1)
        self.plugin.free_run = True


@pytest.fixture
def guest(plugin, registry):
    there = Guest(plugin, registry)
    yield there
    there.client.close()


def test_it_is_an_instrument_with_all_its_parameters(guest):
    assert guest.plugin.is_instrument
    names = list(guest.plugin.parameters)
    assert len(names) == 68
    assert names[0] == "macro_1" and names[-4:] == ["master", "scene", "free_run", "panic"]
    assert guest.client.hello["engine"] == "krach-engine"


def test_free_run_clicks_on_its_samples_whatever_the_buffer(guest):
    guest.client.tell(clicks(16))
    assert not guest.play(0.5).any(), "the host stands still"
    guest.run_free()
    found = opens(guest.play(2.0, buffer_size=512)[0])
    assert found == [6_000 * n for n in range(16)]
    found = opens(guest.play(1.0, buffer_size=333)[0])
    assert found == [6_000 * n for n in range(8)]


def test_a_parameter_moves_the_sound(guest):
    guest.client.tell([GATE, {"cmd": "SetPattern", "slot": "x", "pattern": atom("x/gate", 0.5)}])
    guest.run_free()
    assert guest.play(0.2)[0][-1] == pytest.approx(0.5)
    guest.plugin.master = "-6.00 dB"
    assert guest.play(0.2)[0][-1] == pytest.approx(0.5 * 10 ** (-6 / 20), rel=1e-3)
    guest.plugin.master = "-inf dB"
    assert guest.play(0.2)[0][-1] == 0.0


def test_a_state_comes_back_in_another_instance(guest, plugin, registry):
    guest.client.tell(clicks(16))
    guest.plugin.scene = "Scene 7"
    guest.run_free()
    heard = guest.play(1.0)
    state = guest.plugin.raw_state
    assert chunk_in(state)[:8] == b"krach\0\x1a\n"

    other = Guest(plugin, registry)
    other.plugin.raw_state = state
    assert str(other.plugin.scene) == "Scene 7"
    # Free run is part of it: it plays at once, and the same.
    assert chunk_in(other.plugin.raw_state) == chunk_in(state)
    clicks_there = opens(other.play(1.0)[0])
    assert len(clicks_there) == len(opens(heard[0]))
    assert set(np.diff(clicks_there)) == {6_000}
    other.client.close()


def test_two_instances_with_scenes_and_macros_come_back_and_sound_the_same_bit_for_bit(plugin, registry):
    def perform(there: Guest) -> np.ndarray:
        """The macro moves, then the scenes, then the macro again: each between two renders."""
        heard = [there.play(0.5)]
        for name, value in (("cutoff", 0.75), ("scene", 2), ("cutoff", 0.5), ("scene", 1)):
            parameter = there.plugin.parameters[name]
            parameter.raw_value = value / 127 if name == "scene" else value
            heard.append(there.play(0.5))
        return np.concatenate(heard, axis=1)

    half = RATE // 2
    first = [Guest(plugin, registry) for _ in range(2)]
    heard = []
    for scale, there in zip((1.0, 0.5), first):
        # Edits act while blocks are processed.
        for line in song(scale):
            if line["method"] == "sync":
                there.play(0.1)
            there.client.tell([line])
        there.run_free()
        there.play(0.2)
    states = [there.plugin.raw_state for there in first]
    for scale, there in zip((1.0, 0.5), first):
        left = perform(there)[0]
        # On the first sample after the host has moved it.
        assert left[half - 1] == 0.25 * scale and left[half] == 0.75 * scale
        assert left[2 * half - 1] == 0.75 * scale
        # The scene's own value again, with the bell.
        assert left[3 * half - 1] == (0.25 + 0.0625) * scale
        assert left[2 * half] != left[2 * half - 1], "the scene switches on its sample"
        assert left[3 * half] == (0.5 + 0.0625) * scale
        assert left[5 * half - 1] == 0.25 * scale
        heard.append(left)
    again = [Guest(plugin, registry) for _ in range(2)]
    for state, there in zip(states, again):
        there.plugin.raw_state = state
        there.play(0.2)
        listed = there.client.ask({"jsonrpc": "2.0", "id": 1, "method": "scenes", "params": {}})["result"]
        assert listed["current"] == "verse" and not listed["changed"]
        macros = there.client.ask({"jsonrpc": "2.0", "id": 1, "method": "macros", "params": {}})["result"]
        assert "Cutoff" in str(macros)
        assert chunk_in(there.plugin.raw_state) == chunk_in(state)
    for before, there in zip(heard, again):
        assert np.array_equal(perform(there)[0].view(np.uint32), before.view(np.uint32))
    for there in first + again:
        there.client.close()


def test_a_knob_that_was_turned_without_rendering_is_saved(guest, plugin, registry):
    guest.play(0.1)
    guest.plugin.macro_5 = 0.25
    other = Guest(plugin, registry)
    other.plugin.raw_state = guest.plugin.raw_state
    other.play(0.1)
    assert float(other.plugin.macro_5) == pytest.approx(0.25, abs=1e-3)
    other.client.close()


def test_notes_of_the_host_play_a_node(guest):
    note_on = (bytes([0x90, 69, 100]), 0.25)
    note_off = (bytes([0x80, 69, 0]), 0.75)
    voice = {
        "type": "load_graph",
        "nodes": [
            {"id": "out", "type_id": "dac"},
            {"id": "v", "type_id": "oscillator", "count": 2},
        ],
        "connections": [{"from_node": "v", "from_port": "out", "to_node": "out", "to_port": "in"}],
        "exposed_controls": {"v/freq": ["v", "freq"]},
    }
    route = {"jsonrpc": "2.0", "id": 1, "method": "midi_route", "params": {"channel": 0, "node": "v"}}
    guest.client.tell([voice, route])
    guest.play(0.2)
    heard = guest.play(1.0, [note_on, note_off])[0]
    # A voice sounds from its note on, at 440 Hz, and without a gate it is cut where the note ends.
    on, off = RATE // 4, RATE * 3 // 4
    crossings = lambda sound: np.count_nonzero((sound[:-1] < 0) & (sound[1:] >= 0)) / (len(sound) / RATE)
    assert np.abs(heard[:on]).max() < 1e-4
    assert crossings(heard[on + 480 : off]) == pytest.approx(440, abs=5)
    assert np.abs(heard[off + 480 :]).max() < 1e-4


def test_instances_know_nothing_of_each_other_and_leave_nothing(plugin, registry):
    guests = [Guest(plugin, registry) for _ in range(3)]
    for count, there in enumerate(guests, start=2):
        there.client.tell(clicks(4 * count))
        there.run_free()
    for count, there in enumerate(guests, start=2):
        assert len(opens(there.play(2.0)[0])) == 4 * count
    guests[1].client.tell([{"cmd": "HushAll"}])
    assert len(opens(guests[2].play(2.0)[0])) == 16
    addresses = [there.client.address for there in guests]
    for there in guests:
        there.client.close()
    del there
    guests.clear()
    gc.collect()
    assert all(gone(address) for address in addresses)


def test_an_edit_while_it_plays_is_heard(guest):
    guest.client.tell(clicks(4))
    guest.run_free()
    assert len(opens(guest.play(2.0)[0])) == 4
    guest.client.tell([{"cmd": "SetPattern", "slot": "x", "pattern": hits(16)}])
    guest.play(2.0)
    assert len(opens(guest.play(2.0)[0])) == 16


@pytest.fixture
def effect(plugin, registry):
    there = Guest(plugin, registry, "krach FX")
    yield there
    there.client.close()


def comes_in(seconds: float) -> np.ndarray:
    """Noise, and zeros of both signs."""
    noise = np.random.default_rng(7).uniform(-0.9, 0.9, (2, int(seconds * RATE))).astype(np.float32)
    noise[:, 100:200], noise[:, 200:300] = 0.0, -0.0
    return noise


def test_the_effect_lets_everything_pass_bit_for_bit_while_it_is_empty(effect):
    assert effect.plugin.is_effect and not effect.plugin.is_instrument
    assert list(effect.plugin.parameters)[-4:] == ["master", "scene", "free_run", "panic"]
    sound = comes_in(1.0)
    for buffer_size in (512, 333, 64):
        out = effect.plugin.process(sound, RATE, buffer_size=buffer_size, reset=False)
        assert out.shape == sound.shape, "no latency"
        assert np.array_equal(out.view(np.uint32), sound.view(np.uint32))


def test_a_node_of_the_effect_takes_the_input_and_gives_it_back(effect):
    sound = comes_in(1.0)
    play = lambda: effect.plugin.process(sound, RATE, buffer_size=512, reset=False)
    play()
    ask = lambda method, **params: effect.client.tell([{"jsonrpc": "2.0", "id": 1, "method": method, "params": params}])
    ask("node", name="in", source="adc_input", gain=0.5)
    play()
    assert np.array_equal(play(), np.float32(0.5) * sound)
    ask("remove", node="in")
    play()
    assert np.array_equal(play(), sound)


def test_a_state_of_the_instrument_is_one_of_the_effect_and_back(guest, effect):
    guest.client.tell(clicks(16))
    guest.plugin.scene = "Scene 7"
    guest.play(0.1)
    effect.plugin.raw_state = guest.plugin.raw_state
    assert chunk_in(effect.plugin.raw_state) == chunk_in(guest.plugin.raw_state)
    guest.plugin.raw_state = effect.plugin.raw_state
    guest.run_free()
    assert set(np.diff(opens(guest.play(1.0)[0]))) == {6_000}
