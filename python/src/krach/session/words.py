"""The pattern builders as names of the session: ``kr.hit()`` is ``krp.hit()``."""

from __future__ import annotations

import krach.pattern as krp
from krach.modules import ModuleProxy, module


class Words:
    """Names that need no plugin.

    >>> kr.seq("A2", "D3", None, "E2").over(2) == krp.seq("A2", "D3", None, "E2").over(2)
    True
    """

    arp = staticmethod(krp.arp)
    arrange = staticmethod(krp.arrange)
    cat = staticmethod(krp.cat)
    cc = staticmethod(krp.cc)
    choose = staticmethod(krp.choose)
    chord = staticmethod(krp.chord)
    ctrl = staticmethod(krp.ctrl)
    exp = staticmethod(krp.exp)
    freeze = staticmethod(krp.freeze)
    ftom = staticmethod(krp.ftom)
    hit = staticmethod(krp.hit)
    irand = staticmethod(krp.irand)
    midi_note = staticmethod(krp.midi_note)
    mtof = staticmethod(krp.mtof)
    note = staticmethod(krp.note)
    number = staticmethod(krp.number)
    osc = staticmethod(krp.osc)
    p = staticmethod(krp.p)
    parse_note = staticmethod(krp.parse_note)
    pick = staticmethod(krp.pick)
    pulse = staticmethod(krp.pulse)
    ramp = staticmethod(krp.ramp)
    ramp_down = staticmethod(krp.ramp_down)
    rand = staticmethod(krp.rand)
    randcat = staticmethod(krp.randcat)
    rest = staticmethod(krp.rest)
    scale = staticmethod(krp.scale)
    seq = staticmethod(krp.seq)
    sine = staticmethod(krp.sine)
    square = staticmethod(krp.square)
    stack = staticmethod(krp.stack)
    struct = staticmethod(krp.struct)
    timecat = staticmethod(krp.timecat)
    tri = staticmethod(krp.tri)
    turns = staticmethod(krp.turns)
    values = staticmethod(krp.values)
    wchoose = staticmethod(krp.wchoose)

    module = staticmethod(module)

    @staticmethod
    def trace() -> ModuleProxy:
        """Return a proxy that records calls as a ModuleIr; nothing sounds.

        >>> proxy = kr.trace()
        >>> proxy.node("kick", "faust:kick", gain=0.8)
        >>> proxy.play("kick", kr.hit() * 4)
        >>> _ = kr.load(proxy.build())
        >>> list(kr.nodes)
        ['kick']
        """
        return ModuleProxy()
