"""The wiring that commands share: folder → settings → event → members → ledger → who is who."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from mkwmail.commands.invocation import Invocation
from mkwmail.commands.unreached import dead_addresses, guest_listing, left_out_reasons
from mkwmail.dutch.names import full_name
from mkwmail.errors import Fault, UserError
from mkwmail.language import _
from mkwmail.ledger.computer import this_computer
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.persons import Identified, Listed
from mkwmail.ledger.records import Delivery, Round, State
from mkwmail.sending.audience import COMING, FOR_GUESTS, audience_of
from mkwmail.sending.facts import Telling, read_facts
from mkwmail.sending.plan import History, Listing, Plan, Skip, plan
from mkwmail.sources.event import Event
from mkwmail.sources.event_file import read_event
from mkwmail.sources.folder import WorkingFolder, find_folder
from mkwmail.sources.kinds import Audience, in_order, latest_of
from mkwmail.sources.member import FaultyRow, Member
from mkwmail.sources.member_list import MemberList, read_members
from mkwmail.sources.settings import Settings
from mkwmail.sources.settings_file import read_settings
from mkwmail.user_folders import state_folder

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sources:
    """What people wrote that a command works with; ``warnings`` are odd but stop nobody."""

    folder: WorkingFolder
    settings: Settings
    event_path: Path
    event: Event
    members: MemberList
    warnings: tuple[Fault, ...]


def folder_of(invocation: Invocation) -> WorkingFolder:
    """The working folder.

    :raises UserError: code SETTINGS where there is none.
    """
    return find_folder(Path.cwd(), invocation.folder)


def read_sources(invocation: Invocation, event: str, skip_faulty: bool = False) -> Sources:
    """Settings, event and member list.

    :raises UserError: with the faults of all of them at once.
    """
    folder = folder_of(invocation)
    path = folder.event_path(event)
    faults: list[UserError] = []
    settings = _tried(faults, lambda: read_settings(folder))
    read = _tried(faults, lambda: read_event(path, folder))
    members = None
    if settings is not None:
        list_path = folder.path / settings.members
        members = _tried(faults, lambda: read_members(list_path, folder.shown(list_path), skip_faulty))
    if settings is None or read is None or members is None:
        every = [fault for error in faults for fault in error.faults]
        raise UserError(*every, code=faults[0].code)
    warnings = read.warnings
    return Sources(folder, settings, path, read.value, members, warnings)


def _tried(faults: list[UserError], reading: Callable[[], T]) -> T | None:
    try:
        return reading()
    except UserError as error:
        faults.append(error)
        return None


def open_ledger(invocation: Invocation, folder: WorkingFolder) -> Ledger:
    """The folder's ledger; the test ledger where the clock was shifted."""
    test = invocation.shifted
    now = invocation.clock.now()
    ledger, named = folder.ledger_path(test), folder.id_path(test)
    return Ledger.open(ledger, named, now, this_computer(), state=state_folder)


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


def read_roll(folder: WorkingFolder, ledger: Ledger) -> Roll:
    """The member list of a folder with who each member is; faulty rows are left out.

    :raises UserError: where settings or list cannot be read.
    """
    return roll_of(read_list(folder, read_settings(folder)), ledger)


def read_list(folder: WorkingFolder, settings: Settings) -> MemberList:
    """The member list of a folder; faulty rows are left out.

    :raises UserError: where it cannot be read.
    """
    path = folder.path / settings.members
    return read_members(path, folder.shown(path), skip_faulty=True)


def roll_of(members: MemberList, ledger: Ledger) -> Roll:
    """A member list with who each member is."""
    return replace(call_roll(members.members, ledger.identify), faulty=members.faulty)


def plan_for(event: Event, mailing: str, roll: Roll, history: History, now: datetime) -> Plan:
    """The plan, with those who have no address among its skipped.

    :raises UserError: as :func:`mkwmail.sending.plan.plan`.
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
    noted = rule is Audience.PRESENT and "present" in history.answers.values()
    for guest in history.unaddressed:
        if history.answers.get(guest.person) in ({"present"} if noted else COMING):
            reason = _("comes as a guest, and no address is known that can be mailed")
            yield Skip(guest.person, full_name(guest.member.name), "", reason)


def history_of(ledger: Ledger, event: Event) -> History:
    """What the ledger says of an event."""
    versions = tuple(read_facts(document) for document in ledger.facts(event.id))
    answers = ledger.answers(event.id)
    guests = ledger.guests(event.id)
    return History(
        deliveries=ledger.deliveries(event.id),
        answers={each.person: each.answer for each in answers},
        persons=ledger.persons(),
        last_list=ledger.last_list(),
        telling=Telling(versions, ledger.told(event.id), ledger.entry_method(event.id)),
        answered={each.person: each.given for each in answers},
        guests=tuple(guest_listing(each) for each in guests if each.address),
        left_out=left_out_reasons(ledger.left_out(), event.id),
        dead=dead_addresses(ledger.refused_mails()),
        strangers=ledger.guest_keys(),
        unaddressed=tuple(guest_listing(each) for each in guests if not each.address),
    )


def moment_of(event: Event, mailing: str, now: datetime) -> datetime:
    """The moment at which a mailing is to be imagined: its own, else now, as far as it is not too late."""
    entry = event.mailings.get(mailing)
    return entry.send if entry and entry.send else min(now, latest_of(event, mailing))


def presumed(event: Event, mailing: str, roll: Roll, history: History, moment: datetime) -> History:
    """The history as it will be at a mailing's own moment: whatever is planned before it has gone.

    Nobody is presumed to have had this mailing itself: all of it is to be looked at.
    """
    happened = [delivery for delivery in history.deliveries if delivery.round.mailing != mailing]
    known = {(delivery.round.mailing, delivery.person) for delivery in happened}
    for name in in_order(event):
        send = event.mailings[name].send
        if name == mailing or send is None or send >= moment:
            continue
        happened += [
            Delivery(Round(event.id, name), each.person, each.member.email, State.SENT, send)
            for each in roll.listings
            if (name, each.person) not in known
        ]
    return replace(history, deliveries=tuple(happened))
