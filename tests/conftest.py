"""What holds for all tests: those that need a minute of real time run first, and no example is too slow by itself."""

import hypothesis
import pytest

# A machine that does other things too makes any example slow once.
hypothesis.settings.register_profile("mkwmail", deadline=None)
hypothesis.settings.load_profile("mkwmail")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them at the start, everything else in its order."""
    items.sort(key=lambda item: item.get_closest_marker("minute") is None)
