"""Which facts each person was told: with the claim, in doubt included, and by the newest message."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.ledger import deliveries, responses
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
    return ledger.record_persons([Listed(f"{name}@example.org", name)], NOW)[0].key


def claim(ledger: Ledger, person: str, mailing: str, version: int, method: str = "publish") -> int:
    facts = Facts(version, f'{{"version": {version}}}', method)
    letter = deliveries.keep_letter(ledger.database, b"letter")
    made = Claim(person, f"{person}@example.org", letter, {}, f"{mailing}@x", NOW, "0" * 64, 1, facts)
    return ledger.record_and_claim(Round("dag", mailing), (), [made], NOW)[0]


def end(ledger: Ledger, attempt: int, state: State) -> None:
    deliveries.record(ledger.database, [Result(attempt, state)], NOW)


def test_a_version_is_kept_with_its_first_claim(ledger: Ledger) -> None:
    kim = somebody(ledger)
    assert deliveries.facts_of(ledger.database, "dag") == ()
    end(ledger, claim(ledger, kim, "invitation", 0), State.SENT)
    end(ledger, claim(ledger, kim, "reminder", 0), State.SENT)
    end(ledger, claim(ledger, kim, "update", 1), State.SENT)
    assert deliveries.facts_of(ledger.database, "dag") == ('{"version": 0}', '{"version": 1}')
    assert (
        deliveries.facts_told(ledger.database, "dag") == {kim: (1,)}
        and deliveries.facts_told(ledger.database, "other") == {}
    )


def test_a_version_that_follows_none_is_claimed_by_nobody(ledger: Ledger) -> None:
    kim = somebody(ledger)
    with pytest.raises(ValueError, match="does not follow"):
        claim(ledger, kim, "invitation", 1)
    assert deliveries.of_event(ledger.database, "dag") == () and deliveries.facts_of(ledger.database, "dag") == ()


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
    assert deliveries.facts_told(ledger.database, "dag") == {kim: told}


def test_a_persons_word_about_a_doubt_counts_more(ledger: Ledger) -> None:
    kim = somebody(ledger)
    end(ledger, claim(ledger, kim, "invitation", 0), State.SENT)
    end(ledger, claim(ledger, kim, "reminder", 1), State.IN_DOUBT)
    deliveries.resolve(ledger.database, Round("dag", "reminder"), kim, "send-again", NOW)
    assert deliveries.facts_told(ledger.database, "dag") == {kim: (0,)}
    end(ledger, claim(ledger, kim, "reminder", 1), State.IN_DOUBT)
    deliveries.resolve(ledger.database, Round("dag", "reminder"), kim, "sent", NOW)
    assert deliveries.facts_told(ledger.database, "dag") == {kim: (1,)}


def test_the_first_entry_that_went_out_decides_the_method(ledger: Ledger) -> None:
    kim = somebody(ledger)
    end(ledger, claim(ledger, kim, "save-the-date", 0, ""), State.SENT)
    assert deliveries.entry_method(ledger.database, "dag") == ""
    end(ledger, claim(ledger, kim, "invitation", 0, "request"), State.REFUSED)
    assert deliveries.entry_method(ledger.database, "dag") == ""
    end(ledger, claim(ledger, kim, "update", 0, "request"), State.IN_DOUBT)
    assert deliveries.entry_method(ledger.database, "dag") == "request"


def test_answers_and_strays_are_kept_in_order(ledger: Ledger) -> None:
    kim = somebody(ledger)
    given = [
        Answer(kim, "tentative", "calendar", NOW, 2),
        Answer(kim, "attending", "said", NOW + timedelta(days=1)),
    ]
    responses.record_answers(ledger.database, "dag", given, NOW)
    stray = Stray(kim, "other@example.org", "attending", NOW)
    responses.record_strays(ledger.database, "dag", [stray, Stray(None, "who@example.org", "declined", NOW)], NOW)
    responses.record_strays(ledger.database, "dag", [stray], NOW)
    assert list(responses.answers(ledger.database, "dag")) == given
    assert len(responses.strays(ledger.database, "dag")) == 2 and responses.strays(ledger.database, "dag")[0] == stray
