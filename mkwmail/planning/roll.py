"""The member list with who each member is, and plans for it. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from mkwmail.addresses import address_key
from mkwmail.clock import day_and_time, day_in_words
from mkwmail.config.event import Event
from mkwmail.config.kinds import Audience, in_order, mailing_named
from mkwmail.dutch.names import Form, full_name, salutation
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.i18n import _, ngettext, some
from mkwmail.i18n import members as members_in_words
from mkwmail.ledger.models import COMING, Guest, LeftOut, ScheduledApproval
from mkwmail.ledger.people import Identified, Listed, folded
from mkwmail.members.member_list import FaultyRow, Member, MemberList
from mkwmail.members.names import odd, read_name
from mkwmail.planning.audience import Audiences, History, Recipient, audience_of, is_for_guests, were_there
from mkwmail.planning.plan import Plan, list_tolerance, plan
from mkwmail.planning.schedule import due_by_date, superseded


@dataclass(frozen=True, slots=True)
class MemberIndex:
    """The member list, in its order, with the identity of each member.

    ``unaddressed``: those who have no address, so that they cannot be identified. ``faulty``: rows that were left out,
    if known. ``assistants``: those who get a copy of members' mails, and are no members themselves.
    """

    listings: tuple[Recipient, ...]
    unaddressed: tuple[Member, ...] = ()
    faulty: tuple[FaultyRow, ...] = ()
    assistants: tuple[Recipient, ...] = ()

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

    Another name there is no successor, and an assistant is nobody's predecessor in an organisation.
    """
    return Listed(address, "")


def listed(roll: MemberIndex) -> tuple[Listed, ...]:
    """Return all who may be mailed as the ledger's register knows people."""
    members = [listed_member(listing.member) for listing in roll.listings]
    return (*members, *(_listed_assistant(each.address) for each in roll.assistants))


def identified(roll: MemberIndex) -> tuple[Identified, ...]:
    """Return the identities of the people in :func:`listed`."""
    return tuple(Identified(each.person, is_new=False, doubt=each.doubt or None) for each in roll.everybody)


Identify = Callable[[Sequence[Listed]], tuple[Identified, ...]]


