"""Attendance: who has not answered, and whom to telephone. Pure."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

from mkwmail.addresses import address_key
from mkwmail.clock import day_in_words
from mkwmail.config.event import Event
from mkwmail.config.kinds import rule_of, shown_name
from mkwmail.dutch.names import Name, full_name
from mkwmail.i18n import _
from mkwmail.ledger.models import TOLD, Call, Delivery, State
from mkwmail.ledger.people import folded, is_mark
from mkwmail.members.member_list import Member
from mkwmail.planning.audience import History, Recipient, represented
from mkwmail.planning.member_index import MemberIndex, unaddressed


def silent(event: Event, index: MemberIndex | None, history: History) -> frozenset[str]:
    """Return those (keys) who were invited and have not answered.

    Those for whom a colleague has answered are not among them.

    :param index: None if the member list cannot be read; then no colleague counts.
    """
    invited = {each.person for each in history.deliveries if each.state in TOLD and rule_of(each.round.mailing).invites}
    return frozenset(invited - history.answers.keys() - spoken_for(event, index, history) - _assistants(index, history))


def _assistants(index: MemberIndex | None, history: History) -> frozenset[str]:
    """Return those (keys) who are no members and get copies only, also if they are in the list no more."""
    members = {each.person for each in index.listings} if index else set()
    found = {each.person for each in index.assistants} if index else set()
    # The register knows assistants by their addresses alone.
    found |= {each.key for each in history.persons if not (each.name or each.organisation or each.number)}
    return frozenset(found - members)


def places_of(index: MemberIndex) -> dict[str, str]:
    """Return the organisations of the list: folded name → name."""
    places: dict[str, str] = {}
    for each in index.listings:
        if each.member.organisation:
            places.setdefault(folded(each.member.organisation), each.member.organisation)
    return places


def spoken_for(event: Event, index: MemberIndex | None, history: History) -> frozenset[str]:
    """Return the members for whom a colleague who comes has answered.

    They are the keys of all members of such an organisation, if one person counts for all of it.
    """
    if index is None:
        return frozenset()
    here = {each.person: each.member for each in (*index.listings, *history.guests)}
    places = represented(event, history.answers, here)
    return frozenset(person for person, member in here.items() if folded(member.organisation) in places)


def to_phone(event: Event, index: MemberIndex | None, history: History, now: datetime) -> Iterator[Recipient]:
    """Yield those whom somebody should telephone, until the event is over.

    No mail reaches them, or they have not answered the last reminder.

    Those who are not to be mailed are not telephoned for this reason either.
    """
    if now > event.ends:
        return
    listed = {each.person: each for each in index.listings} if index else {}
    answered_for = spoken_for(event, index, history)
    told = [each for each in sorted(history.deliveries, key=lambda each: each.since) if not is_mark(each.address)]
    last = {each.person: each for each in told}
    reminded = _reminded_last(event, told, now) if history.cancelled is None else {}
    names = {each.key: each.name for each in history.persons}
    for person, delivery in last.items():
        answer, here = history.answers.get(person), listed.get(person)
        if answer in ("declined", "absent") or person in answered_for or person in history.left_out:
            continue
        if here is not None and here.member.do_not_mail:
            continue
        known = Recipient(person, Member(0, Name(written=names.get(person, "")), delivery.address))
        if delivery.state is State.REFUSED:
            # A corrected address is mailed instead.
            if here is None or here.member.address_key == address_key(delivery.address):
                yield replace(known, reason=f"{shown_name(delivery.round.mailing)}: {delivery.reason}")
        elif answer is None and here is not None and person in reminded and person not in history.perhaps_answered:
            day = {"day": day_in_words(reminded[person])}
            yield replace(known, reason=_("has not answered the reminder of %(day)s") % day)


@dataclass(frozen=True, slots=True)
class ToCall:
    """Somebody to telephone: ``last`` is the last call, if there was one."""

    person: str
    name: str
    organisation: str
    telephone: str
    reason: str
    last: Call | None = None


def calls_to_make(
    event: Event, index: MemberIndex | None, history: History, calls: Iterable[Call], now: datetime
) -> tuple[ToCall, ...]:
    """Return those whom somebody should telephone, the most urgent first.

    First those whom no mail reaches; of equal urgency, those who were not called yet, then those who were called
    longest ago. Members without an address have no key.
    """
    listed = {each.person: each.member for each in index.listings} if index else {}
    places = {each.key: each.organisation for each in history.persons}
    last = {each.person: each for each in calls}
    refused = {each.person for each in history.deliveries if each.state is State.REFUSED}
    found = []
    for one in to_phone(event, index, history, now):
        member = listed.get(one.person)
        place = member.organisation if member else places.get(one.person, "")
        telephone = member.telephones if member else ""
        found.append(ToCall(one.person, one.name, place, telephone, one.reason, last.get(one.person)))
    if index is not None and now <= event.ends and history.cancelled is None:
        found += _without_address(index, history)
    found.sort(
        key=lambda one: (not _is_out_of_reach(one, refused), one.last is not None, one.last.at if one.last else now)
    )
    return tuple(found)


def _without_address(index: MemberIndex, history: History) -> Iterator[ToCall]:
    """Yield the members without an address, until an answer is recorded under their name."""
    guests = (*history.guests, *history.unaddressed)
    answered = {folded(each.name) for each in guests if each.person in history.answers}
    for member in unaddressed(index):
        name = full_name(member.name)
        if folded(name) not in answered:
            yield ToCall(
                "", name, member.organisation, member.telephones, _("has no mail address: by post or telephone")
            )


def _is_out_of_reach(one: ToCall, refused: Set[str]) -> bool:
    return not one.person or one.person in refused


def _reminded_last(event: Event, told: Sequence[Delivery], now: datetime) -> dict[str, datetime]:
    """Return person → when they were reminded.

    Empty as long as a further reminder is planned.
    """
    reminders = [name for name in event.mailings if rule_of(name).reminds]
    if any(send is not None and send > now for send in (event.mailings[name].send for name in reminders)):
        return {}
    return {each.person: each.since for each in told if each.state in TOLD and rule_of(each.round.mailing).reminds}
