"""A piece that writes itself: tunes by chance in a scale, drums that come and go. Another seed is another piece."""

import sys

from krach import kr, krp

kr.seed = int(sys.argv[1]) if sys.argv[1:] else 7

bell = kr.node("bell", "faust:bell", gain=0.3, count=6)
pluck = kr.node("pluck", "faust:pluck", gain=0.5, count=4)
kick = kr.node("kick", "faust:kick", gain=0.7)
room = kr.node("room", "faust:reverb", gain=0.4)
bell >> (room, 0.5)
pluck >> (room, 0.3)

tune = krp.irand(8, seed=1).fast(8).scale("A:minor").control("note").chance(0.7, seed=2)
pluck @ tune
bell @ krp.irand(5, seed=3).fast(2).scale("A5:minor pentatonic").control("note").chance(0.6, seed=4)
kick @ krp.wchoose((3, "x . . x . . x ."), (1, "x*4"), seed=5).chance(0.9, seed=6)
