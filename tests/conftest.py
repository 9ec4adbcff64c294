"""Tests that need a minute of real time run first: they wait while the others work."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them at the start, everything else in its order."""
    items.sort(key=lambda item: item.get_closest_marker("minute") is None)
