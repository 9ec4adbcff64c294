"""The findings of a check: grouped for people, as JSON for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mkwmail.clock import moment_in_figures
from mkwmail.errors import ExitCode, Fault
from mkwmail.i18n import _, mails, ngettext, size
from mkwmail.report.terminal import Style, Terminal, fault_lines, fault_values


@dataclass(frozen=True, slots=True)
class Checked:
    """One mailing, composed.

    ``count``: the number of its mails, if earlier mailings are sent first. ``largest``: the size of its largest
    mail, in octets. ``ahead``: its moment is in the future. ``left``: the number of people who would get it now, if
    it is due.
    """

    mailing: str
    send: datetime | None
    count: int
    variants: int
    largest: int
    ahead: bool
    left: int = 0


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings about an event before its mailings are sent.

    ``faults`` stop a mailing; ``warnings`` are about odd things; ``notes`` explain how files were read. ``server``
    is what the mail server reported about itself, if it was asked.
    """

    event: str
    title: str = ""
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    mailings: tuple[Checked, ...] = ()
    server: tuple[tuple[str, str], ...] = ()
    code: ExitCode = ExitCode.OK

    @property
    def ready(self) -> bool:
        """True if no fault stops the event's mailings."""
        return not self.faults


def findings_value(findings: Findings) -> dict[str, Any]:
    """Return the document of ``check --json``."""
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
            }
            for each in findings.mailings
        ],
        "server": dict(findings.server),
    }


def show_findings(terminal: Terminal, findings: Findings) -> None:
    """Print the findings, then one line that says whether all is ready."""
    if findings.title:
        terminal.say(findings.title, "bold")
    for note in findings.notes:
        terminal.say(f"  {note}", "dim")
    if findings.mailings:
        terminal.say()
        headings = [_("Mailing"), _("Planned"), _("mails"), _("variants"), _("largest")]
        rows = [
            [
                each.mailing,
                moment_in_figures(each.send) if each.send else "",
                *(str(each.count), str(each.variants), size(each.largest)),
            ]
            for each in findings.mailings
        ]
        terminal.table(headings, rows, numbers=3)
    if findings.server:
        terminal.say()
        terminal.facts(findings.server)
    terminal.say()
    _show(terminal, _("Warnings"), findings.warnings, "yellow")
    _show(terminal, _("Faults"), findings.faults, "red")
    terminal.say(verdict(findings), "green" if findings.ready else "red")


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
        sentence = ngettext("Not ready: mend %(n)d fault.", "Not ready: mend %(n)d faults.", count)
        return sentence % {"n": count}
    due = [(each.left, each.mailing) for each in findings.mailings if each.left]
    ahead = [(each.count, each.mailing) for each in findings.mailings if each.ahead and each.count]
    if not due and not ahead:
        return _("Nothing is wrong, and nobody is to be mailed now.")
    parts = [f"{mails(count)} ({mailing})" for count, mailing in due or ahead]
    return _("Ready: %(what)s.") % {"what": ", ".join(parts)}
