"""Who comes, counted from the ledger and the list."""

from collections.abc import Iterator

from mkwmail.commands.workplace import Roll
from mkwmail.language import _
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.persons import folded, is_mark
from mkwmail.ledger.records import TOLD, State
from mkwmail.replies.signup_match import same_place
from mkwmail.replies.totals import COMING, questions
from mkwmail.report.attendance import Attendance
from mkwmail.report.people import Entry
from mkwmail.sending.plan import History
from mkwmail.sources.event import Event
from mkwmail.sources.kinds import Kind, kind_of


def attendance_of(event: Event, ledger: Ledger, roll: Roll | None, history: History) -> Attendance:
    """The answers of an event, counted; without a list as far as the ledger tells it."""
    signups, answers = ledger.signups(event.id), history.answers
    invited = {
        each.person
        for each in history.deliveries
        if each.state in TOLD and kind_of(each.round.mailing) is Kind.INVITATION
    }
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
        silent=len(invited - answers.keys()),
        questions=questions(signups, answers),
        places=len(places),
        absent_places=tuple(sorted(absent)),
        to_phone=tuple(_unreached(history)),
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


def _unreached(history: History) -> Iterator[Entry]:
    """Who has not answered, and whose last mail was refused or came back: no mail reaches them."""
    names = {each.key: each.name for each in history.persons}
    last = {each.person: each for each in sorted(history.deliveries, key=lambda each: each.since)}
    for person, delivery in last.items():
        known = not is_mark(delivery.address)
        if delivery.state is State.REFUSED and person not in history.answers and known:
            reason = f"{delivery.round.mailing}: {delivery.reason}"
            yield Entry(names.get(person, ""), delivery.address, reason)


def not_listed(event: Event, ledger: Ledger, roll: Roll, history: History) -> tuple[Entry, ...]:
    """Rows of the list that are faulty, and who heard of the event and has left the list since."""
    found = [
        Entry(
            row.name, row.address, _("row %(row)d of the list is faulty: %(fault)s") % {"row": row.row, "fault": fault}
        )
        for row in roll.faulty
        for fault in [row.faults[0].fault if row.faults else ""]
    ]
    here = {each.person for each in roll.listings} | {each.person for each in ledger.guests(event.id)}
    heard = {each.person for each in history.deliveries} | {each.person for each in ledger.skips(event.id)}
    gone = [each for each in history.persons if each.key in heard - here and not is_mark(each.address)]
    return (*found, *(Entry(each.name, each.address, _("has left the member list")) for each in gone))
