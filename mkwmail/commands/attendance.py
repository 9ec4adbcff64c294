"""Who comes, counted from the ledger and the list."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from mkwmail.addresses import address_key
from mkwmail.clock import day_in_words
from mkwmail.config.event import Event
from mkwmail.config.kinds import rule_of
from mkwmail.i18n import _
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import COMING, TOLD, Delivery, State
from mkwmail.ledger.people import folded, is_mark
from mkwmail.planning.audience import represented
from mkwmail.planning.plan import History
from mkwmail.planning.roll import Roll
from mkwmail.report.answers import Attendance
from mkwmail.report.recipients import Entry
from mkwmail.responses.answers import questions
from mkwmail.responses.signup_matching import same_place


def attendance_of(event: Event, ledger: Ledger, roll: Roll | None, history: History, now: datetime) -> Attendance:
    """The answers of an event, counted; without a list as far as the ledger tells it."""
    signups, answers = ledger.signups(event.id), history.answers
    invited = {each.person for each in history.deliveries if each.state in TOLD and rule_of(each.round.mailing).invites}
    guests = {each.person for each in ledger.guests(event.id)}
    members = {each.person for each in roll.listings} if roll else set()
    places = _places(roll) if roll else {}
    coming = list(_coming_places(ledger, event, roll, history)) if roll else []
    absent = [
        name
        for key, name in places.items()
        if not any(key == folded(place) or (sure and same_place(name, place)) for place, sure in coming)
    ]
    return Attendance(
        answers=tuple(answers.values()),
        guests=sum(answers.get(person) in COMING for person in guests - members),
        silent=len(invited - answers.keys() - _spoken_for(event, roll, history)),
        questions=questions(signups, answers),
        places=len(places),
        absent_places=tuple(sorted(absent)),
        to_phone=tuple(_to_phone(event, roll, history, now)),
        unsettled=sum(bool(each.doubt) for each in signups),
        last=max(history.answered.values(), default=None),
    )


def _places(roll: Roll) -> dict[str, str]:
    places: dict[str, str] = {}
    for each in roll.listings:
        if each.member.organisation:
            places.setdefault(folded(each.member.organisation), each.member.organisation)
    return places


def _coming_places(ledger: Ledger, event: Event, roll: Roll, history: History) -> Iterator[tuple[str, bool]]:
    """The organisations of those who come; True: a guest's, who writes it in words of their own."""
    for each in roll.listings:
        if history.answers.get(each.person) in COMING:
            yield each.member.organisation, False
    for guest in ledger.guests(event.id):
        if history.answers.get(guest.person) in COMING and guest.organisation:
            yield guest.organisation, True


def _spoken_for(event: Event, roll: Roll | None, history: History) -> frozenset[str]:
    """Members of whose organisation a colleague comes, where one counts for all."""
    if roll is None:
        return frozenset()
    here = {each.person: each.member for each in (*roll.listings, *history.guests)}
    places = represented(event, history.answers, here)
    return frozenset(person for person, member in here.items() if folded(member.organisation) in places)


def _to_phone(event: Event, roll: Roll | None, history: History, now: datetime) -> Iterator[Entry]:
    """Whom a mail does not reach who should hear, and who has not answered the last reminder; until it is over.

    Who is not to be mailed is not telephoned on this account either.
    """
    if now > event.ends:
        return
    listed = {each.person: each for each in roll.listings} if roll else {}
    spoken_for = _spoken_for(event, roll, history)
    told = [each for each in sorted(history.deliveries, key=lambda each: each.since) if not is_mark(each.address)]
    last = {each.person: each for each in told}
    reminded = _reminded_last(event, told, now) if history.cancelled is None else {}
    names = {each.key: each.name for each in history.persons}
    for person, delivery in last.items():
        answer, here = history.answers.get(person), listed.get(person)
        if answer in ("declined", "absent") or person in spoken_for or person in history.left_out:
            continue
        if here is not None and here.member.do_not_mail:
            continue
        name = names.get(person, "")
        if delivery.state is State.REFUSED:
            # A corrected address is mailed instead.
            if here is None or here.member.address_key == address_key(delivery.address):
                yield Entry(name, delivery.address, f"{delivery.round.mailing}: {delivery.reason}")
        elif answer is None and here is not None and person in reminded:
            day = {"day": day_in_words(reminded[person])}
            yield Entry(name, delivery.address, _("has not answered the reminder of %(day)s") % day)


def _reminded_last(event: Event, told: Sequence[Delivery], now: datetime) -> dict[str, datetime]:
    """Person → when they were reminded; nobody as long as a further reminder is to come."""
    reminders = [name for name in event.mailings if rule_of(name).reminds]
    if any(send is not None and send > now for send in (event.mailings[name].send for name in reminders)):
        return {}
    return {each.person: each.since for each in told if each.state in TOLD and rule_of(each.round.mailing).reminds}


def not_listed(event: Event, ledger: Ledger, roll: Roll, history: History) -> tuple[Entry, ...]:
    """Rows of the list that are faulty, and who was to hear of the event and has left the list since."""
    found = [
        Entry(
            row.name, row.address, _("row %(row)d of the list is faulty: %(fault)s") % {"row": row.row, "fault": fault}
        )
        for row in roll.faulty
        for fault in [row.faults[0].fault if row.faults else ""]
    ]
    here = {each.person for each in roll.listings} | {each.person for each in ledger.guests(event.id)}
    heard = {each.person for each in history.deliveries} | {each.person for each in ledger.skips(event.id)}
    heard |= {person for each in ledger.go_aheads() if each.event == event.id for person in each.persons}
    gone = [each for each in history.persons if each.key in heard - here and not is_mark(each.address)]
    return (*found, *(Entry(each.name, each.address, _("has left the member list")) for each in gone))
