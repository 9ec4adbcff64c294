"""The member list with who each member is, and plans for it. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mkwmail.addresses import address_key
from mkwmail.clock import day_and_time
from mkwmail.config.event import Event
from mkwmail.config.kinds import Audience, in_order, mailing_named
from mkwmail.dutch.names import full_name
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _, some
from mkwmail.ledger.models import COMING, Guest, LeftOut
from mkwmail.ledger.people import Identified, Listed, Person, folded
from mkwmail.members.member_list import FaultyRow, Member
from mkwmail.members.names import read_name
from mkwmail.planning.audience import Audiences, History, Recipient, audience_of, is_for_guests, were_there
from mkwmail.planning.plan import Plan, plan
from mkwmail.planning.schedule import due_by_date, superseded


@dataclass(frozen=True, slots=True)
class MemberIndex:
    """The member list, in its order, with the identity of each member.

    ``unaddressed``: those who have no address, so that they cannot be identified. ``faulty``: rows that were left out,
    if known. ``assistants``: those who get a copy of members' mails, and are no members themselves. ``misplaced``: the
    members who have other members' organisation or number now, as after a sort of one column, with what they had.
    """

    listings: tuple[Recipient, ...]
    unaddressed: tuple[Member, ...] = ()
    faulty: tuple[FaultyRow, ...] = ()
    assistants: tuple[Recipient, ...] = ()
    misplaced: tuple[tuple[Member, str], ...] = ()

    @property
    def everybody(self) -> tuple[Recipient, ...]:
        """Return all who may be mailed: the members, and then the assistants."""
        return (*self.listings, *self.assistants)

    @property
    def moved(self) -> tuple[Recipient, ...]:
        """Return those known before at another address."""
        return tuple(each for each in self.listings if each.old_address)

    @property
    def doubtful(self) -> tuple[Recipient, ...]:
        """Return those of whom it is doubtful who they are."""
        return tuple(each for each in self.listings if each.doubt)

    @property
    def slipped(self) -> tuple[Recipient, ...]:
        """Return the doubtful members whose names have slipped against the addresses."""
        return tuple(each for each in self.doubtful if each.change is not None and each.change.slipped)

    @property
    def replacing(self) -> tuple[Recipient, ...]:
        """Return the doubtful members with a new name in somebody's place: successors, as a rule."""
        return tuple(each for each in self.doubtful if each.change is not None and not each.change.slipped)

    @property
    def keys(self) -> frozenset[str]:
        """Return the keys of all who may be mailed, and of those in whose places doubtful members are."""
        return frozenset(key for each in self.everybody for key in (each.person, each.instead) if key)


def listed_member(member: Member) -> Listed:
    return Listed(member.email, full_name(member.name), member.organisation, member.number)


def _listed_assistant(address: str) -> Listed:
    """Return an assistant as the register knows people: by the address alone.

    Another name there is no successor, and an assistant has no successor in an organisation.
    """
    return Listed(address, "")


def listed(index: MemberIndex) -> tuple[Listed, ...]:
    """Return all who may be mailed as the ledger's register knows people."""
    return tuple(row for row, _who in identified(index))


def identified(index: MemberIndex) -> Iterator[tuple[Listed, Identified]]:
    """Yield all who may be mailed as the ledger's register knows people, and who they are."""
    for each in index.everybody:
        row = _listed_assistant(each.address) if each.copy_of else listed_member(each.member)
        yield row, Identified(each.person, is_new=False, doubt=each.doubt or None)


Identify = Callable[[Sequence[Listed]], tuple[Identified, ...]]


def identify_members(members: Sequence[Member], identify: Identify) -> MemberIndex:
    """Return the members and who they are.

    :param identify: asks the ledger, and may record them.
    """
    addressed = [member for member in members if member.email]
    copies = _copies_for(addressed)
    rows = [listed_member(member) for member in addressed] + [_listed_assistant(address) for address in copies]
    found = identify(rows)
    listings = tuple(_recipient(who, member) for member, who in zip(addressed, found, strict=False))
    if len({each.person for each in listings}) < len(listings):
        listings = tuple(_leading(listings, found))
    places = {each.member.row: each for each in listings}
    return MemberIndex(
        listings=listings,
        unaddressed=tuple(member for member in members if not member.email),
        assistants=tuple(
            _assistant(who, address, name, [places[row] for row in rows_of])
            for who, (address, (name, rows_of)) in zip(found[len(addressed) :], copies.items(), strict=True)
        ),
        misplaced=tuple(_misplaced(addressed, found)),
    )


_FEWEST_MISPLACED = 2


