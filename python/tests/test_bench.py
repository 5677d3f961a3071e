"""The benchmark of the client runs, and says what it measures."""

import importlib.util
import re

import pytest
from hosted import ROOT

SPEC = importlib.util.spec_from_file_location("client_bench", ROOT / "python/benches/client.py")
assert SPEC is not None and SPEC.loader is not None
BENCH = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(BENCH)


def test_the_benchmark_prints_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    BENCH.main(2)
    rows = capsys.readouterr().out.splitlines()[2:]
    found = [re.fullmatch(r"\| (.+) \| (\d+\.\d{3}) / (\d+\.\d{3}) \|", row) for row in rows]
    assert all(found), rows
    assert [each[1].split(" ")[0] for each in found if each] == ["a", "the", "`kr.tempo`", "1000", "`krach", "tracing"]
    assert len(BENCH.krs.graph(BENCH.long_function).equations) >= BENCH.STEPS
