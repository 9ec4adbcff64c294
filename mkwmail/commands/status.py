"""``status``: who got what, who did not, and why."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from mkwmail.commands.attending import attendance_of, not_listed
from mkwmail.commands.choice import overtaken
from mkwmail.commands.invocation import Invocation
from mkwmail.commands.pages import write_page
from mkwmail.commands.workplace import Roll, folder_of, history_of, open_ledger, plan_for, read_roll
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _, ngettext
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.persons import Person, is_mark
from mkwmail.ledger.records import Delivery, State
from mkwmail.moments import day_in_words, moment_from
from mkwmail.report.answers import counts_in_words
from mkwmail.report.course import course_of
from mkwmail.report.matters import LOGIN_FAILS
from mkwmail.report.status import (
    SKIPPED,
    Due,
    EventStatus,
    Line,
    reply_words,
    show_overview,
    show_status,
    status_csv,
    status_value,
)
from mkwmail.report.status_page import status_page
from mkwmail.report.timetable import last_run_words
from mkwmail.sending.outdated import Outdated, mending, outdated
from mkwmail.sending.plan import History
from mkwmail.sending.schedule import WHEN
from mkwmail.sources.event import Event
from mkwmail.sources.event_file import read_event
from mkwmail.sources.folder import WorkingFolder
from mkwmail.sources.kinds import in_order, kind_of, latest_of
from mkwmail.sources.settings import Keep
from mkwmail.sources.settings_file import read_settings
from mkwmail.system import reason_of


def status(
    invocation: Invocation,
    event: str | None,
    *,
    skipped: bool = False,
    json: bool = False,
    csv: Path | None = None,
    html: Path | None = None,
) -> ExitCode:
    """Print where one event stands, or all of them.

    A faulty member list does not hide what was sent: the fault is said, and who is still to get mail is not.
    """
    if sum((json, csv is not None, html is not None)) > 1:
        raise UserError(Fault("", _("--json, --csv and --html exclude each other.")), code=ExitCode.USAGE)
    if html is not None and event is None:
        fault = _("--html is the page of one event: name it")
        raise UserError(Fault("", fault, f"mkwmail status EVENT --html {html}"), code=ExitCode.USAGE)
    folder = folder_of(invocation)
    paths = [folder.event_path(event)] if event is not None else list(folder.event_paths())
    events = [read_event(path, folder).value for path in paths]
    terminal = invocation.terminal
    with open_ledger(invocation, folder) as ledger:
        roll = roll_or_fault(invocation, folder, ledger)
        keep = keep_of(folder)
        statuses = [status_of(each, ledger, roll, keep, invocation.clock.now()) for each in events]
        automatic = last_due(ledger)
        ran = ledger.last_run(DUE)
    if csv is not None:
        write_file(csv, status_csv(statuses))
        terminal.note(_("Wrote %(file)s") % {"file": csv})
    elif html is not None:
        write_page(html, status_page(statuses[0], invocation.clock.now()))
        terminal.note(_("Wrote %(file)s") % {"file": html})
    elif json:
        values = [status_value(each) for each in statuses]
        last = {"last_due": ran.started.isoformat() if ran else None}
        terminal.document({**values[0], **last} if event is not None else {"events": values, **last})
    elif event is not None:
        show_status(terminal, statuses[0], skipped)
    else:
        show_overview(terminal, statuses)
    if automatic and not (csv or json or html):
        terminal.say()
        terminal.say(automatic)
    return ExitCode.OK


# The name under which `due` holds the ledger.
DUE = "due"


def last_due(ledger: Ledger) -> str | None:
    """When `due` last ran, and what it cannot mail about; None where nothing was ever to go by itself."""
    last = ledger.last_run(DUE)
    if last is None and not any(WHEN in each.terms for each in ledger.go_aheads()):
        return None
    words = last_run_words(last.started if last else None)
    if LOGIN_FAILS in ledger.reported():
        words += "\n" + _("It could not log in to the mail server then. To look why, type: mkwmail login")
    return words


def write_file(path: Path, data: bytes) -> None:
    """Write a result that was asked for as a file.

    :raises UserError: code USAGE where it cannot be written.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        fault = _("cannot be written: %(why)s") % {"why": reason_of(error)}
        remedy = _("close it where it is open (Excel), or name another file")
        raise UserError(Fault(str(path), fault, remedy), code=ExitCode.USAGE) from None


def roll_or_fault(invocation: Invocation, folder: WorkingFolder, ledger: Ledger) -> Roll | None:
    """Who is in the member list; None where it cannot be read, which is then said."""
    try:
        return read_roll(folder, ledger)
    except UserError as error:
        for fault in error.faults:
            invocation.terminal.note(str(fault), "yellow")
        return None


def keep_of(folder: WorkingFolder) -> Keep:
    """How long data about people is to be kept; the default where the settings cannot be read."""
    try:
        return read_settings(folder).keep
    except UserError:
        return Keep.default()


