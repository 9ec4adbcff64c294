"""``due``: what cron runs. Sends what is approved and due, tries again what was put off, and is silent otherwise."""

from datetime import datetime, timedelta

from mkwmail.commands.automatic import Automatic, Found
from mkwmail.commands.guard import really_handed_to
from mkwmail.commands.invocation import Invocation, announce
from mkwmail.commands.telling import forget, tell, told_now
from mkwmail.commands.timetabling import timetable_of
from mkwmail.commands.workplace import Sources, call_roll, folder_of, open_ledger
from mkwmail.errors import ExitCode, UserError
from mkwmail.language import _
from mkwmail.ledger.last_seen import Comparison
from mkwmail.ledger.ledger import Ledger
from mkwmail.report import matters
from mkwmail.report.due import due_value, is_worth_a_word, show_went
from mkwmail.report.timetable import outlook_rows, outlook_value, show_outlook
from mkwmail.report.words import was_handed_to
from mkwmail.sending.outcome import gravest
from mkwmail.sending.schedule import Slot
from mkwmail.sources.event import Event
from mkwmail.sources.event_file import read_event
from mkwmail.sources.folder import WorkingFolder, id_in
from mkwmail.sources.member_list import read_members
from mkwmail.sources.settings import Settings
from mkwmail.sources.settings_file import read_settings

COMMAND = "due"
DAYS = 30

# How long another run may hold the ledger before that is worth a word: two runs of cron often meet.
_PATIENCE = timedelta(hours=1)


def due(invocation: Invocation, *, json: bool = False) -> ExitCode:
    """Send what is approved and due; the exit code says what is left, also where nothing is said about it.

    :raises UserError: where there is no working folder, or its ledger cannot be used.
    """
    folder = folder_of(invocation)
    with open_ledger(invocation, folder) as ledger:
        settings, found = _settings(folder)
        if not found.matters:
            found = _found(invocation, folder, ledger, settings)
        if json:
            invocation.terminal.document(due_value(found.went, found.matters))
        went = tuple(each for each in found.went if is_worth_a_word(each))
        telling = told_now(ledger, settings, found.matters, invocation.clock.now())
        server = really_handed_to(settings, invocation.shifted)
        if went or telling.said:
            announce(invocation, server if went or telling.mailed else "")
        if not json:
            show_went(invocation.terminal, went)
        if server and any(each.outcome.sent or each.outcome.in_doubt for each in went):
            screen = invocation.terminal.beside() if json else invocation.terminal
            screen.say(was_handed_to(server), "yellow")
        tell(invocation, folder, settings, ledger, telling)
        if found.whole:
            forget(ledger, found.matters)
    return gravest([*found.codes, *(matter.code for matter in found.matters)])


def _settings(folder: WorkingFolder) -> tuple[Settings | None, Found]:
    try:
        return read_settings(folder), Found()
    except UserError as error:
        what = _("the settings are faulty: nothing goes by itself")
        dutch = "De instellingen zijn niet in orde: er gaat niets vanzelf uit."
        return None, Found([matters.faulty("settings", error.code, error.faults, what, dutch)], whole=False)


def _found(invocation: Invocation, folder: WorkingFolder, ledger: Ledger, settings: Settings | None) -> Found:
    now = invocation.clock.now()
    if ledger.other_computer:
        return Found([matters.other_computer()], whole=False)
    automatic = Automatic(invocation, folder, ledger)
    try:
        with ledger.hold(COMMAND, now):
            compared = _compared(ledger)
            if isinstance(compared, UserError):
                return Found([matters.no_ledger(compared.code, compared.faults[0])], whole=False)
            ledger.settle(now)
            if compared.is_news:
                ledger.keep_note(compared)
                automatic.found.matters.append(matters.moved(compared.there, compared.here))
            if settings is not None:
                automatic.run(settings)
    except UserError as error:
        if error.code is not ExitCode.LEDGER_HELD:
            raise
        return _held(ledger, error, now)
    return automatic.found


def _compared(ledger: Ledger) -> Comparison | UserError:
    """The ledger beside its note; or why nothing is sent from it, which is told once a day like all else."""
    try:
        found = ledger.compare()
    except UserError as error:
        return error
    return found.refusal() or found


def _held(ledger: Ledger, error: UserError, now: datetime) -> Found:
    holder = ledger.holder()
    if holder is None or now - holder.since < _PATIENCE:
        return Found(codes=[ExitCode.LEDGER_HELD], whole=False)
    return Found([matters.held(error.faults[0].fault, holder.since)], whole=False)


# What is to come


def outlook(invocation: Invocation, *, json: bool = False) -> ExitCode:
    """Show what the next days bring; nothing is sent.

    :raises UserError: where a file is faulty.
    """
    folder, now = folder_of(invocation), invocation.clock.now()
    until = now + timedelta(days=DAYS)
    rows: list[tuple[datetime, Event, Slot]] = []
    with open_ledger(invocation, folder) as ledger:
        settings = read_settings(folder)
        path = folder.path / settings.members
        members = read_members(path, folder.shown(path))
        roll = call_roll(members.members, ledger.identify)
        # Events of which nothing was approved do not concern `due`, faulty or not.
        for event_id in sorted({each.event for each in ledger.go_aheads()} & set(map(id_in, folder.event_paths()))):
            event_path = folder.event_path(event_id)
            read = read_event(event_path, folder)
            sources = Sources(folder, settings, event_path, read.value, members, read.warnings)
            slots = timetable_of(sources, roll, ledger, now)
            rows += [(goes, read.value, slot) for goes, slot in outlook_rows(slots, now, until)]
    rows.sort(key=lambda row: row[0])
    if json:
        invocation.terminal.document(outlook_value(rows, DAYS))
    else:
        show_outlook(invocation.terminal, rows, DAYS)
    return ExitCode.OK
