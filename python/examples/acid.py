"""An acid line: a traced function, a filter that opens over four bars, and slides by probability."""

from krach import kr, krs


def acid():
    """A saw through a resonant filter, driven."""
    freq = krs.control("freq", 55, 20, 2000)
    gate = krs.control("gate", 0, 0, 1)
    cutoff = krs.control("cutoff", 400, 50, 8000)
    body = krs.saw(freq) * krs.adsr(0.003, 0.15, 0.3, 0.05, gate)
    return krs.drive(krs.resonant(body, cutoff, 6), 3) * 0.3


line = kr.node("acid", acid, gain=0.6)
line @ "A1 A2 A1 [C2 A1] G1 A1 <E2 D2> A1?0.3"
kr.mod("acid/cutoff", "tri", lo=200, hi=3000, bars=4)