def identify_members(members: Sequence[Member], identify: Identify) -> MemberIndex:
    """Return the members and who they are.

    :param identify: asks the ledger, and may enlist them.
    """
    addressed = [member for member in members if member.email]
    copies = _copies_for(addressed)
    rows = [listed_member(member) for member in addressed] + [_listed_assistant(address) for address in copies]
    found = identify(rows)
    listings = tuple(_recipient(who, member) for member, who in zip(addressed, found, strict=False))
    places = {each.member.row: each for each in listings}
    return MemberIndex(
        listings=listings,
        unaddressed=tuple(member for member in members if not member.email),
        assistants=tuple(
            _assistant(who, address, name, [places[row] for row in rows_of])
            for who, (address, (name, rows_of)) in zip(found[len(addressed) :], copies.items(), strict=True)
        ),
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
    return replace(known, instead=who.predecessor, change=who.change) if who.doubt else known


def with_copies_named(history: History, roll: MemberIndex) -> History:
    """Return the history in which assistants are named with the members whose mails they get copies of."""
    named = {each.person: _copy_named(each) for each in roll.assistants}
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


def plan_for(event: Event, mailing: str, roll: MemberIndex, history: History, now: datetime) -> Plan:
    """Return the plan, with those who have no address among its skipped.

    :raises UserError: as :func:`mkwmail.planning.plan.plan`.
    """
    made = plan(event, mailing, roll.everybody, history, now)
    unaddressed = tuple(Recipient("", member, reason=_why_unaddressed(member)) for member in roll.unaddressed)
    return replace(made, skipped=(*made.skipped, *unaddressed, *_unreachable_guests(event, mailing, history)))


def _why_unaddressed(member: Member) -> str:
    if member.do_not_mail:
        return _("not to be mailed: %(reason)s") % {"reason": member.do_not_mail}
    return _("has no mail address: by post or telephone")


def by_post(event: Event, mailing: str, roll: MemberIndex, history: History, now: datetime) -> tuple[Member, ...]:
    """Return the members without an address who would get a mailing on paper.

    They have no history, so that nobody belongs to an audience of those who answered or got another mailing.

    :raises UserError: if the mailing's audience cannot be determined.
    """
    members = {each.person: each.member for each in roll.listings}
    audiences = Audiences(event, mailing, History(), members, now)
    return tuple(
        member
        for member in unaddressed(roll)
        if audience_of(event, mailing) in _WITHOUT_HISTORY or audiences.why_not("", member) is None
    )


# Audiences whose members are known by what they were mailed; on paper everybody is told.
_WITHOUT_HISTORY = frozenset({Audience.UNANSWERED, Audience.OUTDATED, Audience.TOLD, Audience.EARLIER_TEXT})


def unaddressed(roll: MemberIndex) -> tuple[Member, ...]:
    """Return the members to reach by post or telephone: they have no address, and may be told."""
    return tuple(member for member in roll.unaddressed if not member.do_not_mail)


def list_oddities(members: MemberList, place: str) -> Iterator[str]:
    """Yield what a person should know about the list before its members are mailed.

    :param place: the list's file, as people know it.
    """
    for sentence in members.odd:
        yield sentence if sentence.startswith(f"{place}:") else f"{place}: {sentence}"
    yield from map(str, double_rows(members, place))
    yield from map(str, placeless(place, members.members))
    yield from without_address(place, members.members)


def double_rows(members: MemberList, place: str) -> Iterator[Fault]:
    """Yield the rows with the address of an earlier row."""
    for first, member in members.doubles:
        words = {"address": member.email, "name": full_name(first.name), "row": first.row}
        fault = _("%(address)s is %(name)s's too (row %(row)d): one mail, to the first of them") % words
        yield Fault(f"{place}:{member.row}", fault, "")


def placeless(place: str, everyone: Sequence[Member]) -> Iterator[Fault]:
    """Yield the rows without an organisation, if others have one."""
    found = [member for member in everyone if not member.organisation]
    if found and len(found) < len(everyone):
        rows = {"members": members_in_words(len(found)), "rows": some([str(member.row) for member in found], 5)}
        yield Fault(place, _("%(members)s without an organisation: row %(rows)s") % rows, "")


def without_address(place: str, everyone: Sequence[Member]) -> Iterator[str]:
    """Yield how many members have no address, and who."""
    names = [full_name(each.name) for each in everyone if not (each.email or each.do_not_mail)]
    if names:
        words = {"place": place, "members": members_in_words(len(names)), "names": some(names)}
        yield _("%(place)s: %(members)s without a mail address, by post or telephone: %(names)s") % words


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


def due_mailings(event: Event, roll: MemberIndex, history: History, now: datetime) -> dict[str, int]:
    """Return the mailings that are due, by date.

    Each comes with how many would get it now: nobody, as long as its audience cannot be told.
    """
    due = due_by_date(event, now)
    over = superseded(event, due, history.deliveries)
    return {name: _count(event, name, roll, history, now) for name in due if name not in over}


def _count(event: Event, name: str, roll: MemberIndex, history: History, now: datetime) -> int:
    try:
        return len(plan_for(event, name, roll, history, now).to_send)
    except UserError:  # planning this mailing alone says what is wrong
        return 0


def chosen_mailing(
    event: Event, named: str | None, roll: MemberIndex, history: History, now: datetime, command: str
) -> str:
    """Return the mailing that is named, else the one that is due.

    :raises UserError: code USAGE if there is no such mailing, or if not exactly one is due.
    """
    if named is not None:
        mailing_named(event, named)
        return named
    current = due_mailings(event, roll, history, now)
    # If everybody has had all of them, the one that is due is still named.
    due = [name for name, left in current.items() if left] or list(current)
    if len(due) == 1:
        return due[0]
    if due:
        fault = _("more than one mailing is due: %(names)s") % {"names": ", ".join(due)}
    else:
        fault = _("no mailing is due now")
    choices = "\n".join(_choices(event, command)) or _("write a mailing in the event's file, under mailings:")
    raise UserError(Fault("", fault, choices), code=ExitCode.USAGE)


def _choices(event: Event, command: str) -> Iterator[str]:
    width = max(map(len, event.mailings), default=0)
    for name in in_order(event):
        send = event.mailings[name].send
        when = _("planned for %(moment)s") % {"moment": day_and_time(send)} if send else _("no date")
        yield f"mkwmail {command} {event.id} {name:<{width}}  # {when}"


# What is odd about who is in the list


def slipped_fault(roll: MemberIndex, place: str) -> Fault:
    """Return the fault that names have slipped against the addresses; some must have.

    :param place: the list's file, as people know it.
    """
    slipped = roll.slipped
    fault = ngettext(
        "%(n)d address has the name of another member now: %(examples)s",
        "%(n)d addresses have the names of other members now: %(examples)s",
        len(slipped),
    )
    remedy = _("a column was sorted on its own, or rows were mixed up: put the names back at their addresses")
    return Fault(place, fault % {"n": len(slipped), "examples": some(changed_names(slipped))}, remedy)


def replaced_fault(roll: MemberIndex, place: str) -> Fault:
    """Return the warning about members with a new name in somebody's place; there must be some.

    :param place: the list's file, as people know it.
    """
    replacing = roll.replacing
    fault = ngettext(
        "%(n)d member may be a successor: %(examples)s",
        "%(n)d members may be successors: %(examples)s",
        len(replacing),
    )
    remedy = _("`send` and `schedule` ask you once; until then these members get no mail, and all others do")
    return Fault(place, fault % {"n": len(replacing), "examples": some(changed_names(replacing))}, remedy)


def changed_names(members: Sequence[Recipient]) -> tuple[str, ...]:
    """Return the members with the names that were in their places: ``Bas Bos <directeur@cc.nl> (was Kim Kok)``."""
    found = []
    for each in members:
        before = (each.change.before if each.change else "") or _("somebody who was forgotten")
        words = {"name": each.name, "address": each.address, "before": before}
        found.append(_("%(name)s <%(address)s> (was %(before)s)") % words)
    return tuple(found)


def twin_faults(everyone: Sequence[Member], place: str) -> Iterator[Fault]:
    """Yield the rows that may be one person at two addresses, who would get everything twice.

    :param place: the list's file, as people know it.
    """
    mailed = [member for member in everyone if member.email and not member.do_not_mail]
    mailboxes: dict[str, Member] = {}
    named: dict[tuple[str, str], list[Member]] = {}
    for member in mailed:
        remedy = _("if it is one person, delete one of the rows; otherwise both get the mail")
        words = {"name": full_name(member.name), "address": member.email}
        twin = mailboxes.setdefault(_mailbox(member.address_key), member)
        if twin.address_key != member.address_key:
            fault = _("%(address)s and %(other)s of row %(row)d are one mailbox")
            yield Fault(f"{place}:{member.row}", fault % (words | {"row": twin.row, "other": twin.email}), remedy)
            continue
        places = {("organisation", folded(member.organisation)), ("number", folded(member.number))}
        family = folded(member.name.surname or full_name(member.name).rpartition(" ")[2])
        groups = [named.setdefault((family, repr(each)), []) for each in sorted(places) if each[1] and family]
        twins = (
            other
            for group in groups
            for other in group
            if other.address_key != member.address_key and _one_name(full_name(other.name), full_name(member.name))
        )
        if (other := next(twins, None)) is not None:
            words |= {"row": str(other.row), "other": f"{full_name(other.name)} <{other.email}>"}
            fault = _("%(name)s <%(address)s> may be the same person as row %(row)s, %(other)s")
            yield Fault(f"{place}:{member.row}", fault % words, remedy)
        for group in groups:
            group.append(member)


def _one_name(one: str, other: str) -> bool:
    from mkwmail.members.same_name import same_person

    return same_person(one, other)


def _mailbox(address: str) -> str:
    """Return the address without its tag: ``jan+mkw@example.org`` is ``jan@example.org``."""
    local, _at, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def list_changed(roll: MemberIndex, given: Sequence[ScheduledApproval]) -> Iterator[str]:
    """Yield that most of the list is other people than at the last approval, if so.

    :param given: the approvals of all events.
    """
    whole = [each for each in given if each.others and each.at is not None]
    if not whole:
        return
    last = max(whole, key=lambda each: (each.at is not None, each.at or each.opens))
    here = roll.keys
    limit = list_tolerance(len(last.persons))
    joined, left = len({each.person for each in roll.listings} - last.persons), len(last.persons - here)
    if joined > limit and left > limit:
        words = {"joined": joined, "left": left, "day": day_in_words(last.at or last.opens)}
        yield (_("since %(day)s %(left)d members left the list and %(joined)d are new: is it the right list?") % words)


class Salutation(NamedTuple):
    """The opening words of a member's mails.

    ``odd`` says why they deserve a look; it is empty if they do not.
    """

    member: Member
    words: str
    odd: str


def salutations(members: Iterable[Member], form: Form) -> tuple[Salutation, ...]:
    """Return how everybody who may be mailed is addressed, the odd ones first."""
    found = [
        Salutation(member, salutation(member.name, form), odd(member.name, form))
        for member in members
        if not member.do_not_mail
    ]
    return tuple(sorted(found, key=lambda each: not each.odd))


def salutation_note(members: Iterable[Member], form: Form) -> Iterator[str]:
    """Yield how many salutations are odd, with examples, if any is."""
    found = [each for each in salutations(members, form) if each.odd]
    if found:
        examples = [
            _('"%(words)s" (row %(row)d: %(why)s)') % {"words": each.words, "row": each.member.row, "why": each.odd}
            for each in found
        ]
        yield ngettext(
            "%(n)d salutation is odd: %(examples)s", "%(n)d salutations are odd: %(examples)s", len(found)
        ) % {"n": len(found), "examples": some(examples)}
