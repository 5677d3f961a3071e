"""A drum kit as a module: a kick on the beat, a snare on two and four, hats that fall away now and then."""

from krach import kr


@kr.module
def kit(m):
    """Three drums."""
    m.node("kick", "faust:kick", gain=0.8)
    m.node("snare", "faust:snare", gain=0.5)
    m.node("hat", "faust:hat", gain=0.3)
    m.play("kick", "x . . . x . . . x . . . x . x .")
    m.play("snare", ". x . x")
    m.play("hat", kr.hit().fast(8).chance(0.2, seed=3), swing=0.58)
    m.outputs("kick", "snare", "hat")


drums = kr.instantiate(kit(), "drums")
room = kr.node("room", "faust:reverb", gain=0.2)
drums.nodes["snare"] >> (room, 0.4)
