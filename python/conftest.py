"""The names that examples in docstrings use."""

from typing import Any

import pytest

import krach.signal as krs


@pytest.fixture(autouse=True)
def names(doctest_namespace: dict[str, Any]) -> None:
    """Give them to each example."""
    doctest_namespace["krs"] = krs
