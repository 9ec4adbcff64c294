"""Plan: who gets a mailing, who does not, and why. Pure.

Every run makes its own plan from the event, the list and the ledger's history. Everybody in the list is in exactly
one place of the plan, so no member is forgotten silently.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from mkwmail.addresses import address_key
from mkwmail.clock import ZONE, day_in_words
from mkwmail.config.event import Event
from mkwmail.config.kinds import CANCELLATION, CORRECTION, UPDATE, Audience, latest_of, mailing_named, rule_of
from mkwmail.dutch.names import full_name
from mkwmail.errors import UserError
from mkwmail.i18n import _, ngettext, some
from mkwmail.ledger.models import COMING, TOLD, Change, Delivery, Round, State
from mkwmail.ledger.people import is_mark
from mkwmail.members.member_list import Member
from mkwmail.members.names import read_name
from mkwmail.planning.audience import (
    Audiences,
    History,
    Recipient,
    audience_of,
    corrects_a_cancellation,
    days_of_answers,
    is_for_guests,
)
from mkwmail.planning.facts import facts_of, only_added


@dataclass(frozen=True, slots=True)
class Plan:
    """The outcome of audience x members x ledger at one moment.

    ``skipped``: those whom it is not for; ``already``: those who had it; ``refused`` and ``in_doubt``: those about whom
    a person must decide; ``expired``: those who would have got it before its ``latest`` moment. ``odd``: sentences that
    the person who confirms must see.
    """

    round: Round
    latest: datetime
    too_late: bool
    to_send: tuple[Recipient, ...] = ()
    skipped: tuple[Recipient, ...] = ()
    waiting: tuple[Recipient, ...] = ()
    in_doubt: tuple[Recipient, ...] = ()
    already: tuple[Recipient, ...] = ()
    refused: tuple[Recipient, ...] = ()
    expired: tuple[Recipient, ...] = ()
    odd: tuple[str, ...] = ()

    @property
    def copies(self) -> tuple[Recipient, ...]:
        """The assistants among those who get it, each with the members whose mail it is."""
        return tuple(each for each in self.to_send if each.copy_of)


def plan(event: Event, mailing: str, listings: Sequence[Recipient], history: History, now: datetime) -> Plan:
    """Return who gets a mailing at this moment, and who does not.

    :param listings: everybody in the list. Assistants among them get a copy if one of their members gets the mailing.
    :raises UserError: if the event has no such mailing (USAGE), or if its audience cannot be determined.
    """
    latest = latest_of(event, mailing)
    of = Round(event.id, mailing, _edition(event, mailing, history, now))
    rule = audience_of(event, mailing)
    assistants = [each for each in listings if each.copy_of]
    listings = [each for each in listings if not each.copy_of]
    # Those at the address of a sign-up that is to be settled must hear what guests hear.
    guests = _besides(listings, history.guests)
    others = (*guests, *_besides(listings, history.holders))
    history = replace(history, guests=guests)
    everyone = [*listings, *(others if is_for_guests(rule) else ())]
    if rule is Audience.TOLD or corrects_a_cancellation(mailing, history.correcting):
        everyone += _departed((*everyone, *assistants), history)
    # Somebody comes from a guest's organisation, also if the mailing is not for guests.
    audiences = Audiences(
        event,
        mailing,
        inheriting(listings, history),
        {each.person: each.member for each in (*everyone, *others)},
        now,
    )
    sorting = _Sorting(of, history, audiences, now)
    for each in everyone:
        sorting.sort(each)
    # Those who were refused in a run that stopped for it are last: three of them at the front would stop every run.
    sorting.to_send.sort(key=lambda planned: planned.retry is not None and planned.retry.code is not None)
    if rule is Audience.TOLD:
        # Those who would travel in vain are told first.
        sorting.to_send.sort(key=lambda planned: history.answers.get(planned.person) not in COMING)
    sorting.sort_copies(assistants)
    made = sorting.plan(latest, now > latest)
    return replace(made, odd=tuple(_odd(event, mailing, listings, history, made, now)))


def _besides(listings: Sequence[Recipient], others: Sequence[Recipient]) -> tuple[Recipient, ...]:
    """Return the others who are not in the list."""
    members = {each.person for each in listings} if others else frozenset[str]()
    return tuple(each for each in others if each.person not in members)


def _edition(event: Event, mailing: str, history: History, now: datetime) -> int:
    """Return the edition that is planned.

    It is the version of the facts for an update, of the text for a correction, the day of the last answers for a
    confirmation, else 0.
    """
    rule = rule_of(mailing)
    if rule.tells_changes:
        return history.telling.version_of(facts_of(event, history.cancelled is not None))
    if rule.confirms:
        return max(
            (day.toordinal() for day in days_of_answers(history) if day < now.astimezone(ZONE).date()), default=0
        )
    return history.correcting.edition if rule.corrects and history.correcting else 0


def _departed(listings: Iterable[Recipient], history: History) -> Iterator[Recipient]:
    """Yield those who were told and have left the list since. Their address is the one that was last mailed."""
    listed = {recipient.person for recipient in listings}
    persons = {person.key: person for person in history.persons}
    told: dict[str, Delivery] = {}
    for delivery in history.deliveries:
        if delivery.state in TOLD and delivery.person not in listed and not is_mark(delivery.address):
            told[delivery.person] = max(delivery, told.get(delivery.person, delivery), key=lambda each: each.since)
    for key, delivery in told.items():
        known = persons.get(key)
        name, organisation, number = (known.name, known.organisation, known.number) if known else ("", "", "")
        member = Member(0, read_name(name), delivery.address, organisation=organisation, number=number)
        yield Recipient(key, member)


def inheriting(listings: Sequence[Recipient], history: History) -> History:
    """Return the history in which successors have the mails that their addresses got.

    The mails of somebody who has left were read, if at all, by the person who has the address now. So a successor is
    not invited a second time at the same address, but gets the reminder, and every change, correction and cancellation.
    Answers and skips are a person's own.
    """
    if not history.deliveries:
        return history
    here = {each.person for each in listings}
    certain = [each for each in listings if each.member.email and not each.doubt]
    heirs = {each.member.address_key: each.person for each in certain}
    heirs |= {each.mark: each.person for each in certain if each.mark}
    heir_of = {
        each.person: heirs[key]
        for each in history.deliveries
        if each.person not in here and each.state in TOLD and (key := address_key(each.address)) in heirs
    }
    if not heir_of:
        return history
    deliveries = tuple(
        replace(each, person=heir_of[each.person])
        if each.person in heir_of and address_key(each.address) in heirs and each.state in TOLD
        else each
        for each in history.deliveries
    )
    told = {heir_of.get(person, person): versions for person, versions in history.telling.told.items()}
    # The successor's own mails come last, and count.
    told |= {person: versions for person, versions in history.telling.told.items() if person not in heir_of}
    correcting = history.correcting
    if correcting is not None:
        # A person who had the present text needs no correction of the text that the predecessor had.
        earlier = {heir_of.get(person, person) for person in correcting.earlier} - (correcting.had - correcting.earlier)
        had = {heir_of.get(person, person) for person in correcting.had}
        correcting = replace(correcting, earlier=frozenset(earlier), had=frozenset(had))
    told_anew = replace(history.telling, told=told)
    return replace(history, deliveries=deliveries, telling=told_anew, correcting=correcting)


@dataclass(slots=True)
class _Sorting:
    """Puts each member in one place.

    The questions come in the order of what must not go wrong.
    """

    of: Round
    history: History
    audiences: Audiences
    now: datetime
    to_send: list[Recipient] = field(default_factory=list)
    skipped: list[Recipient] = field(default_factory=list)
    waiting: list[Recipient] = field(default_factory=list)
    in_doubt: list[Recipient] = field(default_factory=list)
    already: list[Recipient] = field(default_factory=list)
    refused: list[Recipient] = field(default_factory=list)
    here: dict[str, Delivery] = field(init=False)
    mailed: dict[str, Delivery] = field(init=False)
    seen: dict[str, Member] = field(default_factory=dict)
    seen_addresses: dict[str, Member] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.here = {each.person: each for each in self.history.deliveries if each.round == self.of}
        self.mailed = {address_key(each.address): each for each in self.here.values() if each.state in TOLD}

    def sort(self, recipient: Recipient, concerns: bool = True) -> None:
        """Put somebody in one place.

        :param concerns: whether any member gets it whose assistant this is.
        """
        member, address = recipient.member, recipient.member.address_key
        delivery = self.here.get(recipient.person)
        twin = self.seen.get(recipient.person) or self.seen_addresses.get(address)
        if twin is not None:
            self.skipped.append(replace(recipient, reason=twice(twin)))
            return
        self.seen[recipient.person] = self.seen_addresses[address] = member
        if delivery is not None and delivery.state in TOLD:
            self._told(recipient, delivery)
            return
        reason = self._left_out(recipient, concerns)
        if reason is None and (delivery is None or delivery.state is State.EXPIRED):
            # A message that waits was checked when it was claimed, or a person decided to send it again.
            reason = self.history.dead.get(address)
        if reason is not None:
            self.skipped.append(replace(recipient, reason=reason))
        elif delivery is None or delivery.state is State.EXPIRED:
            self.to_send.append(recipient)
        elif delivery.state is State.REFUSED:
            self._refused(recipient, delivery)
        elif delivery.not_before is not None and delivery.not_before > self.now:
            self.waiting.append(replace(recipient, reason=delivery.reason, not_before=delivery.not_before))
        else:
            self.to_send.append(replace(recipient, retry=delivery))

    def sort_copies(self, assistants: Sequence[Recipient]) -> None:
        """Put each assistant in one place, after all members."""
        if not assistants:
            return
        for_now = {each.person for each in (*self.to_send, *self.waiting, *self.refused)}
        had = {each.person for each in (*self.already, *self.in_doubt)}
        for each in assistants:
            concerned = tuple(
                one
                for one in each.copy_of
                if one.person in for_now or (one.person in had and self.audiences.is_still_for(one.person, one.member))
            )
            self.sort(replace(each, copy_of=concerned or each.copy_of), concerns=bool(concerned))

    def _told(self, recipient: Recipient, delivery: Delivery) -> None:
        if delivery.state is State.SENT:
            self.already.append(replace(recipient, reason=already_sent(delivery.since)))
        elif is_mark(delivery.address):
            # No person can be asked about it any more, so it counts as sent.
            reason = _("may have got it on %(day)s; personal data removed since") % {
                "day": day_in_words(delivery.since)
            }
            self.already.append(replace(recipient, reason=reason))
        else:
            reason = delivery.reason or _("it is not known whether the server accepted it")
            self.in_doubt.append(replace(recipient, reason=reason))

    def _refused(self, recipient: Recipient, delivery: Delivery) -> None:
        if is_mark(delivery.address):
            # It is not known whether the address has changed.
            reason = _("refused by the server on %(day)s; personal data removed since") % {
                "day": day_in_words(delivery.since)
            }
            self.skipped.append(replace(recipient, reason=reason))
            return
        if address_key(delivery.address) != recipient.member.address_key:
            # The address was corrected: it is another mailbox, which has refused nothing.
            self.to_send.append(recipient)
            return
        self.refused.append(replace(recipient, reason=refused_by_server(delivery.since, delivery.reason)))

    def _left_out(self, recipient: Recipient, concerns: bool) -> str | None:
        """Return why somebody who was not mailed yet is left out. None if no reason is known."""
        if recipient.doubt:
            return _("it is doubtful who this is: %(doubt)s") % {"doubt": recipient.doubt}
        if recipient.member.do_not_mail:
            return _("not to be mailed: %(reason)s") % {"reason": recipient.member.do_not_mail}
        if recipient.person in self.history.left_out:
            return self.history.left_out[recipient.person]
        other = self.mailed.get(recipient.member.address_key) or self.mailed.get(recipient.mark)
        if other is not None:
            return _("this address had it on %(day)s, under another name") % {"day": day_in_words(other.since)}
        if recipient.copy_of:
            return None if concerns else _("none of the members whose assistant this is gets it")
        return self.audiences.why_not(recipient.person, recipient.member)

    def plan(self, latest: datetime, too_late: bool) -> Plan:
        made = Plan(
            self.of,
            latest,
            too_late,
            tuple(self.to_send),
            tuple(self.skipped),
            tuple(self.waiting),
            tuple(self.in_doubt),
            tuple(self.already),
            tuple(self.refused),
        )
        return came_too_late(made) if too_late else made


def came_too_late(plan: Plan) -> Plan:
    """Return the plan after its latest moment.

    Those who would have got it are expired.
    """
    reason = _("not sent before its latest moment, %(day)s") % {"day": day_in_words(plan.latest)}
    missed = (replace(each, reason=reason) for each in (*plan.to_send, *plan.waiting))
    return replace(plan, too_late=True, to_send=(), waiting=(), expired=(*plan.expired, *missed))


def already_sent(when: datetime) -> str:
    """Return why somebody who has the mailing does not get it again."""
    return _("already sent on %(day)s") % {"day": day_in_words(when)}


def refused_by_server(when: datetime, reply: str) -> str:
    """Return why somebody whom the server refused is not tried again."""
    return _("refused by the server on %(day)s: %(reply)s") % {"day": day_in_words(when), "reply": reply}


def list_tolerance(size: int) -> float:
    """Return how many may join or leave a list before it is doubtful.

    :param size: of the list, in members.
    """
    return max(5, size * 0.1)


def twice(first: Member) -> str:
    """Return why a row at the address of an earlier one gets no mail."""
    if not first.row:
        return _("this address is there twice: one mail")
    return _("the same address as row %(row)s, %(name)s: one mail") % {"row": first.row, "name": full_name(first.name)}


def _unsettled(history: History, names: Sequence[str]) -> Iterator[str]:
    """Yield how many sign-ups are to be settled, and whose of them get the mailing (``names``)."""
    if history.unsettled:
        settling = {"n": len(history.unsettled), "names": some([each.who for each in history.unsettled])}
        yield (
            ngettext(
                "%(n)d sign-up is to be settled: %(names)s",
                "%(n)d sign-ups are to be settled: %(names)s",
                len(history.unsettled),
            )
            % settling
        )
    if names:
        yield ngettext(
            "%(names)s signed up, and it is to be settled who that is; this address gets it too",
            "%(names)s signed up, and it is to be settled who they are; these addresses get it too",
            len(names),
        ) % {"names": ", ".join(names)}


def _odd(
    event: Event, mailing: str, listings: Sequence[Recipient], history: History, made: Plan, now: datetime
) -> Iterator[str]:
    """Yield what the person who confirms wants to know first."""
    send = mailing_named(event, mailing).send
    if send is not None and now.date() < send.astimezone(now.tzinfo).date():
        words = {"planned": day_in_words(send), "today": day_in_words(now)}
        yield _("planned for %(planned)s, but today is %(today)s") % words
    if made.too_late:
        words = {"latest": day_in_words(made.latest), "today": day_in_words(now)}
        yield _("its latest moment was %(latest)s, and today is %(today)s: nobody gets it any more") % words
    listed = {recipient.person for recipient in listings}
    others = [each for each in made.to_send if each.person not in listed and not each.copy_of]
    holders = {each.person for each in history.holders}
    yield from _unsettled(history, [each.name or each.address for each in others if each.person in holders])
    guests = {each.person for each in history.guests}
    names = [each.name or each.address for each in others if each.person in guests]
    if names:
        yield ngettext(
            "%(names)s is not a member, comes as a guest, and gets it too",
            "%(names)s are not members, come as guests, and get it too",
            len(names),
        ) % {"names": ", ".join(names)}
    gone = [each.name or each.address for each in others if each.person not in guests | holders]
    if gone:
        yield _("those who have left the list get it too: %(names)s") % {"names": ", ".join(gone)}
    before = history.last_list
    if before is not None and before.size - len(listings) > list_tolerance(before.size):
        sizes = {"before": before.size, "now": len(listings)}
        yield _("the list had %(before)s members at the last mailing, now %(now)s") % sizes
    facts = facts_of(event)
    # This mail adds what was still to follow. A fact that has changed would be in it without a word that it did.
    told_now = {each.person for each in made.to_send} if rule_of(mailing).tells_all_facts else set()
    outdated = [
        recipient
        for recipient in listings
        for changes in [history.telling.changes_for(recipient.person, facts, history.answers.get(recipient.person))]
        if changes and not (recipient.person in told_now and only_added(changes))
    ]
    rule = rule_of(mailing)
    if outdated and history.cancelled is None and not (rule.tells_changes or rule.cancels):
        told = ngettext(
            "%(n)d was given details that have changed; `mkwmail send %(event)s update` says what changed",
            "%(n)d were given details that have changed; `mkwmail send %(event)s update` says what changed",
            len(outdated),
        )
        yield told % {"n": len(outdated), "event": event.id}
    if audience_of(event, mailing) is Audience.UNANSWERED and not history.answers and made.to_send:
        yield _("no answers are recorded: everyone who was invited gets it, also who signed up already")


@dataclass(frozen=True, slots=True)
class Outdated:
    """Somebody who was given details that have changed.

    ``why_not``: why the mailing that tells them does not reach them; empty if it does.
    """

    person: str
    name: str
    address: str
    changes: tuple[Change, ...]
    why_not: str = ""

    @property
    def what(self) -> str:
        """The details that have changed: ``Datum, Locatie``."""
        return ", ".join(change.what for change in self.changes)


class WithEarlierText(NamedTuple):
    """Those who have an earlier text of a mailing, and would get a correction.

    ``changes``: what differs from the texts that they have.
    """

    mailing: str
    people: int
    changes: tuple[Change, ...]


def with_earlier_text(
    event: Event, listings: Sequence[Recipient], history: History, now: datetime
) -> WithEarlierText | None:
    """Return those to whom a correction would say something, or None.

    ``history``: with the mailing to correct. None after the event.
    """
    correcting = history.correcting
    if correcting is None or now > event.ends or not any(correcting.changes.values()):
        return None
    planned = plan(event, CORRECTION, listings, history, now).to_send
    reached = [correcting.changes.get(each.person, ()) for each in planned]
    told = [changes for changes in reached if changes]
    if not told:
        return None
    return WithEarlierText(correcting.of, len(told), tuple(dict.fromkeys(one for changes in told for one in changes)))


def mending(history: History) -> str:
    """Return the mailing that tells people the details that have changed."""
    return CANCELLATION if history.cancelled else UPDATE


def outdated(event: Event, listings: Sequence[Recipient], history: History, now: datetime) -> tuple[Outdated, ...]:
    """Return those who were given details that have changed.

    They are in the order of the register. In doubt counts as told. Empty after the event. Those who only lack details
    that an invitation will still bring them are not included.
    """
    if now > event.ends:
        return ()
    facts = facts_of(event, history.cancelled is not None)
    history = inheriting(listings, history)
    changed = [
        (person, changes)
        for person in history.telling.told
        if (changes := history.telling.changes_for(person, facts, history.answers.get(person)))
    ]
    if not changed:
        return ()
    made = plan(event, mending(history), listings, history, now)
    left_out = {person: reason for person, reason in _left_out(made)}
    reached = _reached(made)
    addresses = {each.person: each.address for each in history.deliveries}
    names = {each.key: (each.name, each.address) for each in history.persons}
    # If somebody was forgotten and is still in the list, the list has the address.
    here = {each.person: (each.name, each.address) for each in listings}
    names |= {person: here.get(person, known) for person, known in names.items() if is_mark(known[1])}
    to_be_invited = _to_be_invited(event, listings, history, now)
    found = []
    for person, changes in changed:
        if not (only_added(changes) and person in to_be_invited):
            name, address = names.get(person, ("", addresses.get(person, "")))
            if is_mark(address):
                continue
            why_not = "" if person in reached else left_out.get(person, _("has left the list"))
            found.append(Outdated(person, name, address, changes, why_not))
    order = [each.key for each in history.persons]
    return tuple(sorted(found, key=lambda each: order.index(each.person) if each.person in order else len(order)))


def _to_be_invited(event: Event, listings: Sequence[Recipient], history: History, now: datetime) -> frozenset[str]:
    """Return those whom an invitation will reach: it has all the facts."""
    if history.cancelled:
        return frozenset()
    found: frozenset[str] = frozenset()
    for name in event.mailings:
        if rule_of(name).invites:
            with suppress(UserError):  # an audience that cannot be told is a fault of that mailing alone
                found |= _reached(plan(event, name, listings, history, now))
    return found


def _reached(made: Plan) -> frozenset[str]:
    """Return those to whom a mailing will still be sent."""
    return frozenset(each.person for each in made.to_send) | {each.person for each in made.waiting}


def _left_out(made: Plan) -> Iterator[tuple[str, str]]:
    for each in (*made.skipped, *made.already, *made.refused, *made.in_doubt, *made.expired):
        yield each.person, each.reason
