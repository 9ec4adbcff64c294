"""A short form of ``make torture``: whatever backup is put back, nobody gets it twice and everybody is named."""

from pathlib import Path

import pytest

from tests.torture.backups import HOW, put_back_often


@pytest.mark.long
def test_a_backup_put_back_at_any_moment_mails_nobody_twice(tmp_path: Path) -> None:
    tally = put_back_often(tmp_path, times=15, seed=1, connections=1)
    assert (tally.lost, tally.doubled, tally.bad) == ([], [], [])
    assert tally.in_doubt
    assert sum(tally.by_kind[how] > 0 for how in HOW) >= len(HOW) - 1
