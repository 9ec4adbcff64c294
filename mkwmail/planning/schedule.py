"""Schedule: which mailings are sent automatically, and when. Pure.

A decision depends on what is approved and not yet done, never on the time alone: a run that comes days late does what
the missed runs would have done, as far as that still makes sense.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType

from mkwmail.clock import ZONE, day_and_time
from mkwmail.config.event import Event
from mkwmail.config.kinds import in_order, kind_of, latest_of, mailing_named, rule_of
from mkwmail.config.settings import Hours
from mkwmail.dutch.dates import public_holidays
from mkwmail.errors import Fault
from mkwmail.i18n import _
from mkwmail.ledger.models import TOLD, Delivery, ScheduledApproval
from mkwmail.planning.approval import Difference, Sources, differences
from mkwmail.planning.audience import History, Recipient
from mkwmail.planning.plan import Plan, list_tolerance

WHEN = "when it goes"
TO_WHOM = "to whom it goes"
STARTS = "starts"

#: An event that moves further than this after a mailing is taken for another event, until a person says otherwise.
FAR = timedelta(days=90)

#: How long after its latest moment a mailing still concerns `due`, which reports missed mailings.
CONCERNS = timedelta(days=30)


def can_go_by_itself(event: Event, mailing: str) -> bool:
    """Check whether `due` may send a mailing.

    It has a date, and is not one that is sent by its name only.
    """
    entry = event.mailings.get(mailing)
    return entry is not None and entry.send is not None and not rule_of(mailing).by_name_only


def terms_of(event: Event, mailing: str, dated: bool = True) -> dict[str, str]:
    """Return the terms that are approved besides the text.

    They are when a mailing is sent, until when, and to whom, and when the event is. ``dated``: it is sent at its date.
    A person who sends it by hand approves it for that moment instead.
    """
    entry = mailing_named(event, mailing)
    audience = entry.audience
    if isinstance(audience, str):
        to_whom = audience
    elif audience is None:
        to_whom = rule_of(mailing).audience.value
    else:
        to_whom = json.dumps(audience.model_dump(by_alias=True), ensure_ascii=False)
    latest = latest_of(event, mailing)
    found = {TO_WHOM: f"{to_whom}\nlatest: {_written(latest)}", STARTS: event.starts.isoformat()}
    if dated and entry.send is not None:
        found[WHEN] = f"send: {_written(entry.send)}"
    return found


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def go_ahead_for(
    event: Event, mailing: str, persons: Collection[str], at: datetime | None = None, others: bool = True
) -> ScheduledApproval:
    """Return what a person approves: the mailing at its date.

    :param at: if it is sent by hand, the moment from which it may be sent instead.
    """
    send = mailing_named(event, mailing).send
    return ScheduledApproval(
        event=event.id,
        mailing=mailing,
        opens=at or send or event.starts,
        latest=latest_of(event, mailing),
        terms=terms_of(event, mailing, dated=at is None),
        persons=frozenset(persons),
        others=others,
    )


def changes(given: ScheduledApproval, approved: Sources, event: Event, now: Sources) -> tuple[Difference, ...]:
    """Return what differs from the approval, source by source.

    Empty if nothing does.
    """
    current = terms_of(event, given.mailing)
    shown = {WHEN: _("when it is sent"), TO_WHOM: _("who gets it")}
    before = {name: given.terms[name] for name in shown if name in given.terms}
    after = {name: current[name] for name in before if name in current}
    return (*differences(before, after, shown), *differences(approved, now))


def moved_far(event: Event, given: Sequence[ScheduledApproval], deliveries: Sequence[Delivery]) -> datetime | None:
    """Return the start as last mailed, if the event is now far from it.

    Far is more than 90 days; else None.
    """
    earlier = [each for each in given if each.event == event.id]
    if not earlier or not any(each.state in TOLD for each in deliveries):
        return None
    # The person who gave a newer approval was asked about the move.
    last = max(earlier, key=lambda each: each.at or each.opens)
    starts = datetime.fromisoformat(last.terms[STARTS]).astimezone(event.starts.tzinfo)
    return starts if abs(event.starts - starts) > FAR else None


# Overdue mailings


def due_by_date(event: Event, now: datetime) -> tuple[str, ...]:
    """Return the mailings that are due and not too late, by date.

    Mailings that are only sent by their name are never due.
    """

    def is_due(name: str) -> bool:
        send = event.mailings[name].send
        return send is not None and send <= now <= latest_of(event, name) and not rule_of(name).by_name_only

    return tuple(filter(is_due, in_order(event)))


def begun(deliveries: Sequence[Delivery]) -> frozenset[str]:
    """Return the mailings that somebody had, or may have had."""
    return frozenset(each.round.mailing for each in deliveries if each.state in TOLD)


def superseded(event: Event, due: Collection[str], deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """Return the mailings that a later one makes pointless, by date.

    Each comes with that later one.

    A mailing of a kind that another kind supersedes is pointless once one of the other kind is due or was sent to
    somebody. A mailing of a kind that supersedes itself is pointless once a later one to the same people is due.

    :param due: the mailings that are due now, by their dates or as they were approved.
    """
    had = begun(deliveries)
    found = {}
    for name in in_order(event):
        kind = kind_of(name)
        rivals = [other for other in (*due, *sorted(had)) if kind in rule_of(other).supersedes]
        later = (other for other in rivals if kind_of(other) != kind or (other in due and _follows(event, other, name)))
        first = next(later, None)
        if first is not None:
            found[name] = first
    return found


#: A reminder waits for a person if the mailbox could not be read for this long: answers may be in it.
UNREADABLE = timedelta(days=2)


def waits_for_mailbox(mailing: str, failing: datetime | None, now: datetime) -> bool:
    """Return whether a mailing asks people who may have answered in a mailbox that cannot be read.

    :param failing: since when it cannot be read.
    """
    return failing is not None and now - failing >= UNREADABLE and rule_of(mailing).reminds


def too_soon(due: Collection[str], going: Collection[str], deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """Return the due reminders that are too soon after an invitation.

    No member can get them yet. Each comes with the invitation that is sent in this run.

    :param going: the mailings that somebody gets in this run.
    """
    had = begun(deliveries)
    invitation = next((name for name in going if rule_of(name).invites), None)
    if invitation is None:
        return {}
    waiting = [name for name in due if rule_of(name).reminds and name not in going and name not in had]
    return dict.fromkeys(waiting, invitation)


def _follows(event: Event, later: str, name: str) -> bool:
    """Check whether a mailing comes after another one, to the same people."""
    first, second = event.mailings[name], event.mailings[later]
    if first.send is None or second.send is None:
        return False
    return second.send > first.send and second.audience == first.audience


@dataclass(frozen=True, slots=True)
class Share:
    """The people of a plan whom an approval covers.

    ``added``: those who joined since, if they are too many to be mailed without a person's approval. ``gone``: how many
    left the list, if they are so many that the list itself is doubtful; then the mailing waits.
    """

    to_send: tuple[Recipient, ...]
    added: tuple[Recipient, ...] = ()
    gone: int = 0


def share_of(
    plan: Plan,
    given: ScheduledApproval,
    listings: Sequence[Recipient],
    guests: Collection[str] = (),
    successors: Mapping[str, str] = MappingProxyType({}),
) -> Share:
    """Return whom `due` may mail: those approved and those being retried.

    Others may be mailed if they are few. ``guests`` (keys) are not in the list and could not be approved: they signed
    up since. ``successors``: person → who took over from them, by a person's word; they count as approved too.
    """
    if rule_of(plan.round.mailing).confirms:
        return Share(plan.to_send)  # on approval it was not known who would answer
    limit = list_tolerance(len(given.persons))
    here = {key for each in listings for key in (each.person, each.instead)}
    gone = sum(here.isdisjoint(_line(person, successors)) for person in given.persons)
    if gone > limit:
        return Share((), gone=gone)
    known = {key for person in given.persons for key in _line(person, successors)}.union(guests)
    covered = [each for each in plan.to_send if each.person in known or each.retry is not None]
    added = [each for each in plan.to_send if each not in covered]
    if not given.others:
        return Share(tuple(covered))
    if len(added) > limit:
        return Share(tuple(covered), tuple(added))
    return Share(plan.to_send)


def _line(person: str, successors: Mapping[str, str]) -> tuple[str, ...]:
    """Return a person and all who followed in that place."""
    line = {person: None}
    while (person := successors.get(person, "")) and person not in line:
        line[person] = None
    return tuple(line)


# The timetable


@dataclass(frozen=True, slots=True)
class Slot:
    """A mailing of the timetable.

    ``goes``: when it is sent, within the hours for mail; None if it is only sent by hand, or is over.
    ``had``: how many have had it, or may have had it, of whom ``in_doubt`` are in doubt; ``to_get``: how many would
    get it as things are now. ``given``: the approval in force. ``changes``: what differs from that. ``overdue``: its
    date has passed, its latest moment has not. ``faults``: why its audience cannot be told.
    """

    mailing: str
    send: datetime | None
    goes: datetime | None
    latest: datetime
    had: int
    to_get: int
    given: ScheduledApproval | None = None
    changes: tuple[Difference, ...] = ()
    by_hand: bool = False
    overdue: bool = False
    over: bool = False
    faults: tuple[Fault, ...] = ()
    in_doubt: int = 0

    @property
    def approvable(self) -> bool:
        """Return whether it can be approved.

        It may be sent automatically, and is not now.
        """
        wanted = self.given is None or bool(self.changes)
        return wanted and not self.faults and not self.by_hand and not self.over and bool(self.to_get or not self.had)


def with_own(presumed: History, history: History, mailing: str) -> History:
    """Return a presumed history, with the true one of this mailing."""
    own = [each for each in history.deliveries if each.round.mailing == mailing]
    others = [each for each in presumed.deliveries if each.round.mailing != mailing]
    return replace(presumed, deliveries=(*others, *own))


def newest(given: Sequence[ScheduledApproval], event: str) -> Mapping[str, ScheduledApproval]:
    """Return mailing → its approval, for one event."""
    return {each.mailing: each for each in given if each.event == event}


_SATURDAY = 5


def holiday_of(day: date) -> str:
    """Return the Dutch name of a public holiday; empty if the day is none."""
    return public_holidays(day.year).get(day, "")


def is_working_day(day: date) -> bool:
    """Check whether Dutch offices are open.

    They are open from Monday to Friday, except on public holidays.
    """
    return day.weekday() < _SATURDAY and not holiday_of(day)


def may_mail(hours: Hours, now: datetime) -> bool:
    """Check whether a moment is within the hours for mail.

    The last minute before ``to`` is, ``to`` itself is not.
    """
    local = now.astimezone(ZONE)
    return _is_open(hours, local.date()) and hours.start <= local.time() < hours.end


def closing(hours: Hours, now: datetime) -> datetime:
    """Return the last moment of this day at which mail may be sent."""
    return _at(now.astimezone(ZONE).date(), hours.end) - timedelta(microseconds=1)


def next_opening(hours: Hours, moment: datetime) -> datetime:
    """Return the first moment from this one on at which mail may be sent."""
    local = moment.astimezone(ZONE)
    if may_mail(hours, local):
        return local
    day = local.date()
    if not _is_open(hours, day) or local.time() >= hours.start:
        day += timedelta(days=1)
        while not _is_open(hours, day):
            day += timedelta(days=1)
    return _at(day, hours.start)


def no_hours_left(latest: datetime) -> str:
    """Return in words that the hours for mail leave no moment for a mailing."""
    return _("the hours in mkwmail.yaml leave no moment before %(latest)s") % {"latest": day_and_time(latest)}


def day_begins(hours: Hours, now: datetime) -> bool:
    """Check whether the day's hours have begun, on a working day or not.

    From then on a message to a person is not too early.
    """
    return now.astimezone(ZONE).time() >= hours.start


def _is_open(hours: Hours, day: date) -> bool:
    return (hours.days == "all" or is_working_day(day)) and not any(day in days for days in hours.closed)


def _at(day: date, clock: time) -> datetime:
    # Through UTC: an hour that the change to summer time skips becomes the one after it.
    return datetime.combine(day, clock, ZONE).astimezone(UTC).astimezone(ZONE)


_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Move:
    """The move of an event from one day to another, with the dates around it.

    The dates keep their weekday: a Monday's mail stays a Monday's. So all of them move by the same number of whole
    weeks, which keeps the distances between them; the distance to the event changes by three days at most.
    """

    before: date
    after: date

    @property
    def weeks(self) -> timedelta:
        """The time by which the dates around the event move."""
        return round((self.after - self.before) / _WEEK) * _WEEK

    def day(self, old: date) -> date:
        """Return the new date of a deadline or a latest moment.

        A date before the event stays before it.
        """
        new = old + self.weeks
        if old < self.before and new >= self.after:
            return new - _WEEK
        if old > self.before and new <= self.after:
            return new + _WEEK
        return self.after if old == self.before else new

    def mailing_day(self, old: date) -> date:
        """Return the new date of a mailing.

        A date on a working day is not moved to a public holiday, but to the next working day.
        """
        new = self.day(old)
        if not is_working_day(old) or old == self.before:
            return new
        later = new
        while not is_working_day(later):
            later += timedelta(days=1)
        if old > self.before or later < self.after:
            return later
        while not is_working_day(new):
            new -= timedelta(days=1)
        return new
