"""Leafing through mails in the terminal: one after the other, with a key."""

from collections.abc import Sequence
from datetime import datetime

from mkwmail.commands.composing import Outgoing
from mkwmail.commands.who import Candidate, find_person
from mkwmail.dutch.names import full_name
from mkwmail.errors import UserError
from mkwmail.language import _
from mkwmail.report.faults import fault_lines
from mkwmail.report.keys import read_key
from mkwmail.report.mail import mail_view, show_mail
from mkwmail.report.terminal import Terminal

_NEXT = frozenset("n \r\n")
_BACK = frozenset("p\x7f\b")


def leaf_through(terminal: Terminal, outgoing: Sequence[Outgoing], moment: datetime) -> None:
    """Show the first mail, and then whichever the person asks for, until they stop."""
    at = 0
    shown = -1
    while True:
        if at != shown:
            terminal.say()
            show_mail(terminal, mail_view(outgoing[at].message(moment)))
            shown = at
        words = {"number": at + 1, "of": len(outgoing)}
        terminal.note(_("Mail %(number)d of %(of)d: n next, p previous, / search, q quit") % words, "dim")
        key = read_key()
        if key in _NEXT and key:
            at = min(at + 1, len(outgoing) - 1)
        elif key in _BACK and key:
            at = max(at - 1, 0)
        elif key == "/":
            at = _searched(terminal, outgoing, at)
        elif key in ("q", "", "\x1b", "\x04"):
            return


def _searched(terminal: Terminal, outgoing: Sequence[Outgoing], at: int) -> int:
    """The place of the member whom the person names; where they are not found, it stays."""
    word = terminal.ask(_("Name, address or number:"))
    if not word:
        return at
    members = [each.planned.member for each in outgoing]
    candidates = [
        Candidate(str(number), full_name(member.name), member.email, member.organisation, member.number)
        for number, member in enumerate(members)
    ]
    try:
        return int(find_person(word, candidates).key)
    except UserError as error:
        for line in fault_lines(error.faults):
            terminal.note(line, "yellow")
        return at
