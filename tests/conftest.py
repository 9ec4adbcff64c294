"""Rules for all tests: files that take long begin first, examples are the same every time, and nothing is noted
in the user's home folder."""

from collections.abc import Iterator

import hypothesis
import pytest

from mkwmail.files import STATE_VARIABLE
from tests.smtp_server import ScriptedServer

# A machine that does other things too makes any example slow once. The same examples every time: what is red was
# made so by the change. New ones: make test PYTEST_ADDOPTS=--hypothesis-profile=new
hypothesis.settings.register_profile("new", deadline=None)
hypothesis.settings.register_profile("mkwmail", deadline=None, derandomize=True)
hypothesis.settings.load_profile("mkwmail")


@pytest.fixture(autouse=True, scope="session")
def a_state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Set the folder in which commands of the tests' own process note a ledger's progress."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STATE_VARIABLE, str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A mail server that takes everything."""
    with ScriptedServer() as running:
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put every file with such a test at the start, everything else in its order: the last to begin decides the end."""
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)
