"""The timetable of an event: its mailings, when and to how many. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from mkwmail.config.event import Event
from mkwmail.config.kinds import in_order, latest_of, mailing_named, rule_of, shown_name, typed_name
from mkwmail.config.settings import Hours
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.i18n import _
from mkwmail.ledger.models import TOLD, Delivery, Round, ScheduledApproval, State
from mkwmail.planning.approval import Difference
from mkwmail.planning.audience import History
from mkwmail.planning.member_index import MemberIndex, plan_for
from mkwmail.planning.plan import Plan
from mkwmail.planning.schedule import Slot, can_go_by_itself, newest, next_opening, with_own

#: Returns the differences from an approval. It raises UserError if a template or an attachment cannot be read.
Changed = Callable[[ScheduledApproval], tuple[Difference, ...]]


def moment_of(event: Event, mailing: str, now: datetime) -> datetime:
    """Return the moment to plan a mailing for.

    It is its own date; without one, now, or its latest moment if that has passed.
    """
    entry = event.mailings.get(mailing)
    return entry.send if entry and entry.send else min(now, latest_of(event, mailing))


def presumed(event: Event, mailing: str, index: MemberIndex, history: History, moment: datetime) -> History:
    """Return the history as it will be at a mailing's own moment.

    All mailings planned before it count as sent. Nobody counts as having had this mailing itself, so that all of it
    is shown.
    """
    happened = [delivery for delivery in history.deliveries if delivery.round.mailing != mailing]
    known = {(delivery.round.mailing, delivery.person) for delivery in happened}
    for name in in_order(event):
        send = event.mailings[name].send
        if name == mailing or send is None or send >= moment:
            continue
        happened += [
            Delivery(Round(event.id, name), each.person, each.member.email, State.SENT, send)
            for each in index.everybody
            if (name, each.person) not in known
        ]
    return replace(history, deliveries=tuple(happened))


def plan_ahead(event: Event, name: str, index: MemberIndex, history: History, now: datetime) -> Plan:
    """Return the plan of a mailing at its own moment, as things are now.

    Earlier mailings count as sent, and no further answers are expected.
    """
    moment = max(moment_of(event, name, now), now)
    ahead = history
    if moment > now:
        ahead = with_own(presumed(event, name, index, history, moment), history, name)
    return plan_for(event, name, index, ahead, moment)


def timetable(
    event: Event,
    hours: Hours,
    index: MemberIndex,
    history: History,
    given: Sequence[ScheduledApproval],
    changed: Changed,
    now: datetime,
) -> tuple[Slot, ...]:
    """Return the event's mailings by date, and those sent without an entry.

    :param hours: the hours in which mail may be sent.
    :raises UserError: if ``changed`` raises it.
    """
    names = list(in_order(event))
    names += sorted({each.round.mailing for each in history.deliveries} - set(names))
    approved = newest(given, event.id)
    return tuple(_slot(event, hours, name, index, history, approved.get(name), changed, now) for name in names)


def _slot(
    event: Event,
    hours: Hours,
    name: str,
    index: MemberIndex,
    history: History,
    given: ScheduledApproval | None,
    changed: Changed,
    now: datetime,
) -> Slot:
    states = Counter(each.state for each in history.deliveries if each.round.mailing == name)
    had, in_doubt = sum(states[state] for state in TOLD), states[State.IN_DOUBT]
    if name not in event.mailings:
        if rule_of(name).needs_entry:  # it was sent, and was removed from the file since
            return Slot(name, None, None, event.ends, had, 0, by_hand=True, over=True, in_doubt=in_doubt)
        latest = latest_of(event, name)
        return Slot(name, None, None, latest, had, 0, by_hand=True, over=now > latest, in_doubt=in_doubt)
    send, latest = mailing_named(event, name).send, latest_of(event, name)
    by_hand = not can_go_by_itself(event, name)
    to_get = 0
    faults: tuple[Fault, ...] = ()
    try:
        to_get = 0 if rule_of(name).by_name_only else len(plan_ahead(event, name, index, history, now).to_send)
    except UserError as error:
        faults = error.faults
    different = changed(given) if given else ()
    over = now > latest
    goes = None if by_hand or over or send is None else next_opening(hours, max(send, now))
    overdue = send is not None and send <= now <= latest
    return Slot(name, send, goes, latest, had, to_get, given, different, by_hand, overdue, over, faults, in_doubt)


def slots_to_approve(event: str, slots: Sequence[Slot], mailings: Sequence[str]) -> tuple[Slot, ...]:
    """Return the slots to approve.

    Those that are named, else all that are open.

    :raises UserError: code USAGE if a mailing that is named cannot be sent automatically.
    """
    if not mailings:
        return tuple(slot for slot in slots if slot.approvable)
    by_name = {slot.mailing: slot for slot in slots}
    faults = [fault for name in mailings if (fault := _why_not(event, name, by_name.get(name))) is not None]
    if faults:
        raise UserError(*faults, code=ExitCode.USAGE)
    # By its name, an approved mailing can be approved again, for the list as it is now.
    return tuple(by_name[name] for name in dict.fromkeys(mailings))


def _why_not(event: str, name: str, slot: Slot | None) -> Fault | None:
    words = {"event": event, "mailing": name}
    shown, typed = {"mailing": shown_name(name)}, {"event": event, "mailing": typed_name(name)}
    if slot is not None and slot.faults:
        return slot.faults[0]
    if rule_of(name).by_name_only or slot is None:
        fault = _("%(mailing)s is never sent automatically") % shown
        return Fault("", fault, _("send it by hand: mkwmail send %(event)s %(mailing)s") % typed)
    if slot.by_hand:
        fault = _("%(mailing)s has no date, so it cannot be sent automatically") % shown
        return Fault("", fault, _("write one in the event file: %(mailing)s: {send: 2020-02-17 09.00}") % words)
    if slot.over:
        fault = _("the latest moment of %(mailing)s has passed") % shown
        return Fault("", fault, _("to send it anyway, write a later moment: %(mailing)s: latest: …") % words)
    return None


def approval_warnings(
    event: Event, approvals: Sequence[ScheduledApproval], left: Mapping[str, int], changed: Changed, now: datetime
) -> list[Fault]:
    """Return warnings about approved mailings that have changed since.

    They are not sent automatically.

    :param approvals: of any events.
    :param left: the mailings that are due, each with how many are to get it; one that all have had needs no approval.
    :raises UserError: if ``changed`` raises it.
    """
    found = []
    for name, given in newest(approvals, event.id).items():
        if not can_go_by_itself(event, name) or now > latest_of(event, name) or not left.get(name, 1):
            continue
        different = changed(given)
        if different:
            words = {"mailing": shown_name(name), "what": "; ".join(each.what for each in different)}
            fault = _("%(mailing)s was approved, and is not sent automatically now: %(what)s") % words
            remedy = _("look at it and approve it again: mkwmail schedule %(event)s %(mailing)s")
            found.append(Fault("", fault, remedy % {"event": event.id, "mailing": typed_name(name)}))
    return found
