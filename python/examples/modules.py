"""Modules and scenes: a kit within a band, two bands as scenes, and a recall that takes two beats."""

from krach import kr


@kr.module
def kit(m, kick="x*4"):
    """Two drums."""
    m.node("kick", "faust:kick", gain=0.8)
    m.node("hat", "faust:hat", gain=0.3)
    m.play("kick", kick)
    m.play("hat", "[. x]*4", swing=0.58)
    m.outputs("kick", "hat")


@kr.module
def band(m, bass, kick="x*4"):
    """A kit, and a bass in a room."""
    m.node("bass", "faust:bass", gain=0.5)
    m.node("room", "faust:reverb", gain=0.3)
    m.play("bass", bass)
    m.send("bass", "room", 0.3)
    drums = m.sub("drums", kit(kick))
    m.send(drums.output("hat"), "room", 0.2)


kr.save("verse", ir=band("A1 . A1 A2"))
kr.save("break", ir=band("A1 . . .", kick="~"))
kr.load(band("A1 . A1 A2"))
kr.recall("break", at=2, fade=1)
kr.recall("verse", at=3)
