"""The desk: what ``mkwmail`` says without a command."""

from pathlib import Path

from mkwmail.commands.invocation import Invocation
from mkwmail.commands.status import last_due, statuses_of
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
        statuses = statuses_of(invocation, folder, ledger, events)
        automatic = last_due(ledger, now)
    statuses.sort(key=lambda each: (each.event.ends < now, each.event.starts))
    if statuses:
        show_overview(terminal, statuses, now)
    else:
        terminal.say(_("There is no event yet: put its file in events/."))
    with_steps = [status for status in statuses if status.next_steps]
    for status in with_steps:
        terminal.say()
        if len(statuses) > 1:
            terminal.say(status.event.id, "bold")
        for step in status.next_steps:
            terminal.say(f"  {step}")
    if automatic:
        terminal.say()
        terminal.say(automatic)
    terminal.say()
    terminal.say(_("All commands: mkwmail --help"), "dim")
    return ExitCode.OK


def _readable_events(folder: WorkingFolder, terminal: Terminal) -> list[tuple[Path, Event]]:
    """The events whose file can be read, with it; of the others the first fault, for `check` names them all."""
    events: list[tuple[Path, Event]] = []
    for path in folder.event_paths():
        try:
            events.append((path, read_event(path, folder).value))
        except UserError as error:
            terminal.note(str(error.faults[0]), "yellow")
    return events


def _say_how_to_begin(terminal: Terminal) -> None:
    terminal.say(_("mkwmail invites members to an event: one event file and one member list."))
    terminal.say(_("Here is no working folder (no %(file)s here or above). Make one:") % {"file": SETTINGS})
    terminal.say("  mkwmail init directeurendagen")
    terminal.say(_("All commands: mkwmail --help"), "dim")
