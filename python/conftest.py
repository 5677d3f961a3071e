"""The names that examples in docstrings use."""

from fractions import Fraction
from typing import Any

import pytest

import krach
import krach.pattern as krp
import krach.signal as krs


@pytest.fixture(autouse=True)
def names(doctest_namespace: dict[str, Any]) -> None:
    """Give them to each example."""
    doctest_namespace |= {"krach": krach, "krp": krp, "krs": krs, "Fraction": Fraction}
