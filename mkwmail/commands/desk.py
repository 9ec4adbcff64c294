"""The desk: what ``mkwmail`` says without a command."""

from mkwmail.commands.invocation import Invocation
from mkwmail.commands.status import keep_of, last_due, roll_or_fault, status_of
from mkwmail.commands.workplace import folder_of, open_ledger
from mkwmail.errors import ExitCode, UserError
from mkwmail.language import _
from mkwmail.report.status import show_overview
from mkwmail.report.terminal import Terminal
from mkwmail.sources.event import Event
from mkwmail.sources.event_file import read_event
from mkwmail.sources.folder import SETTINGS, WorkingFolder


def desk(invocation: Invocation) -> ExitCode:
    """Print the events, what is next, and the command for it; outside a working folder, how to make one."""
    terminal = invocation.terminal
    if invocation.folder is None:
        try:
            folder = folder_of(invocation)
        except UserError:
            _say_how_to_begin(terminal)
            return ExitCode.OK
    else:
        folder = folder_of(invocation)
    events = _readable_events(folder, terminal)
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger:
        roll = roll_or_fault(invocation, folder, ledger)
        keep = keep_of(folder)
        statuses = [status_of(event, ledger, roll, keep, now) for event in events]
        automatic = last_due(ledger)
    statuses.sort(key=lambda each: (each.event.ends < now, each.event.starts))
    if statuses:
        show_overview(terminal, statuses)
    else:
        terminal.say(_("There is no event yet: put its file in events/."))
    steps = [step for status in statuses for step in status.next_steps]
    if steps:
        terminal.say()
    for step in steps:
        terminal.say(step)
    if automatic:
        terminal.say()
        terminal.say(automatic)
    terminal.say()
    terminal.say(_("All commands: mkwmail --help"), "dim")
    return ExitCode.OK


def _readable_events(folder: WorkingFolder, terminal: Terminal) -> list[Event]:
    """The events whose file can be read; of the others the first fault, for `check` names them all."""
    events = []
    for path in folder.event_paths():
        try:
            events.append(read_event(path, folder).value)
        except UserError as error:
            terminal.note(str(error.faults[0]), "yellow")
    return events


def _say_how_to_begin(terminal: Terminal) -> None:
    terminal.say(_("mkwmail invites members to an event: one event file and one member list."))
    terminal.say(_("Here is no working folder (no %(file)s here or above). Make one:") % {"file": SETTINGS})
    terminal.say("  mkwmail init directeurendagen")
    terminal.say(_("All commands: mkwmail --help"), "dim")
