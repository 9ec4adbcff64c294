"""Which events were mailed, and what a person told apart, is kept."""

from datetime import datetime
from pathlib import Path

from mkwmail.clock import ZONE
from mkwmail.ledger import rounds
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Apart, Round

NOW = datetime(2020, 2, 17, 9, tzinfo=ZONE)
EVENTS = Apart("dag-2", "", "dag", "")
MAILINGS = Apart("dag-2", "reminder-2", "dag-2", "reminder")


def opened(folder: Path) -> Ledger:
    return Ledger.open(folder / "mkwmail.db", folder / "mkwmail.id", NOW, "here")


def test_the_events_of_which_a_mailing_was_begun(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        assert rounds.events(ledger.database) == ()
        for of in (Round("b", "invitation"), Round("b", "reminder"), Round("a", "invitation")):
            rounds.remember_list(ledger.database, of, 3, NOW)
        assert rounds.events(ledger.database) == ("a", "b")


def test_a_word_is_kept_once_and_is_that_events_own(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        assert rounds.told_apart(ledger.database, "dag-2") == frozenset()
        for word in (EVENTS, MAILINGS, EVENTS):
            rounds.tell_apart(ledger.database, word, NOW)
    with opened(tmp_path) as ledger:
        assert rounds.told_apart(ledger.database, "dag-2") == {EVENTS, MAILINGS}
        assert rounds.told_apart(ledger.database, "dag") == frozenset()
