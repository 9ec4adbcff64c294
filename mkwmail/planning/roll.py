"""The member list with who each member is, and plans for it. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mkwmail.config.event import Event
from mkwmail.config.kinds import Audience
from mkwmail.dutch.names import full_name
from mkwmail.i18n import _
from mkwmail.ledger.models import COMING, Guest, LeftOut
from mkwmail.ledger.people import Identified, Listed
from mkwmail.members.member_list import FaultyRow, Member
from mkwmail.members.names import read_name
from mkwmail.planning.audience import FOR_GUESTS, audience_of, were_there
from mkwmail.planning.plan import History, Listing, Plan, Skip, plan


@dataclass(frozen=True, slots=True)
class MemberIndex:
    """The member list, in its order, with the identity of each member.

    ``moved``: those known before at another address, with that address. ``unaddressed``: those who are not to be
    mailed and have no address, so that they cannot be identified. ``faulty``: rows that were left out, if known.
    """

    listings: tuple[Listing, ...]
    moved: tuple[tuple[Member, str], ...] = ()
    doubtful: tuple[tuple[Member, Identified], ...] = ()
    unaddressed: tuple[Member, ...] = ()
    faulty: tuple[FaultyRow, ...] = ()


def listed_member(member: Member) -> Listed:
    return Listed(member.email, full_name(member.name), member.organisation, member.number)


def listed(roll: MemberIndex) -> tuple[Listed, ...]:
    """Return the members of the list as the ledger's register knows people."""
    return tuple(listed_member(listing.member) for listing in roll.listings)


def identified(roll: MemberIndex) -> tuple[Identified, ...]:
    """Return the identities of the members in :func:`listed`."""
    return tuple(Identified(each.person, is_new=False, doubt=each.doubt or None) for each in roll.listings)


Identify = Callable[[Sequence[Listed]], tuple[Identified, ...]]


def identify_members(members: Sequence[Member], identify: Identify) -> MemberIndex:
    """Return the members and who they are.

    :param identify: asks the ledger, and may enlist them.
    """
    addressed = [member for member in members if member.email]
    rows = [Listed(member.email, full_name(member.name), member.organisation, member.number) for member in addressed]
    pairs = tuple(zip(addressed, identify(rows), strict=True))
    return MemberIndex(
        listings=tuple(Listing(who.key, member, who.doubt or "") for member, who in pairs),
        moved=tuple((member, who.old_address) for member, who in pairs if who.old_address),
        doubtful=tuple((member, who) for member, who in pairs if who.doubt),
        unaddressed=tuple(member for member in members if not member.email),
    )


def guest_listing(guest: Guest) -> Listing:
    """Return a guest in the form in which a plan handles everybody."""
    member = Member(row=0, name=read_name(guest.name), email=guest.address, organisation=guest.organisation)
    return Listing(guest.person, member)


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
    made = plan(event, mailing, roll.listings, history, now)
    unaddressed = tuple(
        Skip("", full_name(member.name), "", _("not to be mailed: %(reason)s") % {"reason": member.do_not_mail})
        for member in roll.unaddressed
    )
    return replace(made, skipped=(*made.skipped, *unaddressed, *_unreachable_guests(event, mailing, history)))


def _unreachable_guests(event: Event, mailing: str, history: History) -> Iterator[Skip]:
    """Yield guests who come and would get it if their address were known."""
    rule = audience_of(event, mailing)
    if rule not in FOR_GUESTS:
        return
    coming = were_there(history.answers) if rule is Audience.PRESENT else COMING
    for guest in history.unaddressed:
        if history.answers.get(guest.person) in coming:
            reason = _("comes as a guest, and no address is known that can be mailed")
            yield Skip(guest.person, full_name(guest.member.name), "", reason)
