"""What a person must say before anything is sent."""

from collections.abc import Mapping

from mkwmail.commands.invocation import Invocation
from mkwmail.commands.workplace import Roll
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.ledger.computer import this_computer
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.persons import NEW
from mkwmail.moments import day_and_time
from mkwmail.report.terminal import Terminal
from mkwmail.report.words import mails
from mkwmail.sending.schedule import moved_far
from mkwmail.sources.event import Event
from mkwmail.sources.kinds import Kind, kind_of


def refuse_without_terminal(terminal: Terminal, yes: bool) -> None:
    """See that somebody can confirm, or did so in advance.

    :raises UserError: code SETTINGS (approval missing).
    """
    if not yes and not terminal.interactive:
        fault = _("nobody is at the keyboard to confirm this")
        remedy = _("give the command at a terminal, or add --yes to say so beforehand")
        raise UserError(Fault("", fault, remedy), code=ExitCode.SETTINGS)


def ask_about_computer(invocation: Invocation, ledger: Ledger) -> None:
    """Where the ledger was last used on another computer, ask whether it has moved here.

    :raises UserError: code SETTINGS where it has not, or nobody can be asked: with two of it in use, people
        would be mailed twice.
    """
    if not ledger.other_computer:
        return
    terminal = invocation.terminal
    fault = _("this ledger was made or last used on another computer")
    remedy = _("send from that computer; or, if the folder has moved here for good, type `send` in a terminal")
    if not terminal.interactive:
        raise UserError(Fault(_("the ledger"), fault, remedy), code=ExitCode.SETTINGS)
    terminal.note(_("This ledger was made or last used on another computer."), "yellow")
    terminal.note(_("If it is still used there too, members will be mailed twice."), "yellow")
    if terminal.ask(_("Is this computer the only one from now on? Type yes:")).casefold() not in ("yes", "ja"):
        raise UserError(Fault(_("the ledger"), fault, remedy), code=ExitCode.SETTINGS)
    ledger.adopt(this_computer())


def ask_about_move(invocation: Invocation, ledger: Ledger, event: Event) -> None:
    """Where an event that was mailed about is now far from its day, ask whether it is the same event.

    :raises UserError: code SETTINGS where it is not, or nobody can be asked: who had the earlier event's mails would
        not get this one's.
    """
    earlier = moved_far(event, ledger.go_aheads(), ledger.deliveries(event.id))
    if earlier is None:
        return
    terminal = invocation.terminal
    words = {"id": event.id, "before": day_and_time(earlier), "now": day_and_time(event.starts), "title": event.title}
    fault = _("%(id)s was mailed about as an event on %(before)s, and is now on %(now)s") % words
    remedy = _(
        'for another event, make a file with an id of its own: mkwmail new "%(title)s" --date DATE --from %(id)s; '
        "if this one was moved, say so in a terminal"
    )
    if not terminal.interactive:
        raise UserError(Fault("", fault, remedy % words), code=ExitCode.SETTINGS)
    terminal.note(fault, "yellow")
    terminal.note(_("For another event everybody must get everything again: then it needs an id of its own."), "yellow")
    if terminal.ask(_("Is it the same event, moved? Type yes:")).casefold() not in ("yes", "ja"):
        raise UserError(Fault("", fault, remedy % words), code=ExitCode.SETTINGS)


def decisions(terminal: Terminal, roll: Roll, ledger: Ledger) -> Mapping[str, str]:
    """What the person says of rows of which it is doubtful who they are; empty where nobody can be asked."""
    decided: dict[str, str] = {}
    if not terminal.interactive:
        return decided
    persons = {person.key: person for person in ledger.persons()}
    for member, who in roll.doubtful:
        terminal.note(who.doubt or "", "yellow")
        known = [persons[key] for key in who.candidates if key in persons]
        for number, person in enumerate(known, start=1):
            terminal.note(f"  {number}  {person.name} <{person.address}>, {person.organisation}")
        answer = terminal.ask(_("  Type the number of who it is, n for somebody new, Enter to leave out now:"))
        if answer.casefold() == "n":
            decided[member.address_key] = NEW
        elif answer.isdecimal() and 1 <= int(answer) <= len(known):
            decided[member.address_key] = known[int(answer) - 1].key
    return decided


def confirmed(terminal: Terminal, event: str, mailing: str, count: int) -> bool:
    """Whether the person types the number of mails; for a cancellation, the event's id."""
    if kind_of(mailing) is Kind.CANCELLATION:
        wanted = event
        question = _("This cancels the event. To send %(mails)s, type %(wanted)s:")
    else:
        wanted = str(count)
        question = _("To send %(mails)s, type %(wanted)s:")
    return terminal.ask(question % {"mails": mails(count), "wanted": wanted}) == wanted
