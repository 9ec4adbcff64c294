"""The results of a delivery by ``send`` or ``due``.

People read a summary; programs read a JSON document.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mkwmail.clock import day_and_time, moment_from
from mkwmail.config.event import Event
from mkwmail.delivery.outcome import Outcome
from mkwmail.errors import ExitCode, Fault
from mkwmail.i18n import _, ngettext
from mkwmail.planning.plan import Plan
from mkwmail.report.notices import Notice
from mkwmail.report.recipients import Entry, deferred_entries, entries, entry_values, show_by_reason
from mkwmail.report.terminal import Terminal, fault_lines, fault_values
from mkwmail.text import mails, some


@dataclass(frozen=True, slots=True)
class Summary:
    """A run of ``send``, and the situation after it.

    ``planned``: the number of mails planned for this run. ``after``: the plan as it would be made again after the
    run; the people whom it would still mail are waiting. ``code``: the exit code of the command. ``faulty``: rows
    of the list that were left out. ``unsettled``: the sign-ups that are to be settled.
    """

    event: str
    mailing: str
    planned: int
    outcome: Outcome
    after: Plan
    code: ExitCode
    faulty: tuple[Entry, ...] = ()
    unsettled: tuple[str, ...] = ()

    @property
    def sent(self) -> int:
        """The number of mails sent in this run."""
        return len(self.outcome.sent)

    @property
    def waiting(self) -> int:
        """The number of people whom the next run will mail."""
        return len(self.after.to_send)

    @property
    def skipped(self) -> tuple[Entry, ...]:
        """Everybody for whom the mailing is not meant, or with a faulty row."""
        return (*entries(self.after.skipped), *self.faulty)

    @property
    def late(self) -> tuple[Entry, ...]:
        """Everybody who does not get the mailing because it is too late."""
        return entries(self.after.expired)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that stopped the run, or that prevent a next one."""
        stopped = self.outcome.stopped
        found = [Fault("", stopped.reason, stopped.remedy)] if stopped else []
        if self.after.expired:
            words = {"moment": day_and_time(self.after.latest), "mailing": self.mailing}
            fault = _("too late: the latest moment of %(mailing)s was %(moment)s") % words
            remedy = _("to send it all the same, write a later moment: mailings: %(mailing)s: latest: …") % words
            found.append(Fault("", fault, remedy))
        return tuple(found)


def summary_value(summary: Summary) -> dict[str, Any]:
    """Return the document of ``send --json``."""
    after = summary.after
    return {
        "event": summary.event,
        "mailing": summary.mailing,
        "planned": summary.planned,
        "sent": summary.sent,
        "waiting": summary.waiting,
        "deferred": entry_values(deferred_entries(after.waiting)),
        "refused": entry_values(entries(after.refused)),
        "in_doubt": entry_values(entries(after.in_doubt)),
        "skipped": entry_values((*entries(after.skipped), *summary.late, *summary.faulty)),
        "faults": fault_values(summary.faults),
        "to_settle": list(summary.unsettled),
    }


def show_summary(terminal: Terminal, summary: Summary, now: datetime) -> None:
    """Print what was sent, what was not and why, and the next commands."""
    after = summary.after
    for line in fault_lines(summary.faults):
        terminal.say(line, "red")
    if summary.outcome.interrupted:
        terminal.say(_("Interrupted. What was done is recorded; nobody will be mailed twice."), "yellow")
    if not summary.planned:
        _show_nothing_left(terminal, summary)
    else:
        clean = summary.code is ExitCode.OK
        terminal.say(", ".join(_counts(summary)) + ".", "green" if clean else "bold")
    show_by_reason(terminal, _("Deferred"), deferred_entries(after.waiting), everybody=True)
    show_by_reason(terminal, _("Refused"), entries(after.refused), everybody=True)
    show_by_reason(terminal, _("In doubt"), entries(after.in_doubt), everybody=True)
    # If the run had no mail to send, the first names are enough.
    show_by_reason(terminal, _("Too late"), summary.late, everybody=summary.planned > 0)
    show_by_reason(terminal, _("Skipped"), summary.skipped)
    for step in _next_steps(summary, now):
        terminal.say(step)
    if summary.unsettled:
        words = ngettext(
            "%(n)d sign-up is to be settled: %(names)s. See: mkwmail answers list %(event)s",
            "%(n)d sign-ups are to be settled: %(names)s. See: mkwmail answers list %(event)s",
            len(summary.unsettled),
        )
        shown = {"n": len(summary.unsettled), "names": some(summary.unsettled), "event": summary.event}
        terminal.say(words % shown, "yellow")


def _counts(summary: Summary) -> list[str]:
    after = summary.after
    counts = (
        (_("%(n)d waiting"), summary.waiting),
        (_("%(n)d deferred"), len(after.waiting)),
        (_("%(n)d refused"), len(after.refused)),
        (_("%(n)d in doubt"), len(after.in_doubt)),
        (_("%(n)d too late"), len(summary.late)),
        (_("%(n)d skipped"), len(summary.skipped)),
    )
    sent = _("%(mails)s sent") % {"mails": mails(summary.sent)}
    return [sent, *(words % {"n": count} for words, count in counts if count)]


def _show_nothing_left(terminal: Terminal, summary: Summary) -> None:
    after = summary.after
    others = after.waiting or after.refused or after.in_doubt or after.expired
    if after.already and not others:
        sentence = _("Nothing was sent: everybody already had the %(mailing)s.")
    else:
        sentence = _("Nothing was sent: there is nobody to send the %(mailing)s to now.")
    terminal.say(sentence % {"mailing": summary.mailing}, "bold")
    show_by_reason(terminal, _("Had it already"), entries(after.already))


def _next_steps(summary: Summary, now: datetime) -> list[str]:
    """Return the next commands, each in a sentence."""
    words = {"event": summary.event, "mailing": summary.mailing, "mails": mails(summary.waiting)}
    after = summary.after
    steps = []
    if summary.waiting and summary.outcome.until:
        words["moment"] = moment_from(now, summary.outcome.until)
        steps.append(_("%(mails)s still to go, from %(moment)s: mkwmail send %(event)s %(mailing)s") % words)
    elif summary.waiting:
        steps.append(_("%(mails)s still to go: mkwmail send %(event)s %(mailing)s") % words)
    if after.waiting:
        words["moment"] = moment_from(now, min(each.not_before for each in after.waiting))
        steps.append(_("The deferred, from %(moment)s: mkwmail send %(event)s %(mailing)s") % words)
    if after.in_doubt or after.refused:
        steps.append(_("About those in doubt or refused: mkwmail resolve %(event)s") % words)
    if not steps:
        steps.append(_("Who got what: mkwmail status %(event)s") % words)
    return steps


@dataclass(frozen=True, slots=True)
class Went:
    """The delivery of one mailing in a run of ``due``.

    ``late``: its latest moment had passed when the run ended.
    """

    event: Event
    mailing: str
    outcome: Outcome
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


def is_worth_a_word(went: Went) -> bool:
    """Return whether the delivery had a result for at least one person."""
    outcome = went.outcome
    return bool(outcome.sent or outcome.deferred or outcome.refused or outcome.in_doubt)


def show_went(terminal: Terminal, went: Sequence[Went]) -> None:
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
        terminal.say(f"{each.event.id}: {each.mailing}: {', '.join(words)}")


def due_value(went: Sequence[Went], matters: Sequence[Notice]) -> dict[str, Any]:
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
                "matter": matter.name,
                "code": int(matter.code),
                "said": matter.said,
                "remedy": matter.remedy,
                "details": list(matter.details),
            }
            for matter in matters
        ],
    }
