"""Claims, results and what the database itself refuses."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from mkwmail.clock import ZONE
from mkwmail.errors import ExitCode, UserError
from mkwmail.ledger import deliveries, people, rounds
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Claim, Delivery, Result, Round, State, next_try
from mkwmail.ledger.people import Listed

NOW = datetime(2020, 2, 17, 9, 30, 15, 123456, tzinfo=ZONE)
LATER = NOW + timedelta(hours=1)
INVITATION = Round("dag-2020", "invitation")
LETTER = b"Beste leden,\n" * 100


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "mkwmail.db", tmp_path / "mkwmail.id", NOW, "here") as opened:
        rows = [Listed(f"m{n}@example.org", f"Lid {n}") for n in range(4)]
        opened.record_persons(rows, NOW)
        with opened.hold("send", NOW):
            opened.settle(NOW)
            deliveries.keep_letter(opened.database, LETTER)
            yield opened


def keys(ledger: Ledger) -> list[str]:
    return [person.key for person in people.persons(ledger.database)]


def a_claim(ledger: Ledger, n: int, address: str = "") -> Claim:
    return Claim(
        keys(ledger)[n],
        address or f"M{n}@example.org",
        deliveries.keep_letter(ledger.database, LETTER),
        {"voornaam": f"Renée {n}", "message_id": f"<{n}@example.org>"},
        f"<{n}@example.org>",
        NOW.replace(microsecond=0),
        f"{n:064x}",
    )


def send(ledger: Ledger, n: int, state: State, address: str = "", at: datetime = NOW) -> int:
    (attempt,) = ledger.record_and_claim(INVITATION, (), [a_claim(ledger, n, address)], at)
    wait = next_try(1, at) if state is State.DEFERRED else None
    deliveries.record(ledger.database, [Result(attempt, state, 250, "Ok", wait)], at)
    return attempt


def the(ledger: Ledger, n: int) -> Delivery:
    return {each.person: each for each in deliveries.of_event(ledger.database, "dag-2020")}[keys(ledger)[n]]


def test_a_claim_is_there_for_another_process_at_once(ledger: Ledger, tmp_path: Path) -> None:
    ledger.record_and_claim(INVITATION, (), [a_claim(ledger, 0), a_claim(ledger, 1)], NOW)
    with sqlite3.connect(tmp_path / "mkwmail.db") as other:
        assert other.execute("SELECT state FROM deliveries").fetchall() == [("sending",), ("sending",)]
    other.close()


def test_what_was_sent_can_be_shown_later(ledger: Ledger) -> None:
    rounds.approve(ledger.database, "dag-2020", "invitation", {"invitation.md": "tekst"}, NOW)
    (approval,) = rounds.of_mailing(ledger.database, "dag-2020", "invitation")
    attempt = send(ledger, 0, State.SENT)
    (made,) = deliveries.attempts(ledger.database, INVITATION, keys(ledger)[0])
    claim = a_claim(ledger, 0)
    assert (made.id, made.address, made.values, made.message_id, made.date, made.digest) == (
        *(attempt, claim.address, claim.values, claim.message_id, claim.date, claim.digest),
    )
    assert deliveries.letter(ledger.database, made.letter) == LETTER
    assert approval is not None and made.approval == approval.id
    assert (made.state, made.code, made.reason, made.ended) == (State.SENT, 250, "Ok", NOW)
    assert the(ledger, 0).approval == approval.id


def test_a_letter_is_kept_once_and_compressed(ledger: Ledger) -> None:
    assert deliveries.keep_letter(ledger.database, LETTER) == deliveries.keep_letter(ledger.database, LETTER)
    assert ledger.database.execute("SELECT count(*), length(body) < 100 FROM letters") == [(1, 1)]
    with pytest.raises(KeyError):
        deliveries.letter(ledger.database, "0" * 64)


@pytest.mark.parametrize("state", [State.SENT, State.IN_DOUBT, State.REFUSED])
def test_nobody_is_claimed_twice(ledger: Ledger, state: State) -> None:
    send(ledger, 0, state)
    with pytest.raises(UserError) as caught:
        ledger.record_and_claim(INVITATION, (), [a_claim(ledger, 1), a_claim(ledger, 0)], LATER)
    assert caught.value.code is ExitCode.LEDGER_FAULT
    # All or none: the other one of the group was not claimed either.
    assert [each.person for each in deliveries.of_event(ledger.database, "dag-2020")] == [keys(ledger)[0]]
    assert the(ledger, 0).state is state


def test_nobody_is_claimed_twice_in_one_group(ledger: Ledger) -> None:
    with pytest.raises(UserError):
        ledger.record_and_claim(INVITATION, (), [a_claim(ledger, 0), a_claim(ledger, 0)], NOW)
    assert deliveries.of_event(ledger.database, "dag-2020") == ()


@pytest.mark.parametrize("state", [State.SENT, State.IN_DOUBT])
def test_no_address_is_claimed_for_two_persons(ledger: Ledger, state: State) -> None:
    send(ledger, 0, state)
    with pytest.raises(UserError):
        ledger.record_and_claim(INVITATION, (), [a_claim(ledger, 1, "m0@EXAMPLE.org")], LATER)
    assert ledger.record_and_claim(Round("dag-2020", "reminder"), (), [a_claim(ledger, 1, "m0@example.org")], LATER)


def test_an_address_that_refused_may_take_it_for_another(ledger: Ledger) -> None:
    send(ledger, 0, State.REFUSED)
    send(ledger, 1, State.SENT, "m0@example.org")
    assert the(ledger, 1).state is State.SENT


def test_a_corrected_address_may_be_mailed_after_a_refusal(ledger: Ledger) -> None:
    send(ledger, 0, State.REFUSED)
    send(ledger, 0, State.SENT, "beter@example.net", LATER)
    assert (the(ledger, 0).state, the(ledger, 0).tries, the(ledger, 0).address) == (
        *(State.SENT, 2, "beter@example.net"),
    )


def test_deferred_keeps_what_a_retry_needs(ledger: Ledger) -> None:
    send(ledger, 0, State.DEFERRED)
    delivery = the(ledger, 0)
    claim = a_claim(ledger, 0)
    assert delivery.not_before == NOW + timedelta(minutes=30) and delivery.tries == 1
    assert (delivery.letter, delivery.values, delivery.message_id, delivery.date) == (
        *(claim.letter, claim.values, claim.message_id, claim.date),
    )
    (attempt,) = ledger.record_and_claim(INVITATION, (), [claim._replace(tries=2)], LATER)
    assert the(ledger, 0).not_before is None
    deliveries.record(ledger.database, [Result(attempt, State.SENT)], LATER)
    assert [each.state for each in deliveries.attempts(ledger.database, INVITATION, keys(ledger)[0])] == [
        "deferred",
        "sent",
    ]


def test_released_is_as_if_it_had_not_been_tried(ledger: Ledger) -> None:
    (attempt,) = ledger.record_and_claim(INVITATION, (), [a_claim(ledger, 0)], NOW)
    deliveries.record(ledger.database, [Result(attempt, State.PLANNED)], NOW)
    assert (the(ledger, 0).state, the(ledger, 0).tries) == (State.PLANNED, 0)
    assert deliveries.sent_times(ledger.database, NOW - timedelta(days=1)) == ()
    send(ledger, 0, State.SENT)


def test_a_result_is_for_an_attempt_under_way_and_once(ledger: Ledger) -> None:
    attempt = send(ledger, 0, State.SENT)
    (other,) = ledger.record_and_claim(INVITATION, (), [a_claim(ledger, 1)], NOW)
    with pytest.raises(UserError, match="another run has decided") as caught:
        deliveries.record(ledger.database, [Result(other, State.SENT), Result(attempt, State.REFUSED)], LATER)
    assert caught.value.code is ExitCode.LEDGER_FAULT
    assert the(ledger, 1).state is State.SENDING and the(ledger, 0).state is State.SENT


def test_a_claim_needs_its_letter_and_its_person(ledger: Ledger) -> None:
    for claim in (
        a_claim(ledger, 0)._replace(letter="0" * 64),
        a_claim(ledger, 0)._replace(person="somebody"),
    ):
        with pytest.raises(UserError):
            ledger.record_and_claim(INVITATION, (), [claim], NOW)


def test_a_servers_garbage_is_kept_as_words(ledger: Ledger) -> None:
    (attempt,) = ledger.record_and_claim(INVITATION, (), [a_claim(ledger, 0)], NOW)
    deliveries.record(
        ledger.database, [Result(attempt, State.REFUSED, 550, "n\udce9e\x1b[31m\r\nja" + "x" * 5000)], NOW
    )
    assert the(ledger, 0).reason.startswith("n?e [31m  ja") and len(the(ledger, 0).reason) == 1000


@pytest.mark.parametrize("word", ["sent", "send-again"])
@pytest.mark.parametrize("state", [State.IN_DOUBT, State.REFUSED])
def test_a_persons_word_resolves(ledger: Ledger, state: State, word: Literal["sent", "send-again"]) -> None:
    send(ledger, 0, state)
    person = keys(ledger)[0]
    deliveries.resolve(ledger.database, INVITATION, person, word, LATER)
    assert the(ledger, 0).state is (State.SENT if word == "sent" else State.PLANNED)
    with pytest.raises(UserError) as caught:
        deliveries.resolve(ledger.database, INVITATION, person, word, LATER)
    assert caught.value.code is ExitCode.USAGE
    if word == "send-again":
        # One word is for one message: the next doubt needs another.
        send(ledger, 0, State.IN_DOUBT)
        with pytest.raises(UserError):
            ledger.record_and_claim(INVITATION, (), [a_claim(ledger, 0)], LATER)


def test_expired_touches_only_who_waits(ledger: Ledger) -> None:
    send(ledger, 0, State.SENT)
    send(ledger, 1, State.DEFERRED)
    send(ledger, 2, State.REFUSED)
    deliveries.expire(ledger.database, INVITATION, keys(ledger), LATER)
    assert [the(ledger, n).state for n in range(4)] == ["sent", "expired", "refused", "expired"]
    # The latest moment may still be moved: nobody had it.
    send(ledger, 3, State.SENT)
    send(ledger, 1, State.SENT)


EVERY = list(State)
STEPS = {
    (State.PLANNED, State.SENDING),
    (State.PLANNED, State.EXPIRED),
    *((State.SENDING, end) for end in (State.SENT, State.REFUSED, State.DEFERRED, State.IN_DOUBT, State.PLANNED)),
    (State.DEFERRED, State.SENDING),
    (State.DEFERRED, State.EXPIRED),
    (State.EXPIRED, State.SENDING),
}


def _in_state(ledger: Ledger, state: State) -> None:
    """Bring the first person into a state by ordinary steps."""
    if state is State.EXPIRED:
        deliveries.expire(ledger.database, INVITATION, [keys(ledger)[0]], NOW)
    elif state is State.SENDING:
        ledger.record_and_claim(INVITATION, (), [a_claim(ledger, 0)], NOW)
    else:
        send(ledger, 0, state)


@pytest.mark.parametrize("before", EVERY)
@pytest.mark.parametrize("after", EVERY)
def test_the_database_itself_allows_no_other_step(ledger: Ledger, before: State, after: State) -> None:
    _in_state(ledger, before)
    wait = "2020-02-17T10:00:00.000000Z" if after is State.DEFERRED else None
    statement = "UPDATE deliveries SET state = ?, not_before = ?, attempt = coalesce(attempt, 1)"
    allowed: Callable[[], int] = lambda: ledger.database.change(statement, (after.value, wait))  # noqa: E731
    if before is State.EXPIRED:
        send(ledger, 1, State.SENT)  # so that there is an attempt to point at
        statement += f" WHERE person = '{keys(ledger)[0]}'"
    if (before, after) in STEPS:
        assert allowed() == 1
    else:
        with pytest.raises(UserError):
            allowed()
        assert the(ledger, 0).state is before


def test_a_delivery_cannot_begin_as_anything_but_a_claim(ledger: Ledger) -> None:
    send(ledger, 0, State.SENT)
    for state in ("planned", "sent", "in doubt", "nonsense"):
        with pytest.raises(UserError):
            ledger.database.execute(
                "INSERT INTO deliveries (round, person, address, address_key, state, since, attempt)"
                " VALUES (1, ?, 'x@example.org', 'x@example.org', ?, '', 1)",
                (keys(ledger)[1], state),
            )


def test_pace_counts_what_went_or_may_have_gone_over_events(ledger: Ledger) -> None:
    send(ledger, 0, State.SENT, at=NOW - timedelta(hours=2))
    send(ledger, 1, State.IN_DOUBT, at=NOW)
    send(ledger, 2, State.REFUSED, at=NOW)
    (attempt,) = ledger.record_and_claim(Round("ander", "invitation"), (), [a_claim(ledger, 3)], LATER)
    deliveries.record(ledger.database, [Result(attempt, State.SENT)], LATER)
    assert deliveries.sent_times(ledger.database, NOW) == (NOW, LATER)


def test_a_retry_waits_thirty_minutes_and_twice_as_long_each_time() -> None:
    minutes = [(next_try(tries, NOW) - NOW) / timedelta(minutes=1) for tries in range(1, 6)]
    assert minutes == [30, 60, 120, 240, 480]
    assert next_try(10_000, NOW) - NOW <= timedelta(days=6)
    # Half an hour is half an hour, also across the change to summer time.
    night = datetime(2020, 3, 29, 1, 45, tzinfo=ZONE)
    assert next_try(1, night).strftime("%H:%M") == "03:15"


def test_skips_are_noted_with_their_day_and_once(ledger: Ledger) -> None:
    person = keys(ledger)[0]
    for at in (NOW, LATER):
        rounds.record_skips(ledger.database, INVITATION, [(person, "niet mailen: verhuisd")], at)
    rounds.record_skips(ledger.database, INVITATION, [(person, "has answered")], LATER)
    found = rounds.skips(ledger.database, "dag-2020")
    assert [(each.reason, each.at) for each in found] == [
        ("niet mailen: verhuisd", NOW),
        ("has answered", LATER),
    ]
    assert rounds.skips(ledger.database, "ander") == ()


def test_approvals_are_noted_when_something_changed(ledger: Ledger) -> None:
    assert rounds.of_mailing(ledger.database, "dag-2020", "invitation") == ()
    for text in ("een", "een", "twee", "een"):
        rounds.approve(ledger.database, "dag-2020", "invitation", {"invitation.md": text}, NOW)
    given = rounds.of_mailing(ledger.database, "dag-2020", "invitation")
    assert [each.sources["invitation.md"] for each in given] == ["een", "twee", "een"]
    assert rounds.of_mailing(ledger.database, "dag-2020", "reminder") == ()


def test_the_lists_size_is_remembered(ledger: Ledger) -> None:
    assert rounds.last_list(ledger.database) is None
    rounds.remember_list(ledger.database, INVITATION, 102, NOW)
    rounds.remember_list(ledger.database, Round("ander", "thanks"), 61, LATER)
    seen = rounds.last_list(ledger.database)
    assert seen is not None and (seen.size, seen.round.event, seen.at) == (61, "ander", LATER)


def test_a_register_keeps_what_a_later_export_leaves_out(ledger: Ledger) -> None:
    ledger.record_persons([Listed("M0@example.org", "Lid 0", "Woonstede", "12")], NOW)
    (found,) = ledger.record_persons([Listed("nul@example.net", "Lid 0", "Woonstede")], LATER)
    assert found.old_address == "m0@example.org"
    person = people.persons(ledger.database)[0]
    assert (person.address, person.number, person.former) == ("nul@example.net", "12", ("m0@example.org",))


def test_who_was_identified_is_enlisted_so_and_never_two_under_one_address(ledger: Ledger) -> None:
    rows = [Listed("nieuw@example.org", "Nieuw Lid"), Listed("m0@example.org", "Lid 0")]
    who = ledger.identify(rows)
    somebody_else = [who[0]._replace(key="f" * 32), who[1]]
    ledger.record_persons(rows[:1], NOW)
    with pytest.raises(UserError) as refused:
        ledger.record_persons_as(zip(rows, somebody_else, strict=True), NOW)
    assert refused.value.code is ExitCode.LEDGER_FAULT
    ledger.record_persons_as(zip(rows, who, strict=True), LATER)
    assert ledger.identify(rows) == tuple(each._replace(is_new=False) for each in who)


def test_a_preview_gives_the_key_that_is_recorded_later(ledger: Ledger) -> None:
    rows = [Listed("nieuw@example.org", "Nieuw Lid")]
    before = ledger.identify(rows)
    assert len(people.persons(ledger.database)) == 4
    assert ledger.record_persons(rows, NOW) == before
    assert ledger.identify(rows)[0] == before[0]._replace(is_new=False)
