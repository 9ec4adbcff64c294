"""A short form of ``make torture``: whatever is copied or put back, nobody gets it twice and nobody is forgotten."""

from pathlib import Path

import pytest

from tests.torture.copies import HOW, WHAT, copy_often


@pytest.mark.long
@pytest.mark.parametrize("connections", [1, 4])
def test_copied_or_put_back_at_any_moment_it_mails_everybody_once(tmp_path: Path, connections: int) -> None:
    tally = copy_often(tmp_path, times=20, seed=connections, connections=connections)
    assert (tally.lost, tally.doubled, tally.bad) == ([], [], [])
    kinds = {kind for kind, count in tally.by_kind.items() if count}
    assert all(any(kind.startswith(f"{how}: ") for kind in kinds) for how in HOW)
    assert len({kind.partition(": ")[2] for kind in kinds}) >= len(WHAT) - 1
