"""What is next for an event and what a person is to do, each with the command for it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from mkwmail.commands.timetabling import changed
from mkwmail.commands.workplace import Sources
from mkwmail.errors import UserError
from mkwmail.language import _, ngettext
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.persons import is_mark
from mkwmail.ledger.records import Delivery, State
from mkwmail.moments import day_and_time, day_in_words, moment_from
from mkwmail.report.answers import counts_in_words
from mkwmail.report.attendance import Attendance
from mkwmail.report.status import Due, Standing
from mkwmail.report.words import mails
from mkwmail.sending.outdated import Outdated, mending
from mkwmail.sending.plan import History
from mkwmail.sending.schedule import can_go_by_itself, newest
from mkwmail.sources.event import Event
from mkwmail.sources.kinds import latest_of, rule_of
from mkwmail.sources.settings import Keep


def standings(event: Event, ledger: Ledger, history: History, sources: Sources | None) -> Mapping[str, Standing]:
    """Mailing → whether it goes by itself.

    :param sources: None where settings or list cannot be read: then it is not told what changed since approval.
    """
    given = newest(ledger.go_aheads(), event.id)
    found = {}
    for name in event.mailings:
        if not can_go_by_itself(event, name):
            found[name] = Standing.BY_HAND
        elif name not in given:
            found[name] = Standing.NOT_APPROVED
        else:
            try:
                differs = sources is not None and bool(changed(sources, given[name], ledger, history))
            except UserError:  # a template or an attachment that cannot be read is no longer what was approved
                differs = True
            found[name] = Standing.CHANGED if differs else Standing.APPROVED
    return found


def next_steps(
    event: Event,
    history: History,
    due: Sequence[Due],
    behind: Sequence[Outdated],
    attendance: Attendance,
    now: datetime,
) -> Iterator[str]:
    """What is next, and what a person is to do, one sentence each."""
    yield from _mending(event, history, behind)
    if any(_wants_deciding(event, each, now) for each in history.deliveries):
        yield _("To decide about them: mkwmail resolve %(event)s") % {"event": event.id}
    if history.cancelled is None:
        yield from _missed(event, history.deliveries, now)
        yield from _mailings(event, due, now)
    if attendance.unsettled:
        settle = ngettext(
            "To settle %(n)d sign-up: mkwmail answers list %(event)s",
            "To settle %(n)d sign-ups: mkwmail answers list %(event)s",
            attendance.unsettled,
        )
        yield settle % {"n": attendance.unsettled, "event": event.id}


def _wants_deciding(event: Event, delivery: Delivery, now: datetime) -> bool:
    """Whether somebody in doubt or refused can still be mailed once a person has decided."""
    name = delivery.round.mailing
    is_open = delivery.state in (State.IN_DOUBT, State.SENDING, State.REFUSED) and not is_mark(delivery.address)
    known = name in event.mailings or not rule_of(name).needs_entry
    return is_open and known and now <= latest_of(event, name)


def _mending(event: Event, history: History, behind: Sequence[Outdated]) -> Iterator[str]:
    """That the event is closed, if it is; the command for those who know other facts, as far as it reaches them."""
    if history.cancelled:
        closed = _("Cancelled on %(day)s: only a correction of the cancellation can follow.")
        yield closed % {"day": day_in_words(history.cancelled)}
    count = sum(not each.why_not for each in behind)
    if count:
        step = ngettext(
            "To tell the %(n)d who does not know: mkwmail send %(event)s %(mailing)s",
            "To tell the %(n)d who do not know: mkwmail send %(event)s %(mailing)s",
            count,
        )
        yield step % {"n": count, "event": event.id, "mailing": mending(history)}


def _missed(event: Event, deliveries: Sequence[Delivery], now: datetime) -> Iterator[str]:
    """What did not go in time, as long as the event is not over."""
    if now > event.ends:
        return
    missed = Counter(each.round.mailing for each in deliveries if each.state is State.EXPIRED)
    for name, count in missed.items():
        if name in event.mailings and now > latest_of(event, name):
            words = {"mails": mails(count), "mailing": name, "latest": day_and_time(latest_of(event, name))}
            sentence = _("Missed: %(mails)s of %(mailing)s did not go before %(latest)s; who: mkwmail status %(event)s")
            yield sentence % {**words, "event": f"{event.id} --skipped"}


def _mailings(event: Event, due: Sequence[Due], now: datetime) -> Iterator[str]:
    """What is due now, what was changed since it was approved, and the first that is to come."""
    changed_since = []
    ahead = []
    for each in due:
        if each.send is None or each.over:
            continue
        if now > latest_of(event, each.mailing) or (each.send <= now and not each.left):
            continue
        if each.send > now:
            ahead.append(each)
        if each.standing is Standing.CHANGED:
            changed_since.append(each.mailing)
        elif each.send <= now:
            yield _due_now(event, each)
    if changed_since:
        words = {"mailings": ", ".join(changed_since), "command": f"{event.id} {' '.join(changed_since)}"}
        yield (
            ngettext(
                "%(mailings)s was changed since it was approved, and does not go: mkwmail schedule %(command)s",
                "%(mailings)s were changed since they were approved, and do not go: mkwmail schedule %(command)s",
                len(changed_since),
            )
            % words
        )
    if ahead:
        yield from _ahead(event, ahead[0], now)


def _due_now(event: Event, each: Due) -> str:
    words = {"mailing": each.mailing, "mails": mails(each.left), "event": event.id}
    if each.standing is Standing.APPROVED:
        return _("Due now, and goes by itself: %(mailing)s, %(mails)s") % words
    return _("Due now: mkwmail send %(event)s %(mailing)s") % words


def _ahead(event: Event, each: Due, now: datetime) -> Iterator[str]:
    words = {"mailing": each.mailing, "moment": moment_from(now, each.send) if each.send else ""}
    if each.standing is Standing.APPROVED:
        yield _("Next: %(mailing)s, planned for %(moment)s; it goes by itself") % words
        return
    yield _("Next: %(mailing)s, planned for %(moment)s") % words
    if each.standing is Standing.NOT_APPROVED:
        yield _("To let it go by itself: mkwmail schedule %(event)s") % {"event": event.id}


def purge_steps(event: Event, ledger: Ledger, keep: Keep, now: datetime) -> Iterator[str]:
    """That people's data was removed, or is to be."""
    purged = ledger.purged().get(event.id)
    if purged is not None:
        said = _("People's data was removed on %(day)s.") % {"day": day_in_words(purged.at)}
        counts = counts_in_words(list(Counter(purged.totals).elements()))
        answers = _("Answers: %(counts)s") % {"counts": counts}
        yield f"{said} {answers}" if counts else said
    if event.ends < now and ledger.has_dietary(event.id):
        yield _("No longer needed are the dietary wishes: mkwmail purge %(event)s --dietary") % {"event": event.id}
    if keep.until(event.ends) < now and ledger.has_personal(event.id):
        yield _("Kept long enough is people's data: mkwmail purge %(event)s") % {"event": event.id}
