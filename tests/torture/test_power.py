"""A short form of ``make torture``: whatever the disk kept, everybody gets it once or is named as in doubt."""

import shutil
from pathlib import Path

import pytest

from tests.torture.kills import MEMBERS
from tests.torture.power import cut_often, stop_at_each_call

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@pytest.mark.parametrize("connections", [1, 4])
def test_a_power_cut_mails_nobody_twice_and_forgets_nobody(tmp_path: Path, connections: int) -> None:
    tally = cut_often(tmp_path, cuts=16, seed=connections, connections=connections)
    assert (tally.lost, tally.doubled, tally.bad) == ([], [], [])
    assert tally.most_in_doubt < MEMBERS


def test_stopped_before_within_and_after_its_calls_it_mails_everybody_once(tmp_path: Path) -> None:
    tally = stop_at_each_call(tmp_path, connections=1, every=53)
    assert tally.kills > 10
    assert (tally.lost, tally.doubled, tally.bad) == ([], [], [])
    assert tally.most_in_doubt <= 1
