"""What is ahead: the findings of a check, the timetable, the outlook, and a run of ``due``.

The timetable and the outlook on the next days tell when each mailing is sent, to how many people, and whether it is
approved; a run of ``due`` what was sent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mkwmail.clock import clock_time, day_and_time, day_in_figures, day_in_words, moment_in_figures
from mkwmail.config.event import Event
from mkwmail.config.kinds import rule_of, shown_name, typed_name
from mkwmail.dutch.names import full_name
from mkwmail.errors import ExitCode, Fault
from mkwmail.i18n import _, mails, ngettext, size
from mkwmail.ledger.models import State
from mkwmail.planning.approval import Difference
from mkwmail.planning.oddities import Salutation
from mkwmail.planning.schedule import Slot, no_hours_left
from mkwmail.report.recipients import show_title
from mkwmail.report.status import state_words
from mkwmail.report.terminal import Style, Terminal, fault_lines, fault_values

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


@dataclass(frozen=True, slots=True)
class Checked:
    """One mailing, composed.

    ``count``: the number of its mails, if earlier mailings are sent first. ``largest``: the size of its largest
    mail, in octets. ``ahead``: its moment is in the future. ``left``: the number of people who would get it now, if
    it is due. ``certificates`` and ``files``: how many of its mails have a certificate, or other files of their own.
    """

    mailing: str
    send: datetime | None
    count: int
    variants: int
    largest: int
    ahead: bool
    left: int = 0
    certificates: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings about an event before its mailings are sent.

    ``faults`` stop a mailing; ``warnings`` are about odd things; ``notes`` explain how files were read. ``server``
    is what the mail server reported about itself, if it was asked. ``salutations`` tell how everybody is addressed.
    """

    event: str
    title: str = ""
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    mailings: tuple[Checked, ...] = ()
    salutations: tuple[Salutation, ...] = ()
    server: tuple[tuple[str, str], ...] = ()
    code: ExitCode = ExitCode.OK

    @property
    def ready(self) -> bool:
        """True if no fault stops the event's mailings."""
        return not self.faults


def findings_value(findings: Findings, everybody: bool = False) -> dict[str, Any]:
    """Return the document of ``check --json``.

    :param everybody: with all salutations; otherwise only with the odd ones.
    """
    return {
        "event": findings.event,
        "ready": findings.ready,
        "faults": fault_values(findings.faults),
        "warnings": fault_values(findings.warnings),
        "notes": list(findings.notes),
        "mailings": [
            {
                "mailing": each.mailing,
                "send": each.send.isoformat() if each.send else None,
                "due": each.left,
                "mails": each.count,
                "variants": each.variants,
                "largest": each.largest,
                "certificates": each.certificates,
                "own_files": each.files,
            }
            for each in findings.mailings
        ],
        "salutations": [
            {
                "row": each.member.row,
                "member": full_name(each.member.name),
                "address": each.member.email,
                "salutation": each.words,
                "odd": each.odd,
            }
            for each in findings.salutations
            if everybody or each.odd
        ],
        "server": dict(findings.server),
    }


def show_findings(terminal: Terminal, findings: Findings, everybody: bool = False) -> None:
    """Print the findings, then one line that says whether all is ready.

    :param everybody: print all salutations; otherwise only the first odd ones.
    """
    if findings.title:
        terminal.say(findings.title, "bold")
    for note in findings.notes:
        terminal.say(f"  {note}", "dim")
    if findings.mailings:
        terminal.say()
        headings = [_("Mailing"), _("Planned"), _("mails"), _("variants"), _("largest")]
        counts = [
            (heading, numbers)
            for heading, numbers in (
                (_("certificates"), [each.certificates for each in findings.mailings]),
                (_("own files"), [each.files for each in findings.mailings]),
            )
            if any(numbers)
        ]
        rows = [
            [
                shown_name(each.mailing),
                moment_in_figures(each.send) if each.send else "",
                *(str(each.count), str(each.variants), size(each.largest)),
                *(str(numbers[place]) for _heading, numbers in counts),
            ]
            for place, each in enumerate(findings.mailings)
        ]
        headings += [heading for heading, _numbers in counts]
        terminal.table(headings, rows, numbers=3 + len(counts))
    if findings.server:
        terminal.say()
        terminal.facts(findings.server)
    _show_salutations(terminal, findings.salutations, everybody)
    terminal.say()
    _show(terminal, _("Warnings"), findings.warnings, "warning")
    _show(terminal, _("Faults"), findings.faults, "bad")
    style: Style = "warning" if findings.warnings else "good"
    terminal.say(verdict(findings), style if findings.ready else "bad")


_ODD_SHOWN = 10


def _show_salutations(terminal: Terminal, salutations: Sequence[Salutation], everybody: bool) -> None:
    odd = [each for each in salutations if each.odd]
    shown = salutations if everybody else odd[:_ODD_SHOWN]
    if not shown:
        return
    terminal.say()
    count = {"n": len(odd), "all": len(salutations)}
    heading = _("Odd salutations: %(n)d of %(all)d") % count
    terminal.say(heading, "warning" if odd else "")
    headings = [_("Row"), _("Salutation"), _("Name"), _("What is odd")]
    rows = [
        [str(each.member.row or ""), each.words, full_name(each.member.name) or each.member.email, each.odd]
        for each in shown
    ]
    terminal.table(headings, rows)
    if not everybody and len(odd) > len(shown):
        more = _("%(n)d more are odd; `check --salutations` lists how everybody is addressed")
        terminal.say(f"  {more % {'n': len(odd) - len(shown)}}")


def _show(terminal: Terminal, heading: str, faults: Sequence[Fault], style: Style) -> None:
    if not faults:
        return
    terminal.say(f"{heading}: {len(faults)}", style)
    for line in fault_lines(faults):
        terminal.say(f"  {line}")
    terminal.say()


def verdict(findings: Findings) -> str:
    """Return the line that says whether all is ready."""
    if not findings.ready:
        count = len(findings.faults)
        sentence = ngettext("Not ready: fix %(n)d fault.", "Not ready: fix %(n)d faults.", count)
        return sentence % {"n": count}
    due = [(each.left, each.mailing) for each in findings.mailings if each.left]
    ahead = [(each.count, each.mailing) for each in findings.mailings if each.ahead and each.count]
    count = len(findings.warnings)
    to_read = ngettext("%(n)d warning to read.", "%(n)d warnings to read.", count) % {"n": count} if count else ""
    if not due and not ahead:
        if to_read:
            return " ".join((_("There is nobody to mail now."), to_read))
        return _("Nothing is wrong, and there is nobody to mail now.")
    parts = [f"{mails(count)} ({shown_name(mailing)})" for count, mailing in due or ahead]
    return " ".join(filter(None, (_("Ready: %(what)s.") % {"what": ", ".join(parts)}, to_read)))
