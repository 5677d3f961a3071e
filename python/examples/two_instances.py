"""Two tracks of a DAW, each with an instance of its own: named ``drums`` and ``bass`` in their windows."""

import krach

drums, bass = krach.attach("drums"), krach.attach("bass")

with drums.batch():
    drums.node("kick", "faust:kick", gain=0.8) @ "x . x ."
    drums.node("hat", "faust:hat", gain=0.3) @ "[. x]*4"

with bass.batch():
    line = bass.node("line", "faust:bass", gain=0.6)
    line @ "A1 . A1 A2 . A1 C2 G1"
    line["cutoff"] = 900
