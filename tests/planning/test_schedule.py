"""The rules of what is sent automatically, as values."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mkwmail.clock import ZONE
from mkwmail.config.event import Event, Mailing
from mkwmail.dutch.names import Name
from mkwmail.ledger.models import TOLD, Delivery, Round, State
from mkwmail.members.member_list import Member
from mkwmail.planning.audience import Recipient
from mkwmail.planning.plan import Plan
from mkwmail.planning.schedule import (
    can_go_by_itself,
    changes,
    due_by_date,
    go_ahead_for,
    moved_far,
    share_of,
    superseded,
    too_soon,
)

STARTS = datetime(2020, 4, 16, 13, tzinfo=ZONE)


def on(month: int, day: int, hour: int = 9) -> datetime:
    return datetime(2020, month, day, hour, tzinfo=ZONE)


def an_event(**mailings: Mailing) -> Event:
    named = {name.replace("_", "-"): mailing for name, mailing in mailings.items()}
    return Event(id="dag", title="Dag", starts=STARTS, ends=STARTS + timedelta(hours=5), mailings=named)


USUAL = an_event(
    save_the_date=Mailing(send=on(1, 20)),
    invitation=Mailing(send=on(2, 17)),
    reminder=Mailing(send=on(3, 23)),
    reminder_2=Mailing(send=on(3, 30)),
    practical=Mailing(),
    update=Mailing(send=on(2, 20)),
)


def sent(mailing: str, person: str = "a") -> Delivery:
    return Delivery(Round("dag", mailing), person, f"{person}@example.org", State.SENT, on(2, 17))


def persons(count: int, first: int = 0) -> list[str]:
    return [f"p{number}" for number in range(first, first + count)]


def listings(names: list[str]) -> list[Recipient]:
    return [
        Recipient(name, Member(row=2, name=Name(first=name), email=f"{name}@example.org", organisation=""))
        for name in names
    ]


def a_plan(names: list[str], retried: str = "") -> Plan:
    earlier = Delivery(Round("dag", "invitation"), retried, "x@example.org", State.DEFERRED, on(2, 17))
    to_send = tuple(
        Recipient(each.person, each.member, retry=earlier if each.person == retried else None)
        for each in listings(names)
    )
    return Plan(Round("dag", "invitation"), on(4, 2), False, to_send)


def test_a_mailing_without_a_date_or_sent_by_name_only_is_never_sent_automatically() -> None:
    assert [name for name in USUAL.mailings if can_go_by_itself(USUAL, name)] == [
        *("save-the-date", "invitation", "reminder", "reminder-2")
    ]
    assert not can_go_by_itself(USUAL, "cancellation")


def test_a_save_the_date_is_superseded_once_the_invitation_is_due_or_has_gone() -> None:
    assert superseded(USUAL, ["save-the-date", "invitation"], []) == {"save-the-date": "invitation"}
    assert superseded(USUAL, ["save-the-date"], [sent("invitation")]) == {"save-the-date": "invitation"}
    assert superseded(USUAL, [], [sent("invitation")]) == {"save-the-date": "invitation"}, "whatever its own date"
    assert superseded(USUAL, ["save-the-date"], []) == {}


@pytest.mark.parametrize("state", State)
def test_an_invitation_that_nobody_can_have_had_supersedes_nothing(state: State) -> None:
    begun = [replace(sent("invitation"), state=state)]
    assert bool(superseded(USUAL, ["save-the-date"], begun)) is (state in TOLD)


def test_of_two_reminders_that_are_due_the_later_goes() -> None:
    assert superseded(USUAL, ["reminder", "reminder-2"], []) == {"reminder": "reminder-2"}
    assert superseded(USUAL, ["reminder"], []) == {}
    others = dict(USUAL.mailings) | {"reminder-2": Mailing(send=on(3, 30), audience="tentative")}
    assert superseded(USUAL.model_copy(update={"mailings": others}), ["reminder", "reminder-2"], []) == {}


def test_a_reminder_right_behind_its_invitation_does_not_go() -> None:
    assert too_soon(["invitation", "reminder"], ["invitation"], []) == {"reminder": "invitation"}
    assert too_soon(["reminder"], [], []) == {}
    # Somebody was invited long ago: they are reminded, even if others are invited now.
    assert too_soon(["invitation", "reminder"], ["invitation", "reminder"], []) == {}
    assert too_soon(["invitation", "reminder"], ["invitation"], [sent("reminder")]) == {}


def test_what_is_due_by_its_date() -> None:
    assert due_by_date(USUAL, on(1, 20) - timedelta(minutes=1)) == ()
    assert due_by_date(USUAL, on(1, 20)) == ("save-the-date",)
    assert due_by_date(USUAL, on(4, 1)) == ("save-the-date", "invitation", "reminder", "reminder-2")
    assert due_by_date(USUAL, STARTS + timedelta(minutes=1)) == ()


def test_who_joined_gets_it_while_they_are_few() -> None:
    given = go_ahead_for(USUAL, "invitation", persons(20))
    few = a_plan([*persons(20), *persons(5, 20)])
    assert share_of(few, given, listings(persons(25))).to_send == few.to_send
    many = a_plan([*persons(20), *persons(6, 20)])
    share = share_of(many, given, listings(persons(26)))
    assert [each.person for each in share.to_send] == persons(20)
    assert [each.person for each in share.added] == persons(6, 20)


def test_of_a_large_list_a_tenth_may_join() -> None:
    given = go_ahead_for(USUAL, "invitation", persons(100))
    assert share_of(a_plan(persons(110)), given, listings(persons(110))).added == ()
    assert len(share_of(a_plan(persons(111)), given, listings(persons(111))).added) == 11


def test_a_list_that_lost_many_is_not_mailed() -> None:
    given = go_ahead_for(USUAL, "invitation", persons(100))
    assert share_of(a_plan(persons(90)), given, listings(persons(90))).gone == 0
    share = share_of(a_plan(persons(61)), given, listings(persons(61)))
    assert (share.to_send, share.gone) == ((), 39)


def test_guests_are_not_counted_as_joining_the_list() -> None:
    given = go_ahead_for(USUAL, "invitation", persons(5))
    guests = persons(9, 20)
    assert len(share_of(a_plan([*persons(5), *guests]), given, listings(persons(5)), guests).to_send) == 14


def test_after_a_limited_send_only_those_are_tried_again() -> None:
    given = go_ahead_for(USUAL, "invitation", ["p0", "p1"], at=on(2, 17), others=False)
    plan = a_plan(persons(5), retried="p4")
    assert [each.person for each in share_of(plan, given, listings(persons(5))).to_send] == ["p0", "p1", "p4"]


def test_another_date_latest_moment_or_audience_is_a_change() -> None:
    given = go_ahead_for(USUAL, "invitation", ["a"])
    sources = {"events/dag.yaml": "x"}
    assert changes(given, sources, USUAL, sources) == ()
    for changed in (
        Mailing(send=on(2, 18)),
        Mailing(send=on(2, 17), latest=on(3, 1)),
        Mailing(send=on(2, 17), audience="declined"),
        Mailing(),
    ):
        event = an_event(invitation=changed)
        assert [each.source for each in changes(given, sources, event, sources)], changed
    (text,) = changes(given, sources, USUAL, {"events/dag.yaml": "y"})
    assert text.source == "events/dag.yaml"


def test_what_was_sent_by_hand_has_no_date_that_could_change() -> None:
    given = go_ahead_for(USUAL, "invitation", ["a"], at=on(2, 10))
    assert given.opens == on(2, 10)
    assert changes(given, {}, an_event(invitation=Mailing(send=on(2, 24))), {}) == ()


def test_an_event_that_was_mailed_and_is_far_from_its_day_is_asked_about() -> None:
    given = replace(go_ahead_for(USUAL, "invitation", ["a"]), at=on(1, 10))
    next_year = USUAL.model_copy(update={"starts": STARTS.replace(year=2021)})
    assert moved_far(next_year, [given], [sent("invitation")]) == STARTS
    assert moved_far(next_year, [given], []) is None, "nobody was told: nothing is lost"
    assert moved_far(USUAL.model_copy(update={"starts": STARTS + timedelta(days=90)}), [given], [sent("x")]) is None
    again = replace(go_ahead_for(next_year, "reminder", ["a"]), at=on(5, 1))
    assert moved_far(next_year, [given, again], [sent("invitation")]) is None, "a person said that it was moved"
