"""The shortest song: a kick, four to the bar."""

from krach import kr

kick = kr.node("kick", "faust:kick", gain=0.8)
kick @ "x x x x"
