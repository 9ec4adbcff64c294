"""Tests that need a minute of real time run last, so that whatever else fails is known before."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them at the end, everything else in its order."""
    items.sort(key=lambda item: item.get_closest_marker("minute") is not None)