def status_of(event: Event, ledger: Ledger, roll: Roll | None, keep: Keep, now: datetime) -> EventStatus:
    """Where an event stands at this moment."""
    history = history_of(ledger, event)
    members = {each.person: each.member.organisation for each in roll.listings} if roll else {}
    persons = {person.key: person for person in history.persons}
    lines = [_line(each, persons, members) for each in history.deliveries]
    lines += _skipped_lines(event, ledger, persons, lines)
    due = []
    over = overtaken(history)
    for name in in_order(event):
        left = 0
        if roll is not None and kind_of(name) not in over:
            left = len(plan_for(event, name, roll, history, now).to_send)
        due.append(Due(name, event.mailings[name].send, left))
    behind = outdated(event, roll.listings, history, now) if roll else ()
    attendance = attendance_of(event, ledger, roll, history)
    steps = [*_mending_steps(event, history, behind), *_next_steps(event, lines, due, now)]
    if attendance.unsettled:
        settle = ngettext(
            "To settle %(n)d sign-up: mkwmail answers list %(event)s",
            "To settle %(n)d sign-ups: mkwmail answers list %(event)s",
            attendance.unsettled,
        )
        steps.append(settle % {"n": attendance.unsettled, "event": event.id})
    steps += _purge_steps(event, ledger, keep, now)
    return EventStatus(
        event,
        tuple(lines),
        tuple(due),
        tuple(steps),
        behind,
        attendance,
        not_listed(event, ledger, roll, history) if roll else (),
        course_of(ledger.answers(event.id), history.deliveries),
    )


def _purge_steps(event: Event, ledger: Ledger, keep: Keep, now: datetime) -> Iterator[str]:
    """That people's data was removed, or is to be."""
    purged = ledger.purged().get(event.id)
    if purged is not None:
        said = _("People's data was removed on %(day)s.") % {"day": day_in_words(purged.at)}
        counts = counts_in_words(list(Counter(purged.totals).elements()))
        answers = _("Answers: %(counts)s") % {"counts": counts}
        yield f"{said} {answers}" if counts else said
    if event.ends < now and ledger.has_dietary(event.id):
        yield _("No longer needed are the dietary wishes: mkwmail purge %(event)s --dietary") % {"event": event.id}
    if keep.until(event.ends) < now and ledger.has_personal(event.id):
        yield _("Kept long enough is people's data: mkwmail purge %(event)s") % {"event": event.id}


def _mending_steps(event: Event, history: History, behind: Sequence[Outdated]) -> list[str]:
    """That the event is closed, if it is; the command for those who know other facts, as far as it reaches them."""
    steps = []
    if history.cancelled:
        closed = _("Cancelled on %(day)s: only a correction of the cancellation can follow.")
        steps.append(closed % {"day": day_in_words(history.cancelled)})
    count = sum(not each.why_not for each in behind)
    if not count:
        return steps
    step = ngettext(
        "To tell the %(n)d who does not know: mkwmail send %(event)s %(mailing)s",
        "To tell the %(n)d who do not know: mkwmail send %(event)s %(mailing)s",
        count,
    )
    return [*steps, step % {"n": count, "event": event.id, "mailing": mending(history)}]


def _line(each: Delivery, persons: Mapping[str, Person], organisations: Mapping[str, str]) -> Line:
    person = persons.get(each.person)
    return Line(
        mailing=each.round.mailing,
        edition=each.round.edition,
        member=_("(forgotten)") if is_mark(each.address) else person.name if person else "",
        organisation=organisations.get(each.person, person.organisation if person else ""),
        address="" if is_mark(each.address) else each.address,
        state=each.state.value,
        moment=each.since,
        reason="" if each.state is State.SENT else reply_words(each),
    )


def _skipped_lines(event: Event, ledger: Ledger, persons: Mapping[str, Person], lines: Sequence[Line]) -> list[Line]:
    """Those who were left out when a mailing went and have not had it since."""
    last = {(each.round, each.person): each for each in ledger.skips(event.id)}
    had = {(line.mailing, line.edition, line.address) for line in lines}
    found = []
    for skip in last.values():
        person = persons.get(skip.person)
        name, organisation, address = (person.name, person.organisation, person.address) if person else ("",) * 3
        if (skip.round.mailing, skip.round.edition, address) not in had:
            of = skip.round
            found.append(Line(of.mailing, of.edition, name, organisation, address, SKIPPED, skip.at, skip.reason))
    return found


def _next_steps(event: Event, lines: Sequence[Line], due: Sequence[Due], now: datetime) -> list[str]:
    steps = []
    if any(line.state in (State.IN_DOUBT, State.SENDING, State.REFUSED) and line.address for line in lines):
        steps.append(_("To decide about them: mkwmail resolve %(event)s") % {"event": event.id})
    current = [each for each in due if each.left and each.send and now <= latest_of(event, each.mailing)]
    for each in current:
        if each.send is not None and each.send <= now:
            words = {"mailing": each.mailing, "event": event.id}
            steps.append(_("Due now: mkwmail send %(event)s %(mailing)s") % words)
    ahead = [each for each in current if each.send is not None and each.send > now]
    if ahead and ahead[0].send is not None:
        words = {"mailing": ahead[0].mailing, "moment": moment_from(now, ahead[0].send)}
        steps.append(_("Next: %(mailing)s, planned for %(moment)s") % words)
    return steps
