"""Who knows other facts of an event than its file has, and what mends that. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mkwmail.dutch.names import full_name
from mkwmail.language import _
from mkwmail.ledger.persons import is_mark
from mkwmail.letters.names import Change
from mkwmail.sending.facts import facts_of, only_added
from mkwmail.sending.plan import History, Listing, Plan, plan
from mkwmail.sources.event import Event
from mkwmail.sources.kinds import Kind, kind_of


@dataclass(frozen=True, slots=True)
class Outdated:
    """Somebody who was told other facts. ``why_not``: why the mailing that mends it does not reach them."""

    person: str
    name: str
    address: str
    changes: tuple[Change, ...]
    why_not: str = ""

    @property
    def what(self) -> str:
        """What they know otherwise: ``Datum, Locatie``."""
        return ", ".join(change.what for change in self.changes)


def mending(history: History) -> str:
    """The mailing that tells people what they do not know yet."""
    return Kind.CANCELLATION if history.cancelled else Kind.UPDATE


def outdated(event: Event, listings: Sequence[Listing], history: History, now: datetime) -> tuple[Outdated, ...]:
    """Everybody who was told other facts than those of now, in the order of the register.

    In doubt counts as told. Once the event is over there is nothing to mend; nor where what was still to follow
    is told by an invitation that is yet to reach them.
    """
    if now > event.ends:
        return ()
    facts = facts_of(event, history.cancelled is not None)
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
    # Of who was forgotten and is in the list still, the list knows the address.
    here = {each.person: (full_name(each.member.name), each.member.email) for each in listings}
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


def _to_be_invited(event: Event, listings: Sequence[Listing], history: History, now: datetime) -> frozenset[str]:
    """Whom an invitation, which has all the facts, is still to reach."""
    if history.cancelled:
        return frozenset()
    invitations = [name for name in event.mailings if kind_of(name) is Kind.INVITATION]
    return frozenset().union(*(_reached(plan(event, name, listings, history, now)) for name in invitations))


def _reached(made: Plan) -> frozenset[str]:
    """Whom a mailing still goes to."""
    return frozenset(each.person for each in made.to_send) | {each.person for each in made.waiting}


def _left_out(made: Plan) -> Iterator[tuple[str, str]]:
    for each in (*made.skipped, *made.already, *made.refused, *made.in_doubt, *made.expired):
        yield each.person, each.reason
