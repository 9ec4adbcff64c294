"""The timetable of an event: its mailings as they stand, approved, changed since, or to be sent by hand."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from mkwmail.commands.composing import composer_of, correcting_of
from mkwmail.commands.workplace import Roll, Sources, history_of, moment_of, plan_for, presumed
from mkwmail.errors import Fault
from mkwmail.language import _
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.records import TOLD, GoAhead
from mkwmail.sending.approval import Difference
from mkwmail.sending.hours import next_opening
from mkwmail.sending.plan import History, Plan
from mkwmail.sending.schedule import Slot, can_go_by_itself, changes, newest, with_own
from mkwmail.sources.event import Event
from mkwmail.sources.kinds import in_order, latest_of, mailing_named, rule_of


def timetable(
    sources: Sources, roll: Roll, history: History, ledger: Ledger, given: Sequence[GoAhead], now: datetime
) -> tuple[Slot, ...]:
    """The event's mailings by date, with those that went without an entry.

    :raises UserError: where a mailing's audience cannot be told, or its files cannot be read.
    """
    event = sources.event
    names = list(in_order(event))
    names += sorted({each.round.mailing for each in history.deliveries} - set(names))
    approved = newest(given, event.id)
    return tuple(_slot(sources, name, roll, history, ledger, approved.get(name), now) for name in names)


def _slot(
    sources: Sources, name: str, roll: Roll, history: History, ledger: Ledger, given: GoAhead | None, now: datetime
) -> Slot:
    event = sources.event
    had = sum(each.round.mailing == name and each.state in TOLD for each in history.deliveries)
    if name not in event.mailings:
        if rule_of(name).needs_entry:  # it went, and was taken out of the file since
            return Slot(name, None, None, event.ends, had, 0, by_hand=True, over=True)
        return Slot(name, None, None, latest_of(event, name), had, 0, by_hand=True, over=now > latest_of(event, name))
    send, latest = mailing_named(event, name).send, latest_of(event, name)
    by_hand = not can_go_by_itself(event, name)
    to_get = 0 if rule_of(name).by_name_only else len(plan_ahead(event, name, roll, history, now).to_send)
    different = changed(sources, given, ledger, history) if given else ()
    over = now > latest
    goes = None if by_hand or over or send is None else next_opening(sources.settings.hours, max(send, now))
    overdue = send is not None and send <= now <= latest
    return Slot(name, send, goes, latest, had, to_get, given, different, by_hand, overdue, over)


def plan_ahead(event: Event, name: str, roll: Roll, history: History, now: datetime) -> Plan:
    """Who would get a mailing at its own moment as things are now: earlier mailings have gone, nobody answers."""
    moment = max(moment_of(event, name, now), now)
    ahead = history
    if moment > now:
        ahead = with_own(presumed(event, name, roll, history, moment), history, name)
    return plan_for(event, name, roll, ahead, moment)


def changed(sources: Sources, given: GoAhead, ledger: Ledger, history: History) -> tuple[Difference, ...]:
    """What is not as it was approved.

    :raises UserError: where a template or an attachment cannot be read.
    """
    event = sources.event
    of = correcting_of(sources, given.mailing, ledger, history)
    now = composer_of(sources, given.mailing, ledger.secret, of).sources
    approvals = {each.id: each.sources for each in ledger.approvals(event.id, given.mailing)}
    return changes(given, approvals[given.approval], event, now)


def approval_warnings(
    sources: Sources, ledger: Ledger, history: History, left: Mapping[str, int], now: datetime
) -> list[Fault]:
    """What was approved to go by itself and has changed since, so that it does not.

    ``left``: the mailings that are due, with how many are to get them; one that all have had needs no approval.

    :raises UserError: where a template or an attachment cannot be read.
    """
    event, found = sources.event, []
    for name, given in newest(ledger.go_aheads(), event.id).items():
        if not can_go_by_itself(event, name) or now > latest_of(event, name) or not left.get(name, 1):
            continue
        different = changed(sources, given, ledger, history)
        if different:
            words = {"mailing": name, "what": "; ".join(each.what for each in different)}
            fault = _("%(mailing)s was approved, and does not go by itself now: %(what)s") % words
            remedy = _("look at it and approve it again: mkwmail schedule %(event)s %(mailing)s")
            found.append(Fault("", fault, remedy % {"event": event.id, "mailing": name}))
    return found


def timetable_of(sources: Sources, roll: Roll, ledger: Ledger, now: datetime) -> tuple[Slot, ...]:
    """The timetable as the ledger has it."""
    return timetable(sources, roll, history_of(ledger, sources.event), ledger, ledger.go_aheads(), now)
