"""A short form of ``make torture``: whenever the program is killed, everybody gets it once or is named as in doubt."""

from pathlib import Path

import pytest

from tests.torture.kills import kill_often


@pytest.mark.parametrize("connections", [1, 4])
def test_killed_at_any_moment_it_mails_everybody_once(tmp_path: Path, connections: int) -> None:
    tally = kill_often(tmp_path, kills=30, seed=connections, connections=connections)
    assert (tally.lost, tally.doubled) == ([], [])
    assert tally.most_in_doubt <= connections
    assert min(tally.by_kind["at a step"], tally.by_kind["at a moment"]) > 5
