"""A looper: a function that records what is sent to it for a bar, and plays it on when the player has stopped."""

from krach import kr, krs


def looper(x):
    """Record into a table while the gate is open, and play the table while it is shut."""
    recording = krs.control("record_gate", 1, 0, 1) > 0.5
    bar = krs.sr() * 2  # at 120 beats per minute
    at = krs.feedback(lambda n: (n, (n + 1) % bar))
    # What is not to be recorded is written where nobody reads.
    played = krs.rwtable(262144, 0, krs.select2(recording, 262143, at), x, at)
    return krs.select2(recording, played, 0)


bass = kr.node("bass", "faust:bass", gain=0.6)
loop = kr.node("loop", looper, gain=1.0)
bass >> loop
bass @ "A2 . A2 C3 . G2 A2 ."
with kr.at(1):
    kr.set("loop/record_gate", 0)
    bass.mute()
