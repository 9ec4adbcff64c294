"""The member list with the identity of each member, and the plan of a mailing to them. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mkwmail.config.event import Event
from mkwmail.config.kinds import Audience
from mkwmail.dutch.names import Name, full_name
from mkwmail.i18n import _
from mkwmail.ledger.models import COMING, Guest, LeftOut
from mkwmail.ledger.people import Identified, Listed
from mkwmail.members.member_list import FaultyRow, Member
from mkwmail.planning.audience import FOR_GUESTS, audience_of, were_there
from mkwmail.planning.plan import History, Listing, Plan, Skip, plan


@dataclass(frozen=True, slots=True)
class Roll:
    """The member list with who each member is, in the order of the list.

    ``moved``: those known before under another address, with that address. ``unaddressed``: those who are not
    to be mailed and have no address: nobody is known by none. ``faulty``: rows that were left out, where that is told.
    """

    listings: tuple[Listing, ...]
    moved: tuple[tuple[Member, str], ...] = ()
    doubtful: tuple[tuple[Member, Identified], ...] = ()
    unaddressed: tuple[Member, ...] = ()
    faulty: tuple[FaultyRow, ...] = ()


def listed_member(member: Member) -> Listed:
    return Listed(member.email, full_name(member.name), member.organisation, member.number)


def listed(roll: Roll) -> tuple[Listed, ...]:
    """What the list says of who its members are, for the ledger's register."""
    return tuple(listed_member(listing.member) for listing in roll.listings)


def identified(roll: Roll) -> tuple[Identified, ...]:
    """Who those of :func:`listed` are."""
    return tuple(Identified(each.person, is_new=False, doubt=each.doubt or None) for each in roll.listings)


Identify = Callable[[Sequence[Listed]], tuple[Identified, ...]]


def call_roll(members: Sequence[Member], identify: Identify) -> Roll:
    """Members and who they are; ``identify`` asks the ledger, and may enlist them."""
    addressed = [member for member in members if member.email]
    rows = [Listed(member.email, full_name(member.name), member.organisation, member.number) for member in addressed]
    pairs = tuple(zip(addressed, identify(rows), strict=True))
    return Roll(
        listings=tuple(Listing(who.key, member, who.doubt or "") for member, who in pairs),
        moved=tuple((member, who.old_address) for member, who in pairs if who.old_address),
        doubtful=tuple((member, who) for member, who in pairs if who.doubt),
        unaddressed=tuple(member for member in members if not member.email),
    )


def guest_listing(guest: Guest) -> Listing:
    """A guest as the plan looks at everybody."""
    member = Member(row=0, name=Name(written=guest.name), email=guest.address, organisation=guest.organisation)
    return Listing(guest.person, member)


def left_out_reasons(words: Iterable[LeftOut], event: str) -> Mapping[str, str]:
    """Person → why they are not mailed about an event, by the secretary's word about it or about everything."""
    found: dict[str, str] = {}
    for each in words:
        if each.event in ("", event):
            found[each.person] = _("not to be mailed: %(reason)s") % {"reason": each.reason}
    return found


def plan_for(event: Event, mailing: str, roll: Roll, history: History, now: datetime) -> Plan:
    """The plan, with those who have no address among its skipped.

    :raises UserError: as :func:`mkwmail.planning.plan.plan`.
    """
    made = plan(event, mailing, roll.listings, history, now)
    unaddressed = tuple(
        Skip("", full_name(member.name), "", _("not to be mailed: %(reason)s") % {"reason": member.do_not_mail})
        for member in roll.unaddressed
    )
    return replace(made, skipped=(*made.skipped, *unaddressed, *_unreachable_guests(event, mailing, history)))


def _unreachable_guests(event: Event, mailing: str, history: History) -> Iterator[Skip]:
    """Who comes, is no member, and would get the mailing if an address were known."""
    rule = audience_of(event, mailing)
    if rule not in FOR_GUESTS:
        return
    coming = were_there(history.answers) if rule is Audience.PRESENT else COMING
    for guest in history.unaddressed:
        if history.answers.get(guest.person) in coming:
            reason = _("comes as a guest, and no address is known that can be mailed")
            yield Skip(guest.person, full_name(guest.member.name), "", reason)
