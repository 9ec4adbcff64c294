"""Which facts each person was told: with the claim, in doubt included, and by the newest message."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Answer, Claim, Facts, Result, Round, State, Stray
from mkwmail.ledger.people import Listed

NOW = datetime(2020, 2, 17, 9, tzinfo=ZONE)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with (
        Ledger.open(tmp_path / "a.db", tmp_path / "a.id", NOW, "here", boot="boot") as ledger,
        ledger.hold("test", NOW),
    ):
        ledger.settle(NOW)
        yield ledger


def somebody(ledger: Ledger, name: str = "kim") -> str:
    return ledger.enlist([Listed(f"{name}@example.org", name)], NOW)[0].key


def claim(ledger: Ledger, person: str, mailing: str, version: int, method: str = "publish") -> int:
    facts = Facts(version, f'{{"version": {version}}}', method)
    letter = ledger.keep_letter(b"letter")
    made = Claim(person, f"{person}@example.org", letter, {}, f"{mailing}@x", NOW, "0" * 64, 1, facts)
    return ledger.claim(Round("dag", mailing), [made], NOW)[0]


def end(ledger: Ledger, attempt: int, state: State) -> None:
    ledger.record([Result(attempt, state)], NOW)


def test_a_version_is_kept_with_its_first_claim(ledger: Ledger) -> None:
    kim = somebody(ledger)
    assert ledger.facts("dag") == ()
    end(ledger, claim(ledger, kim, "invitation", 0), State.SENT)
    end(ledger, claim(ledger, kim, "reminder", 0), State.SENT)
    end(ledger, claim(ledger, kim, "update", 1), State.SENT)
    assert ledger.facts("dag") == ('{"version": 0}', '{"version": 1}')
    assert ledger.told("dag") == {kim: (1,)} and ledger.told("other") == {}


def test_a_version_that_follows_none_is_claimed_by_nobody(ledger: Ledger) -> None:
    kim = somebody(ledger)
    with pytest.raises(ValueError, match="does not follow"):
        claim(ledger, kim, "invitation", 1)
    assert ledger.deliveries("dag") == () and ledger.facts("dag") == ()


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (State.SENT, (1,)),
        (State.IN_DOUBT, (1, 0)),
        (None, (1, 0)),
        (State.REFUSED, (0,)),
        (State.DEFERRED, (0,)),
        (State.PLANNED, (0,)),
    ],
)
def test_what_may_have_arrived_counts(ledger: Ledger, state: State | None, told: tuple[int, ...]) -> None:
    kim = somebody(ledger)
    end(ledger, claim(ledger, kim, "invitation", 0), State.SENT)
    attempt = claim(ledger, kim, "reminder", 1)
    if state is not None:
        end(ledger, attempt, state)
    assert ledger.told("dag") == {kim: told}


def test_a_persons_word_about_a_doubt_counts_more(ledger: Ledger) -> None:
    kim = somebody(ledger)
    end(ledger, claim(ledger, kim, "invitation", 0), State.SENT)
    end(ledger, claim(ledger, kim, "reminder", 1), State.IN_DOUBT)
    ledger.resolve("dag", "reminder", 0, kim, "send-again", NOW)
    assert ledger.told("dag") == {kim: (0,)}
    end(ledger, claim(ledger, kim, "reminder", 1), State.IN_DOUBT)
    ledger.resolve("dag", "reminder", 0, kim, "sent", NOW)
    assert ledger.told("dag") == {kim: (1,)}


def test_the_first_entry_that_went_out_decides_the_method(ledger: Ledger) -> None:
    kim = somebody(ledger)
    end(ledger, claim(ledger, kim, "save-the-date", 0, ""), State.SENT)
    assert ledger.entry_method("dag") == ""
    end(ledger, claim(ledger, kim, "invitation", 0, "request"), State.REFUSED)
    assert ledger.entry_method("dag") == ""
    end(ledger, claim(ledger, kim, "update", 0, "request"), State.IN_DOUBT)
    assert ledger.entry_method("dag") == "request"


def test_answers_and_strays_are_kept_in_order(ledger: Ledger) -> None:
    kim = somebody(ledger)
    given = [
        Answer(kim, "tentative", "calendar", NOW, 2),
        Answer(kim, "attending", "said", NOW + timedelta(days=1)),
    ]
    ledger.record_answers("dag", given, NOW)
    stray = Stray(kim, "other@example.org", "attending", NOW)
    ledger.record_strays("dag", [stray, Stray(None, "who@example.org", "declined", NOW)], NOW)
    ledger.record_strays("dag", [stray], NOW)
    assert list(ledger.answers("dag")) == given
    assert len(ledger.strays("dag")) == 2 and ledger.strays("dag")[0] == stray
