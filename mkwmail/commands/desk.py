"""Plain ``mkwmail``: what is next for each event, what needs a person, and the commands for it.

In a terminal it ends with a question: the sensible next steps, by number.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from mkwmail.clock import day_and_time
from mkwmail.commands.context import Invocation, folder_of, lacking, open_ledger
from mkwmail.commands.status import folder_state_of, last_due, statuses_of
from mkwmail.config.event import Event
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import EXAMPLE_EVENT, EXAMPLE_ID, EXAMPLE_MEMBERS, SETTINGS, WorkingFolder, known_folders
from mkwmail.config.kinds import OWN, kind_of, kind_of_dutch, latest_of, rule_of, shown_name, typed_name
from mkwmail.config.settings import Settings, example_senders, read_settings
from mkwmail.errors import ExitCode, UserError
from mkwmail.files import shipped
from mkwmail.i18n import _, ngettext
from mkwmail.ledger import backups
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import State
from mkwmail.report.recipients import explained
from mkwmail.report.status import EventStatus, deed_words, show_overview
from mkwmail.report.terminal import Terminal

_MOST_CHOICES = 6
_MOST_UNDECIDED = 3
# A whole command in a sentence: words in small letters, names and options.
_COMMAND = re.compile(r"\bmkwmail ((?:--)?[a-z][\w-]*(?: (?:--)?[a-z0-9][\w.-]*)*)")


class Choice(NamedTuple):
    """A next step by number: what it does, the words behind ``mkwmail``, and what is asked to complete them."""

    does: str
    words: tuple[str, ...]
    asks: str = ""


class Step(NamedTuple):
    """One of the first steps in a new folder."""

    done: bool
    says: str
    command: str


def desk(invocation: Invocation) -> tuple[tuple[str, ...], ExitCode]:
    """Print the events, the next steps, and the commands for them.

    Outside a working folder, print how to create one. Return the words of the command that the user chose, nothing if
    the user leaves or cannot be asked; and the code to end with then, which is that of a file that cannot be read.

    :raises UserError: code SETTINGS if it is not clear which working folder is meant.
    """
    terminal = invocation.terminal
    try:
        folder = folder_of(invocation)
    except UserError:
        if invocation.folder is not None or (terminal.interactive and known_folders()):
            raise
        _say_how_to_begin(terminal)
        return (), ExitCode.OK
    events, code = _readable_events(folder, terminal)
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger:
        folder_state = folder_state_of(invocation, folder, ledger)
        code = folder_state.code or code
        statuses = statuses_of(folder_state, ledger, events, now)
        automatic, asleep = last_due(ledger, now)
        no_backup = _backup_gap(ledger)
    statuses.sort(key=lambda each: (each.event.ends < now, each.event.starts))
    # If nothing is sent automatically although it should be, that matters most.
    if asleep:
        terminal.say(automatic, "warning")
        terminal.say()
    if statuses:
        show_overview(terminal, statuses, now)
    else:
        terminal.say(_("There is no event yet: put its file in events/."))
    first = _first_steps(folder, statuses, now)
    _show_first_steps(terminal, first)
    with_steps = [status for status in statuses if status.next_steps or status.catering]
    for status in with_steps:
        terminal.say()
        if len(statuses) > 1:
            terminal.say(status.event.id, "bold")
        for step in (*status.catering, *status.next_steps):
            terminal.say(f"  {step}")
            if _words_in(step)[:1] == ("resolve",):
                _show_undecided(terminal, status, now)
    deeds = sorted((deed for status in statuses for deed in status.deeds), key=lambda each: each.at)
    if len({each.user for each in deeds}) > 1:
        terminal.say()
        terminal.say(_("Last: %(deed)s") % {"deed": deed_words(deeds[-1])})
    if no_backup:
        terminal.say()
        terminal.say(no_backup, "warning")
    if automatic and not asleep:
        terminal.say()
        terminal.say(automatic)
    terminal.say()
    terminal.say(_("All commands: mkwmail --help"), "dim")
    if not terminal.interactive:
        return (), code
    to_come = [status.event.id for status in statuses if status.event.ends >= now or len(statuses) == 1]
    return _chosen(terminal, _choices(statuses, first, now), to_come[0] if len(to_come) == 1 else ""), code


def _show_undecided(terminal: Terminal, status: EventStatus, now: datetime) -> None:
    """Print which mails of an event want a decision, and what the server's reply means."""
    event, wanting = status.event, (State.REFUSED, State.IN_DOUBT, State.SENDING)
    found = [
        f"{shown_name(line.mailing)}, {line.member or line.address}: {explained(line.reason)}"
        for line in status.lines
        if line.state in wanting and line.address
        if line.mailing in event.mailings or not rule_of(line.mailing).needs_entry
        if now <= latest_of(event, line.mailing)
    ]
    for each in found[:_MOST_UNDECIDED]:
        terminal.say(f"    {each}")
    more = len(found) - _MOST_UNDECIDED
    if more > 0:
        terminal.say("    " + ngettext("and %(n)d more", "and %(n)d more", more) % {"n": more})


