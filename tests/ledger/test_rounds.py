"""Approvals and reports are kept, and the newest decision counts."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.ledger import rounds, runs
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import ScheduledApproval

NOW = datetime(2020, 2, 10, 9, tzinfo=ZONE)
GIVEN = ScheduledApproval(
    event="dag",
    mailing="invitation",
    opens=NOW + timedelta(days=7),
    latest=NOW + timedelta(days=50),
    terms={"to whom": "everyone"},
    persons=frozenset({"a", "b"}),
)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "mkwmail.db", tmp_path / "mkwmail.id", NOW, "here")


def test_a_go_ahead_is_kept_with_its_approval(ledger: Ledger) -> None:
    with ledger:
        rounds.schedule(ledger.database, GIVEN, {"events/dag.yaml": "x"}, NOW)
        (kept,) = rounds.scheduled(ledger.database)
        (approval,) = rounds.of_mailing(ledger.database, "dag", "invitation")
    assert kept.approval == approval.id and approval.sources == {"events/dag.yaml": "x"}
    assert (kept.opens, kept.latest, kept.at) == (GIVEN.opens, GIVEN.latest, NOW)
    assert (kept.terms, kept.persons, kept.others) == (GIVEN.terms, GIVEN.persons, True)


def test_withdrawn_is_withdrawn_until_it_is_given_again(ledger: Ledger) -> None:
    with ledger:
        rounds.schedule(ledger.database, GIVEN, {"x": "1"}, NOW)
        rounds.withdraw(ledger.database, "dag", "invitation", NOW)
        assert rounds.scheduled(ledger.database) == ()
        rounds.schedule(ledger.database, GIVEN, {"x": "1"}, NOW)
        assert [each.mailing for each in rounds.scheduled(ledger.database)] == ["invitation"]
        # The same sources are one approval: who was mailed under it had no earlier text.
        assert len(rounds.of_mailing(ledger.database, "dag", "invitation")) == 1


def test_what_was_told_is_known_until_it_is_over(ledger: Ledger) -> None:
    later = NOW + timedelta(days=1)
    with ledger:
        runs.note_reported(ledger.database, ["a", "b"], NOW)
        runs.note_reported(ledger.database, ["a"], later)
        runs.note_reported(ledger.database, ["a"], later, mailed=True)
        told = runs.reported(ledger.database)
        assert (told["a"].first, told["a"].said, told["a"].mailed) == (NOW, later, later)
        assert (told["b"].first, told["b"].said, told["b"].mailed) == (NOW, NOW, None)
        runs.forget_reported(ledger.database, ["a", "c"])
        assert set(runs.reported(ledger.database)) == {"b"}
