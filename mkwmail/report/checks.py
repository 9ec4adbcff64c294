"""The findings of a check: grouped for people, as JSON for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mkwmail.clock import moment_in_figures
from mkwmail.config.kinds import shown_name
from mkwmail.dutch.names import full_name
from mkwmail.errors import ExitCode, Fault
from mkwmail.i18n import _, mails, ngettext, size
from mkwmail.planning.oddities import Salutation
from mkwmail.report.terminal import Style, Terminal, fault_lines, fault_values


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
    count = len(findings.warnings)
    found = ngettext("No faults; %(n)d thing to look at.", "No faults; %(n)d things to look at.", count) % {"n": count}
    due = [(each.left, each.mailing) for each in findings.mailings if each.left]
    ahead = [(each.count, each.mailing) for each in findings.mailings if each.ahead and each.count]
    parts = [f"{mails(number)} ({shown_name(mailing)})" for number, mailing in due or ahead[:1]]
    first = _("First to send: %(what)s.") % {"what": ", ".join(parts)} if parts else _("There is nobody to mail now.")
    return " ".join((found if count else _("Nothing is wrong."), first))