def _misplaced(members: Sequence[Member], found: Sequence[Identified]) -> Iterator[tuple[Member, str]]:
    """Yield the members whose organisation or number is another member's now, with the one so far.

    After a sort of one column the values are the same, but for one that may have dropped out: no merger and no new
    numbering looks like that. Numbers that follow the order of the rows are only counted again.
    """
    for place, values in enumerate(([each.organisation for each in members], [each.number for each in members])):
        if place and all(map(str.isdecimal, values)) and [*map(int, values)] == sorted(map(int, values)):
            continue
        changed = [
            (member, who.before[place], value)
            for member, who, value in zip(members, found, values, strict=False)
            if value and who.before[place] and folded(value) != folded(who.before[place])
        ]
        now = Counter(folded(value) for _member, _before, value in changed)
        before = Counter(folded(earlier) for _member, earlier, _value in changed)
        if len(changed) >= _FEWEST_MISPLACED and (now & before).total() >= len(changed) - 1:
            yield from ((member, earlier) for member, earlier, _value in changed)


def moved_to_others(index: MemberIndex, persons: Iterable[Person]) -> tuple[str, ...]:
    """Return the known members in whose rows another row's address is now, with the address that they had.

    Rows with one address get one mail, so that these members are reached no more.
    """
    rows: dict[str, list[Recipient]] = {}
    for each in index.listings:
        rows.setdefault(address_key(each.address), []).append(each)
    gone = [each for each in persons if each.name and each.mailed_at and each.address not in rows]
    shared = [each for group in rows.values() if len(group) > 1 for each in group if each.name]
    if not (gone and shared):
        return ()
    from mkwmail.members.same_name import same_person

    return tuple(
        _("%(name)s (%(address)s, was %(before)s)")
        % {"name": each.name, "address": each.address, "before": person.address}
        for each in shared
        for person in gone
        if folded(person.organisation) == folded(each.member.organisation) and same_person(person.name, each.name)
    )


def _copies_for(members: Sequence[Member]) -> Mapping[str, tuple[str, list[int]]]:
    """Return address → the assistant's name and the rows of the members, for all who are no members."""
    taken = {member.address_key for member in members}
    found: dict[str, tuple[str, str, list[int]]] = {}
    for member in members:
        for each in member.assistants:
            key = address_key(each.email)
            if key not in taken:
                address, name, rows = found.get(key, (each.email, "", []))
                found[key] = (address, name or each.name, [*rows, member.row])
    return {address: (name, rows) for address, name, rows in found.values()}


def _assistant(who: Identified, address: str, name: str, members: Sequence[Recipient]) -> Recipient:
    """Return an assistant as a recipient of copies, at the first row that names them."""
    of = {each.person: each for each in members}
    member = Member(members[0].member.row, read_name(name), address)
    return Recipient(who.key, member, who.doubt or "", copy_of=tuple(of.values()))


def _recipient(who: Identified, member: Member) -> Recipient:
    known = Recipient(who.key, member, who.doubt or "", who.candidates, who.old_address or "")
    if who.mark:
        known = replace(known, mark=who.mark)
    return replace(known, instead=who.predecessor, change=who.change) if who.doubt else known


def _leading(listings: Sequence[Recipient], found: Sequence[Identified]) -> Iterator[Recipient]:
    """Yield the members; of the rows with one address, the one with the name that is known there comes first.

    The mail goes to the first of them. So a colleague's row that is new at an address, or another order of the list,
    does not change to whom the mails at that address are.
    """
    rows: dict[str, list[Recipient]] = {}
    for each, who in zip(listings, found, strict=False):
        same = rows.setdefault(each.person, [])
        known = same and who.name == each.name and who.name != same[0].name
        same.insert(0 if known else len(same), each)
    for each in listings:
        yield rows[each.person].pop(0)


def with_copies_named(history: History, index: MemberIndex) -> History:
    """Return the history in which assistants are named with the members whose mails they get copies of."""
    named = {each.person: _copy_named(each) for each in index.assistants}
    persons = (replace(each, name=named.get(each.key, each.name)) for each in history.persons)
    return replace(history, persons=tuple(persons))


def _copy_named(assistant: Recipient) -> str:
    words = {"name": assistant.name, "members": some([each.name or each.address for each in assistant.copy_of])}
    return (_("%(name)s, copy for %(members)s") if assistant.name else _("copy for %(members)s")) % words


def guest_recipient(guest: Guest) -> Recipient:
    """Return a guest in the form in which a plan handles everybody."""
    member = Member(row=0, name=read_name(guest.name), email=guest.address, organisation=guest.organisation)
    return Recipient(guest.person, member)


