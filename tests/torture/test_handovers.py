"""A short form of ``make torture``: whatever is killed or opened twice, never do two folders send."""

from pathlib import Path

import pytest

from tests.torture.handovers import HOW, hand_over_often


@pytest.mark.long
def test_killed_or_opened_twice_only_one_folder_sends(tmp_path: Path) -> None:
    tally = hand_over_often(tmp_path, times=15, seed=1)
    assert (tally.lost, tally.doubled, tally.bad) == ([], [], [])
    assert sum(tally.by_kind[how] > 0 for how in HOW) >= len(HOW) - 1
