"""Replies in the ledger: bounces turn sent into refused; sign-ups, guests and decisions stay."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.errors import UserError
from mkwmail.ledger import deliveries, responses, rounds
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Bounce, Claim, Guest, KeptSignup, LeftOut, Result, Round, State
from mkwmail.ledger.people import Listed

NOW = datetime(2020, 2, 17, 9, 0, tzinfo=ZONE)
ROUND = Round("dag", "invitation")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with (
        Ledger.open(tmp_path / "mkwmail.db", tmp_path / "mkwmail.id", NOW, "here") as opened,
        opened.hold("test", NOW),
    ):
        opened.settle(NOW)
        yield opened


def mailed(ledger: Ledger, address: str = "kees@example.org", state: State = State.SENT) -> tuple[str, int]:
    (who,) = ledger.record_persons([Listed(address, "Kees Jansen")], NOW)
    letter = deliveries.keep_letter(ledger.database, b"a letter")
    claim = Claim(who.key, address, letter, {}, f"{address}-1@example.org", NOW, "0" * 64)
    (attempt,) = ledger.record_and_claim(ROUND, (), [claim], NOW)
    deliveries.record(ledger.database, [Result(attempt, state)], NOW)
    return who.key, attempt


def bounce(attempt: int, verdict: str = "failed", digest: str = "d1", said: bool = False) -> Bounce:
    return Bounce(attempt, verdict, "550 5.1.1 unknown", digest, NOW + timedelta(hours=1), said)


@pytest.mark.parametrize("state", [State.SENT, State.IN_DOUBT])
def test_what_came_back_counts_as_refused(ledger: Ledger, state: State) -> None:
    person, attempt = mailed(ledger, state=state)
    assert deliveries.sent_mails(ledger.database)[0].message_id == "kees@example.org-1@example.org"
    assert responses.record_bounces(ledger.database, [bounce(attempt)])
    (delivery,) = deliveries.of_event(ledger.database, "dag")
    assert (delivery.state, delivery.reason, delivery.person) == (State.REFUSED, "550 5.1.1 unknown", person)
    (refused,) = responses.refused_mails(ledger.database)
    assert (refused.address, refused.verdict, refused.event) == ("kees@example.org", "failed", "dag")


def test_a_delay_changes_nothing(ledger: Ledger) -> None:
    _person, attempt = mailed(ledger)
    assert responses.record_bounces(ledger.database, [bounce(attempt, "delayed")])
    assert deliveries.of_event(ledger.database, "dag")[0].state is State.SENT


def test_the_same_report_again_does_not_undo_a_decision(ledger: Ledger) -> None:
    person, attempt = mailed(ledger)
    responses.record_bounces(ledger.database, [bounce(attempt)])
    deliveries.resolve(ledger.database, Round("dag", "invitation"), person, "sent", NOW)
    assert responses.record_bounces(ledger.database, [bounce(attempt)]) == ()
    assert deliveries.of_event(ledger.database, "dag")[0].state is State.SENT
    assert responses.refused_mails(ledger.database) == ()


def test_the_same_report_again_says_nothing_about_the_mail_that_was_sent_again(ledger: Ledger) -> None:
    person, attempt = mailed(ledger)
    responses.record_bounces(ledger.database, [bounce(attempt, "given up")])
    deliveries.resolve(ledger.database, ROUND, person, "send-again", NOW)
    _person, second = mailed(ledger)
    assert second > attempt
    assert responses.record_bounces(ledger.database, [bounce(second, "given up")]) == ()
    assert deliveries.of_event(ledger.database, "dag")[0].state is State.SENT
    # Another report is about the second one.
    assert responses.record_bounces(ledger.database, [bounce(second, digest="d2")])
    assert deliveries.of_event(ledger.database, "dag")[0].state is State.REFUSED


def test_a_corrected_address_may_be_mailed_after_a_bounce_and_the_same_one_may_not(ledger: Ledger) -> None:
    person, attempt = mailed(ledger)
    responses.record_bounces(ledger.database, [bounce(attempt)])
    letter = deliveries.keep_letter(ledger.database, b"a letter")

    def claim(address: str) -> None:
        ledger.record_and_claim(ROUND, (), [Claim(person, address, letter, {}, "2@example.org", NOW, "0" * 64, 2)], NOW)

    with pytest.raises(UserError):
        claim("kees@example.org")
    claim("k.jansen@example.org")
    assert deliveries.of_event(ledger.database, "dag")[0].state is State.SENDING


def test_without_a_bounce_nothing_that_was_sent_becomes_refused(ledger: Ledger) -> None:
    mailed(ledger)
    with pytest.raises(UserError):
        ledger.database.execute("UPDATE deliveries SET state = 'refused'")


def test_signups_and_guests_are_kept_as_they_were_said_last(ledger: Ledger) -> None:
    person, _attempt = mailed(ledger)
    row = KeptSignup(
        "k1", person, "d1", "attending", "Kees", moment=NOW, asked={"Lunch": "ja"}, dietary={"Dieet": "geen"}
    )
    responses.keep_signups(ledger.database, "dag", [row], NOW)
    responses.keep_signups(
        ledger.database, "dag", [KeptSignup("k1", None, "d2", "declined", "Kees", doubt="who?")], NOW
    )
    responses.keep_signups(
        ledger.database, "dag", [KeptSignup("k2", person, "d1", "attending", moment=NOW, asked={"Lunch": "ja"})], NOW
    )
    first, second = responses.signups(ledger.database, "dag")
    assert (first.key, first.person, first.doubt, first.moment) == ("k1", None, "who?", None)
    assert (second.asked, second.moment, second.at) == ({"Lunch": "ja"}, NOW, NOW)
    responses.add_guests(ledger.database, "dag", [Guest(person, "Kees", "kees@example.org", "Huis")], NOW)
    assert responses.guests(ledger.database, "dag") == (Guest(person, "Kees", "kees@example.org", "Huis"),)
    assert not responses.guests(ledger.database, "ander") and not responses.signups(ledger.database, "ander")


def test_a_word_about_who_is_left_out_holds_until_it_is_undone(ledger: Ledger) -> None:
    person, _attempt = mailed(ledger)
    rounds.leave_out(ledger.database, LeftOut(person, "", "retired"), NOW)
    rounds.leave_out(ledger.database, LeftOut(person, "dag", "on leave"), NOW)
    rounds.leave_out(ledger.database, LeftOut(person, "", "back", undone=True), NOW)
    assert [(each.event, each.reason, each.at) for each in rounds.left_out(ledger.database)] == [
        ("dag", "on leave", NOW)
    ]
    with pytest.raises(UserError, match="nothing to undo"):
        rounds.leave_out(ledger.database, LeftOut(person, "", "back", undone=True), NOW)