# The first steps


def _first_steps(folder: WorkingFolder, statuses: Sequence[EventStatus], now: datetime) -> tuple[Step, ...]:
    """Return the first steps in a folder that has sent no mail yet; empty after the first mail."""
    if any(status.lines for status in statuses):
        return ()
    examples = [EXAMPLE_ID] if _is_example(folder.events_dir / EXAMPLE_EVENT, EXAMPLE_EVENT) else []
    own = [status for status in statuses if status.event.ends >= now and status.event.id not in examples]
    event = own[0].event.id if own else EXAMPLE_ID
    mailing = (_due(own[0], now) or next(iter(own[0].event.mailings), "invitation")) if own else "invitation"
    typed = typed_name(mailing)
    rehearsed = folder.rehearsal_dir.is_dir()
    try:
        settings = read_settings(folder)
    except UserError:  # said already
        logs_in = has_list = False
    else:
        logs_in, has_list = _has_login(folder, settings), _has_own_list(folder, settings)
    return (
        Step(logs_in, _("Log in to the mail server"), "mkwmail login"),
        Step(has_list, _("Use your own member list"), _("mkwmail open members")),
        Step(bool(own), _("Make an event of your own"), _("mkwmail new TITLE --date 2027-04-15")),
        Step(rehearsed or folder.preview_dir.is_dir(), _("Look at the mails"), f"mkwmail preview {event} {typed}"),
        Step(rehearsed, _("Rehearse"), f"mkwmail send {event} {typed} --rehearse"),
    )


def _has_login(folder: WorkingFolder, settings: Settings) -> bool:
    return settings.smtp is not None and not example_senders(settings) and lacking(settings, folder.path) is None


def _has_own_list(folder: WorkingFolder, settings: Settings) -> bool:
    path: Path = folder.path / settings.members
    return path.is_file() and not _is_example(path, EXAMPLE_MEMBERS)


def _is_example(path: Path, name: str) -> bool:
    """Check whether a file is an example that `init` wrote, unchanged."""
    try:
        return path.read_bytes() == (shipped("events") / name).read_bytes()
    except OSError:
        return False


def _show_first_steps(terminal: Terminal, steps: Sequence[Step]) -> None:
    """Print the first steps, done or not; in a terminal the question has their commands."""
    if not steps or all(step.done for step in steps):
        return
    terminal.say()
    terminal.say(_("First steps:"), "bold")
    width = max(len(step.says) for step in steps)
    for step in steps:
        mark = "✓" if step.done else "·"
        command = "" if step.done or (terminal.interactive and _words_in(step.command)) else step.command
        terminal.say(f"  {mark} {step.says:<{width}}  {command}".rstrip())


# The question


def _choices(statuses: Sequence[EventStatus], first: Sequence[Step], now: datetime) -> tuple[Choice, ...]:
    """Return the next steps that can be chosen, each command once, the most urgent first."""
    found: dict[tuple[str, ...], Choice] = {}
    for step in first:
        if not step.done and (words := _words_in(step.command)):
            found.setdefault(words, Choice(step.says, words))
    for status in statuses:
        steps = _in_sentences(status.next_steps)
        for choice in (*_of_due(status, now), *steps, *_of_next(status, now), *_of_answers(status, now)):
            found.setdefault(choice.words, choice)
    return tuple(found.values())[:_MOST_CHOICES]


def _of_due(status: EventStatus, now: datetime) -> Iterator[Choice]:
    """Yield what can be done with the mailing that is due."""
    event, name = status.event.id, _due(status, now)
    if name:
        yield Choice(_("look at %(mailing)s") % {"mailing": shown_name(name)}, ("preview", event, name))
        yield Choice(_("rehearse"), ("send", event, name, "--rehearse"))
        yield Choice(_does(send := ("send", event, name)), send)


def _of_next(status: EventStatus, now: datetime) -> Iterator[Choice]:
    """Yield a look at the mailing that is next, if none is due."""
    ahead = next(status.open_mailings(now), None)
    if ahead is not None and not _due(status, now):
        looks = _("look at %(mailing)s") % {"mailing": shown_name(ahead.mailing)}
        yield Choice(looks, ("preview", status.event.id, ahead.mailing))


def _due(status: EventStatus, now: datetime) -> str:
    """Return the mailing that is due and not done; empty if there is none."""
    ready = (each for each in status.mailings if not each.over and each.left)
    return next((each.mailing for each in ready if each.send and each.send <= now), "")


