"""An event's timetable, the outlook on the next days, and a run of ``due``.

The first two tell when each mailing is sent, to how many people, and whether it is approved; the last what was sent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mkwmail.clock import clock_time, day_and_time, day_in_figures, day_in_words, moment_in_figures
from mkwmail.config.event import Event
from mkwmail.config.kinds import rule_of, shown_name, typed_name
from mkwmail.i18n import _, mails, ngettext
from mkwmail.ledger.models import State
from mkwmail.planning.approval import Difference
from mkwmail.planning.schedule import Slot, no_hours_left
from mkwmail.report.recipients import show_title
from mkwmail.report.status import state_words
from mkwmail.report.terminal import Terminal

if TYPE_CHECKING:
    from mkwmail.delivery.outcome import Outcome
    from mkwmail.report.notices import Notice


def show_timetable(terminal: Terminal, event: Event, slots: Sequence[Slot]) -> None:
    """Print the timetable, and below it the changes since the approval."""
    show_title(terminal, event, _("timetable"))
    terminal.say()
    # As `status` counts: a mail in doubt is not one that somebody had.
    doubt = any(slot.in_doubt for slot in slots)
    counts = [_("had it"), *([state_words(State.IN_DOUBT)] if doubt else []), _("to get")]
    rows = []
    for slot in slots:
        numbers = (slot.had - slot.in_doubt, *((slot.in_doubt,) if doubt else ()), slot.to_get)
        rows.append(
            [shown_name(slot.mailing), _when(slot), _standing(slot), *(str(number or "") for number in numbers)]
        )
    terminal.table([_("Mailing"), _("When"), _("Approval"), *counts], rows, numbers=len(counts))
    notes = list(_notes(slots))
    if notes:
        terminal.say()
    for note in notes:
        terminal.say(f"  {note}", "warning")


def _when(slot: Slot) -> str:
    # A mailing that everybody has had is not sent again: its own date tells more than the next moment for a latecomer.
    own = (slot.overdue and not slot.to_get) or (slot.goes is not None and slot.goes > slot.latest)
    moment = slot.send if own else slot.goes or slot.send
    if moment is None:
        return _("by hand")
    return moment_in_figures(moment)


def _standing(slot: Slot) -> str:
    if slot.over:
        return _("over")
    if slot.by_hand:
        return _("sent by hand only")
    if slot.given is None:
        return _("not approved")
    if slot.changes:
        return _("CHANGED since")
    if slot.overdue and slot.had and not slot.to_get and not rule_of(slot.mailing).confirms:
        return _("done")
    return _("approved %(day)s") % {"day": day_in_figures(slot.given.at)} if slot.given.at else _("approved")


def _notes(slots: Sequence[Slot]) -> Iterator[str]:
    for slot in slots:
        if slot.goes and slot.goes > slot.latest and (slot.to_get or not slot.had):
            words = {"mailing": shown_name(slot.mailing), "reason": no_hours_left(slot.latest)}
            yield _("%(mailing)s cannot be sent automatically: %(reason)s") % words
        elif slot.send and slot.goes and slot.goes > slot.send and not slot.overdue:
            words = {
                "mailing": shown_name(slot.mailing),
                "send": day_and_time(slot.send),
                "goes": day_and_time(slot.goes),
            }
            yield _("%(mailing)s: %(send)s is outside the hours of mkwmail.yaml; it is sent on %(goes)s") % words
    # One change of the event usually affects several mailings: it is shown once.
    changed: dict[Difference, list[str]] = {}
    for slot in slots:
        for difference in slot.changes:
            changed.setdefault(difference, []).append(shown_name(slot.mailing))
    for difference, names in changed.items():
        yield "\n      ".join((f"{', '.join(names)}: {difference.what}", *difference.lines))


def approved_words(mailings: Sequence[str]) -> str:
    """Return a sentence with the approved mailings."""
    names = ", ".join(map(shown_name, mailings))
    return _("Approved: %(names)s. It is sent automatically, as it is now, if `mkwmail due` runs.") % {"names": names}


def count_words(count: int) -> str:
    """Return a number of mailings in words: ``3 mailings``."""
    return ngettext("%(n)d mailing", "%(n)d mailings", count) % {"n": count}


# The outlook: mail of the next days


def outlook_rows(slots: Sequence[Slot], now: datetime, until: datetime) -> list[tuple[datetime, Slot]]:
    """Return the mailings until a moment, each with its moment.

    Mailings that are not sent automatically any more are left out.
    """
    found = []
    for slot in slots:
        if slot.goes is None or slot.over or slot.goes > min(until, slot.latest):
            continue
        if slot.send is not None and slot.send <= now and not slot.to_get:
            continue
        found.append((slot.goes, slot))
    return found


def show_outlook(terminal: Terminal, rows: Sequence[tuple[datetime, Event, Slot]], days: int) -> None:
    """Print the mailings of the next days, and what prevents them."""
    if not rows:
        terminal.say(_("Nothing is sent automatically in the next %(days)d days.") % {"days": days})
        return
    terminal.say(_("To be sent automatically in the next %(days)d days, as things are now:") % {"days": days}, "bold")
    terminal.say()
    table = [
        [moment_in_figures(moment), event.id, shown_name(slot.mailing), _outlook_standing(slot), str(slot.to_get)]
        for moment, event, slot in rows
    ]
    terminal.table([_("When"), _("Event"), _("Mailing"), _("Approval"), _("mails")], table, numbers=1)
    terminal.say()
    for _moment, event, slot in rows:
        if slot.given is None or slot.changes:
            words = {
                "mailing": shown_name(slot.mailing),
                "command": f"mkwmail schedule {event.id} {typed_name(slot.mailing)}",
            }
            terminal.say(_("%(mailing)s is not sent like this. To approve it: %(command)s") % words, "warning")


def _outlook_standing(slot: Slot) -> str:
    if slot.given is None:
        return _("not approved")
    if slot.changes:
        return _("CHANGED since")
    return _("approved")


def outlook_value(rows: Sequence[tuple[datetime, Event, Slot]], days: int) -> dict[str, Any]:
    """Return the document of ``due --dry-run --json``."""
    return {
        "days": days,
        "mailings": [
            {
                "event": event.id,
                "mailing": slot.mailing,
                "goes": moment.isoformat(),
                "planned": slot.to_get,
                "approved": slot.given is not None and not slot.changes,
                "changes": [difference.what for difference in slot.changes],
            }
            for moment, event, slot in rows
        ],
    }


# cron runs it every half hour; a computer that sleeps for a night is no reason for a warning.
_LONG_AGO = timedelta(days=1)


def runs_as_scheduled(moment: datetime | None, now: datetime) -> bool:
    """Return whether `due`, which ran last at this moment, still runs as it should.

    False if it never ran (None), or not for more than a day.
    """
    return moment is not None and now - moment <= _LONG_AGO


def last_run_words(moment: datetime | None, now: datetime, awaited: bool) -> str:
    """Return a sentence that tells when `due` last ran.

    If it is ``awaited`` and has not run for more than a day, the sentence asks whether cron still runs it.
    """
    if moment is None:
        return _("`mkwmail due` has never run: without it nothing is sent automatically (schedule EVENT --install)")
    words = {"day": day_in_words(moment), "time": clock_time(moment)}
    if awaited and not runs_as_scheduled(moment, now):
        sentence = _(
            "`mkwmail due` last ran on %(day)s at %(time)s: does cron still run it? (schedule EVENT --install)"
        )
        return sentence % words
    return _("`mkwmail due` last ran on %(day)s at %(time)s") % words


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """The delivery of one mailing in a run of ``due``.

    ``late``: its latest moment had passed when the run ended.
    """

    event: Event
    mailing: str
    outcome: "Outcome"
    late: bool = False

    @property
    def deferred(self) -> int:
        """The number of deferred mails that a later run tries again."""
        return 0 if self.late else len(self.outcome.deferred)

    @property
    def waiting(self) -> int:
        """The number of people whom a later run will mail."""
        return 0 if self.late else len(self.outcome.waiting)

    @property
    def too_late(self) -> int:
        """The number of people in this run for whom it is now too late."""
        return len(self.outcome.deferred) + len(self.outcome.waiting) if self.late else 0


def is_worth_a_word(went: DueDelivery) -> bool:
    """Return whether the delivery had a result for at least one person."""
    outcome = went.outcome
    return bool(outcome.sent or outcome.deferred or outcome.refused or outcome.in_doubt)


def show_went(terminal: Terminal, went: Sequence[DueDelivery]) -> None:
    """Print for each mailing how many mails were sent, and how many not."""
    for each in went:
        outcome = each.outcome
        counts = (
            (_("%(n)d deferred"), each.deferred),
            (_("%(n)d waiting"), each.waiting),
            (_("%(n)d refused"), len(outcome.refused)),
            (_("%(n)d in doubt"), len(outcome.in_doubt)),
            (_("%(n)d too late"), each.too_late),
        )
        sent = _("%(mails)s sent") % {"mails": mails(len(outcome.sent))}
        words = [sent, *(word % {"n": count} for word, count in counts if count)]
        terminal.say(f"{each.event.id}: {shown_name(each.mailing)}: {', '.join(words)}")


def due_value(went: Sequence[DueDelivery], notices: "Sequence[Notice]") -> dict[str, Any]:
    """Return the document of ``due --json``.

    It holds the deliveries of this run and all notices, also those that were reported before.
    """
    return {
        "mailings": [
            {
                "event": each.event.id,
                "mailing": each.mailing,
                "sent": len(each.outcome.sent),
                "deferred": each.deferred,
                "waiting": each.waiting,
                "refused": len(each.outcome.refused),
                "in_doubt": len(each.outcome.in_doubt),
            }
            for each in went
        ],
        "matters": [
            {
                "matter": notice.name,
                "code": int(notice.code),
                "said": notice.said,
                "remedy": notice.remedy,
                "details": list(notice.details),
            }
            for notice in notices
        ],
    }
