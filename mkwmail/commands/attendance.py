"""Attendance figures, counted from the ledger and the member list."""

from collections.abc import Iterator
from datetime import datetime

from mkwmail.config.event import Event
from mkwmail.dutch.names import full_name
from mkwmail.i18n import _
from mkwmail.ledger import responses, rounds
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import COMING
from mkwmail.ledger.people import folded, is_mark
from mkwmail.members.member_list import doubles
from mkwmail.members.same_name import same_place
from mkwmail.planning.attendance import places_of, silent, to_phone
from mkwmail.planning.audience import History
from mkwmail.planning.member_index import MemberIndex, unaddressed
from mkwmail.planning.plan import twice
from mkwmail.report.answers import Attendance, catering_line, since_catering_line
from mkwmail.report.recipients import PersonWithReason
from mkwmail.responses.answers import numbers_of, questions


def attendance_of(
    event: Event, ledger: Ledger, index: MemberIndex | None, history: History, now: datetime
) -> Attendance:
    """Count the answers to an event.

    Without a list, the counts cover only what the ledger knows.
    """
    signups, answers = responses.signups(ledger.database, event.id), history.answers
    guests = {each.person for each in responses.guests(ledger.database, event.id)}
    members = {each.person for each in index.listings} if index else set()
    places = places_of(index) if index else {}
    coming = list(_coming_places(ledger, event, index, history)) if index else []
    absent = [
        name
        for key, name in places.items()
        if not any(key == folded(place) or (sure and same_place(name, place)) for place, sure in coming)
    ]
    return Attendance(
        answers=tuple(answers.values()),
        guests=sum(answers.get(person) in COMING for person in guests - members),
        silent=len(silent(event, index, history)),
        questions=questions(signups, answers),
        places=len(places),
        absent_places=tuple(sorted(absent)),
        to_phone=tuple(
            PersonWithReason(one.name, one.address, one.reason) for one in to_phone(event, index, history, now)
        ),
        by_post=tuple(_by_post(index)) if index and now <= event.ends else (),
        unsettled=sum(bool(each.doubt) for each in signups),
        last=max(history.answered.values(), default=None),
        numbers=numbers_of(signups, answers, [item.title for item in event.programme if item.optional]),
    )


def _by_post(index: MemberIndex) -> Iterator[PersonWithReason]:
    for member in unaddressed(index):
        place = member.organisation or _("no organisation")
        phone = member.telephones or _("no telephone number")
        yield PersonWithReason(full_name(member.name), "", f"{place}, {phone}")


def catering_steps(
    event: Event, ledger: Ledger, history: History, attendance: Attendance, now: datetime
) -> Iterator[str]:
    """Yield the numbers for the caterer, or after the deadline how many have changed since."""
    deadline = event.catering.deadline if event.catering else None
    if deadline is None or now > event.ends or history.cancelled or not attendance.answers:
        return
    if now <= deadline:
        yield catering_line(attendance.numbers, deadline)
        return
    answers = responses.answers_at(ledger.database, event.id, deadline)
    then = {person for person, answer in answers.items() if answer in COMING}
    today = {person for person, answer in history.answers.items() if answer in COMING}
    yield since_catering_line(len(then - today), len(today - then), deadline)


def _coming_places(ledger: Ledger, event: Event, index: MemberIndex, history: History) -> Iterator[tuple[str, bool]]:
    """Yield the organisation of everybody who attends.

    True marks a guest's organisation, which is in the guest's own spelling.
    """
    for each in index.listings:
        if history.answers.get(each.person) in COMING:
            yield each.member.organisation, False
    for guest in responses.guests(ledger.database, event.id):
        if history.answers.get(guest.person) in COMING and guest.organisation:
            yield guest.organisation, True


def not_listed(event: Event, ledger: Ledger, index: MemberIndex, history: History) -> tuple[PersonWithReason, ...]:
    """Return faulty rows of the list, rows at the address of another member, and people who have left the list.

    Of the latter, only those who heard or were to hear of the event.
    """
    found = [
        PersonWithReason(
            row.name, row.address, _("row %(row)d of the list is faulty: %(fault)s") % {"row": row.row, "fault": fault}
        )
        for row in index.faulty
        for fault in [row.faults[0].fault if row.faults else ""]
    ]
    found += [
        PersonWithReason(full_name(member.name), member.email, twice(first))
        for first, member in doubles(each.member for each in index.listings)
    ]
    here = {each.person for each in index.everybody}
    here |= {each.person for each in responses.guests(ledger.database, event.id)}
    heard = {each.person for each in history.deliveries}
    heard |= {each.person for each in rounds.skips(ledger.database, event.id)}
    given = rounds.scheduled(ledger.database)
    heard |= {person for each in given if each.event == event.id for person in each.persons}
    gone = [each for each in history.persons if each.key in heard - here and not is_mark(each.address)]
    return (*found, *(PersonWithReason(each.name, each.address, _("has left the member list")) for each in gone))