def _of_answers(status: EventStatus, now: datetime) -> Iterator[Choice]:
    """Yield the import of sign-ups, while people sign up."""
    if status.event.registration is not None and status.lines and now <= status.event.ends:
        yield Choice(
            _("read sign-ups"), ("answers", "import", status.event.id), _("The file (drag it into this window):")
        )


def _in_sentences(sentences: Iterable[str]) -> Iterator[Choice]:
    for sentence in sentences:
        if words := _words_in(sentence):
            yield Choice(_does(words), words)


def _does(words: Sequence[str]) -> str:
    """Return in words what a command does, as far as a sentence names it."""
    if words[0] == "send" and len(words) > 2:
        return _("send %(mailing)s") % {"mailing": shown_name(words[2])}
    does = {
        "send": _("send"),
        "schedule": _("send automatically"),
        "resolve": _("decide about mails"),
        "check": _("see what is wrong"),
        "status": _("see who did not get it"),
        "answers": _("see who comes"),
        "purge": _("remove personal data"),
        "login": _("log in"),
    }
    return does.get(words[0], "")


def _words_in(sentence: str) -> tuple[str, ...]:
    """Return the words of the command that a sentence ends with; nothing if it is incomplete.

    >>> _words_in("To decide: mkwmail resolve dag-2020"), _words_in("mkwmail new TITLE --date 2020-01-01")
    (('resolve', 'dag-2020'), ())
    """
    found = _COMMAND.search(sentence)
    if found is None or sentence[found.end() :].strip(" .)`"):
        return ()
    words = found[1].rstrip(".").split()
    # In Dutch the sentence has the mailing's Dutch name.
    return (*words[:2], *(kind_of_dutch(word) or word for word in words[2:]))


# Commands that take the only event to come if none is named.
_PRESUMES = ("preview", "send", "schedule", "check", "resolve", "answers")


def _to_type(words: Sequence[str], only: str) -> str:
    """Return a command as briefly as it can be typed: without the only event, and with the mailing's own name."""
    brief = [word for word in words if word != only or words[0] not in _PRESUMES]
    return " ".join(("mkwmail", *(typed_name(word) if kind_of(word) != OWN else word for word in brief)))


def _chosen(terminal: Terminal, choices: Sequence[Choice], only: str) -> tuple[str, ...]:
    """Ask for a next step by its number; return the words of its command, or nothing.

    :param only: the event that is meant if none is named; empty if there are several.
    """
    if not choices:
        return ()
    terminal.note()
    width = max(len(choice.does) for choice in choices)
    for number, choice in enumerate(choices, 1):
        does = f"{choice.does[:1].upper()}{choice.does[1:]}"
        terminal.note(f"  {number}  {does:<{width}}  {_to_type(choice.words, only)}")
    while said := terminal.ask(_("Type a number, or q to quit:")).casefold():
        if said in ("q", "quit", "stop"):
            return ()
        if said.isdecimal() and 0 < int(said) <= len(choices):
            chosen = choices[int(said) - 1]
            more = terminal.ask(chosen.asks).strip("'\"") if chosen.asks else ""
            if chosen.asks and not more:
                return ()
            words = (*chosen.words, more) if more else chosen.words
            terminal.note(f"  {_to_type(words, only)}")
            return words
    return ()


def _backup_gap(ledger: Ledger) -> str:
    """Return how old the newest backup is, if mail was sent that no backup has; else empty."""
    if not backups.is_due(ledger.database):
        return ""
    last = backups.newest(ledger.database)
    if last is None:
        return _("There is no backup of the ledger: the next `send` or `due` that sends mail makes one.")
    said = _("The newest backup of the ledger is of %(moment)s; mail was sent since, and it could not be copied.")
    return said % {"moment": day_and_time(last.at)}


def _readable_events(folder: WorkingFolder, terminal: Terminal) -> tuple[list[tuple[Path, Event]], ExitCode]:
    """Return the events whose files can be read, with their paths; and the code of a fault in the others.

    For the other files, print the first fault only: `check` prints all of them.
    """
    events: list[tuple[Path, Event]] = []
    code = ExitCode.OK
    for path in folder.event_paths():
        try:
            events.append((path, read_event(path, folder).value))
        except UserError as error:
            terminal.note(str(error.faults[0]), "warning")
            code = error.code
    return events, code


def _say_how_to_begin(terminal: Terminal) -> None:
    terminal.say(_("mkwmail invites members to an event: one event file and one member list."))
    terminal.say(_("This is not a working folder (there is no %(file)s here or above). Make one:") % {"file": SETTINGS})
    terminal.say("  mkwmail init directeurendagen")
    terminal.say(_("All commands: mkwmail --help"), "dim")