def left_out_reasons(words: Iterable[LeftOut], event: str) -> Mapping[str, str]:
    """Return person → why the secretary does not want them mailed.

    :param words: the secretary's decisions about this event, other events, or all mail.
    """
    found: dict[str, str] = {}
    for each in words:
        if each.event in ("", event):
            found[each.person] = _("not to be mailed: %(reason)s") % {"reason": each.reason}
    return found


def plan_for(event: Event, mailing: str, index: MemberIndex, history: History, now: datetime) -> Plan:
    """Return the plan, with those who have no address among its skipped.

    :raises UserError: as :func:`mkwmail.planning.plan.plan`.
    """
    made = plan(event, mailing, index.everybody, history, now)
    unaddressed = tuple(Recipient("", member, reason=_why_unaddressed(member)) for member in index.unaddressed)
    return replace(made, skipped=(*made.skipped, *unaddressed, *_unreachable_guests(event, mailing, history)))


def _why_unaddressed(member: Member) -> str:
    if member.do_not_mail:
        return _("not to be mailed: %(reason)s") % {"reason": member.do_not_mail}
    return _("has no mail address: by post or telephone")


def by_post(event: Event, mailing: str, index: MemberIndex, now: datetime) -> tuple[Member, ...]:
    """Return the members without an address who would get a mailing on paper.

    They have no history, so that nobody belongs to an audience of those who answered or got another mailing.

    :raises UserError: if the mailing's audience cannot be determined.
    """
    members = {each.person: each.member for each in index.listings}
    audiences = Audiences(event, mailing, History(), members, now)
    return tuple(
        member
        for member in unaddressed(index)
        if audience_of(event, mailing) in _WITHOUT_HISTORY or audiences.why_not("", member) is None
    )


# Audiences whose members are known by what they were mailed; on paper everybody is told.
_WITHOUT_HISTORY = frozenset({Audience.UNANSWERED, Audience.OUTDATED, Audience.TOLD, Audience.EARLIER_TEXT})


def unaddressed(index: MemberIndex) -> tuple[Member, ...]:
    """Return the members to reach by post or telephone: they have no address, and may be told."""
    return tuple(member for member in index.unaddressed if not member.do_not_mail)


def _unreachable_guests(event: Event, mailing: str, history: History) -> Iterator[Recipient]:
    """Yield guests who come and would get it if their address were known."""
    rule = audience_of(event, mailing)
    if not is_for_guests(rule):
        return
    coming = were_there(history.answers) if rule is Audience.PRESENT else COMING
    for guest in history.unaddressed:
        if history.answers.get(guest.person) in coming:
            reason = _("comes as a guest, and no address is known that can be mailed")
            yield replace(guest, member=guest.member._replace(email=""), reason=reason)


def due_mailings(event: Event, index: MemberIndex, history: History, now: datetime) -> dict[str, int]:
    """Return the mailings that are due, by date.

    Each comes with how many would get it now: 0 as long as its audience cannot be told.
    """
    due = due_by_date(event, now)
    over = superseded(event, due, history.deliveries)
    return {name: _count(event, name, index, history, now) for name in due if name not in over}


def _count(event: Event, name: str, index: MemberIndex, history: History, now: datetime) -> int:
    try:
        return len(plan_for(event, name, index, history, now).to_send)
    except UserError:  # planning this mailing alone says what is wrong
        return 0


def chosen_mailing(
    event: Event, named: str | None, index: MemberIndex, history: History, now: datetime, command: str
) -> str:
    """Return the mailing that is named, else the one that is due.

    :raises UserError: code USAGE if there is no such mailing, or if not exactly one is due.
    """
    if named is not None:
        mailing_named(event, named)
        return named
    current = due_mailings(event, index, history, now)
    # If everybody has had all of them, the one that is due is still named.
    due = [name for name, left in current.items() if left] or list(current)
    if len(due) == 1:
        return due[0]
    if due:
        fault = _("more than one mailing is due: %(names)s") % {"names": ", ".join(due)}
    else:
        fault = _("no mailing is due now")
    choices = "\n".join(_choices(event, command)) or _("write a mailing in the event's file, under mailings:")
    raise user_error("", fault, choices, code=ExitCode.USAGE)


def _choices(event: Event, command: str) -> Iterator[str]:
    width = max(map(len, event.mailings), default=0)
    for name in in_order(event):
        send = event.mailings[name].send
        when = _("planned for %(moment)s") % {"moment": day_and_time(send)} if send else _("no date")
        yield f"mkwmail {command} {event.id} {name:<{width}}  # {when}"
